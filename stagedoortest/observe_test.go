package stagedoortest_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/internal/telemetry"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// watched is a server whose operator looks on.
func watched(change func(*config.Config)) func(*stagedoortest.Options) {
	return func(o *stagedoortest.Options) {
		o.Configure = func(c *config.Config) {
			c.Admin = "127.0.0.1:0"
			if change != nil {
				change(c)
			}
		}
	}
}

var seriesForm = regexp.MustCompile(`^([a-z_]+)(?:\{(.*)\})? (\S+)$`)

// numbers are what /metrics says, by series.
type numbers map[string]float64

func (w *world) numbers() numbers {
	w.Helper()
	a := w.send("GET", w.AdminURL+"/metrics", "")
	if a.StatusCode != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain") {
		w.Fatalf("/metrics: %d %v", a.StatusCode, a.Header)
	}
	out := numbers{}
	for lines := bufio.NewScanner(strings.NewReader(a.body)); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		m := seriesForm.FindStringSubmatch(line)
		if m == nil {
			w.Fatalf("not a number: %q", line)
		}
		n, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			w.Fatal(err)
		}
		out[m[1]+"{"+m[2]+"}"] = n
	}
	return out
}

// family tells whether there is a series of a metric.
func (n numbers) family(name string) bool {
	for series := range n {
		for _, ending := range []string{"{", "_bucket{"} {
			if strings.HasPrefix(series, name+ending) {
				return true
			}
		}
	}
	return false
}

// TestMetrics: what people, clients and scripts do is counted, on either database, and no number names a person, a tenant or a path.
func TestMetrics(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t, kind, watched(nil))
			h := w.a
			before := w.numbers()
			b, _ := h.session()
			h.rule(b, `context.idToken['https://x.example/n'] = 1; callback(null, user, context);`)
			p := b.begin(h.request("prompt", "login"))
			b.post(p.action, p.fill("username", h.mail, "password", "wrong-password-99"))
			b.post(p.action, p.fill("username", "nobody@alpha.example", "password", "wrong-password-99"))
			h.redeem("not-a-code")
			w.send("BREW", h.base+"/coffee/"+h.user, "")
			w.send("GET", h.base+"/api/v2/users/"+url.PathEscape(h.user), "", "Authorization", "Bearer "+h.token)
			w.send("GET", h.base+"/api/v2/users?q=email:ada*&search_engine=v3", "", "Authorization", "Bearer "+h.token)
			after := w.numbers()
			for series, least := range map[string]float64{
				`stagedoor_http_requests_total{method="GET",route="/authorize",status="3xx"}`:         2,
				`stagedoor_http_requests_total{method="GET",route="/api/v2/users/{id}",status="2xx"}`: 1,
				`stagedoor_http_requests_total{method="other",route="unmatched",status="4xx"}`:        1,
				`stagedoor_http_request_duration_seconds_count{method="POST",route="/oauth/token"}`:   2,
				`stagedoor_logins_total{outcome="success"}`:                                           1,
				`stagedoor_logins_total{outcome="wrong_password"}`:                                    1,
				`stagedoor_logins_total{outcome="unknown_user"}`:                                      1,
				`stagedoor_token_requests_total{grant="authorization_code",outcome="success"}`:        1,
				`stagedoor_token_requests_total{grant="authorization_code",outcome="failure"}`:        1,
				`stagedoor_tokens_issued_total{grant="authorization_code",token="id"}`:                1,
				`stagedoor_tokens_issued_total{grant="authorization_code",token="refresh"}`:           1,
				`stagedoor_password_hash_seconds_count{}`:                                             3,
				`stagedoor_password_hash_wait_seconds_count{}`:                                        3,
				`stagedoor_script_runs_total{kind="rules",outcome="success",runtime="embedded"}`:      1,
				`stagedoor_script_run_seconds_count{kind="rules",runtime="embedded"}`:                 1,
				`stagedoor_sql_seconds_count{operation="select"}`:                                     20,
				`stagedoor_sql_seconds_count{operation="insert"}`:                                     3,
				`stagedoor_write_seconds_count{}`:                                                     3,
				`stagedoor_cache_requests_total{cache="tenants",result="hit"}`:                        5,
				`stagedoor_log_events_total{type="fp"}`:                                               1,
			} {
				if grown := after[series] - before[series]; grown < least {
					t.Errorf("%s grew by %v, not %v", series, grown, least)
				}
			}
			for series, value := range map[string]float64{"stagedoor_http_requests_in_flight{}": 0, `stagedoor_script_runs_waiting{}`: 0, `stagedoor_password_hashes{state="waiting"}`: 0} {
				if got, there := after[series]; !there || got != value {
					t.Errorf("%s is %v, there: %v", series, got, there)
				}
			}
			if after[`stagedoor_script_workers{runtime="embedded"}`] < 1 {
				t.Error("no worker lives")
			}
			if !after.family("stagedoor_search_seconds") {
				t.Error("no search was timed")
			}
			for _, m := range telemetry.All() {
				wanted := !strings.HasPrefix(m.Name, "stagedoor_tenant_") && !slices.Contains([]string{"stagedoor_jobs_total", "stagedoor_job_seconds", "stagedoor_swept_rows_total", "stagedoor_search_seconds", "stagedoor_certificate_expiry_timestamp_seconds"}, m.Name) &&
					!(strings.HasPrefix(m.Name, "stagedoor_postgres_") && kind == storetest.SQLite) && m.Name != "stagedoor_sqlite_writes_waiting"
				if there := after.family(m.Name); wanted && !there {
					t.Errorf("%s is not there", m.Name)
				}
			}
			if kind == storetest.Postgres && after[`stagedoor_postgres_connections{state="most"}`] < 16 || kind == storetest.SQLite && after["stagedoor_sqlite_group_size_count{}"] < 3 {
				t.Error("the database's own numbers are missing")
			}
			for series := range after {
				for _, private := range []string{h.mail, "ada@", h.user, url.PathEscape(h.user), h.host, "beta", h.spa, "coffee", "BREW", "tenant="} {
					if strings.Contains(series, private) {
						t.Errorf("%s names %q", series, private)
					}
				}
			}
			for _, path := range []string{"/metrics", "/debug/pprof/"} {
				if a := w.send("GET", h.base+path, ""); a.StatusCode != 404 {
					t.Errorf("%s on the public port: %d", path, a.StatusCode)
				}
			}
			if a := w.send("GET", w.AdminURL+"/debug/pprof/", ""); a.StatusCode != 404 {
				t.Errorf("profiles without the flag: %d", a.StatusCode)
			}
			for _, path := range []string{"/healthz", "/readyz"} {
				for _, base := range []string{w.AdminURL, w.HTTPURL} {
					if a := w.send("GET", base+path, ""); a.StatusCode != 200 || !strings.Contains(a.body, `"ok"`) {
						t.Errorf("%s%s: %d %s", base, path, a.StatusCode, a.body)
					}
				}
			}
		})
	}
}

