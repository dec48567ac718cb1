package e2e

import (
	"strings"
	"testing"
)

// TestA1_SignUpAndSignIn: a listener signs up and signs in through the hosted pages with a code and PKCE, and stays signed in.
func TestA1_SignUpAndSignIn(t *testing.T) {
	b, nora := newTab(t), user{Email: newAddress("nora"), Password: "Nora-Likes-Dub-7"}
	b.open(demo.MixtapeURL)
	b.click(id("sign-up"))
	b.fill(`input[name="email"]`, nora.Email)
	b.fill(`input[name="password"]`, nora.Password)
	b.click(`button[type="submit"].primary`)
	b.awaitText(id("greeting"), "user")
	if plan := b.data(id("plan"), "plan"); plan != "free" {
		t.Errorf("plan %q, want free", plan)
	}
	var authorize string
	for _, r := range b.sent() {
		if strings.HasPrefix(r.url, demo.HTTPURL+"/authorize?") {
			authorize = r.url
		}
	}
	for _, parameter := range []string{"response_type=code", "code_challenge_method=S256", "code_challenge=", "screen_hint=signup", "state=", "nonce="} {
		if !strings.Contains(authorize, parameter) {
			t.Errorf("the request lacks %s: %s", parameter, authorize)
		}
	}

	b.forget()
	b.reload()
	b.awaitText(id("greeting"), "user")
	if pages := b.hosted(); pages != nil {
		t.Errorf("after a reload the listener saw %q", pages)
	}

	b.click(id("sign-out"))
	b.see(id("welcome"))
	b.click(id("sign-in"))
	b.logIn(user{Email: nora.Email, Password: "not hers"})
	b.see(`[role="alert"], .problems, .notice`)
	b.logIn(nora)
	b.awaitText(id("greeting"), "user")
}
