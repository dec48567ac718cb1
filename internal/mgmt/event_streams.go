package mgmt

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/eventstream"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// eventStreams tell something outside of what happens to users and organizations (Management API objects 9); internal/eventstream delivers.
var eventStreams = func() documents {
	n := newDocuments("event_stream", "est_", "eventStreams", "The requested stream does not exist.")
	n.kind = store.EventStreams
	n.defaults = map[string]json.RawMessage{"status": json.RawMessage(`"enabled"`), "subscriptions": json.RawMessage("[]")}
	n.hide = func(members map[string]any) {
		destination, _ := members["destination"].(map[string]any)
		configuration, _ := destination["configuration"].(map[string]any)
		if authorization, _ := configuration["webhook_authorization"].(map[string]any); authorization != nil {
			for _, secret := range []string{"token", "password", "header_value"} {
				delete(authorization, secret)
			}
		}
	}
	return n
}()

// eventStreamID is what ids of event streams look like.
var eventStreamID = regexp.MustCompile(`^est_[A-Za-z0-9]{22}$`)

// ofEventStream refuses an id that is none before an operation looks for the stream.
func ofEventStream(o operation) operation {
	run := o.run
	o.run = func(c *call) (any, error) {
		if !eventStreamID.MatchString(c.id()) {
			return nil, (&web.Violation{
				Path: "id", Doc: "Unique identifier for the event stream", Reason: "Object didn't pass validation for format event-stream-id: " + bounded(c.id(), 100),
			}).URI()
		}
		return run(c)
	}
	return o
}

type subscriptionIn struct {
	EventType string `json:"event_type" schema:"required,enum=user.created|user.updated|user.deleted|organization.created|organization.updated|organization.deleted|organization.member.added|organization.member.deleted|organization.member.role.assigned|organization.member.role.deleted|organization.connection.added|organization.connection.updated|organization.connection.removed|organization.group.role.assigned|organization.group.role.deleted|group.created|group.updated|group.deleted|group.member.added|group.member.deleted|group.role.assigned|group.role.deleted"`
}

type webhookAuthorizationIn struct {
	Method      string `json:"method" schema:"required,enum=basic|bearer|custom_header"`
	Username    string `json:"username" schema:"max=128" pattern:"^[^:]*$"`
	Password    string `json:"password"`
	Token       string `json:"token"`
	HeaderKey   string `json:"header_key"`
	HeaderValue string `json:"header_value"`
}

type destinationIn struct {
	Type          string `json:"type" schema:"required,enum=webhook|eventbridge|action"`
	Configuration struct {
		WebhookEndpoint      string                  `json:"webhook_endpoint" schema:"format=uri"`
		WebhookAuthorization *webhookAuthorizationIn `json:"webhook_authorization"`
		AWSAccountID         string                  `json:"aws_account_id" pattern:"^[0-9]{12}$"`
		AWSRegion            string                  `json:"aws_region" pattern:"^[a-z]{2}(-[a-z]+)+-[0-9]$"`
		AWSPartnerSource     string                  `json:"aws_partner_event_source"` // the other side tells it, and tools send it back
		ActionID             string                  `json:"action_id"`
	} `json:"configuration" schema:"required"`
}

type createEventStreamIn struct {
	Name          string           `json:"name" schema:"min=1,max=128" doc:"Name of the event stream"`
	Subscriptions []subscriptionIn `json:"subscriptions" schema:"min=1" doc:"List of event types subscribed to in this stream"`
	Destination   destinationIn    `json:"destination" schema:"required"`
	Status        string           `json:"status" schema:"enum=enabled|disabled" doc:"Whether the stream is sending events"`
}

type updateEventStreamIn struct {
	_             struct{}               `schema:"min=1"`
	Name          web.Opt[string]        `json:"name" schema:"notnull,min=1,max=128" doc:"Name of the event stream"`
	Subscriptions []subscriptionIn       `json:"subscriptions" schema:"min=1" doc:"List of event types subscribed to in this stream"`
	Destination   web.Opt[destinationIn] `json:"destination" schema:"notnull"`
	Status        string                 `json:"status" schema:"enum=enabled|disabled" doc:"Whether the stream is sending events"`
}

func (a *API) createEventStream(c *call, _ createEventStreamIn) (any, error) {
	return eventStreams.create(c, func(d *stagedoor.Document) error { return checkEventStream(c, d, nil) })
}