// TestMetricsByTenant: only where the operator asks for it.
func TestMetricsByTenant(t *testing.T) {
	w := newWorld(t, storetest.SQLite, watched(func(c *config.Config) { c.MetricsTenants, c.Pprof = true, true }))
	w.a.session()
	n := w.numbers()
	for _, series := range []string{`stagedoor_tenant_requests_total{status="2xx",tenant="test"}`, `stagedoor_tenant_logins_total{outcome="success",tenant="test"}`} {
		if n[series] < 1 {
			t.Errorf("%s is %v", series, n[series])
		}
	}
	if a := w.send("GET", w.AdminURL+"/debug/pprof/goroutine?debug=1", ""); a.StatusCode != 200 || !strings.Contains(a.body, "goroutine profile") {
		t.Errorf("profiles: %d", a.StatusCode)
	}
	if a := w.send("GET", w.AdminURL+"/debug/pprof/cmdline", ""); a.StatusCode != 404 {
		t.Errorf("the command line is served: %d", a.StatusCode)
	}
}

// TestRequestLines: one line for each request, with what an operator asks for and nothing that the sender wrote.
func TestRequestLines(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	h := w.a
	from := len(w.log.String())
	w.send("GET", h.base+"/api/v2/users/"+url.PathEscape(h.user)+"?fields=email", "", "Authorization", "Bearer "+h.token, "X-Request-Id", "asked-for-0001", "User-Agent", "Mozilla/5.0 (secret-agent)",
		"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	a := w.send("GET", h.base+"/nowhere/secret-path?secret=query", "", "X-Request-Id", "bad id \" x=1")
	var lines []string
	for _, line := range strings.Split(w.log.String()[from:], "\n") {
		if strings.Contains(line, "msg=request ") {
			lines = append(lines, line)
		}
	}
	if len(lines) != 2 {
		t.Fatalf("lines: %q", lines)
	}
	for _, part := range []string{"level=INFO", "request=asked-for-0001", "method=GET", "route=/api/v2/users/{id}", "status=200", "ms=", "bytes=", "tenant=test", "client=" + w.Machine.ID, "agent=browser", "ip=127.0.0.1"} {
		if !strings.Contains(lines[0], part) {
			t.Errorf("%q lacks %q", lines[0], part)
		}
	}
	id := a.Header.Get("X-Request-Id")
	for _, part := range []string{"request=" + id, "route=unmatched", "status=404", "agent=sdk"} {
		if id == "" || !strings.Contains(lines[1], part) {
			t.Errorf("%q lacks %q", lines[1], part)
		}
	}
	for _, line := range lines {
		for _, sent := range []string{h.user, "secret", "fields", "email", "nowhere", "bad id"} {
			if strings.Contains(line, sent) {
				t.Errorf("%q holds %q", line, sent)
			}
		}
	}
}

