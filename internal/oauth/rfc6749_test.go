package oauth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
)

// The demands of the standards that no other test holds, by document and section: docs/conformance.md names them.

// section runs a part of a test in the same world.
func (w *world) section(name string, fn func()) {
	t := w.TB.(*testing.T)
	t.Helper()
	t.Run(name, func(sub *testing.T) {
		w.TB = sub
		defer func() { w.TB = t }()
		fn()
	})
}

// plain tells whether a text has only the characters that RFC 6749 section 5.2 wants in errors: no quotes, backslashes, control characters.
func plain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e || r == '"' || r == '\\' })
}

func TestRFC6749(t *testing.T) {
	w := newWorld(t)
	code := func(client string, more ...string) string {
		return w.browser().login(request(client, more...)).got().Get("code")
	}
	w.section("2.2 client_id alone is no proof", func() {
		w.redeem(site, code(site), "client_secret", "-").bad(401, "access_denied", "Unauthorized")
	})
	w.section("3.1 empty parameters", func() {
		v := request(spa, "prompt", "none")
		for name := range knownParams {
			if !v.Has(name) {
				v.Set(name, "")
			}
		}
		w.browser().authorize(v).fails("login_required", "Login required")
		_, where, _ := w.browser().authorize(request(spa, "prompt", "none", "redirect_uri", "")).response()
		same(w, "where", where, callback)
		w.browser().authorize(request(spa, "response_type", "")).fails("invalid_request", "Missing required parameter: response_type")
	})
	w.section("3.1 unknown parameters", func() {
		w.browser().authorize(request(spa, "prompt", "none", "nobody_knows", "x", "ext-y", "z")).fails("login_required", "Login required")
	})
	w.section("3.1 no parameter twice", func() {
		for name := range knownParams {
			a := w.browser().get("/authorize?" + request(spa, name, "x").Encode() + "&" + name + "=y")
			a.page(400, "Duplicate parameter: "+name)
		}
		_, _, v := w.browser().authorize(request(spa, "prompt", "none")).response()
		for name, values := range v {
			if len(values) != 1 {
				w.Errorf("%s comes back %d times", name, len(values))
			}
		}
	})
	w.section("3.1.1 the order of words in a response type", func() {
		for _, types := range []string{"code id_token token", "token code id_token", "id_token token code"} {
			w.browser().authorize(request(spa, "response_type", types, "nonce", "n", "prompt", "none")).fails("login_required", "Login required")
		}
	})
	w.section("3.1.2.2 no callback, no answer", func() {
		w.client(third, func(c *stagedoor.Client) { c.Callbacks = nil })
		for _, types := range []string{"code", "token"} {
			w.browser().authorize(request(third, "response_type", types)).page(403, "Callback URL mismatch")
		}
		w.client(third, func(c *stagedoor.Client) { c.Callbacks = []string{callback} })
	})
	w.section("3.2 only POST", func() {
		for _, method := range []string{"GET", "HEAD", "PUT"} {
			a := w.browser().do(httptest.NewRequest(method, "/oauth/token?"+exchange(site, "x").Encode(), nil))
			if a.Code != http.StatusMethodNotAllowed {
				w.Errorf("%s: %d %s", method, a.Code, a.Body)
			}
		}
	})
	w.section("3.2 empty parameters", func() {
		form := exchange(site, code(site, "redirect_uri", "-"), "redirect_uri", "", "code_verifier", "", "scope", "", "client_assertion", "")
		w.token(form).good()
		w.token(exchange(site, "")).bad(400, "invalid_request", "Missing required parameter: code")
		r := newRequest("POST", "/oauth/token", `{"grant_type":"refresh_token","client_id":"`+site+`","client_secret":"`+secret(site)+`","refresh_token":""}`)
		r.Header.Set("Content-Type", "application/json")
		w.read(w.browser().do(r)).bad(400, "invalid_request", "Missing required parameter: refresh_token")
		r = newRequest("POST", "/oauth/token", `{"grant_type":"authorization_code","client_id":"`+site+`","client_secret":"`+secret(site)+`","code":"`+code(site, "redirect_uri", "-")+`","redirect_uri":""}`)
		r.Header.Set("Content-Type", "application/json")
		w.read(w.browser().do(r)).good()
	})
	w.section("3.2 unknown parameters", func() {
		w.token(exchange(site, code(site), "nobody_knows", "x")).good()
	})
	w.section("3.3 no scope", func() {
		a := w.redeem(site, code(site, "scope", "-", "audience", apiAudience)).good()
		same(w, "scope", []any{a.Scope, a.IDToken}, []any{"", ""})
	})
	w.section("3.3 the scope that was granted", func() {
		a := w.redeem(site, code(site, "scope", "openid read:songs fly:moon", "audience", apiAudience)).good()
		same(w, "scope", a.Scope, "openid read:songs")
		v := w.browser().login(request(site, "response_type", "token", "scope", "read:songs fly:moon", "audience", apiAudience)).got()
		same(w, "scope", v.Get("scope"), "read:songs")
		nothing := w.redeem(site, code(site, "scope", "fly:moon", "audience", apiAudience)).good()
		if !strings.Contains(nothing.Body.String(), `"scope":""`) {
			w.Errorf("nothing of what was asked for: %s", nothing.Body)
		}
	})
	w.section("4.1.2 ten minutes at most", func() {
		if codeLife > 10*time.Minute {
			w.Errorf("codes live for %v", codeLife)
		}
	})
	w.section("4.1.2.1 state with every error", func() {
		for _, v := range []url.Values{
			request(spa, "prompt", "none"), request(spa, "response_type", "x"), request(spa, "audience", "https://nowhere.test/"), request(spa, "code_challenge", "x"), request(spa, "prompt", "none login"),
		} {
			_, _, got := w.browser().authorize(v).response()
			if got.Get("state") != v.Get("state") || got.Get("error") == "" {
				w.Errorf("%v", got)
			}
			if !plain(got.Get("error")) || !plain(got.Get("error_description")) {
				w.Errorf("characters: %v", got)
			}
		}
	})
	w.section("4.2.1 the implicit grant answers registered places alone", func() {
		for _, to := range []string{"https://evil.test/", "https://app.test/callback/x", "https://app.test/callback?x=1", "https://app.test/callback#x"} {
			w.browser().authorize(request(spa, "response_type", "token", "redirect_uri", to)).page(403, "Callback URL mismatch")
		}
	})
	w.section("5.2 error characters", func() {
		for _, form := range []url.Values{
			values("grant_type", "x"), exchange(site, "x"), exchange(site, "x", "client_secret", "x"), values("grant_type", "\"\\\x01", "client_id", site, "client_secret", secret(site)),
		} {
			a := w.token(form)
			if a.Code < 400 || !plain(a.Error) {
				w.Errorf("%d %s", a.Code, a.Body)
			}
		}
	})
	w.section("5.2 Basic is told to whoever tried it", func() {
		for _, path := range []string{"/oauth/token", "/oauth/revoke", "/oauth/device/code", "/oauth/par"} {
			r := newRequest("POST", path, "grant_type=client_credentials&token=x&audience="+apiAudience)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Authorization", basic(machine, "wrong"))
			if a := w.browser().do(r); a.Code != 401 || a.Header().Get("WWW-Authenticate") != `Basic realm="acme"` {
				w.Errorf("%s: %d %v %s", path, a.Code, a.Header(), a.Body)
			}
		}
	})
	w.section("6 rotation keeps the scope", func() {
		w.rotating(spa, nil)
		first := w.offline(spa)
		narrow := w.refresh(spa, first.RefreshToken, "scope", "openid").good()
		same(w, "narrower", narrow.Scope, "openid")
		again := w.refresh(spa, narrow.RefreshToken).good()
		same(w, "as granted", again.Scope, first.Scope)
	})
	w.section("10.4 a refresh token is of one client", func() {
		first := w.offline(site)
		w.refresh(spa, first.RefreshToken).bad(403, "invalid_grant", "Unknown or invalid refresh token.")
		w.refresh(third, first.RefreshToken).bad(403, "invalid_grant", "Unknown or invalid refresh token.")
		w.refresh(site, first.RefreshToken).good()
	})
	w.section("10.10 more than can be guessed", func() {
		seen := map[string]bool{}
		for range 64 {
			s := stagedoor.NewToken()
			if len(s) < 43 || seen[s] { // 256 bits
				w.Errorf("%q", s)
			}
			seen[s] = true
		}
	})
}

