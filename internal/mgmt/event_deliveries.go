package mgmt

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// showEventDelivery returns a delivery as the wire has it: what its event says is a text there, as the SDKs with types of their own read it.
func showEventDelivery(d *stagedoor.EventDelivery) any {
	event := map[string]any{}
	var said map[string]json.RawMessage
	_ = json.Unmarshal(d.Event, &said) // it was JSON when it was written
	for name, value := range said {
		event[name] = value
	}
	var text bytes.Buffer
	if json.Compact(&text, said["data"]) == nil {
		event["data"] = text.String()
	}
	attempts := d.Attempts
	if attempts == nil {
		attempts = []stagedoor.EventAttempt{}
	}
	return map[string]any{
		"id": d.ID, "event_stream_id": d.Stream, "status": d.Status, "event_type": d.Type, "attempts": attempts, "event": event,
	}
}

type listEventDeliveriesIn struct {
	From       string       `json:"from" schema:"max=1000" doc:"Id of the last delivery of the page before"`
	Take       web.Opt[int] `json:"take" schema:"notnull,min=1,max=100" doc:"Number of results per page"`
	Statuses   []string     `json:"statuses" schema:"max=10,comma" doc:"Comma-separated list of statuses by which to filter"`
	EventTypes []string     `json:"event_types" schema:"max=100,comma" doc:"Comma-separated list of event types by which to filter"`
	DateFrom   string       `json:"date_from" doc:"An RFC-3339 date-time for redelivery start, inclusive"`
	DateTo     string       `json:"date_to" doc:"An RFC-3339 date-time for redelivery end, exclusive"`
}

// eventQuery is which deliveries are meant.
func eventQuery(statuses, types []string, from, to string) (query store.EventQuery, _ *web.Violation) {
	for i, s := range statuses {
		if s != stagedoor.EventFailed {
			return query, &web.Violation{Path: "statuses[" + itoa(i) + "]", Reason: "No enum match for: " + bounded(s, 100)}
		}
	}
	for i, t := range types {
		if !slices.Contains(stagedoor.EventTypes, t) {
			return query, &web.Violation{Path: "event_types[" + itoa(i) + "]", Reason: "No enum match for: " + bounded(t, 100)}
		}
	}
	query.Types = types
	for _, date := range []struct {
		name, text string
		into       *time.Time
	}{{"date_from", from, &query.From}, {"date_to", to, &query.To}} {
		if date.text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, date.text)
		if err != nil {
			return query, &web.Violation{Path: date.name, Reason: "Object didn't pass validation for format date-time: " + bounded(date.text, 100)}
		}
		*date.into = at
	}
	return query, nil
}

// listEventDeliveries shows the deliveries of a stream that were given up: a list without an envelope, also of a page.
func (a *API) listEventDeliveries(c *call, in listEventDeliveriesIn) (any, error) {
	if _, err := store.EventStreams.Get(c.ctx(), c.store, c.id()); err != nil {
		return nil, err
	}
	query, wrong := eventQuery(in.Statuses, in.EventTypes, in.DateFrom, in.DateTo)
	if wrong != nil {
		return nil, wrong.Query()
	}
	if in.From != "" {
		last, err := c.store.EventDelivery(c.ctx(), c.id(), in.From)
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			return nil, errCheckpoint
		} else if err != nil {
			return nil, err
		}
		query.After = store.Position{At: last.CreatedAt.UnixMicro(), ID: last.ID}
	}
	query.Take = in.Take.Or(50)
	all, err := c.store.EventDeliveries(c.ctx(), c.id(), query)
	if err != nil {
		return nil, err
	}
	shown := make([]any, len(all))
	for i := range all {
		shown[i] = showEventDelivery(&all[i])
	}
	return shown, nil
}

func (a *API) readEventDelivery(c *call) (any, error) {
	d, err := c.store.EventDelivery(c.ctx(), c.id(), c.r.PathValue("event_id"))
	if err != nil {
		return nil, err
	}
	return showEventDelivery(d), nil
}

