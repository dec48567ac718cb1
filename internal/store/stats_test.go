package store_test

import (
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// A count of active users that takes long is not made again at once, and one that does not is.
func TestActiveUsersAreCountedNowAndThen(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := storetest.Tenant(t, db, "acme"), t.Context()
		newUser(t, s, "auth0|ada")
		newUser(t, s, "auth0|bob")
		newUser(t, s, "auth0|cy")
		active := func(want int) {
			t.Helper()
			if n := must(s.ActiveUsers(ctx, time.Hour))(t); n != want {
				t.Errorf("%d active users, want %d", n, want)
			}
		}
		ok(t, s.RecordLogin(ctx, &stagedoor.User{ID: "auth0|ada"}, "192.0.2.1"))
		active(1)
		ok(t, s.RecordLogin(ctx, &stagedoor.User{ID: "auth0|bob"}, "192.0.2.1"))
		active(2)
		store.CountSlowly(db)
		active(2)
		ok(t, s.RecordLogin(ctx, &stagedoor.User{ID: "auth0|cy"}, "192.0.2.1"))
		active(2)
		now = now.Add(11 * time.Minute)
		active(3)
	}, storetest.WithClock(func() time.Time { return now }))
}
