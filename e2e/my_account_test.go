package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMyAccount lets @auth0/auth0-spa-js, unchanged, look after somebody's account by the My Account API: what they can set up, an authenticator app, and an account at a provider.
func TestMyAccount(t *testing.T) {
	library := filepath.Join("..", "compat", "clients", "node_modules", "@auth0/auth0-spa-js/dist/auth0-spa-js.production.js")
	if _, err := os.Stat(library); err != nil {
		missing(t, "the packages of compat/clients")
	}
	address := freeAddresses(1)[0]
	provider := running(t, "http://"+address+"/", exec.Command(binary, "stand-in", "--http", address))
	secret := regexp.MustCompile(`client_secret "([^"]+)"`).FindStringSubmatch(string(provider.tail()))
	if secret == nil {
		t.Fatalf("the stand-in says %s", provider.tail())
	}
	s := serve(t, address)
	mux := http.NewServeMux()
	mux.HandleFunc("/library.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, library) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte(`<!DOCTYPE html><title>A page</title><script src="/library.js"></script><p id="ready">ready</p>`))
	})
	pages := httptest.NewServer(mux)
	t.Cleanup(pages.Close)
	l := &libraryPage{tab: newTab(t), url: strings.Replace(pages.URL, "127.0.0.1", "localhost", 1), who: user{Email: "una@example.com", Password: "Engine-No.1"}}
	audience := "https://" + s.tenant.Domain + "/me/"
	s.do("PATCH", "/tenants/settings", map[string]any{"stagedoor": map[string]any{"loopback_is_verifiable": true}}, nil)
	s.do("PUT", "/guardian/factors/otp", map[string]any{"enabled": true}, nil)
	s.do("POST", "/resource-servers", map[string]any{"identifier": audience}, nil)
	s.do("POST", "/clients", map[string]any{
		"name": "Settings", "app_type": "spa", "oidc_conformant": true, "is_first_party": true, "token_endpoint_auth_method": "none", "jwt_configuration": map[string]any{"alg": "RS256"},
		"callbacks": []string{l.url}, "web_origins": []string{l.url}, "grant_types": []string{"authorization_code", "refresh_token"},
	}, &l.client)
	s.do("POST", "/client-grants", map[string]any{"client_id": l.client.ClientID, "audience": audience, "subject_type": "user", "scope": []string{
		"read:me:factors", "create:me:authentication_methods", "read:me:authentication_methods", "update:me:authentication_methods", "delete:me:authentication_methods",
		"create:me:connected_accounts", "read:me:connected_accounts", "delete:me:connected_accounts",
	}}, nil)
	var connections []struct{ ID string }
	s.do("GET", "/connections?name=Username-Password-Authentication", nil, &connections)
	s.do("PATCH", "/connections/"+connections[0].ID+"/clients", []map[string]any{{"client_id": l.client.ClientID, "status": true}}, nil)
	s.do("POST", "/users", map[string]any{"connection": "Username-Password-Authentication", "email": l.who.Email, "password": l.who.Password}, &l.who)
	s.do("POST", "/connections", map[string]any{
		"name": "google-oauth2", "strategy": "google-oauth2", "enabled_clients": []string{l.client.ClientID}, "connected_accounts": map[string]any{"active": true}, "authentication": map[string]any{"active": false},
		"options": map[string]any{"client_id": "stagedoor", "client_secret": secret[1], "stagedoor": map[string]any{"base_url": "http://" + address}},
	}, nil)

	begin := func() {
		t.Helper()
		l.back()
		l.eval(nil, `(async () => {
			window.options = {domain: `+quote(s.url)+`, clientId: `+quote(l.client.ClientID)+`, cacheLocation: "localstorage", authorizationParams: {redirect_uri: location.origin}};
			window.client = new auth0.Auth0Client(options);
			const q = new URLSearchParams(location.search);
			if (q.has("code") || q.has("connect_code")) {
				window.result = await client.handleRedirectCallback();
				history.replaceState(null, "", location.pathname);
			}
		})()`)
	}
	l.open(l.url)
	begin()
	l.leave(`void client.loginWithRedirect()`)
	l.logIn(l.who)
	begin()
	l.same("factors", `client.myAccount.getFactors().then(all => all.map(f => f.type))`, []string{"password", "totp", "recovery-code"})
	l.same("bound to the browser's key", `new auth0.Auth0Client({...options, useDpop: true, cacheLocation: "memory"}).myAccount.getFactors().then(all => all.length)`, 3)

	var challenge struct {
		Location string `json:"location"`
		Secret   string `json:"manual_input_code"`
		Session  string `json:"auth_session"`
	}
	l.eval(&challenge, `client.myAccount.enrollmentChallenge({type: "totp"})`)
	l.same("a wrong code", `client.myAccount.enrollmentVerify({type: "totp", location: `+quote(challenge.Location)+`, auth_session: `+quote(challenge.Session)+`, otp_code: "000000"}).then(() => "taken", e => [e.status, e.title, e.detail])`,
		[]any{400, "Bad Request", "Invalid otp_code."})
	app := &authenticator{secret: challenge.Secret}
	l.same("an app", `client.myAccount.enrollmentVerify({type: "totp", location: `+quote(challenge.Location)+`, auth_session: `+quote(challenge.Session)+`, otp_code: `+quote(app.code())+`}).then(m => [m.type, m.confirmed])`,
		[]any{"totp", true})
	l.same("methods", `client.myAccount.getAuthenticationMethods().then(all => all.map(m => m.type))`, []string{"password", "totp"})

	l.leave(`void client.connectAccountWithRedirect({connection: "google-oauth2", scopes: ["openid", "email", "https://www.googleapis.com/auth/calendar"], appState: {from: "settings"}})`)
	l.click(`button[name="standin_person"]`)
	begin()
	l.same("an account", `[result.connection, result.access_type, result.scopes, result.appState.from, result.response_type]`,
		[]any{"google-oauth2", "offline", []string{"openid", "email", "https://www.googleapis.com/auth/calendar"}, "settings", "connect_code"})
	var connected struct {
		Accounts []struct{ Connection string } `json:"connected_accounts"`
	}
	s.do("GET", "/users/"+l.who.UserID+"/connected-accounts", nil, &connected)
	if len(connected.Accounts) != 1 || connected.Accounts[0].Connection != "google-oauth2" {
		t.Errorf("%+v", connected)
	}

	// Whoever has a factor gives it before methods are taken away.
	remove := `client.myAccount.getAuthenticationMethods("totp").then(all => client.myAccount.deleteAuthenticationMethod(all[0].id)).then(() => "gone", e => e.error)`
	l.same("without the factor", remove, "login_required")
	l.leave(`void client.loginWithRedirect({authorizationParams: {audience: ` + quote(s.url+"/me/") + `, scope: "openid delete:me:authentication_methods"}})`)
	l.give(app.code())
	begin()
	l.same("with it", remove, "gone")
	l.same("methods that are left", `client.myAccount.getAuthenticationMethods().then(all => all.map(m => m.type))`, []string{"password"})
}
