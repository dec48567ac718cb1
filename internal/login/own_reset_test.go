package login_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/ui"
)

// resetHTML is a page of the old kind: what it hosts is given its values by Liquid.
const resetHTML = `<!DOCTYPE html><title>Ours</title>{% unless tenant.colors.page_background %}<style>body{background:grey}</style>{% endunless %}
<script>start({
	email: "{{email | escape}}", csrf_token: "{{csrf_token}}", ticket: "{{ticket}}", password_policy: "{{password_policy}}", password_complexity_options: {{password_complexity_options}},
	least: {{min_length}}, tenant: "{{tenant.name}}/{{tenant.friendly_name}}/{{tenant.support_email}}/{{tenant.support_url | default: 'nowhere'}}", lang: '{{lang}}',
	icon: "{{tenant.picture_url | default: '//cdn.example/badge.png'}}", primary: "{{tenant.colors.primary | default: '#ea5323'}}"
});</script>`

// passwordPage is the tenant's page for new passwords.
func (w *world) passwordPage(html string, on bool) {
	w.Helper()
	text, err := json.Marshal(map[string]any{"enabled": on, "html": html})
	w.ok(err)
	w.configure(func(s *stagedoor.TenantSettings) {
		if s.Stored == nil {
			s.Stored = map[string]json.RawMessage{}
		}
		s.Stored["change_password"] = text
	})
}

var ownToken = regexp.MustCompile(`csrf_token: "([0-9a-f]{64})", ticket: "([^"]+)"`)

// held is what such a page holds: the value that binds it, and the ticket.
func (r *reply) held() (token, ticket string) {
	r.Helper()
	found := ownToken.FindStringSubmatch(r.want(http.StatusOK).body)
	if found == nil {
		r.Fatalf("not the tenant's page: %s", r.body)
	}
	return found[1], found[2]
}

// renews posts a new password as the widget does: a form, sent by a script.
func (b *browser) renews(page *reply, secret string, headers ...string) *reply {
	b.Helper()
	token, ticket := page.held()
	form := url.Values{"newPassword": {secret}, "confirmNewPassword": {secret}, "_csrf": {token}, "ticket": {ticket}}
	return b.post("/lo/reset", form, append([]string{"Accept", "*/*"}, headers...)...)
}