// updateEventStream changes a stream. One that was disabled because too much of it failed is enabled again when enough of that was delivered.
func (a *API) updateEventStream(c *call, in updateEventStreamIn) (any, error) {
	if in.Status == "enabled" {
		failures, err := c.store.EventFailures(c.ctx(), c.id())
		if err != nil {
			return nil, err
		}
		if failures >= eventstream.MaxFailures {
			return nil, bad("", "The stream cannot be enabled while "+itoa(eventstream.MaxFailures)+" or more of its deliveries have failed. Redeliver them first.")
		}
	}
	old, err := eventStreams.kind.Get(c.ctx(), c.store, c.id())
	if err != nil {
		return nil, err
	}
	next := *old
	if err := eventStreams.set(c, &next); err != nil {
		return nil, err
	}
	if in.Destination.Set { // what was kept before destinations were looked at can be renamed and disabled
		if err := checkEventStream(c, &next, old); err != nil {
			return nil, err
		}
	}
	d, err := eventStreams.kind.Update(c.ctx(), c.store, c.id(), func(d *stagedoor.Document) error {
		old := *d
		if err := eventStreams.set(c, d); err != nil {
			return err
		}
		return keepWebhookSecrets(d, &old)
	})
	if err != nil {
		return nil, err
	}
	return eventStreams.show(d)
}

func (a *API) deleteEventStream(c *call) (any, error) {
	_, err := c.store.DeleteEventStream(c.ctx(), c.id())
	return map[string]any{}, err
}

// keepWebhookSecrets puts in secrets that are never shown, and that nobody can therefore send back, where the way of authorization is as it was.
func keepWebhookSecrets(d, old *stagedoor.Document) error {
	var next, was map[string]any
	if err := json.Unmarshal([]byte(d.Sealed), &next); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(old.Sealed), &was); err != nil {
		return err
	}
	authorization := func(members map[string]any) (of, authorization map[string]any) {
		destination, _ := members["destination"].(map[string]any)
		configuration, _ := destination["configuration"].(map[string]any)
		authorization, _ = configuration["webhook_authorization"].(map[string]any)
		return configuration, authorization
	}
	to, now := authorization(next)
	from, before := authorization(was)
	switch {
	case to == nil || from == nil || before == nil:
		return nil
	case now == nil && to["webhook_endpoint"] == from["webhook_endpoint"]: // another address must not get what this one was given
		to["webhook_authorization"] = before
	case now != nil && now["method"] == before["method"] && to["webhook_endpoint"] == from["webhook_endpoint"]:
		for name, value := range before {
			if _, told := now[name]; !told {
				now[name] = value
			}
		}
	}
	b, err := json.Marshal(next)
	d.Sealed = string(b)
	return err
}

// checkEventStream tells what keeps a stream from being delivered. old is what it was; nil for a new one.
func checkEventStream(c *call, d, old *stagedoor.Document) error {
	if old != nil {
		if err := keepWebhookSecrets(d, old); err != nil {
			return err
		}
	}
	s, err := stagedoor.EventStreamOf(d)
	if err != nil {
		return err
	}
	to := s.Destination.Configuration
	switch s.Destination.Type {
	case "webhook":
		return checkWebhook(to)
	case "action":
		act, err := c.store.Action(c.ctx(), to.ActionID)
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			return badProperty("destination.configuration.action_id", "There is no such action")
		}
		if err == nil && act.Draft.Trigger.ID != script.EventStream.ID {
			return badProperty("destination.configuration.action_id", "The action is for the trigger "+act.Draft.Trigger.ID)
		}
		return err
	case "eventbridge":
		return checkEventBridge(d)
	}
	return nil
}

func checkEventBridge(d *stagedoor.Document) error {
	var in struct{ Destination destinationIn }
	if err := json.Unmarshal([]byte(d.Sealed), &in); err != nil {
		return err
	}
	switch to := in.Destination.Configuration; {
	case to.AWSAccountID == "":
		return badProperty("destination.configuration", "Missing required property: aws_account_id")
	case to.AWSRegion == "":
		return badProperty("destination.configuration", "Missing required property: aws_region")
	}
	return nil
}

func checkWebhook(to stagedoor.EventConfiguration) error {
	const at = "destination.configuration."
	if !isSecure(to.Endpoint) {
		return badProperty(at+"webhook_endpoint", "Object didn't pass validation for format https-url: "+bounded(to.Endpoint, 100))
	}
	authorization := to.Authorization
	if authorization == nil {
		return badProperty(at+"webhook_authorization", "Missing required property: webhook_authorization")
	}
	missing := func(name string) error {
		return badProperty(at+"webhook_authorization", "Missing required property: "+name)
	}
	switch authorization.Method {
	case "basic":
		if authorization.Username == "" {
			return missing("username")
		}
		if authorization.Password == "" {
			return missing("password")
		}
	case "bearer":
		if authorization.Token == "" {
			return missing("token")
		}
	case "custom_header":
		if authorization.HeaderKey == "" {
			return missing("header_key")
		}
		if !headerName.MatchString(authorization.HeaderKey) || slices.Contains([]string{"host", "content-length", "content-type", "transfer-encoding"}, strings.ToLower(authorization.HeaderKey)) {
			return badProperty(at+"webhook_authorization.header_key", "Not a header: "+bounded(authorization.HeaderKey, 100))
		}
	}
	for _, value := range []string{authorization.Token, authorization.HeaderValue} {
		if !headerValue.MatchString(value) {
			return badProperty(at+"webhook_authorization", "A header is one line of ASCII")
		}
	}
	return nil
}
