package oauth

import (
	"encoding/base64"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
)

// TestAttackJWTConfusion: a token of one kind is none of another, also where the tenant signed it.
func TestAttackJWTConfusion(t *testing.T) {
	w := newWorld(t)
	good := w.redeem(site, w.browser().login(request(site, "audience", apiAudience, "scope", "openid offline_access read:songs")).got().Get("code")).good()
	client, err := w.st.Client(t.Context(), site)
	ok(t, err)
	logout, err := w.minter.LogoutToken(t.Context(), w.st, client, &stagedoor.LogoutNotice{ID: "n1", UserID: ada, SessionID: "sess_x", Issuer: "https://acme.test/"})
	ok(t, err)
	w.api(func(rs *stagedoor.ResourceServer) { rs.TokenDialect = "rfc9068_profile" })
	at := w.redeem(site, w.browser().login(request(site, "audience", apiAudience, "scope", "openid")).got().Get("code")).good().AccessToken
	parts := strings.Split(good.IDToken, ".")
	head := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	w.section("as an ID token", func() {
		for name, hint := range map[string]string{
			"a logout token": logout, "an access token": good.AccessToken, "an RFC 9068 access token": at, "a refresh token": good.RefreshToken,
			"alg none": head(`{"alg":"none","typ":"JWT"}`) + "." + parts[1] + ".", "alg NONE": head(`{"alg":"NONE"}`) + "." + parts[1] + ".", "crit": head(`{"alg":"RS256","crit":["x"]}`) + "." + parts[1] + "." + parts[2],
			"jwk": head(`{"alg":"RS256","jwk":{"kty":"oct","k":"AA"}}`) + "." + parts[1] + "." + parts[2], "jku": head(`{"alg":"RS256","jku":"https://evil.test/jwks"}`) + "." + parts[1] + "." + parts[2],
			"kid of a path": head(`{"alg":"RS256","kid":"../../etc/passwd"}`) + "." + parts[1] + "." + parts[2], "two of a name": head(`{"alg":"RS256","alg":"none"}`) + "." + parts[1] + "." + parts[2],
		} {
			w.browser().authorize(request(site, "prompt", "none", "id_token_hint", hint)).fails("invalid_request", "The id_token_hint is not valid.")
			if a := w.browser().get("/oidc/logout?id_token_hint=" + url.QueryEscape(hint)); a.Code != 400 || a.Header().Get("Location") != "" {
				w.Errorf("%s at logout: %d %q", name, a.Code, a.Header().Get("Location"))
			}
		}
	})
	w.section("as an access token", func() {
		for name, token := range map[string]string{"an ID token": good.IDToken, "a logout token": logout, "a refresh token": good.RefreshToken} {
			if a := w.info(token); a.Code != 401 {
				w.Errorf("%s: %d", name, a.Code)
			}
		}
	})
	w.section("as a refresh token or a code", func() {
		for name, token := range map[string]string{"an ID token": good.IDToken, "an access token": good.AccessToken, "a logout token": logout} {
			if a := w.refresh(site, token); a.Code != 403 {
				w.Errorf("%s as a refresh token: %d", name, a.Code)
			}
			if a := w.redeem(site, token); a.Code != 403 {
				w.Errorf("%s as a code: %d", name, a.Code)
			}
		}
		if a := w.redeem(site, good.RefreshToken); a.Code != 403 {
			w.Errorf("a refresh token as a code: %d", a.Code)
		}
		if a := w.refresh(site, w.browser().login(request(site)).got().Get("code")); a.Code != 403 {
			w.Errorf("a code as a refresh token: %d", a.Code)
		}
	})
	w.section("as a client's assertion", func() {
		for name, token := range map[string]string{"an ID token": good.IDToken, "an access token": good.AccessToken, "a logout token": logout} {
			a := w.token(values("grant_type", "client_credentials", "audience", apiAudience, "client_assertion_type", assertionType, "client_assertion", token))
			if a.Code != 401 {
				w.Errorf("%s: %d %s", name, a.Code, a.Body)
			}
		}
	})
}

