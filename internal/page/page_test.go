package page_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/ui"
)

func tenant(t *testing.T, change func(*stagedoor.TenantSettings)) *store.Store {
	t.Helper()
	db := storetest.Open(t, storetest.SQLite)
	st := storetest.Tenant(t, db, "acme")
	if _, err := st.UpdateSettings(t.Context(), func(s *stagedoor.TenantSettings) error { change(s); return nil }); err != nil {
		t.Fatal(err)
	}
	st, err := db.TenantByID(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func fail(t *testing.T, st *store.Store, err error, client *stagedoor.Client) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://acme.test/authorize?ui_locales=en", nil)
	w := httptest.NewRecorder()
	page.Error(w, r, st, http.StatusForbidden, err, client)
	return w
}

// event returns the newest event of the tenant's log.
func event(t *testing.T, st *store.Store) stagedoor.LogEvent {
	t.Helper()
	logs, _, err := st.Logs(t.Context(), store.LogQuery{PerPage: 1})
	if err != nil || len(logs) != 1 {
		t.Fatalf("%v: %d events", err, len(logs))
	}
	return logs[0]
}

func TestError(t *testing.T) {
	st := tenant(t, func(s *stagedoor.TenantSettings) { s.SupportEmail = "help@acme.test" })
	refused := stagedoor.Errorf(stagedoor.Forbidden, "unauthorized_client", "Callback URL <mismatch>.")
	refused.Extra = map[string]any{"hint": "Add it & try again."}
	w := fail(t, st, refused, &stagedoor.Client{ID: "app", Name: "Mixtape", InitiateLoginURI: "https://app.example/start"})
	e := event(t, st)
	if e.Type != "f" || e.ClientID != "app" || e.Description != "Callback URL <mismatch>. Add it & try again." || e.Hostname != "acme.test" {
		t.Errorf("event %+v", e)
	}
	body := w.Body.String()
	for _, want := range []string{"unauthorized_client", "Callback URL &lt;mismatch&gt;.", "Add it &amp; try again.", e.ID, `href="https://app.example/start"`, `href="mailto:help@acme.test"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if w.Code != http.StatusForbidden || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("status %d, headers %v", w.Code, w.Header())
	}
}

func TestErrorThatIsOurs(t *testing.T) {
	st := tenant(t, func(*stagedoor.TenantSettings) {})
	w := fail(t, st, errors.New("the password of the database is secret"), nil)
	if body := w.Body.String(); strings.Contains(body, "secret") || !strings.Contains(body, "server_error") {
		t.Errorf("the page says %s", body)
	}
	if e := event(t, st); strings.Contains(e.Description, "secret") {
		t.Errorf("event %+v", e)
	}
}

func TestErrorPageOfTheTenant(t *testing.T) {
	st := tenant(t, func(s *stagedoor.TenantSettings) {
		s.ErrorPage = &stagedoor.ErrorPage{URL: "https://www.example/oops?lang=&from=login"}
	})
	w := fail(t, st, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "Unknown client: a&b"), nil)
	to, err := url.Parse(w.Header().Get("Location"))
	want := url.Values{"from": {"login"}, "lang": {"en"}, "error": {"invalid_request"}, "error_description": {"Unknown client: a&b"}, "tracking": {event(t, st).ID}}
	if err != nil || w.Code != http.StatusFound || to.Host != "www.example" || to.Query().Encode() != want.Encode() {
		t.Errorf("%d leads to %s", w.Code, to)
	}
}

func TestFrame(t *testing.T) {
	st := tenant(t, func(s *stagedoor.TenantSettings) { s.Local.PrimaryColor = "#123456" })
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?ui_locales=xx", nil)
	f := page.Frame(r, st, nil)
	if f.Tenant != "acme" || f.Lang != "en" || f.Brand.Primary != "#123456" || f.Client.Name != "" {
		t.Errorf("%+v", f)
	}
	if f = page.Frame(r, st, &stagedoor.Client{Name: "Mixtape", LogoURI: "https://app.example/l.png"}); f.Client.Name != "Mixtape" || f.Client.Logo != "https://app.example/l.png" {
		t.Errorf("%+v", f)
	}
}

// TestPost: the form is complete in the languages of the tenant and in its look, whatever runs; its words fit logins and logouts.
func TestPost(t *testing.T) {
	st := tenant(t, func(s *stagedoor.TenantSettings) {
		s.Local.PrimaryColor, s.FriendlyName, s.PictureURL, s.EnabledLocales = "#123456", "Acme <Corp>", "https://acme.test/logo.png", []string{"en", "de"}
	})
	for lang, words := range map[string]string{"de": "Weiter", "en": "Continue"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://acme.test/authorize?ui_locales="+lang, nil)
		w := httptest.NewRecorder()
		if err := page.Post(w, r, st, "myapp://callback", map[string]string{"state": `a"><b`}, false); err != nil {
			t.Fatal(err)
		}
		body, policy := w.Body.String(), w.Header().Get("Content-Security-Policy")
		for _, want := range []string{
			`<html lang="` + lang + `" dir="ltr">`, `content="light dark"`, `<title>` + words + ` · Acme &lt;Corp&gt;</title>`, ui.BrandPath, "stagedoor.", `src="https://acme.test/logo.png"`,
			`<form method="post" action="myapp://callback">`, `value="a&#34;&gt;&lt;b"`, `class="primary">` + words + `</button></noscript>`,
		} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: the page lacks %s: %s", lang, want, body)
			}
		}
		if !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "script-src 'nonce-") || strings.Contains(body, "Signing in") {
			t.Errorf("%s %s", policy, body)
		}
	}
}

