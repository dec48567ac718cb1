package oauth

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"hash"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/script"
)

// elsewhere returns the address to which an answer sends the browser, without its state, and the state.
func (a *answer) elsewhere() (address, state string) {
	a.t.Helper()
	to := a.Header().Get("Location")
	at := strings.LastIndex(to, "state=")
	if a.Code != http.StatusFound || at < 1 || strings.HasPrefix(to, callback) || strings.HasPrefix(to, "/") {
		a.t.Fatalf("status %d, location %q, want another site; body %.300s", a.Code, to, a.Body)
	}
	state, err := url.QueryUnescape(to[at+len("state="):])
	ok(a.t, err)
	if len(state) < 32 {
		a.t.Errorf("the state is %q", state)
	}
	return to[:at], state
}

// spoken returns what scripts wrote on the console in the newest event that has some.
func (w *world) spoken() string {
	w.Helper()
	var text []string
	for _, e := range w.events() {
		lines, _ := e.Details["console"].([]any)
		for _, l := range lines {
			text = append(text, l.(map[string]any)["text"].(string))
		}
	}
	return strings.Join(text, "\n")
}

// TestConformance09Redirect is item 9 of the checklist: remaining rules run, the state is appended, all rules run again as
// redirect-callback, nobody is sent away twice, and what a form brings is seen.
func TestConformance09Redirect(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.rule(`function (user, context, callback) {
			console.log('one', context.protocol, user.jti || 'new', context.request.query.answer, context.request.body.answer);
			user.jti = 'invented'; user.app_metadata.plan = 'never stored'; user.mine = user.app_metadata.roles;
			context.redirect = {url: 'https://first.test/'}; context.idToken['https://a.test/run'] = context.protocol;
			callback(null, user, context);
		}`)
		w.rule(`function (user, context, callback) {
			console.log('two', user.jti, user.app_metadata.plan);
			context.redirect = {url: 'https://terms.test/accept?for=1#top'}; callback(null, user, context);
		}`)
		b := w.browser()
		a := b.login(request(site))
		address, state := a.elsewhere()
		if address != "https://terms.test/accept?for=1&" || !strings.HasSuffix(a.Header().Get("Location"), "#top") {
			t.Errorf("sent to %s", a.Header().Get("Location"))
		}
		state = strings.TrimSuffix(state, "#top")
		w.wantLog() // nothing has ended
		// The value opens nothing but the way back, not in another browser, and not without it.
		b.resume(state).page(400, "pressed the back button")
		w.browser().get("/continue?state="+url.QueryEscape(state)).page(400, "The state is unknown here")
		b.get("/continue").page(400, "Missing required parameter: state")
		b.get("/continue?state=nonsense").page(400, "The state is unknown here")
		done := b.post("/continue?state=other&answer=no", values("state", state, "answer", "yes"))
		id := w.claims(w.redeem(site, done.got().Get("code")).good().IDToken)
		same(t, "the claim", id["https://a.test/run"], "redirect-callback")
		same(t, "console", w.spoken(), "one oidc-basic-profile new undefined undefined\ntwo invented never stored\n"+
			"one redirect-callback invented no yes\ntwo invented never stored")
		b.post("/continue", values("state", state)).page(400, "used before")

		// By GET too; a query is seen, the profile is as it is now.
		w.noRules()
		w.rule(`function (user, context, callback) {
			if (context.protocol !== 'redirect-callback') context.redirect = {url: 'https://terms.test/accept'};
			else console.log(context.original_protocol, context.request.query.answer, JSON.stringify(context.request.body), user.user_metadata.terms, user.extra);
			user.extra = 'kept'; user.user_metadata.terms = 'lost';
			callback(null, user, context);
		}`)
		address, _ = w.browser().login(request(site)).elsewhere()
		same(t, "the address", address, "https://terms.test/accept?")
		b = w.browser()
		_, state = b.login(request(site)).elsewhere()
		_, err := w.st.PatchMetadata(t.Context(), ada, map[string]json.RawMessage{"terms": json.RawMessage(`"accepted"`)}, nil, 1<<20)
		ok(t, err)
		b.get("/continue?answer=yes&state=" + url.QueryEscape(state)).got()
		same(t, "console", w.spoken(), `oidc-basic-profile yes {} accepted kept`)
	})
}

