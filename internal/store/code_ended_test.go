package store_test

import (
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// TestTokensOfEndedAccess: a code that was redeemed just before all that its user has ends gives no refresh token just after.
func TestTokensOfEndedAccess(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		redeemed := func(code string) *stagedoor.RefreshToken {
			t.Helper()
			ok(t, s.SaveCode(ctx, code, &stagedoor.Code{Authorization: stagedoor.Authorization{UserID: "auth0|ada"}, ExpiresAt: time.Now().Add(time.Hour)}))
			_, origin, err := s.ConsumeCode(ctx, code)
			ok(t, err)
			return &stagedoor.RefreshToken{FamilyID: origin, UserID: "auth0|ada", ClientID: "app"}
		}
		ok(t, s.CreateRefreshToken(ctx, "in time", redeemed("first")))
		late := redeemed("second")
		ok(t, s.EndAccess(ctx, "auth0|ada", stagedoor.LogoutRevoked))
		isKind(t, s.CreateRefreshToken(ctx, "late", late), stagedoor.NotFound)
		for _, token := range []string{"in time", "late"} {
			if _, err := s.RefreshToken(ctx, token); !stagedoor.IsKind(err, stagedoor.NotFound) {
				t.Errorf("the token %s works: %v", token, err)
			}
		}
	})
}

// TestReplacedPassword: a login by a password that was replaced since it was looked at is none.
func TestReplacedPassword(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		was, err := s.User(ctx, "auth0|ada")
		ok(t, err)
		ok(t, s.RecordPassword(ctx, was, "::1"))
		ok(t, s.SetPasswordHash(ctx, "auth0|ada", "another", time.Now()))
		tx := &stagedoor.Transaction{ID: "tx", UserID: "auth0|ada", ExpiresAt: time.Now().Add(time.Hour)}
		for _, err := range []error{s.RecordPassword(ctx, was, "::1"), s.SaveProved(ctx, tx, "::1", was)} {
			if !stagedoor.HasCode(err, store.CodeReplaced) {
				t.Errorf("error %v", err)
			}
		}
		if _, err := s.Transaction(ctx, "tx"); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("the login goes on: %v", err)
		}
		now, err := s.User(ctx, "auth0|ada")
		ok(t, err)
		if now.LoginsCount != 1 {
			t.Errorf("%d logins", now.LoginsCount)
		}
		ok(t, s.SaveProved(ctx, tx, "::1", now))
	})
}
