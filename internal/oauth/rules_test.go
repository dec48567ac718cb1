package oauth

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
)

func TestRuleClaims(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.rule(`function (user, context, callback) {
			var ns = 'https://mixtape.test/';
			context.idToken[ns + 'user_metadata'] = user.user_metadata;
			context.accessToken[ns + 'app_metadata'] = user.app_metadata;
			['sub', 'iss', 'aud', 'exp', 'roles', 'permissions', 'gty', 'azp', 'scope_', 'https://auth0.com/x', 'https://x.AUTH0.com/y',
				'https://webtask.io/z', 'urn:auth0:x', 'URN:auth0:y'].forEach(function (n) { context.idToken[n] = 'evil'; context.accessToken[n] = 'evil'; });
			context.idToken.plain = {a: [1, null]}; context.idToken.nothing = undefined; context.idToken.none = null;
			context.idToken.email = 'other@example.com'; context.accessToken.email = 'other@example.com'; context.accessToken.name = 'N';
			callback(null, user, context);
		}`)
		a := w.redeem(site, w.browser().login(request(site, "audience", apiAudience, "scope", "openid email read:songs")).got().Get("code")).good()
		id, access := w.claims(a.IDToken), w.claims(a.AccessToken)
		has(t, "the ID token", id, "aud email email_verified exp https://mixtape.test/user_metadata iat iss none plain scope_ sid sub")
		has(t, "the access token", access, "aud azp email exp https://mixtape.test/app_metadata iat iss scope scope_ sub")
		same(t, "user_metadata", id["https://mixtape.test/user_metadata"], map[string]any{"displayName": "Countess"})
		same(t, "app_metadata", access["https://mixtape.test/app_metadata"], map[string]any{"roles": []string{"editor"}, "plan": "gold"})
		same(t, "values", []any{id["sub"], id["iss"], id["plain"], id["email"], access["azp"]}, []any{ada, "https://acme.test/", map[string]any{"a": []any{1, nil}}, "other@example.com", site})
		same(t, "userinfo", w.userInfo(a.AccessToken)["https://mixtape.test/user_metadata"], id["https://mixtape.test/user_metadata"])

		// Plain names stay out of tokens for the Management API.
		m := w.redeem(site, w.browser().login(request(site, "audience", "https://acme.test/api/v2/", "scope", "openid email")).got().Get("code")).good()
		has(t, "the management token", w.claims(m.AccessToken), "aud azp exp https://mixtape.test/app_metadata iat iss scope sub")
	})
}

func TestRuleScope(t *testing.T) {
	w := newWorld(t)
	w.rule(`function (user, context, callback) { context.accessToken.scope = ['openid', 'edit:songs', 'bad scope', '']; callback(null, user, context); }`)
	a := w.redeem(site, w.browser().login(request(site, "audience", apiAudience, "scope", "openid read:songs")).got().Get("code")).good()
	same(t, "scope", []any{a.Scope, w.claims(a.AccessToken)["scope"]}, []any{"openid edit:songs", "openid edit:songs"})
	v := w.browser().login(request(site, "response_type", "token", "audience", apiAudience, "scope", "openid read:songs")).got()
	same(t, "scope in the fragment", v.Get("scope"), "openid edit:songs")
	w.noRules()
	w.rule(`function (user, context, callback) { context.accessToken.scope = 'x'; callback(null, user, context); }`)
	w.browser().login(request(site)).fails("access_denied", "A rule set context.accessToken.scope to something else than an array of strings.")
}

