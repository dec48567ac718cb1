package store_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Writers hold every connection of the pool, and come to look at the tenant's event streams while somebody without a connection looks at
// them too, as PatchMetadata
// does: they do not wait for each other.
func TestStreamsAreReadWithoutALock(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.Tenant(t, db, "acme")
		if !s.Shared() {
			return // one writer has one connection
		}
		const pool = 16 // the least that a pool has, see poolConfig
		for i := range pool {
			newUser(t, s, fmt.Sprint("auth0|", i))
		}
		s = must(db.TenantByID(t.Context(), "acme"))(t) // a handle that has read nothing yet
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var inside, all sync.WaitGroup
		inside.Add(pool)
		on := make(chan struct{})
		for i := range pool {
			all.Go(func() {
				_, err := s.UpdateUser(ctx, fmt.Sprint("auth0|", i), func(u *stagedoor.User) error {
					inside.Done()
					<-on
					u.Name = "Ada"
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		inside.Wait()
		all.Go(func() {
			if err := store.ReadStreams(ctx, s); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(100 * time.Millisecond) // it waits for a connection
		close(on)
		all.Wait()
	})
}

// Streams that have something to deliver are found, the one whose event is oldest first, whatever waits before and behind it.
func TestDueEventStreams(t *testing.T) {
	clock := newClock()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		start := clock.now
		defer func() { clock.now = start }()
		due := func(most int) (out string) {
			t.Helper()
			for _, q := range must(db.DueEventStreams(ctx, most))(t) {
				out += q.Tenant + "/" + q.Stream + " "
			}
			return out
		}
		if got := due(5); got != "" {
			t.Errorf("of nobody: %s", got)
		}
		acme, beta := storetest.Tenant(t, db, "acme"), storetest.Tenant(t, db, "beta")
		for i, one := range []struct {
			s      *store.Store
			stream string
		}{{beta, "b"}, {acme, "c"}, {acme, "a"}, {beta, "a"}, {acme, "a"}, {acme, "b"}, {acme, "c"}} {
			clock.now = start.Add(time.Duration(i) * time.Second)
			must(one.s.SendEvent(ctx, one.stream, "user.created", i))(t)
		}
		if got := due(9); got != "beta/b acme/c acme/a beta/a acme/b " {
			t.Error(got)
		}
		if got := due(2); got != "beta/b acme/c " {
			t.Error(got)
		}
		must(acme.ClaimEvents(ctx, "c", 1, clock.now.Add(time.Minute)))(t)
		held := must(beta.ClaimEvents(ctx, "b", 5, clock.now.Add(time.Minute)))(t)
		must(beta.SettleEvent(ctx, &held[0], false))(t)
		if got := due(9); got != "acme/a beta/a acme/b acme/c " {
			t.Error(got)
		}
		clock.now = start.Add(time.Hour)
		must(storetest.Tenant(t, db, "last").SendEvent(ctx, "a", "user.created", 0))(t)
		if got := due(3); got != "acme/a beta/a last/a " {
			t.Errorf("a tenant's second stream comes before another's first: %s", got)
		}
	}, storetest.WithClock(clock.clock))
}

// A claim takes no more than it may, whichever way PostgreSQL's planner goes: by a nested loop it would ask a subquery again for each row, and each time for other ones.
func TestClaimsTakeNoMoreThanTheyMay(t *testing.T) {
	url := storetest.Migrated(t, storetest.Postgres)
	for _, way := range []string{"hashjoin", "mergejoin", "hashagg", "material", "sort"} {
		url += "&enable_" + way + "=off"
	}
	s, ctx := storetest.Tenant(t, storetest.OpenURL(t, url), "acme"), t.Context()
	for i := range 30 {
		must(s.SendEvent(ctx, "crm", "user.created", i))(t)
	}
	for range 3 {
		if got := must(s.ClaimEvents(ctx, "crm", 5, time.Now().Add(time.Minute)))(t); len(got) != 5 {
			t.Errorf("%d claimed", len(got))
		}
	}
}

// Failures count that come one after the other: one success begins anew. What a server settles that another one has settled before counts nowhere.
func TestFailuresInARow(t *testing.T) {
	clock := newClock()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := storetest.Tenant(t, db, "acme"), t.Context()
		claimed := func() *stagedoor.EventDelivery {
			t.Helper()
			must(s.SendEvent(ctx, "crm", "user.created", 1))(t)
			all := must(s.ClaimEvents(ctx, "crm", 1, clock.now.Add(time.Minute)))(t)
			if len(all) != 1 {
				t.Fatalf("claimed %d", len(all))
			}
			return &all[0]
		}
		settled := func(e *stagedoor.EventDelivery, delivered bool, want int) {
			t.Helper()
			if streak := must(s.SettleEvent(ctx, e, delivered))(t); streak != want {
				t.Errorf("%d in a row, want %d", streak, want)
			}
		}
		settled(claimed(), false, 1)
		twice := claimed()
		settled(twice, false, 2)
		settled(twice, false, 0)
		settled(twice, true, 0)
		settled(claimed(), false, 3)
		settled(claimed(), true, 0)
		settled(claimed(), false, 1)
		if n := store.Number(t, db, "SELECT CAST(SUM(delivered * 100 + failed) AS BIGINT) FROM event_counts"); n != 104 {
			t.Errorf("counted %d", n)
		}
	}, storetest.WithClock(clock.clock))
}

// TestQueuesAreSkippedThrough: who waits is found without reading all that waits. Both engines go by the index from one to the next.
func TestQueuesAreSkippedThrough(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for text, plan := range store.QueuePlans(t, db) {
			if found := readsAll.FindString(plan); found != "" || strings.TrimSpace(plan) == "" {
				t.Errorf("%s\n%s\n%s", text, found, plan)
			}
		}
	})
}

