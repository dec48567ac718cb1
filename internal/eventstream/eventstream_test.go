package eventstream_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/eventstream"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/internal/telemetry"
)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) wait(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

// receiver takes events, or answers with a status.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	tries  int
	got    []stagedoor.CloudEvent
	header http.Header
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{status: 204}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.tries++
		r.header = req.Header
		body, _ := io.ReadAll(req.Body)
		var e stagedoor.CloudEvent
		if err := json.Unmarshal(body, &e); err != nil {
			t.Error(err)
		}
		if r.status/100 == 2 {
			r.got = append(r.got, e)
		}
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) types() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, e := range r.got {
		out = append(out, e.Type)
	}
	return out
}

type house struct {
	*testing.T
	d     *eventstream.Deliverer
	db    *store.DB
	st    *store.Store
	clock *clock
}

func each(t *testing.T, fn func(h *house)) {
	c := &clock{now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := &eventstream.Deliverer{DB: db, Client: http.DefaultClient, Log: slog.New(slog.DiscardHandler)}
		fn(&house{t, d, db, storetest.Tenant(t, db, "acme"), c})
	}, storetest.WithClock(c.Now))
}

func (h *house) ok(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) round() { h.Helper(); h.ok(h.d.Round(h.Context())) }

// stream makes a stream to a destination that has subscribed to types.
func (h *house) stream(destination string, types ...string) string {
	h.Helper()
	subscriptions := []map[string]string{}
	for _, t := range types {
		subscriptions = append(subscriptions, map[string]string{"event_type": t})
	}
	text, err := json.Marshal(subscriptions)
	h.ok(err)
	d := &stagedoor.Document{Sealed: `{"name":"s","status":"enabled","subscriptions":` + string(text) + `,"destination":` + destination + `}`}
	h.ok(store.EventStreams.Create(h.Context(), h.st, d))
	h.fresh()
	return d.ID
}

// fresh takes the tenant's handle anew, as each request does.
func (h *house) fresh() {
	h.Helper()
	st, err := h.db.TenantByID(h.Context(), h.st.Tenant().ID)
	h.ok(err)
	h.st = st
}

func webhook(r *receiver) string {
	return fmt.Sprintf(`{"type":"webhook","configuration":{"webhook_endpoint":%q,"webhook_authorization":{"method":"bearer","token":"of the stream"}}}`, r.URL)
}

func (h *house) user(id string) *stagedoor.User {
	h.Helper()
	u := &stagedoor.User{
		ID: "auth0|" + id, Connection: "Users", Email: id + "@example.com", Name: id,
		Identities: []stagedoor.Identity{{Connection: "Users", Provider: "auth0", UserID: id}},
	}
	h.ok(h.st.CreateUser(h.Context(), u, ""))
	return u
}

