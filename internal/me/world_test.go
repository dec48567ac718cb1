package me_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/server"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

func TestMain(m *testing.M) { stagedoortest.Main(m) }

const (
	word   = "Engine-No.1"
	origin = "https://app.test"
	every  = "read:me:factors create:me:authentication_methods read:me:authentication_methods update:me:authentication_methods delete:me:authentication_methods " +
		"create:me:connected_accounts read:me:connected_accounts delete:me:connected_accounts"
)

// world is a whole server with the My Account API switched on, a program and a person.
type world struct {
	*testing.T
	*stagedoortest.Server
	st     *store.Store
	client *stagedoor.Client
	user   string // id of the person
	since  string // id of the newest log event that was looked at

	mu   sync.Mutex
	late time.Duration // that the server's clock is ahead
}

func newWorld(t *testing.T, kind string, more ...func(*stagedoortest.Options)) *world {
	t.Helper()
	w := &world{T: t}
	o := stagedoortest.Options{Database: storetest.Migrated(t, kind), Clock: w.clock}
	for _, change := range more {
		change(&o)
	}
	w.Server = stagedoortest.New(t, o)
	w.st = w.handle()
	w.ok(w.st.CreateResourceServer(t.Context(), token.MyAccountAPI(w.st.Tenant())))
	w.client = w.program("app")
	w.user = w.person("ada@example.com")
	w.settings(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox, s.FriendlyName = true, "Acme" })
	return w
}

// each runs fn on both databases.
func each(t *testing.T, fn func(*world)) {
	t.Helper()
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) { fn(newWorld(t, kind)) })
	}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.late)
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.late += d
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) handle() *store.Store {
	w.Helper()
	st, err := w.DB().TenantByID(w.Context(), w.Tenant)
	w.ok(err)
	return st
}

// program makes a client that signs people in by their password, and may have tokens of the API for them.
func (w *world) program(id string) *stagedoor.Client {
	w.Helper()
	c := &stagedoor.Client{
		ID: id, Name: "App", IsFirstParty: true, OIDCConformant: true, TokenEndpointAuthMethod: "none", WebOrigins: []string{origin}, Callbacks: []string{origin + "/callback"},
		GrantTypes: []string{"authorization_code", "refresh_token", "password", "http://auth0.com/oauth/grant-type/password-realm", "http://auth0.com/oauth/grant-type/mfa-otp"},
	}
	w.ok(w.st.CreateClient(w.Context(), c))
	w.ok(w.st.CreateClientGrant(w.Context(), &stagedoor.ClientGrant{ClientID: id, Audience: token.MyAccountAudience(w.st.Tenant()), SubjectType: "user", Scope: strings.Fields(every)}))
	conn := w.database()
	_, err := w.st.UpdateConnection(w.Context(), conn.ID, func(c *stagedoor.Connection) error { c.EnabledClients = append(c.EnabledClients, id); return nil })
	w.ok(err)
	return c
}

func (w *world) database() *stagedoor.Connection {
	w.Helper()
	c, err := w.st.ConnectionByName(w.Context(), server.DefaultConnection)
	w.ok(err)
	return c
}

// person makes a user with the password word.
func (w *world) person(email string) string {
	w.Helper()
	var made struct {
		ID string `json:"user_id"`
	}
	body := map[string]any{"connection": server.DefaultConnection, "email": email, "password": word}
	if status := w.JSON(w.T, "POST", w.HTTPSURL+"/api/v2/users", w.ManagementToken(w.T), body, &made); status != http.StatusCreated {
		w.Fatalf("%s: %d", email, status)
	}
	return made.ID
}

func (w *world) settings(change func(*stagedoor.TenantSettings)) {
	w.Helper()
	_, err := w.st.UpdateSettings(w.Context(), func(s *stagedoor.TenantSettings) error { change(s); return nil })
	w.ok(err)
	w.st = w.handle()
}

// factors switches second factors on, and all others off.
func (w *world) factors(names ...string) {
	w.Helper()
	w.ok(w.st.ChangeSetting(w.Context(), mfa.SettingFactors, func(m map[string]any) error {
		for _, name := range mfa.FactorNames {
			m[name] = slices.Contains(names, name)
		}
		return nil
	}))
}

// options changes the options of the database.
func (w *world) options(change func(*stagedoor.ConnectionOptions)) {
	w.Helper()
	_, err := w.st.UpdateConnection(w.Context(), w.database().ID, func(c *stagedoor.Connection) error { change(&c.Options); return nil })
	w.ok(err)
}

// token is a person's token for the API with scopes; all without one.
func (w *world) token(scope ...string) string {
	w.Helper()
	got := w.signIn("ada@example.com", word, scope...)
	access, _ := got["access_token"].(string)
	if access == "" {
		w.Fatalf("no token: %v", got)
	}
	return access
}