// span is a span as a collector gets it.
type span struct {
	TraceID, SpanID, ParentSpanID, Name string
	Attributes                          []struct {
		Key   string
		Value map[string]any
	}
	Links []struct{ TraceID, SpanID string }
}

// collector receives traces as OTLP over HTTP.
type collector struct {
	mu    sync.Mutex
	spans []span
	raw   strings.Builder
	head  http.Header
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	var in struct {
		ResourceSpans []struct {
			Resource   struct{ Attributes []any }
			ScopeSpans []struct{ Spans []span }
		}
	}
	if err := json.Unmarshal(b, &in); err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "?", 400)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.head = r.Header
	c.raw.Write(b)
	for _, rs := range in.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			c.spans = append(c.spans, ss.Spans...)
		}
	}
	fmt.Fprint(w, `{}`)
}

// path finds a chain of spans, each the parent of the next, and returns the trace's id.
func (c *collector) path(names ...string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	byID := map[string]span{}
	for _, s := range c.spans {
		byID[s.SpanID] = s
	}
	for _, s := range c.spans {
		at, found := s, true
		for i := len(names) - 1; found; i-- {
			found = strings.HasPrefix(at.Name, names[i])
			if i == 0 {
				break
			}
			for parent, there := byID[at.ParentSpanID], true; there; parent, there = byID[parent.ParentSpanID] {
				if at = parent; strings.HasPrefix(at.Name, names[i-1]) {
					break
				}
			}
		}
		if found {
			return s.TraceID
		}
	}
	return ""
}

