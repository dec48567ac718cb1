package stagedoortest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/net/html"
	_ "modernc.org/sqlite" // to look into the file

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

func TestMain(m *testing.M) { stagedoortest.Main(m) }

const (
	callback   = "https://app.example/cb"
	audience   = "https://api.example/"
	connection = "Username-Password-Authentication"
	verifier   = "attack-verifier-0123456789-0123456789-0123456789"
)

// lockedLog is an operator's log that many write to.
type lockedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// world is a running server with two furnished tenants.
type world struct {
	testing.TB
	*stagedoortest.Server
	database string
	log      *lockedLog
	beside   *pgx.Conn // to look into the database
	a, b     *house
}

// house is a tenant with all that an attacker may be after.
type house struct {
	w               *world
	name            string
	host, base      string // name.localhost:port and http:// before it
	mgmt            string // the audience of its Management API
	token           string // of its management client, with all scopes
	spa, site, old  string // client ids: public, confidential, of the old kind
	secret          string // of site
	oldSecret       string
	user, mail, pwd string
	made            map[string]string // noun to id
}

// eachWorld runs fn against a server on each kind of database.
func eachWorld(t *testing.T, fn func(*testing.T, *world)) {
	eachWorldWith(t, func(*stagedoortest.Options) {}, fn)
}

// eachWorldWith is eachWorld for a server with other options.
func eachWorldWith(t *testing.T, change func(*stagedoortest.Options), fn func(*testing.T, *world)) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) { fn(t, newWorld(t, kind, change)) })
	}
}

// routes are those that a walk over all of them visits. With -short it visits one in twelve of the Management API's,
// which share their plumbing, and a quarter of the others.
func (w *world) routes() []web.Route {
	all := w.Routes()
	if !testing.Short() {
		return all
	}
	first := rand.IntN(12)
	w.Logf("every twelfth route of the Management API, every fourth of the others, from %d on", first)
	var out []web.Route
	for i, route := range all {
		if i%12 == first || i%4 == first%4 && !strings.HasPrefix(route.Pattern, "/api/v2/") {
			out = append(out, route)
		}
	}
	return out
}

func newWorld(t testing.TB, kind string, options ...func(*stagedoortest.Options)) *world {
	t.Helper()
	w := &world{TB: t, database: storetest.Migrated(t, kind), log: &lockedLog{}}
	o := stagedoortest.Options{Database: w.database, Tenants: []string{"beta"}, Log: w.log}
	for _, change := range options {
		change(&o)
	}
	w.Server = stagedoortest.New(t, o)
	port := w.HTTPURL[strings.LastIndexByte(w.HTTPURL, ':'):]
	w.a = w.furnish("alpha", "test.localhost"+port, w.Domain, w.Machine)
	w.b = w.furnish("beta", w.Domains["beta"], w.Domains["beta"], w.Machines["beta"])
	return w
}