// TestConformance10SilentRedirect is item 10.
func TestConformance10SilentRedirect(t *testing.T) {
	w := newWorld(t)
	tokens := w.redeem(site, w.browser().login(request(site, "scope", "openid offline_access")).got().Get("code")).good()
	b := w.browser()
	b.login(request(site)).got()
	w.rule(`function (user, context, callback) { context.redirect = {url: 'https://terms.test/'}; callback(null, user, context); }`)
	for _, mode := range []string{"query", "fragment", "form_post", "web_message"} {
		b.authorize(request(spa, "response_mode", mode, "prompt", "none")).fails("interaction_required", "Interaction required")
	}
	w.refresh(site, tokens.RefreshToken).bad(403, "interaction_required", "Interaction required")
	w.noRules()
	w.postLogin(`console.log(api.redirect.canRedirect()); api.redirect.sendUserTo('https://terms.test/');`)
	b.authorize(request(site, "prompt", "none")).fails("interaction_required", "Interaction required")
	w.refresh(site, tokens.RefreshToken).bad(403, "interaction_required", "Interaction required")
	same(t, "can redirect", w.spoken(), "false\nfalse")
}

// TestConformance20ActionRedirect is item 20: the same action goes on, earlier ones and rules do not run again, and only a token of this
// login is taken.
func TestConformance20ActionRedirect(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.rule(`function (user, context, callback) { console.log('rule'); context.idToken['https://a.test/rule'] = 1; callback(null, user, context); }`)
		w.postLogin(`console.log('one'); api.idToken.setCustomClaim('https://a.test/one', 1); api.accessToken.addScope('extra'); api.transaction.setMetadata('from', 'one');`)
		w.action(script.PostLogin, "two", `
			exports.onExecutePostLogin = async (event, api) => {
				console.log('two', event.transaction.metadata.from, event.request.method);
				const session_token = api.redirect.encodeToken({secret: event.secrets.KEY, payload: {plan: 'gold'}});
				api.user.setAppMetadata('sent', true);
				api.redirect.sendUserTo('https://terms.test/?a=b', {query: {session_token, lang: 'de & en'}});
				console.log('still two');
			};
			exports.onContinuePostLogin = async (event, api) => {
				console.log('two again', event.transaction.metadata.from, event.user.app_metadata.sent, event.request.method, event.request.query.state ? 'query' : 'form', event.transaction.protocol);
				try {
					const payload = api.redirect.validateToken({secret: event.secrets.KEY, tokenParameterName: 'answer'});
					api.idToken.setCustomClaim('https://a.test/answer', payload.said);
				} catch (e) { api.access.deny(e.message); }
			};`, "KEY", "a secret that is long enough for HS256")
		w.postLogin(`console.log('three', event.transaction.metadata.from); api.idToken.setCustomClaim('https://a.test/three', 1);`)
		w.postLogin(`if (event.client.client_id === 'legacy') api.redirect.sendUserTo('https://second.test/');`)

		const key = "a secret that is long enough for HS256"
		sign := func(state string, change func(map[string]any)) string {
			claims := map[string]any{"state": state, "sub": ada, "iss": "https://terms.test", "iat": 1, "exp": 4102444800, "said": "yes"}
			change(claims)
			return signed(t, "HS256", key, claims)
		}
		keep := func(map[string]any) {}
		b := w.browser()
		address, state := b.login(request(site)).elsewhere()
		if !strings.HasPrefix(address, "https://terms.test/?a=b&lang=de+%26+en&session_token=") {
			t.Errorf("sent to %s", address)
		}
		u, err := url.Parse(address)
		ok(t, err)
		sent := unsealed(t, key, u.Query().Get("session_token"))
		same(t, "session token", []any{sent["sub"], sent["plan"], sent["iss"], sent["ip"]}, []any{ada, "gold", "acme.test", "192.0.2.7"})
		same(t, "app_metadata", w.user(ada).AppMetadata["sent"], true) // before the browser leaves
		got := w.redeem(site, b.get("/continue?state="+url.QueryEscape(state)+"&answer="+sign(state, keep)).got().Get("code")).good()
		id := w.claims(got.IDToken)
		same(t, "claims", []any{id["https://a.test/rule"], id["https://a.test/one"], id["https://a.test/answer"], id["https://a.test/three"]}, []any{1, 1, "yes", 1})
		same(t, "scope", got.Scope, "openid profile email extra")
		same(t, "console", w.spoken(), "rule\none\ntwo one GET\nstill two\ntwo again one true GET query oidc-basic-profile\nthree one")

		for name, c := range map[string]struct {
			make func(state string) string
			want string
		}{
			"state":    {func(string) string { return sign("another", keep) }, "The state claim of the token is not the state of this login"},
			"no state": {func(s string) string { return sign(s, func(c map[string]any) { delete(c, "state") }) }, "The token has no claim state"},
			"sub":      {func(s string) string { return sign(s, func(c map[string]any) { c["sub"] = bob }) }, "The sub claim of the token is not the user of this login"},
			"no sub":   {func(s string) string { return sign(s, func(c map[string]any) { delete(c, "sub") }) }, "The token has no claim sub"},
			"expired":  {func(s string) string { return sign(s, func(c map[string]any) { c["exp"] = 2 }) }, "jwt expired"},
			"no exp":   {func(s string) string { return sign(s, func(c map[string]any) { delete(c, "exp") }) }, "The token has no claim exp"},
			"key":      {func(s string) string { return signed(t, "HS256", "another", map[string]any{"state": s}) }, "invalid signature"},
			"none":     {func(string) string { return "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhdXRoMHxhZGEifQ." }, "jwt signature is required"},
			"algorithm": {func(s string) string {
				return signed(t, "HS384", key, map[string]any{"state": s, "sub": ada, "iss": "x", "iat": 1, "exp": 4102444800})
			}, "invalid algorithm"},
			"no token": {func(string) string { return "" }, "There is no parameter called 'answer' in the request"},
		} {
			b := w.browser()
			_, state := b.login(request(site)).elsewhere()
			b.post("/continue", values("state", state, "answer", c.make(state))).fails("access_denied", c.want)
			w.spoken()
			if t.Failed() {
				t.Fatal(name)
			}
		}

		// Several may send the browser away in turn. Each value is good once.
		b = w.browser()
		_, state = b.login(request(legacy)).elsewhere()
		second := b.get("/continue?state=" + url.QueryEscape(state) + "&answer=" + sign(state, keep))
		address, next := second.elsewhere()
		same(t, "the second address", address, "https://second.test/?")
		b.get("/continue?state="+url.QueryEscape(state)).page(400, "used before")
		w.spoken()
		b.get("/continue?state=" + url.QueryEscape(next)).got()
		if text := w.spoken(); !strings.HasSuffix(text, "three one\nThe action exports no function onContinuePostLogin; it goes on without") {
			t.Errorf("console: %s", text)
		}

		// Nobody else goes on with it: not after a logout, nor when the action is gone.
		b = w.browser()
		_, state = b.login(request(site)).elsewhere()
		b.get("/v2/logout")
		b.get("/continue?state=" + url.QueryEscape(state)).asks("login")
		b = w.browser()
		_, state = b.login(request(site)).elsewhere()
		w.noActions()
		w.postLogin(`console.log('other')`)
		b.get("/continue?state="+url.QueryEscape(state)).fails("access_denied", "The action that waited for the user is not there any more.")
	})
}