func TestRuleRefuses(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ script, code, text string }{
		{`callback(new UnauthorizedError('Members & <friends> only'))`, "unauthorized", "Members & <friends> only"},
		{`callback(new Error('Not "today"'))`, "access_denied", `Not "today"`},
		{`callback('just text')`, "access_denied", "just text"},
		{`throw new Error('thrown')`, "access_denied", "thrown"},
		{`for (;;) {}`, "access_denied", "Blocked event loop."},
		{`context.redirect = {url: 'javascript:1'}; callback(null, user, context)`, "access_denied", "A rule set context.redirect without a url that is an http or https address."},
		{`context.idToken = 7; callback(null, user, context)`, "access_denied", "A rule left context.idToken or context.accessToken that is not an object."},
		{`context.idToken['https://a.test/big'] = 'x'.repeat(103000); callback(null, user, context)`, "access_denied", "Custom claims exceed the limit of 102400 bytes."},
	} {
		w.noRules()
		w.rule("function (user, context, callback) { console.log('seen'); " + c.script + "; }")
		for _, mode := range []string{"query", "fragment", "form_post", "web_message"} {
			b := w.browser()
			a := b.login(request(spa, "response_mode", mode))
			a.fails(c.code, c.text)
			got, _, v := a.response()
			same(t, "mode and state", []string{got, v.Get("state")}, []string{mode, "st+a/te="})
			e := w.events()
			text, _ := json.Marshal(e)
			if len(e) != 1 || e[0].Type != "f" || e[0].Description != c.text || !strings.Contains(string(text), "seen") || e[0].UserID != ada {
				t.Errorf("%s: %s", c.script, text)
			}
			if c.script == `for (;;) {}` {
				break
			}
			// The person is signed in all the same, and silent authentication is refused alike.
			b.authorize(request(spa, "response_mode", mode, "prompt", "none")).fails(c.code, c.text)
			w.wantLog("fsa")
		}
	}
	w.noRules()
	w.browser().login(request(spa)).got()
}

func TestRuleMetadata(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.settings(func(s *stagedoor.TenantSettings) { s.Local.MaxMetadataBytes = 1000 })
		w.rule(`async function (user, context, callback) {
			user.user_metadata = user.user_metadata || {};
			user.user_metadata.displayName = 'Lady';
			await auth0.users.updateUserMetadata(user.user_id, user.user_metadata);
			await auth0.users.updateAppMetadata(user.user_id, {roles: null, level: 7});
			var failures = [];
			try { await auth0.users.updateAppMetadata('auth0|nobody', {x: 1}); } catch (e) { failures.push(e.message); }
			try { await auth0.users.updateUserMetadata(user.user_id, {'a.b': 1}); } catch (e) { failures.push(e.message); }
			try { await auth0.users.updateAppMetadata(user.user_id, {big: 'x'.repeat(2000)}); } catch (e) { failures.push('big'); }
			context.idToken['https://a.test/failures'] = failures.length;
			context.idToken['https://a.test/name'] = user.user_metadata.displayName;
			callback(null, user, context);
		}`)
		a := w.redeem(site, w.browser().login(request(site)).got().Get("code")).good()
		same(t, "claims", []any{w.claims(a.IDToken)["https://a.test/failures"], w.claims(a.IDToken)["https://a.test/name"]}, []any{3, "Lady"})
		u := w.user(ada)
		same(t, "user_metadata", u.UserMetadata, map[string]any{"displayName": "Lady"})
		same(t, "app_metadata", u.AppMetadata, map[string]any{"plan": "gold", "level": 7})
	})
}

// The log of a login that failed says in which line of a rule.
func TestLogTellsTheLineOfARule(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.rule("function plan(user, context, callback) {\n  context.idToken['https://a.test/plan'] = user.none.plan;\n  callback(null, user, context);\n}")
		w.events()
		w.browser().login(request(spa)).fails("access_denied", "cannot read property 'plan' of undefined")
		all := w.events()
		for _, e := range all {
			told, _ := e.Details["error"].(map[string]any)
			if stack, _ := told["stack"].(string); e.Type == "f" && strings.HasPrefix(stack, "TypeError: cannot read property 'plan' of undefined\n    at plan (<eval>:2:") {
				return
			}
		}
		t.Errorf("no event says where: %+v", all)
	})
}