func (w *world) signIn(email, secret string, scope ...string) map[string]any {
	w.Helper()
	if len(scope) == 0 {
		scope = []string{every}
	}
	var got map[string]any
	w.JSON(w.T, "POST", w.HTTPSURL+"/oauth/token", "", map[string]string{
		"grant_type": "http://auth0.com/oauth/grant-type/password-realm", "realm": server.DefaultConnection, "client_id": w.client.ID, "username": email, "password": secret,
		"audience": w.HTTPSURL + "/me/", "scope": strings.Join(scope, " "),
	}, &got)
	return got
}

// answer is what came back.
type answer struct {
	*world
	status int
	header http.Header
	text   string
	body   map[string]any
}

// call asks the API.
func (w *world) call(access, method, path, body string, headers ...string) *answer {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), method, w.HTTPSURL+"/me/v1"+path, strings.NewReader(body))
	w.ok(err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if access != "" {
		r.Header.Set("Authorization", "Bearer "+access)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := w.Client.Do(r)
	w.ok(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	w.ok(err)
	a := &answer{world: w, status: resp.StatusCode, header: resp.Header, text: string(text)}
	if len(text) > 0 {
		w.ok(json.Unmarshal(text, &a.body))
	}
	return a
}

// is wants a status and, unless it is empty, members of the body.
func (a *answer) is(status int, members string) *answer {
	a.Helper()
	if a.status != status {
		a.Fatalf("%d %s, wanted %d", a.status, a.text, status)
	}
	if members == "" {
		return a
	}
	var want map[string]any
	a.ok(json.Unmarshal([]byte(members), &want))
	for name, value := range want {
		if got, wants := asJSON(a.body[name]), asJSON(value); got != wants {
			a.Errorf("%s is %s, wanted %s, in %s", name, got, wants, a.text)
		}
	}
	return a
}

// fails wants an error: its status, the end of its type, and its detail.
func (a *answer) fails(status int, number, detail string) *answer {
	a.Helper()
	kind, _ := a.body["type"].(string)
	if a.status != status || !strings.HasSuffix(kind, number) || a.body["detail"] != detail || a.body["status"] != float64(status) || a.body["title"] == "" {
		a.Errorf("%d %s, wanted %d %s %q", a.status, a.text, status, number, detail)
	}
	return a
}

func (a *answer) get(name string) string {
	s, _ := a.body[name].(string)
	return s
}

func asJSON(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return strings.TrimSpace(b.String())
}

// verify goes on with an enrolment at the address that its beginning named.
func (w *world) verify(access string, begun *answer, members string) *answer {
	w.Helper()
	path, is := strings.CutPrefix(begun.header.Get("Location"), w.HTTPSURL+"/me/v1")
	if !is {
		w.Fatalf("location %q", begun.header.Get("Location"))
	}
	body := `{"auth_session":"` + begun.get("auth_session") + `"`
	if members != "" {
		body += "," + members
	}
	return w.call(access, "POST", path+"/verify", body+"}")
}

func (w *world) otp(secret string) string {
	w.Helper()
	code, err := totp.GenerateCode(secret, w.clock())
	w.ok(err)
	return code
}

// logged wants the tenant's log events since the last time, but for those of logins.
func (w *world) logged(want ...string) {
	w.Helper()
	logs, _, err := w.st.Logs(w.Context(), store.LogQuery{PerPage: 100, Ascending: true})
	w.ok(err)
	var types []string
	seen := w.since == ""
	for _, e := range logs {
		if seen && !slices.Contains([]string{"sepft", "seotpft", "fepft", "mfar", "seccft", "sapi", "s", "gd_auth_succeed"}, e.Type) {
			types = append(types, e.Type)
		}
		seen = seen || e.ID == w.since
		if e.ID > w.since {
			w.since = e.ID
		}
	}
	if strings.Join(types, " ") != strings.Join(want, " ") {
		w.Errorf("the log has %q, wanted %q", types, want)
	}
}

// mails are the subjects in the development inbox, newest first; code is the one in the newest.
func (w *world) mails() []stagedoor.Mail {
	w.Helper()
	for range 1500 {
		if all, err := w.st.Mails(w.Context()); err != nil || len(all) > 0 {
			w.ok(err)
			return all
		}
		time.Sleep(20 * time.Millisecond)
	}
	w.Fatal("no mail came")
	return nil
}

var digits = regexp.MustCompile(`\b\d{6}\b`)

func (w *world) code() string {
	w.Helper()
	return digits.FindString(w.mails()[0].Text)
}

// same compares.
func (w *world) same(what string, got, want any) {
	w.Helper()
	if asJSON(got) != asJSON(want) {
		w.Errorf("%s: got %s, want %s", what, asJSON(got), asJSON(want))
	}
}
