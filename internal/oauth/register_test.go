package oauth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
)

// register sends a client's metadata.
func (w *world) register(body string) (int, map[string]any) {
	w.Helper()
	r := httptest.NewRequest("POST", "/oidc/register", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	a := w.browser().do(r)
	var out map[string]any
	ok(w, json.Unmarshal(a.Body.Bytes(), &out))
	return a.Code, out
}

func (w *world) registering(mode string) {
	w.settings(func(s *stagedoor.TenantSettings) {
		s.Flags = stagedoor.Flags{stagedoor.FlagRegistration: true, stagedoor.FlagClientConnections: true} // which is of the tenant's own clients
		s.Stored = map[string]json.RawMessage{"dynamic_client_registration_security_mode": json.RawMessage(`"` + mode + `"`)}
	})
}

// A client that registers itself signs people in through connections of the domain, with their consent, by PKCE.
func TestRegistration(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.registering("strict")
		status, c := w.register(`{"redirect_uris":["https://app.test/callback","http://127.0.0.1:9/cb","cursor://app/cb"],"client_name":"Tool","token_endpoint_auth_method":"none",
			"grant_types":["authorization_code","refresh_token"],"contacts":["a@b.test"],"scope":"openid","software_id":"x"}`)
		id, _ := c["client_id"].(string)
		if status != http.StatusCreated || !strings.HasPrefix(id, "tpc_") {
			t.Fatalf("%d %v", status, c)
		}
		has(t, "the answer", c, "application_type client_id client_id_issued_at client_name grant_types id_token_signed_response_alg redirect_uris response_types token_endpoint_auth_method")
		w.browser().authorize(request(id, "code_challenge", challenge, "code_challenge_method", "S256")).page(400, "no connections enabled for the client")
		conn, err := w.st.ConnectionByName(t.Context(), "Users")
		ok(t, err)
		_, err = w.st.UpdateConnection(t.Context(), conn.ID, func(c *stagedoor.Connection) error { c.IsDomainConnection = true; return nil })
		ok(t, err)
		w.browser().authorize(request(id)).page(400, "Missing required parameter: code_challenge")
		w.browser().authorize(request(id, "code_challenge", verifier, "code_challenge_method", "plain")).page(400, "code_challenge_method must be S256")
		w.browser().authorize(request(id, "response_type", "token")).page(403, "Grant type 'implicit' not allowed for the client.")
		b := w.browser()
		state := b.login(request(id, "code_challenge", challenge, "code_challenge_method", "S256", "scope", "openid offline_access")).asks("consent")
		code := b.decide(state, true).got().Get("code")
		got := w.token(values("grant_type", "authorization_code", "client_id", id, "code", code, "redirect_uri", callback, "code_verifier", verifier)).good()
		next := w.token(values("grant_type", "refresh_token", "client_id", id, "refresh_token", got.RefreshToken)).good()
		if next.RefreshToken == got.RefreshToken {
			t.Error("its refresh tokens do not rotate")
		}

		status, c = w.register(`{"redirect_uris":["https://app.test/callback"],"post_logout_redirect_uris":["https://app.test/bye"],"logo_uri":"https://app.test/logo.png","initiate_login_uri":"https://app.test/login","id_token_signed_response_alg":"PS256","require_pushed_authorization_requests":true}`)
		kept, err := w.st.Client(t.Context(), c["client_id"].(string))
		ok(t, err)
		same(t, "with a secret", []any{status, c["client_secret"], c["client_secret_expires_at"], c["token_endpoint_auth_method"], c["grant_types"], c["response_types"]},
			[]any{201, kept.Secret, 0, "client_secret_basic", []string{"authorization_code"}, []string{"code"}})
		same(t, "told", []any{c["post_logout_redirect_uris"], c["logo_uri"], c["initiate_login_uri"], c["id_token_signed_response_alg"], c["require_pushed_authorization_requests"]},
			[]any{[]string{"https://app.test/bye"}, "https://app.test/logo.png", "https://app.test/login", "PS256", true})
		same(t, "kept", []any{kept.IsFirstParty, kept.OIDCConformant, kept.NeedsPAR(), kept.AllowedLogoutURLs}, []any{false, true, true, []string{"https://app.test/bye"}})
	})
}

