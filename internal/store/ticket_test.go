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

// A link that was used up for nothing works again, unless a newer one was sent.
func TestReleasedLink(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		send := func(token string) {
			t.Helper()
			ok(t, s.CreateTicket(ctx, token, &stagedoor.Ticket{Kind: stagedoor.TicketReset, UserID: "auth0|ada", ExpiresAt: clock.in(time.Hour)}))
		}
		use := func(token string, works bool) {
			t.Helper()
			if _, err := s.ConsumeTicket(ctx, token, stagedoor.TicketReset); (err == nil) != works || err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
				t.Errorf("%s: %v", token, err)
			}
		}
		send("first")
		use("first", true)
		ok(t, s.ReleaseTicket(ctx, "first", stagedoor.TicketVerification))
		use("first", false)
		ok(t, s.ReleaseTicket(ctx, "first", stagedoor.TicketReset))
		use("first", true)
		send("second")
		ok(t, s.ReleaseTicket(ctx, "first", stagedoor.TicketReset))
		use("first", false)
		use("second", true)
		ok(t, s.ReleaseTicket(ctx, "second", stagedoor.TicketReset))
		ok(t, s.ReleaseTicket(ctx, "first", stagedoor.TicketReset))
		use("first", false)
	}, storetest.WithClock(clock.clock))
}