// What happens to users is told in its order, with the user as the change left them, and nothing of what nobody has subscribed to.
func TestUserEvents(t *testing.T) {
	each(t, func(h *house) {
		h.user("before") // nobody listens yet
		r := newReceiver(h.T)
		stream := h.stream(webhook(r), "user.created", "user.updated", "user.deleted")
		only := newReceiver(h.T)
		h.stream(webhook(only), "user.deleted")
		ctx := h.Context()
		u := h.user("ada")
		h.clock.wait(time.Second)
		_, err := h.st.PatchMetadata(ctx, u.ID, stagedoor.Metadata{"plan": json.RawMessage(`"gold"`)}, nil, 1<<20)
		h.ok(err)
		h.clock.wait(time.Second)
		_, err = h.st.UpdateUser(ctx, u.ID, func(u *stagedoor.User) error { u.Name = "Ada"; return nil })
		h.ok(err)
		if _, err := h.st.UpdateUser(ctx, u.ID, func(*stagedoor.User) error { return errors.New("no") }); err == nil {
			h.Fatal("it was changed")
		}
		h.ok(h.st.RecordLogin(ctx, u, "192.0.2.1")) // counters are not the profile
		h.clock.wait(time.Second)
		h.ok(h.st.DeleteUser(ctx, u.ID))
		h.ok(h.st.DeleteUser(ctx, "auth0|nobody"))
		h.round()
		if got := r.types(); !slices.Equal(got, []string{"user.created", "user.updated", "user.updated", "user.deleted"}) {
			h.Fatal(got)
		}
		if got := only.types(); !slices.Equal(got, []string{"user.deleted"}) {
			h.Error(got)
		}
		object := func(i int) map[string]any { return r.got[i].Data.Object.(map[string]any) }
		e := r.got[0]
		if e.SpecVersion != "1.0" || e.Tenant != "acme" || e.Stream != stream || e.Source != "urn:auth0:"+h.st.Tenant().Domains[0] || len(e.ID) != 26 || e.ID[:4] != "evt_" || e.Time[:17] != "2026-11-26T12:00:" || e.Purpose != "" {
			h.Errorf("%+v", e)
		}
		if object(0)["user_id"] != u.ID || object(0)["email"] != "ada@example.com" || object(1)["user_metadata"].(map[string]any)["plan"] != "gold" || object(2)["name"] != "Ada" || object(3)["deleted_at"] == nil {
			h.Errorf("%v", r.got)
		}
		before := func(i int) map[string]any { was, _ := r.got[i].Data.Previous.(map[string]any); return was }
		if before(0) != nil || before(1)["user_id"] != u.ID || before(1)["user_metadata"] != nil || before(2)["name"] == "Ada" || before(2)["user_metadata"].(map[string]any)["plan"] != "gold" || before(3) != nil {
			h.Errorf("%v", r.got)
		}
		if r.got[0].Data.Context.Tenant.ID != "acme" {
			h.Errorf("%+v", r.got[0].Data)
		}
		if got := r.header.Get("Authorization"); got != "Bearer of the stream" || r.header.Get("Content-Type") != "application/json" {
			h.Errorf("%v", r.header)
		}
		h.round()
		if r.tries != 4 {
			h.Errorf("%d requests", r.tries)
		}
	})
}

// What was before is told as it was, also where a change is made in the same map.
func TestPreviousObject(t *testing.T) {
	each(t, func(h *house) {
		ctx, u := h.Context(), h.user("ada")
		plan := func(name string) stagedoor.Metadata {
			return stagedoor.Metadata{"plan": json.RawMessage(`"` + name + `"`)}
		}
		_, err := h.st.UpdateUser(ctx, u.ID, func(u *stagedoor.User) error { u.UserMetadata = plan("free"); return nil })
		h.ok(err)
		r := newReceiver(h.T)
		h.stream(webhook(r), "user.updated")
		h.clock.wait(time.Second)
		_, err = h.st.UpdateUser(ctx, u.ID, func(u *stagedoor.User) error { u.UserMetadata["plan"] = plan("gold")["plan"]; return nil })
		h.ok(err)
		h.clock.wait(time.Second)
		_, err = h.st.PatchMetadata(ctx, u.ID, plan("silver"), nil, 1000)
		h.ok(err)
		h.round()
		for i, want := range []string{"free gold", "gold silver"} {
			plans := ""
			for _, object := range []any{r.got[i].Data.Previous, r.got[i].Data.Object} {
				plans += fmt.Sprint(object.(map[string]any)["user_metadata"].(map[string]any)["plan"], " ")
			}
			if strings.TrimSpace(plans) != want {
				h.Errorf("%d: %s, want %s", i, plans, want)
			}
		}
	})
}

