package oauth

import (
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

const bye = "https://app.test/bye"

// TestLogoutWithoutAnAddress: an address with a wildcard tells where one may go, and is no place itself.
func TestLogoutWithoutAnAddress(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		allowed []string
		to      string
	}{
		{[]string{"https://*.app.test/out", bye}, bye},
		{[]string{"https://*.app.test/out"}, ""},
		{nil, ""},
	} {
		w.settings(func(s *stagedoor.TenantSettings) { s.AllowedLogoutURLs = c.allowed })
		if a := w.browser().get("/v2/logout"); a.Header().Get("Location") != c.to {
			t.Errorf("%v: %d %q", c.allowed, a.Code, a.Header().Get("Location"))
		}
	}
}

func TestLogout(t *testing.T) {
	w := newWorld(t)
	w.settings(func(s *stagedoor.TenantSettings) { s.AllowedLogoutURLs = []string{"https://acme.example/out"} })
	const mismatch = `The "returnTo" querystring parameter "https://evil.test/" is not defined as a valid URL in "Allowed Logout URLs".`
	for query, want := range map[string]struct{ to, page string }{
		"client_id=spa&returnTo=" + url.QueryEscape(bye+"?x=1#y"):       {bye + "?x=1#y", ""},
		"client_id=spa&returnTo=" + url.QueryEscape(bye) + "&federated": {bye, ""},
		"client_id=spa": {bye, ""},
		"returnTo=https%3A%2F%2Facme.example%2Fout": {"https://acme.example/out", ""},
		"":                  {"https://acme.example/out", ""},
		"client_id=machine": {"", ""},
		"client_id=spa&returnTo=https%3A%2F%2Fevil.test%2F": {"", mismatch},
		"returnTo=https%3A%2F%2Fevil.test%2F":               {"", mismatch},
		"client_id=nobody&returnTo=" + url.QueryEscape(bye): {"", "Unknown client: nobody"},
		"client_id=spa&returnTo=javascript%3Aalert(1)":      {"", "is not defined as a valid URL"},
	} {
		b := w.browser()
		first := w.redeem(spa, b.login(request(spa, "scope", "openid offline_access")).got().Get("code")).good()
		held := *b.cookies[sessionCookie]
		w.logged()
		a := b.get("/v2/logout?" + query)
		switch {
		case want.to != "":
			if a.Code != 302 || a.Header().Get("Location") != want.to {
				t.Errorf("%s: %d %s", query, a.Code, a.Header().Get("Location"))
			}
		case want.page != "":
			a.page(400, want.page)
		default:
			a.page(200, "")
		}
		if b.cookies[sessionCookie] != nil {
			t.Errorf("%s: the cookie is still there", query)
		}
		if got := w.logged(); len(got) == 0 || got[0] != "slo" {
			t.Errorf("%s: log events %q", query, got)
		}
		b.cookies[sessionCookie] = &held
		b.authorize(request(spa, "prompt", "none")).fails("login_required", "Login required")
		w.refresh(spa, first.RefreshToken).good() // refresh tokens live on
	}
	for _, wanted := range []string{"false", "true"} {
		w.settings(func(s *stagedoor.TenantSettings) {
			s.Stored = map[string]json.RawMessage{"include_session_metadata_in_tenant_logs": json.RawMessage(wanted)}
		})
		b := w.browser()
		sid := w.claims(w.redeem(spa, b.login(request(spa)).got().Get("code")).good().IDToken)["sid"].(string)
		ok(t, w.st.UpdateSession(t.Context(), sid, func(s *stagedoor.Session) { s.Metadata = map[string]any{"theme": "dark"} }))
		b.get("/v2/logout")
		events, _, err := w.st.Logs(t.Context(), store.LogQuery{PerPage: 1})
		ok(t, err)
		if metadata, told := events[0].Details["session_metadata"]; events[0].Type != "slo" || events[0].Details["session_id"] != sid || told != (wanted == "true") {
			t.Errorf("%s: %s %v, metadata %v", wanted, events[0].Type, events[0].Details, metadata)
		}
	}
	if a := w.browser().get("/v2/logout?client_id=spa"); a.Code != 302 { // without a session
		t.Error(a.Code)
	}
}