// A stranger's client gets no tokens for the tenant's own APIs, whatever people agree to: with one it would link an account of its own to theirs, or take their second factors away.
func TestAttackStrangerAtOwnAPIs(t *testing.T) {
	for _, mode := range []string{"strict", "permissive"} {
		eachWorld(t, func(t *testing.T, w *world) {
			w.registering(mode)
			conn, err := w.st.ConnectionByName(t.Context(), "Users")
			ok(t, err)
			_, err = w.st.UpdateConnection(t.Context(), conn.ID, func(c *stagedoor.Connection) error { c.IsDomainConnection = true; return nil })
			ok(t, err)
			_, c := w.register(`{"redirect_uris":["https://app.test/callback"],"client_name":"Tool","token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"]}`)
			id, _ := c["client_id"].(string)
			for audience, scope := range map[string]string{
				"https://acme.test/api/v2/": "openid update:current_user_identities read:current_user", "http://acme.test/api/v2/": "read:current_user",
				mfaAudience: "openid remove:authenticators",
			} {
				w.browser().authorize(request(id, "audience", audience, "scope", scope, "code_challenge", challenge, "code_challenge_method", "S256")).
					page(403, "Clients of third parties get no tokens of resource server")
			}
			b := w.browser()
			b.login(request(id, "audience", apiAudience, "scope", "openid read:songs", "code_challenge", challenge, "code_challenge_method", "S256")).asks("consent")
		})
	}
}

func TestRegistrationRefused(t *testing.T) {
	w := newWorld(t)
	status, body := w.register(`{"redirect_uris":["https://app.test/"]}`)
	same(t, "switched off", []any{status, body["error"]}, []any{403, "access_denied"})
	if doc := w.browser().get("/.well-known/openid-configuration").Body.String(); strings.Contains(doc, "registration_endpoint") {
		t.Error(doc)
	}
	w.registering("strict")
	if doc := w.browser().get("/.well-known/openid-configuration").Body.String(); !strings.Contains(doc, `"registration_endpoint":"https://acme.test/oidc/register"`) {
		t.Error(doc)
	}
	for _, uri := range []string{
		"http://app.test/", "https://*.app.test/", "https://app.test/#x", "javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:https://app.test/x",
		"https://user:pass@app.test/", "//app.test/", "/callback", "", "https://", "https://app.test/\\n", "https://{organization_name}.app.test/", "https://app.test/{organization_name}", "mailto:a@b.test", "about:blank",
		"https://app.test\\@evil.test/", "https://exämple.test/", "http://localhost.evil.test/", "http://127.0.0.1.evil.test/", "intent://x", "https://app.test/" + strings.Repeat("x", 2001),
	} {
		b, err := json.Marshal(map[string]any{"redirect_uris": []string{"https://app.test/", uri}})
		ok(t, err)
		status, body := w.register(strings.ReplaceAll(string(b), `\\\\n`, `\\n`))
		if status != 400 || body["error"] != "invalid_redirect_uri" {
			t.Errorf("%q: %d %v", uri, status, body)
		}
		w.pass(time.Minute)
	}
	for name, body := range map[string]string{
		"no metadata": `[]`, "not JSON": `x`, "NUL": `{"redirect_uris":["https://app.test/"],"client_name":"` + "\x00" + `"}`, "wrong type": `{"redirect_uris":"https://app.test/"}`,
		"method":       `{"redirect_uris":["https://app.test/"],"token_endpoint_auth_method":"magic"}`,
		"grant":        `{"redirect_uris":["https://app.test/"],"grant_types":["password"]}`,
		"own name":     `{"redirect_uris":["https://app.test/"],"grant_types":["client_credentials"]}`,
		"implicit":     `{"redirect_uris":["https://app.test/"],"grant_types":["implicit"],"response_types":["token"]}`,
		"response":     `{"redirect_uris":["https://app.test/"],"response_types":["magic"]}`,
		"mismatch":     `{"redirect_uris":["https://app.test/"],"response_types":["code id_token"]}`,
		"type":         `{"redirect_uris":["https://app.test/"],"application_type":"magic"}`,
		"name, markup": `{"redirect_uris":["https://app.test/"],"client_name":"<b>Bank</b>"}`,
		"name, turned": `{"redirect_uris":["https://app.test/"],"client_name":"a\u202eknab"}`,
		"name, long":   `{"redirect_uris":["https://app.test/"],"client_name":"` + strings.Repeat("x", 101) + `"}`,
		"logo":         `{"redirect_uris":["https://app.test/"],"logo_uri":"javascript:alert(1)"}`,
		"plain logo":   `{"redirect_uris":["https://app.test/"],"logo_uri":"http://app.test/logo.png"}`,
		"local logo":   `{"redirect_uris":["https://app.test/"],"logo_uri":"http://localhost/logo.png"}`,
		"own login":    `{"redirect_uris":["https://app.test/"],"initiate_login_uri":"myapp://login"}`,
		"userinfo":     `{"redirect_uris":["https://app.test/"],"userinfo_signed_response_alg":"none"}`,
		"logout":       `{"redirect_uris":["https://app.test/"],"post_logout_redirect_uris":["javascript:alert(1)"]}`,
		"HS256":        `{"redirect_uris":["https://app.test/"],"id_token_signed_response_alg":"HS256"}`,
		"none":         `{"redirect_uris":["https://app.test/"],"id_token_signed_response_alg":"none"}`,
	} {
		status, answer := w.register(body)
		if status != 400 || answer["error"] != "invalid_client_metadata" {
			t.Errorf("%s: %d %v", name, status, answer)
		}
		w.pass(time.Minute)
	}
	status, body = w.register(`{"redirect_uris":["https://app.test/"` + strings.Repeat(`,"https://app.test/"`, maxRedirects) + `]}`)
	same(t, "too many callbacks", []any{status, body["error"]}, []any{400, "invalid_redirect_uri"})
	status, body = w.register(`{}`)
	same(t, "no callback", []any{status, body["error"]}, []any{400, "invalid_redirect_uri"})
	w.registering("permissive")
	status, _ = w.register(`{"redirect_uris":["https://app.test/"],"grant_types":["implicit"],"response_types":["id_token token"]}`)
	same(t, "implicit, permissive", status, 201)
}

