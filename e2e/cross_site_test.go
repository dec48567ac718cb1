package e2e

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// elsewhere starts a browser that keeps cookies of frames of other sites, or refuses them, as its settings page lets people choose.
func elsewhere(t *testing.T, refuses bool) context.Context {
	t.Helper()
	profile := t.TempDir()
	preferences := map[string]any{"profile": map[string]any{"cookie_controls_mode": map[bool]int{false: 0, true: 1}[refuses], "block_third_party_cookies": refuses}}
	if err := os.MkdirAll(filepath.Join(profile, "Default"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(profile, "Default", "Preferences"), []byte(text(preferences)), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, closers, err := launch(executable(t), chromedp.UserDataDir(profile), chromedp.IgnoreCertErrors)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, c := range slices.Backward(closers) {
			c()
		}
	})
	return ctx
}

// TestLibrariesAcrossSites: an app of another site than the server's, to a browser, with the client libraries for browsers. Where cookies of frames are kept, frames
// renew and a page of the app's own can ask for the password; where they are refused, libraries are told so in the words that they know, refresh tokens renew, and
// the hosted page asks for the password.
func TestLibrariesAcrossSites(t *testing.T) {
	modules := filepath.Join("..", "compat", "clients", "node_modules")
	if _, err := os.Stat(modules); err != nil {
		missing(t, "the packages of compat/clients")
	}
	op := operatorOf(t)
	op.do("PATCH", "/tenants/settings", map[string]any{"stagedoor": map[string]any{"embedded_login": true}}, nil)
	t.Cleanup(func() {
		op.do("PATCH", "/tenants/settings", map[string]any{"stagedoor": map[string]any{"embedded_login": false}}, nil)
	})
	var connections []struct{ ID string }
	op.do("GET", "/connections?name=Username-Password-Authentication", nil, &connections)
	mux := http.NewServeMux()
	for name, file := range map[string]string{
		"spa": "@auth0/auth0-spa-js/dist/auth0-spa-js.production.js", "v9": "auth0-js-v9/dist/auth0.min.js", "v10": "auth0-js-v10/dist/auth0.min.js",
	} {
		mux.HandleFunc("/"+name+".js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, filepath.Join(modules, file)) })
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Write([]byte(`<!DOCTYPE html><title>A page</title><script src="/` + name + `.js"></script><p id="ready">ready</p>`))
		})
	}
	server := httptest.NewTLSServer(mux) // on 127.0.0.1: not the site of the server, which is localhost
	t.Cleanup(server.Close)
	var spa client
	op.do("POST", "/clients", map[string]any{
		"name": "App of another site", "app_type": "spa", "oidc_conformant": true, "jwt_configuration": map[string]any{"alg": "RS256"}, "token_endpoint_auth_method": "none",
		"callbacks": []string{server.URL + "/spa", server.URL + "/v9", server.URL + "/v10"}, "allowed_logout_urls": []string{server.URL + "/spa"}, "web_origins": []string{server.URL},
		"grant_types": []string{"authorization_code", "implicit", "refresh_token"}, "cross_origin_authentication": true,
		"refresh_token": map[string]any{"rotation_type": "rotating", "expiration_type": "expiring", "token_lifetime": 3600, "idle_token_lifetime": 1800},
	}, &spa)
	t.Cleanup(func() { op.do("DELETE", "/clients/"+spa.ClientID, nil, nil) })
	op.do("PATCH", "/connections/"+connections[0].ID+"/clients", []map[string]any{{"client_id": spa.ClientID, "status": true}}, nil)
	for _, refuses := range []bool{false, true} {
		t.Run(map[bool]string{false: "third-party cookies", true: "no third-party cookies"}[refuses], func(t *testing.T) {
			browser := elsewhere(t, refuses)
			for _, library := range []string{"spa", "v9", "v10"} {
				t.Run(library, func(t *testing.T) {
					l := &libraryPage{url: server.URL + "/" + library, client: spa, who: op.newListener("far", nil)}
					l.tab = tabIn(t, browser)
					l.open(demo.HTTPSURL + "/v2/logout")
					if library == "spa" {
						l.silentlySPA(refuses)
					} else {
						l.silentlyAuth0JS(refuses)
					}
				})
			}
		})
	}
}

func (l *libraryPage) silentlySPA(refuses bool) {
	begin := func(refresh bool) {
		l.t.Helper()
		l.back()
		l.eval(nil, `(async () => {
			window.client = new auth0.Auth0Client({domain: `+quote(demo.Domain)+`, clientId: `+quote(l.client.ClientID)+`, useRefreshTokens: `+text(refresh)+`, useRefreshTokensFallback: true,
				cacheLocation: "localstorage", authorizationParams: {redirect_uri: location.origin + location.pathname}});
			if (new URLSearchParams(location.search).has("code")) {
				await client.handleRedirectCallback();
				history.replaceState(null, "", location.pathname);
			}
		})()`)
	}
	silently := `client.getTokenSilently({cacheMode: "off", detailedResponse: true}).then(r => typeof r.id_token, e => e.error)`
	framed := map[bool]string{false: "string", true: "login_required"}[refuses]
	l.open(l.url)
	begin(false)
	l.same("nobody is signed in", silently, "login_required")
	l.eval(nil, `void client.loginWithRedirect()`)
	l.logIn(l.who)
	begin(false)
	l.same("in a frame", silently, framed)
	begin(true) // no refresh token yet: the library falls back to the frame
	l.same("fallen back to the frame", silently, framed)
	l.eval(nil, `void client.loginWithRedirect()`) // single sign-on: in the foreground the cookie is there
	begin(true)
	l.same("by a refresh token", silently, "string")
	l.same("and by the next one", silently, "string")
}

func (l *libraryPage) silentlyAuth0JS(refuses bool) {
	begin := func() {
		l.t.Helper()
		l.back()
		l.eval(nil, `(() => {
			window.client = new auth0.WebAuth({domain: `+quote(demo.Domain)+`, clientID: `+quote(l.client.ClientID)+`, redirectUri: location.origin + location.pathname, responseType: "token id_token", scope: "openid email"});
			window.call = work => new Promise(done => work((error, result) => done(error ? {error: error.error || error.code || error} : result)));
		})()`)
	}
	who := `(async () => { const r = await call(back => client.parseHash(back)); return r?.idTokenPayload?.email ?? r?.error; })()`
	silently := `call(back => client.checkSession({}, back)).then(r => r.error ?? r.idTokenPayload.email)`
	l.open(l.url)
	begin()
	l.same("nobody is signed in", silently, "login_required")
	// A page of the app's own asks for the password.
	l.same("a wrong password", `call(back => client.login({realm: "Username-Password-Authentication", username: `+quote(l.who.Email)+`, password: "wrong"}, back)).then(r => r.error)`, "access_denied")
	l.eval(nil, `void client.login({realm: "Username-Password-Authentication", username: `+quote(l.who.Email)+`, password: `+quote(l.who.Password)+`}, () => {})`)
	if refuses {
		l.await("the hosted page", `location.pathname === "/u/login"`)
		l.logIn(l.who)
	}
	l.await("the answer", `location.href.startsWith(`+quote(l.url)+`) && location.hash.includes("access_token")`)
	begin()
	l.same("signed in", who, l.who.Email)
	want := l.who.Email
	if refuses {
		want = "login_required"
	}
	l.same("in a frame", silently, want)
	if strings.Contains(text(l.shown()), l.who.Password) {
		l.fatalf("the password is in an address: %v", l.shown())
	}
}
