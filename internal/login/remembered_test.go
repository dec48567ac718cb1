package login_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// What is remembered of a browser is passed over where a login looks risky, and where a script says so.
func TestRememberedBrowserIsPassedOver(t *testing.T) {
	each(t, func(w *world) {
		w.factors([]string{"all-applications"}, "otp")
		secret, _ := w.enrolled()
		b, again := w.browser(), []string{"prompt", "login"}
		b.finish(b.submit(b.logIn(), "code", w.code(secret), "remember", "1"))
		if q := b.finish(b.logIn(again...)); q.Get("code") == "" {
			w.Fatalf("asked in a remembered browser: %v", q)
		}

		w.factors([]string{mfa.Adaptive}, "otp")
		w.ok(w.st.ForgetKnownBrowsers(w.Context(), w.found("ada@example.com").ID))
		w.wait(60e9)
		b.finish(b.submit(b.logIn(again...).want(http.StatusOK).says("Verify that it is you"), "code", w.code(secret)))
		if q := b.finish(b.logIn(again...)); q.Get("code") == "" { // the browser is known by now
			w.Errorf("asked in a known browser: %v", q)
		}

		w.factors(nil, "otp")
		w.rule(`function (user, context, cb) { context.multifactor = {provider: 'any', allowRememberBrowser: false}; cb(null, user, context); }`)
		b.logIn(again...).want(http.StatusOK).says("Verify that it is you").hides("Remember this browser")
	})
}

// A browser is remembered where that was offered, whatever its form says.
func TestRememberedThoughNotOffered(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.factors([]string{"all-applications"}, "otp")
	w.ok(w.st.ChangeSetting(t.Context(), mfa.SettingRemembering, func(m map[string]any) error {
		maps.Copy(m, map[string]any{"display_remember_me_checkbox": false})
		return nil
	}))
	secret, _ := w.enrolled()
	b := w.browser()
	b.finish(b.submit(b.logIn().hides("Remember this browser"), "code", w.code(secret), "remember", "1"))
	b.logIn("prompt", "login").want(http.StatusOK).says("Verify that it is you")
}

// Attack: whoever has somebody else's password goes on with a login in which they have given a second factor of their own. It counts for them alone.
func TestAttackFactorOfAnotherPerson(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.factors([]string{"all-applications"}, "otp")
	secret, _ := w.enrolled()
	w.user("eve@example.com")
	b := w.browser()
	page := b.begin("client_id", "foreign", "audience", api, "scope", "openid read:songs")
	page = b.follow(b.submit(page, "username", "ada@example.com", "password", good)).says("Verify that it is you")
	action := b.follow(b.submit(page, "code", w.code(secret))).want(http.StatusOK).says("Allow access?")
	resume := action.resumes()
	w.ok(w.st.DeleteSession(t.Context(), w.sessionOf(b).ID, stagedoor.LogoutRevoked))
	page = b.follow(b.get(resume)).want(http.StatusOK).says("Log in")
	b.follow(b.submit(page, "username", "eve@example.com", "password", good)).says("Secure your account")
}

// So does what they have agreed to.
func TestAttackConsentOfAnotherPerson(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.user("eve@example.com")
	b := w.browser()
	page := b.consent().says("Logged in as ada@example.com")
	action, values := page.form()
	values.Set("decision", "accept")
	resume := page.resumes()
	b.post(action, values).want(http.StatusSeeOther) // and does not go on
	w.ok(w.st.DeleteSession(t.Context(), w.sessionOf(b).ID, stagedoor.LogoutRevoked))
	page = b.follow(b.get(resume)).want(http.StatusOK).says("Log in")
	b.follow(b.submit(page, "username", "eve@example.com", "password", good)).says("Allow access?", "Logged in as eve@example.com")
}

// resumes is the address by which the login of a page goes on.
func (r *reply) resumes() string {
	r.Helper()
	action, _ := r.form()
	_, query, _ := strings.Cut(action, "?")
	return "/authorize/resume?" + query
}

// Whose recovery code was used hears of it by mail.
func TestUsedRecoveryCodeIsTold(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.factors([]string{"all-applications"}, "otp")
	_, recovery := w.enrolled()
	b := w.browser()
	page := b.logIn()
	b.submit(b.get(page.href("Use your recovery code instead")), "code", recovery).want(http.StatusSeeOther)
	w.mailed("ada@example.com", "the recovery code was used")
}
