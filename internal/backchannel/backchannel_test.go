package backchannel_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/backchannel"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/internal/token"
)

// receiver is a client that takes down the logout tokens that it gets, or refuses them.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	tokens []string
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{status: 200}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if req.Method != "POST" || req.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || len(req.Cookies()) > 0 {
			t.Errorf("%s %s with %v", req.Method, req.URL, req.Header)
		}
		r.tokens = append(r.tokens, req.PostFormValue("logout_token"))
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

// taken returns the tokens since the last call.
func (r *receiver) taken() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.tokens
	r.tokens = nil
	return out
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) wait(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

// world is a tenant with three clients: one that wants to know everything, one that wants what every client gets, one that has no address.
type world struct {
	*testing.T
	st    *store.Store
	keys  *token.Keys
	d     *backchannel.Deliverer
	clock *clock
	all   *receiver
	some  *receiver
}

const ada = "auth0|ada"

func each(t *testing.T, fn func(*world)) {
	c := &clock{now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		w := &world{T: t, st: storetest.Tenant(t, db, "acme"), keys: &token.Keys{}, clock: c, all: newReceiver(t), some: newReceiver(t)}
		w.d = &backchannel.Deliverer{DB: db, Minter: &token.Minter{Keys: w.keys}, Client: http.DefaultClient, Log: slog.New(slog.DiscardHandler), Every: 10 * time.Millisecond}
		ok(t, w.keys.Ensure(ctx, w.st))
		for id, settings := range map[string]string{
			"all":  `{"backchannel_logout_urls":["` + w.all.URL + `/logout"],"backchannel_logout_initiators":{"mode":"all"},"backchannel_logout_session_metadata":{"include":true}}`,
			"some": `{"backchannel_logout_urls":["` + w.some.URL + `/logout?x=1"]}`,
			"none": `{}`,
		} {
			ok(t, w.st.CreateClient(ctx, &stagedoor.Client{
				ID: id, Name: "Client " + id, OIDCConformant: true, Secret: strings.Repeat("s", 64), Stored: map[string]json.RawMessage{"oidc_logout": json.RawMessage(settings)},
			}))
		}
		w.user()
		fn(w)
	}, storetest.WithClock(c.Now))
}

func (w *world) user() {
	w.Helper()
	ok(w, w.st.CreateUser(w.Context(), &stagedoor.User{ID: ada, Connection: "Users", Email: "ada@example.com"}, ""))
}

// session opens a session of Ada's in which all clients took part.
func (w *world) session(id string) {
	w.Helper()
	now := w.clock.Now()
	u, err := w.st.User(w.Context(), ada)
	ok(w, err)
	ok(w, w.st.CreateSession(w.Context(), "handle "+id, &stagedoor.Session{
		ID: id, UserID: ada, AccessEnded: u.AccessEnded, Clients: []string{"all", "some", "none", "gone"}, Issuers: map[string]string{"all": "https://login.acme.example/"},
		CreatedAt: now, ExpiresAt: now.Add(time.Hour), IdleExpiresAt: now.Add(time.Hour), Metadata: map[string]any{"theme": "dark"},
	}))
}

// round delivers and returns what the two receivers got.
func (w *world) round() (all, some []string) {
	w.Helper()
	ok(w, w.d.Round(w.Context()))
	return w.all.taken(), w.some.taken()
}

// claims checks a logout token's signature and returns what it says.
func (w *world) claims(raw string) jose.Claims {
	w.Helper()
	public, err := w.keys.Public(w.Context(), w.st)
	ok(w, err)
	c, err := jose.Parse(raw, w.clock.Now(), func(h jose.Header) (string, any, error) { return jose.RS256, public[h.KeyID], nil })
	ok(w, err)
	if _, err := w.d.Minter.ParseIDToken(w.Context(), w.st, raw); err == nil {
		w.Error("a logout token was taken for an ID token")
	}
	return c
}

