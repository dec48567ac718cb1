package store_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Of 20 browsers with one token one gets it, and nobody once its minute is over.
func TestSessionTransferIsTakenOnce(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		for _, token := range []string{"phone", "tablet", "late"} {
			until := clock.in(time.Minute)
			if token == "late" {
				until = clock.in(0)
			}
			ok(t, s.SaveSessionTransfer(ctx, token, &stagedoor.SessionTransferToken{UserID: "auth0|ada", IP: token, ExpiresAt: until}))
		}
		won := race(20, func(int) error {
			got, err := s.TakeSessionTransfer(ctx, "phone")
			if err == nil && got.IP != "phone" {
				t.Errorf("%+v", got)
			}
			return err
		})
		if won != 1 {
			t.Errorf("%d got it", won)
		}
		_, err := s.TakeSessionTransfer(ctx, "late")
		isKind(t, err, stagedoor.NotFound)
		must(s.TakeSessionTransfer(ctx, "tablet"))(t)
		_, err = s.Ticket(ctx, "tablet", "session_transfer")
		isKind(t, err, stagedoor.NotFound)
	}, storetest.WithClock(clock.clock))
}

// However a revocation and the browser meet, no session outlives the refresh token that it comes from.
func TestSessionTransferMeetsRevocation(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx, until := t.Context(), time.Now().Add(time.Hour)
		newUser(t, s, "auth0|ada")
		ok(t, s.CreateClient(ctx, &stagedoor.Client{ID: "native", Stored: map[string]json.RawMessage{"session_transfer": json.RawMessage(`{"can_create_session_transfer_token":true}`)}}))
		for i := range 20 {
			family := "family " + string(rune('a'+i))
			ok(t, s.CreateRefreshToken(ctx, family, &stagedoor.RefreshToken{ID: "rt " + family, FamilyID: family, UserID: "auth0|ada", ClientID: "native"}))
			from := &stagedoor.Transferred{ClientID: "native", Family: family}
			race(2, func(n int) error {
				if n == 0 {
					_, err := s.RevokeRefreshToken(ctx, family, "native")
					return err
				}
				return s.CreateSession(ctx, "handle "+family, &stagedoor.Session{ID: "session " + family, UserID: "auth0|ada", Transfer: from, ExpiresAt: until, IdleExpiresAt: until})
			})
			_, err := s.SessionByHandle(ctx, "handle "+family)
			isKind(t, err, stagedoor.NotFound)
			err = s.CreateRefreshToken(ctx, "web "+family, &stagedoor.RefreshToken{FamilyID: "web " + family, UserID: "auth0|ada", ClientID: "web", SessionID: "session " + family, Transfer: from})
			isKind(t, err, stagedoor.NotFound)
		}
	})
}