// readsAll finds the steps of a plan that read a table or an index of it from end to end.
var readsAll = regexp.MustCompile(`(?m)^SCAN (e|n|events|logout_notices)\b.*$|Seq Scan.*|.*HashAggregate.*|.*GroupAggregate.*|Bitmap.*`)

// What waits for a stream goes in pieces before it, so that others can write meanwhile; what was interrupted goes on where it was.
func TestStreamsWithManyEventsAreDeletedInPieces(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := storetest.Tenant(t, db, "acme"), t.Context()
		ok(t, store.EventStreams.Create(ctx, s, &stagedoor.Document{ID: "est_1", Sealed: "{}"}))
		for _, stream := range []string{"est_1", "est_gone"} {
			for i := range 510 {
				must(s.SendEvent(ctx, stream, "user.created", i))(t)
			}
		}
		left := func() string { return store.Rows(t, db, 1, "SELECT CAST(COUNT(*) AS TEXT) FROM events")[0][0] }
		limited, cancel := context.WithCancel(ctx)
		err := store.AfterWrites(db, 1, cancel, func() error { _, err := s.DeleteEventStream(limited, "est_1"); return err })
		if left := left(); err == nil || left != "520" {
			t.Errorf("interrupted: %v, %s events left", err, left)
		}
		ok(t, s.DropEvents(ctx, "est_1")) // it is there
		if found, err := s.DeleteEventStream(ctx, "est_1"); !found || err != nil || left() != "510" {
			t.Errorf("deleted: %t %v, %s events left", found, err, left())
		}
		limited, cancel = context.WithCancel(ctx)
		err = store.AfterWrites(db, 1, cancel, func() error { return s.DropEvents(limited, "est_gone") })
		if left := left(); err == nil || left != "10" {
			t.Errorf("interrupted: %v, %s events left", err, left)
		}
		ok(t, s.DropEvents(ctx, "est_gone"))
		if left := left(); left != "0" {
			t.Errorf("%s events left", left)
		}
	})
}
