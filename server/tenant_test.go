package server_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
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
