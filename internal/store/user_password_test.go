package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// What the old password has begun does not come to its end with a new one; what it has nothing to do with does.
func TestNewPasswordEndsWhatTheOldOneBegan(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.Tenant(t, db, "acme")
		ctx, until := t.Context(), time.Now().Add(time.Hour)
		u, eve := newUser(t, s, "auth0|ada"), newUser(t, s, "auth0|eve")
		kinds := []string{stagedoor.TicketLogin, stagedoor.TicketReset, stagedoor.TicketVerification, stagedoor.TicketEnrollment}
		for _, id := range []string{u.ID, eve.ID} {
			ok(t, s.SaveMFAToken(ctx, "mfa "+id, &stagedoor.MFAToken{UserID: id, ClientID: "c", ExpiresAt: until}))
			ok(t, s.CreateDeviceCode(ctx, "device "+id, "user code "+id, &stagedoor.DeviceCode{ClientID: "c", ExpiresAt: until}))
			d, err := s.DeviceByUserCode(ctx, "user code "+id)
			ok(t, err)
			d.Authorization = &stagedoor.Authorization{UserID: id, ClientID: "c"}
			ok(t, s.DecideDevice(ctx, d))
			for _, kind := range kinds {
				ok(t, s.CreateTicket(ctx, kind+" "+id, &stagedoor.Ticket{Kind: kind, UserID: id, ExpiresAt: until}))
			}
		}
		ok(t, s.SetPasswordHash(ctx, u.ID, "same", time.Time{})) // the same password, another hash
		if _, err := s.MFAToken(ctx, "mfa "+u.ID); err != nil {
			t.Error(err)
		}
		ok(t, s.SetPasswordHash(ctx, u.ID, "new", time.Now()))
		for id, gone := range map[string]bool{u.ID: true, eve.ID: false} {
			if _, err := s.MFAToken(ctx, "mfa "+id); stagedoor.IsKind(err, stagedoor.NotFound) != gone {
				t.Errorf("%s: mfa_token: %v", id, err)
			}
			if _, err := s.PollDevice(ctx, "device "+id, "c", time.Second); stagedoor.IsKind(err, stagedoor.NotFound) != gone {
				t.Errorf("%s: device code: %v", id, err)
			}
			for i, kind := range kinds {
				if _, err := s.Ticket(ctx, kind+" "+id, kind); stagedoor.IsKind(err, stagedoor.NotFound) != (gone && i < 2) {
					t.Errorf("%s: ticket %s: %v", id, kind, err)
				}
			}
		}
	})
}

// Of a user's former passwords as many are kept as must not come back, the newest, however fast they follow each other; the others' hashes are forgotten.
func TestPasswordHistoryIsNoLongerThanItIsAskedFor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx, now := storetest.Tenant(t, db, "acme"), t.Context(), time.Now()
		u := newUser(t, s, "auth0|ada")
		kept := func(want ...string) {
			t.Helper()
			if got, err := s.PasswordHistory(ctx, u.ID, 100); err != nil || !slices.Equal(got, want) {
				t.Errorf("kept %v, want %v: %v", got, want, err)
			}
		}
		for _, hash := range []string{"one", "two", "three", "four", "five"} { // in one millisecond
			ok(t, s.ReplacePasswordHash(ctx, u.ID, hash, now, 3, nil))
		}
		kept("four", "three")
		ok(t, s.ReplacePasswordHash(ctx, u.ID, "six", now.Add(-time.Hour), 3, nil)) // by a clock that was put back
		kept("five", "four")
		ok(t, s.ReplacePasswordHash(ctx, u.ID, "seven", now, 1, nil))
		kept()
	})
}
