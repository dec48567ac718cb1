package login_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

func (r *reply) speaks(lang string) *reply {
	r.Helper()
	if !strings.Contains(r.body, `<html lang="`+lang+`" dir="ltr">`) {
		r.Errorf("the page is not in %s: %.200s", lang, r.body)
	}
	return r
}

func TestLanguageOfPages(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	german := []string{"Accept-Language", "de-CH,de;q=0.9,en;q=0.5"}
	w.browser().do(http.MethodGet, "/u/forgot", "", german...).speaks("en").hides("languages") // English alone is enabled
	w.configure(func(s *stagedoor.TenantSettings) { s.EnabledLocales = []string{"fr", "ru", "de", "en"} })
	w.browser().get("/u/forgot").speaks("fr").says("Mot de passe oublié ?")
	w.browser().do(http.MethodGet, "/u/forgot", "", "Accept-Language", "ja,ru;q=0.9").speaks("fr") // there are no pages in either
	w.browser().do(http.MethodGet, "/u/forgot", "", german...).speaks("de").says("Passwort vergessen?", "Français", "English").hides("Русский", `value="ru"`)
	w.browser().do(http.MethodGet, "/u/forgot?ui_locales=xx+en-GB", "", german...).speaks("en")
	w.setting(stagedoor.SettingCustomText, `{"reset-password":{"ru":{"reset-password-request":{"title":"Забыли?"}},"de":{"reset-password-request":{"title":"Vergessen?"}}}}`)
	w.browser().do(http.MethodGet, "/u/forgot?ui_locales=ru", "").speaks("ru").says("Забыли?", "Send the link") // what the tenant did not write is in English
	w.browser().do(http.MethodGet, "/u/forgot", "", german...).speaks("de").says("Vergessen?", "Link senden")
}

// The language of a login is that of all its pages, whatever the browser says.
func TestLanguageIsKeptThroughALogin(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.configure(func(s *stagedoor.TenantSettings) { s.EnabledLocales = []string{"en", "de", "ja"} })
	b := w.browser()
	page := b.begin("ui_locales", "de").speaks("de")
	b.submit(page, "username", "ada@example.com", "password", "wrong").want(http.StatusBadRequest).speaks("de").says("falsches Passwort")
	b.get(page.href("Passwort vergessen?")).speaks("de")
	b.get(page.href("Konto erstellen")).speaks("de").says("Mindestens 8 Zeichen")
	chosen := b.post("/u/language", url.Values{"language": {"ja"}, "back": {page.here()}})
	b.get(chosen.to()).speaks("ja").says("ログイン")
	b.begin().speaks("ja")                   // it is remembered
	b.begin("ui_locales", "de").speaks("de") // until the application speaks for its person
	b.begin().speaks("en").says("Log in")    // then nothing is known
	w.browser().begin("ui_locales", "tlh").speaks("en")
}

// here is the address that the form for languages brings back to.
func (r *reply) here() string {
	r.Helper()
	_, rest, found := strings.Cut(r.body, `name="back" value="`)
	back, _, _ := strings.Cut(rest, `"`)
	if !found {
		r.Fatalf("no languages to choose from: %s", r.body)
	}
	return strings.ReplaceAll(back, "&amp;", "&")
}

// Who chooses a language on a page that answered a form comes back to a page, though the form's address has none.
func TestLanguageAfterAForm(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	w.configure(func(s *stagedoor.TenantSettings) { s.EnabledLocales = []string{"en", "de"} })
	b, account := w.onAccount("ada@example.com")
	for path, want := range map[string]string{
		b.press(account, "/account/profile", "", "name", "").want(http.StatusBadRequest).here(): "/account",
		"/account/factors/recovery": "/account", "/account/email/code": "/account/email/code", "/u/login/passkey?state=x": "/u/login?state=x", "/u/inbox/1": "/u/inbox/1", "/logout": "/logout",
	} {
		if got := strings.TrimSuffix(b.post("/u/language", url.Values{"language": {"de"}, "back": {path}}).to(), "?"); got != want {
			t.Errorf("from %s to %s, want %s", path, got, want)
		}
	}
	b.get("/account").want(http.StatusOK).speaks("de")
}

// A link that changes the language must not become one that leads elsewhere, nor can other sites post it.
func TestOpenRedirectByLanguage(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.configure(func(s *stagedoor.TenantSettings) { s.EnabledLocales = []string{"en", "de"} })
	b := w.browser()
	for _, back := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "", "javascript:alert(1)", "/\t/evil.example"} {
		if to := b.post("/u/language", url.Values{"language": {"de"}, "back": {back}}).to(); to != "/" {
			t.Errorf("%q leads to %q", back, to)
		}
	}
	b.get("/u/forgot").speaks("de")
	b.post("/u/language", url.Values{"language": {"xx"}, "back": {"/"}}).to()
	b.get("/u/forgot").speaks("de")
	b.post("/u/language", url.Values{"language": {"en"}}, "Sec-Fetch-Site", "cross-site").want(http.StatusForbidden)
	b.get("/u/forgot").speaks("de")
}

func TestLanguageOfMails(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.configure(func(s *stagedoor.TenantSettings) { s.EnabledLocales = []string{"en", "de", "pl"} })
	subject := func() string { t.Helper(); return w.mails()[0].Subject }
	b := w.browser()
	b.do(http.MethodPost, "/dbconnections/change_password", `{"client_id":"app","email":"ada@example.com","connection":"Users"}`,
		"Content-Type", "application/json", "X-Request-Language", "de-AT", "Accept-Language", "en").want(http.StatusOK)
	if got := subject(); got != "Wählen Sie ein neues Passwort für Mixtape" {
		t.Errorf("subject %q", got)
	}
	if text := w.mails()[0].Text; !strings.Contains(text, "Gültigkeit: 5 Tage.") {
		t.Errorf("text %s", text)
	}
	page := b.begin("ui_locales", "pl", "screen_hint", "signup").speaks("pl")
	b.submit(page, "email", "new@example.com", "password", good)
	if got := subject(); got != "Potwierdź swój adres e-mail w Mixtape" {
		t.Errorf("subject %q", got)
	}
	u := w.found("ada@example.com")
	u, err := w.st.UpdateUser(t.Context(), u.ID, func(u *stagedoor.User) error {
		u.Attributes = map[string]json.RawMessage{"locale": json.RawMessage(`"de_DE"`)}
		return nil
	})
	w.ok(err)
	w.ok(w.door.SendVerification(t.Context(), w.st, u, "app", ""))
	if got := subject(); got != "Bestätigen Sie Ihre E-Mail-Adresse für Mixtape" {
		t.Errorf("subject %q", got)
	}
	// A template of the tenant's own is told what was asked for, enabled or not.
	w.setting(stagedoor.SettingEmailTemplate+"reset_email", `{"template":"reset_email","enabled":true,"syntax":"liquid","from":"","subject":"In {{ request_language }}","body":"<p>{{ url }}</p>"}`)
	b.do(http.MethodPost, "/dbconnections/change_password", `{"client_id":"app","email":"ada@example.com","connection":"Users"}`,
		"Content-Type", "application/json", "Accept-Language", "fr-CA, de;q=0.5").want(http.StatusOK)
	if got := subject(); got != "In fr-CA" {
		t.Errorf("subject %q", got)
	}
}
