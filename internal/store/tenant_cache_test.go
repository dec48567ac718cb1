package store_test

import (
	"fmt"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// A tenant whose version is the same is not read again, for a while; what another server changes gives it another version, and what a program
// of the release before changes is seen in the end.
func TestTenantIsKeptWhileItsVersionIs(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			url := storetest.Migrated(t, kind)
			deaf := func(o *store.Options) { o.NoNotify = true }
			db, elsewhere := storetest.OpenURL(t, url, deaf), storetest.OpenURL(t, url, deaf)
			storetest.Tenant(t, db, "acme")
			other := must(elsewhere.TenantByID(t.Context(), "acme"))(t)
			named := func(when, want string) {
				t.Helper()
				byID, byDomain := must(db.TenantByID(t.Context(), "acme"))(t), must(db.TenantByDomain(t.Context(), "acme.test"))(t)
				if a, b := byID.Tenant().Settings.FriendlyName, byDomain.Tenant().Settings.FriendlyName; a != want || b != want {
					t.Errorf("%s: %q and %q, want %q", when, a, b, want)
				}
			}
			rename := func(name string) {
				t.Helper()
				must(other.UpdateSettings(t.Context(), func(s *stagedoor.TenantSettings) error { s.FriendlyName = name; return nil }))(t)
			}
			rename("first")
			named("at first", "first")
			rename("second")
			named("at once", "first")
			store.Pass(db, store.CacheFor)
			named("when it is old", "second")

			store.Exec(t, db, `UPDATE tenants SET settings = '{"friendly_name":"third"}' WHERE id = 'acme'`) // as a program does that knows no versions of it
			for range 3 {
				store.Pass(db, store.CacheFor)
				named("of the same version", "second")
			}
			store.Pass(db, store.KeepFor)
			named("when it is very old", "third")

			ok(t, store.CustomDomains.Create(t.Context(), other, &stagedoor.CustomDomain{ID: "domain", Domain: "login.acme.test"}))
			must(other.SettleDomain(t.Context(), "domain", ""))(t)
			store.Pass(db, store.CacheFor)
			if s := must(db.TenantByID(t.Context(), "acme"))(t); !s.Tenant().Allows("login.acme.test") {
				t.Errorf("domains %v", s.Tenant().Domains)
			}
			version := must(db.TenantByID(t.Context(), "acme"))(t).Version()
			ok(t, other.CreateSigningKey(t.Context(), &stagedoor.SigningKey{KID: "k", Algorithm: "RS256", State: "next"}))
			store.Pass(db, store.CacheFor)
			if s := must(db.TenantByID(t.Context(), "acme"))(t); s.Version() == version || s.Version() == "" {
				t.Error("keys change and the version does not")
			}
			ok(t, elsewhere.DeleteTenant(t.Context(), "acme", nil))
			store.Pass(db, store.CacheFor)
			if _, err := db.TenantByDomain(t.Context(), "acme.test"); !stagedoor.IsKind(err, stagedoor.NotFound) {
				t.Errorf("a tenant that is gone: %v", err)
			}
		})
	}
}

// A change that comes while a tenant is read may be missed then; what was read is not kept as what is there since.
func TestTenantThatChangesWhileItIsRead(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		for _, part := range []string{"FROM tenants WHERE", "FROM domains WHERE tenant", "network_acl"} {
			t.Run(kind+" "+part, func(t *testing.T) {
				url := storetest.Migrated(t, kind)
				deaf := func(o *store.Options) { o.NoNotify = true }
				db, elsewhere := storetest.OpenURL(t, url, deaf), storetest.OpenURL(t, url, deaf)
				other := storetest.Tenant(t, elsewhere, "acme")
				rename := func(name string) {
					must(other.UpdateSettings(t.Context(), func(s *stagedoor.TenantSettings) error { s.FriendlyName = name; return nil }))(t)
				}
				rename("first")
				read := false
				store.BeforeRead(db, part, func() { rename("second"); read = true })
				must(db.TenantByID(t.Context(), "acme"))(t)
				if !read {
					t.Fatal("it is not read so any more")
				}
				store.Pass(db, store.CacheFor)
				if got := must(db.TenantByID(t.Context(), "acme"))(t).Tenant().Settings.FriendlyName; got != "second" {
					t.Errorf("it is kept as %q", got)
				}
			})
		}
	}
}

// Of tenants whom nobody asks for nothing stays in memory.
func TestTenantsOfOldAreForgotten(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite)
	ask := func(from, to int) {
		for i := from; i < to; i++ {
			id := fmt.Sprint("t", i)
			storetest.Tenant(t, db, id)
			must(db.TenantByDomain(t.Context(), id+".test"))(t)
		}
	}
	ask(0, 130)
	store.Pass(db, store.KeepFor)
	ask(130, 200)
	if n := store.KnownTenants(db); n > 80 {
		t.Errorf("%d tenants", n)
	}
}
