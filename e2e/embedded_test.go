package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// TestEmbedded: a page of a client's own signs people up and in with passkeys, and asks for the second factor itself, by auth0-spa-js as it is published. All that
// the server has to know is told by the Management API.
func TestEmbedded(t *testing.T) {
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
	l := &libraryPage{url: strings.Replace(pages.URL, "127.0.0.1", "localhost", 1)}
	made := func(path string, body map[string]any, into any, id func() string) {
		t.Helper()
		op.do("POST", path, body, into)
		t.Cleanup(func() { op.do("DELETE", path+"/"+id(), nil, nil) })
	}
	op.do("PUT", "/guardian/factors/otp", map[string]any{"enabled": true}, nil)
	t.Cleanup(func() { op.do("PUT", "/guardian/factors/otp", map[string]any{"enabled": false}, nil) })
	made("/clients", map[string]any{
		"name": "Embedded", "app_type": "spa", "oidc_conformant": true, "is_first_party": true, "token_endpoint_auth_method": "none", "jwt_configuration": map[string]any{"alg": "RS256"},
		"callbacks": []string{l.url}, "web_origins": []string{l.url},
		"grant_types": []string{"authorization_code", "refresh_token", "urn:okta:params:oauth:grant-type:webauthn", "http://auth0.com/oauth/grant-type/mfa-otp"},
	}, &l.client, func() string { return l.client.ClientID })
	var connection, rule struct{ ID string }
	made("/connections", map[string]any{
		"name": "Keys", "strategy": "auth0", "enabled_clients": []string{l.client.ClientID},
		"options": map[string]any{"authentication_methods": map[string]any{"password": map[string]any{"enabled": true}, "passkey": map[string]any{"enabled": true}}},
	}, &connection, func() string { return connection.ID })
	made("/rules", map[string]any{"name": "Ask for a factor when tokens are renewed", "enabled": true, "script": `function (user, context, callback) {
		if (context.clientName === 'Embedded' && context.protocol === 'oauth2-refresh-token') context.multifactor = {provider: 'any'};
		callback(null, user, context);
	}`}, &rule, func() string { return rule.ID })

	l.tab = tabIn(t, ctx, chromedp.WithNewBrowserContext())
	l.open(l.url)
	l.plug(webauthn.AuthenticatorTransportInternal)
	l.back()
	l.eval(nil, `void (window.client = new auth0.Auth0Client({domain: `+quote(demo.Domain)+`, clientId: `+quote(l.client.ClientID)+`, cacheLocation: "memory", useRefreshTokens: true,
		authorizationParams: {redirect_uri: location.origin, scope: "openid profile email offline_access"}}))`)
	l.same("signed up with a passkey", `client.passkey.signup({email: "una@example.com", name: "Una", realm: "Keys"}).then(() => client.getUser()).then(u => [u.email, u.name])`, []string{"una@example.com", "Una"})
	var una string
	l.eval(&una, `client.getUser().then(u => u.sub)`)
	l.same("signed in with it", `client.passkey.login({realm: "Keys"}).then(() => client.getUser()).then(u => u.sub)`, una)

	var token string
	l.eval(&token, `client.getTokenSilently({cacheMode: "off"}).then(() => "renewed", e => e.error === "mfa_required" ? e.mfa_token : e.message)`)
	l.same("what they may set up", `client.mfa.getEnrollmentFactors(`+quote(token)+`).then(all => all.map(f => f.type))`, []string{"otp"})
	var enrolled struct {
		Secret string `json:"secret"`
	}
	l.eval(&enrolled, `client.mfa.enroll({mfaToken: `+quote(token)+`, factorType: "otp"})`)
	app := &authenticator{secret: enrolled.Secret}
	l.same("an app set up", `client.mfa.verify({mfaToken: `+quote(token)+`, otp: `+quote(app.code())+`}).then(got => Boolean(got.access_token))`, true)
	l.eval(&token, `client.getTokenSilently({cacheMode: "off"}).then(() => "renewed", e => e.error === "mfa_required" ? e.mfa_token : e.message)`)
	l.same("what they have", `client.mfa.getAuthenticators(`+quote(token)+`).then(all => all.map(a => a.authenticatorType).sort())`, []string{"otp", "recovery-code"})
	l.same("a wrong code", `client.mfa.verify({mfaToken: `+quote(token)+`, otp: "000000"}).then(() => "taken", e => e.error)`, "invalid_grant")
	l.same("a code", `client.mfa.verify({mfaToken: `+quote(token)+`, otp: `+quote(app.code())+`}).then(got => Boolean(got.id_token))`, true)
	l.same("still them", `client.getUser().then(u => u.sub)`, una)
}