func (w *world) furnish(name, host, canonical string, machine *stagedoor.Client) *house {
	w.Helper()
	h := &house{
		w: w, name: name, host: host, base: "http://" + host, mgmt: "https://" + canonical + "/api/v2/",
		mail: "ada@" + name + ".example", pwd: "Engine-No.1 of " + name, made: map[string]string{},
	}
	h.token = w.MachineToken(w, h.base, machine, h.mgmt)
	common := func(more map[string]any) map[string]any {
		body := map[string]any{
			"callbacks": []string{callback, "http://localhost:3000/cb"}, "allowed_logout_urls": []string{"https://app.example/out"},
			"web_origins": []string{"https://app.example"}, "oidc_conformant": true,
		}
		for k, v := range more {
			body[k] = v
		}
		return body
	}
	spa := h.create("clients", common(map[string]any{"name": "Player", "app_type": "spa", "refresh_token": map[string]any{"rotation_type": "rotating", "expiration_type": "non-expiring"}}))
	site := h.create("clients", common(map[string]any{"name": "Site", "app_type": "regular_web"}))
	old := h.create("clients", common(map[string]any{"name": "Old", "app_type": "regular_web", "oidc_conformant": false, "jwt_configuration": map[string]any{"alg": "HS256"}}))
	h.spa, h.site, h.old = spa["client_id"].(string), site["client_id"].(string), old["client_id"].(string)
	h.secret, h.oldSecret = site["client_secret"].(string), old["client_secret"].(string)
	var connections []map[string]any
	h.api("GET", "/connections", nil, &connections)
	conn := connections[0]["id"].(string)
	h.want(204, h.api("PATCH", "/connections/"+conn+"/clients", []map[string]any{
		{"client_id": h.spa, "status": true}, {"client_id": h.site, "status": true}, {"client_id": h.old, "status": true},
	}, nil))
	server := h.create("resource-servers", map[string]any{
		"identifier": audience, "name": "Music", "allow_offline_access": true, "skip_consent_for_verifiable_first_party_clients": true,
		"scopes": []map[string]any{{"value": "read:songs", "description": "Songs"}},
	})
	grant := h.create("client-grants", map[string]any{"client_id": h.site, "audience": audience, "scope": []string{"read:songs"}})
	user := h.create("users", map[string]any{
		"connection": connection, "email": h.mail, "password": h.pwd, "email_verified": true,
		"user_metadata": map[string]any{"genre": "secret-of-" + name}, "app_metadata": map[string]any{"plan": name},
	})
	h.user = user["user_id"].(string)
	rule := h.create("rules", map[string]any{"name": "Nothing", "script": "function (user, context, callback) { callback(null, user, context); }"})
	h.want(200, h.api("PUT", "/rules-configs/KEY", map[string]any{"value": "config-of-" + name}, nil))
	h.want(200, h.api("PATCH", "/tenants/settings", map[string]any{"stagedoor": map[string]any{"development_inbox": true}, "friendly_name": "House " + name}, nil))
	h.made = map[string]string{
		"users": h.user, "clients": h.site, "client-grants": grant["id"].(string), "connections": conn,
		"resource-servers": server["id"].(string), "rules": rule["id"].(string),
	}
	return h
}

// api calls the house's Management API with its own token.
func (h *house) api(method, path string, body, into any) int {
	h.w.Helper()
	return h.w.JSON(h.w, method, h.base+"/api/v2"+path, h.token, body, into)
}

func (h *house) create(noun string, body map[string]any) map[string]any {
	h.w.Helper()
	var out map[string]any
	if status := h.api("POST", "/"+noun, body, &out); status != 201 {
		h.w.Fatalf("POST %s: %d %v", noun, status, out)
	}
	return out
}

func (h *house) want(want, got int) {
	h.w.Helper()
	if got != want {
		h.w.Fatalf("status %d, want %d", got, want)
	}
}

// settings changes the tenant's settings.
func (h *house) settings(body map[string]any) {
	h.w.Helper()
	h.want(200, h.api("PATCH", "/tenants/settings", body, nil))
}

// answer is a response that was read.
type answer struct {
	*http.Response
	body string
}