type redeliverIn struct {
	DateFrom   string   `json:"date_from" doc:"An RFC-3339 date-time for redelivery start, inclusive"`
	DateTo     string   `json:"date_to" doc:"An RFC-3339 date-time for redelivery end, exclusive"`
	Statuses   []string `json:"statuses" schema:"max=10" doc:"Filter by status"`
	EventTypes []string `json:"event_types" schema:"max=100" doc:"Filter by event type"`
}

// redeliver queues again what was given up and says what was asked for.
func (a *API) redeliver(c *call, in redeliverIn) (any, error) {
	if _, err := store.EventStreams.Get(c.ctx(), c.store, c.id()); err != nil {
		return nil, err
	}
	query, wrong := eventQuery(in.Statuses, in.EventTypes, in.DateFrom, in.DateTo)
	if wrong != nil {
		return nil, wrong.Body()
	}
	if _, err := c.store.Redeliver(c.ctx(), c.id(), query); err != nil {
		return nil, err
	}
	out := map[string]any{}
	for name, text := range map[string]string{"date_from": in.DateFrom, "date_to": in.DateTo} {
		if text != "" {
			out[name] = text
		}
	}
	for name, list := range map[string][]string{"statuses": in.Statuses, "event_types": in.EventTypes} {
		if list != nil {
			out[name] = list
		}
	}
	return out, nil
}

func (a *API) redeliverOne(c *call, _ struct{}) (any, error) {
	return map[string]any{}, c.store.RedeliverOne(c.ctx(), c.id(), c.r.PathValue("event_id"))
}

// eventStream is the stream of the path.
func (c *call) eventStream() (*stagedoor.EventStream, error) {
	d, err := store.EventStreams.Get(c.ctx(), c.store, c.id())
	if err != nil {
		return nil, err
	}
	return stagedoor.EventStreamOf(d)
}

type testEventIn struct {
	EventType string          `json:"event_type" schema:"required" doc:"The type of event this test event represents"`
	Data      json.RawMessage `json:"data" doc:"The raw payload of the test event"`
}

// testEventStream queues an event that nothing has caused.
func (a *API) testEventStream(c *call, in testEventIn) (any, error) {
	s, err := c.eventStream()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(stagedoor.EventTypes, in.EventType) {
		return nil, badProperty("event_type", "No enum match for: "+bounded(in.EventType, 100))
	}
	if !s.Enabled() {
		return nil, bad("", "The stream is disabled.")
	}
	object := sampleObject(in.EventType, c.store.Clock().Now())
	if in.Data != nil {
		if web.TypeOf(in.Data) != "object" {
			return nil, web.WrongType("data", "object", in.Data).Body()
		}
		var told struct{ Object json.RawMessage }
		if err := json.Unmarshal(in.Data, &told); err != nil {
			return nil, err
		}
		if object = any(in.Data); told.Object != nil {
			object = told.Object
		}
	}
	sent, err := c.store.SendEvent(c.ctx(), s.ID, in.EventType, object)
	if err != nil {
		return nil, err
	}
	return showEventDelivery(sent), nil
}

// sampleObject is what a test event of a type is about, unless the caller says.
func sampleObject(kind string, now time.Time) any {
	at := stagedoor.FormatTime(now)
	organization := map[string]any{"id": "org_0000000000000000", "name": "example"}
	switch {
	case strings.HasPrefix(kind, "user."):
		user := map[string]any{
			"user_id": "auth0|000000000000000000000000", "email": "somebody@example.com", "email_verified": false, "name": "somebody@example.com", "nickname": "somebody",
			"identities": []any{map[string]any{"connection": "Username-Password-Authentication", "provider": "auth0", "user_id": "000000000000000000000000", "isSocial": false}},
			"created_at": at, "updated_at": at,
		}
		if kind == "user.deleted" {
			user["deleted_at"] = at
		}
		return user
	case strings.Contains(kind, "role."):
		return sampleRole(kind, at)
	case strings.HasPrefix(kind, "organization.member."):
		return map[string]any{"organization": organization, "user": map[string]any{"user_id": "auth0|000000000000000000000000"}}
	case strings.HasPrefix(kind, "organization.connection."):
		return map[string]any{"organization": organization, "connection": map[string]any{"id": "con_0000000000000000"}}
	case strings.HasPrefix(kind, "organization."):
		return organization
	}
	return sampleGroup(kind, at)
}

