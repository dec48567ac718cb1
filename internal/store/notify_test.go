package store_test

import (
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// seen returns how long it takes until a handle's database answers with what another one wrote.
func seen(t *testing.T, from, at *store.DB) time.Duration {
	t.Helper()
	name := "name " + stagedoor.NewHexID()
	a := must(from.TenantByID(t.Context(), "acme"))(t)
	must(at.TenantByDomain(t.Context(), "acme.test"))(t) // is kept from now on
	must(a.UpdateSettings(t.Context(), func(s *stagedoor.TenantSettings) error { s.FriendlyName = name; return nil }))(t)
	start := time.Now()
	for {
		byDomain := must(at.TenantByDomain(t.Context(), "acme.test"))(t)
		byID := must(at.TenantByID(t.Context(), "acme"))(t)
		took := time.Since(start)
		if byDomain.Tenant().Settings.FriendlyName == name && byID.Tenant().Settings.FriendlyName == name {
			return took
		}
		if took > store.CacheFor+20*time.Second {
			t.Fatalf("not seen after %v", took)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// What one server changes others see at once where the database notifies; where a pooler or the database does not, within CacheFor.
func TestChangesAreSeenElsewhere(t *testing.T) {
	url := storetest.Migrated(t, storetest.Postgres)
	a, b := storetest.OpenURL(t, url), storetest.OpenURL(t, url)
	deaf := storetest.OpenURL(t, url, func(o *store.Options) { o.NoNotify = true })
	storetest.Tenant(t, a, "acme")
	for !store.Listening(a) || !store.Listening(b) {
		time.Sleep(5 * time.Millisecond)
	}
	quickest := func(from, at *store.DB) time.Duration { // the machine may be busy with something else
		t.Helper()
		best := seen(t, from, at)
		for range 4 {
			best = min(best, seen(t, from, at))
		}
		return best
	}
	if took := quickest(a, b); took > time.Second {
		t.Errorf("with notifications it took %v", took)
	}
	if took := quickest(b, a); took > time.Second {
		t.Errorf("back it took %v", took)
	}
	seen(t, a, deaf)
	if took := quickest(deaf, deaf); took > time.Second {
		t.Errorf("its own change was seen after %v", took)
	}
}

// A server whose listening connection broke has missed something: it forgets all when it hears again.
func TestBrokenListenerCatchesUp(t *testing.T) {
	url := storetest.Migrated(t, storetest.Postgres)
	a := storetest.OpenURL(t, url)
	p := storetest.NewProxy(t, url)
	b := storetest.OpenURL(t, p.URL)
	storetest.Tenant(t, a, "acme")
	heard := make(chan string, 100)
	b.OnChange(func(tenant string) { heard <- tenant })
	for !store.Listening(b) {
		time.Sleep(5 * time.Millisecond)
	}
	for len(heard) > 0 {
		<-heard
	}
	p.Down()
	p.Up()
	select {
	case tenant := <-heard:
		if tenant != "*" {
			t.Errorf("heard of %q", tenant)
		}
	case <-time.After(time.Minute):
		t.Error("nothing was caught up")
	}
}
