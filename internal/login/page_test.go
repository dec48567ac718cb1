package login_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/login"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/ui"
)

const hostile = `"'><script>alert(1)</script><img src=x onerror=alert(1)>`

// harmless fails the test unless the page holds the hostile text, and only as text.
func (r *reply) harmless() *reply {
	r.Helper()
	for _, bad := range []string{"<script>alert", "<img src=x", `"'>`} {
		if strings.Contains(r.body, bad) {
			r.Errorf("the page holds %s: %s", bad, r.body)
		}
	}
	if !strings.Contains(r.body, "alert(1)") {
		r.Errorf("the page does not show the text: %s", words(r.body))
	}
	for name, want := range map[string]string{
		"Content-Security-Policy": ui.CSP, "X-Frame-Options": "DENY", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Referrer-Policy": "same-origin", "Content-Type": "text/html; charset=utf-8",
	} {
		if got := r.header.Get(name); got != want {
			r.Errorf("%s: %s", name, got)
		}
	}
	return r
}

func TestHostileTexts(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.configure(func(s *stagedoor.TenantSettings) {
		s.FriendlyName, s.PictureURL, s.SupportURL, s.DefaultRedirectionURI = hostile, "javascript:alert(1)", "javascript:alert(1)", "javascript:alert(1)"
		s.Local.PrimaryColor = `#fff;} body{display:none`
		s.Flags[stagedoor.FlagScopeDescriptions] = true
	})
	for _, id := range []string{"app", "foreign"} {
		_, err := w.st.UpdateClient(t.Context(), id, func(c *stagedoor.Client) error {
			c.Name, c.LogoURI, c.InitiateLoginURI = hostile, "javascript:alert(1)", "javascript:alert(1)"
			return nil
		})
		w.ok(err)
	}
	servers, err := w.st.ResourceServers(t.Context())
	w.ok(err)
	_, err = w.st.UpdateResourceServer(t.Context(), servers[0].ID, func(rs *stagedoor.ResourceServer) error {
		rs.Name, rs.Scopes = hostile, []stagedoor.APIScope{{Value: "read:songs", Description: hostile}}
		return nil
	})
	w.ok(err)
	b := w.browser()
	page := b.begin("login_hint", hostile, "ui_locales", hostile).harmless()
	b.submit(page, "username", hostile, "password", hostile).want(http.StatusBadRequest).harmless()
	sign := b.get(page.href("Create an account")).harmless()
	b.submit(sign, "email", hostile, "username", hostile, "password", hostile).want(http.StatusBadRequest).harmless()
	forgot := b.get(page.href("Forgot your password?"))
	b.submit(forgot, "email", "").harmless()
	b.submit(forgot, "email", hostile).want(http.StatusOK).harmless()
	b.get("/u/login?state=" + url.QueryEscape(hostile)).want(http.StatusBadRequest).harmless()
	b.get("/u/reset-password?ticket=" + url.QueryEscape(hostile)).want(http.StatusBadRequest).harmless()
	b.get("/u/email-verification?ticket=" + url.QueryEscape(hostile)).want(http.StatusBadRequest).harmless()
	b.get("/").want(http.StatusOK).harmless()
	b.forget()
	for _, path := range []string{"/u/inbox", "/u/inbox/" + w.mails()[0].ID} {
		b.get(path).want(http.StatusOK).harmless()
	}
	if html := b.get("/u/inbox/" + w.mails()[0].ID + "/html").want(http.StatusOK); strings.Contains(html.body, "<script>") {
		t.Error("the mail holds a script")
	}
	form := b.get(w.link()).want(http.StatusOK).harmless()
	b.submit(form, "password", "Another-Horse-2").want(http.StatusOK).harmless().hides(`href="javascript`)
	b.get(w.verification()).want(http.StatusOK).harmless().hides(`href="javascript`)

	other := w.browser()
	page = other.begin("client_id", "foreign", "audience", api, "scope", "openid read:songs")
	consent := other.get(other.get(other.submit(page, "username", "ada@example.com", "password", "Another-Horse-2").to()).to()).want(http.StatusOK).harmless()
	if strings.Count(consent.body, "alert(1)") < 4 {
		t.Error("the page should show client, API, scope and tenant")
	}
	if css := b.get("/ui/brand.css").want(http.StatusOK); css.body != "" {
		t.Errorf("brand %s", css.body)
	}
}

