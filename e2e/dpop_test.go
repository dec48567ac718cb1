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

// TestDPoPInBrowser: auth0-spa-js with useDpop signs somebody in and renews, unchanged: its tokens are bound to a key that does not leave the
// browser, and work with its proofs alone. So does it with an online refresh token, which it ends the session by.
func TestDPoPInBrowser(t *testing.T) {
	library := filepath.Join("..", "compat", "clients", "node_modules", "@auth0/auth0-spa-js/dist/auth0-spa-js.production.js")
	if _, err := os.Stat(library); err != nil {
		missing(t, "the packages of compat/clients")
	}
	op := operatorOf(t)
	var connections []struct{ ID string }
	op.do("GET", "/connections?name=Username-Password-Authentication", nil, &connections)
	const audience = "https://clients.example/bound"
	var api struct{ ID string }
	op.do("POST", "/resource-servers", map[string]any{
		"identifier": audience, "name": "Bound", "allow_offline_access": true, "allow_online_access": true, "skip_consent_for_verifiable_first_party_clients": true,
		"proof_of_possession": map[string]any{"mechanism": "dpop", "required": true},
	}, &api)
	t.Cleanup(func() { op.do("DELETE", "/resource-servers/"+api.ID, nil, nil) })
	ctx := trusting(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/library.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, library) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte(`<!DOCTYPE html><title>A page</title><script src="/library.js"></script><p id="ready">ready</p>`))
	})
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	l := &libraryPage{url: strings.Replace(server.URL, "127.0.0.1", "localhost", 1), audience: audience, who: op.newListener("bound", nil)}
	op.do("POST", "/clients", map[string]any{
		"name": t.Name(), "app_type": "spa", "oidc_conformant": true, "jwt_configuration": map[string]any{"alg": "RS256"}, "token_endpoint_auth_method": "none",
		"callbacks": []string{l.url}, "web_origins": []string{l.url}, "grant_types": []string{"authorization_code", "refresh_token"}, "require_proof_of_possession": true,
	}, &l.client)
	t.Cleanup(func() { op.do("DELETE", "/clients/"+l.client.ClientID, nil, nil) })
	op.do("PATCH", "/connections/"+connections[0].ID+"/clients", []map[string]any{{"client_id": l.client.ClientID, "status": true}}, nil)
	l.tab = tabIn(t, ctx, chromedp.WithNewBrowserContext())
	begin := func(mode, scope string) {
		l.t.Helper()
		l.back()
		l.eval(nil, `(async () => {
			window.client = new auth0.Auth0Client({domain: `+quote(demo.Domain)+`, clientId: `+quote(l.client.ClientID)+`, useRefreshTokens: true, refreshTokenMode: `+quote(mode)+`, useDpop: true, cacheLocation: "localstorage",
				authorizationParams: {redirect_uri: location.origin, audience: `+quote(l.audience)+`, scope: `+quote(scope)+`}});
			if (new URLSearchParams(location.search).has("code")) {
				await client.handleRedirectCallback();
				history.replaceState(null, "", location.pathname);
			}
		})()`)
	}
	l.open(l.url)
	offline := func() { begin("offline", "openid profile email offline_access") }
	offline()
	l.leave(`void client.loginWithRedirect()`)
	l.logIn(l.who)
	offline()
	l.same("signed in", `client.getUser().then(u => u.email)`, l.who.Email)
	l.same("renewed, with tokens that are bound", `(async () => {
		const before = await client.getTokenSilently();
		await new Promise(done => setTimeout(done, 1100)); // tokens of one second are alike
		const after = await client.getTokenSilently({cacheMode: "off", detailedResponse: true});
		const claims = JSON.parse(atob(after.access_token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
		return [after.access_token !== before, claims.cnf.jkt.length];
	})()`, []any{true, 43})
	ask := func(scheme string) string {
		return `(async () => {
			const token = await client.getTokenSilently(), url = "https://` + demo.Domain + `/userinfo";
			const proof = await client.generateDpopProof({url, method: "GET", accessToken: token});
			const headers = {Authorization: "` + scheme + ` " + token};
			if ("` + scheme + `" === "DPoP") headers.DPoP = proof;
			const answer = await fetch(url, {headers});
			return [answer.status, (answer.headers.get("WWW-Authenticate") ?? "").slice(0, 5)];
		})()`
	}
	l.same("userinfo with a proof", ask("DPoP"), []any{200, ""})
	l.same("userinfo without", ask("Bearer"), []any{401, "DPoP "})

	online := func() { begin("online", "openid profile email") }
	l.eval(nil, `localStorage.clear()`)
	online()
	l.leave(`void client.loginWithRedirect()`) // and back: the session is there
	online()
	l.same("renewed as long as the session goes on", `(async () => {
		const before = await client.getTokenSilently();
		await new Promise(done => setTimeout(done, 1100));
		for (let i = 0; i < 2; i++) if (await client.getTokenSilently({cacheMode: "off"}) === before) return "the same";
		return (await client.getUser()).email;
	})()`, l.who.Email)
	l.same("revoked", `(async () => { await client.revokeRefreshToken(); return client.isAuthenticated(); })()`, false)
	l.leave(`void client.loginWithRedirect()`)
	l.logIn(l.who) // it has ended
	online()
	l.same("signed in again", `client.getUser().then(u => u.email)`, l.who.Email)
}
