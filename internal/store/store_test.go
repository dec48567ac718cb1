package store_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// each runs fn on both databases with a tenant.
func each(t *testing.T, fn func(t *testing.T, s *store.Store), options ...storetest.Option) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { fn(t, storetest.Tenant(t, db, "acme")) }, options...)
}

// newUser adds a user to the connection "Users"; the id begins with auth0|.
func newUser(t testing.TB, s *store.Store, id string) *stagedoor.User {
	t.Helper()
	name := strings.TrimPrefix(id, "auth0|")
	u := &stagedoor.User{
		ID: id, Connection: "Users", Email: name + "@example.com",
		Identities: []stagedoor.Identity{{Connection: "Users", Provider: "auth0", UserID: name}},
	}
	u.FillDefaults()
	if err := s.CreateUser(t.Context(), u, ""); err != nil {
		t.Fatalf("creating %s: %v", id, err)
	}
	return u
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must returns v, or ends the test.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		ok(t, err)
		return v
	}
}

func isKind(t testing.TB, err error, kind stagedoor.Kind) {
	t.Helper()
	if !stagedoor.IsKind(err, kind) {
		t.Errorf("error %v, want kind %d", err, kind)
	}
}

func hasCode(t testing.TB, err error, kind stagedoor.Kind, code string) {
	t.Helper()
	isKind(t, err, kind)
	if !stagedoor.HasCode(err, code) {
		t.Errorf("error %v, want code %s", err, code)
	}
}

// same compares as JSON.
func same(t testing.TB, got, want any) {
	t.Helper()
	g, err := json.Marshal(got)
	ok(t, err)
	w, err := json.Marshal(want)
	ok(t, err)
	if string(g) != string(w) {
		t.Errorf("got  %s\nwant %s", g, w)
	}
}

var errStop = errors.New("stop")

// ticking is a clock that tests move by hand.
type ticking struct{ now time.Time }

func newClock() *ticking { return &ticking{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *ticking) clock() time.Time { return c.now }
func (c *ticking) in(d time.Duration) time.Time {
	return c.now.Add(d)
}
