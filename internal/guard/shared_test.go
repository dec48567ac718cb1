package guard

import (
	"fmt"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Two servers of one database, each with its own connections, keep one limit: what they let through before they knew of each other is a burst for
// each at most, and is taken off what follows.
func TestSharedRates(t *testing.T) {
	clock := func() time.Time { return time.Unix(1000, 0) } // nothing comes back
	url := storetest.Migrated(t, storetest.Postgres)
	direct := storetest.Tenant(t, storetest.OpenURL(t, url, storetest.WithClock(clock)), "acme")
	p := storetest.NewProxy(t, url)
	through, err := storetest.OpenURL(t, p.URL, storetest.WithClock(clock), func(o *store.Options) { o.Wait = 100 * time.Millisecond }).TenantByID(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	a, b := server{t, &Shared{}, direct}, server{t, &Shared{}, through}

	if served := a.ask("x", 25); served != 20 {
		t.Errorf("a burst of 20 at one server: %d", served)
	}
	a.settle()
	b.ask("x", 1) // nothing is known of who comes here for the first time
	b.settle()
	if served := b.ask("x", 5); served != 0 {
		t.Errorf("the other server lets %d more through", served)
	}

	a.ask("y", 8)
	b.ask("y", 7)
	for _, one := range []server{a, b, a} { // whoever asked last knows of all
		one.settle()
		one.ask("y", 1)
		one.settle()
	}
	if served := a.ask("y", 20) + b.ask("y", 20); served < 2 || served > 5 {
		t.Errorf("18 of 20 were gone, %d more came through at two servers", served)
	}

	// At the same moment each lets a burst through. The excess is owed: what drains is not free before it is paid.
	served := a.ask("z", 30) + b.ask("z", 30)
	a.settle()
	b.settle()
	if filled := max(a.filled("z"), b.filled("z")); served > 40 || filled != time.Duration(served)*time.Second {
		t.Errorf("%d were let through, and fill for %v", served, filled)
	}

	p.Down()
	b.ask("first", 1) // whose end is not known: the connection broke under it
	b.tried()
	start := time.Now()
	if served := b.ask("away", 30); served != 20 {
		t.Errorf("while the database is away: %d", served)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("requests waited for a database that is away: %v", took)
	}
	b.tried()
	p.Up()
	for wait := time.Now(); a.filled("away") < 21*time.Second; time.Sleep(20 * time.Millisecond) {
		if time.Since(wait) > time.Minute {
			t.Fatalf("what was let through meanwhile is not told: %v", a.filled("away"))
		}
		b.ask("other", 1)
		a.settle()
		a.ask("away", 1)
	}
}

// server is one of several that serve a database.
type server struct {
	t     *testing.T
	rates *Shared
	st    *store.Store
}

// ask counts how many of n are let through: one a second, 20 at once.
func (s server) ask(subject string, n int) (served int) {
	for range n {
		if s.rates.Take(s.st, subject, s.st.Clock().Now(), 1, 20).OK {
			served++
		}
	}
	return served
}

// settle waits until all is told.
func (s server) settle() {
	s.t.Helper()
	s.until(func() bool { return len(s.rates.untold) == 0 && !s.rates.telling })
}

// tried waits until nothing is about to be told, because all was or nothing can be.
func (s server) tried() {
	s.t.Helper()
	s.until(func() bool { return !s.rates.telling })
}

func (s server) until(so func() bool) {
	s.t.Helper()
	for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		s.rates.mu.Lock()
		done := so()
		s.rates.mu.Unlock()
		if done {
			return
		}
		if time.Since(start) > time.Minute {
			s.t.Fatal("what was let through is not told")
		}
	}
}

func (s server) filled(subject string) time.Duration {
	s.rates.mu.Lock()
	defer s.rates.mu.Unlock()
	return s.rates.until[bucket{"acme", subject}].Sub(s.st.Clock().Now())
}

// A stranger comes from many networks. What has drained meanwhile is forgotten, but for what the others are yet to be told.
func TestSharedRatesForgetEmptyBuckets(t *testing.T) {
	st := storetest.Tenant(t, storetest.OpenURL(t, storetest.Migrated(t, storetest.Postgres)), "acme")
	s := Shared{telling: true} // nobody is told in this test
	now := st.Clock().Now()
	for i := range mostKeys {
		s.Take(st, fmt.Sprint(i), now, 1, 1)
	}
	s.untold = map[bucket]time.Duration{{"acme", "7"}: time.Second} // all others know of the rest
	s.Take(st, "last", now.Add(time.Minute), 1, 1)
	if len(s.until) != 2 || s.until[bucket{"acme", "7"}].IsZero() {
		t.Errorf("%d keys are kept", len(s.until))
	}
}

// A server that is alone on its database has nothing to tell.
func TestSharedRatesOfOneServer(t *testing.T) {
	s := server{t, &Shared{}, storetest.Tenant(t, storetest.OpenURL(t, storetest.Migrated(t, storetest.SQLite)), "acme")}
	if served := s.ask("x", 25); served != 20 {
		t.Errorf("%d of a burst of 20", served)
	}
	if s.rates.telling || len(s.rates.until) != 0 {
		t.Error("one server on SQLite tells itself")
	}
}

// BenchmarkSharedRates: what a request pays.
func BenchmarkSharedRates(b *testing.B) {
	st := storetest.Tenant(b, storetest.OpenURL(b, storetest.Migrated(b, storetest.Postgres)), "acme")
	var s Shared
	b.ReportAllocs()
	for b.Loop() {
		s.Take(st, "client@clients", time.Now(), 1000000, 1000000)
	}
}