// What rules and actions say is in the tenant's log, and what they refuse with at the client's, without settings, secrets and tokens.
func TestScriptsTellNoSecrets(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ok(t, w.st.SetRulesConfig(t.Context(), "API_KEY", "sesame-of-the-api"))
		tokens := w.redeem(site, w.browser().login(request(site, "scope", "openid offline_access")).got().Get("code")).good()
		w.rule(`function (user, context, callback) {
			console.log(configuration, auth0.accessToken);
			callback(new UnauthorizedError('bad ' + configuration.API_KEY + ' ' + auth0.accessToken));
		}`)
		w.events()
		b := w.browser()
		b.login(request(spa)).fails("unauthorized", "bad ~configuration.API_KEY~ ~masked~")
		w.refresh(site, tokens.RefreshToken).bad(401, "unauthorized", "bad ~configuration.API_KEY~ ~masked~")
		text, err := json.Marshal(w.events())
		ok(t, err)
		if strings.Contains(string(text), "sesame") || strings.Contains(string(text), "eyJ") || strings.Count(string(text), "{ API_KEY: '~configuration.API_KEY~' } ~masked~") != 2 {
			t.Errorf("the log has %s", text)
		}
		w.noRules()
		w.action(script.PostLogin, "keys", `exports.onExecutePostLogin = async (event, api) => { console.log(event.secrets); throw new Error('bad ' + event.secrets.KEY); };`, "KEY", "sesame-of-the-action")
		w.refresh(site, tokens.RefreshToken).bad(500, "access_denied", "bad ~secrets.keys.KEY~")
		text, err = json.Marshal(w.events())
		ok(t, err)
		if strings.Contains(string(text), "sesame") || !strings.Contains(string(text), "{ KEY: '~secrets.keys.KEY~' }") {
			t.Errorf("the log has %s", text)
		}
	})
}

// What a rule sees, and what it never sees.
func TestRuleContext(t *testing.T) {
	w := newWorld(t)
	w.rule(`function (user, context, callback) {
		const seen = JSON.stringify({user: user, context: context, configuration: configuration, env: typeof process === 'undefined' ? {} : process.env});
		console.log(Buffer.from(seen).toString('hex')); // what is seen, without masks
		callback(null, user, context);
	}`)
	ok(t, w.st.SetRulesConfig(t.Context(), "KEY", "value of the operator's"))
	seen := func() (map[string]any, string) {
		t.Helper()
		e := w.events()
		for i := len(e) - 1; i >= 0; i-- {
			if e[i].Details["console"] == nil {
				continue
			}
			line, err := hex.DecodeString(e[i].Details["console"].([]any)[0].(map[string]any)["text"].(string))
			ok(t, err)
			var v map[string]any
			if err := json.Unmarshal(line, &v); err != nil {
				t.Fatalf("%v: %.300s", err, line)
			}
			return v, string(line)
		}
		t.Fatal("nothing was logged")
		return nil, ""
	}
	dig := func(v any, path ...string) any {
		for _, name := range path {
			m, _ := v.(map[string]any)
			v = m[name]
		}
		return v
	}
	b := w.browser()
	a := b.login(request(site, "scope", "openid offline_access", "login_hint", "x", "ext-party", "1", "client_secret", "hush-hush", "password", "hush-hush"))
	v, text := seen()
	request := func(name ...string) any { return dig(v, append([]string{"context", "request"}, name...)...) }
	same(t, "request", []any{request("ip"), request("hostname"), request("userAgent"), request("query", "ext-party"), request("query", "scope"), request("body")},
		[]any{"192.0.2.7", "acme.test", "test browser", "1", "openid offline_access", map[string]any{}})
	context := func(name ...string) any { return dig(v, append([]string{"context"}, name...)...) }
	same(t, "context", []any{context("tenant"), context("clientID"), context("clientName"), context("connection"), context("connectionStrategy"), context("protocol"), context("stats", "loginsCount")},
		[]any{"acme", site, "Regular web", "Users", "auth0", "oidc-basic-profile", 1})
	same(t, "user", []any{dig(v, "user", "user_id"), dig(v, "user", "plan"), dig(v, "user", "app_metadata", "plan")}, []any{ada, "gold", "gold"})
	same(t, "configuration", dig(v, "configuration", "KEY"), "value of the operator's")
	for _, cookie := range b.cookies {
		text = strings.ReplaceAll(text, cookie.Value, "SECRET")
	}
	for _, word := range []string{adaWord, "hush-hush", "$argon2", "SECRET", secret(site)} {
		if strings.Contains(text, word) {
			t.Errorf("a rule sees %s", word)
		}
	}
	// Silent authentication does not count as a login, and comes with the session.
	b.authorize(values("client_id", site, "response_type", "code", "scope", "openid", "prompt", "none")).got()
	v, _ = seen()
	same(t, "silent", []any{context("stats", "loginsCount"), request("query", "prompt"), context("sso", "current_clients")}, []any{1, "none", []string{site}})
	same(t, "logins", w.user(ada).LoginsCount, 1)
	// A refresh shows the body, but nothing that opens anything.
	tokens := w.redeem(site, a.got().Get("code")).good()
	w.refresh(site, tokens.RefreshToken, "ext-x", "1").good()
	v, text = seen()
	same(t, "refresh", []any{context("protocol"), request("body"), request("query")},
		[]any{"oauth2-refresh-token", map[string]any{"client_id": site, "ext-x": "1", "grant_type": "refresh_token"}, map[string]any{}})
	if strings.Contains(text, tokens.RefreshToken) || strings.Contains(text, secret(site)) {
		t.Error("a rule sees a secret of a token request")
	}
	same(t, "logins", w.user(ada).LoginsCount, 1)
	for types, protocol := range map[string]string{"token": "oidc-implicit-profile", "code token": "oidc-hybrid-profile"} {
		b.authorize(values("client_id", site, "response_type", types, "prompt", "none")).got()
		v, _ = seen()
		same(t, types, context("protocol"), protocol)
	}
}

