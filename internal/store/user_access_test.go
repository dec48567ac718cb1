package store_test

import (
	"context"
	"fmt"
	"testing"

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
