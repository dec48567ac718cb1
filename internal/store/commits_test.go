package store_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// An embedded database is asked what version a configuration has after one has changed, or somebody else has committed, and not otherwise.
func TestVersionIsAskedAfterCommits(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("commits are watched on Linux")
	}
	url := storetest.Migrated(t, storetest.SQLite)
	one, other := storetest.OpenURL(t, url), storetest.OpenURL(t, url)
	a := storetest.Tenant(t, one, "acme")
	b := must(other.TenantByID(t.Context(), "acme"))(t)
	look := func(s *store.Store) {
		must(s.RulesConfigs(t.Context()))(t)
	}
	look(a)
	look(b)
	if !store.KnowsVersion(a) || !store.KnowsVersion(b) {
		t.Fatal("a version is asked for again although nothing was committed")
	}
	user := newUser(t, a, "auth0|x") // who is no configuration
	if !store.KnowsVersion(a) {
		t.Error("a version is asked for again after a commit that changed no configuration")
	}
	if store.KnowsVersion(b) {
		t.Error("a commit through another handle was not noticed")
	}
	look(b)
	ok(t, a.SetRulesConfig(t.Context(), "key", "value"))
	if store.KnowsVersion(a) || store.KnowsVersion(b) {
		t.Error("a change of the configuration was not noticed")
	}
	look(a)
	look(b)
	ok(t, b.DeleteUser(t.Context(), user.ID))
	if store.KnowsVersion(a) || !store.KnowsVersion(b) {
		t.Error("commits of two handles are taken for each other's")
	}
	ok(t, other.Close()) // the first handle's own watch goes on
	look(a)
	if !store.KnowsVersion(a) {
		t.Error("a version is asked for again although nothing was committed")
	}
	third := storetest.OpenURL(t, url)
	ok(t, must(third.TenantByID(t.Context(), "acme"))(t).SetRulesConfig(t.Context(), "key", "other"))
	if store.KnowsVersion(a) {
		t.Error("a commit was not noticed after another handle was closed")
	}
	if got := must(a.RulesConfigs(t.Context()))(t)["key"]; got != "other" {
		t.Errorf("the configuration is old: %q", got)
	}
}

// Whoever reads after a change was acknowledged sees it, however many commit meanwhile.
func TestConfigurationIsNeverOldBesideCommits(t *testing.T) {
	url := storetest.Migrated(t, storetest.SQLite)
	one, other := storetest.OpenURL(t, url), storetest.OpenURL(t, url)
	a := storetest.Tenant(t, one, "acme")
	b := must(other.TenantByID(t.Context(), "acme"))(t)
	ctx := context.Background()
	var acknowledged atomic.Int64
	var group sync.WaitGroup
	done := make(chan struct{})
	group.Go(func() {
		defer close(done)
		for n := range int64(100) {
			if err := []*store.Store{a, b}[n%2].SetRulesConfig(ctx, "n", fmt.Sprint(n+1)); err != nil {
				t.Error(err)
				return
			}
			acknowledged.Store(n + 1)
		}
	})
	group.Go(func() { // commits of no configuration
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			default:
				if err := a.CreateUser(ctx, withNumber(fmt.Sprint(n), ""), ""); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	for _, s := range []*store.Store{a, b, a, b} {
		group.Go(func() {
			for {
				least := acknowledged.Load()
				all, err := s.RulesConfigs(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				var got int64
				if len(all) > 0 {
					fmt.Sscan(all["n"], &got)
				}
				if got < least {
					t.Errorf("%d was read after %d was acknowledged", got, least)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	group.Wait()
}