// TestAttackResponseMode: no trick with modes puts a token into a query, or an answer where none may go.
func TestAttackResponseMode(t *testing.T) {
	w := newWorld(t)
	for _, types := range []string{"token", "id_token", "id_token token", "code token", "code id_token", "code id_token token"} {
		for _, mode := range []string{"query", "QUERY", "Query", " query", "query ", "query fragment", "query,fragment", "none", "jwt", "query.jwt", "\tquery", "qu\u00adery"} {
			a := w.browser().authorize(request(spa, "response_type", types, "response_mode", mode, "nonce", "n"))
			got, _, v := a.response()
			if got == "query" || v.Get("error") == "" {
				t.Errorf("%s by %q: %s %v", types, mode, got, v)
			}
		}
	}
	for _, types := range []string{"Code", "CODE", "code,token", "code+token", "code%20token", "codetoken", "none", "code none", "code\u2003x"} {
		a := w.browser().authorize(request(spa, "response_type", types, "nonce", "n"))
		if _, _, v := a.response(); v.Get("error") != "unsupported_response_type" {
			t.Errorf("%q: %v", types, v)
		}
	}
	for _, to := range []string{"myapp://cb", "https://evil.test/"} {
		if a := w.browser().authorize(request(spa, "redirect_uri", to, "response_mode", "web_message", "prompt", "none")); a.Code/100 != 4 || strings.Contains(a.Body.String(), "postMessage") {
			t.Errorf("%s: %d %.300s", to, a.Code, a.Body)
		}
	}
}

// TestAttackParameterPollution: what stands in two places, or twice in one, decides nothing.
func TestAttackParameterPollution(t *testing.T) {
	w := newWorld(t)
	for name, value := range map[string]string{"client_id": third, "redirect_uri": "https://evil.test/", "response_type": "token", "scope": "openid profile", "state": "x", "code_challenge": challenge, "prompt": "none", "max_age": "1"} {
		for _, v := range []url.Values{request(spa), request(site)} {
			v.Set(name, value)
			a := w.browser().post("/authorize?"+name+"="+url.QueryEscape(value), v)
			a.page(400, "Duplicate parameter: "+name)
		}
	}
	for _, query := range []string{"client_id[]=spa", "client_id%00=spa", "Client_ID=spa", "client_id;=spa", "client_id=spa;client_id=third", "client_id%5B0%5D=spa"} {
		if a := w.browser().get("/authorize?" + query + "&response_type=code&redirect_uri=" + callback); a.Code/100 != 4 || a.Header().Get("Location") != "" {
			t.Errorf("%s: %d %q", query, a.Code, a.Header().Get("Location"))
		}
	}
	code := w.browser().login(request(site)).got().Get("code")
	for _, body := range []string{"&client_id=" + third, "&code=x", "&client_secret=x", "&grant_type=client_credentials", "&redirect_uri=x"} {
		r := newRequest("POST", "/oauth/token", exchange(site, code).Encode()+body)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if a := w.browser().do(r); a.Code != 400 {
			t.Errorf("%s: %d %s", body, a.Code, a.Body)
		}
	}
	r := newRequest("POST", "/oauth/token?client_id="+third+"&client_secret="+secret(third)+"&grant_type=password", exchange(site, code).Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w.read(w.browser().do(r)).good() // the address decides nothing
}

// TestAttackTokenSubstitution: what was given to one client is no good for another of the tenant.
func TestAttackTokenSubstitution(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	code := b.login(request(site, "scope", "openid offline_access")).got().Get("code")
	w.redeem(third, code).bad(403, "invalid_grant", wrongCode)
	w.redeem(site, code).bad(403, "invalid_grant", wrongCode) // it is spoilt: somebody has it who should not
	first := w.offline(site)
	for _, other := range []string{spa, third, legacy} {
		w.refresh(other, first.RefreshToken).bad(403, "invalid_grant", "Unknown or invalid refresh token.")
		more := []string{"client_id", other, "token", first.RefreshToken}
		if other != spa {
			more = append(more, "client_secret", secret(other))
		}
		if a := w.browser().post("/oauth/revoke", values(more...)); a.Code != 200 {
			t.Errorf("%s: %d", other, a.Code)
		}
	}
	w.refresh(site, first.RefreshToken).good()
	if a := w.browser().get("/oidc/logout?client_id=" + third + "&id_token_hint=" + first.IDToken); a.Code != 400 {
		t.Errorf("another client's ID token as a hint: %d", a.Code)
	}
	w.browser().authorize(request(third, "prompt", "none", "id_token_hint", first.IDToken)).fails("invalid_request", "The id_token_hint is not valid.")
}

// TestAttackRedirectRace: what changes between the check of a callback and the answer changes nothing of where the answer goes.
func TestAttackRedirectRace(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	state := b.authorize(request(site)).asks("login")
	ok(t, b.password(state, adaMail, adaWord))
	r := httptest.NewRequest("GET", "/authorize/resume?state="+url.QueryEscape(state)+"&redirect_uri=https://evil.test/&response_mode=fragment&response_type=token", nil)
	mode, where, v := b.do(r).response()
	same(t, "where", []string{mode, where, v.Get("access_token")}, []string{"query", callback, ""})
	w.pass(time.Second)
	w.redeem(site, v.Get("code")).good()
}