func (w *world) logged() []string {
	w.Helper()
	events, _, err := w.st.Logs(w.Context(), store.LogQuery{PerPage: 100, Ascending: true})
	ok(w, err)
	var out []string
	for _, e := range events {
		if strings.HasPrefix(e.Type, "oidc_") {
			out = append(out, e.ClientID+" "+strings.TrimPrefix(e.Type, "oidc_backchannel_logout_"))
		}
	}
	slices.Sort(out)
	return out
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What the log says of a notice: what was sent where, and the session's metadata only where the tenant wants them there, whatever the client wants.
func TestLoggedNotices(t *testing.T) {
	each(t, func(w *world) {
		for _, wanted := range []bool{false, true} {
			_, err := w.st.UpdateSettings(w.Context(), func(s *stagedoor.TenantSettings) error {
				s.Stored = map[string]json.RawMessage{"include_session_metadata_in_tenant_logs": json.RawMessage(fmt.Sprint(wanted))}
				return nil
			})
			ok(w, err)
			id := fmt.Sprint("sess_", wanted)
			w.session(id)
			ok(w, w.st.DeleteSession(w.Context(), id, stagedoor.LogoutByClient))
			w.round()
			events, _, err := w.st.Logs(w.Context(), store.LogQuery{PerPage: 100})
			ok(w, err)
			n := 0
			for _, e := range events {
				if e.Details["session_id"] != id {
					continue
				}
				n++
				text, _ := json.Marshal(e.Details)
				if !strings.Contains(string(text), `"request":{"backchannel_logout_uri":"http://127.0.0.1:`) || !strings.Contains(string(text), `"method":"POST"},"response":{"statusCode":200}`) ||
					!strings.Contains(string(text), `"initiator":"rp-logout"`) || strings.Contains(string(text), `"session_metadata":{"theme":"dark"}`) != wanted {
					w.Errorf("%s: %s", e.ClientID, text)
				}
			}
			if n != 2 {
				w.Errorf("%d events of %s", n, id)
			}
		}
	})
}

// What keeps this server from signing a token is no word for the tenant's log: it may name keys, files or databases.
func TestUnsignedNotice(t *testing.T) {
	each(t, func(w *world) {
		var log bytes.Buffer
		w.d.Log = slog.New(slog.NewTextHandler(&log, nil))
		_, err := w.st.UpdateClient(w.Context(), "some", func(c *stagedoor.Client) error { c.JWTConfiguration.Algorithm = "ES512"; return nil })
		ok(w, err)
		w.session("sess_1")
		ok(w, w.st.DeleteSession(w.Context(), "sess_1", stagedoor.LogoutByClient))
		w.round()
		events, _, err := w.st.Logs(w.Context(), store.LogQuery{PerPage: 100})
		ok(w, err)
		said := []string{}
		for _, e := range events {
			if e.ClientID == "some" {
				said = append(said, e.Description)
			}
		}
		if !slices.Equal(said, []string{"the logout token could not be signed; it is tried again"}) {
			w.Errorf("the tenant's log says %q", said)
		}
		if !strings.Contains(log.String(), "no key signs ES512") {
			w.Errorf("the server's log says %s", log.String())
		}
	})
}

// What a logout token says (OpenID Connect Back-Channel Logout 1.0 section 2.4), to each client of the session.
func TestLogoutToken(t *testing.T) {
	each(t, func(w *world) {
		w.session("sess_1")
		if all, some := w.round(); len(all)+len(some) > 0 {
			w.Error("clients were told of a session that goes on")
		}
		ok(w, w.st.DeleteSession(w.Context(), "sess_1", stagedoor.LogoutByClient))
		all, some := w.round()
		if len(all) != 1 || len(some) != 1 {
			w.Fatalf("%d and %d tokens", len(all), len(some))
		}
		for client, raw := range map[string]string{"all": all[0], "some": some[0]} {
			c := w.claims(raw)
			if c.Header.Type != "logout+jwt" {
				w.Errorf("typ %q", c.Header.Type)
			}
			var names []string
			for name := range c.Raw {
				names = append(names, name)
			}
			slices.Sort(names)
			want, issuer := "aud events exp iat iss jti sid sub", "https://acme.test/"
			if client == "all" {
				want, issuer = "aud events exp iat iss jti session_metadata sid sub", "https://login.acme.example/"
			}
			events, _ := json.Marshal(c.Raw["events"])
			if got := strings.Join(names, " "); got != want || c.Issuer != issuer || c.Audience[0] != client || c.Subject != ada || c.Raw["sid"] != "sess_1" ||
				string(events) != `{"http://schemas.openid.net/event/backchannel-logout":{}}` || c.ExpiresAt.Sub(c.IssuedAt) != 2*time.Minute {
				w.Errorf("%s: %v", client, c.Raw)
			}
		}
		if all, some := w.round(); len(all)+len(some) > 0 {
			w.Error("clients were told twice")
		}
		if got := strings.Join(w.logged(), ", "); got != "all succeeded, some succeeded" {
			w.Errorf("logged %s", got)
		}
	})
}

// A client whose ID tokens its secret signs gets logout tokens that are signed so, too, and they are no ID tokens either.
func TestLogoutTokenOfASharedSecret(t *testing.T) {
	each(t, func(w *world) {
		c, err := w.st.UpdateClient(w.Context(), "some", func(c *stagedoor.Client) error { c.JWTConfiguration.Algorithm = jose.HS256; return nil })
		ok(w, err)
		w.session("sess_1")
		ok(w, w.st.DeleteSession(w.Context(), "sess_1", stagedoor.LogoutByClient))
		_, some := w.round()
		if len(some) != 1 {
			w.Fatalf("%d tokens", len(some))
		}
		claims, err := jose.Parse(some[0], w.clock.Now(), func(jose.Header) (string, any, error) { return jose.HS256, []byte(c.Secret), nil })
		ok(w, err)
		if claims.Header.Type != "logout+jwt" || claims.Subject != ada || claims.Raw["sid"] != "sess_1" {
			w.Errorf("%+v", claims)
		}
		if _, err := w.d.Minter.ParseIDToken(w.Context(), w.st, some[0]); err == nil {
			w.Error("a logout token was taken for an ID token")
		}
	})
}

// Whatever ends a session tells those clients that want to know.
func TestWhatEndsSessions(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		update := func(change func(*stagedoor.User)) error {
			_, err := w.st.UpdateUser(ctx, ada, func(u *stagedoor.User) error { change(u); return nil })
			return err
		}
		for _, c := range []struct {
			by     string
			end    func() error
			always bool
		}{
			{"logout", func() error { return w.st.DeleteSession(ctx, "sess_1", stagedoor.LogoutByClient) }, true},
			{"logout at the provider", func() error { return w.st.DeleteSession(ctx, "sess_1", stagedoor.LogoutByProvider) }, true},
			{"somebody else", func() error { return w.st.DeleteSession(ctx, "sess_1", stagedoor.LogoutRevoked) }, false},
			{"a script", func() error { return w.st.EndSession(ctx, "sess_1", false) }, false},
			{"the Management API", func() error { return w.st.RevokeSessions(ctx, store.AccessOf{Session: "sess_1"}, false) }, false},
			{"the Management API, all", func() error { return w.st.RevokeSessions(ctx, store.AccessOf{UserID: ada}, true) }, false},
			{"a password", func() error { return w.st.SetPasswordHash(ctx, ada, "hash", w.clock.Now()) }, false},
			{"a password kept elsewhere", func() error { return w.st.PasswordReset(ctx, ada, w.clock.Now()) }, false},
			{"an address", func() error { return update(func(u *stagedoor.User) { u.Email = "lovelace@example.com" }) }, false},
			{"a block", func() error { return update(func(u *stagedoor.User) { u.Blocked = new(true) }) }, false},
			{"time", func() error { w.clock.wait(2 * time.Hour); return w.d.DB.EndExpired(ctx) }, false},
			{"time, swept", func() error { w.clock.wait(2 * time.Hour); return w.d.DB.Sweep(ctx) }, false},
			{"the user's end", func() error { return w.st.DeleteUser(ctx, ada) }, false},
		} {
			w.session("sess_1")
			ok(w, c.end())
			all, some := w.round()
			if len(all) != 1 || (len(some) == 1) != c.always {
				w.Errorf("%s: %d and %d tokens", c.by, len(all), len(some))
			}
		}
		w.user()
		ok(w, w.st.CreateConnection(ctx, &stagedoor.Connection{ID: "con", Name: "Users"}))
		w.session("sess_1")
		ok(w, w.st.DeleteConnection(ctx, "con"))
		if all, _ := w.round(); len(all) != 1 {
			w.Errorf("a connection's end: %d tokens", len(all))
		}
	})
}