// What happens to organizations is told, once for each thing that did.
func TestOrganizationEvents(t *testing.T) {
	each(t, func(h *house) {
		ctx := h.Context()
		u := h.user("ada")
		h.ok(h.st.CreateConnection(ctx, &stagedoor.Connection{ID: "con_1", Name: "Users"}))
		h.ok(h.st.CreateRole(ctx, &stagedoor.Role{ID: "rol_1", Name: "editor"}))
		r := newReceiver(h.T)
		h.stream(webhook(r), stagedoor.EventTypes...)
		step := func(err error) { h.Helper(); h.ok(err); h.clock.wait(time.Second) }
		step(h.st.CreateOrganization(ctx, &stagedoor.Organization{ID: "org_1", Name: "acme", DisplayName: "Acme"}, nil))
		_, err := h.st.UpdateOrganization(ctx, "org_1", func(o *stagedoor.Organization) error { o.DisplayName = "ACME"; return nil })
		step(err)
		step(h.st.AddOrganizationConnection(ctx, "org_1", &stagedoor.OrganizationConnection{ConnectionID: "con_1", ShowAsButton: true}))
		_, err = h.st.UpdateOrganizationConnection(ctx, "org_1", "con_1", func(c *stagedoor.OrganizationConnection) error { c.AssignMembershipOnLogin = true; return nil })
		step(err)
		step(h.st.RemoveOrganizationConnection(ctx, "org_1", "con_1"))
		step(h.st.RemoveOrganizationConnection(ctx, "org_1", "con_1")) // it is gone
		step(h.st.AddMembers(ctx, "org_1", []string{u.ID}))
		step(h.st.AddMembers(ctx, "org_1", []string{u.ID})) // who is one stays one
		step(h.st.AddMemberRoles(ctx, "org_1", u.ID, []string{"rol_1"}))
		step(h.st.RemoveMemberRoles(ctx, "org_1", u.ID, []string{"rol_1"}))
		step(h.st.RemoveMembers(ctx, "org_1", []string{u.ID}))
		step(h.st.DeleteOrganization(ctx, "org_1"))
		h.round()
		want := []string{
			"organization.created", "organization.updated", "organization.connection.added", "organization.connection.updated", "organization.connection.removed",
			"organization.member.added", "organization.member.role.assigned", "organization.member.role.deleted", "organization.member.deleted", "organization.deleted",
		}
		if got := r.types(); !slices.Equal(got, want) {
			h.Fatal(got)
		}
		text, _ := json.Marshal(r.got[6].Data.Object)
		if string(text) != `{"organization":{"id":"org_1"},"role":{"id":"rol_1","name":"editor"},"user":{"user_id":"auth0|ada"}}` {
			h.Errorf("%s", text)
		}
		for i, want := range []string{
			"null", `{"display_name":"Acme","id":"org_1","name":"acme"}`, "null",
			`{"assign_membership_on_login":false,"connection":{"id":"con_1"},"is_signup_enabled":false,"organization":{"id":"org_1","name":"acme"},"show_as_button":true}`, "null",
		} {
			if text, _ := json.Marshal(r.got[i].Data.Previous); string(text) != want {
				h.Errorf("%s: before it was %s", r.got[i].Type, text)
			}
		}
		if text, _ := json.Marshal(r.got[4].Data.Object); string(text) != `{"connection":{"id":"con_1"},"organization":{"id":"org_1","name":"acme"}}` {
			h.Errorf("%s", text)
		}
	})
}

