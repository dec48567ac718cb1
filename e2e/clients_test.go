package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// multiFactor is what a client asks for in acr_values.
const multiFactor = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"

// browserClients are the client libraries for browsers, of compat/clients: their published file, or an application with them, and what is done with it.
var browserClients = []struct {
	row, file string
	run       func(*libraryPage)
}{
	{"| @auth0/auth0-angular 2.12.0 | yes | yes | yes | yes | yes | – | yes | – | – | – | – |", frameworks + "angular.ts", runFramework},
	{"| @auth0/auth0-react 2.27.0 | yes | yes | yes | yes | yes | – | yes | – | – | – | – |", frameworks + "react.jsx", runFramework},
	{"| @auth0/auth0-vue 2.10.0 | yes | yes | yes | yes | yes | – | yes | – | – | – | – |", frameworks + "vue.js", runFramework},
	{"| @auth0/auth0-spa-js 2.28.3 | yes | yes | yes | yes | yes | yes | yes | – | yes | – | – |", "@auth0/auth0-spa-js/dist/auth0-spa-js.production.js", runSPA},
	{"| auth0-js 9.32.0 | yes | yes | yes | yes | yes | – | yes | – | – | – | – |", "auth0-js-v9/dist/auth0.min.js", runAuth0JS},
	{"| auth0-js 10.2.1 | yes | yes | yes | yes | yes | – | yes | – | – | – | – |", "auth0-js-v10/dist/auth0.min.js", runAuth0JS},
}

// libraryPage is a page over https with a library on it, its client, and who uses it.
type libraryPage struct {
	*tab
	url      string
	client   client
	audience string
	who      user
}

// TestBrowserClients lets the client libraries for browsers sign somebody in, renew, step up and sign out, unchanged and over https.
func TestBrowserClients(t *testing.T) {
	modules := filepath.Join("..", "compat", "clients", "node_modules")
	if _, err := os.Stat(modules); err != nil {
		missing(t, "the packages of compat/clients")
	}
	op := operatorOf(t)
	op.do("PUT", "/guardian/factors/otp", map[string]any{"enabled": true}, nil)
	t.Cleanup(func() { op.do("PUT", "/guardian/factors/otp", map[string]any{"enabled": false}, nil) })
	var connections []struct{ ID string }
	op.do("GET", "/connections?name=Username-Password-Authentication", nil, &connections)
	const audience = "https://clients.example/songs"
	var api struct{ ID string }
	op.do("POST", "/resource-servers", map[string]any{
		"identifier": audience, "name": "Songs", "allow_offline_access": true, "skip_consent_for_verifiable_first_party_clients": true, "scopes": []map[string]string{{"value": "read:songs"}},
	}, &api)
	t.Cleanup(func() { op.do("DELETE", "/resource-servers/"+api.ID, nil, nil) })
	ctx := trusting(t)
	table, err := os.ReadFile("../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range browserClients {
		t.Run(strings.Trim(one.row[2:strings.Index(one.row[2:], " |")+2], " "), func(t *testing.T) {
			l := &libraryPage{audience: audience, who: op.newListener("client", nil)}
			mux := http.NewServeMux()
			page := `<!DOCTYPE html><title>A page</title><script src="/library.js"></script><p id="ready">ready</p>`
			if strings.HasPrefix(one.file, frameworks) {
				app := application(t, modules, one.file)
				mux.HandleFunc("/library.js", func(w http.ResponseWriter, r *http.Request) { w.Write(app) })
				page = applicationPage
			} else {
				mux.HandleFunc("/library.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, filepath.Join(modules, one.file)) })
			}
			mux.HandleFunc("/settings.js", func(w http.ResponseWriter, r *http.Request) {
				w.Write([]byte("window.settings = " + text(map[string]string{"domain": demo.Domain, "clientId": l.client.ClientID, "audience": audience, "multiFactor": multiFactor})))
			})
			mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				w.Write([]byte(page))
			})
			server := httptest.NewTLSServer(mux)
			t.Cleanup(server.Close)
			l.url = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
			op.do("POST", "/clients", map[string]any{
				"name": t.Name(), "app_type": "spa", "oidc_conformant": true, "jwt_configuration": map[string]any{"alg": "RS256"}, "token_endpoint_auth_method": "none",
				"callbacks": []string{l.url, l.url + "/"}, "allowed_logout_urls": []string{l.url + "/out"}, "web_origins": []string{l.url}, "grant_types": []string{"authorization_code", "implicit", "refresh_token"},
				"refresh_token": map[string]any{"rotation_type": "rotating", "expiration_type": "expiring"},
			}, &l.client)
			t.Cleanup(func() { op.do("DELETE", "/clients/"+l.client.ClientID, nil, nil) })
			op.do("PATCH", "/connections/"+connections[0].ID+"/clients", []map[string]any{{"client_id": l.client.ClientID, "status": true}}, nil)
			l.tab = tabIn(t, ctx, chromedp.WithNewBrowserContext())
			one.run(l)
			if !strings.Contains(string(table), "\n"+one.row+"\n") {
				t.Errorf("docs/clients.md has no row %s", one.row)
			}
		})
	}
}

// leave has the library send the browser away.
func (l *libraryPage) leave(script string) {
	l.t.Helper()
	l.eval(nil, `(window.left = true, `+script+`)`)
}

// back waits until the browser is on the library's page again: on another one than it was sent away from.
func (l *libraryPage) back() {
	l.t.Helper()
	l.await("the page", `location.href.startsWith(`+quote(l.url)+`) && !window.left && document.querySelector("#ready")`)
}

