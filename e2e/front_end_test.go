package e2e

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestFrontEnd: a front end of the tenant's own, made with @auth0/auth0-acul-js, takes people through sign-up, login, second factors and consent in
// the place of our pages, for the clients that the tenant has chosen.
func TestFrontEnd(t *testing.T) {
	modules := published(t, "@auth0/auth0-acul-js")
	files := library(t, application(t, modules, "testdata/front_end.js"))
	op := operatorOf(t)
	var site client
	op.do("POST", "/clients", map[string]any{
		"name": "Front end", "app_type": "spa", "is_first_party": false, "oidc_conformant": true, "callbacks": []string{files.URL + "/cb"}, "client_metadata": map[string]string{"pages": "own"},
		"token_endpoint_auth_method": "none", "grant_types": []string{"authorization_code"},
	}, &site)
	t.Cleanup(func() { op.do("DELETE", "/clients/"+site.ClientID, nil, nil) })
	op.enable("Username-Password-Authentication", site.ClientID)
	var configs []any
	for _, name := range []string{
		"login/login", "signup/signup", "reset-password/reset-password-request", "reset-password/reset-password-email", "consent/consent", "mfa-otp/mfa-otp-enrollment-qr",
		"mfa-otp/mfa-otp-challenge", "mfa-recovery-code/mfa-recovery-code-enrollment", "mfa-recovery-code/mfa-recovery-code-challenge",
	} {
		prompt, screen, _ := strings.Cut(name, "/")
		configs = append(configs, map[string]any{
			"prompt": prompt, "screen": screen, "rendering_mode": "advanced", "context_configuration": []string{"screen.texts", "client.metadata.pages"},
			"head_tags": []any{map[string]any{"tag": "script", "attributes": map[string]any{"src": files.URL + "/library.js", "defer": true}}},
			"filters":   map[string]any{"match_type": "includes_any", "clients": []any{map[string]any{"metadata": map[string]string{"pages": "own"}}}},
		})
	}
	op.do("PATCH", "/prompts/rendering", map[string]any{"configs": configs}, nil)
	op.do("PUT", "/guardian/factors/otp", map[string]any{"enabled": true}, nil)
	t.Cleanup(func() { op.do("PUT", "/guardian/factors/otp", map[string]any{"enabled": false}, nil) })
	who := op.newListener("front-end", nil)

	b := tabIn(t, trusting(t), chromedp.WithNewBrowserContext())
	begin := func(more ...string) {
		q := url.Values{
			"client_id": {site.ClientID}, "response_type": {"code"}, "redirect_uri": {files.URL + "/cb"}, "scope": {"openid profile email"}, "state": {"s"},
			"code_challenge": {strings.Repeat("c", 43)}, "code_challenge_method": {"S256"},
		}
		for i := 0; i+1 < len(more); i += 2 {
			q.Set(more[i], more[i+1])
		}
		b.open(demo.HTTPSURL + "/authorize?" + q.Encode())
	}
	screen := func(name string) { b.t.Helper(); b.see("#screen-" + name) }
	fill := func(pairs ...string) {
		b.t.Helper()
		for i := 0; i+1 < len(pairs); i += 2 {
			b.fill(`input[name="`+pairs[i]+`"]`, pairs[i+1])
		}
		b.click("#go")
	}
	arrives := func(param string) {
		b.t.Helper()
		b.await("the way back", `location.pathname === "/cb" && new URLSearchParams(location.search).has(`+quote(param)+`)`)
	}

	begin()
	screen("login")
	if *screenshots != "" {
		b.whole(filepath.Join(*screenshots, "front-end-login.png"))
	}
	fill("username", who.Email, "password", "wrong")
	b.see(`.error[data-code="wrong-credentials"]`)
	fill("username", who.Email, "password", who.Password)
	screen("consent")
	b.click("#accept")
	arrives("code")

	begin("acr_values", multiFactor, "prompt", "login")
	fill("username", who.Email, "password", who.Password)
	screen("mfa-otp-enrollment-qr")
	var secret, recovery string
	b.eval(&secret, `window.universal_login_context.screen.data.text_secret`)
	app := &authenticator{secret: secret}
	fill("code", app.code())
	screen("mfa-recovery-code-enrollment")
	b.eval(&recovery, `window.universal_login_context.screen.data.text_code`)
	b.click("#go")
	arrives("code")

	begin("acr_values", multiFactor, "prompt", "login")
	fill("username", who.Email, "password", who.Password)
	screen("mfa-otp-challenge")
	fill("code", "000000")
	b.see(`.error[data-code="invalid-code"]`)
	b.click("#other")
	b.await("the recovery code's screen, or ours to choose", `document.querySelector("#screen-mfa-recovery-code-challenge, a[href*='recovery']")`)
	b.eval(nil, `document.querySelector("a[href*='recovery']")?.click()`)
	screen("mfa-recovery-code-challenge")
	fill("code", recovery)
	screen("mfa-recovery-code-enrollment")
	b.click("#go")
	arrives("code")

	b.open(demo.HTTPSURL + "/v2/logout")
	begin()
	b.click("#signup")
	screen("signup")
	fill("email", "front-end-new@example.com", "password", "x")
	b.see(".error")
	fill("email", "front-end-new@example.com", "password", "Another-Engine-2")
	screen("consent")
	b.click("#deny")
	arrives("error")

	b.open(demo.HTTPSURL + "/v2/logout")
	begin()
	b.click("#reset")
	screen("reset-password-request")
	b.click("#login")
	screen("login")
	b.click("#reset")
	fill("username", who.Email)
	screen("reset-password-email")

	other := tabIn(t, trusting(t), chromedp.WithNewBrowserContext())
	other.open(demo.MixtapeURL)
	other.click(id("sign-in"))
	other.logIn(who) // the pages of other clients are ours
}
