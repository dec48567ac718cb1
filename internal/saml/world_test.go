package saml_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
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

	"github.com/beevik/etree"
	sp "github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/login"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/oauth"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/saml"
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
	scripts = script.New(script.Config{Workers: 1, HTTP: http.DefaultClient, Limits: script.Limits{CPU: 2 * time.Second, Wall: time.Minute}})
	code := m.Run()
	scripts.Close()
	os.Exit(code)
}

var scripts *script.Host

const (
	origin = "https://acme.test"
	acs    = "https://app.example/saml/acs"
	slo    = "https://app.example/saml/slo"
	entity = "https://app.example/saml/metadata"
	good   = "Correct-Horse-1"
)

// key is made once: RSA keys cost more than most tests.
var key = sync.OnceValues(func() (*jose.Key, error) { return jose.NewRSAKey(2048, "the client's", time.Now().Add(-time.Hour)) })

// world is a tenant with its doors, and a client "app" that is a service provider of another house's make.
type world struct {
	*testing.T
	db   *store.DB
	st   *store.Store
	mux  *http.ServeMux
	own  *jose.Key // the client's
	mu   sync.Mutex
	now  time.Time
	pipe *pipeline.Pipeline
}

func (w *world) clock() time.Time {
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

func each(t *testing.T, fn func(w *world)) {
	t.Helper()
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) { fn(newWorld(t, kind)) })
	}
}

func newWorld(t *testing.T, kind string) *world {
	t.Helper()
	w := &world{T: t, now: time.Now(), mux: http.NewServeMux()} // browsers drop old cookies by the real time
	var err error
	w.own, err = key()
	w.ok(err)
	w.db = storetest.Open(t, kind, storetest.WithClock(w.clock))
	minter := &token.Minter{Keys: &token.Keys{}}
	pipe := &pipeline.Pipeline{Database: &connection.Database{Hasher: password.NewHasher(), Scripts: scripts}, Upstream: &connection.Upstream{TenantKey: minter.Keys.Current}, Scripts: scripts, Minter: minter}
	w.pipe = pipe
	pages := login.New(login.Deps{DB: w.db, Pipeline: pipe, Log: slog.Default(), Send: login.Deliver(nil, "", mail.Outside{}, slog.Default())})
	code := oauth.New(oauth.Deps{DB: w.db, Pipeline: pipe, Minter: minter})
	door := saml.New(saml.Deps{DB: w.db, Pipeline: pipe, Keys: minter.Keys, Check: code.CheckShared, Allowed: oauth.Allowed, Answer: code.Answer})
	code.Finish, pages.Posted = door.Finish, code.PostedLogin
	code.Register(w.mux)
	pages.Register(w.mux)
	door.Register(w.mux)
	w.st = storetest.Tenant(t, w.db, "acme")
	users := &stagedoor.Connection{Name: "Users", Strategy: connection.StrategyDatabase, EnabledClients: []string{"app", "second", "plain"}, Options: stagedoor.ConnectionOptions{PasswordPolicy: "good"}}
	w.ok(w.st.CreateConnection(t.Context(), users))
	for _, id := range []string{"app", "second", "plain"} {
		w.ok(w.st.CreateClient(t.Context(), &stagedoor.Client{ID: id, Name: id, IsFirstParty: id != "second", OIDCConformant: true, TokenEndpointAuthMethod: "none", Callbacks: []string{acs}, AllowedLogoutURLs: []string{"https://app.example/bye"}, GrantTypes: []string{"authorization_code"}}))
	}
	w.addon("app", `{}`)
	u := &stagedoor.User{
		Email: "ada@example.com", EmailVerified: true, Name: "Ada Lovelace", GivenName: "Ada", FamilyName: "Lovelace",
		UserMetadata: stagedoor.Metadata{"color": json.RawMessage(`"green"`)}, AppMetadata: stagedoor.Metadata{"plan": json.RawMessage(`"gold"`), "seats": json.RawMessage(`7`)},
	}
	w.ok((&connection.Database{Hasher: password.NewHasher()}).Create(t.Context(), w.st, users, u, good))
	return w
}

