package login_test

import (
	"bytes"
	"context"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/login"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/oauth"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/internal/token"
)

// TestMain makes the test binary its own script worker.
func TestMain(m *testing.M) {
	script.Serve()
	password.CheapInTests()
	jose.ReuseInTests()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

const (
	origin   = "https://acme.test"
	callback = "https://app.example/callback"
	api      = "https://api.example/"
	good     = "Correct-Horse-1" // a password that the policy takes
)

// world is a tenant with its doors, as a browser meets them.
type world struct {
	*testing.T
	db   *store.DB
	door *login.Door
	pipe *pipeline.Pipeline
	mux  http.Handler
	st   *store.Store
	conn *stagedoor.Connection
	log  *locked
	mu   sync.Mutex
	now  time.Time
	left context.Context                                         // of requests that may be taken back, if it is set
	asks func()                                                  // something else that happens when the database asks for the time
	send func(context.Context, *store.Store, mail.Message) error // stands in for the delivery if it is set
}

func newWorld(t *testing.T, kind string) *world {
	t.Helper()
	w := &world{T: t, log: &locked{}, now: time.Now()} // browsers drop old cookies by the real time
	w.db = storetest.Open(t, kind, storetest.WithClock(w.clock))
	scripts := script.New(script.Config{ // straight to the servers of tests
		Workers: 1, HTTP: http.DefaultClient, Limits: script.Limits{CPU: 2 * time.Second, Wall: time.Minute},
	})
	t.Cleanup(func() { scripts.Close() })
	minter := &token.Minter{Keys: &token.Keys{}}
	pipe := &pipeline.Pipeline{Database: &connection.Database{Hasher: password.NewHasher(), Scripts: scripts}, Upstream: &connection.Upstream{HTTP: http.DefaultClient, Scripts: scripts, TenantKey: minter.Keys.Current}, Scripts: scripts, Minter: minter}
	w.pipe = pipe
	logger := slog.New(slog.NewTextHandler(w.log, nil))
	deliver := login.ThroughScripts(pipe, login.Deliver(nil, "", mail.Outside{}, logger))
	w.door = login.New(login.Deps{DB: w.db, Pipeline: pipe, Log: logger, Send: func(ctx context.Context, st *store.Store, m mail.Message) error {
		if w.send != nil {
			return w.send(ctx, st, m)
		}
		return deliver(ctx, st, m)
	}})
	pipe.Blocked, pipe.MailCode, pipe.MailProof, pipe.MailFactorCode = w.door.SendBlocked, w.door.MailCode, w.door.MailProof, w.door.MailFactorCode
	pipe.MailFlow, pipe.Requests = w.door.MailFlow, http.DefaultClient
	pipe.WarnLeaked, pipe.TellAdmin, pipe.TellFactor, pipe.AskToVerify = w.door.WarnLeaked, w.door.TellAdmin, w.door.TellFactor, w.door.AskToVerify
	mux := http.NewServeMux()
	protocol := oauth.New(oauth.Deps{DB: w.db, Pipeline: pipe, Minter: minter})
	protocol.Register(mux)
	w.door.Posted = protocol.PostedLogin
	w.door.Register(mux)
	w.mux = mux
	w.furnish("acme")
	return w
}

// each runs fn in a fresh world on both databases.
func each(t *testing.T, fn func(w *world)) {
	t.Helper()
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) { fn(newWorld(t, kind)) })
	}
}