// Who opens a domain that no tenant has, such as 127.0.0.1 for localhost, reads where to look for the one that is meant.
func TestNoTenant(t *testing.T) {
	_, err := storetest.Open(t, storetest.SQLite).TenantByDomain(t.Context(), "127.0.0.1:8080")
	w := httptest.NewRecorder()
	page.NoTenant(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:8080/", nil), err)
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "stagedoor tenants list") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestErrorsInTheirLanguage: what anybody can meet is said in the person's language, and in the log and at the tenant's own page in the words of the wire.
func TestErrorsInTheirLanguage(t *testing.T) {
	st := tenant(t, func(s *stagedoor.TenantSettings) { s.EnabledLocales = []string{"en", "de"} })
	for _, c := range []struct {
		err  error
		want string
	}{
		{stagedoor.Errorf(stagedoor.Invalid, "lost_transaction", stagedoor.LostTransaction), "Zurück-Taste"},
		{stagedoor.Errorf(stagedoor.TooMany, "too_many_requests", "Too many requests."), "Zu viele Versuche"},
		{stagedoor.Errorf(stagedoor.NotFound, "not_found", page.Nothing), "Unter dieser Adresse gibt es nichts."},
		{stagedoor.Errorf(stagedoor.Invalid, "expired_token", page.RequestOver), "Diese Anfrage ist schon beantwortet oder abgelaufen."},
		{stagedoor.Errorf(stagedoor.Forbidden, "access_denied", page.LoginRefused), "Die Anmeldung wurde abgelehnt oder abgebrochen."},
		{errors.New("the disk is on fire"), "Bitte versuchen Sie es"},
		{stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "Unknown client: nobody"), "hierher geschickt hat, ist hier nicht bekannt"},
		{stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "Unknown client: nobody"), `Für die Entwicklung</dt><dd lang="en" dir="ltr">Unknown client: nobody</dd>`},
		{stagedoor.Errorf(stagedoor.Forbidden, "unauthorized_client", "Callback URL mismatch. The provided redirect_uri is not in the list of allowed callback URLs."), "Die Anwendung nennt für den Rückweg eine Adresse"},
		{stagedoor.Errorf(stagedoor.Invalid, "invalid_request", `The "returnTo" querystring parameter "https://x" is not defined as a valid URL in "Allowed Logout URLs".`), "Die Anwendung nennt für den Rückweg eine Adresse"},
		{stagedoor.Errorf(stagedoor.Invalid, "unsupported_response_type", "Unsupported response type: x"), "mit einer Anfrage hierher geschickt, die wir nicht beantworten können"},
		{stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "Only staff, says an action."), `<p class="lead"><bdi>Only staff, says an action.</bdi></p>`},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://acme.test/u/login", nil)
		r.Header.Set("Accept-Language", "de")
		w := httptest.NewRecorder()
		page.Error(w, r, st, http.StatusBadRequest, c.err, nil)
		if !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%v: %s", c.err, w.Body)
		}
		if e := event(t, st); e.Description != stagedoor.AsError(c.err).Message && !strings.Contains(e.Description, "went wrong") {
			t.Errorf("%v: the log says %q", c.err, e.Description)
		}
	}
}
