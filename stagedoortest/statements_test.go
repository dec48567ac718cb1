package stagedoortest_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// statements are those that the request with a trace has cost, and whether all of it has arrived.
func (c *collector) statements(trace string) (out []string, whole bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.TraceID != trace {
			continue
		}
		text, is := strings.CutPrefix(s.Name, "sql ")
		if is {
			out = append(out, text)
		}
		whole = whole || strings.HasPrefix(s.Name, "GET ") || strings.HasPrefix(s.Name, "POST ")
	}
	slices.Sort(out)
	return out, whole
}

// TestStatements: what the paths that everybody takes ask of the database. Each statement is a round trip to PostgreSQL: a change that adds one
// adds it here, with its reason. What is kept in memory for seconds is not asked for; log events are written together, later.
func TestStatements(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			found := "update attr · update attr" // by which the person is found: last_login and logins_count
			rotated := "select refresh_tokens · update refresh_tokens · insert refresh_tokens"
			created := "delete refresh_tokens · insert refresh_tokens · select codes · select users"
			touched := "select refresh_tokens · update refresh_tokens"
			if kind == storetest.Postgres {
				found, rotated = "select users · delete attr · insert attr", "insert refresh_tokens"
				created, touched = "insert refresh_tokens", "update refresh_tokens"
			}
			c := &collector{}
			receiver := httptest.NewServer(c)
			t.Cleanup(receiver.Close)
			w := newWorld(t, kind, watched(func(cfg *config.Config) { cfg.Trace = config.Trace{Endpoint: receiver.URL, Sample: 1} }), func(*stagedoortest.Options) {})
			h := w.a
			b, tokens := h.session()
			traces := 0
			traced := func() (id string, headers []string) {
				traces++
				id = fmt.Sprintf("%032x", traces)
				return id, []string{"Traceparent", "00-" + id + "-b7ad6b7169203331-01"}
			}
			redeem := func(pairs ...string) (string, *answer) {
				form := url.Values{}
				for i := 0; i+1 < len(pairs); i += 2 {
					form.Set(pairs[i], pairs[i+1])
				}
				id, headers := traced()
				a := w.send("POST", h.base+"/oauth/token", form.Encode(), append(headers, "Content-Type", "application/x-www-form-urlencoded")...)
				if a.StatusCode != 200 {
					t.Fatalf("%v: %d %s", pairs, a.StatusCode, a.body)
				}
				return id, a
			}
			code := func() (string, string) {
				id, headers := traced()
				return id, w.callback(b.get("/authorize?"+h.request("nonce", "n").Encode(), headers...)).Get("code")
			}
			costs := map[string][]string{} // the ids of the traces of a path
			took := func(path, id string) { costs[path] = append(costs[path], id) }
			for range 3 { // the first of them finds nothing in memory
				id, _ := redeem("grant_type", "client_credentials", "client_id", h.site, "client_secret", h.secret, "audience", audience)
				took("client_credentials", id)
				id, granted := code()
				took("authorize with a session", id)
				id, _ = redeem("grant_type", "authorization_code", "client_id", h.spa, "code", granted, "redirect_uri", callback, "code_verifier", verifier)
				took("code for three tokens", id)
				id, a := redeem("grant_type", "refresh_token", "client_id", h.spa, "refresh_token", tokens.Refresh)
				took("refresh with rotation and one rule", id)
				if err := json.Unmarshal([]byte(a.body), &tokens); err != nil {
					t.Fatal(err)
				}
				stranger := h.browser()
				p := stranger.begin(h.request())
				id, headers := traced()
				if a := stranger.post(p.action, p.fill("username", h.mail, "password", h.pwd), headers...); a.StatusCode != 303 {
					t.Fatalf("login: %d %s", a.StatusCode, a.body)
				}
				took("password of the login page", id)
			}
			h.want(200, h.api("PATCH", "/clients/"+h.spa, map[string]any{"refresh_token": map[string]any{"rotation_type": "non-rotating", "expiration_type": "non-expiring"}}, nil))
			for range 3 {
				id, _ := redeem("grant_type", "refresh_token", "client_id", h.spa, "refresh_token", tokens.Refresh)
				took("refresh without rotation", id)
			}
			h.want(200, h.api("PATCH", "/clients/"+h.site, map[string]any{"token_quota": map[string]any{"client_credentials": map[string]any{"per_hour": 100, "per_day": 1000}}}, nil))
			for range 3 {
				id, _ := redeem("grant_type", "client_credentials", "client_id", h.site, "client_secret", h.secret, "audience", audience)
				took("client_credentials with quotas", id)
			}
			wanted := map[string]string{
				"client_credentials":                 "select config_versions",
				"client_credentials with quotas":     "select config_versions · insert attempts",
				"authorize with a session":           "insert codes · select config_versions · select sessions · select users",
				"code for three tokens":              "select config_versions · select users · update codes · " + created,
				"refresh with rotation and one rule": "select config_versions · select refresh_tokens · select users · " + rotated,
				"refresh without rotation":           "select config_versions · select refresh_tokens · select users · " + touched,
				"password of the login page": "insert logins · insert sessions · insert transactions · select attempts · select attempts · select attempts · select config_versions · " +
					"select passwords · select transactions · select transactions · select users · select users · " + found,
			}
			for path, want := range wanted {
				var least []string
				for i, id := range costs[path] {
					all, whole := c.statements(id)
					for start := time.Now(); !whole && time.Since(start) < time.Minute; all, whole = c.statements(id) {
						time.Sleep(50 * time.Millisecond)
					}
					if !whole {
						t.Fatalf("%s: no trace", path)
					}
					if i == 0 || len(all) < len(least) {
						least = all
					}
				}
				asked := strings.Split(want, " · ")
				slices.Sort(asked)
				if kind == storetest.SQLite && runtime.GOOS == "linux" { // where the version is known until a configuration changes
					asked = slices.DeleteFunc(asked, func(s string) bool { return s == "select config_versions" })
				}
				got := strings.Join(least, " · ")
				want = strings.Join(asked, " · ")
				t.Logf("%s: %d: %s", path, len(least), got)
				if got != want {
					t.Errorf("%s asks\n%s\ninstead of\n%s", path, got, want)
				}
			}
		})
	}
}
