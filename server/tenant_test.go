package server_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/server"
)

func TestDomains(t *testing.T) {
	for given, want := range map[string]string{
		"localhost:8443": "localhost:8443", "Login.Acme.example": "login.acme.example", "login.acme.example:443": "login.acme.example", "1.2.3.4:80": "1.2.3.4:80",
		"[::1]:8443": "[::1]:8443", "::1": "[::1]", "[2001:DB8::1]": "[2001:db8::1]", "ünï.example": "xn--n-nga1b.example", "app_server:8443": "app_server:8443", "x": "x",
	} {
		if got, err := server.Domains([]string{given}); err != nil || got[0] != want {
			t.Errorf("%s: %v, %v, want %s", given, got, err, want)
		}
	}
	for _, wrong := range []string{
		"", "http://foo/", "https://foo", "a b", "foo/bar", "x:99999", "x:0", "x:", "x:y", ":80", "*.x.example", "x..example", "-x.example", "x-.example", "x.example.",
		"1.2.3", "1.2.3.4.5", "[::1", "[::1%eth0]", "[x]:80", "user@x.example", "x.example?y", strings.Repeat("a", 64) + ".example", strings.Repeat("a.", 130) + "example",
	} {
		if got, err := server.Domains([]string{wrong}); err == nil || !strings.Contains(err.Error(), "such as login.example.com") {
			t.Errorf("%q: %v, %v", wrong, got, err)
		}
	}
	for _, twice := range [][]string{{"1.2.3.4:80", "1.2.3.4:80"}, {"x.example", "y.example", "X.example:443"}} {
		if _, err := server.Domains(twice); err == nil || !strings.Contains(err.Error(), "given twice") {
			t.Errorf("%v: %v", twice, err)
		}
	}
	if got, err := server.Domains([]string{"x:1", "x:2", "x"}); err != nil || !slices.Equal(got, []string{"x:1", "x:2", "x"}) {
		t.Errorf("%v, %v", got, err)
	}
}

// A new tenant takes users: its database is there for its first client.
func TestNewTenantTakesUsers(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		db := storetest.Open(t, kind)
		machine, err := server.CreateTenant(t.Context(), db, "acme", []string{"acme.test"})
		if err != nil {
			t.Fatal(err)
		}
		st, err := db.TenantByID(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		conn, err := st.ConnectionByName(t.Context(), server.DefaultConnection)
		if err != nil || !slices.Equal(conn.EnabledClients, []string{machine.ID}) {
			t.Errorf("%v, %v", conn, err)
		}
	}
}

// A new canonical domain takes the system's APIs along, each to its own address, with all that refers to them.
func TestSetDomains(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		machine, err := server.CreateTenant(ctx, db, "acme", []string{"old.test"})
		ok(t, err)
		st, err := db.TenantByID(ctx, "acme")
		ok(t, err)
		own := map[string]string{} // by the path of the identifier: the id
		for _, api := range []*stagedoor.ResourceServer{
			token.MyAccountAPI(st.Tenant()), token.MyOrganizationAPI(st.Tenant()), {Identifier: "https://old.test/mine/", Name: "the tenant's own"}, {Identifier: "urn:auth0:express-configure", IsSystem: true},
		} {
			ok(t, st.CreateResourceServer(ctx, api))
		}
		all, err := st.ResourceServers(ctx)
		ok(t, err)
		for _, api := range all {
			own[strings.TrimPrefix(api.Identifier, "https://old.test")] = api.ID
		}
		_, err = st.UpdateSettings(ctx, func(s *stagedoor.TenantSettings) error { s.DefaultAudience = "https://old.test/api/v2/"; return nil })
		ok(t, err)
		role := &stagedoor.Role{Name: "support"}
		ok(t, st.CreateRole(ctx, role))
		reads := []stagedoor.Permission{{API: "https://old.test/api/v2/", Name: "read:users"}}
		ok(t, st.AddRolePermissions(ctx, role.ID, reads))
		user := &stagedoor.User{ID: "auth0|1", Connection: server.DefaultConnection, Email: "u@x.test", Identities: []stagedoor.Identity{{Connection: server.DefaultConnection, Provider: "auth0", UserID: "1"}}}
		ok(t, st.CreateUsers(ctx, []*stagedoor.User{user}))
		ok(t, st.AddUserPermissions(ctx, user.ID, reads))

		if err := server.SetDomains(ctx, db, "nobody", []string{"new.test"}); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("a tenant that is not there: %v", err)
		}
		ok(t, server.SetDomains(ctx, db, "acme", []string{"new.test", "old.test"}))
		st, err = db.TenantByID(ctx, "acme")
		ok(t, err)
		if got := st.Tenant().Domains; !slices.Equal(got, []string{"new.test", "old.test"}) {
			t.Errorf("domains: %v", got)
		}
		if got := st.Tenant().Settings.DefaultAudience; got != "https://new.test/api/v2/" {
			t.Errorf("default audience: %s", got)
		}
		all, err = st.ResourceServers(ctx)
		ok(t, err)
		if len(all) != len(own) {
			t.Errorf("%d APIs of %d", len(all), len(own))
		}
		for _, api := range all {
			path := strings.TrimPrefix(api.Identifier, "https://new.test")
			if api.Name == "the tenant's own" {
				path = strings.TrimPrefix(api.Identifier, "https://old.test")
			}
			if own[path] != api.ID {
				t.Errorf("%s has the id of another", api.Identifier)
			}
		}
		_, err = st.UpdateSettings(ctx, func(s *stagedoor.TenantSettings) error { s.DefaultAudience = "https://old.test/mine/"; return nil })
		ok(t, err)
		ok(t, server.SetDomains(ctx, db, "acme", []string{"old.test", "new.test"}))
		ok(t, server.SetDomains(ctx, db, "acme", []string{"new.test", "old.test"}))
		if st, err = db.TenantByID(ctx, "acme"); err != nil || st.Tenant().Settings.DefaultAudience != "https://old.test/mine/" {
			t.Errorf("an API of the tenant's own as the default audience: %s, %v", st.Tenant().Settings.DefaultAudience, err)
		}
		grant, err := st.ClientGrantFor(ctx, machine, "https://new.test/api/v2/", stagedoor.SubjectClient)
		if err != nil || len(grant.Scope) < 100 {
			t.Errorf("the grant of the first client: %v, %v", grant, err)
		}
		if got, err := st.RolePermissions(ctx, role.ID); err != nil || len(got) != 1 || got[0].API != "https://new.test/api/v2/" {
			t.Errorf("permissions of the role: %v, %v", got, err)
		}
		if got, err := st.UserPermissions(ctx, user.ID); err != nil || len(got) != 1 || got[0].API != "https://new.test/api/v2/" {
			t.Errorf("permissions of the user: %v, %v", got, err)
		}
	})
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// dying is a context that ends after it was asked so often.
type dying struct {
	context.Context
	left int
}

// Err tells whether it has ended.
func (d *dying) Err() error {
	if d.left--; d.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestNoHalfTenant: a tenant that could not be made whole is not there, and can be made again.
func TestNoHalfTenant(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite)
	for n := 0; ; n += 3 {
		name := fmt.Sprint("t", n)
		_, err := server.CreateTenant(&dying{t.Context(), n}, db, name, []string{name + ".test"})
		if err == nil {
			if n < 6 {
				t.Errorf("made with %d looks at the context", n)
			}
			return
		}
		if _, err := server.CreateTenant(t.Context(), db, name, []string{name + ".test"}); err != nil {
			t.Fatalf("after %d looks: %v", n, err)
		}
	}
}
