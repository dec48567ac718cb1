package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// What ends with a block goes in pieces where it is much, and before it: whoever is blocked has nothing that works, and where the block was interrupted nobody is blocked.
func TestBlocksEndManyTokensInPieces(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := storetest.Tenant(t, db, "acme"), t.Context()
		ok(t, s.CreateConnection(ctx, &stagedoor.Connection{ID: "con", Name: "Users"}))
		left := func() string {
			return store.Rows(t, db, 1, "SELECT CAST(COUNT(*) AS TEXT) FROM access_tokens WHERE user_id = 'auth0|ada'")[0][0]
		}
		block := func(u *stagedoor.User) error { u.Blocked = new(true); return nil }
		for name, end := range map[string]func(context.Context) error{
			"UpdateUser": func(ctx context.Context) error {
				_, err := s.UpdateUser(ctx, "auth0|ada", block)
				return err
			},
			"ProvisionUser": func(ctx context.Context) error {
				p := &stagedoor.ProvisionedUser{ConnectionID: "con", UserName: "ada", Doc: []byte("{}")}
				_, err := s.ProvisionUser(ctx, p, &stagedoor.User{ID: "auth0|ada", Connection: "Users"}, block)
				return err
			},
			"UpdateProvisionedUser": func(ctx context.Context) error {
				_, _, err := s.UpdateProvisionedUser(ctx, "con", "auth0|ada", func(_ *stagedoor.ProvisionedUser, u *stagedoor.User) error { return block(u) })
				return err
			},
		} {
			newUser(t, s, "auth0|ada")
			if name == "UpdateProvisionedUser" {
				p := &stagedoor.ProvisionedUser{ConnectionID: "con", UserName: "ada", Doc: []byte("{}")}
				must(s.ProvisionUser(ctx, p, &stagedoor.User{ID: "auth0|ada", Connection: "Users"}, func(*stagedoor.User) error { return nil }))(t)
			}
			until := time.Now().Add(time.Hour)
			ok(t, s.CreateSession(ctx, "handle", &stagedoor.Session{ID: "sid", UserID: "auth0|ada", Connection: "Users", ExpiresAt: until, IdleExpiresAt: until}))
			ok(t, s.SaveAccessToken(ctx, "token", "origin", &stagedoor.Authorization{ClientID: "c", UserID: "auth0|ada"}, until))
			store.Exec(t, db, `INSERT INTO access_tokens (tenant, hash, origin, user_id, doc, expires_at)
				WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1300)
				SELECT t.tenant, t.hash || CAST(n.i AS TEXT), t.origin, t.user_id, t.doc, t.expires_at FROM access_tokens t, n WHERE t.user_id = 'auth0|ada'`)
			limited, cancel := context.WithCancel(ctx)
			if err := store.AfterWrites(db, 2, cancel, func() error { return end(limited) }); err == nil || must(s.User(ctx, "auth0|ada"))(t).IsBlocked() {
				t.Errorf("%s was interrupted: %v", name, err)
			}
			if left() != "801" { // one piece is gone
				t.Errorf("%s: %s tokens are left", name, left())
			}
			must(s.SessionByHandle(ctx, "handle"))(t)
			ok(t, end(ctx))
			if _, err := s.SessionByHandle(ctx, "handle"); left() != "0" || !stagedoor.IsKind(err, stagedoor.NotFound) || !must(s.User(ctx, "auth0|ada"))(t).IsBlocked() {
				t.Errorf("%s: %s tokens are left, %v", name, left(), err)
			}
			ok(t, s.DeleteUser(ctx, "auth0|ada"))
		}
	})
}
