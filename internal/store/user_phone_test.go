package store_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// TestNumbersOfLinkedIdentities: when numbers begin to identify, those of linked identities do so as well, unless somebody else has them.
func TestNumbersOfLinkedIdentities(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			ctx := t.Context()
			s := must(storetest.Open(t, kind).CreateTenant(ctx, "acme", []string{"acme.test"}))(t)
			conn := &stagedoor.Connection{ID: "con_1", Name: "Users", Strategy: stagedoor.StrategyDatabase}
			ok(t, s.CreateConnection(ctx, conn))
			identity := func(id string) stagedoor.Identity {
				return stagedoor.Identity{Connection: "Users", Provider: "auth0", UserID: id}
			}
			person := func(id, phone string) {
				ok(t, s.CreateUser(ctx, &stagedoor.User{ID: "auth0|" + id, Connection: "Users", Email: id + "@x.test", PhoneNumber: phone, Identities: []stagedoor.Identity{identity(id)}}, ""))
			}
			person("main", "")
			for id, phone := range map[string]string{"mine": "+491", "shared": "+492", "twice": "+493", "again": "+493"} {
				person(id, phone)
				must(s.LinkIdentity(ctx, "auth0|main", identity(id), false))(t)
			}
			person("other", "+492")
			person("third", "+494")
			phones := func(attributes string) {
				must(s.UpdateConnection(ctx, "con_1", func(c *stagedoor.Connection) error {
					c.Options.Stored = map[string]json.RawMessage{"attributes": json.RawMessage(attributes)}
					return nil
				}))(t)
			}
			const on, off = `{"phone_number":{"identifier":{"active":true}}}`, `{"email":{"identifier":{"active":true}}}`
			for range 2 {
				phones(on)
				for number, want := range map[string]string{"+491": "auth0|main", "+492": "", "+493": ""} {
					u, _, err := s.UserByLinkedAttribute(ctx, "Users", stagedoor.AttributePhone, number)
					if want == "" && !stagedoor.IsKind(err, stagedoor.NotFound) || want != "" && (err != nil || u.ID != want) {
						t.Errorf("linked %s: %v %v", number, u, err)
					}
				}
				for number, want := range map[string]bool{"+491": false, "+492": false, "+494": true} {
					if _, err := s.UserByAttribute(ctx, "Users", stagedoor.AttributePhone, number); (err == nil) != want {
						t.Errorf("%s: %v", number, err)
					}
				}
				phones(off)
				if _, _, err := s.UserByLinkedAttribute(ctx, "Users", stagedoor.AttributePhone, "+491"); !stagedoor.IsKind(err, stagedoor.NotFound) {
					t.Errorf("still known: %v", err)
				}
			}
			phones(on)
			store.ForgetPhones(t, s) // as a server of before numbers identified left it
			must(s.UpdateConnection(ctx, "con_1", func(c *stagedoor.Connection) error { c.DisplayName = "People"; return nil }))(t)
			if u, err := s.UserByAttribute(ctx, "Users", stagedoor.AttributePhone, "+494"); err != nil || u.ID != "auth0|third" {
				t.Errorf("after the upgrade: %v %v", u, err)
			}
			if err := s.CreateUser(ctx, &stagedoor.User{ID: "auth0|new", Connection: "Users", PhoneNumber: "+491", Identities: []stagedoor.Identity{identity("new")}}, ""); !stagedoor.IsKind(err, stagedoor.Conflict) {
				t.Errorf("a number twice: %v", err)
			}
			must(s.UnlinkIdentity(ctx, "auth0|main", "auth0", "mine"))(t)
			if u, err := s.UserByAttribute(ctx, "Users", stagedoor.AttributePhone, "+491"); err != nil || u.ID != "auth0|mine" {
				t.Errorf("on its own: %v %v", u, err)
			}
		})
	}
}