func TestWelcomeAssetsAndBrand(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	b := w.browser()
	page := b.get("/").want(http.StatusOK).says("This is Acme Records", "https://acme.test/", "https://acme.test/.well-known/jwks.json")
	b.get(page.href("Development inbox")).want(http.StatusOK).says("Nothing yet.")
	sheets := regexp.MustCompile(`<link rel="(?:stylesheet|icon)" href="([^"]+)"`)
	for _, link := range sheets.FindAllStringSubmatch(page.body, -1) {
		if r := b.get(link[1]).want(http.StatusOK); !strings.Contains(r.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %v", link[1], r.header)
		}
	}
	b.get("/ui/assets/none.css").want(http.StatusNotFound)
	b.get("/u/nothing").want(http.StatusNotFound)
	w.configure(func(s *stagedoor.TenantSettings) { s.Local.PrimaryColor = "#0a5" })
	page = b.get("/")
	link := regexp.MustCompile(`href="(/ui/brand.css[^"]*)"`).FindStringSubmatch(page.body)
	if link == nil {
		t.Fatal("the page does not link the tenant's colours")
	}
	if css := b.get(link[1]).want(http.StatusOK); !strings.Contains(css.body, "--accent: #00aa55") || css.header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("%v %s", css.header, css.body)
	}
	b.do(http.MethodHead, "/", "").want(http.StatusOK)
}

func TestInbox(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	b := w.browser()
	w.ok(w.st.SaveMail(t.Context(), &stagedoor.Mail{ID: "0", To: "x@example.com", From: "y@example.com", Subject: "", Text: "Hello https://acme.test/x.", SentAt: w.clock()}))
	b.forget()
	id := w.mails()[0].ID
	list := b.get("/u/inbox").want(http.StatusOK).says("Choose a new password for Acme Records", "ada@example.com", "(no subject)")
	if !strings.Contains(list.body, `href="/u/inbox/`+id+`"`) {
		t.Error("the list does not link the mail")
	}
	mail := b.get("/u/inbox/"+id).want(http.StatusOK).says("Choose a new password for Acme Records", "no-reply@acme.test")
	if !strings.Contains(mail.body, `<iframe src="/u/inbox/`+id+`/html" sandbox=`) {
		t.Error("the mail's page does not show the HTML part")
	}
	b.get("/u/inbox/0").want(http.StatusOK).says("Hello https://acme.test/x").hides("<iframe")
	b.get("/u/inbox/0/html").want(http.StatusNotFound)
	b.get("/u/inbox/none").want(http.StatusNotFound)
	b.get("/u/inbox/%00").want(http.StatusNotFound)
	html := b.get("/u/inbox/" + id + "/html").want(http.StatusOK)
	if html.header.Get("Content-Security-Policy") != ui.MailCSP || html.header.Get("X-Frame-Options") != "SAMEORIGIN" || html.header.Get("Cache-Control") != "no-store" || !strings.Contains(html.body, "reset-password?ticket=") {
		t.Errorf("%v %s", html.header, html.body)
	}
	w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = false })
	for _, path := range []string{"/u/inbox", "/u/inbox/" + id, "/u/inbox/" + id + "/html"} {
		b.get(path).want(http.StatusNotFound).hides("Choose a new password")
	}
	if strings.Contains(b.get("/").body, "inbox") {
		t.Error("the welcome page offers an inbox that is not there")
	}
}

