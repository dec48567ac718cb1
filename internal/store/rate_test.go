package store_test

import (
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// What any number of servers tell adds up, drains with time, and is forgotten when it is gone.
func TestTellRates(t *testing.T) {
	clock := newClock()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		acme, other := storetest.Tenant(t, db, "acme"), storetest.Tenant(t, db, "other")
		start := clock.now
		defer func() { clock.now = start }()
		tell := func(s *store.Store, amounts map[string]time.Duration) map[string]time.Duration {
			uses := []store.RateUse{}
			for _, subject := range []string{"a", "it's \"b\"", "c"} {
				if amount := amounts[subject]; amount > 0 {
					uses = append(uses, store.RateUse{Tenant: s.Tenant().ID, Subject: subject, Amount: amount, Most: time.Second})
				}
			}
			ok(t, store.TellRates(ctx, s, uses))
			filled := map[string]time.Duration{}
			for _, u := range uses {
				filled[u.Subject] = u.Until.Sub(clock.now)
			}
			return filled
		}
		same(t, tell(acme, map[string]time.Duration{"a": time.Second, "it's \"b\"": 5 * time.Microsecond}), map[string]time.Duration{"a": time.Second, "it's \"b\"": 5 * time.Microsecond})
		same(t, tell(other, map[string]time.Duration{"a": 50 * time.Second}), map[string]time.Duration{"a": 50 * time.Second})
		same(t, tell(acme, map[string]time.Duration{"a": 2 * time.Second}), map[string]time.Duration{"a": 3 * time.Second})
		if won := race(8, func(int) error {
			return store.TellRates(ctx, acme, []store.RateUse{{Tenant: "acme", Subject: "a", Amount: time.Second}, {Tenant: "acme", Subject: "c", Amount: time.Second}})
		}); won != 8 {
			t.Errorf("%d of 8 told", won)
		}
		clock.now = clock.in(time.Second)
		same(t, tell(acme, map[string]time.Duration{"a": time.Millisecond, "c": time.Millisecond}),
			map[string]time.Duration{"a": 10*time.Second + time.Millisecond, "c": 7*time.Second + time.Millisecond})
		clock.now = clock.in(-time.Hour)
		same(t, tell(acme, map[string]time.Duration{"a": time.Second}), map[string]time.Duration{"a": time.Second})
		same(t, tell(other, map[string]time.Duration{"c": 2 * time.Second}), map[string]time.Duration{"c": 2 * time.Second})
		same(t, tell(acme, map[string]time.Duration{"a": time.Second}), map[string]time.Duration{"a": 2 * time.Second})
		clock.now = clock.in(2 * time.Hour)
		same(t, tell(other, map[string]time.Duration{"a": time.Second}), map[string]time.Duration{"a": time.Second})
		ok(t, db.Sweep(ctx))
		if left := store.CountRates(ctx, acme); left != 1 { // the other tenant's
			t.Errorf("%d rows are left", left)
		}
		same(t, tell(acme, map[string]time.Duration{"a": time.Second}), map[string]time.Duration{"a": time.Second})
		ok(t, store.TellRates(ctx, acme, nil))
	}, storetest.WithClock(clock.clock))
}