func (w *world) clock() time.Time {
	if w.asks != nil {
		w.asks()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) wait(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// furnish makes a tenant with clients, a connection, an API and a user, and makes it the world's.
func (w *world) furnish(id string) {
	w.Helper()
	ctx := w.Context()
	st, err := w.db.CreateTenant(ctx, id, []string{id + ".test"})
	w.ok(err)
	w.conn = &stagedoor.Connection{
		Name: "Users", Strategy: connection.StrategyDatabase,
		Options: stagedoor.ConnectionOptions{PasswordPolicy: "good", BruteForceProtection: new(true)},
	}
	w.ok(st.CreateConnection(ctx, w.conn))
	for _, c := range []stagedoor.Client{
		{ID: "all", Name: "All", Global: true},
		{ID: "app", Name: "Mixtape", IsFirstParty: true, InitiateLoginURI: "https://app.example/start", WebOrigins: []string{"https://app.example"}},
		{ID: "foreign", Name: "Foreign", AllowedOrigins: []string{"https://*.foreign.example"}},
		{ID: "other", Name: "Other"},
	} {
		c.OIDCConformant, c.TokenEndpointAuthMethod = true, "none"
		c.Callbacks, c.GrantTypes = []string{callback}, []string{"authorization_code"}
		w.ok(st.CreateClient(ctx, &c))
	}
	_, err = st.UpdateConnection(ctx, w.conn.ID, func(c *stagedoor.Connection) error { c.EnabledClients = []string{"app", "foreign"}; return nil })
	w.ok(err)
	w.ok(st.CreateResourceServer(ctx, &stagedoor.ResourceServer{
		Name: "Songs", Identifier: api, SigningAlgorithm: "RS256", TokenLifetime: 60, SkipConsent: true,
		Scopes: []stagedoor.APIScope{{Value: "read:songs", Description: "Hear your songs"}, {Value: "delete:songs", Description: "Forget your songs"}},
	}))
	w.st = st
	w.configure(func(s *stagedoor.TenantSettings) {
		s.FriendlyName, s.SupportEmail, s.Local.DevelopmentInbox = "Acme Records", "help@acme.test", true
	})
	w.st, w.conn = w.handle(), w.connection("Users")
	w.user("ada@example.com")
}

func (w *world) handle() *store.Store {
	w.Helper()
	st, err := w.db.TenantByID(w.Context(), w.st.Tenant().ID)
	w.ok(err)
	return st
}

func (w *world) connection(name string) *stagedoor.Connection {
	w.Helper()
	c, err := w.st.ConnectionByName(w.Context(), name)
	w.ok(err)
	return c
}

// configure changes the tenant's settings.
func (w *world) configure(change func(*stagedoor.TenantSettings)) {
	w.Helper()
	_, err := w.st.UpdateSettings(w.Context(), func(s *stagedoor.TenantSettings) error { change(s); return nil })
	w.ok(err)
	w.st = w.handle()
}

// options changes the settings of the connection.
func (w *world) options(change func(*stagedoor.ConnectionOptions)) {
	w.Helper()
	_, err := w.st.UpdateConnection(w.Context(), w.conn.ID, func(c *stagedoor.Connection) error { change(&c.Options); return nil })
	w.ok(err)
	w.conn = w.connection("Users")
}

// user adds a user with the password good.
func (w *world) user(email string) *stagedoor.User {
	w.Helper()
	u := &stagedoor.User{Email: email}
	w.ok((&connection.Database{Hasher: password.NewHasher()}).Create(w.Context(), w.st, w.conn, u, good))
	return u
}

// found returns the user with the address, nil if there is none.
func (w *world) found(email string) *stagedoor.User {
	w.Helper()
	all, err := w.st.UsersByEmail(w.Context(), email)
	w.ok(err)
	if len(all) == 0 {
		return nil
	}
	return &all[0]
}

// events returns the types of the tenant's log events, oldest first.
func (w *world) events() string {
	w.Helper()
	logs, _, err := w.st.Logs(w.Context(), store.LogQuery{PerPage: 100, Ascending: true})
	w.ok(err)
	var types []string
	for _, e := range logs {
		types = append(types, e.Type)
	}
	return strings.Join(types, " ")
}

// mails returns the development inbox, newest first.
func (w *world) mails() []stagedoor.Mail {
	w.Helper()
	w.ok(w.pipe.Wait(w.Context()))
	w.ok(w.door.Wait(w.Context()))
	mails, err := w.st.Mails(w.Context())
	w.ok(err)
	return mails
}

var mailLink = regexp.MustCompile(`https://\S+\?ticket=\S+`)

// link returns the address in the newest mail, as a path.
func (w *world) link() string {
	w.Helper()
	mails := w.mails()
	if len(mails) == 0 {
		w.Fatal("no mail came")
	}
	found := mailLink.FindString(mails[0].Text)
	path, ours := strings.CutPrefix(found, "https://"+w.st.Tenant().Domain())
	if !ours {
		w.Fatalf("no link in %q", mails[0].Text)
	}
	return path
}

// browser is a person's browser.
type browser struct {
	*world
	jar    http.CookieJar
	origin string
	from   string // address
}

func (w *world) browser() *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{w, jar, "https://" + w.st.Tenant().Domain(), "192.0.2.7"}
}

// reply is what came back.
type reply struct {
	*world
	path   string // that was asked for
	status int
	header http.Header
	body   string
}

// do sends a request the way the server in front hands it to the door.
func (b *browser) do(method, path, body string, headers ...string) *reply {
	b.Helper()
	ctx := b.left
	if ctx == nil {
		ctx = b.Context()
	}
	r := httptest.NewRequestWithContext(ctx, method, b.origin+path, strings.NewReader(body))
	r.RemoteAddr = b.from
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Origin", b.origin)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	for _, c := range b.jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	b.mux.ServeHTTP(rec, r)
	answer := rec.Result()
	b.jar.SetCookies(r.URL, answer.Cookies())
	text, _ := io.ReadAll(answer.Body)
	return &reply{b.world, path, answer.StatusCode, answer.Header, string(text)}
}

func (b *browser) get(path string) *reply { b.Helper(); return b.do(http.MethodGet, path, "") }

func (b *browser) post(path string, form url.Values, headers ...string) *reply {
	b.Helper()
	return b.do(http.MethodPost, path, form.Encode(), headers...)
}

// want ends the test unless the answer has the status.
func (r *reply) want(status int) *reply {
	r.Helper()
	if r.status != status {
		r.Fatalf("status %d, want %d: %s %s", r.status, status, r.header.Get("Location"), words(r.body))
	}
	return r
}

// says fails the test unless the page shows the text.
func (r *reply) says(texts ...string) *reply {
	r.Helper()
	for _, text := range texts {
		if !strings.Contains(words(r.body), text) {
			r.Errorf("the page does not say %q: %s", text, words(r.body))
		}
	}
	return r
}

// Pages hold random values in base64: what is this short turns up in one of some thousand.
var byChance = regexp.MustCompile(`^[0-9A-Za-z_-]{0,4}$`)

// hides fails the test if the answer holds the text anywhere.
func (r *reply) hides(texts ...string) *reply {
	r.Helper()
	for _, text := range texts {
		if byChance.MatchString(text) {
			r.Fatalf("%q may be in an answer by chance", text)
		}
		if strings.Contains(r.body, text) {
			r.Errorf("the answer holds %q: %s", text, r.body)
		}
	}
	return r
}

// to returns where the answer redirects to, a path if it is our own.
func (r *reply) to() string {
	r.Helper()
	if r.status/100 != 3 {
		r.Fatalf("status %d is no redirect: %s", r.status, words(r.body))
	}
	return strings.TrimPrefix(r.header.Get("Location"), "https://"+r.st.Tenant().Domain())
}

var (
	tags       = regexp.MustCompile(`(?s)<head>.*?</head>|<[^>]*>`)
	spaces     = regexp.MustCompile(`\s+`)
	formAction = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
	formHidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	linked     = regexp.MustCompile(`<a [^>]*href="([^"]*)">([^<]*)</a>`)
)

// words is what a person reads on a page.
func words(page string) string {
	return strings.TrimSpace(spaces.ReplaceAllString(html.UnescapeString(tags.ReplaceAllString(page, " ")), " "))
}

// form returns the action and the hidden fields of the page's form, with the fields that are given.
func (r *reply) form(fields ...string) (string, url.Values) {
	r.Helper()
	action := formAction.FindStringSubmatch(r.body)
	if action == nil {
		r.Fatalf("there is no form: %d %s", r.status, words(r.body))
	}
	values := url.Values{}
	for _, hidden := range formHidden.FindAllStringSubmatch(r.body, -1) {
		values.Set(html.UnescapeString(hidden[1]), html.UnescapeString(hidden[2]))
	}
	for i := 0; i+1 < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	return html.UnescapeString(action[1]), values
}

// href returns where the link with the text leads.
func (r *reply) href(text string) string {
	r.Helper()
	for _, link := range linked.FindAllStringSubmatch(r.body, -1) {
		if html.UnescapeString(link[2]) == text {
			return html.UnescapeString(link[1])
		}
	}
	r.Fatalf("there is no link %q: %s", text, r.body)
	return ""
}

// submit posts the page's form with the fields.
func (b *browser) submit(r *reply, fields ...string) *reply {
	b.Helper()
	action, values := r.form(fields...)
	return b.post(action, values)
}

// begin starts a login and returns the first page. Parameters are pairs of name and value.
func (b *browser) begin(params ...string) *reply {
	b.Helper()
	q := url.Values{
		"client_id": {"app"}, "response_type": {"code"}, "redirect_uri": {callback}, "scope": {"openid profile"}, "state": {"s t"},
		"code_challenge": {strings.Repeat("c", 43)}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	r := b.get("/authorize?" + q.Encode())
	for r.status/100 == 3 && strings.HasPrefix(r.to(), "/") {
		r = b.get(r.to())
	}
	return r // a page, or the way back to the client
}

// finish follows the answer of a page to the client's callback and returns its parameters.
func (b *browser) finish(r *reply) url.Values {
	b.Helper()
	for r.status/100 == 3 {
		to := r.to()
		if strings.HasPrefix(to, callback) {
			u, err := url.Parse(to)
			b.ok(err)
			return u.Query()
		}
		r = b.get(to)
	}
	b.Fatalf("the login did not come to its end: %d %s", r.status, words(r.body))
	return nil
}

// locked is a buffer that several goroutines write to.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