// A code that nobody has redeemed ends with the session that gave it: it would make new tokens. What was redeemed lives on, and so do the codes of other
// sessions.
func TestLogoutEndsCodes(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.settings(func(s *stagedoor.TenantSettings) {
			s.Stored = map[string]json.RawMessage{"sessions": json.RawMessage(`{"oidc_logout_prompt_enabled":false}`)}
		})
		offline := request(spa, "scope", "openid offline_access")
		for _, out := range []string{"/v2/logout?client_id=" + spa, "/v2/logout", "/oidc/logout?client_id=" + spa} {
			b, other := w.browser(), w.browser()
			spent := b.login(offline).got().Get("code")
			tokens := w.redeem(spa, spent).good()
			kept, elsewhere := b.authorize(offline).got().Get("code"), other.login(offline).got().Get("code")
			b.get(out)
			w.redeem(spa, kept).bad(403, "invalid_grant", "Invalid authorization code")
			w.redeem(spa, elsewhere).good()
			tokens = w.refresh(spa, tokens.RefreshToken).good()
			w.redeem(spa, spent).bad(403, "invalid_grant", "Invalid authorization code") // a replay is still known for one
			w.refresh(spa, tokens.RefreshToken).bad(403, "invalid_grant", "Unknown or invalid refresh token.")
		}
		b := w.browser()
		kept := b.login(offline).got().Get("code")
		w.pass(time.Second)
		state := b.authorize(request(spa, "prompt", "login")).asks("login")
		ok(t, b.password(state, bobMail, adaWord)) // another person signs in with this browser
		w.redeem(spa, kept).bad(403, "invalid_grant", "Invalid authorization code")
	})
}

var confirmField = regexp.MustCompile(`name="confirm" value="([^"]*)"`)

