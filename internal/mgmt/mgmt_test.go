package mgmt

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/internal/token"
)

// house is a door on a real database with the tenants acme and other, each with a system API, a database connection
// "Users", and one client "web" enabled on it.
type house struct {
	*testing.T
	db      *store.DB
	api     *API
	mails   []string // ids of users who were asked to verify
	invited []string // addresses and links of invitations
	signers map[string]*jose.Signer

	sent     []mail.Message // to try templates
	refusing error          // what sending them ends in
}

var start = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func each(t *testing.T, fn func(h *house)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { fn(newHouse(t, db)) }, storetest.WithClock(func() time.Time { return start }))
}

// sqlite runs fn on the embedded database only: what it tests does not depend on the database.
func sqlite(t *testing.T) *house {
	t.Helper()
	return newHouse(t, storetest.Open(t, storetest.SQLite, storetest.WithClock(func() time.Time { return start })))
}

func newHouse(t *testing.T, db *store.DB) *house {
	t.Helper()
	h := &house{T: t, db: db, signers: map[string]*jose.Signer{}}
	keys := &token.Keys{}
	database := &connection.Database{Hasher: password.NewHasher(), Scripts: scripts}
	h.api = New(Deps{
		EventsFor: 100 * time.Millisecond,
		Keys:      keys, Database: database, Pipeline: &pipeline.Pipeline{Database: database, Scripts: scripts, Minter: &token.Minter{Keys: keys}}, Clock: func() time.Time { return start },
		CheckScript: func(_ context.Context, source string) error {
			if !strings.HasPrefix(source, "function") {
				return stagedoor.Errorf(stagedoor.Invalid, "invalid_script", "unexpected token at line 1")
			}
			return nil
		},
		SendInvitation: func(_ context.Context, _ *store.Store, _ *stagedoor.Organization, v *stagedoor.Invitation, link string) {
			h.invited = append(h.invited, v.Invitee+" "+link)
		},
		SendEnrollment: func(_ context.Context, _ *store.Store, u *stagedoor.User, address, lang, link string, life time.Duration) error {
			h.mails = append(h.mails, fmt.Sprint(u.ID, " ", address, " ", lang, " ", link, " ", life))
			return nil
		},
		SendMail: func(_ context.Context, _ *store.Store, m mail.Message) error {
			h.sent = append(h.sent, m)
			return h.refusing
		},
		CheckSCIMPath: func(path string) error {
			if strings.Count(path, "[") != strings.Count(path, "]") {
				return stagedoor.Errorf(stagedoor.Invalid, "", "unreadable")
			}
			return nil
		},
		CheckDraft: scripts.CheckDraft, CheckCall: scripts.CheckCall, Scripts: scripts,
		SendVerification: func(_ context.Context, _ *store.Store, u *stagedoor.User, clientID string) {
			h.mails = append(h.mails, u.ID+" "+clientID)
		},
	})
	for _, id := range []string{"acme", "other"} {
		h.addTenant(id)
	}
	return h
}