// sampleRole is what a test event of roles is about: those of a member, or of a group, in an organization or everywhere.
func sampleRole(kind, at string) any {
	role := map[string]any{"id": "rol_0000000000000000", "name": "example"}
	out := map[string]any{"role": role}
	if strings.HasPrefix(kind, "organization.") {
		out["organization"] = map[string]any{"id": "org_0000000000000000"}
	}
	switch {
	case strings.Contains(kind, "member."):
		out["user"] = map[string]any{"user_id": "auth0|000000000000000000000000"}
	case strings.HasSuffix(kind, ".assigned"):
		out["group"], out["created_at"] = sampleOfConnection(), at
	default:
		delete(role, "name")
		out["group"], out["deleted_at"] = sampleOfConnection(), at
	}
	return out
}

func sampleOfConnection() map[string]any {
	return map[string]any{"id": "grp_1111111111111111", "type": "connection", "connection_id": "con_0000000000000000"}
}

type eventStatsIn struct {
	DateFrom string `json:"date_from" doc:"An RFC-3339 date-time for the start of the window, inclusive"`
	DateTo   string `json:"date_to" doc:"An RFC-3339 date-time for the end of the window, exclusive"`
}

// Bounds of the window of statistics: what it is unless somebody says, and the longest.
const (
	statsWindow    = 7 * 24 * time.Hour
	maxStatsWindow = 31 * 24 * time.Hour
)

// eventStreamStats counts what became of the deliveries of a stream in each hour of a window.
func (a *API) eventStreamStats(c *call, in eventStatsIn) (any, error) {
	s, err := c.eventStream()
	if err != nil {
		return nil, err
	}
	query, wrong := eventQuery(nil, nil, in.DateFrom, in.DateTo)
	if wrong != nil {
		return nil, wrong.Query()
	}
	to := query.To
	if to.IsZero() {
		to = c.store.Clock().Now().Add(time.Hour)
	}
	to = to.UTC().Truncate(time.Hour)
	from := query.From.UTC().Truncate(time.Hour)
	if query.From.IsZero() {
		from = to.Add(-statsWindow)
	}
	if !from.Before(to) || to.Sub(from) > maxStatsWindow {
		return nil, (&web.Violation{Path: "date_from", Reason: "The window must end after it begins, and not be longer than 31 days"}).Query()
	}
	counts, err := c.store.EventCounts(c.ctx(), s.ID, from, to)
	if err != nil {
		return nil, err
	}
	hours := int(to.Sub(from) / time.Hour)
	buckets, delivered, failed := make([]string, hours), make([]int, hours), make([]int, hours)
	for i := range buckets {
		buckets[i] = stagedoor.FormatTime(from.Add(time.Duration(i) * time.Hour))
	}
	sums := [2]int{}
	for _, n := range counts { // each is of a whole hour of the window
		i := int(n.Hour.Sub(from) / time.Hour)
		delivered[i], failed[i] = n.Delivered, n.Failed
		sums[0], sums[1] = sums[0]+n.Delivered, sums[1]+n.Failed
	}
	metric := func(name string, sum int, data []int) any {
		return map[string]any{"name": name, "type": "sum", "window_total": sum, "data": data}
	}
	return map[string]any{
		"id": s.ID, "name": s.Name, "buckets": buckets,
		"window":  map[string]any{"date_from": stagedoor.FormatTime(from), "date_to": stagedoor.FormatTime(to), "bucket_interval": map[string]any{"scale_factor": 3600}},
		"metrics": []any{metric("auth0.event_streams.successful_deliveries", sums[0], delivered), metric("auth0.event_streams.failed_deliveries", sums[1], failed)},
	}, nil
}

// sampleGroup is what a test event of groups and their members is about.
func sampleGroup(kind, at string) any {
	group := sampleOfConnection()
	if strings.HasPrefix(kind, "group.member.") {
		return map[string]any{"group": group, "member": map[string]any{"id": "samlp|example|somebody", "member_type": "user"}}
	}
	group["name"], group["created_at"] = "example", at
	if kind != "group.created" {
		group["updated_at"] = at
	}
	return group
}
