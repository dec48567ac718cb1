package store

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
)

// EventStreams are the tenants' event streams.
var EventStreams = Kind[stagedoor.Document]{
	Name: "event_stream", ID: func(d *stagedoor.Document) *string { return &d.ID }, Secret: func(d *stagedoor.Document) *string { return &d.Sealed },
	NewID: func() string { return "est_" + stagedoor.NewBase58(22) }, Cached: true,
	Missing: stagedoor.Errorf(stagedoor.NotFound, "", "The requested stream does not exist."),
	Runs: func(d *stagedoor.Document) (string, error) {
		stream, err := stagedoor.EventStreamOf(d)
		if err != nil || stream.Destination.Type != "action" {
			return "", err
		}
		return stream.Destination.Configuration.ActionID, nil
	},
}

// eventsKept is how long a delivery that was given up can be asked for again, and how long its count is shown.
const eventsKept = 30 * 24 * time.Hour

// heardStreams are the tenant's enabled streams as they were read. The handle keeps them, so that a tenant that has none pays for a read
// now and then.
type heardStreams struct {
	read    time.Time
	version string
	streams []stagedoor.EventStream
	feed    *stagedoor.EventFeed // nil: nobody has ever read the events
}

// subscribers are the enabled streams that want a type of events. No lock is held while they are read: whoever writes holds a connection, and
// must not wait for one who waits for a connection.
func (s *Store) subscribers(ctx context.Context, q querier, kind string) ([]stagedoor.EventStream, error) {
	heard := s.streams.Load()
	if heard == nil || !s.Fresh(heard.read, heard.version) {
		heard = &heardStreams{read: time.Now(), version: s.seen.version}
		if err := s.hear(ctx, q, heard); err != nil {
			return nil, err
		}
		s.streams.Store(heard)
	}
	var out []stagedoor.EventStream
	for _, stream := range heard.streams {
		if stream.Wants(kind) {
			out = append(out, stream)
		}
	}
	if feedWanted(heard.feed, s.db.clock.Now()) {
		out = append(out, stagedoor.EventStream{ID: heard.feed.Stream, Feed: true})
	}
	return out, nil
}

// hear reads the tenant's enabled streams, and whether its events are kept to be read.
func (s *Store) hear(ctx context.Context, q querier, heard *heardStreams) error {
	streams := EventStreams.noun()
	const query = "SELECT kind, doc, sealed FROM documents WHERE tenant = ? AND kind IN ('event_stream', 'event_feed') ORDER BY added, id"
	return q.each(ctx, query, []any{s.tenant.ID}, func(scan func(...any) error) error {
		var kind, doc, sealed string
		if err := scan(&kind, &doc, &sealed); err != nil {
			return err
		}
		if kind == eventFeeds.Name {
			heard.feed = &stagedoor.EventFeed{}
			return json.Unmarshal([]byte(doc), heard.feed)
		}
		d, err := streams.scan(s, func(dest ...any) error {
			*dest[0].(*string), *dest[1].(*string) = doc, sealed
			return nil
		})
		if err != nil {
			return err
		}
		stream, err := stagedoor.EventStreamOf(d)
		if err == nil && stream.Enabled() {
			heard.streams = append(heard.streams, *stream)
		}
		return err
	})
}

// publish notes that something happened, inside the transaction in which it does, for each stream that has subscribed to it. object is asked
// for what the event says only if there is one.
func (s *Store) publish(ctx context.Context, q querier, kind string, object func() (any, error)) error {
	return s.publishChange(ctx, q, kind, func() (stagedoor.EventData, error) {
		said, err := object()
		return stagedoor.EventData{Object: said}, err
	})
}