func TestOIDCLogout(t *testing.T) {
	w := newWorld(t)
	in := func() (*browser, string, string) {
		b := w.browser()
		a := w.redeem(spa, b.login(request(spa)).got().Get("code")).good()
		w.logged()
		return b, a.IDToken, w.claims(a.IDToken)["sid"].(string)
	}
	out := func(b *browser, more ...string) *answer {
		return b.get("/oidc/logout?" + values(append([]string{"post_logout_redirect_uri", bye, "state", "a b"}, more...)...).Encode())
	}
	gone := func(a *answer) {
		t.Helper()
		if a.Code != 302 || a.Header().Get("Location") != bye+"?state=a+b" {
			t.Errorf("%d %s %.200s", a.Code, a.Header().Get("Location"), a.Body)
		}
		w.wantLog("slo")
	}
	b, hint, _ := in()
	gone(out(b, "id_token_hint", hint))
	b, _, sid := in()
	gone(out(b, "client_id", spa, "logout_hint", sid))
	b, hint, sid = in()
	w.pass(24 * time.Hour)
	gone(out(b, "id_token_hint", hint, "logout_hint", sid, "client_id", spa)) // an expired ID token is a good hint

	b, hint, _ = in()
	for name, more := range map[string][]string{
		"client_id and id_token_hint are not of the same client.":    {"id_token_hint", hint, "client_id", site},
		"logout_hint and id_token_hint are not of the same session.": {"id_token_hint", hint, "logout_hint", "other"},
		"The id_token_hint is not valid.":                            {"id_token_hint", hint[:len(hint)-3] + "AAA"},
		"Unknown client: nobody":                                     {"client_id", "nobody"},
		`The "post_logout_redirect_uri" querystring parameter "https://evil.test/" is not defined as a valid URL in "Allowed Logout URLs".`: {"client_id", spa, "post_logout_redirect_uri", "https://evil.test/"},
		`The "post_logout_redirect_uri" querystring parameter "https://app.test/bye?x=1" is not`:                                            {"client_id", spa, "post_logout_redirect_uri", bye + "?x=1"},
	} {
		out(b, more...).page(400, name)
	}
	b.authorize(request(spa, "prompt", "none")).got()
	w.logged()

	// Without a hint the person is asked, so that no other site can log them out.
	ask := out(b, "client_id", spa)
	ask.page(200, adaMail)
	m := confirmField.FindStringSubmatch(ask.Body.String())
	if m == nil {
		t.Fatalf("no form: %s", ask.Body)
	}
	w.wantLog()
	form := values("client_id", spa, "post_logout_redirect_uri", bye, "state", "a b", "confirm", html.UnescapeString(m[1]))
	r := newRequest("POST", "/oidc/logout", form.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	b.do(r).page(200, adaMail)
	b.post("/oidc/logout", values("client_id", spa, "post_logout_redirect_uri", bye, "confirm", "wrong")).page(200, adaMail)
	w.wantLog()
	gone(b.post("/oidc/logout", form))
	b, _, _ = in()
	w.settings(func(s *stagedoor.TenantSettings) {
		s.Stored = map[string]json.RawMessage{"sessions": json.RawMessage(`{"oidc_logout_prompt_enabled":false}`)}
	})
	gone(out(b, "client_id", spa)) // the tenant says not to ask
	if a := w.browser().get("/oidc/logout"); a.Code != 200 || strings.Contains(a.Body.String(), "confirm") {
		t.Errorf("without a session: %d", a.Code)
	}
}

// An old client's ID token is a hint too.
func TestOIDCLogoutHS256(t *testing.T) {
	w := newWorld(t)
	w.client(legacy, func(c *stagedoor.Client) { c.AllowedLogoutURLs = []string{bye} })
	b := w.browser()
	a := w.redeem(legacy, b.login(request(legacy, "scope", "openid")).got().Get("code")).good()
	got := b.get("/oidc/logout?" + values("id_token_hint", a.IDToken, "post_logout_redirect_uri", bye).Encode())
	if got.Code != 302 || got.Header().Get("Location") != bye {
		t.Errorf("%d %.200s", got.Code, got.Body)
	}
	// A secret makes no hints for clients whose ID tokens it does not sign.
	for client, good := range map[string]bool{legacy: true, site: false, spa: false} {
		signer, err := jose.NewSigner(jose.HS256, "", []byte(secret(client)), "JWT")
		ok(t, err)
		hint, err := signer.Sign(map[string]any{"iss": "https://acme.test/", "sub": ada, "aud": client, "exp": w.clock().Unix() + 60})
		ok(t, err)
		if got := w.browser().get("/oidc/logout?id_token_hint=" + hint); (got.Code == 200) != good {
			t.Errorf("%s: %d", client, got.Code)
		}
	}
}

// Who was asked and says no stays signed in, and the client hears nothing that it could take for a logout.
func TestOIDCLogoutDeclined(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.login(request(spa)).got()
	w.logged()
	page := b.get("/oidc/logout?" + values("client_id", spa, "post_logout_redirect_uri", bye).Encode())
	m := confirmField.FindStringSubmatch(page.Body.String())
	if m == nil {
		t.Fatalf("no form: %s", page.Body)
	}
	a := b.post("/oidc/logout", values("client_id", spa, "post_logout_redirect_uri", bye, "confirm", html.UnescapeString(m[1]), "decision", "decline"))
	if a.Code != 303 || a.Header().Get("Location") != "/" {
		t.Errorf("%d %s", a.Code, a.Header().Get("Location"))
	}
	w.wantLog()
	b.authorize(request(spa, "prompt", "none")).got()
}

// A client that leads nobody away gets people back after a question, or by a hint of the session that ends; whoever has its link opened otherwise sees where it would lead.
func TestLogoutOfAClientThatLeadsNobody(t *testing.T) {
	w := newWorld(t)
	w.client(spa, func(c *stagedoor.Client) {
		c.Stored = map[string]json.RawMessage{"redirection_policy": json.RawMessage(`"open_redirect_protection"`)}
	})
	stays := func(name string, a *answer) {
		t.Helper()
		if a.Code != 200 || a.Header().Get("Location") != "" || !strings.Contains(a.Body.String(), `href="`+bye) {
			t.Errorf("%s: %d %s %.300s", name, a.Code, a.Header().Get("Location"), a.Body)
		}
	}
	in := func() (*browser, string) {
		b := w.browser()
		return b, w.redeem(spa, b.login(request(spa)).got().Get("code")).good().IDToken
	}
	b, _ := in()
	stays("signed in", b.get("/v2/logout?"+values("client_id", spa, "returnTo", bye).Encode()))
	stays("signed out", b.get("/v2/logout?"+values("client_id", spa, "returnTo", bye).Encode()))
	_, theirs := in()
	stays("a hint, and no session", w.browser().get("/oidc/logout?"+values("id_token_hint", theirs, "post_logout_redirect_uri", bye).Encode()))
	b, own := in()
	if a := b.get("/oidc/logout?" + values("id_token_hint", own, "post_logout_redirect_uri", bye).Encode()); a.Code != 302 || a.Header().Get("Location") != bye {
		t.Errorf("by its own hint: %d %s", a.Code, a.Header().Get("Location"))
	}
	w.settings(func(s *stagedoor.TenantSettings) {
		s.Stored = map[string]json.RawMessage{"sessions": json.RawMessage(`{"oidc_logout_prompt_enabled":false}`)}
	})
	b, _ = in()
	stays("not asked", b.get("/oidc/logout?"+values("client_id", spa, "post_logout_redirect_uri", bye).Encode()))
	b, _ = in()
	stays("by another's hint", b.get("/oidc/logout?"+values("id_token_hint", theirs, "post_logout_redirect_uri", bye).Encode()))
}

// A hint of another session, of another person, or of no session at all ends nobody's session unasked.
func TestOIDCLogoutOfAnother(t *testing.T) {
	w := newWorld(t)
	hint := func(b *browser) string { return w.redeem(spa, b.login(request(spa)).got().Get("code")).good().IDToken }
	mine, other := w.browser(), w.browser()
	theirs := hint(other)
	hint(mine)
	w.logged()
	ask := values("id_token_hint", theirs, "post_logout_redirect_uri", bye, "ui_locales", "en", "federated", "")
	a := mine.get("/oidc/logout?" + ask.Encode())
	a.page(200, adaMail)
	for _, field := range []string{`name="ui_locales" value="en"`, `name="federated" value=""`} { // what was asked for is kept over the question
		if !strings.Contains(a.Body.String(), field) {
			t.Errorf("no %s in %s", field, a.Body)
		}
	}
	mine.post("/oidc/logout", ask).page(200, adaMail)
	mine.authorize(request(spa, "prompt", "none")).got()
	other.authorize(request(spa, "prompt", "none")).got()
	w.logged()
	// Without a session there is nothing to ask.
	if a := w.browser().post("/oidc/logout", values("id_token_hint", theirs, "post_logout_redirect_uri", bye)); a.Code != 302 || a.Header().Get("Location") != bye {
		t.Errorf("%d %.200s", a.Code, a.Body)
	}
	w.wantLog()
}

// An address of an application that keeps its place in the fragment gets the state in the query, where it looks for it.
func TestPostLogoutRedirectWithAFragment(t *testing.T) {
	w := newWorld(t)
	w.client(spa, func(c *stagedoor.Client) { c.AllowedLogoutURLs = []string{"https://app.test/?a=1#/bye"} })
	a := w.browser().get("/oidc/logout?" + values("client_id", spa, "post_logout_redirect_uri", "https://app.test/?a=1#/bye", "state", "s t").Encode())
	same(t, "goes to", []any{a.Code, a.Header().Get("Location")}, []any{302, "https://app.test/?a=1&state=s+t#/bye"})
}

// Only what was registered is returned to, character by character, query and all (OpenID Connect RP-Initiated Logout 1.0 section 3).
func TestPostLogoutRedirect(t *testing.T) {
	w := newWorld(t)
	w.client(spa, func(c *stagedoor.Client) { c.AllowedLogoutURLs = []string{bye + "?a=1"} })
	for to, want := range map[string]bool{
		bye + "?a=1": true, bye: false, bye + "?a=1&b=2": false, bye + "?b=1": false, bye + "/?a=1": false, "https://app.test/BYE?a=1": false,
		bye + "?a=1#x": false, "https://app.test:444/bye?a=1": false, "http://app.test/bye?a=1": false, "https://u@app.test/bye?a=1": false, "//app.test/bye?a=1": false,
	} {
		a := w.browser().get("/oidc/logout?" + values("client_id", spa, "post_logout_redirect_uri", to, "state", "s").Encode())
		if went := a.Code == 302 && a.Header().Get("Location") == to+"&state=s"; went != want {
			t.Errorf("%s: %d %s", to, a.Code, a.Header().Get("Location"))
		}
		if want {
			w.wantLog()
		} else {
			w.wantLog("flo")
		}
	}
}
