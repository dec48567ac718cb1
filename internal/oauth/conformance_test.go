package oauth

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
)

// The items of the conformance checklist (extensibility fact sheet 6.6) that are about logins and tokens, by number. Items 9, 10 and 20 are in
// redirect_test.go; the registration of item 22, and items 24 and 25, are in the login room's tests, the prefix of the id of item 24 in the Management API's.

// TestConformance03Codes: the two codes, with exact texts, at every response mode and at the token endpoint.
func TestConformance03Codes(t *testing.T) {
	w := newWorld(t)
	tokens := w.redeem(site, w.browser().login(request(site, "scope", "openid offline_access")).got().Get("code")).good()
	w.events()
	for _, c := range []struct{ script, code, text string }{
		{`callback(new UnauthorizedError('Members & <friends> only'))`, "unauthorized", "Members & <friends> only"},
		{`callback(new UnauthorizedError('two', 'arguments'), user, context)`, "unauthorized", "two"},
		{`callback(new Error('Not "today"'))`, "access_denied", `Not "today"`},
		{`callback(new ValidationError('some_code', 'validation'))`, "access_denied", "validation"},
		{`callback('just text')`, "access_denied", "just text"},
		{`callback({message: 'an object', code: 'unauthorized'})`, "access_denied", "an object"},
		{`callback({description: 'described'})`, "access_denied", "described"},
		{`callback(7)`, "access_denied", "7"},
		{`throw new Error('thrown')`, "access_denied", "thrown"},
		{`throw new TypeError('of a type')`, "access_denied", "of a type"},
		{`throw new UnauthorizedError('thrown too')`, "access_denied", "thrown too"},
		{`setTimeout(() => { throw new Error('later'); }, 1)`, "access_denied", "later"},
		{`const x =`, "access_denied", "Script generated an unhandled synchronous exception."},
		{`for (;;) {}`, "access_denied", "Blocked event loop."},
		{`return 1; } + function (`, "access_denied", "Script generated an unhandled synchronous exception."},
	} {
		w.noRules()
		w.rule("function (user, context, callback) { " + c.script + "; }")
		slow := c.text == "Blocked event loop."
		b := w.browser()
		b.login(request(spa)).fails(c.code, c.text)
		w.wantLog("f")
		for _, mode := range []string{"query", "fragment", "form_post", "web_message"} {
			if slow {
				break
			}
			a := b.authorize(request(spa, "response_mode", mode, "prompt", "none"))
			a.fails(c.code, c.text)
			got, _, v := a.response()
			same(t, "mode and state", []string{got, v.Get("state")}, []string{mode, "st+a/te="})
			w.wantLog("fsa")
		}
		status := 403
		if c.code == "unauthorized" {
			status = 401
		}
		w.refresh(site, tokens.RefreshToken).bad(status, c.code, c.text)
		e := w.events()
		if len(e) != 1 || e[0].Type != "fertft" || e[0].Description != c.text {
			t.Errorf("%s: %+v", c.script, e)
		}
	}
}

// TestConformance06Legacy: a property that a rule puts on the user appears in the ID token of a client of the old kind which names it as a
// scope, and never in a conformant one's.
func TestConformance06Legacy(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.rule(`function (user, context, callback) { user.fav = 'blue'; user.hidden = 'x'; delete user.picture; user.nickname = 'Countess'; callback(null, user, context); }`)
		claims := func(client, scope string, hmac ...string) (map[string]any, *tokenAnswer) {
			t.Helper()
			a := w.redeem(client, w.browser().login(request(client, "scope", scope)).got().Get("code")).good()
			return w.claims(a.IDToken, hmac...), a
		}
		id, tokens := claims(legacy, "openid email fav nickname picture", secret(legacy))
		same(t, "named", []any{id["fav"], id["nickname"], id["email"], id["hidden"], id["picture"], id["sub"]}, []any{"blue", "Countess", adaMail, nil, nil, ada})
		same(t, "userinfo", w.userInfo(tokens.AccessToken)["fav"], "blue")
		id, _ = claims(legacy, "openid", secret(legacy))
		has(t, "openid alone", id, "aud exp iat iss sid sub")
		id, _ = claims(legacy, "openid profile", secret(legacy))
		same(t, "the whole profile", []any{id["fav"], id["hidden"], id["user_id"]}, []any{"blue", "x", ada})
		_, err := w.st.PatchMetadata(t.Context(), ada, nil, stagedoor.Metadata{"name": json.RawMessage(`"of metadata"`), "plan": json.RawMessage(`"gold"`)}, 1000)
		ok(t, err)
		before := id["name"]
		id, _ = claims(legacy, "openid profile", secret(legacy))
		same(t, "what rules see at the root", []any{id["name"], id["plan"]}, []any{before, nil})
		id, _ = claims(site, "openid profile fav email")
		same(t, "conformant", []any{id["fav"], id["hidden"], id["nickname"], id["user_id"]}, []any{nil, nil, "Countess", nil})
	})
}

