package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

func hashedBy(action string) map[string]json.RawMessage {
	return map[string]json.RawMessage{"custom_password_hash": json.RawMessage(`{"action_id":"` + action + `"}`)}
}

func streamTo(action string) string {
	return `{"status":"enabled","destination":{"type":"action","configuration":{"action_id":"` + action + `"}}}`
}

// beginToName are the ways in which something begins to name an action; n makes names that are free.
var beginToName = map[string]func(ctx context.Context, s *store.Store, action string, n int) error{
	"a new stream": func(ctx context.Context, s *store.Store, action string, _ int) error {
		return store.EventStreams.Create(ctx, s, &stagedoor.Document{Sealed: streamTo(action)})
	},
	"a stream": func(ctx context.Context, s *store.Store, action string, _ int) error {
		d := &stagedoor.Document{Sealed: "{}"}
		if err := store.EventStreams.Create(ctx, s, d); err != nil {
			return err
		}
		_, err := store.EventStreams.Update(ctx, s, d.ID, func(d *stagedoor.Document) error { d.Sealed = streamTo(action); return nil })
		return err
	},
	"a new profile": func(ctx context.Context, s *store.Store, action string, n int) error {
		return store.TokenExchangeProfiles.Create(ctx, s, &stagedoor.Document{Name: fmt.Sprint("urn:acme:", n), Sealed: `{"action_id":"` + action + `"}`})
	},
	"a new connection": func(ctx context.Context, s *store.Store, action string, n int) error {
		return s.CreateConnection(ctx, &stagedoor.Connection{Name: fmt.Sprint("new", n), Strategy: stagedoor.StrategyDatabase, Options: stagedoor.ConnectionOptions{Stored: hashedBy(action)}})
	},
	"a connection": func(ctx context.Context, s *store.Store, action string, n int) error {
		c := &stagedoor.Connection{Name: fmt.Sprint("old", n), Strategy: stagedoor.StrategyDatabase}
		if err := s.CreateConnection(ctx, c); err != nil {
			return err
		}
		_, err := s.UpdateConnection(ctx, c.ID, func(c *stagedoor.Connection) error { c.Options.Stored = hashedBy(action); return nil })
		return err
	},
}

// Nothing names an action that is gone, whoever comes first: who deletes it, or who begins to name it.
func TestActionsThatAreNamedStay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, s := t.Context(), storetest.Tenant(t, db, "acme")
		n, named, gone := 0, 0, 0
		for name, begin := range beginToName {
			for range 12 {
				n++
				a := &stagedoor.Action{Name: fmt.Sprint("a", n)}
				ok(t, s.CreateAction(ctx, a))
				var errs [2]error
				race(2, func(i int) error {
					if i == 0 {
						errs[0] = begin(ctx, s, a.ID, n)
					} else {
						errs[1] = s.DeleteAction(ctx, a.ID, false)
					}
					return errs[i]
				})
				switch {
				case errs[0] == nil:
					named++
					hasCode(t, errs[1], stagedoor.Conflict, "")
				case errs[1] == nil:
					gone++
					hasCode(t, errs[0], stagedoor.Invalid, "invalid_body")
				default:
					t.Errorf("%s: %v, and %v", name, errs[0], errs[1])
				}
			}
		}
		if named+gone != n {
			t.Errorf("%d named, %d gone, of %d", named, gone, n)
		}
	})
}

// What named an action that is gone, of before this was looked at, can be changed as long as it does not begin to name another such one.
func TestActionsThatAreGone(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		a, b := &stagedoor.Action{Name: "a"}, &stagedoor.Action{Name: "b"}
		ok(t, s.CreateAction(ctx, a))
		ok(t, s.CreateAction(ctx, b))
		c := &stagedoor.Connection{Name: "Users", Strategy: stagedoor.StrategyDatabase, Options: stagedoor.ConnectionOptions{Stored: hashedBy(a.ID)}}
		ok(t, s.CreateConnection(ctx, c))
		hasCode(t, s.DeleteAction(ctx, a.ID, false), stagedoor.Conflict, "")
		change := func(action string) error {
			_, err := s.UpdateConnection(ctx, c.ID, func(c *stagedoor.Connection) error {
				c.DisplayName, c.Options.Stored = "x", hashedBy(action)
				return nil
			})
			return err
		}
		ok(t, change(a.ID))
		hasCode(t, change("none"), stagedoor.Invalid, "invalid_body")
		ok(t, change(b.ID))
		ok(t, s.DeleteAction(ctx, a.ID, false))
		ok(t, change(""))
		ok(t, s.DeleteAction(ctx, b.ID, false))
	})
}

// With force, what named an action goes with it, also what begins to at the same moment; what names another one stays.
func TestActionsThatAreDeletedWithForce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, s := t.Context(), storetest.Tenant(t, db, "acme")
		other := &stagedoor.Action{Name: "other"}
		ok(t, s.CreateAction(ctx, other))
		n := 0
		for _, begin := range beginToName {
			n++
			ok(t, begin(ctx, s, other.ID, n))
		}
		for name, begin := range beginToName {
			for range 8 {
				a := &stagedoor.Action{Name: fmt.Sprint("a", n)}
				ok(t, s.CreateAction(ctx, a))
				n++
				ok(t, begin(ctx, s, a.ID, n))
				n++
				race(2, func(i int) error {
					if i == 1 {
						return s.DeleteAction(ctx, a.ID, true)
					}
					if err := begin(ctx, s, a.ID, n); err != nil {
						hasCode(t, err, stagedoor.Invalid, "invalid_body")
					}
					return nil
				})
				if _, err := s.Action(ctx, a.ID); !stagedoor.IsKind(err, stagedoor.NotFound) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		for _, d := range append(must(store.EventStreams.All(ctx, s))(t), must(store.TokenExchangeProfiles.All(ctx, s))(t)...) {
			if d.Sealed != "{}" && !strings.Contains(d.Sealed, other.ID) {
				t.Errorf("left: %s", d.Sealed)
			}
		}
		named := 0
		for _, c := range must(s.Connections(ctx))(t) {
			if id := c.CustomHashAction(); id == other.ID {
				named++
			} else if id != "" || c.Options.Stored["custom_password_hash"] != nil {
				t.Errorf("left: %s", c.Options.Stored)
			}
		}
		same(t, fmt.Sprint(named, len(must(store.EventStreams.All(ctx, s))(t)) >= 2, len(must(store.TokenExchangeProfiles.All(ctx, s))(t))), "2 true 1")
		hasCode(t, s.DeleteAction(ctx, other.ID, false), stagedoor.Conflict, "")
	})
}

// What waits for an event stream goes with it.
func TestEventsOfActionsThatAreDeleted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, s := t.Context(), storetest.Tenant(t, db, "acme")
		a := &stagedoor.Action{Name: "a"}
		ok(t, s.CreateAction(ctx, a))
		ok(t, store.EventStreams.Create(ctx, s, &stagedoor.Document{Sealed: `{"status":"enabled","subscriptions":[{"event_type":"organization.created"}],"destination":{"type":"action","configuration":{"action_id":"` + a.ID + `"}}}`}))
		left := func() string { return store.Rows(t, db, 1, "SELECT CAST(COUNT(*) AS TEXT) FROM events")[0][0] }
		ok(t, s.CreateOrganization(ctx, &stagedoor.Organization{Name: "one"}, nil))
		same(t, left(), "1")
		ok(t, s.DeleteAction(ctx, a.ID, true))
		same(t, left(), "0")
	})
}