// TestEventsOfGroups: each says which group it is about, as receivers tell the kinds of groups apart, and when.
func TestEventsOfGroups(t *testing.T) {
	each(t, func(h *house) {
		r := newReceiver(h.T)
		h.stream(webhook(r), "group.created", "group.updated", "group.deleted", "group.member.added", "group.role.assigned", "group.role.deleted", "organization.group.role.assigned")
		u, ctx := h.user("ada"), context.Background()
		step := func(err error) { h.Helper(); h.ok(err); h.clock.wait(time.Second) }
		h.ok(h.st.CreateConnection(ctx, &stagedoor.Connection{ID: "con_1", Name: "Users", Strategy: "auth0"}))
		h.ok(h.st.CreateOrganization(ctx, &stagedoor.Organization{ID: "org_1", Name: "acme"}, nil))
		h.ok(h.st.CreateRole(ctx, &stagedoor.Role{ID: "rol_1", Name: "editor"}))
		step(h.st.CreateGroup(ctx, &stagedoor.Group{ID: "grp_1", Name: "staff", ExternalID: "x", ConnectionID: "con_1"}, []string{u.ID}))
		_, err := h.st.UpdateGroup(ctx, "grp_1", func(g *stagedoor.Group) (store.MemberChange, error) {
			g.Name = "all staff"
			return store.MemberChange{}, nil
		})
		step(err)
		step(h.st.AddGroupRoles(ctx, "grp_1", "", []string{"rol_1"}))
		step(h.st.RemoveGroupRoles(ctx, "grp_1", "", []string{"rol_1"}))
		step(h.st.AddGroupRoles(ctx, "grp_1", "org_1", []string{"rol_1"}))
		step(h.st.DeleteGroup(ctx, "grp_1"))
		h.round()
		const is = `"connection_id":"con_1","external_id":"x","id":"grp_1","type":"connection"`
		for _, e := range r.got {
			if was, _ := e.Data.Previous.(map[string]any); (was["name"] == "staff") != (e.Type == "group.updated") {
				h.Errorf("%s: before it was %v", e.Type, was)
			}
			text, _ := json.Marshal(e.Data.Object)
			object := map[string]any{}
			h.ok(json.Unmarshal(text, &object))
			want := map[string]string{
				"group.created": "connection_id created_at external_id id name type", "group.updated": "connection_id created_at external_id id name type updated_at",
				"group.deleted": "connection_id created_at external_id id name type updated_at", "group.member.added": "group member", "group.role.assigned": "created_at group role",
				"group.role.deleted": "deleted_at group role", "organization.group.role.assigned": "created_at group organization role",
			}[e.Type]
			if got := strings.Join(slices.Sorted(maps.Keys(object)), " "); got != want {
				h.Errorf("%s: %s", e.Type, text)
			}
			if inner, _ := json.Marshal(object["group"]); object["group"] != nil && string(inner) != "{"+is+"}" {
				h.Errorf("%s: %s", e.Type, text)
			}
		}
		if len(r.got) != 7 {
			h.Errorf("events %v", r.types())
		}
	})
}

// A receiver that does not answer well is asked four times, one that refuses once. What was given up can be asked for again.
func TestRetriesAndRedelivery(t *testing.T) {
	each(t, func(h *house) {
		r := newReceiver(h.T)
		stream := h.stream(webhook(r), "user.created")
		r.status = 500
		h.user("ada")
		for i, wait := range []time.Duration{1, 2, 4} {
			h.round()
			h.round() // too soon
			if r.tries != i+1 {
				h.Fatalf("%d tries, not %d", r.tries, i+1)
			}
			h.clock.wait(wait * time.Second)
		}
		h.round()
		h.clock.wait(time.Hour)
		h.round()
		failed, err := h.st.EventDeliveries(h.Context(), stream, store.EventQuery{})
		h.ok(err)
		if r.tries != 4 || len(failed) != 1 || len(failed[0].Attempts) != 4 || failed[0].Attempts[3].Message != "status 500" || failed[0].Status != stagedoor.EventFailed {
			h.Fatalf("%d tries, %+v", r.tries, failed)
		}
		r.status = 410
		h.user("bob")
		h.round()
		h.clock.wait(time.Hour)
		h.round()
		if r.tries != 5 {
			h.Errorf("%d tries", r.tries)
		}
		r.status = 200
		if n, err := h.st.Redeliver(h.Context(), stream, store.EventQuery{From: h.clock.Now().Add(-time.Hour - time.Minute)}); err != nil || n != 1 {
			h.Error(n, err)
		}
		h.round()
		h.ok(h.st.RedeliverOne(h.Context(), stream, failed[0].ID))
		h.round()
		if got := len(r.got); got != 2 || r.got[1].ID != failed[0].ID {
			h.Errorf("%d came", got)
		}
		if err := h.st.RedeliverOne(h.Context(), stream, failed[0].ID); !stagedoor.IsKind(err, stagedoor.NotFound) {
			h.Error(err)
		}
		counts, err := h.st.EventCounts(h.Context(), stream, h.clock.Now().Add(-24*time.Hour), h.clock.Now().Add(time.Hour))
		h.ok(err)
		delivered, gaveUp := 0, 0
		for _, c := range counts {
			delivered, gaveUp = delivered+c.Delivered, gaveUp+c.Failed
		}
		if delivered != 2 || gaveUp != 2 {
			h.Errorf("%+v", counts)
		}
	})
}

