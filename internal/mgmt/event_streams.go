package mgmt

import (
	"encoding/json"

	"github.com/stagedoor/stagedoor/internal/web"
)

// eventStreams are kept as configuration: no events of users are sent yet (Management API objects 9).
var eventStreams = func() documents {
	n := newDocuments("event_stream", "est_", "eventStreams", "The requested stream does not exist.", "")
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

type subscriptionIn struct {
	EventType string `json:"event_type" schema:"required,enum=user.created|user.updated|user.deleted|organization.created|organization.updated|organization.deleted|organization.member.added|organization.member.deleted|organization.member.role.assigned|organization.member.role.deleted|organization.connection.added|organization.connection.updated|organization.connection.removed|organization.group.role.assigned|organization.group.role.deleted|group.created|group.updated|group.deleted|group.member.added|group.member.deleted|group.role.assigned|group.role.deleted"`
}

type webhookAuthorizationIn struct {
	Method      string `json:"method" schema:"required,enum=basic|bearer|custom_header"`
	Username    string `json:"username"`
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
		AWSRegion            string                  `json:"aws_region"`
		ActionID             string                  `json:"action_id"`
	} `json:"configuration" schema:"required"`
}

type createEventStreamIn struct {
	Name          string           `json:"name" schema:"min=1,max=128" doc:"Name of the event stream"`
	Subscriptions []subscriptionIn `json:"subscriptions" doc:"List of event types subscribed to in this stream"`
	Destination   destinationIn    `json:"destination" schema:"required"`
	Status        string           `json:"status" schema:"enum=enabled|disabled" doc:"Whether the stream is sending events"`
}

type updateEventStreamIn struct {
	_             struct{}               `schema:"min=1"`
	Name          web.Opt[string]        `json:"name" schema:"notnull,min=1,max=128" doc:"Name of the event stream"`
	Subscriptions []subscriptionIn       `json:"subscriptions" doc:"List of event types subscribed to in this stream"`
	Destination   web.Opt[destinationIn] `json:"destination" schema:"notnull"`
	Status        string                 `json:"status" schema:"enum=enabled|disabled" doc:"Whether the stream is sending events"`
}