// TestRegistrationFlood: one address cannot fill the database with clients.
func TestRegistrationFlood(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.registering("strict")
		for range 20 {
			if status, body := w.register(`{"redirect_uris":["https://app.test/"]}`); status != 201 {
				t.Fatal(status, body)
			}
		}
		status, body := w.register(`{"redirect_uris":["https://app.test/"]}`)
		same(t, "one more", []any{status, body["error"]}, []any{429, "too_many_requests"})
		b := w.browser()
		for i := range 21 { // one customer has all these addresses
			b.from = fmt.Sprintf("2001:db8:77:1::%x", i+1)
			status := b.do(httptest.NewRequest("POST", "/oidc/register", strings.NewReader(`{"redirect_uris":["https://app.test/"]}`))).Code
			same(t, b.from, status, map[bool]int{true: 201, false: 429}[i < 20])
		}
		w.pass(3 * time.Second)
		status, _ = w.register(`{"redirect_uris":["https://app.test/"]}`)
		same(t, "later", status, 201)
	})
}

// TestAttackRedirectorOfOnesOwn: anybody can register a client with addresses of theirs, and nobody is sent there unless they have logged in for it.
func TestAttackRedirectorOfOnesOwn(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.registering("strict")
		conn, err := w.st.ConnectionByName(t.Context(), "Users")
		ok(t, err)
		_, err = w.st.UpdateConnection(t.Context(), conn.ID, func(c *stagedoor.Connection) error { c.IsDomainConnection = true; return nil })
		ok(t, err)
		const phish = "https://app.test/phish"
		_, c := w.register(`{"redirect_uris":["` + callback + `"],"token_endpoint_auth_method":"none","post_logout_redirect_uris":["` + phish + `"],"grant_types":["authorization_code","refresh_token"]}`)
		id := c["client_id"].(string)
		good := func(more ...string) url.Values {
			return request(id, append([]string{"code_challenge", challenge, "code_challenge_method", "S256"}, more...)...)
		}
		in := func() (b *browser, hint string) {
			b = w.browser()
			code := b.decide(b.login(good("scope", "openid", "prompt", "consent")).asks("consent"), true).got().Get("code")
			return b, w.token(values("grant_type", "authorization_code", "client_id", id, "code", code, "redirect_uri", callback, "code_verifier", verifier)).good().IDToken
		}

		w.client(id, func(c *stagedoor.Client) { c.InitiateLoginURI = "https://evil.test/login" }) // as it may say of itself
		if a := w.browser().authorize(good("response_type", "foo")).Body.String(); strings.Contains(a, "evil.test") {
			t.Errorf("our page leads there: %s", a)
		}
		for name, more := range map[string][]string{
			"response_type": {"response_type", "foo"}, "silent": {"prompt", "none"}, "a form": {"response_type", "foo", "response_mode", "form_post"},
			"a fragment": {"response_type", "foo", "response_mode", "fragment"},
		} {
			if mode, where, _ := w.browser().authorize(good(more...)).response(); mode != "page" {
				t.Errorf("%s: %s %s", name, mode, where)
			}
		}
		b := w.browser()
		b.decide(b.login(good("prompt", "consent")).asks("consent"), false).page(403, "User did not authorize the request")

		// Silent answers go to the client's own page, which nobody is sent to.
		w.client(id, func(c *stagedoor.Client) { c.WebOrigins = []string{"https://app.test"} })
		w.browser().authorize(good("prompt", "none", "response_mode", "web_message")).fails("login_required", "Login required")
		b, hint := in()
		b.authorize(good("scope", "openid", "prompt", "none", "response_mode", "web_message")).got()
		b.authorize(good("scope", "openid", "prompt", "none")).got()

		link := `<a href="` + phish + `">Back to app.test</a>`
		for _, query := range []string{"client_id=" + id, "client_id=" + id + "&returnTo=" + url.QueryEscape(phish)} {
			w.browser().get("/v2/logout?"+query).page(200, link)
		}
		out := "/oidc/logout?" + values("client_id", id, "post_logout_redirect_uri", phish).Encode()
		w.browser().get(out).page(200, link)
		w.browser().get(out+"&id_token_hint="+hint).page(200, link) // their own, which anybody can have
		other := w.browser()
		other.login(request(site)).got()
		if a := other.get(out + "&id_token_hint=" + hint); a.Header().Get("Location") != "" || !strings.Contains(a.Body.String(), `name="confirm"`) {
			t.Errorf("%d %s", a.Code, a.Body)
		}
		same(t, "who has the session", b.get(out+"&id_token_hint="+hint).Header().Get("Location"), phish)
		b, _ = in()
		confirm := confirmField.FindStringSubmatch(b.get(out).Body.String())
		same(t, "who was asked", b.post("/oidc/logout", values("client_id", id, "post_logout_redirect_uri", phish, "confirm", confirm[1])).Header().Get("Location"), phish)
		b, _ = in()
		b.get("/v2/logout?client_id="+id).page(200, link)
		b.authorize(good("prompt", "none", "response_mode", "web_message")).fails("login_required", "Login required")

		// An administrator says whether the client's addresses are trusted.
		policy := func(client, value string) {
			w.client(client, func(c *stagedoor.Client) {
				c.Stored = map[string]json.RawMessage{"redirection_policy": json.RawMessage(`"` + value + `"`)}
			})
		}
		policy(id, "allow_always")
		w.browser().authorize(good("response_type", "foo")).fails("unsupported_response_type", "Unsupported response type: foo")
		w.browser().authorize(good("redirect_uri", "https://other.test/")).page(403, `href="https://evil.test/login"`)
		same(t, "trusted", w.browser().get("/v2/logout?client_id="+id).Header().Get("Location"), phish)
		w.browser().authorize(request(third, "response_type", "foo")).fails("unsupported_response_type", "Unsupported response type: foo")
		policy(third, "open_redirect_protection")
		if mode, where, _ := w.browser().authorize(request(third, "response_type", "foo")).response(); mode != "page" {
			t.Errorf("%s %s", mode, where)
		}
	})
}

// Registrations that are refused are in the log as those that are not: with the reason.
func TestRefusedRegistrationIsLogged(t *testing.T) {
	w := newWorld(t)
	w.register(`{}`)
	w.registering("strict")
	w.register(`{"redirect_uris":["http://app.test/"],"client_name":"Tool"}`)
	w.register(`{`)
	w.register(`{"redirect_uris":["https://app.test/"],"client_name":"Tool","token_endpoint_auth_method":"none"}`)
	w.wantLog("fapi", "fapi", "fapi", "sapi")
	w.pass(time.Hour) // a full room again
	for range 21 {
		w.register(`{}`)
	}
	if all := w.logged(); all[len(all)-1] != "limit_mu" || strings.Count(strings.Join(all, " "), "limit_mu") != 1 {
		t.Errorf("log events %q", all)
	}
}
