package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Refresh tokens of a client end in pieces, so that others can write meanwhile; those of other clients and APIs stay.
func TestRevokeTokensOfClient(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := storetest.Tenant(t, db, "acme"), t.Context()
		newUser(t, s, "auth0|ada")
		newUser(t, s, "auth0|bob")
		newUser(t, s, "auth0|cy")
		add := func(n int, client, api, user string) {
			for range n {
				id := stagedoor.NewHexID()
				ok(t, s.CreateRefreshToken(ctx, "token "+id, &stagedoor.RefreshToken{ID: id, FamilyID: id, ClientID: client, Audience: api, UserID: user}))
			}
		}
		add(190, "app", "one", "auth0|ada")
		add(190, "app", "one", "auth0|bob")
		add(190, "app", "one", "auth0|cy")
		add(9, "app", "two", "auth0|bob")
		add(3, "other", "one", "auth0|ada")
		rotated := stagedoor.NewHexID()
		ok(t, s.CreateRefreshToken(ctx, rotated, &stagedoor.RefreshToken{ID: rotated, FamilyID: rotated, ClientID: "app", Audience: "one", UserID: "auth0|ada"}))
		must(s.RotateRefreshToken(ctx, rotated, "next", nil, 0, 0))(t)
		n := 0
		if most := store.LargestWrite(db, func() {
			n = must(s.RevokeRefreshTokens(ctx, store.RefreshTokensOf{ClientID: "app", Audience: "one"}))(t)
		}); n != 571 || most > 5 {
			t.Errorf("%d families, %d statements in one write", n, most)
		}
		if n := must(s.RevokeRefreshTokens(ctx, store.RefreshTokensOf{ClientID: "app"}))(t); n != 9 {
			t.Errorf("%d families of the other API", n)
		}
		if left := fmt.Sprint(len(must(s.UserRefreshTokens(ctx, "auth0|ada"))(t)), len(must(s.UserRefreshTokens(ctx, "auth0|bob"))(t))); left != "3 0" {
			t.Errorf("left: %s", left)
		}
	})
}

// A client's refresh tokens end in pieces before it, so that others can write meanwhile; what was interrupted goes on where it was.
func TestClientsWithManyTokensAreDeletedInPieces(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := storetest.Tenant(t, db, "acme"), t.Context()
		ok(t, s.CreateClient(ctx, &stagedoor.Client{ID: "app", Name: "App"}))
		for _, user := range []string{"auth0|ada", "auth0|bob", "auth0|cy"} {
			newUser(t, s, user)
			for i := range 181 {
				client := "app"
				if i == 180 {
					client = "other"
				}
				id := stagedoor.NewHexID()
				ok(t, s.CreateRefreshToken(ctx, "token "+id, &stagedoor.RefreshToken{ID: id, FamilyID: id, ClientID: client, Audience: "api", UserID: user}))
			}
		}
		tokens := func() string { return store.Rows(t, db, 1, "SELECT CAST(COUNT(*) AS TEXT) FROM refresh_tokens")[0][0] }
		limited, cancel := context.WithCancel(ctx)
		err := store.AfterWrites(db, 1, cancel, func() error { return s.DeleteClient(limited, "app") })
		if left := tokens(); err == nil || left != "43" {
			t.Errorf("interrupted: %v, %s tokens left", err, left)
		}
		must(s.Client(ctx, "app"))(t)
		ok(t, s.DeleteClient(ctx, "app"))
		if left := tokens(); left != "3" {
			t.Errorf("%s tokens left", left)
		}
		if _, err := s.Client(ctx, "app"); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("the client is there: %v", err)
		}
	})
}

