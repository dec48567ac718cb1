package login_test

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/outbound"
	"github.com/stagedoor/stagedoor/internal/standin"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// abroadWorld is a world with a stand-in for the providers.
type abroadWorld struct {
	*world
	standin *standin.Server
	at      string // address of the stand-in
}

func newAbroad(t *testing.T, kind string) *abroadWorld {
	t.Helper()
	play := stagedoortest.NewStandIn(t)
	return &abroadWorld{world: newWorld(t, kind), standin: play.Server, at: play.URL}
}

// upstream adds a connection, with the stand-in's client, that the client app may use.
func (w *abroadWorld) upstream(name, strategy string, options map[string]any) *stagedoor.Connection {
	w.Helper()
	c := &stagedoor.Connection{
		Name: name, Strategy: strategy, EnabledClients: []string{"app"}, ShowAsButton: new(true),
		Options: stagedoor.ConnectionOptions{Stored: map[string]json.RawMessage{}},
	}
	all := map[string]any{"client_id": w.standin.ClientID, "client_secret": w.standin.ClientSecret, "stagedoor": map[string]string{"base_url": w.at}}
	for name, value := range options {
		all[name] = value
	}
	for name, value := range all {
		c.Options.Stored[name], _ = json.Marshal(value)
	}
	w.ok(w.st.CreateConnection(w.Context(), c))
	return c
}

// oidc adds a connection to the stand-in as an issuer of OpenID Connect.
func (w *abroadWorld) oidc(name string, options map[string]any) *stagedoor.Connection {
	all := map[string]any{"discovery_url": w.at + "/.well-known/openid-configuration", "scope": "openid profile email"}
	for name, value := range options {
		all[name] = value
	}
	return w.upstream(name, "oidc", all)
}

var posts = regexp.MustCompile(`<form method="post" action="([^"]*)"`)

// through goes where the answer leads, to a provider, and comes back. Forms are posted as another site's are: without cookies.
func (b *browser) through(r *reply) *reply {
	b.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, r.to(), nil)
	b.ok(err)
	resp, err := client.Do(req)
	b.ok(err)
	defer resp.Body.Close()
	if back, ours := strings.CutPrefix(resp.Header.Get("Location"), b.origin); ours {
		return b.get(back)
	}
	page, err := io.ReadAll(resp.Body)
	b.ok(err)
	action := posts.FindStringSubmatch(string(page))
	if resp.StatusCode != http.StatusOK || action == nil {
		b.Fatalf("the provider answers %s %s", resp.Status, page)
	}
	back, ours := strings.CutPrefix(html.UnescapeString(action[1]), b.origin)
	if !ours {
		b.Fatalf("the form leads to %s", action[1])
	}
	values := url.Values{}
	for _, hidden := range formHidden.FindAllStringSubmatch(string(page), -1) {
		values.Set(html.UnescapeString(hidden[1]), html.UnescapeString(hidden[2]))
	}
	return b.get(b.bare().post(back, values, "Sec-Fetch-Site", "cross-site", "Origin", "https://provider.example").want(http.StatusSeeOther).to())
}

// bare is the browser without its cookies.
func (b *browser) bare() *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{b.world, jar, b.origin, "192.0.2.7"}
}

// sign signs in by the connection and returns what the client gets.
func (w *world) sign(name string, params ...string) url.Values {
	w.Helper()
	b := w.browser()
	return b.finish(b.through(b.begin(append([]string{"connection", name}, params...)...)))
}

// in signs in and wants it to succeed.
func (w *world) in(name string, params ...string) {
	w.Helper()
	if q := w.sign(name, params...); q.Get("code") == "" {
		w.Errorf("%s: %v, log: %s", name, q, w.last().Description)
	}
}

// out signs in and wants it to fail, with the description for the client and a word in the log.
func (w *world) out(name, description, log string) {
	w.Helper()
	q := w.sign(name)
	if q.Get("error") != "access_denied" || !strings.Contains(q.Get("error_description"), description) {
		w.Errorf("%v, want %s", q, description)
	}
	if e := w.last(); e.Type != "f" || !strings.Contains(e.Description, log) || e.Connection != name {
		w.Errorf("the log says %s %q, want %q", e.Type, e.Description, log)
	}
}