// Nothing of one tenant works at another.
func TestTenantsAreApart(t *testing.T) {
	each(t, func(w *world) {
		ada := w.browser()
		action, values := ada.begin().form("username", "ada@example.com", "password", good)
		reset := ada.forget()
		verify := w.verification()
		mailID := w.mails()[0].ID
		acme := w.st
		w.furnish("bravo")
		cookies := ada.jar.Cookies(mustURL(ada.origin))
		mallory := w.browser()
		mallory.jar.SetCookies(mustURL(mallory.origin), cookies) // all that Ada's browser holds
		mallory.get(action).want(http.StatusBadRequest)
		mallory.post(action, values).want(http.StatusBadRequest)
		mallory.get(reset).want(http.StatusBadRequest)
		mallory.post(reset, url.Values{"password": {"Another-Horse-2"}}).want(http.StatusBadRequest)
		mallory.get(verify).want(http.StatusBadRequest)
		mallory.get("/u/inbox/" + mailID).want(http.StatusNotFound)
		mallory.json(signupPath, `{"client_id":"app","connection":"Users","email":"mallory@example.com","password":"`+good+`"}`).want(http.StatusOK)
		w.st = acme
		if w.found("mallory@example.com") != nil || w.found("ada@example.com").EmailVerified || !w.signsIn(good) {
			w.Error("one tenant changed the other")
		}
		ada.post(action, values).want(http.StatusSeeOther)
	})
}

func TestUnknownTenant(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	b := w.browser()
	b.origin = "https://nobody.test"
	b.get("/u/login").want(http.StatusNotFound).is("No tenant answers under this domain.\n")
	b.json(signupPath, `{}`).want(http.StatusNotFound).is(`{"name":"NotFoundError","code":"unknown_tenant","description":"No tenant answers under this domain.","statusCode":404}`)
	w.db.Close()
	b.origin = origin
	w.wait(0)
	b.origin = "https://later.test" // not in the cache
	b.get("/u/login").want(http.StatusInternalServerError).is("Internal error\n")
	b.json(signupPath, `{}`).want(http.StatusInternalServerError).is(`{"name":"InternalServerError","code":"server_error","description":"Internal error","statusCode":500}`)
	if !strings.Contains(w.log.String(), "the tenant could not be read") {
		t.Error("the operator reads nothing")
	}
}

func TestDeliver(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	m := mail.Message{To: "ada@example.com", Subject: "Hello", Text: "secret", Kind: "verify_email"}
	sender := mail.NewMemory(5)
	log := &locked{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	w.ok(login.Deliver(sender, "", mail.Outside{}, logger)(t.Context(), w.st, m))
	if len(w.mails()) != 1 || len(sender.Messages()) != 0 {
		t.Error("the inbox comes first")
	}
	w.configure(func(s *stagedoor.TenantSettings) {
		s.Local.DevelopmentInbox = false
		s.FriendlyName = "Ac\"me\r\nBcc: x@example.com"
	})
	for from, want := range map[string]string{
		"mail@example.org": "mail@example.org", "Records <mail@example.org>": `"Records" <mail@example.org>`, "": "no-reply@acme.test", "nonsense": "no-reply@acme.test",
	} {
		if err := login.Deliver(sender, from, mail.Outside{}, logger)(t.Context(), w.st, m); err != nil {
			t.Fatal(err)
		}
		if got := sender.Messages()[0].From; !strings.Contains(got, want) || strings.ContainsAny(got, "\r\n") {
			t.Errorf("from %q: %q", from, got)
		}
	}
	if log.String() != "" {
		t.Errorf("log %s", log)
	}
	w.ok(login.Deliver(nil, "", mail.Outside{}, logger)(t.Context(), w.st, m))
	if got := log.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "kind=verify_email") || strings.Contains(got, "secret") || strings.Contains(got, "ada@") {
		t.Errorf("log %s", got)
	}
	m.To = "nobody"
	if err := login.Deliver(sender, "", mail.Outside{}, logger)(t.Context(), w.st, m); !errors.Is(err, mail.ErrInvalid) {
		t.Errorf("error %v", err)
	}
}

func TestRoutes(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	seen := map[string]bool{}
	for _, r := range w.door.Routes() {
		key := r.Method + " " + r.Pattern
		if r.Title == "" || seen[key] {
			t.Errorf("route %s", key)
		}
		seen[key] = true
	}
	if len(seen) < 19 {
		t.Errorf("%d routes", len(seen))
	}
}

func mustURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}