// A client that names what it wants to be told of is told of that, and of logouts.
func TestChosenInitiators(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		_, err := w.st.UpdateClient(ctx, "some", func(c *stagedoor.Client) error {
			c.Stored["oidc_logout"] = json.RawMessage(`{"backchannel_logout_urls":["` + w.some.URL + `/a","` + w.some.URL + `/b"],"backchannel_logout_initiators":{"mode":"custom","selected_initiators":["password-changed"]}}`)
			return nil
		})
		ok(w, err)
		for by, want := range map[stagedoor.LogoutBy]int{stagedoor.LogoutPassword: 2, stagedoor.LogoutByClient: 2, stagedoor.LogoutRevoked: 0, stagedoor.LogoutExpired: 0} {
			w.session("sess_1")
			ok(w, w.st.DeleteSession(ctx, "sess_1", by))
			if _, some := w.round(); len(some) != want {
				w.Errorf("%s: %d tokens", by, len(some))
			}
		}
	})
}

// A client that is away is told when it is back; each try has a fresh token with the same jti. A server that dies in between loses nothing.
func TestClientAway(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		w.some.answer(503)
		w.session("sess_1")
		ok(w, w.st.DeleteSession(ctx, "sess_1", stagedoor.LogoutByClient))
		_, first := w.round()
		if _, again := w.round(); len(first) != 1 || len(again) != 0 {
			w.Fatalf("%d tries, then %d at once", len(first), len(again))
		}
		w.clock.wait(time.Second)
		w.some.answer(302) // a token goes nowhere else
		_, second := w.round()
		w.clock.wait(time.Second)
		if _, early := w.round(); len(second) != 1 || len(early) != 0 {
			w.Fatalf("%d tries after a second, %d after two", len(second), len(early))
		}
		w.clock.wait(time.Second)
		due, err := w.st.LogoutNotices(ctx, 10)
		ok(w, err)
		claimed, err := w.st.ClaimLogoutNotice(ctx, &due[0], w.clock.Now().Add(time.Minute))
		other, err2 := w.st.ClaimLogoutNotice(ctx, &due[0], w.clock.Now().Add(time.Minute))
		if err != nil || err2 != nil || !claimed || other {
			w.Fatalf("claimed %t and %t: %v %v", claimed, other, err, err2)
		}
		w.some.answer(204)
		if _, held := w.round(); len(held) != 0 { // the server that claimed it dies
			w.Error("a notice that another server delivers was sent")
		}
		w.clock.wait(time.Minute)
		_, last := w.round()
		if len(last) != 1 || w.claims(last[0]).ID != due[0].ID || w.claims(last[0]).IssuedAt != w.clock.Now() {
			w.Fatalf("%d tokens after the claim ended", len(last))
		}
		if got := strings.Join(w.logged(), ", "); got != "all succeeded, some failed, some succeeded" {
			w.Errorf("logged %s", got)
		}
	})
}