// TestConformance07Claims: restricted names and namespaces are passed over without a word, plain names are kept, too much fails.
func TestConformance07Claims(t *testing.T) {
	w := newWorld(t)
	restricted := strings.Fields(`acr act active amr at_hash ath attest aud auth_time authorization_details azp c_hash client_id cnf cty dest
		entitlements events exp groups gty htm htu iat internalService iss jcard jku jti jwe jwk kid may_act mky nbf nonce object_id org_id org_name orig
		origid permissions roles rph s_hash sid sip_callid sip_cseq_num sip_date sip_from_tag sip_via_branch sub sub_jwk toe txn typ uuid vot vtm x5t#S256
		https://auth0.com/a https://x.auth0.com/a https://webtask.io/a https://a.webtask.run/a urn:auth0:a`)
	names, err := json.Marshal(restricted)
	ok(t, err)
	tokens := func() (id, access map[string]any) {
		a := w.redeem(site, w.browser().login(request(site, "audience", apiAudience, "scope", "openid")).got().Get("code")).good()
		return w.claims(a.IDToken), w.claims(a.AccessToken)
	}
	plainID, plainAccess := tokens()
	for i := range 2 {
		w.noRules()
		w.noActions()
		if i == 0 {
			w.rule(`function (user, context, callback) { ` + string(names) + `.concat('plain', 'urn:mine', 'http://a.test/b', 'email').forEach(function (n) { context.idToken[n] = 'evil'; context.accessToken[n] = 'evil'; }); context.idToken.plain = undefined; context.idToken.plain = null; callback(null, user, context); }`)
		} else {
			w.postLogin(string(names) + `.concat('plain', 'urn:mine', 'http://a.test/b', 'email').forEach(n => { api.idToken.setCustomClaim(n, 'evil'); api.accessToken.setCustomClaim(n, 'evil'); }); api.idToken.setCustomClaim('plain', null);`)
		}
		id, access := tokens()
		for name, was := range map[string]map[string]any{"ID token": plainID, "access token": plainAccess} {
			is := map[string]map[string]any{"ID token": id, "access token": access}[name]
			for _, claim := range restricted {
				if claim != "exp" && claim != "iat" && claim != "sid" && fmt.Sprint(is[claim]) != fmt.Sprint(was[claim]) {
					t.Errorf("%s: %s is %v, was %v", name, claim, is[claim], was[claim])
				}
			}
			if is["urn:mine"] != "evil" || is["http://a.test/b"] != "evil" || is["email"] != nil {
				t.Errorf("%s: %v", name, is)
			}
		}
		if value, there := id["plain"]; !there || value != nil || access["plain"] != "evil" {
			t.Errorf("plain: %v %v", id["plain"], access["plain"])
		}
	}
	w.noActions()
	const text = "Custom claims exceed the limit of 102400 bytes."
	for _, where := range []string{"idToken", "accessToken"} {
		w.noRules()
		w.rule(`function (user, context, callback) { context.` + where + `['https://a.test/big'] = 'x'.repeat(103000); callback(null, user, context); }`)
		w.browser().login(request(site)).fails("access_denied", text)
		w.noRules()
		w.postLogin(`api.` + where + `.setCustomClaim('https://a.test/big', 'x'.repeat(103000));`)
		w.browser().login(request(site)).fails("access_denied", text)
		w.noActions()
	}
	w.rule(`function (user, context, callback) { context.idToken['https://a.test/one'] = 'x'.repeat(60000); callback(null, user, context); }`)
	w.postLogin(`api.idToken.setCustomClaim('https://a.test/two', 'x'.repeat(60000));`)
	w.browser().login(request(site)).fails("access_denied", text) // together
}

// TestConformance08Scope: context.accessToken.scope replaces what is granted.
func TestConformance08Scope(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.rule(`function (user, context, callback) { context.accessToken.scope = ['openid', 'edit:songs', 'never:asked', 'offline_access']; callback(null, user, context); }`)
		a := w.redeem(site, w.browser().login(request(site, "audience", apiAudience, "scope", "openid profile read:songs")).got().Get("code")).good()
		const granted = "openid edit:songs never:asked offline_access"
		same(t, "scope", []any{a.Scope, w.claims(a.AccessToken)["scope"], w.claims(a.IDToken)["name"], a.RefreshToken != ""}, []any{granted, granted, nil, true})
		w.noRules()
		w.rule(`function (user, context, callback) { context.accessToken.scope = []; callback(null, user, context); }`)
		r := w.refresh(site, a.RefreshToken).good()
		same(t, "refreshed", []any{r.Scope, w.claims(r.AccessToken)["scope"], r.IDToken}, []any{"", nil, ""})
	})
}