// addon sets what a client's addon samlp says.
func (w *world) addon(client, text string) {
	w.Helper()
	w.addons(client, `{"samlp":`+text+`}`)
}

func (w *world) addons(client, text string) {
	w.Helper()
	_, err := w.st.UpdateClient(w.Context(), client, func(c *stagedoor.Client) error {
		c.Stored = map[string]json.RawMessage{"addons": json.RawMessage(text)}
		return nil
	})
	w.ok(err)
}

func (w *world) ada() *stagedoor.User {
	w.Helper()
	all, err := w.st.UsersByEmail(w.Context(), "ada@example.com")
	w.ok(err)
	return &all[0]
}

// provider is the client as the library plays it.
func (w *world) provider(change ...func(*sp.ServiceProvider)) *sp.ServiceProvider {
	w.Helper()
	acsURL, _ := url.Parse(acs)
	sloURL, _ := url.Parse(slo)
	meta := &sp.EntityDescriptor{}
	w.ok(xml.Unmarshal([]byte(w.browser().get("/samlp/metadata/app").want(http.StatusOK).body), meta))
	p := &sp.ServiceProvider{
		EntityID: entity, Key: w.own.Private, Certificate: w.own.Cert, AcsURL: *acsURL, SloURL: *sloURL, IDPMetadata: meta, Clock: dsig.NewFakeClockAt(w.clock()),
		AuthnNameIDFormat: sp.UnspecifiedNameIDFormat, RejectSHA1Signatures: true,
	}
	for _, fn := range change {
		fn(p)
	}
	return p
}

// cert is the client's certificate as the addon takes it.
func (w *world) cert() string {
	text, _ := json.Marshal(string(w.own.CertificatePEM()))
	return string(text)
}

// ask makes a request and returns its id and the path where the browser brings it.
func (w *world) ask(p *sp.ServiceProvider, relay string, change ...func(*sp.AuthnRequest)) (id, path string) {
	w.Helper()
	p.Clock = dsig.NewFakeClockAt(w.clock())
	r, err := p.MakeAuthenticationRequest(origin+"/samlp/app", sp.HTTPRedirectBinding, sp.HTTPPostBinding)
	w.ok(err)
	for _, fn := range change {
		fn(r)
	}
	u, err := r.Redirect(relay, p)
	w.ok(err)
	return r.ID, strings.TrimPrefix(u.String(), origin)
}

// byForm is a request as it is posted.
func (w *world) byForm(r *sp.AuthnRequest) url.Values {
	w.Helper()
	doc := etree.NewDocument()
	doc.SetRoot(r.Element())
	text, err := doc.WriteToBytes()
	w.ok(err)
	return url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(text)}}
}

// browser is a person's browser.
type browser struct {
	*world
	jar http.CookieJar
}

func (w *world) browser() *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{w, jar}
}

// reply is what came back.
type reply struct {
	*world
	status int
	header http.Header
	body   string
}

func (b *browser) do(method, path, body string) *reply {
	b.Helper()
	r := httptest.NewRequestWithContext(b.Context(), method, origin+path, strings.NewReader(body))
	r.RemoteAddr = "192.0.2.7"
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Origin", origin)
	}
	for _, c := range b.jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	b.mux.ServeHTTP(rec, r)
	answer := rec.Result()
	b.jar.SetCookies(r.URL, answer.Cookies())
	text, _ := io.ReadAll(answer.Body)
	return &reply{b.world, answer.StatusCode, answer.Header, string(text)}
}

// get follows redirects as long as they stay here.
func (b *browser) get(path string) *reply {
	b.Helper()
	return b.follow(b.do(http.MethodGet, path, ""))
}

func (b *browser) follow(r *reply) *reply {
	b.Helper()
	for r.status/100 == 3 {
		to := strings.TrimPrefix(r.header.Get("Location"), origin)
		if !strings.HasPrefix(to, "/") {
			break
		}
		r = b.do(http.MethodGet, to, "")
	}
	return r
}

