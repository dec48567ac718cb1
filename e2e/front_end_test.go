package e2e

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// frontEnd is a tab in which somebody comes to a client whose people see a front end of the tenant's own.
type frontEnd struct {
	*tab
	site client
	home string // of the client
}

// showFrontEnd makes the client and puts the front end, made with @auth0/auth0-acul-js, in the place of pages; they are named prompt/screen.
func showFrontEnd(t *testing.T, op operator, connection string, names ...string) *frontEnd {
	t.Helper()
	files := library(t, application(t, published(t, "@auth0/auth0-acul-js"), "testdata/front_end.js"))
	f := &frontEnd{home: files.URL}
	op.do("POST", "/clients", map[string]any{
		"name": "Front end", "app_type": "spa", "is_first_party": false, "oidc_conformant": true, "callbacks": []string{files.URL + "/cb"}, "client_metadata": map[string]string{"pages": connection},
		"token_endpoint_auth_method": "none", "grant_types": []string{"authorization_code"},
	}, &f.site)
	t.Cleanup(func() { op.do("DELETE", "/clients/"+f.site.ClientID, nil, nil) })
	op.enable(connection, f.site.ClientID)
	var configs, standard []any
	for _, name := range names {
		prompt, screen, _ := strings.Cut(name, "/")
		configs = append(configs, map[string]any{
			"prompt": prompt, "screen": screen, "rendering_mode": "advanced", "context_configuration": []string{"screen.texts"},
			"head_tags": []any{map[string]any{"tag": "script", "attributes": map[string]any{"src": files.URL + "/library.js", "defer": true}}},
			"filters":   map[string]any{"match_type": "includes_any", "clients": []any{map[string]any{"metadata": map[string]string{"pages": connection}}}},
		})
	}
	for _, name := range names {
		prompt, screen, _ := strings.Cut(name, "/")
		standard = append(standard, map[string]any{"prompt": prompt, "screen": screen, "rendering_mode": "standard"})
	}
	op.do("PATCH", "/prompts/rendering", map[string]any{"configs": configs}, nil)
	t.Cleanup(func() { op.do("PATCH", "/prompts/rendering", map[string]any{"configs": standard}, nil) }) // its files are gone
	f.tab = tabIn(t, trusting(t), chromedp.WithNewBrowserContext())
	return f
}

// begin comes to the login; more are pairs of a parameter and its value.
func (f *frontEnd) begin(more ...string) {
	f.t.Helper()
	q := url.Values{
		"client_id": {f.site.ClientID}, "response_type": {"code"}, "redirect_uri": {f.home + "/cb"}, "scope": {"openid profile email"}, "state": {"s"},
		"code_challenge": {strings.Repeat("c", 43)}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	f.open(demo.HTTPSURL + "/authorize?" + q.Encode())
}

func (f *frontEnd) screen(name string) { f.t.Helper(); f.see("#screen-" + name) }

// gives fills fields in, pairs of a name and a value, and goes on.
func (f *frontEnd) gives(pairs ...string) {
	f.t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		f.fill(`input[name="`+pairs[i]+`"]`, pairs[i+1])
	}
	f.click("#go")
}

// arrives waits for the client's page, with a parameter of the answer.
func (f *frontEnd) arrives(param string) {
	f.t.Helper()
	f.await("the way back", `location.pathname === "/cb" && new URLSearchParams(location.search).has(`+quote(param)+`)`)
}

