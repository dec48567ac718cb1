package store_test

import (
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// TestLinksOfAFormerAddress: whoever reads a mailbox that is somebody's no longer does nothing with the links that went there, not even when the address comes back.
func TestLinksOfAFormerAddress(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		was := must(s.User(ctx, "auth0|ada"))(t).Email
		set := func(change func(u *stagedoor.User)) {
			t.Helper()
			_, err := s.UpdateUser(ctx, "auth0|ada", func(u *stagedoor.User) error { change(u); return nil })
			ok(t, err)
		}
		kinds := map[string]bool{ // which go
			stagedoor.TicketReset: true, stagedoor.TicketVerification: true, stagedoor.TicketUnblock: true, stagedoor.TicketEnrollment: true, stagedoor.TicketLogin: false,
		}
		for kind := range kinds {
			ok(t, s.CreateTicket(ctx, kind, &stagedoor.Ticket{Kind: kind, UserID: "auth0|ada", Email: was, ExpiresAt: clock.in(time.Hour)}))
		}
		set(func(u *stagedoor.User) { u.Name, u.EmailVerified = "Ada", true })
		for kind := range kinds {
			_, err := s.Ticket(ctx, kind, kind)
			ok(t, err)
		}
		set(func(u *stagedoor.User) { u.Email = "new@example.com" })
		set(func(u *stagedoor.User) { u.Email = was })
		for kind, goes := range kinds {
			if _, err := s.Ticket(ctx, kind, kind); stagedoor.IsKind(err, stagedoor.NotFound) != goes {
				t.Errorf("%s: %v", kind, err)
			}
		}
	}, storetest.WithClock(clock.clock))
}