// send sends a request that may say whatever an attacker wants.
func (w *world) send(method, target, body string, headers ...string) *answer {
	w.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, target, r)
	if err != nil {
		w.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
			continue
		}
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := w.Client.Do(req)
	if err != nil {
		w.Fatalf("%s %s: %v", method, target, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return &answer{resp, string(b)}
}

// browser keeps cookies of one house, as the person sees it.
type browser struct {
	h       *house
	cookies map[string]string
	from    string // address that a trusted proxy tells; empty: its own
	agent   string // what it calls itself; empty: as the language does
}

func (h *house) browser() *browser { return &browser{h: h, cookies: map[string]string{}} }

func (b *browser) cookie() string {
	var all []string
	for name, value := range b.cookies {
		all = append(all, name+"="+value)
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

func (b *browser) do(method, target, body string, headers ...string) *answer {
	b.h.w.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.h.base + target
	}
	if len(b.cookies) > 0 {
		headers = append(headers, "Cookie", b.cookie())
	}
	if b.from != "" {
		headers = append(headers, "X-Forwarded-For", b.from)
	}
	if b.agent != "" {
		headers = append(headers, "User-Agent", b.agent)
	}
	a := b.h.w.send(method, target, body, headers...)
	for _, c := range a.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return a
}

func (b *browser) get(target string, headers ...string) *answer {
	b.h.w.Helper()
	return b.do("GET", target, "", headers...)
}

func (b *browser) post(target string, form url.Values, headers ...string) *answer {
	b.h.w.Helper()
	return b.do("POST", target, form.Encode(), append(headers, "Content-Type", "application/x-www-form-urlencoded")...)
}

func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// request is a good authorization request of the public client.
func (h *house) request(more ...string) url.Values {
	v := url.Values{
		"client_id": {h.spa}, "response_type": {"code"}, "redirect_uri": {callback}, "scope": {"openid profile email offline_access read:songs"},
		"audience": {audience}, "state": {"st"}, "code_challenge": {challenge()}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(more); i += 2 {
		if more[i+1] == "" {
			v.Del(more[i])
		} else {
			v.Set(more[i], more[i+1])
		}
	}
	return v
}

// page is a form that a browser was shown.
type page struct {
	*answer
	action string
	form   url.Values
	state  string
}

// begin starts a login and shows the page that it asks for.
func (b *browser) begin(v url.Values) *page {
	b.h.w.Helper()
	a := b.get("/authorize?" + v.Encode())
	to := a.Header.Get("Location")
	if a.StatusCode != 302 || !strings.HasPrefix(to, "/u/") {
		b.h.w.Fatalf("authorize: %d %q %s", a.StatusCode, to, a.body)
	}
	return b.show(to)
}

func (b *browser) show(to string) *page {
	b.h.w.Helper()
	p := &page{answer: b.get(to), form: url.Values{}}
	u, err := url.Parse(to)
	if err != nil {
		b.h.w.Fatal(err)
	}
	p.state = u.Query().Get("state")
	for n := range elements(p.body) {
		if n.Data == "form" && p.action == "" {
			p.action = attr(n, "action")
		}
		if n.Data == "input" && attr(n, "type") == "hidden" {
			p.form.Set(attr(n, "name"), attr(n, "value"))
		}
	}
	return p
}

// fill returns the page's form with further fields.
func (p *page) fill(more ...string) url.Values {
	v := url.Values{}
	for name, values := range p.form {
		v[name] = values
	}
	for i := 0; i+1 < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return v
}

// signIn fills in the login page and goes on; it returns where the browser ends up.
func (b *browser) signIn(p *page) *answer {
	b.h.w.Helper()
	a := b.post(p.action, p.fill("username", b.h.mail, "password", b.h.pwd))
	if a.StatusCode != 303 {
		b.h.w.Fatalf("login: %d %s", a.StatusCode, a.body)
	}
	return b.get(a.Header.Get("Location"))
}

// login does a whole login and returns the parameters that the client gets.
func (b *browser) login(v url.Values) url.Values {
	b.h.w.Helper()
	return b.h.w.callback(b.signIn(b.begin(v)))
}

func (w *world) callback(a *answer) url.Values {
	w.Helper()
	to, err := url.Parse(a.Header.Get("Location"))
	if err != nil || a.StatusCode != 302 || !strings.HasPrefix(to.String(), callback) {
		w.Fatalf("no answer for the client: %d %q %s", a.StatusCode, a.Header.Get("Location"), a.body)
	}
	if to.Fragment != "" {
		v, err := url.ParseQuery(to.EscapedFragment())
		if err != nil {
			w.Fatal(err)
		}
		return v
	}
	return to.Query()
}

type tokens struct {
	Access      string `json:"access_token"`
	ID          string `json:"id_token"`
	Refresh     string `json:"refresh_token"`
	Scope       string `json:"scope"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
	status      int
}

func (h *house) tokenCall(pairs ...string) tokens {
	h.w.Helper()
	body := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		body[pairs[i]] = pairs[i+1]
	}
	var out tokens
	out.status = h.w.JSON(h.w, "POST", h.base+"/oauth/token", "", body, &out)
	return out
}

func (h *house) redeem(code string) tokens {
	h.w.Helper()
	return h.tokenCall("grant_type", "authorization_code", "client_id", h.spa, "code", code, "redirect_uri", callback, "code_verifier", verifier)
}

func (h *house) refresh(token string) tokens {
	h.w.Helper()
	return h.tokenCall("grant_type", "refresh_token", "client_id", h.spa, "refresh_token", token)
}

// session logs the house's user in and returns the browser and the tokens.
func (h *house) session() (*browser, tokens) {
	h.w.Helper()
	b := h.browser()
	got := h.redeem(b.login(h.request()).Get("code"))
	if got.status != 200 || got.Access == "" || got.ID == "" || got.Refresh == "" {
		h.w.Fatalf("no tokens: %+v", got)
	}
	return b, got
}

// elements walks a parsed page.
func elements(body string) func(func(*html.Node) bool) {
	return func(yield func(*html.Node) bool) {
		doc, err := html.Parse(strings.NewReader(body))
		if err != nil {
			return
		}
		for n := range doc.Descendants() {
			if n.Type == html.ElementNode && !yield(n) {
				return
			}
		}
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// dump is everything that a tenant has in the database, but for its log and the moments that a read may touch.
func (h *house) dump() string {
	h.w.Helper()
	tenant := map[string]string{"alpha": "test"}[h.name]
	if tenant == "" {
		tenant = h.name
	}
	var out []string
	for _, table := range []string{
		"tenants", "domains", "signing_keys", "clients", "resource_servers", "client_grants", "connections", "rules", "rules_configs", "users", "logins",
		"passwords", "sessions", "transactions", "codes", "access_tokens", "refresh_tokens", "grants", "tickets", "mails",
	} {
		column := "tenant"
		if table == "tenants" {
			column = "id"
		}
		for _, row := range h.w.rows("SELECT * FROM " + table + " WHERE " + column + " = '" + tenant + "'") {
			out = append(out, table+": "+row)
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// rows reads the database beside the server.
func (w *world) rows(query string) (out []string) {
	w.Helper()
	ctx := context.Background()
	if strings.HasPrefix(w.database, "postgres") {
		if w.beside == nil {
			var err error
			if w.beside, err = pgx.Connect(ctx, w.database); err != nil {
				w.Fatal(err)
			}
			w.Cleanup(func() { w.beside.Close(ctx) })
		}
		rows, err := w.beside.Query(ctx, query)
		if err != nil {
			w.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			values, err := rows.Values()
			if err != nil {
				w.Fatal(err)
			}
			b, err := json.Marshal(values)
			if err != nil {
				w.Fatal(err)
			}
			out = append(out, string(b))
		}
		return out
	}
	db, err := sql.Open("sqlite", "file:"+w.database+"?mode=ro&_pragma=busy_timeout(10000)")
	if err != nil {
		w.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		w.Fatal(err)
	}
	for rows.Next() {
		values := make([]any, len(names))
		pointers := make([]any, len(names))
		for i := range values {
			pointers[i] = &values[i]
		}
		if err := rows.Scan(pointers...); err != nil {
			w.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%q", values))
	}
	return out
}

// unchanged runs an attack and tells what of the house it changed.
func (h *house) unchanged(what string, attack func()) {
	h.w.Helper()
	before := h.dump()
	attack()
	if after := h.dump(); after != before {
		old, now := strings.Split(before, "\n"), strings.Split(after, "\n")
		for _, line := range now {
			if !slices.Contains(old, line) {
				h.w.Errorf("%s changed %s: now %.300s", what, h.name, line)
			}
		}
		for _, line := range old {
			if !slices.Contains(now, line) {
				h.w.Errorf("%s changed %s: gone %.300s", what, h.name, line)
			}
		}
	}
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(b)
}