// TestFrontEnd: a front end of the tenant's own, made with @auth0/auth0-acul-js, takes people through sign-up, login, second factors and consent in
// the place of our pages, for the clients that the tenant has chosen.
func TestFrontEnd(t *testing.T) {
	op := operatorOf(t)
	b := showFrontEnd(t, op, "Username-Password-Authentication",
		"login/login", "signup/signup", "reset-password/reset-password-request", "reset-password/reset-password-email", "consent/consent", "mfa-otp/mfa-otp-enrollment-qr",
		"mfa-otp/mfa-otp-challenge", "mfa-recovery-code/mfa-recovery-code-enrollment", "mfa-recovery-code/mfa-recovery-code-challenge")
	op.do("PUT", "/guardian/factors/otp", map[string]any{"enabled": true}, nil)
	t.Cleanup(func() { op.do("PUT", "/guardian/factors/otp", map[string]any{"enabled": false}, nil) })
	who := op.newListener("front-end", nil)

	b.begin()
	b.screen("login")
	if *screenshots != "" {
		b.whole(filepath.Join(*screenshots, "front-end-login.png"))
	}
	b.gives("username", who.Email, "password", "wrong")
	b.see(`.error[data-code="wrong-credentials"]`)
	b.gives("username", who.Email, "password", who.Password)
	b.screen("consent")
	b.click("#accept")
	b.arrives("code")

	b.begin("acr_values", multiFactor, "prompt", "login")
	b.gives("username", who.Email, "password", who.Password)
	b.screen("mfa-otp-enrollment-qr")
	var secret, recovery string
	b.eval(&secret, `window.universal_login_context.screen.data.text_secret`)
	app := &authenticator{secret: secret}
	b.gives("code", app.code())
	b.screen("mfa-recovery-code-enrollment")
	b.eval(&recovery, `window.universal_login_context.screen.data.text_code`)
	b.click("#go")
	b.arrives("code")

	b.begin("acr_values", multiFactor, "prompt", "login")
	b.gives("username", who.Email, "password", who.Password)
	b.screen("mfa-otp-challenge")
	b.gives("code", "000000")
	b.see(`.error[data-code="invalid-code"]`)
	b.click("#other")
	b.await("the recovery code's screen, or ours to choose", `document.querySelector("#screen-mfa-recovery-code-challenge, a[href*='recovery']")`)
	b.eval(nil, `document.querySelector("a[href*='recovery']")?.click()`)
	b.screen("mfa-recovery-code-challenge")
	b.gives("code", recovery)
	b.screen("mfa-recovery-code-enrollment")
	b.click("#go")
	b.arrives("code")

	b.open(demo.HTTPSURL + "/v2/logout")
	b.begin()
	b.click("#signup")
	b.screen("signup")
	b.gives("email", "front-end-new@example.com", "password", "x")
	b.see(".error")
	b.gives("email", "front-end-new@example.com", "password", "Another-Engine-2")
	b.screen("consent")
	b.click("#deny")
	b.arrives("error")

	b.open(demo.HTTPSURL + "/v2/logout")
	b.begin()
	b.click("#reset")
	b.screen("reset-password-request")
	b.click("#login")
	b.screen("login")
	b.click("#reset")
	b.gives("username", who.Email)
	b.screen("reset-password-email")

	other := tabIn(t, trusting(t), chromedp.WithNewBrowserContext())
	other.open(demo.MixtapeURL)
	other.click(id("sign-in"))
	other.logIn(who) // the pages of other clients are ours
}

