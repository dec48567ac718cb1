package pipeline

import (
	"context"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// TestLease: a lease is one server's for as long as it says that it works, and another one's soon after it is silent.
func TestLease(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, st := t.Context(), storetest.Tenant(t, db, "acme")
		take := func() *lease {
			t.Helper()
			l, err := takeLease(ctx, st, "work", 5*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		first := take()
		working, stop := first.keep(ctx, 50*time.Millisecond)
		for range 60 {
			if time.Sleep(100 * time.Millisecond); first == nil || take() != nil {
				t.Fatal("two have it")
			}
		}
		if stop(); working.Err() != nil {
			t.Fatal("lost while it was kept")
		}
		stop() // as often as one likes
		second := take()
		for end := time.Now().Add(time.Minute); second == nil; second = take() {
			if time.Sleep(50 * time.Millisecond); time.Now().After(end) {
				t.Fatal("a lease that is over keeps others out")
			}
		}
		// The first one comes back, and learns that it is not its any more.
		working, stop = first.keep(ctx, 10*time.Millisecond)
		defer stop()
		select {
		case <-working.Done():
		case <-time.After(time.Minute):
			t.Fatal("two work")
		}
	})
}

// TestLeaseOfLostAnswers: a renewal that happened, and of which nobody heard, does not end a lease; one that did not happen neither.
func TestLeaseOfLostAnswers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, st := t.Context(), storetest.Tenant(t, db, "acme")
		l, err := takeLease(ctx, st, "work", time.Minute)
		if err != nil || l == nil {
			t.Fatal(l, err)
		}
		ends := func(n int) time.Time { return l.until.Add(time.Duration(n) * time.Second) }
		happened, didNot := ends(1), ends(2)
		if ours, err := st.Lease(ctx, "work", l.until, happened); err != nil || !ours {
			t.Fatal(ours, err)
		}
		l.unanswered = []time.Time{happened, didNot}
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if ours, err := l.renew(gone, ends(3)); ours || err == nil {
			t.Errorf("without an answer: %v %v", ours, err)
		}
		last := ends(4)
		if ours, err := l.renew(ctx, last); err != nil || !ours || !l.until.Equal(last) || len(l.unanswered) > 0 {
			t.Errorf("renewed: %v %v, until %v, unanswered %v", ours, err, l.until, l.unanswered)
		}
		if ours, err := st.Lease(ctx, "work", last, ends(1)); err != nil || !ours { // somebody else's
			t.Fatal(ours, err)
		}
		if ours, err := l.renew(ctx, ends(2)); err != nil || ours {
			t.Errorf("another one's: %v %v", ours, err)
		}
	})
}
