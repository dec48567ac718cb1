package stagedoortest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// While the database is away every door says so in its own words, also when nothing of the tenant is kept any more, and nobody waits longer than
// the operator allows.
func TestDatabaseAway(t *testing.T) {
	const wait, bound = time.Second, 4 * time.Second // what a busy machine takes besides; who forgets the operator's word waits five
	p := storetest.NewProxy(t, storetest.Migrated(t, storetest.Postgres))
	s := stagedoortest.New(t, stagedoortest.Options{Database: p.URL, Configure: func(c *config.Config) { c.DatabaseWait, c.Admin = wait, "127.0.0.1:0" }})
	token := s.ManagementToken(t)
	s.JSON(t, "GET", s.HTTPSURL+"/api/v2/users", token, nil, nil)
	for _, away := range []struct {
		name string
		do   func()
	}{{"gone", p.Down}, {"silent", p.Hush}} {
		t.Run(away.name, func(t *testing.T) {
			away.do()
			defer p.Up()
			time.Sleep(3500 * time.Millisecond) // what is kept of a tenant is older than it may be
			for _, c := range []struct{ method, path, accept, status, kind, holds string }{
				{"GET", "/api/v2/users", "*/*", "503", "application/json", `"errorCode":"database_unavailable"`},
				{"GET", "/api/v2/users", "*/*", "503", "application/json", `"statusCode":503`},
				{"POST", "/oauth/token", "*/*", "503", "application/json", `"error":"database_unavailable"`},
				{"POST", "/oauth/token", "*/*", "503", "application/json", `"error_description":"The database does not answer`},
				{"POST", "/dbconnections/signup", "*/*", "503", "application/json", `"code":"database_unavailable"`},
				{"GET", "/scim/v2/connections/con_1/Users", "*/*", "503", "application/scim+json", `"status":"503"`},
				{"GET", "/authorize?client_id=x", "text/html", "503", "text/html", "database_unavailable"},
				{"GET", "/authorize?client_id=x", "*/*", "503", "application/json", `"error":"database_unavailable"`},
				{"GET", "/u/login?state=x", "text/html", "503", "text/html", "database_unavailable"},
				{"GET", "/samlp/x", "text/html", "503", "text/html", "database_unavailable"},
			} {
				start := time.Now()
				a, body := ask(t, s, c.method, c.path, token, c.accept)
				if took := time.Since(start); took > bound {
					t.Errorf("%s %s took %v", c.method, c.path, took)
				}
				if !strings.HasPrefix(a.Status, c.status) || !strings.HasPrefix(a.Header.Get("Content-Type"), c.kind) || !strings.Contains(body, c.holds) || a.Header.Get("Retry-After") == "" {
					t.Errorf("%s %s for %s: %s %v %s", c.method, c.path, c.accept, a.Status, a.Header, body)
				}
				if json.Valid([]byte(body)) == (c.kind == "text/html") {
					t.Errorf("%s %s for %s: %s", c.method, c.path, c.accept, body)
				}
				if style := "/ui/assets/"; c.kind == "text/html" && strings.HasPrefix(c.path, "/u/") { // the page finds what it is made of
					at := strings.Index(body, style)
					end := strings.Index(body[at:], `"`)
					took := bound
					for try := 0; try < 5 && took > wait/2; try++ { // it does not wait for the database, once the machine is not busy
						start := time.Now()
						if a, _ := ask(t, s, "GET", body[at:at+end], "", "*/*"); a.StatusCode != 200 {
							t.Errorf("%s: %s", body[at:at+end], a.Status)
						}
						took = time.Since(start)
					}
					if took > wait/2 {
						t.Errorf("%s took %v", body[at:at+end], took)
					}
				}
			}
		})
	}
	_, metrics := ask(t, s, "GET", s.AdminURL+"/metrics", "", "*/*")
	for _, route := range []string{"/api/v2/users", "/oauth/token", "/u/login", "/scim/v2/connections/{connection_id}/Users"} {
		if !counted(metrics, `"`+route+`"`, `"5xx"`) {
			t.Errorf("nothing is counted for %s", route)
		}
	}
	if counted(metrics, `"unmatched"`, `"5xx"`) {
		t.Error("requests to doors are counted as unmatched")
	}
}

// counted tells whether there are requests with the labels.
func counted(metrics string, labels ...string) bool {
	for line := range strings.Lines(metrics) {
		if strings.HasPrefix(line, "stagedoor_http_requests_total{") && !slices.ContainsFunc(labels, func(l string) bool { return !strings.Contains(line, l) }) {
			return true
		}
	}
	return false
}

func ask(t *testing.T, s *stagedoortest.Server, method, path, token, accept string) (*http.Response, string) {
	t.Helper()
	if strings.HasPrefix(path, "/") {
		path = s.HTTPSURL + path
	}
	r, err := http.NewRequestWithContext(t.Context(), method, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	r.Header.Set("Authorization", "Bearer "+token)
	a, err := s.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a, string(text)
}
