package oauth

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/internal/token"
)

// TestMain makes the test binary its own script worker.
func TestMain(m *testing.M) {
	script.Serve()
	password.CheapInTests()
	jose.ReuseInTests()
	scripts = script.New(script.Config{Workers: 2, HTTP: &http.Client{Transport: &sites}, Limits: script.Limits{Wall: 15 * time.Second}})
	slog.SetDefault(slog.New(slog.NewTextHandler(&operatorLog, nil)))
	code := m.Run()
	scripts.Close()
	os.Exit(code)
}

// webSites are what scripts find outside: handlers by host.
type webSites struct{ all sync.Map }

var sites webSites

func (s *webSites) RoundTrip(r *http.Request) (*http.Response, error) {
	h, found := s.all.Load(r.URL.Host)
	if !found {
		return nil, fmt.Errorf("no site %s", r.URL.Host)
	}
	rec := httptest.NewRecorder()
	h.(http.HandlerFunc)(rec, r)
	return rec.Result(), nil
}

var (
	scripts     *script.Host
	operatorLog syncBuffer // what the operator would read
	hasher      = password.NewHasher()
)

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// The clients of every world.
const (
	spa     = "spa"     // public, code with PKCE, implicit and refresh tokens
	site    = "site"    // confidential
	legacy  = "legacy"  // of the old kind, HS256
	machine = "machine" // client_credentials
	third   = "third"   // of somebody else
)

const (
	callback    = "https://app.test/callback"
	apiAudience = "https://api.test/"
	secretOf    = "-secret-0123456789012345678901234567890123456789012345678901"
	ada         = "auth0|ada"
	adaMail     = "ada@example.com"
	adaWord     = "Engine-No.1"
	bob         = "auth0|bob"
	bobMail     = "bob@example.com"
)

// world is a server with one tenant, without its pages.
type world struct {
	testing.TB
	db     *store.DB
	st     *store.Store
	door   http.Handler
	pipe   *pipeline.Pipeline
	minter *token.Minter
	now    time.Time
	mu     sync.Mutex
	host   string
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func newWorld(t testing.TB, kind ...string) *world {
	t.Helper()
	w := &world{TB: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), host: "acme.test"}
	on := storetest.SQLite
	if len(kind) > 0 {
		on = kind[0]
	}
	w.db = storetest.Open(t, on, storetest.WithClock(w.clock))
	w.minter = &token.Minter{Keys: &token.Keys{}}
	w.pipe = &pipeline.Pipeline{Database: &connection.Database{Hasher: hasher}, Scripts: scripts, Minter: w.minter}
	mux := http.NewServeMux()
	door := New(Deps{DB: w.db, Pipeline: w.pipe, Minter: w.minter})
	door.Register(mux)
	mux.HandleFunc("POST /login/callback", func(rw http.ResponseWriter, r *http.Request) { // as the door of the pages hands it on
		door.PostedLogin(rw, r, w.st)
	})
	w.door = mux
	w.st = w.tenant("acme")
	return w
}

// eachWorld runs fn on both databases.
func eachWorld(t *testing.T, fn func(*testing.T, *world)) {
	t.Helper()
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) { fn(t, newWorld(t, kind)) })
	}
}

// keyPair is made once: two RSA keys cost more than most tests.
var keyPair struct {
	sync.Once
	keys []stagedoor.SigningKey
}