func (b *browser) post(path string, form url.Values) *reply {
	b.Helper()
	return b.follow(b.do(http.MethodPost, path, form.Encode()))
}

func (r *reply) want(status int) *reply {
	r.Helper()
	if r.status != status {
		r.Fatalf("status %d, want %d: %s %s", r.status, status, r.header.Get("Location"), words(r.body))
	}
	return r
}

func (r *reply) says(texts ...string) *reply {
	r.Helper()
	for _, text := range texts {
		if !strings.Contains(words(r.body), text) {
			r.Errorf("the page does not say %q: %s", text, words(r.body))
		}
	}
	return r
}

var (
	tags       = regexp.MustCompile(`(?s)<head>.*?</head>|<[^>]*>`)
	spaces     = regexp.MustCompile(`\s+`)
	formAction = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
	formHidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
)

func words(page string) string {
	return strings.TrimSpace(spaces.ReplaceAllString(html.UnescapeString(tags.ReplaceAllString(page, " ")), " "))
}

func (r *reply) form(fields ...string) (string, url.Values) {
	r.Helper()
	action := formAction.FindStringSubmatch(r.body)
	if action == nil {
		r.Fatalf("there is no form: %d %s %s", r.status, r.header.Get("Location"), words(r.body))
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

// in proves who Ada is on the login page that came.
func (b *browser) in(r *reply) *reply {
	b.Helper()
	action, values := r.want(http.StatusOK).form("username", "ada@example.com", "password", good)
	return b.post(action, values)
}

// posted is what the browser posts to the client, which must be where it should go.
func (r *reply) posted() url.Values {
	r.Helper()
	action, values := r.want(http.StatusOK).form()
	if action != acs || values.Get("SAMLResponse") == "" {
		r.Fatalf("the answer goes to %s: %s", action, r.body)
	}
	return values
}

// read is the assertion that the client reads out of an answer.
func (w *world) read(p *sp.ServiceProvider, values url.Values, ids ...string) (*sp.Assertion, error) {
	w.Helper()
	p.Clock = dsig.NewFakeClockAt(w.clock())
	raw, err := base64.StdEncoding.DecodeString(values.Get("SAMLResponse"))
	w.ok(err)
	a, err := p.ParseXMLResponse(raw, ids, p.AcsURL)
	if bad, ok := err.(*sp.InvalidResponseError); ok { //nolint:errorlint // as it comes
		err = bad.PrivateErr
	}
	return a, err
}

// status are the status codes of an answer that refuses, and its message.
func (w *world) status(values url.Values) (codes []string, message string) {
	w.Helper()
	raw, err := base64.StdEncoding.DecodeString(values.Get("SAMLResponse"))
	w.ok(err)
	doc := etree.NewDocument()
	w.ok(doc.ReadFromBytes(raw))
	for _, e := range doc.FindElements("//StatusCode") {
		code := e.SelectAttrValue("Value", "")
		codes = append(codes, code[strings.LastIndexByte(code, ':')+1:])
	}
	if e := doc.FindElement("//StatusMessage"); e != nil {
		message = e.Text()
	}
	if doc.FindElement("//Assertion") != nil && len(codes) > 1 {
		w.Errorf("an assertion beside a refusal: %s", raw)
	}
	return codes, message
}

// attributes are those of an assertion.
func attributes(a *sp.Assertion) map[string][]string {
	out := map[string][]string{}
	for _, s := range a.AttributeStatements {
		for _, at := range s.Attributes {
			for _, v := range at.Values {
				out[at.Name] = append(out[at.Name], v.Value)
			}
		}
	}
	return out
}

// events are the types of what the tenant's log holds, the latest first.
func (w *world) events() string {
	w.Helper()
	all, _, err := w.st.Logs(w.Context(), store.LogQuery{PerPage: 50})
	w.ok(err)
	var out []string
	for _, e := range all {
		out = append(out, e.Type)
	}
	return strings.Join(out, " ")
}