// signed is a token of the other site's.
func signed(t *testing.T, alg, key string, claims map[string]any) string {
	t.Helper()
	body, err := json.Marshal(claims)
	ok(t, err)
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"`+alg+`"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
	mac := hmac.New(map[string]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384}[alg], []byte(key))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// unsealed are the claims of a token that the other site got.
func unsealed(t *testing.T, key, raw string) map[string]any {
	t.Helper()
	_, body, _ := strings.Cut(raw, ".")
	body, _, _ = strings.Cut(body, ".")
	text, err := base64.RawURLEncoding.DecodeString(body)
	ok(t, err)
	var claims map[string]any
	ok(t, json.Unmarshal(text, &claims))
	if signed(t, "HS256", key, claims) == "" || claims["exp"].(float64)-claims["iat"].(float64) != 900 {
		t.Errorf("claims %s", text)
	}
	return claims
}

// What comes back is not read without bounds.
func TestContinueIsBounded(t *testing.T) {
	w := newWorld(t)
	w.browser().get("/continue?state="+strings.Repeat("x", maxForm)).page(400, "too long")
	w.browser().post("/continue", values("state", strings.Repeat("x", maxForm))).page(400, "cannot be read")
	r := httptest.NewRequest("POST", "/continue", strings.NewReader("state=%FF"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w.browser().do(r).page(400, "cannot be read")
}