// Each event reaches the receiver once while nothing breaks, however many servers there are; one that died with events in its hands leaves them to the others.
func TestManyServers(t *testing.T) {
	each(t, func(h *house) {
		r := newReceiver(h.T)
		stream := h.stream(webhook(r), "user.created")
		for i := range 60 {
			h.user(fmt.Sprint("user", i))
		}
		taken, err := h.st.ClaimEvents(h.Context(), stream, 5, h.clock.Now().Add(2*time.Minute)) // by a server that dies
		h.ok(err)
		if len(taken) != 5 {
			h.Fatal(len(taken))
		}
		var group sync.WaitGroup
		for range 4 {
			other := &eventstream.Deliverer{DB: h.db, Client: http.DefaultClient, Log: slog.New(slog.DiscardHandler)}
			group.Go(func() { h.ok(other.Round(context.Background())) })
		}
		group.Wait()
		if len(r.got) != 55 {
			h.Errorf("%d came, not 55", len(r.got))
		}
		h.clock.wait(3 * time.Minute)
		h.round()
		seen := map[string]int{}
		for _, e := range r.got {
			seen[e.ID]++
		}
		if len(seen) != 60 || len(r.got) != 60 {
			h.Errorf("%d of %d came", len(seen), len(r.got))
		}
	})
}

// A stream of which too much fails is disabled; while it is, nothing more waits for it. Redelivery goes out all the same.
func TestDisables(t *testing.T) {
	each(t, func(h *house) {
		r := newReceiver(h.T)
		stream := h.stream(webhook(r), "user.created")
		r.status = 404
		users := make([]*stagedoor.User, 500)
		for i := range users {
			id := fmt.Sprint("user", i)
			users[i] = &stagedoor.User{ID: "auth0|" + id, Connection: "Users", Identities: []stagedoor.Identity{{Connection: "Users", Provider: "auth0", UserID: id}}}
		}
		h.ok(h.st.CreateUsers(h.Context(), users))
		h.round()
		h.fresh()
		kept, err := store.EventStreams.Get(h.Context(), h.st, stream)
		h.ok(err)
		if s, _ := stagedoor.EventStreamOf(kept); s.Enabled() || r.tries != 500 {
			h.Fatalf("%d tries, %+v", r.tries, s)
		}
		h.user("later")
		r.status = 200
		h.round()
		if r.tries != 500 {
			h.Errorf("%d tries", r.tries)
		}
		n, err := h.st.Redeliver(h.Context(), stream, store.EventQuery{})
		h.ok(err)
		h.round()
		if n != 500 || len(r.got) != 500 {
			h.Errorf("%d, %d came", n, len(r.got))
		}
		h.fresh()
		if found, err := h.st.DeleteEventStream(h.Context(), stream); err != nil || !found {
			h.Error(found, err)
		}
	})
}