func (w *world) tenant(id string) *store.Store {
	w.Helper()
	ctx := context.Background()
	st := storetest.Tenant(w, w.db, id)
	keyPair.Do(func() {
		ok(w, w.minter.Keys.Ensure(ctx, st))
		var err error
		keyPair.keys, err = st.SigningKeys(ctx)
		ok(w, err)
	})
	if have, err := st.SigningKeys(ctx); err != nil || len(have) == 0 {
		for _, k := range keyPair.keys {
			ok(w, st.CreateSigningKey(ctx, &k))
		}
	}
	system := &stagedoor.ResourceServer{
		Name: "Management API", Identifier: "https://" + id + ".test/api/v2/", IsSystem: true, SigningAlgorithm: jose.RS256,
		TokenLifetime: 86400, TokenLifetimeForWeb: 7200, SkipConsent: true, TokenDialect: "access_token",
		Scopes: []stagedoor.APIScope{{Value: "read:users"}, {Value: "update:users"}, {Value: "update:current_user_metadata"}},
	}
	ok(w, st.CreateResourceServer(ctx, system))
	ok(w, st.CreateResourceServer(ctx, &stagedoor.ResourceServer{
		Name: "Songs", Identifier: apiAudience, SigningAlgorithm: jose.RS256, AllowOfflineAccess: true, TokenLifetime: 86400,
		TokenLifetimeForWeb: 7200, SkipConsent: true, TokenDialect: "access_token",
		Scopes: []stagedoor.APIScope{{Value: "read:songs"}, {Value: "edit:songs"}},
	}))
	all := []string{"authorization_code", "implicit", "refresh_token", "client_credentials"}
	clients := []stagedoor.Client{
		{
			ID: spa, Name: "Single page", IsFirstParty: true, OIDCConformant: true, TokenEndpointAuthMethod: "none", GrantTypes: all,
			Callbacks: []string{callback, "http://localhost:3000/cb", "myapp://cb"}, WebOrigins: []string{"https://app.test"},
			AllowedLogoutURLs: []string{"https://app.test/bye"},
		},
		{
			ID: site, Name: "Regular web", IsFirstParty: true, OIDCConformant: true, TokenEndpointAuthMethod: "client_secret_post", GrantTypes: all,
			Callbacks: []string{callback}, AllowedLogoutURLs: []string{"https://app.test/bye"},
		},
		{
			ID: legacy, Name: "Old web", IsFirstParty: true, TokenEndpointAuthMethod: "client_secret_post", GrantTypes: all, Callbacks: []string{callback},
			JWTConfiguration: stagedoor.JWTConfiguration{Algorithm: jose.HS256},
		},
		{ID: machine, Name: "Machine", IsFirstParty: true, OIDCConformant: true, TokenEndpointAuthMethod: "client_secret_post", GrantTypes: []string{"client_credentials"}},
		{ID: third, Name: "Somebody else's", OIDCConformant: true, TokenEndpointAuthMethod: "client_secret_post", GrantTypes: all, Callbacks: []string{callback}},
	}
	var ids []string
	for i := range clients {
		c := &clients[i]
		c.Secret = secret(c.ID)
		ids = append(ids, c.ID)
		ok(w, st.CreateClient(ctx, c))
	}
	ok(w, st.CreateClientGrant(ctx, &stagedoor.ClientGrant{ClientID: machine, Audience: apiAudience, Scope: []string{"read:songs", "edit:songs"}}))
	conn := &stagedoor.Connection{Name: "Users", Strategy: connection.StrategyDatabase, EnabledClients: ids, Options: stagedoor.ConnectionOptions{PasswordPolicy: "good"}}
	ok(w, st.CreateConnection(ctx, conn))
	db := &connection.Database{Hasher: hasher}
	for _, u := range []*stagedoor.User{
		{
			ID: ada, Email: adaMail, EmailVerified: true, GivenName: "Ada", UserMetadata: stagedoor.Metadata{"displayName": json.RawMessage(`"Countess"`)},
			AppMetadata: stagedoor.Metadata{"roles": json.RawMessage(`["editor"]`), "plan": json.RawMessage(`"gold"`)},
		},
		{ID: bob, Email: bobMail},
	} {
		ok(w, db.Create(ctx, st, conn, u, adaWord))
	}
	return st
}

func secret(client string) string { return client + secretOf }

func (w *world) client(id string, change func(*stagedoor.Client)) {
	w.Helper()
	_, err := w.st.UpdateClient(context.Background(), id, func(c *stagedoor.Client) error { change(c); return nil })
	ok(w, err)
}

// enable lets exactly these clients use a connection.
func (w *world) enable(connection string, clients ...string) {
	w.Helper()
	c, err := w.st.ConnectionByName(context.Background(), connection)
	ok(w, err)
	_, err = w.st.UpdateConnection(context.Background(), c.ID, func(c *stagedoor.Connection) error { c.EnabledClients = clients; return nil })
	ok(w, err)
}

func (w *world) api(change func(*stagedoor.ResourceServer)) {
	w.Helper()
	rs, err := w.st.ResourceServerByIdentifier(context.Background(), apiAudience)
	ok(w, err)
	_, err = w.st.UpdateResourceServer(context.Background(), rs.ID, func(rs *stagedoor.ResourceServer) error { change(rs); return nil })
	ok(w, err)
}

func (w *world) settings(change func(*stagedoor.TenantSettings)) {
	w.Helper()
	_, err := w.st.UpdateSettings(context.Background(), func(s *stagedoor.TenantSettings) error { change(s); return nil })
	ok(w, err)
	w.st, err = w.db.TenantByDomain(context.Background(), w.host)
	ok(w, err)
}

