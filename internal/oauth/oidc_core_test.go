package oauth

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// idToken signs ada in and returns the claims of the ID token.
func (w *world) idToken(client string, more ...string) map[string]any {
	w.Helper()
	return w.claims(w.redeem(client, w.browser().login(request(client, more...)).got().Get("code")).good().IDToken)
}

func TestOIDCCore(t *testing.T) {
	w := newWorld(t)
	w.section("2 the types of the claims", func() {
		id := w.idToken(site, "nonce", "n1", "max_age", "600", "scope", "openid email")
		for name, want := range map[string]string{"iss": "string", "sub": "string", "aud": "string", "exp": "number", "iat": "number", "auth_time": "number", "nonce": "string", "email_verified": "boolean"} {
			got := map[bool]string{}
			switch id[name].(type) {
			case string:
				got[true] = "string"
			case float64:
				got[true] = "number"
			case bool:
				got[true] = "boolean"
			}
			if got[true] != want {
				w.Errorf("%s is %v", name, id[name])
			}
		}
		if sub := id["sub"].(string); len(sub) > 255 {
			w.Errorf("sub %q", sub)
		}
	})
	w.section("3.1.2.1 a hint of the same person", func() {
		b := w.browser()
		hint := w.redeem(site, b.login(request(site)).got().Get("code")).good().IDToken
		b.authorize(request(site, "prompt", "none", "id_token_hint", hint)).got()
		w.pass(24 * time.Hour)
		b.authorize(request(site, "prompt", "none", "id_token_hint", hint)).got() // an expired one will do
		fresh := w.browser()
		state := fresh.authorize(request(site, "id_token_hint", hint)).asks("login")
		ok(w, fresh.password(state, adaMail, adaWord))
		fresh.resume(state).got()
	})
	w.section("3.1.2.2 a hint of somebody else", func() {
		hint := w.redeem(site, w.browser().login(request(site)).got().Get("code")).good().IDToken
		b := w.browser()
		state := b.authorize(request(site)).asks("login")
		ok(w, b.password(state, bobMail, adaWord))
		b.resume(state).got()
		b.authorize(request(site, "prompt", "none", "id_token_hint", hint)).fails("login_required", "Login required")
		state = b.authorize(request(site, "id_token_hint", hint)).asks("login")
		ok(w, b.password(state, bobMail, adaWord))
		b.resume(state).fails("login_required", "The user is not the one of the id_token_hint.")
		state = b.authorize(request(site, "id_token_hint", hint)).asks("login")
		ok(w, b.password(state, adaMail, adaWord))
		same(w, "sub", w.claims(w.redeem(site, b.resume(state).got().Get("code")).good().IDToken)["sub"], ada)
	})
	w.section("3.1.2.2 a hint that we did not make", func() {
		good := w.redeem(site, w.browser().login(request(site, "audience", apiAudience, "scope", "openid")).got().Get("code")).good()
		parts := strings.Split(good.IDToken, ".")
		for name, hint := range map[string]string{
			"nonsense": "x", "unsigned": "eyJhbGciOiJub25lIn0." + parts[1] + ".", "an access token": good.AccessToken, "cut": parts[0] + "." + parts[1] + "." + parts[2][:20],
		} {
			if _, _, v := w.browser().authorize(request(site, "prompt", "none", "id_token_hint", hint)).response(); v.Get("error") != "invalid_request" {
				w.Errorf("%s: %v", name, v)
			}
		}
		w.browser().authorize(request(spa, "prompt", "none", "id_token_hint", good.IDToken)).fails("invalid_request", "The id_token_hint is not valid.")
		for iss, code := range map[string]string{"https://acme.test/": "login_required", "https://other.test/": "invalid_request", "": "invalid_request"} { // by a key of ours
			hint, err := w.minter.Sign(t.Context(), w.st, jose.RS256, map[string]any{"iss": iss, "sub": ada, "aud": site, "exp": w.clock().Unix() + 60})
			ok(w, err)
			if _, _, v := w.browser().authorize(request(site, "prompt", "none", "id_token_hint", hint)).response(); v.Get("error") != code {
				w.Errorf("issuer %q: %v", iss, v)
			}
			if a := w.browser().get("/oidc/logout?id_token_hint=" + hint); (a.Code == 400) != (code == "invalid_request") {
				w.Errorf("logout, issuer %q: %d", iss, a.Code)
			}
		}
	})
	w.section("3.1.2.1 select_account asks", func() {
		b := w.browser()
		b.login(request(site)).got()
		b.authorize(request(site, "prompt", "select_account")).asks("login")
	})
	w.section("3.1.2.1 max_age=0 asks", func() {
		b := w.browser()
		b.login(request(site)).got()
		w.pass(time.Second)
		b.authorize(request(site, "max_age", "0")).asks("login")
		b.authorize(request(site, "max_age", "0", "prompt", "none")).fails("login_required", "Login required")
	})
	w.section("3.1.2.3 prompt=none shows nothing", func() {
		b := w.browser()
		b.login(request(third)).asks("consent")
		for _, more := range [][]string{{}, {"max_age", "0"}, {"client_id", third}} {
			w.pass(time.Second)
			a := b.authorize(request(site, append([]string{"prompt", "none"}, more...)...))
			if mode, where, _ := a.response(); mode != "query" || where != callback { // not the login page, whose address has a query too
				w.Errorf("%v: a page: %d %.200s", more, a.Code, a.Body)
			}
		}
	})
	w.section("3.1.2.4 a stranger's client gets nothing without consent", func() {
		b := w.browser()
		b.login(request(third)).asks("consent")
		b.authorize(request(third, "prompt", "none")).fails("consent_required", "Consent required")
	})
	w.section("3.1.3.3 Bearer, and an ID token with openid alone", func() {
		a := w.redeem(site, w.browser().login(request(site)).got().Get("code")).good()
		same(w, "type", []any{a.TokenType, a.IDToken != ""}, []any{"Bearer", true})
		same(w, "none", w.redeem(site, w.browser().login(request(site, "scope", "profile")).got().Get("code")).good().IDToken, "")
	})
	w.section("3.2.2.1 implicit without a nonce", func() {
		for _, types := range []string{"id_token", "id_token token"} {
			w.browser().authorize(request(spa, "response_type", types)).fails("invalid_request", "Missing required parameter: nonce")
		}
	})
	w.section("3.2.2.5 the fragment, also for errors", func() {
		for _, types := range []string{"id_token", "id_token token", "token", "code id_token", "code token", "code id_token token"} {
			mode, _, v := w.browser().authorize(request(spa, "response_type", types, "nonce", "n", "prompt", "none")).response()
			same(w, types, []string{mode, v.Get("error"), v.Get("state")}, []string{"fragment", "login_required", "st+a/te="})
		}
	})
	w.section("3.3.3.6 one issuer and subject in both ID tokens", func() {
		v := w.browser().login(request(spa, "response_type", "code id_token", "nonce", "n1")).got()
		front, back := w.claims(v.Get("id_token")), w.claims(w.redeem(spa, v.Get("code")).good().IDToken)
		same(w, "iss, sub", []any{front["iss"], front["sub"]}, []any{back["iss"], back["sub"]})
	})
	w.section("5.3.2 sub, JSON, UTF-8", func() {
		a := w.redeem(site, w.browser().login(request(site, "scope", "openid")).got().Get("code")).good()
		got := w.info(a.AccessToken)
		same(w, "userinfo", w.userInfo(a.AccessToken)["sub"], w.claims(a.IDToken)["sub"])
		if got.Header().Get("Content-Type") != "application/json; charset=utf-8" {
			w.Error(got.Header())
		}
	})
	w.section("5.5.1 claims that nobody has are no error", func() {
		w.browser().login(request(site, "claims", `{"id_token":{"phone_number":{"essential":true},"nobody":null},"userinfo":{"x":{"essential":true}}}`)).got()
	})
	w.section("9 an assertion for one server, once", func() {
		assert := keyed(w.TB.(*testing.T), w, "RS256")
		form := assert(nil)
		w.token(form).good()
		w.token(form).bad(401, "invalid_client", "Invalid client assertion: its jti was used before")
		w.token(assert(map[string]any{"anything else": 1})).good()
		w.token(assert(map[string]any{"aud": []string{"https://acme.test/", "https://evil.test/"}})).bad(401, "invalid_client", "Invalid client assertion: aud must be https://acme.test/")
		form = assert(nil)
		form.Set("client_assertion_type", "x")
		w.token(form).bad(400, "invalid_request", "Unknown client_assertion_type")
	})
	w.section("10.1 kid among several keys, no shared secret for public clients", func() {
		raw := w.redeem(spa, w.browser().login(request(spa)).got().Get("code")).good().IDToken
		if h := header(t, raw); h.Algorithm != jose.RS256 || h.KeyID == "" {
			w.Errorf("%+v", h)
		}
		w.client(spa, func(c *stagedoor.Client) { c.JWTConfiguration.Algorithm = jose.HS256 })
		same(w, "alg", header(t, w.redeem(spa, w.browser().login(request(spa)).got().Get("code")).good().IDToken).Algorithm, jose.RS256)
		w.client(spa, func(c *stagedoor.Client) { c.JWTConfiguration.Algorithm = "" })
	})
	w.section("11 no refresh token but by a code", func() {
		for _, types := range []string{"token", "id_token token"} {
			v := w.browser().login(request(site, "response_type", types, "nonce", "n", "scope", "openid offline_access")).got()
			if v.Has("refresh_token") || v.Get("scope") != "openid" {
				w.Errorf("%v", v)
			}
			v = w.browser().login(request(site, "response_type", types, "nonce", "n", "scope", "openid offline_access", "audience", apiAudience)).got()
			same(w, "the scope of the token", w.claims(v.Get("access_token"))["scope"], "openid")
		}
	})
	w.section("12.2 a renewed ID token", func() {
		b := w.browser()
		first := w.redeem(site, b.login(request(site, "scope", "openid offline_access", "nonce", "n", "max_age", "600")).got().Get("code")).good()
		w.pass(time.Minute)
		before, after := w.claims(first.IDToken), w.claims(w.refresh(site, first.RefreshToken).good().IDToken)
		same(w, "iss, sub, aud, auth_time", []any{after["iss"], after["sub"], after["aud"], after["auth_time"]}, []any{before["iss"], before["sub"], before["aud"], before["auth_time"]})
		same(w, "iat", after["iat"].(float64)-before["iat"].(float64), 60)
		if after["nonce"] != nil || after["azp"] != nil {
			w.Errorf("%v", after)
		}
	})
	w.section("14 lists are split at spaces alone", func() {
		w.browser().authorize(request(site, "prompt", "none,login")).asks("login") // no value that we know
		a := w.redeem(site, w.browser().login(request(site, "scope", "openid,email")).got().Get("code")).good()
		same(w, "ID token", a.IDToken, "")
	})
	w.section("15.1 what all providers take", func() {
		b := w.browser()
		b.login(request(site)).got()
		for name, values := range map[string][]string{
			"display": {"page", "popup", "touch", "wap", "nobody"}, "ui_locales": {"fr-CA fr en", "xx"}, "claims_locales": {"de"}, "acr_values": {"urn:nobody:knows 1"}, "login_hint": {"x@y.z"}, "prompt": {"none"},
		} {
			for _, value := range values {
				b.authorize(request(site, name, value)).got()
			}
		}
	})
	w.section("16 an authorization request in the fragment or the body is read as it is", func() {
		a := w.browser().post("/authorize?client_id="+third, request(site))
		a.page(400, "Duplicate parameter: client_id")
	})
}

