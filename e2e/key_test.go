package e2e

import (
	"context"
	"net/url"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// plug gives the tab an authenticator that is always at hand, and whose person is who they should be.
func (b *tab) plug(transport webauthn.AuthenticatorTransport) {
	b.t.Helper()
	b.do("plug in a key", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return err
		}
		_, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: transport, HasResidentKey: true, HasUserVerification: true, IsUserVerified: true,
			AutomaticPresenceSimulation: true,
		}})
		return err
	}))
}

// TestKeys: a listener sets up a security key in the middle of a login and gives it in the next one; then a passkey takes the place of the
// password. The browser is real, and so is what it makes the key sign.
func TestKeys(t *testing.T) {
	op := operatorOf(t)
	var made client
	op.do("POST", "/clients", map[string]any{
		"name": "Vault", "app_type": "spa", "oidc_conformant": true, "callbacks": []string{demo.MixtapeURL}, "jwt_configuration": map[string]any{"alg": "RS256"},
		"grant_types": []string{"authorization_code"},
	}, &made)
	t.Cleanup(func() { op.do("DELETE", "/clients/"+made.ClientID, nil, nil) })
	factors := func(on bool) {
		for _, name := range []string{"webauthn-roaming", "otp"} {
			op.do("PUT", "/guardian/factors/"+name, map[string]any{"enabled": on}, nil)
		}
	}
	factors(true)
	t.Cleanup(func() { factors(false) })
	var asks struct{ ID string }
	op.do("POST", "/rules", map[string]any{"name": "Ask for the second factor of the vault", "enabled": true, "script": `function (user, context, callback) {
		if (context.clientName === 'Vault') context.multifactor = {provider: 'any', allowRememberBrowser: false};
		callback(null, user, context);
	}`}, &asks)
	removed := false
	remove := func() {
		if !removed {
			removed = true
			op.do("DELETE", "/rules/"+asks.ID, nil, nil)
		}
	}
	t.Cleanup(remove)
	listener := op.newListener("keys", nil)
	query, _ := request{server: demo.HTTPURL, clientID: made.ClientID, redirectURI: demo.MixtapeURL}.query()
	authorize := demo.HTTPURL + "/authorize?" + query.Encode()
	back := `location.href.startsWith(` + quote(demo.MixtapeURL) + `)`

	b := newTab(t)
	b.plug(webauthn.AuthenticatorTransportUsb)
	b.open(authorize)
	b.logIn(listener)
	b.see(`a.choice[href*="otp"]`)
	b.look("hosted-mfa-options")
	b.click(`a.choice[href*="webauthn-roaming"]`)
	b.see(`form[data-webauthn="create"]`)
	b.look("hosted-mfa-key-enroll")
	b.click(`button[type="submit"].primary`)
	b.click(`input[name="noted"]`)
	b.click(`button[type="submit"].primary`)
	b.await("the way back", back)
	b.open(authorize + "&prompt=login")
	b.logIn(listener)
	b.see(`form[data-webauthn="get"]`)
	b.look("hosted-mfa-key")
	b.click(`button[type="submit"].primary`)
	b.await("the way back with a key", back)
	remove()

	// A passkey takes the place of the password.
	var all []struct {
		ID      string         `json:"id"`
		Name    string         `json:"name"`
		Options map[string]any `json:"options"`
	}
	op.do("GET", "/connections?strategy=auth0", nil, &all)
	connection, before := all[0].ID, all[0].Options
	with := map[string]any{}
	for name, value := range before {
		with[name] = value
	}
	with["authentication_methods"] = map[string]any{"password": map[string]any{"enabled": true}, "passkey": map[string]any{"enabled": true}}
	offer := func(ui string) {
		with["passkey_options"] = map[string]any{"challenge_ui": ui, "progressive_enrollment_enabled": true, "local_enrollment_enabled": true}
		op.do("PATCH", "/connections/"+connection, map[string]any{"options": with}, nil)
	}
	offer("button")
	t.Cleanup(func() {
		before["authentication_methods"] = map[string]any{"password": map[string]any{"enabled": true}, "passkey": map[string]any{"enabled": false}}
		op.do("PATCH", "/connections/"+connection, map[string]any{"options": before}, nil)
	})
	p := newTab(t)
	p.plug(webauthn.AuthenticatorTransportInternal)
	p.open(authorize)
	p.logIn(listener)
	p.see(`button[name="skip"]`)
	p.look("hosted-passkey")
	p.click(`button[type="submit"].primary`)
	p.await("the way back with a new passkey", back)
	p.open(authorize + "&prompt=login")
	p.see(`button.passkey`)
	p.look("hosted-login-passkey")
	p.click(`button.passkey`)
	p.await("the way back with a passkey alone", back)
	offer("autofill")
	p.open(authorize + "&prompt=login") // the browser offers the passkey by itself, and the key's person takes it at once
	p.await("the way back with the passkey that the browser offered", back)
	var methods []struct {
		Type         string `json:"type"`
		RelyingParty string `json:"relying_party_identifier"`
	}
	op.do("GET", "/users/"+url.PathEscape(listener.UserID)+"/authentication-methods", nil, &methods)
	kinds := map[string]int{}
	for _, m := range methods {
		kinds[m.Type]++
	}
	if kinds["webauthn-roaming"] != 1 || kinds["passkey"] != 1 || kinds["recovery-code"] != 1 {
		t.Errorf("methods %+v", methods)
	}
	for _, tab := range []*tab{b, p} {
		if complaints := tab.complaints(); len(complaints) > 0 {
			t.Errorf("the browser complained: %q", complaints)
		}
	}
}