// TestPostAlone: what a client sends with its credentials comes by POST, in the body.
func TestPostAlone(t *testing.T) {
	w := newWorld(t)
	w.registering("permissive")
	for _, path := range []string{"/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/par", "/oauth/device/code", "/bc-authorize", "/oidc/register"} {
		for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE"} {
			r := newRequest(method, path+"?client_id="+site+"&client_secret="+secret(site)+"&token=x", "client_id="+site+"&client_secret="+secret(site)+"&token=x")
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if a := w.browser().do(r); a.Code != http.StatusMethodNotAllowed {
				w.Errorf("%s %s: %d %s", method, path, a.Code, a.Body)
			}
		}
	}
}

func TestRFC6750(t *testing.T) {
	w := newWorld(t)
	token := w.redeem(site, w.browser().login(request(site)).got().Get("code")).good().AccessToken
	info := func(method, contentType, body string, authorization ...string) *answer {
		r := newRequest(method, "/userinfo", body)
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		for _, a := range authorization {
			r.Header.Add("Authorization", a)
		}
		return w.browser().do(r)
	}
	const form = "application/x-www-form-urlencoded"
	w.section("2.2 a form's token by POST alone", func() {
		for status, a := range map[int]*answer{
			200: info("POST", form, "access_token="+token),
			401: info("GET", form, "access_token="+token),
		} {
			if a.Code != status {
				w.Errorf("%d, want %d", a.Code, status)
			}
		}
		for _, kind := range []string{"text/plain", "multipart/form-data; boundary=x", ""} {
			if a := info("POST", kind, "access_token="+token); a.Code != 401 {
				w.Errorf("%q: %d", kind, a.Code)
			}
		}
	})
	w.section("2.3 a token in the address by GET alone, once, and nobody keeps the answer", func() { // passport-auth0
		at := "/userinfo?access_token=" + token
		if a := w.browser().get(at); a.Code != 200 || a.Header().Get("Cache-Control") != "no-store" {
			w.Errorf("%d %v", a.Code, a.Header())
		}
		both := newRequest("GET", at, "")
		both.Header.Set("Authorization", "Bearer x")
		other := newRequest("GET", at, "")
		other.Header.Set("Authorization", basic(site, secret(site)))
		for _, a := range []*answer{w.browser().get(at + "&access_token=" + token), w.browser().do(newRequest("POST", at, "")), w.browser().do(both), w.browser().do(other)} {
			if a.Code != 401 {
				w.Errorf("%d", a.Code)
			}
		}
	})
	w.section("3 one challenge, of the scheme Bearer, each attribute once", func() {
		for _, a := range []*answer{info("GET", "", ""), info("GET", "", "", "Bearer x"), info("GET", "", "", "Basic eDp5"), info("POST", form, "access_token=x"), info("GET", "", "", "Bearer "+strings.Repeat("a", 70000))} {
			got := a.Header().Values("WWW-Authenticate")
			if a.Code != 401 || len(got) != 1 || !strings.HasPrefix(got[0], "Bearer realm=") || strings.Count(got[0], "error=") != 1 || strings.Count(got[0], "error_description=") != 1 || strings.Count(got[0], "realm=") != 1 {
				w.Errorf("%d %q", a.Code, got)
			}
			_, description, _ := strings.Cut(got[0], `error_description="`)
			if !plain(strings.TrimSuffix(description, `"`)) {
				w.Errorf("characters: %q", description)
			}
		}
	})
	w.section("5.2 tokens end", func() {
		if a := w.info(token); a.Code != 200 {
			w.Fatal(a.Code)
		}
		w.pass(24 * time.Hour)
		if a := w.info(token); a.Code != 401 {
			w.Errorf("%d", a.Code)
		}
	})
	w.section("5.2 tokens are for somebody", func() {
		a := w.redeem(site, w.browser().login(request(site, "audience", apiAudience, "scope", "read:songs")).got().Get("code")).good()
		if w.claims(a.AccessToken)["aud"] != apiAudience || w.info(a.AccessToken).Code != 401 {
			w.Error("a token for an API is good for /userinfo")
		}
	})
}