// All that a user has here ends at once, however much of it nobody needs any more: that goes before, in pieces. Where it was interrupted what worked works, and it is asked for again.
func TestAccessEndsInPieces(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := storetest.Tenant(t, db, "acme"), t.Context()
		newUser(t, s, "auth0|bob")
		access(t, s, "auth0|bob", time.Now().Add(time.Hour))
		count := func(table string) string {
			return store.Rows(t, db, 1, "SELECT CAST(COUNT(*) AS TEXT) FROM "+table+" WHERE user_id = 'auth0|ada'")[0][0]
		}
		for name, end := range map[string]func(context.Context) error{
			"EndAccess":        func(ctx context.Context) error { return s.EndAccess(ctx, "auth0|ada", stagedoor.LogoutByProvider) },
			"SetPasswordHash":  func(ctx context.Context) error { return s.SetPasswordHash(ctx, "auth0|ada", "hash", time.Now()) },
			"EndAccessBy":      func(ctx context.Context) error { return s.EndAccessBy(ctx, "auth0|ada", "Users", "") },
			"DeleteUserGrants": func(ctx context.Context) error { return s.DeleteUserGrants(ctx, "auth0|ada") },
			"DeleteUser":       func(ctx context.Context) error { return s.DeleteUser(ctx, "auth0|ada") },
			"RevokeSessions": func(ctx context.Context) error {
				return s.RevokeSessions(ctx, store.AccessOf{UserID: "auth0|ada"}, true)
			},
			"one session": func(ctx context.Context) error {
				return s.RevokeSessions(ctx, store.AccessOf{Session: "sid auth0|ada"}, true)
			},
			"EndSession": func(ctx context.Context) error { return s.EndSession(ctx, "sid auth0|ada", false) },
			"RevokeRefreshTokens": func(ctx context.Context) error {
				n, err := s.RevokeRefreshTokens(ctx, store.RefreshTokensOf{UserID: "auth0|ada"})
				if err == nil && n != 1 {
					t.Errorf("%d families", n)
				}
				return err
			},
		} {
			newUser(t, s, "auth0|ada")
			until := time.Now().Add(time.Hour)
			ok(t, s.CreateSession(ctx, "handle", &stagedoor.Session{ID: "sid auth0|ada", UserID: "auth0|ada", Connection: "Users", ExpiresAt: until, IdleExpiresAt: until}))
			ok(t, s.CreateRefreshToken(ctx, "token", &stagedoor.RefreshToken{ID: "rt", FamilyID: "family", UserID: "auth0|ada", SessionID: "sid auth0|ada", ClientID: "c", Audience: "a", Connection: "Users"}))
			ok(t, s.AddGrant(ctx, "auth0|ada", "c", "a", nil))
			store.Exec(t, db, `INSERT INTO refresh_tokens (tenant, hash, public_id, family, counter, user_id, client_id, audience, doc, created_at, expires_at, used_at)
				WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700)
				SELECT t.tenant, t.hash || CAST(n.i AS TEXT), t.public_id, t.family, 0, t.user_id, t.client_id, t.audience, t.doc, t.created_at, t.expires_at, t.created_at
				FROM refresh_tokens t, n WHERE t.user_id = 'auth0|ada'`)
			limited, cancel := context.WithCancel(ctx)
			err := store.AfterWrites(db, 1, cancel, func() error { return end(limited) })
			if left := count("refresh_tokens"); err == nil || left != "201" {
				t.Errorf("%s was interrupted: %v, %s tokens left", name, err, left)
			}
			must(s.UnusedRefreshToken(ctx, "token"))(t)
			must(s.SessionByHandle(ctx, "handle"))(t)
			ok(t, end(ctx))
			if left := count("refresh_tokens"); left != "0" {
				t.Errorf("%s: %s tokens left", name, left)
			}
			if _, err := s.PresentRefreshToken(ctx, "token", time.Hour, func(*stagedoor.RefreshToken) bool { return true }); !stagedoor.IsKind(err, stagedoor.NotFound) {
				t.Errorf("%s: the token: %v", name, err)
			}
			ok(t, s.DeleteUser(ctx, "auth0|ada"))
			if t.Failed() {
				return
			}
		}
		must(s.RefreshToken(ctx, "refresh auth0|bob"))(t)
		must(s.SessionByHandle(ctx, "handle auth0|bob"))(t)
	})
}

// A family of refresh tokens that has idled out is listed no more, though its superseded tokens are still known.
func TestIdleTokensAreNotListed(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx, start := t.Context(), clock.now
		defer func() { clock.now = start }()
		newUser(t, s, "auth0|ada")
		ok(t, s.CreateRefreshToken(ctx, "first", &stagedoor.RefreshToken{ID: "rt", FamilyID: "f", UserID: "auth0|ada", ClientID: "c", ExpiresAt: clock.in(10 * time.Hour), IdleExpiry: clock.in(time.Hour)}))
		must(s.RotateRefreshToken(ctx, "first", "second", nil, 0, time.Hour))(t)
		same(t, []any{len(must(s.UserRefreshTokens(ctx, "auth0|ada"))(t)), must(s.RefreshTokenByID(ctx, "rt"))(t).Counter}, []any{1, 1})
		clock.now = clock.in(time.Hour)
		same(t, len(must(s.UserRefreshTokens(ctx, "auth0|ada"))(t)), 0)
		_, err := s.RefreshTokenByID(ctx, "rt")
		hasCode(t, err, stagedoor.NotFound, "inexistent_refresh_token")
		n := must(s.RevokeRefreshTokens(ctx, store.RefreshTokensOf{IDs: []string{"rt", "a\x00b", "\xff"}}))(t)
		_, known := s.RefreshToken(ctx, "first")
		if n != 1 || !stagedoor.IsKind(known, stagedoor.NotFound) {
			t.Errorf("%d families, %v", n, known)
		}
	}, storetest.WithClock(clock.clock))
}

