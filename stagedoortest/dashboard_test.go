package stagedoortest_test

import (
	"io"
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// imported is what a module of the dashboard names.
var imported = regexp.MustCompile(`from "\./([^"]+)"`)

// TestDashboardIsServed follows the page to all that it loads.
func TestDashboardIsServed(t *testing.T) {
	s := stagedoortest.New(t, stagedoortest.Options{Tenants: []string{"other"}})
	get := func(address string, headers ...string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.HTTPSURL+address, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
			if headers[i] == "Host" {
				r.Host = headers[i+1]
			}
		}
		a, err := s.Client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		text, _ := io.ReadAll(a.Body)
		return a, string(text)
	}
	if a, _ := get("/dashboard"); a.StatusCode != 302 || a.Header.Get("Location") != "/dashboard/" {
		t.Errorf("/dashboard: %s %s", a.Status, a.Header.Get("Location"))
	}
	a, page := get("/dashboard/")
	if a.StatusCode != 200 || !strings.Contains(page, `src="main.js"`) {
		t.Fatalf("%s: %s", a.Status, page)
	}
	policy := a.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %s: %s", want, policy)
		}
	}
	if strings.Contains(policy, "unsafe") || a.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("headers: %v", a.Header)
	}
	if a, _ := get("/dashboard/", "If-None-Match", a.Header.Get("ETag")); a.StatusCode != http.StatusNotModified {
		t.Errorf("asked again: %s", a.Status)
	}

	seen := map[string]bool{}
	for next := []string{"main.js", "dashboard.css"}; len(next) > 0; next = next[1:] {
		name := next[0]
		if seen[name] {
			continue
		}
		seen[name] = true
		a, text := get("/dashboard/" + name)
		kind := map[string]string{".js": "text/javascript", ".css": "text/css"}[path.Ext(name)]
		if a.StatusCode != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), kind) {
			t.Errorf("%s: %s %s", name, a.Status, a.Header.Get("Content-Type"))
		}
		for _, m := range imported.FindAllStringSubmatch(text, -1) {
			next = append(next, m[1])
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d files: %v", len(seen), seen)
	}
	for _, address := range []string{"/dashboard/index.html", "/dashboard/none.js"} {
		if a, _ := get(address); a.StatusCode != 404 {
			t.Errorf("%s: %s", address, a.Status)
		}
	}
	if a, text := get("/dashboard/", "Host", "nobody.example"); a.StatusCode != 404 || strings.Contains(text, "main.js") {
		t.Errorf("of no tenant: %s %s", a.Status, text)
	}
}

// TestNoDashboard: an operator leaves it away, and the list of routes says so.
func TestNoDashboard(t *testing.T) {
	s := stagedoortest.New(t, stagedoortest.Options{Configure: func(c *config.Config) { c.NoDashboard = true }})
	for _, address := range []string{"/dashboard", "/dashboard/", "/dashboard/main.js"} {
		a, err := s.Client.Get(s.HTTPSURL + address) //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		if a.StatusCode != 404 {
			t.Errorf("%s: %s", address, a.Status)
		}
	}
	for _, r := range s.Routes() {
		if strings.HasPrefix(r.Pattern, "/dashboard") {
			t.Errorf("%s is a route", r.Pattern)
		}
	}
}
