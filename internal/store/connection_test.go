package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Where passwords are checked is changed by many at once, each with one connection to the database, and not where there are users.
func TestWherePasswordsAreChecked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.Tenant(t, db, "acme")
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		c := &stagedoor.Connection{Name: "Own", Strategy: stagedoor.StrategyDatabase}
		ok(t, s.CreateConnection(ctx, c))
		turn := func(c *stagedoor.Connection) error {
			on := json.RawMessage(`true`)
			if c.Scripts().On {
				on = json.RawMessage(`false`)
			}
			c.Options.Stored = map[string]json.RawMessage{"enabledDatabaseCustomization": on}
			return nil
		}
		var group sync.WaitGroup
		for range 40 {
			group.Go(func() {
				_, err := s.ConfigureConnection(ctx, c.ID, turn)
				ok(t, err)
			})
		}
		group.Wait()
		ok(t, s.CreateUser(ctx, &stagedoor.User{ID: "auth0|own", Connection: "Own", Email: "own@x.test"}, ""))
		if _, err := s.ConfigureConnection(ctx, c.ID, turn); !stagedoor.IsKind(err, stagedoor.Invalid) {
			t.Errorf("with users: %v", err)
		}
		must(s.ConfigureConnection(ctx, c.ID, func(c *stagedoor.Connection) error { c.DisplayName = "Ours"; return nil }))(t)
	})
}

// The users of a connection go in pieces, so that others can write meanwhile; what was interrupted goes on where it was.
func TestConnectionsWithManyUsersAreDeletedInPieces(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := storetest.Tenant(t, db, "acme"), t.Context()
		for _, name := range []string{"Many", "Others"} {
			ok(t, s.CreateConnection(ctx, &stagedoor.Connection{ID: "con " + name, Name: name, Strategy: stagedoor.StrategyDatabase}))
		}
		var rows []store.CarriedUser
		add := func(connection string, n int) {
			for i := range n {
				id := fmt.Sprint(connection, i)
				rows = append(rows, store.CarriedUser{User: &stagedoor.User{
					ID: "auth0|" + id, Connection: connection, Email: id + "@x.test", CreatedAt: time.Now(), UpdatedAt: time.Now(),
					Identities: []stagedoor.Identity{{Connection: connection, Provider: "auth0", UserID: id}},
				}})
			}
		}
		add("Many", 1200)
		add("Others", 3)
		must(s.CarryUsers(ctx, rows, false))(t)
		ok(t, s.CreateSession(ctx, "handle", &stagedoor.Session{ID: "ses", UserID: "auth0|Many7", ExpiresAt: time.Now().Add(time.Hour), IdleExpiresAt: time.Now().Add(time.Hour)}))
		limited, cancel := context.WithCancel(ctx)
		err := store.AfterWrites(db, 1, cancel, func() error { return s.DeleteConnection(limited, "con Many") })
		left := must(s.CountUsers(ctx, "Many"))(t)
		if err == nil || left != 700 {
			t.Errorf("interrupted: %v, %d users left", err, left)
		}
		must(s.Connection(ctx, "con Many"))(t)
		ok(t, s.DeleteConnection(ctx, "con Many"))
		if many, others := must(s.CountUsers(ctx, "Many"))(t), must(s.CountUsers(ctx, "Others"))(t); many != 0 || others != 3 {
			t.Errorf("%d users left, %d of another connection", many, others)
		}
		if _, err := s.Connection(ctx, "con Many"); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("the connection: %v", err)
		}
		if c := must(db.Check(ctx, nil))(t); len(c.Faults) > 0 {
			t.Errorf("%+v", c.Faults)
		}
		if all := must(s.UserSessions(ctx, "auth0|Many7"))(t); len(all) > 0 {
			t.Errorf("%v", all)
		}
	})
}

// So do identities of the connection that are linked to users of others.
func TestConnectionsWithManyLinkedIdentitiesAreDeletedInPieces(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := storetest.Tenant(t, db, "acme"), t.Context()
		ok(t, s.CreateConnection(ctx, &stagedoor.Connection{ID: "con Many", Name: "Many", Strategy: "google-oauth2"}))
		newUser(t, s, "auth0|ada")
		newUser(t, s, "auth0|bob")
		for i := range 210 {
			main := "auth0|ada"
			if i >= 150 {
				main = "auth0|bob"
			}
			must(s.LinkIdentity(ctx, main, stagedoor.Identity{Connection: "Many", Provider: "google-oauth2", UserID: fmt.Sprint(i), IsSocial: true}, true))(t)
		}
		left := func() int {
			return len(must(s.User(ctx, "auth0|ada"))(t).Identities) + len(must(s.User(ctx, "auth0|bob"))(t).Identities) - 2
		}
		limited, cancel := context.WithCancel(ctx)
		err := store.AfterWrites(db, 1, cancel, func() error { return s.DeleteConnection(limited, "con Many") })
		if left := left(); err == nil || left != 10 {
			t.Errorf("interrupted: %v, %d identities left", err, left)
		}
		ok(t, s.DeleteConnection(ctx, "con Many"))
		if left := left(); left != 0 {
			t.Errorf("%d identities left", left)
		}
		if c := must(db.Check(ctx, nil))(t); len(c.Faults) > 0 {
			t.Errorf("%+v", c.Faults)
		}
	})
}

// A connection that is deleted if it is empty stays as long as somebody has come by it.
func TestDeleteConnectionIfEmpty(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		c := &stagedoor.Connection{Name: "staff", Strategy: "samlp"}
		ok(t, s.CreateConnection(ctx, c))
		u := &stagedoor.User{ID: "samlp|staff|1", Connection: "staff"}
		ok(t, s.CreateUser(ctx, u, ""))
		hasCode(t, s.DeleteConnectionIfEmpty(ctx, c.ID), stagedoor.Conflict, "")
		must(s.User(ctx, u.ID))(t)
		must(s.Connection(ctx, c.ID))(t)
		ok(t, s.DeleteUser(ctx, u.ID))
		ok(t, s.DeleteConnectionIfEmpty(ctx, c.ID))
		isKind(t, s.DeleteConnectionIfEmpty(ctx, c.ID), stagedoor.NotFound)
	})
}