// TestFrontEndWithPasskeys: the library asks for the identifier first, offers a passkey, signs in with it, and signs somebody up with one.
func TestFrontEndWithPasskeys(t *testing.T) {
	op := operatorOf(t)
	var keys struct{ ID string }
	op.do("POST", "/connections", map[string]any{
		"name": "Front-end-keys", "strategy": "auth0",
		"options": map[string]any{"authentication_methods": map[string]any{"password": map[string]any{"enabled": true}, "passkey": map[string]any{"enabled": true}}},
	}, &keys)
	t.Cleanup(func() { op.do("DELETE", "/connections/"+keys.ID, nil, nil) })
	b := showFrontEnd(t, op, "Front-end-keys", "login-id/login-id", "login-password/login-password", "signup-id/signup-id", "passkeys/passkey-enrollment", "consent/consent")
	op.do("PATCH", "/prompts", map[string]any{"identifier_first": true}, nil)
	t.Cleanup(func() { op.do("PATCH", "/prompts", map[string]any{"identifier_first": false}, nil) })
	who := user{Email: "front-end-keys@example.com", Password: "Engine-No.1"}
	op.do("POST", "/users", map[string]any{"connection": "Front-end-keys", "email": who.Email, "password": who.Password}, nil)

	b.begin()
	b.plug(webauthn.AuthenticatorTransportInternal)
	b.screen("login-id")
	b.gives("username", who.Email)
	b.screen("login-password")
	b.gives("password", who.Password)
	b.screen("passkey-enrollment")
	b.click("#go")
	b.screen("consent")
	b.click("#accept")
	b.arrives("code")

	b.begin("prompt", "login")
	b.screen("login-id")
	b.click("#passkey")
	b.arrives("code")

	b.open(demo.HTTPSURL + "/v2/logout")
	b.begin("screen_hint", "signup")
	b.screen("signup-id")
	b.gives("email", "front-end-new-keys@example.com")
	b.screen("passkey-enrollment")
	b.click("#go")
	b.screen("consent")
	b.click("#accept")
	b.arrives("code")
}

// TestFrontEndWithFactors: the library sets up a security key and a device that approves logins, and gives them in the next login.
func TestFrontEndWithFactors(t *testing.T) {
	op := operatorOf(t)
	names := []string{
		"consent/consent", "mfa/mfa-begin-enroll-options", "mfa-recovery-code/mfa-recovery-code-enrollment", "mfa-webauthn/mfa-webauthn-roaming-enrollment", "mfa-webauthn/mfa-webauthn-roaming-challenge",
		"mfa-push/mfa-push-enrollment-qr", "mfa-push/mfa-push-challenge-push",
	}
	factors := func(on bool) {
		for _, name := range []string{"webauthn-roaming", "push-notification"} {
			op.do("PUT", "/guardian/factors/"+name, map[string]any{"enabled": on}, nil)
		}
	}
	factors(true)
	t.Cleanup(func() { factors(false) })
	inbox := tabIn(t, trusting(t), chromedp.WithNewBrowserContext())
	for _, kind := range []string{"key", "push"} {
		b := showFrontEnd(t, op, "Username-Password-Authentication", names...)
		who := op.newListener("front-end-"+kind, nil)
		approves := func() {}
		if kind == "key" {
			b.plug(webauthn.AuthenticatorTransportUsb)
		} else {
			approves = func() {
				inbox.open(demo.HTTPSURL + "/u/inbox")
				inbox.click(`a[href^="/u/inbox/"]`)
				inbox.await("the message", `/inbox-device\?token=/.test(document.body.innerText)`)
				var link string
				inbox.eval(&link, `document.body.innerText.match(/\S+inbox-device\?token=\S+/)[0]`)
				inbox.open(link)
				inbox.click(`button[value="accept"]`)
			}
		}
		b.begin("acr_values", multiFactor)
		b.logIn(who)
		b.screen("mfa-begin-enroll-options")
		b.click("#" + kind)
		if kind == "key" {
			b.screen("mfa-webauthn-roaming-enrollment")
			b.click("#go")
		} else {
			b.screen("mfa-push-enrollment-qr")
			approves()
		}
		b.screen("mfa-recovery-code-enrollment")
		b.click("#go")
		b.screen("consent")
		b.click("#accept")
		b.arrives("code")

		b.begin("acr_values", multiFactor, "prompt", "login")
		b.logIn(who)
		if kind == "key" {
			b.screen("mfa-webauthn-roaming-challenge")
			b.click("#failed")
			b.see(`form[data-webauthn="get"]`) // ours: the screen for errors is none of the front end's
			b.begin("acr_values", multiFactor, "prompt", "login")
			b.logIn(who)
			b.screen("mfa-webauthn-roaming-challenge")
			b.click("#go")
		} else {
			b.screen("mfa-push-challenge-push")
			approves()
		}
		b.arrives("code")
	}
}
