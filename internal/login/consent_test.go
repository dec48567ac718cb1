package login_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

func (b *browser) consent(params ...string) *reply {
	b.Helper()
	page := b.begin(append([]string{"client_id", "foreign", "audience", api, "scope", "openid profile email read:songs delete:songs"}, params...)...)
	return b.get(b.get(b.submit(page, "username", "ada@example.com", "password", good).to()).to()).want(http.StatusOK)
}

func TestConsent(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		page := b.consent().says(
			"Foreign asks for access to your account and to Songs", "Logged in as ada@example.com",
			"Your profile Your name, nickname and picture Your email address", "Songs See them Delete them",
		).hides("openid", "Hear your songs")
		action, values := page.form()
		b.post(action, values).want(http.StatusBadRequest).says("neither yes nor no")
		values.Set("decision", "ACCEPT")
		b.post(action, values).want(http.StatusBadRequest)
		values.Set("decision", "accept")
		nonce := values.Get("nonce")
		values.Set("nonce", "x")
		b.post(action, values).want(http.StatusBadRequest).says("You may have pressed the back button")
		values.Set("nonce", nonce)
		w.browser().post(action, values).want(http.StatusBadRequest).says("You may have pressed the back button")
		b.post(strings.Replace(action, "/u/consent", "/u/login", 1), values).want(http.StatusBadRequest).says("You may have pressed the back button")
		if grants, err := w.st.Grants(w.Context(), "", "", ""); err != nil || len(grants) != 0 {
			w.Errorf("%v: %v was granted", err, grants)
		}
		done := b.post(action, values).want(http.StatusSeeOther)
		b.post(action, values).want(http.StatusBadRequest).says("You may have pressed the back button")
		if q := b.finish(done); q.Get("code") == "" {
			w.Errorf("came back with %v", q)
		}
		if q := b.finish(b.begin("client_id", "foreign", "audience", api, "scope", "openid read:songs")); q.Get("code") == "" {
			w.Errorf("asked again: %v", q)
		}
		b.begin("client_id", "foreign", "audience", api, "scope", "openid read:songs", "prompt", "consent").want(http.StatusOK).says("Allow access?")
	})
}

func TestConsentDeclined(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	b := w.browser()
	q := b.finish(b.submit(b.consent(), "decision", "decline"))
	if q.Get("error") != "access_denied" || q.Get("code") != "" || q.Get("state") != "s t" {
		t.Errorf("came back with %v", q)
	}
	b.begin("client_id", "foreign", "audience", api).want(http.StatusOK).says("Allow access?")
}

func TestConsentWithDescriptions(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.configure(func(s *stagedoor.TenantSettings) { s.Flags[stagedoor.FlagScopeDescriptions] = true })
	w.browser().consent().says("Hear your songs", "Forget your songs").hides("See them")
	page := w.browser().consent("audience", "", "scope", "openid").says("Foreign asks for access to your account.", "nothing but to know that it is you")
	page.hides("Songs")
}