// Nothing that opens anything gets into a log or an error text.
func TestSecretsStayOut(t *testing.T) {
	w := newWorld(t)
	w.rotating(spa, nil)
	secrets := map[string]string{"password": adaWord, "wrong password": "Engine-No.2-guess", "client secret": secret(site), "wrong secret": "secret-guess", "verifier": verifier}
	keep := func(name, value string) {
		if len(value) < 8 {
			t.Fatalf("%s is %q", name, value)
		}
		secrets[name] = value
	}
	b := w.browser()
	state := b.authorize(request(spa, "audience", apiAudience, "scope", "openid read:songs offline_access")).asks("login")
	keep("transaction", state)
	if err := b.password(state, adaMail, secrets["wrong password"]); err == nil || strings.Contains(err.Error(), "guess") {
		t.Errorf("%v", err)
	}
	if err := b.password(state, "nobody@example.com", secrets["wrong password"]); err == nil || strings.Contains(err.Error(), "guess") {
		t.Errorf("%v", err)
	}
	ok(t, b.password(state, adaMail, adaWord))
	code := b.resume(state).got().Get("code")
	keep("code", code)
	for name, c := range b.cookies {
		keep("cookie "+name, c.Value)
	}
	var bodies strings.Builder
	w.redeem(site, code, "client_secret", "secret-guess")
	first := w.redeem(spa, code).good()
	keep("access token", first.AccessToken)
	keep("ID token", first.IDToken)
	keep("refresh token", first.RefreshToken)
	second := w.refresh(spa, first.RefreshToken).good()
	keep("second refresh token", second.RefreshToken)
	for _, a := range []*tokenAnswer{w.refresh(spa, first.RefreshToken), w.redeem(spa, code), w.redeem(site, code), w.redeem(spa, code, "client_secret", "secret-guess"), w.refresh(site, second.RefreshToken)} {
		bodies.WriteString(a.Body.String())
	}
	bodies.WriteString(fmt.Sprint(w.info(first.AccessToken + "x").Header()))
	bodies.WriteString(b.resume(state).Body.String())
	events, err := json.Marshal(w.events())
	ok(t, err)
	if !strings.Contains(string(events), `"fp"`) || !strings.Contains(string(events), `"fu"`) || !strings.Contains(string(events), "ferrt") {
		t.Fatalf("events are missing: %s", events)
	}
	for name, value := range secrets {
		for where, text := range map[string]string{"the tenant's log": string(events), "the operator's log": operatorLog.String(), "an error": bodies.String()} {
			if strings.Contains(text, value) || strings.Contains(text, url.QueryEscape(value)) {
				t.Errorf("%s has the %s", where, name)
			}
		}
	}
}