var kim = standin.Person{
	Subject: "k1", Email: "Kim@Corp.example", EmailVerified: true, Name: "Kim Corp", GivenName: "Kim", FamilyName: "Corp", Nickname: "kimmy", Picture: "https://corp.example/kim.png",
	More: map[string]any{"department": "sound", "groups": []string{"a", "b"}},
}

func TestOpenIDConnect(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			w := newAbroad(t, kind)
			conn := w.oidc("corp", map[string]any{"upstream_params": map[string]any{"login_hint": map[string]string{"alias": "login_hint"}, "fixed": map[string]string{"value": "yes"}}})
			w.standin.Choose(&kim)
			w.in("corp", "login_hint", "kim@corp.example", "connection_scope", "groups,email,calendar")
			for name, want := range map[string]string{
				"scope": "openid profile email groups calendar", "response_type": "code", "code_challenge_method": "S256", "redirect_uri": origin + "/login/callback", "client_id": "stagedoor",
				"login_hint": "kim@corp.example", "fixed": "yes",
			} {
				if got := w.standin.Asked().Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if w.standin.Asked().Get("nonce") == "" || w.standin.Exchanged().Get("code_verifier") == "" {
				t.Error("no nonce or no code_verifier")
			}
			u := w.found("kim@corp.example")
			if u == nil || u.ID != "oidc|corp|k1" || !u.EmailVerified || u.Name != "Kim Corp" || u.Picture != "https://corp.example/kim.png" || string(u.Attributes["department"]) != `"sound"` || u.Attributes["aud"] != nil || u.Attributes["at_hash"] != nil {
				t.Fatalf("%+v", u)
			}
			if i := u.Identities[0]; i.IsSocial || i.Provider != "oidc" || i.UserID != "corp|k1" || i.Connection != "corp" {
				t.Errorf("%+v", i)
			}
			tokens, err := w.st.IdentityTokens(t.Context(), u.ID)
			if err != nil || len(tokens) != 1 || tokens[0].Tokens["access_token"] == nil || tokens[0].Tokens["refresh_token"] == nil || tokens[0].Tokens["id_token"] != nil {
				t.Errorf("%v %v", tokens, err)
			}
			w.in("corp")
			if n := w.standin.Fetched("/jwks"); n != 1 {
				t.Errorf("the key set was fetched %d times", n)
			}
			if n := w.standin.Fetched("/userinfo"); n != 0 {
				t.Errorf("the user info was fetched %d times, though the ID token says all", n)
			}

			// attribute_map: a map with places, from the user info too; the basic profile alone.
			w.set(conn, "attribute_map", map[string]any{"mapping_mode": "use_map", "userinfo_scope": "openid", "attributes": map[string]any{
				"name": "${context.tokenset.given_name} of ${context.userinfo.department}", "email": "${context.tokenset.email}", "team": "${context.userinfo.groups}", "none": "${context.tokenset.nothing}", "fixed": true,
				"app_metadata": map[string]any{"roles": []string{"admin"}},
			}})
			w.in("corp")
			u = w.found("kim@corp.example")
			if u.Name != "Kim of sound" || string(u.Attributes["team"]) != `["a", "b"]` && string(u.Attributes["team"]) != `["a","b"]` || u.Attributes["none"] != nil || string(u.Attributes["fixed"]) != "true" || u.Attributes["department"] != nil || u.AppMetadata != nil {
				t.Errorf("%+v", u)
			}
			if w.standin.Fetched("/userinfo") != 1 {
				t.Error("the user info was not fetched")
			}
			w.set(conn, "attribute_map", map[string]any{"mapping_mode": "basic_profile"})
			w.in("corp")
			if u = w.found("kim@corp.example"); u.Name != "Kim Corp" || u.Attributes["department"] != nil {
				t.Errorf("%+v", u)
			}
			w.set(conn, "set_user_root_attributes", "on_first_login")
			other := kim
			other.Name = "Somebody"
			w.standin.Choose(&other)
			w.in("corp")
			if u = w.found("kim@corp.example"); u.Name != "Kim Corp" {
				t.Errorf("%+v", u)
			}

			// The front channel: the ID token comes by a form, which another site posts.
			front := w.oidc("front", map[string]any{"type": "front_channel"})
			w.standin.Choose(&kim)
			w.in("front")
			if q := w.standin.Asked(); q.Get("response_type") != "id_token" || q.Get("response_mode") != "form_post" || q.Get("nonce") == "" || q.Get("code_challenge") != "" {
				t.Errorf("%v", q)
			}
			if u, err := w.st.User(t.Context(), "oidc|front|k1"); err != nil || u.Name != "Kim Corp" {
				t.Errorf("%v %v", u, err)
			}
			b := w.browser() // in an address it would be seen, and counts for nothing
			r := b.begin("connection", "front")
			r.header.Set("Location", strings.Replace(r.to(), "response_mode=form_post", "response_mode=query", 1))
			if q := b.finish(b.through(r)); q.Get("error") != "access_denied" || q.Get("error_description") != "The identity provider sent no ID token" {
				t.Errorf("%v", q)
			}
			w.set(front, "disable_signup", true)
			nobody := standin.Person{Subject: "k2"}
			w.standin.Choose(&nobody)
			w.out("front", "Public signup is disabled", "Public signup is disabled")
			twin := standin.Person{Subject: "k3", Email: kim.Email}
			w.standin.Choose(&twin)
			w.in("corp") // one address, two people: there it is no name
			if both, err := w.st.UsersByEmail(t.Context(), "kim@corp.example"); err != nil || len(both) < 3 {
				t.Errorf("%+v %v", both, err)
			}
			if u, err := w.st.User(t.Context(), "oidc|corp|k3"); err != nil || u.LoginsCount != 1 || u.Email != "kim@corp.example" {
				t.Errorf("%+v %v", u, err)
			}
			w.standin.Refuse("login_required", "Come back later")
			w.out("front", "Come back later", "Come back later")
			w.out("corp", "Come back later", "Come back later")
		})
	}
}