// A stream whose receiver takes events more slowly than they come is said to be behind, and disabled before what waits for it fills the disk. What waits can
// be sent again.
func TestTooMuchWaits(t *testing.T) {
	each(t, func(h *house) {
		var log bytes.Buffer
		h.d.Log, h.d.MaxEvents, h.d.Metrics = slog.New(slog.NewTextHandler(&log, nil)), 30, telemetry.NewMetrics("test", false)
		start := h.clock.Now()
		defer func() { h.clock.wait(start.Sub(h.clock.Now())) }()
		r := newReceiver(h.T)
		stream := h.stream(webhook(r), "user.created")
		status := func() string {
			h.fresh()
			doc, err := store.EventStreams.Get(h.Context(), h.st, stream)
			h.ok(err)
			s, err := stagedoor.EventStreamOf(doc)
			h.ok(err)
			return s.Status
		}
		lag := func() string {
			w := httptest.NewRecorder()
			h.d.Metrics.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
			_, after, _ := strings.Cut(w.Body.String(), "\nstagedoor_event_stream_lag_seconds ")
			line, _, _ := strings.Cut(after, "\n")
			return line
		}
		for i := range 29 {
			h.user(fmt.Sprint("slow", i))
		}
		h.clock.wait(11 * time.Minute)
		h.round()
		if n := strings.Count(log.String(), "is behind"); n != 1 || !strings.Contains(log.String(), "seconds=660 waiting=29") || lag() != "660" || status() != "enabled" || len(r.got) != 29 {
			h.Fatalf("%d lines, lag %s, %s, %d came:\n%s", n, lag(), status(), len(r.got), &log)
		}
		h.round()
		if lag() != "0" {
			h.Errorf("lag %s of nothing", lag())
		}
		for i := range 30 {
			h.user(fmt.Sprint("slower", i))
		}
		h.clock.wait(11 * time.Minute)
		log.Reset()
		h.round()
		if status() != "disabled" || len(r.got) != 29 || strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "disabled: too much waits for it") {
			h.Fatalf("%s, %d came:\n%s", status(), len(r.got), &log)
		}
		log.Reset()
		n, err := h.st.Redeliver(h.Context(), stream, store.EventQuery{})
		h.ok(err)
		h.round()
		if n != 30 || len(r.got) != 59 || log.Len() > 0 || lag() != "0" {
			h.Errorf("%d, %d came, lag %s:\n%s", n, len(r.got), lag(), &log)
		}
		h.d.MaxEvents, h.d.MaxBytes = 0, 1000
		h.stream(webhook(r), "user.deleted")
		h.ok(h.st.DeleteUser(h.Context(), "auth0|slow1"))
		h.ok(h.st.DeleteUser(h.Context(), "auth0|slow2"))
		h.clock.wait(11 * time.Minute)
		log.Reset()
		h.round()
		if !strings.Contains(log.String(), "disabled: too much waits for it") {
			h.Errorf("by its bytes:\n%s", &log)
		}
		if found, err := h.st.DeleteEventStream(h.Context(), stream); err != nil || !found {
			h.Error(found, err)
		}
	})
}

// What a server that had not heard of it yet wrote for a stream that is deleted goes, too: nobody could ever ask for it.
func TestStreamThatIsGone(t *testing.T) {
	each(t, func(h *house) {
		ctx := h.Context()
		r := newReceiver(h.T)
		stream := h.stream(webhook(r), "user.created")
		late, err := h.db.TenantByID(ctx, "acme") // keeps the stream in memory
		h.ok(err)
		h.st = late
		h.user("ada")
		h.round()
		if _, err := late.DeleteEventStream(ctx, stream); err != nil {
			h.Fatal(err)
		}
		h.user("bob")
		if all, err := late.ClaimEvents(ctx, stream, 10, h.clock.Now()); err != nil || len(all) != 1 {
			h.Fatalf("nothing was written late: %v, %v", all, err)
		}
		h.round()
		all, err := late.EventDeliveries(ctx, stream, store.EventQuery{})
		h.ok(err)
		counts, err := late.EventCounts(ctx, stream, h.clock.Now().Add(-time.Hour), h.clock.Now().Add(time.Hour))
		h.ok(err)
		due, err := h.db.DueEventStreams(ctx, 10)
		h.ok(err)
		if len(r.got) != 1 || len(all) != 0 || len(counts) != 0 || len(due) != 0 {
			h.Errorf("%d came; left are %v, %v, %v", len(r.got), all, counts, due)
		}
	})
}