// TestTraces: a collector sees a request, the steps of the login in it, the rule, what the rule asked of the server, and its SQL, as one tree;
// whoever a rule calls learns the trace; no span holds what was sent.
func TestTraces(t *testing.T) {
	c := &collector{}
	receiver := httptest.NewServer(c)
	t.Cleanup(receiver.Close)
	var heard sync.Map
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		heard.Store(r.URL.Query().Get("n"), r.Header.Get("Traceparent"))
		fmt.Fprint(w, "{}")
	}))
	t.Cleanup(outside.Close)
	w := newWorld(t, storetest.SQLite, watched(func(cfg *config.Config) {
		cfg.Trace = config.Trace{Endpoint: receiver.URL, Sample: 1, Headers: "X-Key=of-the-collector"}
	}), func(o *stagedoortest.Options) { o.Allow = []string{strings.TrimPrefix(outside.URL, "http://")} })
	h := w.a
	b, _ := h.session()
	h.rule(b, fmt.Sprintf(`auth0.users.updateAppMetadata(user.user_id, {traced: 'metadata-secret'}).then(() => fetch('%s/?n=1&key=rule-secret-7')).then(() => callback(null, user, context)).catch(callback);`, outside.URL))
	const parent = "0af7651916cd43dd8448eb211c80319c"
	w.send("GET", h.base+"/.well-known/jwks.json?query-secret=1", "", "Traceparent", "00-"+parent+"-b7ad6b7169203331-01")
	deadline := time.Now().Add(time.Minute)
	var login string
	for time.Now().Before(deadline) {
		login = c.path("GET /authorize", "step: run post-login scripts", "script rules", "sql")
		if login != "" && c.path("GET /.well-known/jwks.json") == parent {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.mu.Lock()
	var names []string
	for _, s := range c.spans {
		names = append(names, s.Name)
	}
	raw, head := c.raw.String(), c.head
	c.mu.Unlock()
	if login == "" || c.path("GET /.well-known/jwks.json") != parent || c.path("GET /authorize", "script rules", "outbound GET") == "" {
		slices.Sort(names)
		t.Fatalf("the tree is not there: %v", slices.Compact(names))
	}
	if head.Get("X-Key") != "of-the-collector" {
		t.Errorf("headers: %v", head)
	}
	if got, _ := heard.Load("1"); got == nil || !strings.HasPrefix(got.(string), "00-"+login+"-") {
		t.Errorf("the rule's call carried %v, the login is %s", got, login)
	}
	for what, sent := range map[string]string{"metadata": "metadata-secret", "query of a rule": "rule-secret", "query": "query-secret", "password": h.pwd, "address": h.mail, "management token": h.token, "user": h.user, "session": b.cookies["auth0"], "verifier": verifier, "where a rule calls": outside.Listener.Addr().String()} {
		if strings.Contains(raw, sent) || strings.Contains(raw, url.QueryEscape(sent)) {
			t.Errorf("spans hold the %s", what)
		}
	}
}

// TestTracesOfPatches: patches that share a transaction have one span, in the trace of one of them and linked with the wait of each.
func TestTracesOfPatches(t *testing.T) {
	for kind, group := range map[string]string{storetest.SQLite: "group of writes", storetest.Postgres: "group of patches"} {
		t.Run(kind, func(t *testing.T) { tracesOfPatches(t, kind, group) })
	}
}

func tracesOfPatches(t *testing.T, kind, name string) {
	c := &collector{}
	receiver := httptest.NewServer(c)
	t.Cleanup(receiver.Close)
	w := newWorld(t, kind, watched(func(cfg *config.Config) { cfg.Trace = config.Trace{Endpoint: receiver.URL, Sample: 1} }))
	var callers sync.WaitGroup
	for i := range 24 {
		callers.Go(func() {
			for n := range 8 {
				r, err := http.NewRequestWithContext(t.Context(), "PATCH", w.a.base+"/api/v2/users/"+url.PathEscape(w.a.user), strings.NewReader(fmt.Sprintf(`{"user_metadata":{"k%d":%d}}`, i, n)))
				if err != nil {
					t.Error(err)
					return
				}
				r.Header = http.Header{"Authorization": {"Bearer " + w.a.token}, "Content-Type": {"application/json"}}
				if resp, err := w.Client.Do(r); err != nil {
					t.Error(err)
				} else if resp.Body.Close(); resp.StatusCode != 200 {
					t.Errorf("a patch: %d", resp.StatusCode)
				}
			}
		})
	}
	callers.Wait()
	linked := func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		byID := map[string]span{}
		for _, s := range c.spans {
			byID[s.SpanID] = s
		}
		for _, group := range c.spans {
			if group.Name != name || len(group.Links) < 2 {
				continue
			}
			whole := true
			for _, l := range group.Links {
				wait := byID[l.SpanID]
				back := slices.ContainsFunc(wait.Links, func(l struct{ TraceID, SpanID string }) bool {
					return l.SpanID == group.SpanID && l.TraceID == group.TraceID
				})
				whole = whole && back && wait.Name == "wait for a "+name && wait.TraceID == l.TraceID
			}
			if whole && byID[group.ParentSpanID].Name == "wait for a "+name {
				return true
			}
		}
		return false
	}
	for deadline := time.Now().Add(time.Minute); !linked(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s is linked with those who waited for it", name)
		}
	}
	statements := []string{"PATCH /api/v2/users/{id}", "wait for a " + name, name, "sql"}
	if kind == storetest.SQLite { // each write has its own statements, which are in its own request
		statements = []string{"PATCH /api/v2/users/{id}", "sql update"}
	}
	if c.path(statements...) == "" {
		t.Errorf("no trace has %q", statements)
	}
}