// TestHostileIssuer: what an issuer of OpenID Connect sends that is not right lets nobody in.
func TestHostileIssuer(t *testing.T) {
	began := time.Now()
	w := newAbroad(t, storetest.SQLite)
	w.pipe.Upstream.HTTP = &http.Client{Timeout: 2 * time.Second}
	w.oidc("corp", nil)
	w.oidc("front", map[string]any{"type": "front_channel"})
	w.standin.Choose(&kim)
	const invalid = "The ID token of the identity provider is not valid"
	for _, c := range []struct{ mode, says, log string }{
		{standin.WrongNonce, invalid, "nonce"},
		{standin.NoNonce, invalid, "nonce"},
		{standin.WrongIssuer, invalid, "its issuer is https://evil.example"},
		{standin.WrongAudience, invalid, "another client"},
		{standin.OtherParty, invalid, "another client"},
		{standin.Expired, invalid, "expired"},
		{standin.Future, invalid, "not valid yet"},
		{standin.Unsigned, invalid, "not signed"},
		{standin.HMAC, invalid, "HS256"},
		{standin.OtherKey, invalid, "wrong signature"},
		{standin.UnknownKey, invalid, "has no key"},
		{standin.NoSubject, invalid, "no sub"},
		{standin.Garbage, invalid, "malformed"},
		{standin.MixUp, "The answer is not of the identity provider that was asked", "https://evil.example"},
		{standin.NoIssuer, "The answer is not of the identity provider that was asked", "iss is"},
	} {
		w.standin.Misbehave(c.mode)
		for _, name := range []string{"corp", "front"} {
			t.Run(c.mode+" "+name, func(t *testing.T) { w.T = t; w.out(name, c.says, c.log) })
		}
	}
	for _, c := range []struct{ mode, says, log string }{
		{standin.WrongHash, invalid, "at_hash"},
		{standin.NoIDToken, invalid, "there is none"},
		{standin.TokenError, "The identity provider gave no token", "invalid_grant this code is not yours <script>"},
		{standin.Slow, "The identity provider gave no token", "no answer"},
		{standin.Huge, "The identity provider gave no token", "too large"},
		{standin.Elsewhere, "The identity provider gave no token", "307"},
		{standin.HTML, "The identity provider gave no token", "200 OK"},
	} {
		t.Run(c.mode, func(t *testing.T) {
			w.T = t
			w.standin.Misbehave(c.mode)
			w.out("corp", c.says, c.log)
		})
	}
	w.T = t
	w.standin.Misbehave("")
	w.pipe.Upstream.HTTP = outbound.New(outbound.Config{}) // as where nothing is allowed
	w.out("corp", "The identity provider gave no token", "is not public, and the operator of this server has not allowed it (--outbound-allow)")
	w.pipe.Upstream.HTTP = http.DefaultClient
	if w.standin.Fetched("/elsewhere") != 0 {
		t.Error("the secret went elsewhere")
	}
	w.standin.Misbehave(standin.UnknownKey)
	for range 6 {
		w.out("corp", invalid, "has no key")
	}
	if n, most := w.standin.Fetched("/jwks"), 1+5+int(time.Since(began)/(5*time.Second)); n > most { // five at once, and then one every five seconds
		t.Errorf("unknown keys let the key set be fetched %d times, not %d", n, most)
	}
	w.standin.Misbehave("")
	if w.found("kim@corp.example") != nil {
		t.Error("somebody came in")
	}
	// The same where the user info says more than the ID token.
	w.oidc("info", map[string]any{"attribute_map": map[string]any{"mapping_mode": "bind_all", "userinfo_scope": "openid"}})
	w.standin.Misbehave(standin.OtherSubject)
	w.out("info", "The identity provider gave no profile", "another sub")
	w.standin.Misbehave(standin.HugeProfile)
	w.out("info", "The identity provider gave no profile", "too large")
	w.standin.Misbehave("")
	w.in("info")
}