// The destination action gets the event; what it throws is a failed try.
func TestAction(t *testing.T) {
	each(t, func(h *house) {
		h.ok(h.st.CreateAction(h.Context(), &stagedoor.Action{ID: "act"}))
		stream := h.stream(`{"type":"action","configuration":{"action_id":"act"}}`, "user.created")
		var asked []string
		fails := true
		h.d.Act = func(_ context.Context, st *store.Store, id string, event json.RawMessage) error {
			var e stagedoor.CloudEvent
			h.ok(json.Unmarshal(event, &e))
			asked = append(asked, st.Tenant().ID+" "+id+" "+e.Type)
			if fails {
				return errors.New("no")
			}
			return nil
		}
		h.user("ada")
		h.round()
		fails = false
		h.clock.wait(time.Second)
		h.round()
		if want := "acme act user.created"; !slices.Equal(asked, []string{want, want}) {
			h.Error(asked)
		}
		other := h.stream(`{"type":"eventbridge","configuration":{"aws_account_id":"123456789012","aws_region":"eu-west-1"}}`, "user.created")
		h.user("bob")
		h.round()
		failed, err := h.st.EventDeliveries(h.Context(), other, store.EventQuery{})
		h.ok(err)
		if len(failed) != 1 || len(failed[0].Attempts) != 1 || failed[0].Attempts[0].Message != "destinations of the type eventbridge are not served" {
			h.Errorf("%+v", failed)
		}
		_ = stream
	})
}

// What has gone wrong in this server while it asks an action is the operator's to know: those of the tenant read that it was an internal error.
func TestActionThatCannotBeAsked(t *testing.T) {
	each(t, func(h *house) {
		var log bytes.Buffer
		h.d.Log = slog.New(slog.NewTextHandler(&log, nil))
		h.ok(h.st.CreateAction(h.Context(), &stagedoor.Action{ID: "act"}))
		stream := h.stream(`{"type":"action","configuration":{"action_id":"act"}}`, "user.created")
		h.d.Act = func(context.Context, *store.Store, string, json.RawMessage) error {
			return stagedoor.AsError(errors.New("no worker: fork /opt/stagedoor"))
		}
		h.user("ada")
		for range 20 {
			h.round()
			h.clock.wait(time.Hour)
		}
		all, err := h.st.EventDeliveries(h.Context(), stream, store.EventQuery{})
		h.ok(err)
		if len(all) != 1 || len(all[0].Attempts) == 0 || all[0].Attempts[0].Message != "Internal error" {
			h.Errorf("%+v", all)
		}
		if !strings.Contains(log.String(), "/opt/stagedoor") {
			h.Errorf("the server's log says %s", log.String())
		}
	})
}

// A server that stops in the middle of a try gives the event back: it was no try.
func TestStops(t *testing.T) {
	each(t, func(h *house) {
		h.ok(h.st.CreateAction(h.Context(), &stagedoor.Action{ID: "act"}))
		stream := h.stream(`{"type":"action","configuration":{"action_id":"act"}}`, "user.created")
		h.user("ada")
		ctx, stop := context.WithCancel(h.Context())
		h.d.Every = time.Hour
		h.d.Act = func(ctx context.Context, _ *store.Store, _ string, _ json.RawMessage) error {
			stop()
			<-ctx.Done()
			return ctx.Err()
		}
		h.d.Run(ctx)
		all, err := h.st.ClaimEvents(h.Context(), stream, 10, h.clock.Now().Add(time.Minute))
		h.ok(err)
		if len(all) != 1 || len(all[0].Attempts) != 0 {
			h.Errorf("%+v", all)
		}
	})
}
