package store_test

import (
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// What whoever made an account could come back with ends when its address is proved for the first time, and then only.
func TestFirstProofEndsWhatWasBefore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.Tenant(t, db, "acme")
		ctx, until := t.Context(), time.Now().Add(time.Hour)
		u := newUser(t, s, "auth0|ada")
		ok(t, s.SetPasswordHash(ctx, u.ID, "theirs", time.Time{}))
		furnish := func(n string) {
			ended := must(s.User(ctx, u.ID))(t).AccessEnded
			ok(t, s.CreateSession(ctx, "handle"+n, &stagedoor.Session{ID: "session" + n, UserID: u.ID, ExpiresAt: until, IdleExpiresAt: until, AccessEnded: ended}))
			ok(t, s.CreateRefreshToken(ctx, "refresh"+n, &stagedoor.RefreshToken{ID: "rt" + n, FamilyID: "family" + n, UserID: u.ID, ClientID: "c", ExpiresAt: until, AccessEnded: ended}))
			ok(t, s.AddAuthenticationMethods(ctx, u.ID, []*stagedoor.AuthenticationMethod{{Type: "totp", Secret: "secret" + n}}, false))
			ok(t, s.SaveMFAToken(ctx, "mfa"+n, &stagedoor.MFAToken{UserID: u.ID, ExpiresAt: until, AccessEnded: ended}))
			ok(t, s.CreateTicket(ctx, "ticket"+n, &stagedoor.Ticket{Kind: stagedoor.TicketReset, UserID: u.ID, ExpiresAt: until}))
		}
		left := func(n string) (all []bool) {
			sessions, err := s.UserSessions(ctx, u.ID)
			ok(t, err)
			tokens, err := s.UserRefreshTokens(ctx, u.ID)
			ok(t, err)
			methods, err := s.AuthenticationMethods(ctx, u.ID)
			ok(t, err)
			_, mfa := s.MFAToken(ctx, "mfa"+n)
			_, ticket := s.Ticket(ctx, "ticket"+n, stagedoor.TicketReset)
			return []bool{len(sessions) > 0, len(tokens) > 0, len(methods) > 0, mfa == nil, ticket == nil}
		}
		furnish("1")
		if _, _, err := s.FirstProof(ctx, u.ID, "other@example.com", "new"); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("an address that is not theirs: %v", err)
		}
		for _, n := range []string{"1", "2"} {
			now, first, err := s.FirstProof(ctx, u.ID, u.Email, "new"+n)
			ok(t, err)
			hash, err := s.PasswordHash(ctx, u.ID)
			ok(t, err)
			if now.AccessEnded != 1 {
				t.Errorf("%s: who has proved it does not go on: %d", n, now.AccessEnded)
			}
			if first != (n == "1") || !now.EmailVerified || hash != "new1" {
				t.Errorf("%s: first %v, %+v, hash %q", n, first, now, hash)
			}
			for i, there := range left(n) {
				if there != (n == "2") {
					t.Errorf("%s: %d is there: %v", n, i, there)
				}
			}
			if first {
				furnish("2")
			}
		}
	})
}