func TestOIDCDiscovery(t *testing.T) {
	w := newWorld(t)
	doc := w.metadata()
	w.section("3 what dynamic providers support", func() {
		for name, needs := range map[string][]string{
			"response_types_supported": {"code", "id_token", "token id_token"}, "id_token_signing_alg_values_supported": {"RS256"}, "subject_types_supported": {"public"}, "scopes_supported": {"openid"},
		} {
			for _, one := range needs {
				if !slices.Contains(list(doc[name]), one) {
					w.Errorf("%s lacks %s", name, one)
				}
			}
		}
	})
	w.section("3 keys with their use", func() {
		var set struct{ Keys []map[string]any }
		ok(w, json.Unmarshal(w.browser().get("/.well-known/jwks.json").Body.Bytes(), &set))
		for _, k := range set.Keys {
			if k["use"] != "sig" || k["kid"] == "" || k["d"] != nil || k["p"] != nil {
				w.Errorf("%v", k["kid"])
			}
		}
	})
	w.section("4.1 by GET, with the issuer before it", func() {
		if a := w.browser().get("/.well-known/openid-configuration"); a.Code != http.StatusOK || doc["issuer"] != "https://acme.test/" {
			w.Errorf("%d", a.Code)
		}
		if a := w.browser().post("/.well-known/openid-configuration", url.Values{}); a.Code != http.StatusMethodNotAllowed {
			w.Errorf("%d", a.Code)
		}
	})
	w.section("Session Management is not offered", func() {
		if doc["check_session_iframe"] != nil {
			w.Error("check_session_iframe")
		}
		if v := w.browser().login(request(site)).got(); v.Has("session_state") {
			w.Error("session_state")
		}
	})
}

