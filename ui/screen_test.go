package ui

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestScreensOfPages: each page that a front end can take the place of tells what JSON can say, posts to itself, and leads only to our own pages.
func TestScreensOfPages(t *testing.T) {
	seen := map[string]bool{}
	for name, p := range samples() {
		screened, is := p.(Screened)
		if !is {
			continue
		}
		s := screened.Screen()
		if s.Name == "" {
			continue
		}
		seen[s.Prompt+"/"+s.Name] = true
		if more, is := p.(interface{ Otherwise() Screen }); is {
			seen[more.Otherwise().Prompt+"/"+more.Otherwise().Name] = true
		}
		if _, err := json.Marshal(map[string]any{"data": s.Data, "links": s.Links, "texts": screened.Of().ScreenTexts(s)}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for action, way := range s.Ways {
			if to := way.URL + way.Form.Action; to != "" && !Local(to) && !strings.HasPrefix(to, "https://") {
				t.Errorf("%s: %s leads to %q", name, action, to)
			}
		}
		for key, text := range screened.Of().ScreenTexts(s) {
			if words, _ := text.(string); words == "" || strings.Contains(words, "%!") {
				t.Errorf("%s: the text %s is %q", name, key, words)
			}
		}
		title, err := Title(p)
		if err != nil || title == "" {
			t.Errorf("%s: title %q, %v", name, title, err)
		}
	}
	for _, want := range []string{
		"login/login", "login-password/login-password", "signup/signup", "consent/consent", "reset-password/reset-password-request", "reset-password/reset-password",
		"mfa-otp/mfa-otp-challenge", "mfa-otp/mfa-otp-enrollment-qr", "mfa-recovery-code/mfa-recovery-code-challenge", "mfa-recovery-code/mfa-recovery-code-enrollment",
		"mfa-sms/mfa-sms-challenge", "mfa/mfa-login-options", "passkeys/passkey-enrollment", "organizations/organization-selection",
		"mfa-push/mfa-push-challenge-push", "mfa-push/mfa-push-enrollment-qr", "mfa-webauthn/mfa-webauthn-roaming-challenge", "mfa-webauthn/mfa-webauthn-not-available-error",
		"mfa-sms/mfa-sms-enrollment", "device-flow/device-code-confirmation", "logout/logout", "logout/logout-complete", "email-verification/email-verification-result",
		"signup-id/signup-id", "customized-consent/customized-consent", "mfa-recovery-code/mfa-recovery-code-challenge-new-code",
	} {
		if !seen[want] {
			t.Errorf("no sample is the screen %s: %v", want, seen)
		}
	}
}
