package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// However many ask at once, on however many servers, of a quota that is enforced no more are given than it says, and what is refused counts nowhere.
func TestTakeQuota(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			ctx, clock, url := t.Context(), newClock(), storetest.URL(t, kind)
			clock.now = time.Date(2026, 3, 1, 22, 30, 0, 0, time.UTC)
			servers := make([]*store.Store, 2)
			for i := range servers {
				db := storetest.OpenURL(t, url, storetest.WithClock(clock.clock))
				ok(t, db.Migrate(ctx))
				if i == 0 {
					servers[i] = storetest.Tenant(t, db, "acme")
					continue
				}
				var err error
				servers[i], err = db.TenantByID(ctx, "acme")
				ok(t, err)
			}
			uses := func(id string, enforced bool) []store.QuotaUse {
				return []store.QuotaUse{
					{Entity: "client", ID: id, Bucket: "per_hour", Most: 20, Enforced: enforced},
					{Entity: "client", ID: id, Bucket: "per_day", Most: 1000, Enforced: enforced},
					{Entity: "organization", ID: "org", Bucket: "per_hour", Most: 50, Enforced: enforced},
				}
			}
			errFull := errors.New("full")
			take := func(i int, id string, enforced bool) error {
				taken, err := servers[i%2].TakeQuota(ctx, uses(id, enforced))
				if err == nil && !taken {
					err = errFull
				}
				return err
			}
			used := func(id string) (n []int) {
				t.Helper()
				all := uses(id, false)
				_, err := servers[0].TakeQuota(ctx, all)
				ok(t, err)
				ok(t, servers[1].ReturnQuota(ctx, all))
				for _, u := range all {
					n = append(n, u.Used)
				}
				return n
			}
			same(t, race(60, func(i int) error { return take(i, "a", true) }), 20)
			same(t, used("a"), []int{20, 20, 20})
			same(t, race(60, func(i int) error { return take(i, fmt.Sprintf("c%d", i), true) }), 30) // the organization's
			same(t, race(10, func(i int) error { return take(i, "d", false) }), 10)
			same(t, used("d"), []int{10, 10, 60})

			all := uses("a", true)
			taken, err := servers[0].TakeQuota(ctx, all)
			ok(t, err)
			same(t, []any{taken, all[0].Full(), all[1].Full(), all[2].Full(), all[0].Left()}, []any{false, true, false, true, 0})
			same(t, all[0].Resets.Equal(time.Date(2026, 3, 1, 23, 0, 0, 0, time.UTC)) && all[1].Resets.Equal(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)), true)

			clock.now = clock.in(time.Hour)
			ok(t, take(0, "a", true))
			same(t, used("a"), []int{1, 21, 1})
			clock.now = clock.in(-time.Hour) // a clock that is put back counts where it did, and spoils nothing
			if err := take(1, "a", true); !errors.Is(err, errFull) {
				t.Errorf("the hour before: %v", err)
			}
			clock.now = clock.in(time.Hour)
			same(t, used("a"), []int{1, 21, 1})
			clock.now = clock.in(time.Hour)
			same(t, used("a"), []int{0, 0, 0})
		})
	}
}