func TestRFC7009(t *testing.T) {
	w := newWorld(t)
	revoke := func(more ...string) *answer {
		return w.browser().post("/oauth/revoke", values(append([]string{"client_id", site, "client_secret", secret(site)}, more...)...))
	}
	w.section("2 only POST", func() {
		if a := w.browser().get("/oauth/revoke?token=x&client_id=" + site); a.Code != http.StatusMethodNotAllowed {
			w.Errorf("%d", a.Code)
		}
	})
	w.section("2.1 a wrong hint", func() {
		for _, hint := range []string{"access_token", "nobody_knows", "refresh_token"} {
			first := w.offline(site)
			if a := revoke("token", first.RefreshToken, "token_type_hint", hint); a.Code != 200 {
				w.Errorf("%s: %d %s", hint, a.Code, a.Body)
			}
			w.refresh(site, first.RefreshToken).bad(403, "invalid_grant", "Unknown or invalid refresh token.")
		}
	})
	w.section("2.2 what is not there is revoked", func() {
		for range 2 {
			if a := revoke("token", "nobody"); a.Code != 200 || a.Body.Len() > 0 {
				w.Errorf("%d %s", a.Code, a.Body)
			}
		}
	})
}

func TestRFC7636(t *testing.T) {
	w := newWorld(t)
	w.section("4.4 the challenge is bound to the code and goes nowhere", func() {
		b := w.browser()
		a := b.authorize(request(spa))
		if strings.Contains(a.Header().Get("Location"), challenge) {
			w.Error("the login page's address has the challenge")
		}
		state := a.asks("login")
		ok(w, b.password(state, adaMail, adaWord))
		back := b.resume(state)
		if strings.Contains(back.Header().Get("Location"), challenge) {
			w.Error("the callback has the challenge")
		}
		w.redeem(spa, back.got().Get("code")).good()
	})
	w.section("4.5 the method is that of the request", func() {
		code := w.browser().login(request(spa, "code_challenge", verifier, "code_challenge_method", "plain")).got().Get("code")
		w.redeem(spa, code, "code_challenge_method", "S256").good() // which nobody asks there
		code = w.browser().login(request(spa)).got().Get("code")
		w.redeem(spa, code, "code_challenge_method", "plain", "code_verifier", challenge).bad(403, "invalid_grant", "Failed to verify code verifier")
	})
	w.section("4.6 the example of appendix B", func() {
		code := w.browser().login(request(spa, "code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")).got().Get("code")
		w.redeem(spa, code, "code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").good()
	})
}