// rule adds a rule that runs after the others.
func (w *world) rule(source string) {
	w.Helper()
	rules, err := w.st.Rules(context.Background())
	ok(w, err)
	n := len(rules) + 1
	ok(w, w.st.CreateRule(context.Background(), &stagedoor.Rule{Name: fmt.Sprint("rule ", n), Script: source, Order: n, Enabled: true, Stage: "login_success"}))
}

func (w *world) noRules() {
	w.Helper()
	rules, err := w.st.Rules(context.Background())
	ok(w, err)
	for _, r := range rules {
		ok(w, w.st.DeleteRule(context.Background(), r.ID))
	}
}

func (w *world) user(id string) *stagedoor.User {
	w.Helper()
	u, err := w.st.User(context.Background(), id)
	ok(w, err)
	return u
}

// logged returns the types of the events since the last call, oldest first.
func (w *world) logged() []string {
	w.Helper()
	var out []string
	for _, e := range w.events() {
		out = append(out, e.Type)
	}
	return out
}

var seenEvents sync.Map // by world: how many events were seen

func (w *world) events() []stagedoor.LogEvent {
	w.Helper()
	all, _, err := w.st.Logs(context.Background(), store.LogQuery{PerPage: 1000, Ascending: true})
	ok(w, err)
	seen := 0
	if n, found := seenEvents.Load(w); found {
		seen = n.(int)
	}
	seenEvents.Store(w, len(all))
	return all[seen:]
}

func (w *world) wantLog(types ...string) {
	w.Helper()
	if got := w.logged(); !slices.Equal(got, types) {
		w.Errorf("log events %q, want %q", got, types)
	}
}

// browser keeps cookies, as one on the tenant's host does.
type browser struct {
	*world
	scheme  string
	host    string
	from    string // address
	cookies map[string]*http.Cookie
}

func (w *world) browser() *browser {
	return &browser{world: w, scheme: "https", host: w.host, from: "192.0.2.7", cookies: map[string]*http.Cookie{}}
}

// answer is a response with what tests look at.
type answer struct {
	*httptest.ResponseRecorder
	t testing.TB
}

// do sends a request as the server in front hands it on.
func (b *browser) do(r *http.Request) *answer {
	b.Helper()
	r.URL.Scheme, r.Host, r.RemoteAddr = b.scheme, b.host, b.from
	r.Header.Set("User-Agent", "test browser")
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	a := &answer{httptest.NewRecorder(), b.TB}
	b.door.ServeHTTP(a, r)
	for _, c := range a.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c
		}
	}
	return a
}

func (b *browser) get(path string) *answer { return b.do(httptest.NewRequest("GET", path, nil)) }

