package pipeline

import (
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
			l, err := takeLease(ctx, st, "work", 1500*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		first := take()
		working, stop := first.keep(ctx, 50*time.Millisecond)
		for range 20 {
			if time.Sleep(100 * time.Millisecond); first == nil || take() != nil {
				t.Fatal("two have it")
			}
		}
		if stop(); working.Err() != nil {
			t.Fatal("lost while it was kept")
		}
		stop() // as often as one likes
		time.Sleep(1600 * time.Millisecond)
		second := take()
		if second == nil {
			t.Fatal("a lease that is over keeps others out")
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