// A client that says 400 is not asked again; one that is away for a day is given up.
func TestGivenUp(t *testing.T) {
	each(t, func(w *world) {
		w.all.answer(400)
		w.some.answer(500)
		w.session("sess_1")
		ok(w, w.st.DeleteSession(w.Context(), "sess_1", stagedoor.LogoutByClient))
		asked, tried := 0, 0
		for range 2000 {
			all, some := w.round()
			asked, tried = asked+len(all), tried+len(some)
			w.clock.wait(time.Minute)
		}
		if asked != 1 || tried < 200 || tried > 400 {
			w.Errorf("400 was asked %d times, 500 was tried %d times", asked, tried)
		}
		if got := strings.Join(w.logged(), ", "); got != "all failed, some failed, some failed" {
			w.Errorf("logged %s", got)
		}
	})
}

// A client that never answers holds up neither other clients nor other tenants.
func TestSlowClients(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		hang := make(chan struct{})
		slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
		defer slow.Close()
		defer close(hang)
		_, err := w.st.UpdateClient(ctx, "some", func(c *stagedoor.Client) error {
			c.Stored["oidc_logout"] = json.RawMessage(`{"backchannel_logout_urls":["` + slow.URL + `/1","` + slow.URL + `/2"]}`)
			return nil
		})
		ok(w, err)
		other := storetest.Tenant(w, w.d.DB, "globex")
		ok(w, w.keys.Ensure(ctx, other))
		ok(w, other.CreateClient(ctx, &stagedoor.Client{ID: "c", OIDCConformant: true, Stored: map[string]json.RawMessage{"oidc_logout": json.RawMessage(`{"backchannel_logout_urls":["` + w.all.URL + `/globex"]}`)}}))
		ok(w, other.CreateUser(ctx, &stagedoor.User{ID: ada, Connection: "Users", Email: "ada@example.com"}, ""))
		now := w.clock.Now()
		ok(w, other.CreateSession(ctx, "h", &stagedoor.Session{ID: "s", UserID: ada, Clients: []string{"c"}, ExpiresAt: now.Add(time.Hour), IdleExpiresAt: now.Add(time.Hour)}))
		for i := range 3 {
			id := "sess_" + string(rune('1'+i))
			w.session(id)
			ok(w, w.st.DeleteSession(ctx, id, stagedoor.LogoutByClient))
		}
		ok(w, other.DeleteSession(ctx, "s", stagedoor.LogoutByClient))
		done := make(chan struct{})
		go func() { defer close(done); w.d.Run(w.Context()) }()
		for start, told := time.Now(), false; !told; time.Sleep(5 * time.Millisecond) {
			for _, raw := range w.all.taken() {
				_, c, err := jose.Peek(raw)
				ok(w, err)
				told = told || c.Audience[0] == "c"
			}
			if time.Since(start) > time.Minute {
				w.Fatal("the other tenant's client was not told")
			}
		}
	})
}