// publishChange is publish of an event that may also say what was before.
func (s *Store) publishChange(ctx context.Context, q querier, kind string, data func() (stagedoor.EventData, error)) error {
	streams, err := s.subscribers(ctx, q, kind)
	if err != nil || len(streams) == 0 {
		return err
	}
	said, err := data()
	if err != nil {
		return err
	}
	id, now := "evt_"+stagedoor.NewBase58(22), s.db.clock.Now()
	for _, stream := range streams {
		e := s.cloudEvent(stream.ID, id, kind, said, now)
		if stream.Feed {
			err = s.keepEvent(ctx, q, e, now)
		} else {
			err = s.queueEvent(ctx, q, e, now, false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) cloudEvent(stream, id, kind string, data stagedoor.EventData, at time.Time) stagedoor.CloudEvent {
	source := "urn:auth0:" + s.tenant.ID
	if len(s.tenant.Domains) > 0 {
		source = "urn:auth0:" + s.tenant.Domains[0]
	}
	data.Context.Tenant.ID = s.tenant.ID
	return stagedoor.CloudEvent{
		ID: id, Source: source, SpecVersion: "1.0", Type: kind, Time: stagedoor.FormatTime(at), Data: data,
		Tenant: s.tenant.ID, Stream: stream,
	}
}

func (s *Store) queueEvent(ctx context.Context, q querier, e stagedoor.CloudEvent, now time.Time, forced bool) error {
	doc, err := json.Marshal(e)
	if err != nil {
		return err
	}
	force := 0
	if forced {
		force = 1
	}
	_, err = q.exec(ctx, `INSERT INTO events (tenant, stream, id, type, status, forced, doc, attempts, at, due_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		s.tenant.ID, e.Stream, e.ID, e.Type, stagedoor.EventPending, force, document(doc), document("[]"), now.UnixMicro(), millis(now), millis(now.Add(eventsKept)))
	return err
}

// userEvent publishes what became of a user.
func (s *Store) userEvent(ctx context.Context, q querier, kind string, u *stagedoor.User) error {
	return s.publish(ctx, q, kind, func() (any, error) {
		object := u.Wire()
		if kind == "user.deleted" {
			object["deleted_at"] = stagedoor.FormatTime(s.db.clock.Now())
		}
		return object, nil
	})
}

// userUpdated publishes a change of a user who was before what wasSaid returned.
func (s *Store) userUpdated(ctx context.Context, q querier, before any, u *stagedoor.User) error {
	return s.publishChange(ctx, q, "user.updated", func() (stagedoor.EventData, error) {
		return stagedoor.EventData{Object: u.Wire(), Previous: before}, nil
	})
}

// wasSaid is what an event will say of a user who is about to change, if a stream has subscribed to that; nil otherwise.
func (s *Store) wasSaid(ctx context.Context, q querier, u *stagedoor.User) (any, error) {
	told, err := s.subscribers(ctx, q, "user.updated")
	if err != nil || len(told) == 0 {
		return nil, err
	}
	said, err := json.Marshal(u.Wire()) // whoever changes the user may change the maps in it
	return json.RawMessage(said), err
}

// usersCreated publishes that users were made.
func (s *Store) usersCreated(ctx context.Context, q querier, users []*stagedoor.User) error {
	for _, u := range users {
		if err := s.userEvent(ctx, q, "user.created", u); err != nil {
			return err
		}
	}
	return nil
}

// ofOrganization returns what an event says that concerns an organization and something else, which more names.
func (s *Store) ofOrganization(ctx context.Context, q querier, orgID string, more map[string]any) (any, error) {
	o, err := organizations.one(ctx, s, q, "id = ?", orgID)
	if err != nil {
		return nil, err
	}
	more["organization"] = map[string]any{"id": orgID, "name": o.Name}
	return more, nil
}

// memberEvent publishes something about a member of an organization, and a role of theirs, if it names one.
func (s *Store) memberEvent(ctx context.Context, q querier, kind, orgID, userID, roleID string) error {
	return s.publish(ctx, q, kind, func() (any, error) {
		more := map[string]any{"user": map[string]any{"user_id": userID}}
		if roleID != "" {
			r, err := roles.one(ctx, s, q, "id = ?", roleID)
			if err != nil {
				return nil, err
			}
			more["role"], more["organization"] = map[string]any{"id": roleID, "name": r.Name}, map[string]any{"id": orgID}
			return more, nil
		}
		return s.ofOrganization(ctx, q, orgID, more)
	})
}

// organizationConnectionEvent publishes what became of a connection of an organization. was is what it was before a change, else nil.
func (s *Store) organizationConnectionEvent(ctx context.Context, q querier, kind, orgID string, was, c *stagedoor.OrganizationConnection) error {
	said := func(c *stagedoor.OrganizationConnection) (any, error) {
		more := map[string]any{"connection": map[string]any{"id": c.ConnectionID}}
		if kind != "organization.connection.removed" {
			more["assign_membership_on_login"], more["show_as_button"], more["is_signup_enabled"] = c.AssignMembershipOnLogin, c.ShowAsButton, c.IsSignupEnabled
		}
		return s.ofOrganization(ctx, q, orgID, more)
	}
	return s.publishChange(ctx, q, kind, func() (data stagedoor.EventData, err error) {
		if data.Object, err = said(c); err == nil && was != nil {
			data.Previous, err = said(was)
		}
		return data, err
	})
}

// organizationEvent publishes what became of an organization. before is what organizationSaid said before a change, else nil.
func (s *Store) organizationEvent(ctx context.Context, q querier, kind string, before any, o *stagedoor.Organization) error {
	return s.publishChange(ctx, q, kind, func() (stagedoor.EventData, error) {
		object := organizationSaid(o)
		if kind == "organization.deleted" {
			delete(object, "branding")
		}
		return stagedoor.EventData{Object: object, Previous: before}, nil
	})
}

// organizationSaid is what an event says of an organization.
func organizationSaid(o *stagedoor.Organization) map[string]any {
	object := map[string]any{"id": o.ID, "name": o.Name}
	if o.DisplayName != "" {
		object["display_name"] = o.DisplayName
	}
	if len(o.Metadata) > 0 {
		object["metadata"] = o.Metadata
	}
	if o.Branding != nil {
		object["branding"] = o.Branding
	}
	return object
}

// SendEvent queues an event for one stream that nothing has caused; the wire calls that a test.
func (s *Store) SendEvent(ctx context.Context, stream, kind string, object any) (*stagedoor.EventDelivery, error) {
	now := s.db.clock.Now()
	e := s.cloudEvent(stream, "evt_"+stagedoor.NewBase58(22), kind, stagedoor.EventData{Object: object}, now)
	e.Purpose = "test"
	if err := s.writeOne(ctx, func(q querier) error { return s.queueEvent(ctx, q, e, now, true) }); err != nil {
		return nil, err
	}
	return s.EventDelivery(ctx, stream, e.ID)
}

// eventsAlong are the events of a stream.
var eventsAlong = goesAlong{table: "events", key: "stream, id", where: "stream = ?"}

// DeleteEventStream removes a stream with what waits for it. Where that is much it goes in pieces before it: what was interrupted is to be asked for again.
func (s *Store) DeleteEventStream(ctx context.Context, id string) (found bool, err error) {
	defer s.db.forget(s.tenant.ID)
	if err := s.deleteManyOf(ctx, id, eventsAlong); err != nil {
		return false, err
	}
	err = s.write(ctx, func(q querier) error {
		n, err := q.exec(ctx, "DELETE FROM documents WHERE kind = 'event_stream' AND tenant = ? AND id = ?", s.tenant.ID, id)
		if err != nil {
			return err
		}
		found = n > 0
		return s.dropEvents(ctx, q, id)
	})
	return found, err
}

// DropEvents removes what is kept for a stream that is gone: a server that did not know yet may have added some. Nothing happens where there is one.
func (s *Store) DropEvents(ctx context.Context, stream string) error {
	const without = " AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.kind = 'event_stream' AND d.tenant = events.tenant AND d.id = events.stream)"
	if err := s.deleteManyOf(ctx, stream, goesAlong{table: eventsAlong.table, key: eventsAlong.key, where: eventsAlong.where + without}); err != nil {
		return err
	}
	return s.write(ctx, func(q querier) error {
		var there int
		err := q.row(ctx, "SELECT COUNT(*) FROM documents WHERE kind = 'event_stream' AND tenant = ? AND id = ?", []any{s.tenant.ID, stream}, &there)
		if err != nil || there > 0 {
			return err
		}
		return s.dropEvents(ctx, q, stream)
	})
}

func (s *Store) dropEvents(ctx context.Context, q querier, stream string) error {
	for _, table := range []string{"events", "event_counts", "event_streaks"} {
		if _, err := q.exec(ctx, "DELETE FROM "+table+" WHERE tenant = ? AND stream = ?", s.tenant.ID, stream); err != nil {
			return err
		}
	}
	return nil
}

// EventQuery finds deliveries that were given up; an empty field asks for nothing.
type EventQuery struct {
	Types    []string
	From, To time.Time // when it happened: From included, To not
	After    Position  // behind the delivery of this place; its time is in microseconds
	Take     int       // 0: all
}

func (query EventQuery) where(s *Store, stream string) (string, []any) {
	where, args := "tenant = ? AND stream = ? AND status = '"+stagedoor.EventFailed+"'", []any{s.tenant.ID, stream}
	if len(query.Types) > 0 {
		where += " AND type IN (?" + strings.Repeat(", ?", len(query.Types)-1) + ")"
		for _, t := range query.Types {
			args = append(args, t)
		}
	}
	if !query.From.IsZero() {
		where, args = where+" AND at >= ?", append(args, query.From.UnixMicro())
	}
	if !query.To.IsZero() {
		where, args = where+" AND at < ?", append(args, query.To.UnixMicro())
	}
	return where, args
}

const eventColumns = "SELECT stream, id, type, status, forced, doc, attempts, at FROM events WHERE "

func scanEvent(scan func(...any) error) (*stagedoor.EventDelivery, error) {
	d := &stagedoor.EventDelivery{}
	var doc, attempts string
	var forced, at int64
	if err := scan(&d.Stream, &d.ID, &d.Type, &d.Status, &forced, &doc, &attempts, &at); err != nil {
		return nil, err
	}
	d.Forced, d.Event, d.CreatedAt = forced != 0, json.RawMessage(doc), time.UnixMicro(at)
	return d, json.Unmarshal([]byte(attempts), &d.Attempts)
}

// EventDeliveries returns a page of the deliveries of a stream that were given up, the oldest first.
func (s *Store) EventDeliveries(ctx context.Context, stream string, query EventQuery) ([]stagedoor.EventDelivery, error) {
	where, args := query.where(s, stream)
	if query.After.ID != "" {
		where += " AND (at, id) > (?, ?)"
		args = append(args, query.After.At, query.After.ID)
	}
	where += " ORDER BY at, id"
	if query.Take > 0 {
		where, args = where+" LIMIT ?", append(args, query.Take)
	}
	out := []stagedoor.EventDelivery{}
	err := s.list().each(ctx, eventColumns+where, args, func(scan func(...any) error) error {
		d, err := scanEvent(scan)
		if err == nil {
			out = append(out, *d)
		}
		return err
	})
	return out, err
}

// EventDelivery returns a delivery of a stream that has not succeeded.
func (s *Store) EventDelivery(ctx context.Context, stream, id string) (*stagedoor.EventDelivery, error) {
	d, err := scanEvent(func(dest ...any) error {
		return s.read().row(ctx, eventColumns+"tenant = ? AND stream = ? AND id = ?", []any{s.tenant.ID, stream, id}, dest...)
	})
	if errors.Is(err, errNoRows) {
		return nil, errEventMissing()
	}
	return d, err
}

func errEventMissing() error {
	return stagedoor.Errorf(stagedoor.NotFound, "", "The requested event delivery does not exist.")
}

// Redeliver queues deliveries again that were given up, and tells how many.
func (s *Store) Redeliver(ctx context.Context, stream string, query EventQuery) (n int64, err error) {
	where, args := query.where(s, stream)
	return s.requeue(ctx, where, args)
}

// RedeliverOne queues one delivery again. One that was not given up is missing.
func (s *Store) RedeliverOne(ctx context.Context, stream, id string) error {
	where, args := EventQuery{}.where(s, stream)
	n, err := s.requeue(ctx, where+" AND id = ?", append(args, id))
	if err == nil && n == 0 {
		err = errEventMissing()
	}
	return err
}

func (s *Store) requeue(ctx context.Context, where string, args []any) (n int64, err error) {
	now := s.db.clock.Now()
	err = s.writeOne(ctx, func(q querier) error {
		n, err = q.exec(ctx, "UPDATE events SET status = '"+stagedoor.EventPending+"', forced = 1, attempts = ?, due_at = ?, expires_at = ? WHERE "+where,
			slices.Concat([]any{document("[]"), millis(now), millis(now.Add(eventsKept))}, args)...)
		return err
	})
	return n, err
}

// EventFailures counts the deliveries of a stream that were given up.
func (s *Store) EventFailures(ctx context.Context, stream string) (n int, err error) {
	err = s.read().row(ctx, "SELECT COUNT(*) FROM events WHERE tenant = ? AND stream = ? AND status = '"+stagedoor.EventFailed+"'", []any{s.tenant.ID, stream}, &n)
	return n, err
}

// EventCounts returns how many deliveries of a stream ended in each hour of a time in which one did.
func (s *Store) EventCounts(ctx context.Context, stream string, from, to time.Time) ([]stagedoor.EventCount, error) {
	out := []stagedoor.EventCount{}
	err := s.list().each(ctx, "SELECT hour, delivered, failed FROM event_counts WHERE tenant = ? AND stream = ? AND hour >= ? AND hour < ? ORDER BY hour",
		[]any{s.tenant.ID, stream, millis(from), millis(to)}, func(scan func(...any) error) error {
			var c stagedoor.EventCount
			var hour int64
			err := scan(&hour, &c.Delivered, &c.Failed)
			c.Hour = fromMillis(hour)
			out = append(out, c)
			return err
		})
	return out, err
}
