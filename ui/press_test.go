package ui

import (
	"testing"

	"golang.org/x/net/html"
)

// Browser tests of applications find what they fill in and press on the vendor's pages by these ids and attributes.
func TestPagesOfALoginAreFoundByBrowserTests(t *testing.T) {
	for name, fields := range map[string][]string{
		"login": {"username", "password"}, "login-organization": {"username", "password"}, "signup": {"email", "password"}, "forgot": {"email"}, "mfa-otp-challenge": {"code"},
	} {
		found, pressed, submits := map[string]bool{}, 0, 0
		walk(parse(t, render(t, samples()[name])), func(n *html.Node) {
			get := func(name string) string { v, _ := attr(n, name); return v }
			switch n.Data {
			case "input":
				if get("id") == get("name") {
					found[get("id")] = true
				}
			case "button":
				if get("name") == "action" && get("value") == "default" && get("data-action-button-primary") == "true" {
					pressed++
				}
				if get("type") == "submit" { // Playwright and Cypress take one alone
					submits++
				}
			}
		})
		for _, field := range fields {
			if !found[field] {
				t.Errorf("%s: no input %s", name, field)
			}
		}
		if pressed != 1 || submits != 1 && name != "signup" { // which offers a passkey, too
			t.Errorf("%s: %d buttons that go on, %d that send", name, pressed, submits)
		}
	}
}