// phoneDatabase makes a database, whose numbers identify people or not, and people with numbers.
func phoneDatabase(t *testing.T, db *store.DB, people map[string]string) (s *store.Store, identify func()) {
	t.Helper()
	s = storetest.Tenant(t, db, "acme")
	ok(t, s.CreateConnection(t.Context(), &stagedoor.Connection{ID: "con_1", Name: "Users", Strategy: stagedoor.StrategyDatabase}))
	for id, number := range people {
		ok(t, s.CreateUser(t.Context(), withNumber(id, number), ""))
	}
	return s, func() {
		_, err := s.UpdateConnection(t.Context(), "con_1", func(c *stagedoor.Connection) error {
			c.Options.Stored = map[string]json.RawMessage{"attributes": json.RawMessage(`{"phone_number":{"identifier":{"active":true}}}`)}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func withNumber(id, number string) *stagedoor.User {
	return &stagedoor.User{
		ID: "auth0|" + id, Connection: "Users", Email: id + "@x.test", PhoneNumber: number,
		Identities: []stagedoor.Identity{{Connection: "Users", Provider: "auth0", UserID: id}},
	}
}

// A number that several share identifies the last of them once the others are without it: changed, or deleted.
func TestSharedNumberIsLetGo(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			s, identify := phoneDatabase(t, storetest.Open(t, kind), map[string]string{"one": "+491", "two": "+491", "three": "+491", "four": "+492", "five": "+492"})
			ctx := t.Context()
			identify()
			of := func(number, want string) {
				t.Helper()
				u, err := s.UserByAttribute(ctx, "Users", stagedoor.AttributePhone, number)
				if want == "" && !stagedoor.IsKind(err, stagedoor.NotFound) || want != "" && (err != nil || u.ID != want) {
					t.Errorf("%s: %v %v, want %q", number, u, err, want)
				}
			}
			of("+491", "")
			must(s.UpdateUser(ctx, "auth0|one", func(u *stagedoor.User) error { u.PhoneNumber = ""; return nil }))(t)
			of("+491", "")
			must(s.UpdateUser(ctx, "auth0|two", func(u *stagedoor.User) error { u.PhoneNumber = "+493"; return nil }))(t)
			of("+491", "auth0|three")
			of("+493", "auth0|two")
			ok(t, s.DeleteUser(ctx, "auth0|four"))
			of("+492", "auth0|five")
			if err := s.CreateUser(ctx, withNumber("six", "+492"), ""); !stagedoor.IsKind(err, stagedoor.Conflict) {
				t.Errorf("a number twice: %v", err)
			}
		})
	}
}

// Somebody who is signing up while numbers begin to identify is known by theirs afterwards.
func TestSignUpWhileNumbersBeginToIdentify(t *testing.T) {
	db := storetest.Open(t, storetest.Postgres)
	s, identify := phoneDatabase(t, db, nil)
	let := store.Hold(t, db, "LOCK TABLE passwords IN ACCESS EXCLUSIVE MODE") // which a sign-up writes after it has read the connection
	signed, on := make(chan error), make(chan struct{})
	go func() { signed <- s.CreateUser(t.Context(), withNumber("new", "+491"), "hash") }()
	store.AwaitLock(t, db, "passwords")
	go func() { identify(); close(on) }()
	select {
	case <-on:
	case <-time.After(time.Second):
	}
	let()
	ok(t, <-signed)
	<-on
	if u, err := s.UserByAttribute(t.Context(), "Users", stagedoor.AttributePhone, "+491"); err != nil || u.ID != "auth0|new" {
		t.Errorf("%v %v", u, err)
	}
}

// Numbers are looked for among those who have some, not among all users of the database: when they begin to identify, at each change of the connection, and when one is let go.
func TestNumbersAreFoundAmongMany(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite)
	s, identify := phoneDatabase(t, db, map[string]string{"one": "+491", "two": "+491", "three": "+492", "four": "+492", "five": "", "main": ""})
	ctx := t.Context()
	must(s.LinkIdentity(ctx, "auth0|main", stagedoor.Identity{Connection: "Users", Provider: "auth0", UserID: "four"}, false))(t)
	for text, plan := range store.PlansOf(t, db, func() {
		identify()
		must(s.UpdateConnection(ctx, "con_1", func(c *stagedoor.Connection) error { c.DisplayName = "People"; return nil }))(t)
		ok(t, s.DeleteUser(ctx, "auth0|one"))
	}) {
		for step := range strings.Lines(plan) {
			if strings.Contains(step, " users ") && !strings.Contains(step, "users_numbered") && strings.HasSuffix(strings.TrimSpace(step), "(tenant=? AND connection=?)") || strings.Contains(step, "SCAN users") {
				t.Errorf("%s\n%s", text, step)
			}
		}
	}
	if u, err := s.UserByAttribute(ctx, "Users", stagedoor.AttributePhone, "+491"); err != nil || u.ID != "auth0|two" {
		t.Errorf("%v %v", u, err)
	}
}
