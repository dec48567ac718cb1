package e2e

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// TestAccountPage: from the app's settings a listener comes to their account page, without logging in again, and looks after the account with keys alone.
func TestAccountPage(t *testing.T) {
	op := operatorOf(t)
	ida := op.newListener("ida", map[string]any{"user_metadata": map[string]any{"displayName": "Ida", "theme": "light"}, "app_metadata": map[string]any{"plan": "premium"}})
	elsewhere := newTab(t)
	elsewhere.signIn(ida)
	b := newTab(t)
	b.signIn(ida)
	b.click(id("tab-settings"))
	b.tabTo(id("settings-account"))
	b.forget()
	b.press(kb.Enter)
	b.awaitText("h1", "Your account")
	if pages := b.hosted(); len(pages) != 1 {
		t.Errorf("on the way to the account page the listener saw %q", pages)
	}
	b.look("hosted-account")

	b.tabTo(`input[name="name"]`)
	b.replace("Ida Ears")
	b.press(kb.Enter)
	b.awaitText(".told", "Your profile is saved.")
	b.awaitText(".lead", "Ida Ears")
	b.tabTo(`input[name="picture"]`)
	b.replace("https://")
	b.eval(nil, `document.querySelector('form[action="/account/profile"]').noValidate = true`)
	b.press(kb.Enter)
	b.see(`[role="alert"]`)
	b.look("hosted-account-refused")

	b.open(demo.HTTPURL + "/account")
	b.tabTo(`a[href="/account/metadata"]`)
	b.press(kb.Enter)
	b.tabTo(`input[name="member.displayName"]`)
	b.look("hosted-account-metadata")
	b.tabTo(`input[name="member.displayName"]`)
	b.replace("Ida again")
	b.press(kb.Enter)
	b.awaitText(".told", "Your settings are saved.")
	if got := op.user(ida.UserID); got.UserMetadata["displayName"] != "Ida again" || got.AppMetadata["plan"] != "premium" {
		t.Errorf("metadata %s %s", text(got.UserMetadata), text(got.AppMetadata))
	}

	b.tabTo(`#sessions .things button`)
	b.press(kb.Enter)
	b.awaitText(".told", "Logged out there.")
	elsewhere.open(demo.HTTPURL + "/account")
	elsewhere.see(`input[name="username"]`)

	b.tabTo(`a[href="/account/password"]`)
	b.press(kb.Enter)
	b.tabTo(`input[name="password"]`)
	b.look("hosted-account-password")
	b.tabTo(`input[name="password"]`)
	ida.Password = "Idas-New-Word-55"
	b.press(ida.Password)
	b.press(kb.Enter)
	b.awaitText(".told", "Your password is changed.")
	elsewhere.logIn(ida)
	elsewhere.awaitText("h1", "Your account")

	b.tabTo(`form[action="/account/logout"] button`)
	b.press(kb.Enter)
	b.awaitText("h1", "You are logged out")
	b.open(demo.HTTPURL + "/account")
	b.see(`input[name="username"]`)
}