// setUp sets an app up on the hosted page that asks for one.
func (l *libraryPage) setUp() {
	l.t.Helper()
	l.click("details summary")
	app := &authenticator{secret: strings.ReplaceAll(l.text(".secret code"), " ", "")}
	l.give(app.code())
	l.click(`input[name="noted"]`)
	l.click(`button[type="submit"].primary`)
}

// same compares what the page tells as JSON.
func (l *libraryPage) same(what, expression string, want any) {
	l.t.Helper()
	var got any
	if l.eval(&got, expression); text(got) != text(want) {
		l.fatalf("%s: got %s, want %s", what, text(got), text(want))
	}
}

// runSPA uses auth0-spa-js with rotating refresh tokens, and in frames without.
func runSPA(l *libraryPage) {
	begin := func(refresh bool) {
		l.t.Helper()
		l.back()
		l.eval(nil, `(async () => {
			window.options = {domain: `+quote(demo.Domain)+`, clientId: `+quote(l.client.ClientID)+`, useRefreshTokens: `+text(refresh)+`, cacheLocation: "localstorage",
				authorizationParams: {redirect_uri: location.origin, audience: `+quote(l.audience)+`, scope: "openid profile email read:songs"}};
			window.client = new auth0.Auth0Client(options);
			if (new URLSearchParams(location.search).has("code")) {
				await client.handleRedirectCallback();
				history.replaceState(null, "", location.pathname);
			}
		})()`)
	}
	l.open(l.url)
	begin(true)
	l.leave(`void client.loginWithRedirect()`)
	l.logIn(l.who)
	begin(true)
	l.same("signed in", `client.getUser().then(u => [u.email, u.sub])`, []string{l.who.Email, l.who.UserID})
	l.same("renewed by a refresh token", `(async () => {
		const before = await client.getTokenSilently();
		await new Promise(done => setTimeout(done, 1100)); // tokens of one second are alike
		const after = await client.getTokenSilently({cacheMode: "off", detailedResponse: true});
		return [after.access_token !== before, after.scope.includes("read:songs"), typeof after.id_token];
	})()`, []any{true, true, "string"})
	l.same("userinfo", `client.getTokenSilently().then(t => fetch("https://`+demo.Domain+`/userinfo", {headers: {Authorization: "Bearer " + t}})).then(r => r.json()).then(u => u.email)`, l.who.Email)
	l.leave(`void client.loginWithRedirect({authorizationParams: {acr_values: ` + quote(multiFactor) + `, max_age: 3600}})`)
	l.setUp()
	begin(true)
	l.same("stepped up", `client.getIdTokenClaims().then(c => [c.amr, c.acr])`, []any{[]string{"mfa"}, multiFactor})
	l.same("revoked", `client.revokeRefreshToken({audience: `+quote(l.audience)+`}).then(() => client.getTokenSilently({cacheMode: "off"})).then(() => "renewed", e => e.error)`, "missing_refresh_token")
	begin(false)
	l.same("single sign-on in a frame", `client.getTokenSilently({cacheMode: "off"}).then(t => t.split(".").length)`, 3)
	l.same("bound to the browser's key", `(async () => {
		const bound = new auth0.Auth0Client({...options, useDpop: true, cacheLocation: "memory"});
		const token = await bound.getTokenSilently({cacheMode: "off"});
		return typeof JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).cnf.jkt;
	})()`, "string")
	l.eval(nil, `void client.logout({logoutParams: {returnTo: location.origin + "/out"}})`)
	l.await("the page", `location.pathname === "/out"`)
	begin(false)
	l.same("signed out", `client.getTokenSilently({cacheMode: "off"}).then(() => "renewed", e => e.error)`, "login_required")
}

// runAuth0JS uses auth0.js with the implicit grant, as it is made for.
func runAuth0JS(l *libraryPage) {
	begin := func() {
		l.t.Helper()
		l.back()
		l.eval(nil, `(() => {
			window.client = new auth0.WebAuth({domain: `+quote(demo.Domain)+`, clientID: `+quote(l.client.ClientID)+`, redirectUri: location.origin + "/", responseType: "token id_token",
				scope: "openid profile email read:songs", audience: `+quote(l.audience)+`});
			window.call = work => new Promise(done => work((error, result) => done(error ? {error: error.error || error.code || error} : result)));
		})()`)
	}
	parsed := `(async () => { window.result = await call(back => client.parseHash(back)); return result; })()`
	l.open(l.url + "/")
	begin()
	l.leave(`client.authorize()`)
	l.logIn(l.who)
	begin()
	l.same("signed in", `(async () => { const r = await `+parsed+`; return [r.idTokenPayload.email, r.tokenType, r.scope ?? "as asked"]; })()`, []string{l.who.Email, "Bearer", "as asked"})
	l.same("userinfo", `call(back => client.client.userInfo(result.accessToken, back)).then(u => u.sub)`, l.who.UserID)
	l.same("renewed in a frame, by single sign-on", `call(back => client.checkSession({}, back)).then(r => [r.idTokenPayload?.sub, typeof r.accessToken, r.error])`, []any{l.who.UserID, "string", nil})
	l.leave(`client.authorize({acrValues: ` + quote(multiFactor) + `})`)
	l.setUp()
	begin()
	l.same("stepped up", `(async () => { const r = await `+parsed+`; return [r.idTokenPayload.amr, r.idTokenPayload.acr]; })()`, []any{[]string{"mfa"}, multiFactor})
	l.eval(nil, `client.logout({returnTo: location.origin + "/out"})`)
	l.await("the page", `location.pathname === "/out"`)
	begin()
	l.same("signed out", `call(back => client.checkSession({}, back)).then(r => r.error)`, "login_required")
}