// TestConformance18Deny: code behind deny runs, later actions do not, metadata set before are stored.
func TestConformance18Deny(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.postLogin(`api.user.setAppMetadata('first', 1);`)
		w.postLogin(`api.user.setUserMetadata('before', 1); api.access.deny('No'); api.user.setUserMetadata('after', 1); console.log('runs on'); api.access.deny('Too late');
			api.session.setMetadata('never', 'kept'); api.idToken.setCustomClaim('a', 1);`)
		w.postLogin(`console.log('never'); api.user.setAppMetadata('third', 1);`)
		w.browser().login(request(site)).fails("access_denied", "No")
		same(t, "console", w.spoken(), "runs on")
		u := w.user(ada)
		same(t, "metadata", []any{u.AppMetadata["first"], u.UserMetadata["before"], u.UserMetadata["after"], u.AppMetadata["third"]}, []any{1, 1, 1, nil})
		sessions, err := w.st.UserSessions(t.Context(), ada)
		ok(t, err)
		same(t, "session", sessions[0].Metadata, nil)
	})
}

// TestConformance19Event: what one action sets in metadata the next one sees; what it does to the event nobody sees.
func TestConformance19Event(t *testing.T) {
	w := newWorld(t)
	w.postLogin(`api.user.setAppMetadata('plan', 'silver'); api.user.setUserMetadata('theme', {dark: true}); api.user.setUserMetadata('theme', undefined); api.user.setUserMetadata('displayName', null);
		event.user.user_id = 'auth0|bob'; event.user.app_metadata.hacked = true; event.transaction.protocol = 'x'; event.client = {}; Object.prototype.polluted = 1;`)
	w.postLogin(`console.log(event.user.user_id, JSON.stringify(event.user.app_metadata), JSON.stringify(event.user.user_metadata), event.transaction.protocol, event.client.client_id);`)
	id := w.claims(w.redeem(site, w.browser().login(request(site)).got().Get("code")).good().IDToken)
	same(t, "sub", id["sub"], ada)
	same(t, "console", w.spoken(), `auth0|ada {"plan":"silver","roles":["editor"]} {} oidc-basic-profile site`)
	same(t, "stored", []any{w.user(ada).AppMetadata, w.user(ada).UserMetadata}, []any{map[string]any{"plan": "silver", "roles": []string{"editor"}}, map[string]any{}})
}

// TestConformance21Cache: get returns a record; what is over a limit answers an error and does not throw.
func TestConformance21Cache(t *testing.T) {
	w := newWorld(t)
	w.postLogin(`
		const before = api.cache.get('k');
		const said = [api.cache.set('k', 'v', {ttl: 60000}).type, api.cache.set('k'.repeat(65), 'v').code, api.cache.set('k2', 'v'.repeat(4097)).code,
			api.cache.set('k3', 'v', {expires_at: 1}).code, api.cache.set('k4', 'v', {ttl: 'x'}).code, api.cache.delete('nothing').code];
		const r = api.cache.get('k');
		console.log(before ? before.value : 'nothing', r.value, typeof r.expires_at, said.join());`)
	const said = "success,CacheKeySizeExceeded,CacheValueSizeExceeded,ItemAlreadyExpired,InvalidExpiry,CacheKeyDoesNotExist"
	for range 2 {
		w.browser().login(request(site)).got()
	}
	same(t, "console", w.spoken(), "nothing v number "+said+"\nv v number "+said)
}

// TestConformance22TokenEndpoint: a denial is a 500, a revoked refresh token a 403.
func TestConformance22TokenEndpoint(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		token := w.redeem(site, w.browser().login(request(site, "scope", "openid offline_access")).got().Get("code")).good().RefreshToken
		w.postLogin(`api.access.deny('Not today')`)
		w.refresh(site, token).bad(500, "access_denied", "Not today")
		w.noActions()
		w.postLogin(`api.refreshToken.revoke('Stolen')`)
		w.refresh(site, token).bad(403, "access_denied", "Stolen")
		w.noActions()
		w.refresh(site, token).bad(403, "invalid_grant", "Unknown or invalid refresh token.")
		if text := fmt.Sprint(w.logged()); text != "[s seacft fertft srrt fertft fertft]" {
			t.Errorf("log: %s", text)
		}
	})
}

// TestConformance23HookScope: a credentials-exchange hook whose result has no scope drops all scopes.
func TestConformance23HookScope(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.hook(script.CredentialsExchange.ID, `module.exports = function (client, scope, audience, context, cb) { cb(null, {'https://a.test/x': scope.length}); };`, "")
		a := w.token(values("grant_type", "client_credentials", "client_id", machine, "client_secret", secret(machine), "audience", apiAudience)).good()
		c := w.claims(a.AccessToken)
		_, there := c["scope"]
		same(t, "token", []any{a.Scope, there, c["https://a.test/x"]}, []any{"", false, 2})
	})
}
