package store_test

import (
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Nothing waits until the time that a clock showed before it was put back by an hour.
func TestClockIsPutBack(t *testing.T) {
	clock := newClock()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		s := storetest.Tenant(t, db, "acme")
		start := clock.now
		defer func() { clock.now = start }()
		few := stagedoor.Throttle{MaxAttempts: 2, Rate: 1000}
		take := func() bool { t.Helper(); return must(s.TakeAttempt(ctx, "code", "x", few))(t) }
		full := func() bool { t.Helper(); return must(s.Full(ctx, "sign-up", "::1", few))(t) }
		fill := func(n int) {
			for range n {
				ok(t, s.Fill(ctx, "sign-up", "::1", few))
			}
		}
		if !take() || !take() || take() {
			t.Fatal("the bucket does not hold two")
		}
		if fill(100); !full() {
			t.Fatal("the address's bucket is not full")
		}
		if clock.now = clock.in(2500 * time.Millisecond); !full() { // what failed at the same moment counts
			t.Error("the address's bucket holds no more than its measure")
		}
		if clock.now = clock.in(500 * time.Millisecond); full() {
			t.Error("the address's bucket holds more than twice its measure")
		}
		fill(2)
		ok(t, s.CreateJob(ctx, &stagedoor.Job{Type: stagedoor.JobVerification, Status: stagedoor.JobPending}, 0))
		lease := store.JobLease{Owner: "killed", For: 15 * time.Second}
		claimed(t, db, lease)
		must(s.SendEvent(ctx, "est_1", "user.created", map[string]any{}))(t)

		clock.now = clock.in(-time.Hour)
		if !take() || !take() || take() {
			t.Error("the bucket does not begin anew")
		}
		if full() {
			t.Error("the address waits until the former time")
		}
		if fill(1); full() {
			t.Error("the address's bucket does not begin anew")
		}
		if fill(1); !full() {
			t.Error("the address's bucket does not fill any more")
		}
		claimed(t, db, lease)
		if _, _, err := db.ClaimJob(ctx, lease, ""); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("a job is worked on twice: %v", err)
		}
		if due := must(db.DueEventStreams(ctx, 10))(t); len(due) != 1 {
			t.Errorf("%d streams have something due", len(due))
		}
		if events := must(s.ClaimEvents(ctx, "est_1", 10, clock.in(time.Minute)))(t); len(events) != 1 {
			t.Errorf("%d events were claimed", len(events))
		}
		if events := must(s.ClaimEvents(ctx, "est_1", 10, clock.in(time.Minute)))(t); len(events) != 0 {
			t.Errorf("%d events were claimed twice", len(events))
		}
	}, storetest.WithClock(clock.clock))
}

func claimed(t *testing.T, db *store.DB, l store.JobLease) {
	t.Helper()
	_, _, err := db.ClaimJob(t.Context(), l, "")
	ok(t, err)
}

// The ids of log events go on where they were when a server starts by a clock that was put back: whoever pages by them, as streams do, sees each.
func TestLogIDsAfterAClockIsPutBack(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			url, clock := storetest.Migrated(t, kind), newClock()
			db := storetest.OpenURL(t, url, storetest.WithClock(clock.clock))
			s := storetest.Tenant(t, db, "acme")
			storetest.Tenant(t, db, "other")
			s.Log(stagedoor.LogEvent{Type: "s", UserID: "before"})
			events, _, err := s.Logs(t.Context(), store.LogQuery{Take: 10})
			ok(t, err)
			ok(t, db.Close())

			earlier := &ticking{clock.in(-time.Hour)}
			db = storetest.OpenURL(t, url, storetest.WithClock(earlier.clock))
			must(db.TenantByID(t.Context(), "other"))(t).Log(stagedoor.LogEvent{Type: "s"})
			s = must(db.TenantByID(t.Context(), "acme"))(t)
			for _, user := range []string{"after", "later"} {
				s.Log(stagedoor.LogEvent{Type: "s", UserID: user})
			}
			events, _, err = s.Logs(t.Context(), store.LogQuery{From: events[len(events)-1].ID, Take: 10})
			ok(t, err)
			if len(events) != 2 || events[0].UserID != "after" || events[1].UserID != "later" || !stagedoor.IsLogID(events[0].ID) {
				t.Errorf("what follows: %+v", events)
			}
		})
	}
}