// Tenants take turns: those whose clients are all slow, and who have more to tell than there is room for, do not keep it from the others.
func TestTenantsTakeTurns(t *testing.T) {
	each(t, func(w *world) {
		next, reached := make(chan struct{}), make(chan string, 100)
		slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached <- r.URL.Path; <-next }))
		defer slow.Close()
		defer close(next)
		for _, name := range []string{"a1", "a2", "a3", "a4", "zz"} {
			w.waiting(name, slow.URL+"/"+name, map[bool]int{true: 1, false: 6}[name == "zz"])
		}
		ctx, stop := context.WithCancel(w.Context())
		done := make(chan struct{})
		defer func() { stop(); <-done }()
		go func() { defer close(done); w.d.Run(ctx) }()
		told := func() string {
			select {
			case path := <-reached:
				return path
			case <-time.After(4 * time.Second): // before a try is given up
				w.Fatal("nobody was told")
				return ""
			}
		}
		for range 16 {
			if path := told(); path == "/zz" { // a machine so slow that tries were given up
				return
			}
		}
		next <- struct{}{}
		if path := told(); path != "/zz" {
			w.Errorf("%s was told before one that was not yet", path)
		}
	})
}

// waiting makes a tenant whose client is to be told of n sessions that have ended.
func (w *world) waiting(tenant, address string, n int) {
	w.Helper()
	ctx, now := w.Context(), w.clock.Now()
	st := storetest.Tenant(w, w.d.DB, tenant)
	ok(w, w.keys.Ensure(ctx, st))
	ok(w, st.CreateClient(ctx, &stagedoor.Client{ID: "c", OIDCConformant: true, Stored: map[string]json.RawMessage{"oidc_logout": json.RawMessage(`{"backchannel_logout_urls":["` + address + `"]}`)}}))
	ok(w, st.CreateUser(ctx, &stagedoor.User{ID: ada, Connection: "Users", Email: "ada@example.com"}, ""))
	for i := range n {
		id := "s" + strconv.Itoa(i)
		ok(w, st.CreateSession(ctx, "h"+id, &stagedoor.Session{ID: id, UserID: ada, Clients: []string{"c"}, ExpiresAt: now.Add(time.Hour), IdleExpiresAt: now.Add(time.Hour)}))
		ok(w, st.DeleteSession(ctx, id, stagedoor.LogoutByClient))
	}
}