// TestOwnPasswordPage: the tenant's page stands where ours does, at the address that it was made for, knows what it needs, and gives a new password.
func TestOwnPasswordPage(t *testing.T) {
	each(t, func(w *world) {
		w.options(func(o *stagedoor.ConnectionOptions) {
			o.PasswordComplexityOptions = &stagedoor.PasswordComplexity{MinLength: 9}
			o.PasswordHistory = &stagedoor.PasswordHistory{Enable: true, Size: 3}
			o.PasswordNoPersonalInfo = &stagedoor.Switch{Enable: true}
			o.PasswordDictionary = &stagedoor.PasswordDictionary{Enable: true, Dictionary: []string{"Mixtape-2026"}}
		})
		w.configure(func(s *stagedoor.TenantSettings) { s.EnabledLocales = []string{"en", "de"} })
		w.setting(stagedoor.SettingBranding, `{"logo_url":"https://acme.test/logo.png","colors":{"primary":"#123456"}}`)
		w.passwordPage(resetHTML, true)
		b := w.browser()
		link := b.forget()
		to := b.get(link + "&ui_locales=de").want(http.StatusSeeOther).to()
		if to != strings.Replace(link, "/u/reset-password", "/lo/reset", 1)+"&ui_locales=de" {
			t.Errorf("sent to %s", to)
		}
		page := b.get(to)
		_, ticket := page.held()
		if !strings.HasSuffix(link, ticket) {
			t.Errorf("the ticket is %s, of %s", ticket, link)
		}
		for _, want := range []string{
			`email: "ada@example.com"`, `password_policy: "good", password_complexity_options: {"min_length":9},`, `least: 9,`, `tenant: "acme/Acme Records/help@acme.test/nowhere", lang: 'de'`,
			`icon: "https://acme.test/logo.png", primary: "#123456"`, `body{background:grey}`,
		} {
			if !strings.Contains(page.body, want) {
				t.Errorf("no %s in %s", want, page.body)
			}
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": ui.LoginPageCSP, "Cache-Control": "no-store", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Content-Type": "text/html; charset=utf-8",
			"Referrer-Policy": "strict-origin-when-cross-origin", "Access-Control-Allow-Origin": "",
		} {
			if got := page.header.Get(name); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
		// What keeps a password out is told in the shape that the widget knows.
		for secret, want := range map[string]string{
			"short": `"name":"PasswordStrengthError","code":"invalid_password","message":"Password is too weak"`, "Mixtape-2026": `"name":"PasswordDictionaryError"`, "I-am-Ada-1": `"name":"PasswordNoUserInfoError"`,
			good: `"name":"PasswordHistoryError"`, "": `"name":"PasswordStrengthError"`,
		} {
			if r := b.renews(page, secret).want(http.StatusBadRequest); !strings.Contains(r.body, want) {
				t.Errorf("%q: %s", secret, r.body)
			}
		}
		b.renews(page, "Another-Horse-2").want(http.StatusOK).is(`{}`)
		if w.signsIn(good) || !w.signsIn("Another-Horse-2") {
			t.Error("the wrong password works")
		}
		if got := w.events(); !strings.Contains(got, "scpr scp") {
			t.Errorf("events %s", got)
		}
		b.renews(page, "Third-Horse-3").want(http.StatusBadRequest).is(badRequest("", "This link was used already."))
		b.get(strings.TrimSuffix(to, "&ui_locales=de")).want(http.StatusBadRequest).says("This link was used already").href("Ask for a new link")
		b.get("/lo/reset?ticket=x").want(http.StatusBadRequest).says("This link does not work")
		b.get("/lo/reset").want(http.StatusBadRequest).says("This link does not work")
		late := b.get(strings.Replace(b.forget(), "/u/reset-password", "/lo/reset", 1))
		w.wait(5 * 24 * time.Hour)
		b.renews(late, "Third-Horse-3").want(http.StatusBadRequest).is(badRequest("", "This link has expired."))
	})
}

// Pages send what they like besides, as JSON too; a form without a script gets pages of ours.
func TestOwnPasswordPageKinds(t *testing.T) {
	each(t, func(w *world) {
		w.passwordPage(resetHTML, true)
		b := w.browser()
		page := b.onto(b.get(b.forget()))
		token, ticket := page.held()
		body := `{"connection":"Nowhere","responseType":"code","email":"somebody@example.com","_csrf":"` + token + `","ticket":"` + ticket + `","newPassword":"Another-Horse-2","confirmNewPassword":"Another-Horse-%d"}`
		script := []string{"Origin", b.origin, "Sec-Fetch-Site", "same-origin", "Accept", "application/json"}
		b.json("/lo/reset", strings.Replace(body, "%d", "3", 1), script...).want(http.StatusBadRequest).is(badRequest("password_mismatch", "newPassword and confirmNewPassword are not the same."))
		b.json("/lo/reset", `[]`, script...).want(http.StatusBadRequest)
		b.json("/lo/reset", `{"ticket":1}`, script...).want(http.StatusBadRequest)
		b.json("/lo/reset", strings.Replace(body, "%d", "2", 1), script...).want(http.StatusOK).is(`{}`)
		if !w.signsIn("Another-Horse-2") {
			t.Error("the password is not changed")
		}
		html := []string{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}
		page = b.onto(b.get(b.forget()))
		weak := b.renews(page, "short", html...).want(http.StatusBadRequest).says("This password is too weak", "not met yet")
		b.submit(weak, "password", "short").want(http.StatusBadRequest).says("This password is too weak")
		b.renews(page, "", html...).want(http.StatusBadRequest).says("Enter your password.")
		b.renews(page, "Third-Horse-3", html...).want(http.StatusOK).says("Your password is changed")
		b.renews(page, "Fourth-Horse-4", html...).want(http.StatusBadRequest).says("This link was used already")
		w.browser().renews(page, "Fourth-Horse-4", html...).want(http.StatusForbidden).says("Invalid CSRF token")
		if !w.signsIn("Third-Horse-3") {
			t.Error("the password is not changed")
		}
	})
}

// Where a ticket leads is told to the page, which goes there.
func TestOwnPasswordPageLeadsOn(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.passwordPage(resetHTML, true)
	open := func(key string) (*browser, *reply) {
		w.ok(w.st.CreateTicket(t.Context(), key, &stagedoor.Ticket{
			Kind: stagedoor.TicketReset, UserID: w.found("ada@example.com").ID, Email: "ada@example.com", IncludeEmail: true, MarkVerified: true, ResultURL: "https://app.example/done?a=1", ExpiresAt: w.clock().Add(time.Hour), ClientID: "app",
		}))
		b := w.browser()
		return b, b.onto(b.get("/u/reset-password?ticket=" + key))
	}
	lead := func(r *reply) url.Values {
		var told struct {
			To string `json:"result_url"`
		}
		w.ok(json.Unmarshal([]byte(r.want(http.StatusOK).body), &told))
		to, err := url.Parse(told.To)
		w.ok(err)
		if to.Host != "app.example" || to.Path != "/done" {
			t.Errorf("leads to %s", to)
		}
		return to.Query()
	}
	b, page := open("first")
	if q := lead(b.renews(page, "Another-Horse-2")); q.Get("a") != "1" || q.Get("email") != "ada@example.com" || q.Get("success") != "true" || q.Get("message") == "" {
		t.Errorf("with %v", q)
	}
	if !w.found("ada@example.com").EmailVerified {
		t.Error("the address is not verified")
	}
	b, page = open("second")
	to := b.renews(page, "Third-Horse-3", "Accept", "text/html").want(http.StatusSeeOther).to()
	if !strings.HasPrefix(to, "https://app.example/done?") {
		t.Errorf("leads to %s", to)
	}
	// Actions come first, and say where it ends.
	w.challenges(`if (event.request.query.day !== 'today') api.access.deny('not today'); api.transaction.setResultUrl('https://app.example/done?b=2');`)
	link := b.forget()
	b.onto(b.get(link)).want(http.StatusBadRequest).says("not today")
	page = b.onto(b.get(link + "&day=today"))
	if q := lead(b.renews(page, "Fourth-Horse-4")); q.Get("b") != "2" {
		t.Errorf("with %v", q)
	}
	// What nobody has passed is not passed by a page from before.
	w.challenges(`api.redirect.sendUserTo('https://other.example/check')`)
	_, page = open("third")
	if page.status != http.StatusSeeOther || !strings.HasPrefix(page.to(), "https://other.example/") {
		t.Fatalf("%d %s", page.status, page.body)
	}
	_, err := w.st.SetActionBindings(t.Context(), script.PasswordResetPostChallenge.ID, func([]stagedoor.ActionBinding, []stagedoor.Action) ([]stagedoor.ActionBinding, error) {
		return nil, nil
	})
	w.ok(err)
	b, page = open("fourth")
	w.challenges(`api.redirect.sendUserTo('https://other.example/check')`)
	b.renews(page, "Fifth-Horse-5").want(http.StatusBadRequest).is(badRequest("", "Open the link of the mail again."))
	if w.signsIn("Fifth-Horse-5") {
		t.Error("actions were passed by")
	}
}

// Attacks: a password is taken from the page alone that this browser was shown for this ticket.
func TestOwnPasswordPageAttacks(t *testing.T) {
	each(t, func(w *world) {
		w.passwordPage(resetHTML, true)
		b, other := w.browser(), w.browser()
		link := b.forget()
		page := b.onto(b.get(link))
		theirs := other.onto(other.get(link))
		refused := `{"code":"invalid_csrf_token","description":"Invalid CSRF token","message":"Invalid CSRF token","name":"CsrfInvalidTokenError","statusCode":403}`
		for name, r := range map[string]*reply{
			"another browser's page": b.renews(theirs, "Another-Horse-2"),
			"no browser":             w.browser().renews(page, "Another-Horse-2"),
			"another site":           b.renews(page, "Another-Horse-2", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"),
			"the site beside":        b.renews(page, "Another-Horse-2", "Sec-Fetch-Site", "same-site", "Origin", "https://evil.acme.test"),
			"an old browser":         b.renews(page, "Another-Horse-2", "Sec-Fetch-Site", "", "Origin", "https://evil.example"),
		} {
			if r.status != http.StatusForbidden || r.body != refused || r.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s: %d %s", name, r.status, r.body)
			}
		}
		token, ticket := page.held()
		form := func(pairs ...string) url.Values {
			v := url.Values{"newPassword": {"Another-Horse-2"}, "confirmNewPassword": {"Another-Horse-2"}, "_csrf": {token}, "ticket": {ticket}}
			for i := 0; i+1 < len(pairs); i += 2 {
				v.Set(pairs[i], pairs[i+1])
			}
			return v
		}
		for _, more := range [][]string{{"_csrf", ""}, {"_csrf", strings.Repeat("0", 64)}, {"ticket", "x"}, {"ticket", ""}} {
			b.post("/lo/reset", form(more...)).want(http.StatusForbidden)
		}
		b.do(http.MethodPost, "/lo/reset", form().Encode()+"&ticket=x").want(http.StatusBadRequest)
		b.post("/lo/reset", form("newPassword", "Another-Horse-2\xff", "confirmNewPassword", "Another-Horse-2\xff")).want(http.StatusBadRequest)
		b.post("/lo/reset", form("more", strings.Repeat("x", 70<<10))).want(http.StatusRequestEntityTooLarge)
		if !w.signsIn(good) {
			t.Fatal("the password was changed")
		}
		var group sync.WaitGroup
		answers := make(chan int, 8)
		for range cap(answers) {
			group.Go(func() { answers <- b.renews(page, "Another-Horse-2").status })
		}
		group.Wait()
		close(answers)
		won := 0
		for status := range answers {
			if status == http.StatusOK {
				won++
			} else if status != http.StatusBadRequest {
				t.Errorf("status %d", status)
			}
		}
		if won != 1 {
			t.Errorf("the ticket worked %d times", won)
		}
	})
}

// Which page people see; what people call themselves cannot end a script of the page.
func TestOwnPasswordPageOrOurs(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	b := w.browser()
	link := b.forget()
	there := strings.Replace(link, "/u/reset-password", "/lo/reset", 1)
	ours := func() {
		t.Helper()
		b.get(link).want(http.StatusOK).says("This will be the password of ada@example.com")
		b.onto(b.get(there)).says("This will be the password of ada@example.com")
	}
	ours()
	w.passwordPage(resetHTML, false)
	ours()
	w.passwordPage("", true)
	ours()
	for _, broken := range []string{`{% if %}`, `{{ email | nonsense }}`, `{% for i in (1..100000) %}{{ email }}{% endfor %}`} {
		w.passwordPage(broken, true)
		page := b.onto(b.get(link)).says("This will be the password of ada@example.com")
		b.submit(page, "password", "short").want(http.StatusBadRequest).says("This password is too weak")
	}
	w.configure(func(s *stagedoor.TenantSettings) { s.Stored["change_password"] = json.RawMessage(`null`) })
	ours()

	w.passwordPage(resetHTML+"<p>`{{email}}` '{{ email | upcase }}'", true)
	sly := "\"-'`${alert`1`}\\</script>@example.com"
	_, err := w.st.UpdateUser(t.Context(), w.found("ada@example.com").ID, func(u *stagedoor.User) error { u.Email = sly; return nil })
	w.ok(err)
	w.ok(w.st.CreateTicket(t.Context(), "sly", &stagedoor.Ticket{Kind: stagedoor.TicketReset, UserID: w.found(sly).ID, ExpiresAt: w.clock().Add(time.Hour)}))
	page := b.onto(b.get("/u/reset-password?ticket=sly"))
	page.held()
	for _, bad := range []string{"`$", "${", `\`, "</script>@", `"-`} {
		if strings.Contains(strings.ReplaceAll(page.body, "<p>`&", ""), bad) {
			t.Errorf("%s stands in %s", bad, page.body)
		}
	}
	if !strings.Contains(page.body, "password_complexity_options: {},") {
		t.Errorf("%s", page.body)
	}
}