// TestPostedAnswers: an answer that another site has the browser post goes on in the browser that left, and once.
func TestPostedAnswers(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.oidc("front", map[string]any{"type": "front_channel"})
	w.standin.Choose(&kim)
	b := w.browser()
	away := b.begin("connection", "front").to()
	state, _ := url.Parse(away)
	answer := url.Values{"state": {state.Query().Get("state")}, "id_token": {"x"}}
	stranger := w.browser()
	for _, form := range []url.Values{{}, {"state": {"x"}}, {"RelayState": {"x"}, "SAMLResponse": {"x"}}} {
		stranger.post("/login/callback", form).want(http.StatusBadRequest).says("pressed the back button")
	}
	stranger.post("/login/callback", url.Values{"state": {"x"}, "user": {strings.Repeat("x", 600<<10)}}).want(http.StatusBadRequest)
	to := stranger.post("/login/callback", answer).want(http.StatusSeeOther).to()
	if strings.Contains(to, "id_token") {
		t.Error("the answer is in the address")
	}
	stranger.get(to).want(http.StatusBadRequest).says("pressed the back button") // login CSRF: it is not this browser's login
	b.bare().post("/login/callback", answer).want(http.StatusBadRequest)         // it has been answered
	if q := b.finish(b.get(to)); q.Get("error") != "access_denied" {
		t.Errorf("%v", q)
	}
	b.get(to).want(http.StatusBadRequest)
}

// TestPrivateKeyJWT: the server proves itself to an issuer by a token that the connection's key has signed; without a key it says so.
func TestPrivateKeyJWT(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	conn := w.oidc("corp", map[string]any{"token_endpoint_auth_method": "private_key_jwt", "client_secret": "", "token_endpoint_jwtca_aud_format": "issuer"})
	w.standin.Choose(&kim)
	w.out("corp", "The identity provider gave no token", "the connection has no key to sign with")
	key, err := jose.NewRSAKey(2048, "corp", w.clock())
	w.ok(err)
	private, err := key.PEM()
	w.ok(err)
	sealed, err := json.Marshal([]stagedoor.ConnectionKey{{KID: "k-next", State: "next"}, {KID: "k1", Algorithm: "RS256", State: "current", Private: private, CertDER: key.Cert.Raw}})
	w.ok(err)
	w.ok(store.ConnectionKeys.Create(t.Context(), w.st, &stagedoor.ConnectionKeys{ConnectionID: conn.ID, Sealed: string(sealed)}))
	w.in("corp")
	q := w.standin.Exchanged()
	claims, err := jose.Parse(q.Get("client_assertion"), w.clock(), func(h jose.Header) (string, any, error) { return "RS256", key.Public(), nil })
	if err != nil || claims.Issuer != "stagedoor" || claims.Subject != "stagedoor" || claims.Audience[0] != w.at || claims.ID == "" || claims.Header.KeyID != "k1" || q.Has("client_secret") {
		t.Errorf("%+v %v %v", claims, q, err)
	}
}
