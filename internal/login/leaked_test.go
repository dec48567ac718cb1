package login_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
)

// leaks are passwords that have become public.
type leaks []string

func (l leaks) Has(secret string) (bool, error) {
	for _, s := range l {
		if s == secret {
			return true, nil
		}
	}
	return false, nil
}

// TestLeakedPasswords: at a login, a sign-up and a new password, by the tenant's shields.
func TestLeakedPasswords(t *testing.T) {
	each(t, func(w *world) {
		w.pipe.Leaks = leaks{good}
		logIn := func(identifier, secret string) *reply {
			b := w.browser()
			return b.submit(b.begin(), "username", identifier, "password", secret)
		}
		to := func(kind string) (n int) {
			for _, m := range w.mails() {
				if m.Kind == kind {
					n++
				}
			}
			return n
		}

		// Off, or without shields.
		w.setting(stagedoor.SettingBreached, `{"enabled":false,"shields":["block"]}`)
		logIn("ada@example.com", good).want(http.StatusSeeOther)
		w.setting(stagedoor.SettingBreached, `{"enabled":true,"shields":[]}`)
		logIn("ada@example.com", good).want(http.StatusSeeOther)
		if events := w.events(); strings.Contains(events, "leak") {
			t.Errorf("events %s", events)
		}

		// People and administrators are told; a wrong password tells nothing.
		w.setting(stagedoor.SettingBreached, `{"enabled":true,"shields":["user_notification","admin_notification"],"admin_notification_frequency":["daily"]}`)
		for range 2 {
			logIn("ada@example.com", good).want(http.StatusSeeOther)
		}
		if to("stolen_credentials") != 1 || to("admin_notification") != 1 || !strings.Contains(w.events(), "pwd_leak") {
			t.Errorf("events %s, mails %+v", w.events(), w.mails())
		}
		w.setting(stagedoor.SettingBreached, `{"enabled":true,"shields":["block","user_notification","admin_notification"],"admin_notification_frequency":["immediately"]}`)
		logIn("ada@example.com", good).want(http.StatusBadRequest).says("This password appeared in a data leak of another site.")
		logIn("ada@example.com", "AUTH0-TEST-1").want(http.StatusBadRequest).says("Wrong email or password.")
		if to("admin_notification") != 2 {
			t.Errorf("%d mails to administrators", to("admin_notification"))
		}
		w.grants("app", "http://auth0.com/oauth/grant-type/password-realm")
		if r := w.browser().json("/oauth/token", `{"grant_type":"http://auth0.com/oauth/grant-type/password-realm","client_id":"app","realm":"Users","username":"ada@example.com","password":"`+good+`"}`).want(401); !strings.HasPrefix(r.body, `{"error":"password_leaked","error_description":"This login attempt has been blocked because the password you're using was previously disclosed through a data breach (not in this application).`) {
			t.Errorf("the grant answers %s", r.body)
		}

		// The link of the mail leads to another password, which is looked up too.
		w.wait(25 * 3600e9)
		w.setting(stagedoor.SettingBreached, `{"enabled":true,"shields":["block","user_notification"],"stage":{"pre-change-password":{"shields":["block"]},"pre-user-registration":{"shields":["block"]}}}`)
		logIn("ada@example.com", good).want(http.StatusBadRequest)
		b := w.browser()
		page := b.get(w.link()).want(http.StatusOK)
		b.submit(page, "password", "AUTH0-TEST-Aa1!").want(http.StatusBadRequest).says("Choose one that you use nowhere else.")
		b.submit(page, "password", "Another-Horse-2").want(http.StatusOK)
		logIn("ada@example.com", "Another-Horse-2").want(http.StatusSeeOther)

		// Each stage has shields of its own.
		w.setting(stagedoor.SettingBreached, `{"enabled":true,"shields":["block"],"stage":{"pre-change-password":{"shields":[]},"pre-user-registration":{"shields":[]}}}`)
		w.browser().json("/dbconnections/signup", `{"client_id":"app","connection":"Users","email":"free@example.com","password":"`+good+`"}`).want(200)
		logIn("free@example.com", good).want(http.StatusBadRequest)
		b = w.browser()
		b.submit(b.get("/u/forgot"), "email", "free@example.com").want(http.StatusOK)
		b.submit(b.get(w.link()), "password", "AUTH0-TEST-Aa1!").want(http.StatusOK)
		w.setting(stagedoor.SettingBreached, `{"enabled":true,"shields":[],"stage":{"pre-change-password":{"shields":["block"]},"pre-user-registration":{"shields":["block"]}}}`)
		logIn("free@example.com", "AUTH0-TEST-Aa1!").want(http.StatusSeeOther)

		// Sign-up, by page and by endpoint.
		b = w.browser()
		page = b.begin("screen_hint", "signup")
		b.submit(page, "email", "new@example.com", "password", good).want(http.StatusBadRequest).says("Choose one that you use nowhere else.")
		b.json("/dbconnections/signup", `{"client_id":"app","connection":"Users","email":"new@example.com","password":"Paaf213XXYYZZ"}`).want(400).says(`"code":"password_leaked"`)
		if w.found("new@example.com") != nil {
			t.Error("there is a user all the same")
		}
		b.submit(page, "email", "new@example.com", "password", "Another-Horse-3").want(http.StatusSeeOther)
		w.logs("signup_pwd_leak", "reset_pwd_leak")
	})
}

// TestThrottledAddressIsTold: the tenant's support hears once of an address that fails too often.
func TestThrottledAddressIsTold(t *testing.T) {
	each(t, func(w *world) {
		w.setting(stagedoor.SettingSuspiciousIP, `{"enabled":true,"shields":["admin_notification"],"stage":{"pre-login":{"max_attempts":3,"rate":864000}}}`)
		b := w.browser()
		page := b.begin()
		for range 6 {
			b.submit(page, "username", "ada@example.com", "password", "wrong").want(http.StatusBadRequest)
		}
		told := 0
		for _, m := range w.mails() {
			if m.Kind == "admin_notification" {
				told++
				if m.To != "help@acme.test" || !strings.Contains(m.Text, "192.0.2.7") {
					t.Errorf("mail %+v", m)
				}
			}
		}
		if told != 1 {
			t.Errorf("%d mails", told)
		}
	})
}