// Nor does a superseded token bring such a family back, however long the leeway is.
func TestLeewayOutlivesNoFamily(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx, start := t.Context(), clock.now
		defer func() { clock.now = start }()
		newUser(t, s, "auth0|ada")
		any := func(*stagedoor.RefreshToken) bool { return true }
		ok(t, s.CreateRefreshToken(ctx, "first", &stagedoor.RefreshToken{ID: "rt", FamilyID: "f", UserID: "auth0|ada", ClientID: "c", ExpiresAt: clock.in(10 * time.Hour), IdleExpiry: clock.in(time.Hour)}))
		clock.now = start.Add(30 * time.Minute)
		must(s.RotateRefreshToken(ctx, "first", "second", nil, 0, time.Hour))(t)
		clock.now = start.Add(80 * time.Minute) // the answer was lost, and the family goes on
		must(s.PresentRefreshToken(ctx, "first", 5*time.Hour, any))(t)
		clock.now = start.Add(90 * time.Minute)
		_, err := s.RotateRefreshToken(ctx, "first", "third", nil, 5*time.Hour, time.Hour)
		if !errors.Is(err, store.ErrReused) {
			t.Errorf("after the family has idled out: %v", err)
		}
		_, err = s.RefreshToken(ctx, "third")
		isKind(t, err, stagedoor.NotFound)
	}, storetest.WithClock(clock.clock))
}

// A client's refresh tokens are looked at by so many at a time, however many one family has had.
func TestTokensOfClientAreReadInPieces(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := storetest.Tenant(t, db, "acme"), t.Context()
		newUser(t, s, "auth0|ada")
		ok(t, s.CreateRefreshToken(ctx, "old", &stagedoor.RefreshToken{ID: "rt_1", FamilyID: "1", UserID: "auth0|ada", ClientID: "app", Audience: "a"}))
		store.Exec(t, db, `INSERT INTO refresh_tokens (tenant, hash, public_id, family, counter, user_id, client_id, audience, doc, created_at, expires_at, used_at)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10100)
			SELECT t.tenant, t.hash || CAST(n.i AS TEXT), t.public_id, t.family, 0, t.user_id, t.client_id, t.audience, t.doc, t.created_at, t.expires_at, t.created_at
			FROM refresh_tokens t, n`)
		ok(t, s.CreateRefreshToken(ctx, "other", &stagedoor.RefreshToken{ID: "rt_2", FamilyID: "2", UserID: "auth0|ada", ClientID: "app", Audience: "a"}))
		n := must(s.RevokeRefreshTokens(ctx, store.RefreshTokensOf{ClientID: "app", Audience: "a"}))(t)
		if left := store.Rows(t, db, 1, "SELECT CAST(COUNT(*) AS TEXT) FROM refresh_tokens")[0][0]; n != 2 || left != "0" {
			t.Errorf("%d families, %s tokens left", n, left)
		}
	})
}

// A family that has been rotated for long is read and changed by the few tokens of it that may still be used. The others are remembered as long as they were: who comes with one is a thief.
func TestOldFamilyIsChangedByItsNewest(t *testing.T) {
	clock := newClock()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx, start := storetest.Tenant(t, db, "acme"), t.Context(), clock.now
		defer func() { clock.now = start }()
		newUser(t, s, "auth0|ada")
		ok(t, s.CreateRefreshToken(ctx, "0", &stagedoor.RefreshToken{
			ID: "rt_1", FamilyID: "family", Counter: 1, ClientID: "app", UserID: "auth0|ada", IdleExpiry: clock.in(time.Hour), ExpiresAt: clock.in(24 * time.Hour),
		}))
		for i := range 40 {
			must(s.RotateRefreshToken(ctx, fmt.Sprint(i), fmt.Sprint(i+1), nil, time.Minute, time.Hour))(t)
			if i == 20 { // its answer was lost, and so it was used twice
				must(s.RotateRefreshToken(ctx, "20", "lost", nil, time.Minute, time.Hour))(t)
			}
		}
		if most := store.LargestWrite(db, func() {
			got := must(s.SetRefreshTokenMetadata(ctx, "rt_1", map[string]any{"k": "v"}))(t)
			if got.Counter != 41 || got.Metadata["k"] != "v" {
				t.Errorf("changed: %+v", got)
			}
		}); most > 8 {
			t.Errorf("%d statements in one write", most)
		}
		for _, token := range []string{"39", "lost"} {
			if again := must(s.RotateRefreshToken(ctx, token, "after "+token, nil, time.Minute, time.Hour))(t); again.Metadata["k"] != "v" {
				t.Errorf("from %s: %+v", token, again)
			}
		}
		if all := must(s.UserRefreshTokens(ctx, "auth0|ada"))(t); len(all) != 1 || all[0].Counter != 41 {
			t.Errorf("listed: %+v", all)
		}
		clock.now = clock.in(2 * time.Hour)
		if all := must(s.UserRefreshTokens(ctx, "auth0|ada"))(t); len(all) != 0 {
			t.Errorf("listed after it idled out: %+v", all)
		}
		if _, err := s.RefreshTokenByID(ctx, "rt_1"); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("after it idled out: %v", err)
		}
		ok(t, db.Sweep(ctx))
		if _, err := s.RotateRefreshToken(ctx, "39", "stolen", nil, 0, time.Hour); !errors.Is(err, store.ErrReused) {
			t.Errorf("a superseded one: %v", err)
		}
	}, storetest.WithClock(clock.clock))
}