// tenantKeys are the signing keys of the tenants, made once: they take long.
func tenantKeys(t *testing.T) map[string][]stagedoor.SigningKey {
	t.Helper()
	all, err := makeKeys()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var makeKeys = sync.OnceValues(func() (map[string][]stagedoor.SigningKey, error) {
	all := map[string][]stagedoor.SigningKey{}
	for _, id := range []string{"acme", "other"} {
		for i, state := range []string{"current", "next"} {
			key, err := jose.NewRSAKey(2048, id+".test", start)
			if err != nil {
				return nil, err
			}
			private, err := key.PEM()
			if err != nil {
				return nil, err
			}
			all[id] = append(all[id], stagedoor.SigningKey{
				KID: key.KID, Algorithm: key.Algorithm, State: state, Private: private, CertDER: key.Cert.Raw,
				CreatedAt: start.Add(time.Duration(i) * time.Millisecond),
			})
		}
	}
	return all, nil
})

func (h *house) addTenant(id string) {
	h.Helper()
	ctx := context.Background()
	st := storetest.Tenant(h.T, h.db, id)
	for _, key := range tenantKeys(h.T)[id] {
		h.ok(st.CreateSigningKey(ctx, &key))
	}
	h.ok(st.CreateResourceServer(ctx, SystemAPI(token.ManagementAudience(st.Tenant()))))
	h.ok(st.CreateConnection(ctx, newDatabase("Users")))
	client := NewClient("web")
	client.ID, client.Callbacks = "web_"+id, []string{"https://app." + id + ".test/callback"}
	h.ok(st.CreateClient(ctx, client))
	stored, err := st.SigningKeys(ctx)
	h.ok(err)
	key, err := jose.ParseKey(stored[0].KID, jose.RS256, stored[0].Private)
	h.ok(err)
	h.signers[id], err = key.Signer("at+jwt")
	h.ok(err)
}

func (h *house) ok(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) store(tenant string) *store.Store {
	h.Helper()
	st, err := h.db.TenantByDomain(context.Background(), tenant+".test")
	h.ok(err)
	return st
}

// sign makes a token of the tenant; changes replace the usual claims, nil removes one.
func (h *house) sign(tenant string, changes map[string]any) string {
	h.Helper()
	claims := map[string]any{
		"iss": "https://" + tenant + ".test/", "aud": "https://" + tenant + ".test/api/v2/", "sub": "web_" + tenant + "@clients",
		"azp": "web_" + tenant, "gty": "client-credentials", "iat": start.Unix(), "exp": start.Unix() + 3600, "scope": allScopes(),
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	signed, err := h.signers[tenant].Sign(claims)
	h.ok(err)
	return signed
}

func allScopes() string {
	var all []string
	for _, s := range ManagementScopes() {
		all = append(all, s.Value)
	}
	return strings.Join(all, " ")
}

// machine is a token of a client with the scopes, or with all of them.
func (h *house) machine(tenant string, scopes ...string) string {
	h.Helper()
	if len(scopes) == 0 {
		return h.sign(tenant, nil)
	}
	return h.sign(tenant, map[string]any{"scope": strings.Join(scopes, " ")})
}

// person is a user's own token.
func (h *house) person(tenant, userID string, scopes ...string) string {
	h.Helper()
	return h.sign(tenant, map[string]any{"sub": userID, "gty": nil, "scope": "openid profile " + strings.Join(scopes, " ")})
}

// answer is what came back.
type answer struct {
	*testing.T
	what   string
	code   int
	header http.Header
	body   string
}

// call sends a request to the tenant acme as the bearer; body may be empty.
func (h *house) call(bearer, method, path, body string) answer {
	h.Helper()
	return h.callTo("acme", bearer, method, path, body)
}

func (h *house) callTo(tenant, bearer, method, path, body string) answer {
	h.Helper()
	header := http.Header{}
	if bearer != "" {
		header.Set("Authorization", "Bearer "+bearer)
	}
	return h.send(tenant, method, path, body, header)
}

func (h *house) send(tenant, method, path, body string, header http.Header) answer {
	h.Helper()
	r := httptest.NewRequest(method, "https://"+tenant+".test/api/v2"+path, nil)
	if body != "" {
		r = httptest.NewRequest(method, "https://"+tenant+".test/api/v2"+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
	}
	r.RemoteAddr = "192.0.2.1" // as the server in front leaves it
	maps.Copy(r.Header, header)
	return h.serve(r, h.store(tenant), body)
}

func (h *house) serve(r *http.Request, st *store.Store, body string) answer {
	h.Helper()
	method, path := r.Method, strings.TrimPrefix(r.URL.RequestURI(), Base)
	w := httptest.NewRecorder()
	h.api.ServeHTTP(w, r, st)
	text, _ := io.ReadAll(w.Result().Body)
	if method, pattern, _ := strings.Cut(r.Pattern, " "); w.Code < 300 {
		succeeded.Store(method+" "+strings.TrimPrefix(pattern, Base), true)
	}
	for _, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
		if w.Header().Get(name) == "" {
			h.Errorf("%s %s: no %s", method, path, name)
		}
	}
	if len(body) > 100 {
		body = body[:100] + "…"
	}
	return answer{h.T, method + " " + path + " " + body, w.Code, w.Header(), string(text)}
}

// is fails unless the answer has the status and, if a body is given, exactly that body, whatever the order of members.
func (a answer) is(code int, body string) answer {
	a.Helper()
	if a.code != code || body != "" && canonical(a.T, a.body) != canonical(a.T, body) {
		a.Errorf("%s\n got %d %s\nwant %d %s", a.what, a.code, a.body, code, body)
	}
	return a
}

// fails is is for an error: code may be empty.
func (a answer) fails(status int, code, message string) answer {
	a.Helper()
	want := map[string]any{"statusCode": status, "error": reason(status), "message": message}
	if code != "" {
		want["errorCode"] = code
	}
	b, _ := json.Marshal(want)
	return a.is(status, string(b))
}

// get returns a member by its path, nil if there is none.
func (a answer) get(path ...string) any {
	a.Helper()
	var v any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		a.Fatalf("%s: %d %s", a.what, a.code, a.body)
	}
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func (a answer) text(path ...string) string {
	a.Helper()
	s, _ := a.get(path...).(string)
	return s
}

func canonical(t *testing.T, text string) string {
	t.Helper()
	if text == "" {
		return ""
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Errorf("not JSON: %s", text)
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// user makes a user of acme and returns the id.
func (h *house) user(name, extra string) string {
	h.Helper()
	return h.call(h.machine("acme"), "POST", "/users", `{"connection":"Users","email":"`+name+`@x.test","password":"Correct-Horse-1","user_id":"`+name+`"`+extra+`}`).
		is(201, "").text("user_id")
}

// logged returns the types and descriptions of the tenant's log, newest first.
func (h *house) logged(tenant string) []string {
	h.Helper()
	events, _, err := h.store(tenant).Logs(context.Background(), store.LogQuery{PerPage: 100})
	h.ok(err)
	out := []string{}
	for _, e := range events {
		out = append(out, e.Type+" "+e.Description)
	}
	return out
}

// signWith signs claims with a private key as it is stored, or with a shared secret.
func (h *house) signWith(alg, kid string, key []byte, claims map[string]any) string {
	h.Helper()
	var with any = key
	if alg == jose.RS256 {
		parsed, err := jose.ParseKey(kid, alg, key)
		h.ok(err)
		with = parsed.Private
	}
	signer, err := jose.NewSigner(alg, kid, with, "JWT")
	h.ok(err)
	signed, err := signer.Sign(claims)
	h.ok(err)
	return signed
}

// newDatabase returns a database connection as the API fills it in when only the name is given.
func newDatabase(name string) *stagedoor.Connection {
	conn := newConnection(name, connection.StrategyDatabase)
	if err := databaseOptions(conn, nil, true); err != nil {
		panic(err) // nothing was sent that could be wrong
	}
	return conn
}