func (b *browser) post(path string, form url.Values) *answer {
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

// The cookies of a browser that comes over https.
const (
	sessionCookie = "__Host-auth0"
	browserCookie = "__Host-did"
)

func (w *world) visit(b *browser) pipeline.Visit {
	v := pipeline.Visit{Store: w.st, Issuer: b.scheme + "://" + b.host + "/", Hostname: b.host, IP: "192.0.2.7", UserAgent: "test browser"}
	r := &http.Request{URL: &url.URL{Scheme: b.scheme}, Header: http.Header{}}
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	v.Session, v.Browser = session.Handle(r), session.Browser(r)
	return v
}

// values makes parameters of pairs; a later pair replaces an earlier one, and "-" removes it.
func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "-" {
			v.Del(pairs[i])
		} else {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return v
}

const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 appendix B
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// request is a good authorization request of a client.
func request(client string, more ...string) url.Values {
	pairs := []string{"client_id", client, "response_type", "code", "redirect_uri", callback, "scope", "openid profile email", "state", "st+a/te="}
	if client == spa {
		pairs = append(pairs, "code_challenge", challenge, "code_challenge_method", "S256")
	}
	return values(append(pairs, more...)...)
}

func (b *browser) authorize(v url.Values) *answer { return b.get("/authorize?" + v.Encode()) }

// transaction returns the handle of the login that an answer asks a page for.
func (a *answer) asks(page string) string {
	a.t.Helper()
	u, err := url.Parse(a.Header().Get("Location"))
	ok(a.t, err)
	if a.Code != http.StatusFound || u.Path != "/u/"+page {
		a.t.Fatalf("status %d, location %q, want the page %s; body %.300s", a.Code, u, page, a.Body)
	}
	return u.Query().Get("state")
}

// password answers the login page and gives the browser its session.
func (b *browser) password(state, mail, word string) error {
	b.Helper()
	v := b.visit(b)
	tx, err := b.pipe.Page(context.Background(), v, state, pipeline.AskLogin)
	if err != nil {
		return err
	}
	opened, err := b.pipe.Authenticate(context.Background(), v, state, tx.Nonce, mail, word)
	if err != nil {
		return err
	}
	b.keep(opened)
	return nil
}

func (b *browser) keep(opened *pipeline.Opened) {
	r := httptest.NewRequest("GET", "/", nil)
	r.URL.Scheme = b.scheme
	rec := httptest.NewRecorder()
	session.SetCookie(rec, r, opened.Handle, opened.Session)
	for _, c := range rec.Result().Cookies() {
		b.cookies[c.Name] = c
	}
}

// login does a whole login of ada and returns the last answer.
func (b *browser) login(v url.Values) *answer {
	b.Helper()
	state := b.authorize(v).asks("login")
	ok(b, b.password(state, adaMail, adaWord))
	return b.resume(state)
}

func (b *browser) resume(state string) *answer {
	return b.get("/authorize/resume?state=" + url.QueryEscape(state))
}

// decide answers the consent page.
func (b *browser) decide(state string, accept bool) *answer {
	b.Helper()
	v := b.visit(b)
	tx, err := b.pipe.Page(context.Background(), v, state, pipeline.AskConsent)
	ok(b, err)
	ok(b, b.pipe.Decide(context.Background(), v, state, tx.Nonce, accept))
	return b.resume(state)
}

var (
	hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	formAction  = regexp.MustCompile(`<form method="post" action="([^"]*)">`)
	messageOf   = regexp.MustCompile(`var message = \{type: "authorization_response", response: (\{.*\})\};`)
	targetOf    = regexp.MustCompile(`target\.postMessage\(message, ("[^\n]*")\);`)
)

// response reads an authorization response, whatever its mode; where tells where it went.
func (a *answer) response() (mode, where string, v url.Values) {
	a.t.Helper()
	if a.Code == http.StatusFound {
		to := a.Header().Get("Location")
		mode, sep := "query", "?"
		if strings.Contains(to, "#") {
			mode, sep = "fragment", "#"
		}
		where, rest, _ := strings.Cut(to, sep)
		v, err := url.ParseQuery(rest)
		ok(a.t, err)
		return mode, where, v
	}
	body := a.Body.String()
	v = url.Values{}
	if m := messageOf.FindStringSubmatch(body); m != nil {
		var members map[string]any
		ok(a.t, json.Unmarshal([]byte(m[1]), &members))
		for k, s := range members {
			v.Set(k, fmt.Sprint(s))
		}
		var target string
		ok(a.t, json.Unmarshal([]byte(strings.ReplaceAll(targetOf.FindStringSubmatch(body)[1], `\/`, "/")), &target))
		return "web_message", target, v
	}
	if m := formAction.FindStringSubmatch(body); m != nil && a.Code == http.StatusOK {
		for _, f := range hiddenField.FindAllStringSubmatch(body, -1) {
			v.Set(html.UnescapeString(f[1]), html.UnescapeString(f[2]))
		}
		return "form_post", html.UnescapeString(m[1]), v
	}
	return "page", "", v
}

// got returns the response of a login that succeeded.
func (a *answer) got() url.Values {
	a.t.Helper()
	mode, _, v := a.response()
	if mode == "page" || v.Has("error") || v.Get("code")+v.Get("access_token")+v.Get("id_token") == "" {
		a.t.Fatalf("not a success: %d %s %v %.300s", a.Code, mode, v, a.Body)
	}
	return v
}

// fails wants an error response at the client.
func (a *answer) fails(code, description string) {
	a.t.Helper()
	mode, _, v := a.response()
	if mode == "page" || v.Get("error") != code || v.Get("error_description") != description {
		a.t.Errorf("got %s %d %v %.200s, want %s: %s", mode, a.Code, v, a.Body, code, description)
	}
}

// page wants an error page, and nothing that leads away from it.
func (a *answer) page(status int, text string) {
	a.t.Helper()
	if a.Code != status || a.Header().Get("Location") != "" || !strings.Contains(html.UnescapeString(a.Body.String()), text) {
		a.t.Errorf("got %d, location %q, want a page %d with %q: %.2000s", a.Code, a.Header().Get("Location"), status, text, a.Body)
	}
}

// tokenAnswer is the answer of the token endpoint.
type tokenAnswer struct {
	*answer
	AccessToken      string `json:"access_token"`
	RefreshToken     string `json:"refresh_token"`
	IDToken          string `json:"id_token"`
	Scope            string `json:"scope"`
	ExpiresIn        int    `json:"expires_in"`
	TokenType        string `json:"token_type"`
	Error            string `json:"error"`
	ErrorDescription string `json:"error_description"`
	ErrorURI         string `json:"error_uri"`
	IssuedTokenType  string `json:"issued_token_type"`
}

func (w *world) token(form url.Values) *tokenAnswer {
	w.Helper()
	return w.read(w.browser().post("/oauth/token", form))
}

func (w *world) read(a *answer) *tokenAnswer {
	w.Helper()
	out := &tokenAnswer{answer: a}
	if err := json.Unmarshal(a.Body.Bytes(), out); err != nil {
		w.Fatalf("the answer is not JSON: %d %s", a.Code, a.Body)
	}
	if a.Header().Get("Cache-Control") != "no-store" || a.Header().Get("Pragma") != "no-cache" {
		w.Errorf("the answer may be cached: %v", a.Header())
	}
	return out
}

func (a *tokenAnswer) good() *tokenAnswer {
	a.t.Helper()
	if a.Code != http.StatusOK || a.AccessToken == "" || a.TokenType != "Bearer" || a.ExpiresIn <= 0 {
		a.t.Fatalf("not a success: %d %s", a.Code, a.Body)
	}
	return a
}

func (a *tokenAnswer) bad(status int, code, description string) {
	a.t.Helper()
	want, _ := json.Marshal(map[string]string{"error": code, "error_description": description})
	if a.Code != status || a.Error != code || a.ErrorDescription != description {
		a.t.Errorf("got %d %s, want %d %s", a.Code, a.Body, status, want)
	}
}

// redeem exchanges the code of a request that request made.
func (w *world) redeem(client, code string, more ...string) *tokenAnswer {
	w.Helper()
	return w.token(exchange(client, code, more...))
}

func exchange(client, code string, more ...string) url.Values {
	pairs := []string{"grant_type", "authorization_code", "client_id", client, "code", code, "redirect_uri", callback}
	if client == spa {
		pairs = append(pairs, "code_verifier", verifier)
	} else {
		pairs = append(pairs, "client_secret", secret(client))
	}
	return values(append(pairs, more...)...)
}

func (w *world) refresh(client, token string, more ...string) *tokenAnswer {
	w.Helper()
	pairs := []string{"grant_type", "refresh_token", "client_id", client, "refresh_token", token}
	if client != spa {
		pairs = append(pairs, "client_secret", secret(client))
	}
	return w.token(values(append(pairs, more...)...))
}

// claims verifies a token of the tenant's with its public keys, or with a client's secret.
func (w *world) claims(raw string, hmac ...string) map[string]any {
	w.Helper()
	keys, err := w.minter.Keys.Public(context.Background(), w.st)
	ok(w, err)
	c, err := jose.Parse(raw, w.clock(), func(h jose.Header) (string, any, error) {
		if len(hmac) > 0 {
			return jose.HS256, []byte(hmac[0]), nil
		}
		if strings.HasSuffix(h.KeyID, "-PS256") {
			return jose.PS256, keys[h.KeyID], nil
		}
		return jose.RS256, keys[h.KeyID], nil
	})
	if err != nil {
		w.Fatalf("token %.40s…: %v", raw, err)
	}
	return c.Raw
}

// userInfo asks for the claims of a token.
func (w *world) userInfo(token string) map[string]any {
	w.Helper()
	a := w.info(token)
	if a.Code != http.StatusOK {
		w.Fatalf("userinfo: %d %s %s", a.Code, a.Body, a.Header().Get("WWW-Authenticate"))
	}
	var claims map[string]any
	ok(w, json.Unmarshal(a.Body.Bytes(), &claims))
	return claims
}

func (w *world) info(token string) *answer {
	r := httptest.NewRequest("GET", "/userinfo", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return w.browser().do(r)
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// same compares as JSON.
func same(t testing.TB, what string, got, want any) {
	t.Helper()
	g, err := json.Marshal(got)
	ok(t, err)
	b, err := json.Marshal(want)
	ok(t, err)
	if string(g) != string(b) {
		t.Errorf("%s: got %s, want %s", what, g, b)
	}
}

// has wants the names, sorted, of a token's claims.
func has(t testing.TB, what string, claims map[string]any, names string) {
	t.Helper()
	var got []string
	for name := range claims {
		got = append(got, name)
	}
	slices.Sort(got)
	if strings.Join(got, " ") != names {
		t.Errorf("%s has %q, want %q", what, strings.Join(got, " "), names)
	}
}
