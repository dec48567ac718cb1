package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestAnonymousSessions: a page lets people use it before they sign in, by auth0-spa-js as it is published, and an action is told of it when they do.
func TestAnonymousSessions(t *testing.T) {
	library := filepath.Join("..", "compat", "clients", "node_modules", "@auth0/auth0-spa-js/dist/auth0-spa-js.production.js")
	if _, err := os.Stat(library); err != nil {
		missing(t, "the packages of compat/clients")
	}
	op, ctx := operatorOf(t), trusting(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/library.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, library) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte(`<!DOCTYPE html><title>A page</title><script src="/library.js"></script><p id="ready">ready</p>`))
	})
	pages := httptest.NewTLSServer(mux)
	t.Cleanup(pages.Close)
	const audience = "https://visitors.example/basket"
	l := &libraryPage{url: strings.Replace(pages.URL, "127.0.0.1", "localhost", 1), audience: audience, who: op.newListener("visitor", nil)}
	var connections []struct{ ID string }
	op.do("GET", "/connections?name=Username-Password-Authentication", nil, &connections)
	op.do("POST", "/clients", map[string]any{
		"name": "Visitors", "app_type": "spa", "oidc_conformant": true, "is_first_party": true, "token_endpoint_auth_method": "none", "jwt_configuration": map[string]any{"alg": "RS256"},
		"callbacks": []string{l.url}, "web_origins": []string{l.url}, "grant_types": []string{"authorization_code"}, "anonymous_sessions": map[string]any{"active": true},
	}, &l.client)
	t.Cleanup(func() { op.do("DELETE", "/clients/"+l.client.ClientID, nil, nil) })
	op.do("PATCH", "/connections/"+connections[0].ID+"/clients", []map[string]any{{"client_id": l.client.ClientID, "status": true}}, nil)
	var api, action struct{ ID, Status string }
	op.do("POST", "/resource-servers", map[string]any{
		"identifier": audience, "name": "Basket", "scopes": []map[string]string{{"value": "read:basket"}},
		"subject_type_authorization": map[string]any{"anonymous_user": map[string]any{"policy": "require_client_grant"}},
		"access_token":               map[string]any{"claims_mapping": map[string]any{"custom_claims": []map[string]string{{"name": "basket", "expression": "anonymous_session.metadata.basket"}}}},
	}, &api)
	t.Cleanup(func() { op.do("DELETE", "/resource-servers/"+api.ID, nil, nil) })
	op.do("POST", "/client-grants", map[string]any{"client_id": l.client.ClientID, "audience": audience, "subject_type": "anonymous_user", "scope": []string{"read:basket"}}, nil)
	op.do("POST", "/actions/actions", map[string]any{"name": "Visitors", "supported_triggers": []map[string]string{{"id": "post-login", "version": "v3"}}, "code": `exports.onExecutePostLogin = async (event, api) => {
		if (event.anonymous_session) api.idToken.setCustomClaim('https://visitors.example/was', [event.anonymous_session.user_id, event.anonymous_session.metadata.basket]);
	};`}, &action)
	for deadline := time.Now().Add(time.Minute); action.Status != "built" && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		op.do("GET", "/actions/actions/"+action.ID, nil, &action)
	}
	op.do("POST", "/actions/actions/"+action.ID+"/deploy", nil, nil)
	op.do("PATCH", "/actions/triggers/post-login/bindings", map[string]any{"bindings": []map[string]any{{"ref": map[string]string{"type": "action_id", "value": action.ID}, "display_name": "Visitors"}}}, nil)
	t.Cleanup(func() {
		op.do("PATCH", "/actions/triggers/post-login/bindings", map[string]any{"bindings": []any{}}, nil)
		op.do("DELETE", "/actions/actions/"+action.ID, nil, nil)
	})

	l.tab = tabIn(t, ctx, chromedp.WithNewBrowserContext())
	begin := func(more string) {
		t.Helper()
		l.back()
		l.eval(nil, `(async () => {
			window.claims = token => JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
			window.client = new auth0.Auth0Client({domain: `+quote(demo.Domain)+`, clientId: `+quote(l.client.ClientID)+`, cacheLocation: "localstorage", `+more+`
				authorizationParams: {redirect_uri: location.origin}});
			if (new URLSearchParams(location.search).has("code")) {
				await client.handleRedirectCallback();
				history.replaceState(null, "", location.pathname);
			}
		})()`)
	}
	l.open(l.url)
	begin("")
	l.same("nobody", `client.anonymous.hasSession()`, false)
	l.same("a session", `client.anonymous.createSession({audience: `+quote(audience)+`, metadata: {basket: "b-17"}}).then(s => [claims(s.accessToken).basket, claims(s.accessToken).scope, s.scope, s.sessionTokenExpiresAt > Date.now() / 1000])`,
		[]any{"b-17", "read:basket", "read:basket", true})
	var visitor string
	l.eval(&visitor, `client.anonymous.getTokenSilently({audience: `+quote(audience)+`}).then(t => claims(t.accessToken).sub)`)
	if !strings.HasPrefix(visitor, "anon@") {
		t.Fatalf("the visitor is %q", visitor)
	}
	l.same("another token", `client.anonymous.getTokenSilently({audience: `+quote(audience)+`, scope: "read:basket"}).then(t => claims(t.accessToken).sub)`, visitor)
	l.same("too much", `client.anonymous.getTokenSilently({audience: `+quote(audience)+`, scope: "pay"}).then(() => "given", e => e.code)`, "invalid_scope")
	l.same("an API that lets nobody in", `client.anonymous.getTokenSilently({audience: "https://`+demo.Domain+`/api/v2/"}).then(() => "given", e => e.code)`, "invalid_target")
	l.same("metadata for a session that there is", `client.anonymous.createSession({metadata: {basket: "b-18"}}).then(() => "given", e => [e.code, e.message])`,
		[]string{"invalid_request", "metadata cannot be provided when session_token is present"})

	// Another page load, which remembers nothing: the browser's cookie does.
	l.open(l.url)
	begin(`createAnonymousSessionOnFailedSilentAuth: true, anonymousSessionsCacheMode: "memory",`)
	l.same("the same visitor", `client.checkSession().then(() => client.anonymous.getTokenSilently({audience: `+quote(audience)+`})).then(t => [client.anonymous.hasSession(), claims(t.accessToken).sub])`, []any{true, visitor})

	l.open(l.url)
	begin("")
	l.leave(`void client.loginWithRedirect()`)
	l.logIn(l.who)
	begin("")
	l.same("signed in", `client.getIdTokenClaims().then(c => [c.email, c["https://visitors.example/was"]])`, []any{l.who.Email, []string{visitor, "b-17"}})
	l.same("left", `client.anonymous.logout().then(() => client.anonymous.hasSession())`, false)
	l.same("a new visitor", `client.anonymous.getTokenSilently({audience: `+quote(audience)+`}).then(t => claims(t.accessToken).sub !== `+quote(visitor)+`)`, true)
}