func TestRFC8693(t *testing.T) {
	w := newWorld(t)
	w.client(site, func(c *stagedoor.Client) {
		c.Stored = map[string]json.RawMessage{"token_exchange": json.RawMessage(`{"allow_any_profile_of_type":["custom_authentication"]}`)}
	})
	w.exchangeProfile(`if (event.transaction.subject_token === 'forged') api.access.rejectInvalidSubjectToken('Forged'); else api.authentication.setUserById('auth0|ada');`)
	w.section("2.1 required parameters", func() {
		for _, name := range []string{"subject_token", "subject_token_type"} {
			w.exchange(name, "-").bad(400, "invalid_request", "Missing required parameter: "+name)
		}
		w.exchange("actor_token", "x").bad(400, "invalid_request", "Missing required parameter: actor_token_type")
		w.exchange("actor_token_type", "urn:x:y").bad(400, "invalid_request", "Missing required parameter: actor_token")
	})
	w.section("2.2.1 the answer", func() {
		a := w.exchange().good()
		same(w, "answer", []any{a.IssuedTokenType, a.TokenType, a.Scope != ""}, []any{typeAccessToken, "Bearer", true})
	})
	w.section("2.2.2 what cannot be taken is invalid_request", func() {
		w.exchange("subject_token", "forged").bad(400, "invalid_request", "Forged")
		w.exchange("subject_token_type", "urn:nobody:knows").bad(400, "invalid_request", "There is no token exchange profile for the subject_token_type.")
	})
}
