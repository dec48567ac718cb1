package login_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
)

// screens puts a front end of the tenant's own in the place of pages; more are further members of each.
func (w *world) screens(more string, names ...string) {
	w.Helper()
	all := map[string]json.RawMessage{}
	for _, name := range names {
		all[name] = json.RawMessage(`{"rendering_mode":"advanced","head_tags":[{"tag":"script","attributes":{"src":"https://cdn.test/{{ client.name }}/{{ screen.name }}.js","defer":true,
			"integrity":["sha256-a","sha256-b"]},"content":""},{"tag":"title","content":"{{ prompt.name }} of {{ client.name }}"},{"tag":"iframe","attributes":{"src":"https://x.test"}}]` + more + `}`)
	}
	text, err := json.Marshal(all)
	w.ok(err)
	w.setting(stagedoor.SettingRendering, string(text))
}

// told is what a front end of the tenant's own learns from the page.
type told struct {
	Prompt, Client, Organization, Branding map[string]any
	Tenant, User                           map[string]any
	Screen                                 struct {
		Name        string
		Links, Data map[string]any
		Texts       map[string]string
	}
	Transaction struct {
		State, Locale string
		Errors        []struct{ Code, Field, Message string }
		Connection    struct {
			Name    string
			Options map[string]any
		}
		Alternate []struct{ Name, Strategy string } `json:"alternate_connections"`
	}
	Untrusted map[string]any `json:"untrusted_data"`
}

var (
	contextOf = regexp.MustCompile(`window\.universal_login_context = (\{.*?\})</script>`)
	standsAt  = regexp.MustCompile(`history\.replaceState\(null, '', ("[^"]*")\)`)
)

// tells is what the page tells the front end.
func (r *reply) tells() (s told) {
	r.Helper()
	found := contextOf.FindStringSubmatch(r.body)
	if found == nil {
		r.Fatalf("%d, no screen: %s", r.status, r.body)
	}
	r.ok(json.Unmarshal([]byte(found[1]), &s))
	return s
}

func (r *reply) screen(name string) told {
	r.Helper()
	s := r.tells()
	if s.Screen.Name != name {
		r.Fatalf("the screen %s, not %s", s.Screen.Name, name)
	}
	return s
}

// acts posts what a front end of the tenant's own posts from the screen, as the vendor's library does.
func (b *browser) acts(r *reply, screen string, fields ...string) *reply {
	b.Helper()
	form := url.Values{"state": {r.screen(screen).Transaction.State}, "acul-sdk": {"test"}}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	var here string
	b.ok(json.Unmarshal([]byte(standsAt.FindStringSubmatch(r.body)[1]), &here))
	if route := map[string]string{
		"mfa-webauthn-roaming-challenge": "/u/mfa-webauthn-challenge", "mfa-webauthn-not-available-error": "/u/mfa-webauthn-enrollment",
		"reset-password-mfa-webauthn-roaming-challenge": "/u/mfa-webauthn-challenge", "reset-password-mfa-webauthn-platform-challenge": "/u/mfa-webauthn-platform-challenge",
	}[screen]; route != "" {
		here = route // of the library
	}
	answer := b.post(here, form)
	if answer.status == http.StatusTemporaryRedirect {
		answer = b.post(answer.to(), form)
	}
	if answer.status == http.StatusOK && strings.Contains(answer.body, "document.forms[0].submit()") {
		answer = b.submit(answer)
	}
	return b.follow(answer)
}

// TestScreens: a front end of the tenant's own learns what the page is about, and takes people through the login by the vendor's names of fields and actions.
func TestScreens(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		w.screens(`,"context_configuration":["screen.texts","tenant.friendly_name","untrusted_data.authorization_params.login_hint","untrusted_data.authorization_params.ext-plan"]`,
			"login/login", "signup/signup", "reset-password/reset-password-request", "reset-password/reset-password-email", "consent/consent",
			"mfa-otp/mfa-otp-enrollment-qr", "mfa-otp/mfa-otp-challenge", "mfa-recovery-code/mfa-recovery-code-enrollment", "mfa-recovery-code/mfa-recovery-code-challenge")
		b := w.browser()
		page := b.begin(append(challenge(), "login_hint", "ada@example.com", "ext-plan", "<b>")...)
		s := page.screen("login")
		if s.Prompt["name"] != "login" || s.Client["name"] != "Mixtape" || s.Tenant["friendly_name"] != "Acme Records" || s.Tenant["enabled_locales"] != nil || s.Screen.Data["username"] != "ada@example.com" ||
			s.Screen.Texts["buttonText"] == "" || s.Transaction.Connection.Name != "Users" || s.Transaction.Connection.Options["signup_enabled"] != true {
			t.Errorf("the front end learns %+v", s)
		}
		if got, _ := json.Marshal(s.Untrusted); string(got) != `{"authorization_params":{"ext-plan":"\u003cb\u003e","login_hint":"ada@example.com"}}` {
			t.Errorf("of the request: %s", got)
		}
		page.want(http.StatusOK)
		for _, part := range []string{`<script defer integrity="sha256-a sha256-b" src="https://cdn.test/Mixtape/login.js"></script>`, "<title>login of Mixtape</title>"} {
			if !strings.Contains(page.body, part) {
				t.Errorf("%s is not in %s", part, page.body)
			}
		}
		if strings.Contains(page.body, "iframe") || strings.Contains(page.body, "<form") {
			t.Errorf("the page has more than the head says: %s", page.body)
		}

		page = b.acts(page, "login", "username", "ada@example.com", "password", "wrong", "action", "default").want(http.StatusBadRequest)
		if s = page.screen("login"); len(s.Transaction.Errors) != 1 || s.Transaction.Errors[0].Code != "wrong-credentials" || s.Transaction.Errors[0].Message == "" {
			t.Errorf("a wrong password: %+v", s.Transaction.Errors)
		}
		w.factors(always, "otp", "recovery-code")
		page = b.acts(page, "login", "username", "ada@example.com", "password", good, "action", "default")
		s = page.screen("mfa-otp-enrollment-qr")
		secret, _ := s.Screen.Data["text_secret"].(string)
		if picture, _ := s.Screen.Data["qr_code"].(string); secret == "" || !strings.HasPrefix(picture, "data:image/svg+xml;base64,") {
			t.Fatalf("what the app needs: %+v", s.Screen.Data)
		}
		page = b.acts(page, "mfa-otp-enrollment-qr", "code", w.code(secret), "action", "default")
		recovery, _ := page.screen("mfa-recovery-code-enrollment").Screen.Data["text_code"].(string)
		if b.claims(b.acts(page, "mfa-recovery-code-enrollment", "saved", "on", "action", "default"))["sub"] == "" {
			t.Error("nobody is logged in")
		}

		other := w.browser()
		page = other.acts(other.begin(challenge()...), "login", "username", "ada@example.com", "password", good)
		page = other.acts(page, "mfa-otp-challenge", "code", "000000", "action", "default").want(http.StatusBadRequest)
		if s = page.screen("mfa-otp-challenge"); len(s.Transaction.Errors) != 1 || s.Transaction.Errors[0].Code != "invalid-code" || s.Transaction.Errors[0].Field != "code" {
			t.Errorf("a wrong code: %+v", s.Transaction.Errors)
		}
		page = other.acts(page, "mfa-otp-challenge", "action", "pick-authenticator")
		page = other.acts(page, "mfa-recovery-code-challenge", "code", recovery, "action", "default")
		if again := page.screen("mfa-recovery-code-enrollment").Screen.Data["text_code"]; again == nil || again == recovery {
			t.Errorf("the next recovery code is %v", again)
		}
	})
}

// TestAttackStrangersName: front ends of the tenant's own call a client that nobody has checked as our pages do, and do not ask in our place whether it may have what it wants.
func TestAttackStrangersName(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		w.screens("", "login/login", "consent/consent")
		c := must(w.st.Client(w.Context(), "foreign"))
		c.ID, c.Name, c.Callbacks = "tpc_stranger", "Mixtape", []string{"https://evil.test/cb"}
		w.ok(w.st.CreateClient(w.Context(), c))
		_, err := w.st.UpdateConnection(w.Context(), must(w.st.ConnectionByName(w.Context(), "Users")).ID, func(conn *stagedoor.Connection) error {
			conn.IsDomainConnection = true
			conn.EnabledClients = append(conn.EnabledClients, c.ID)
			return nil
		})
		w.ok(err)
		b := w.browser()
		page := b.begin(append(challenge(), "client_id", c.ID, "redirect_uri", "https://evil.test/cb", "audience", api, "scope", "openid read:songs")...)
		if s := page.screen("login"); s.Client["name"] != "Mixtape (evil.test)" || !strings.Contains(page.body, "<title>login of Mixtape (evil.test)</title>") {
			t.Errorf("the front end learns %v: %s", s.Client, page.body)
		}
		page = b.acts(page, "login", "username", "ada@example.com", "password", good, "action", "default").says("evil.test")
		if contextOf.MatchString(page.body) {
			t.Errorf("not our page: %s", page.body)
		}
	})
}

// TestScreensOfSignup: people sign up, ask for a new password and say no to consent in front ends of the tenant's own.
func TestScreensOfSignup(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		w.screens("", "login/login", "signup/signup", "reset-password/reset-password-request", "reset-password/reset-password-email", "consent/consent")
		b := w.browser()
		page := b.begin(append(challenge(), "client_id", "foreign", "audience", api, "scope", "openid read:songs")...)
		page = b.follow(b.get(page.screen("login").Screen.Links["signup"].(string)))
		s := page.screen("signup")
		words, _ := s.Transaction.Connection.Options["authentication_methods"].(map[string]any)["password"].(map[string]any)
		if words["policy"] != "good" || words["min_length"] == nil || words["password_security_info"] == nil {
			t.Errorf("what a password must be: %+v", s.Transaction.Connection.Options)
		}
		page = b.acts(page, "signup", "email", "new@example.com", "password", "short").want(http.StatusBadRequest)
		if s = page.screen("signup"); len(s.Transaction.Errors) != 1 || s.Transaction.Errors[0].Field != "password" || s.Screen.Data["email"] != "new@example.com" {
			t.Errorf("a short password: %+v %v", s.Transaction.Errors, s.Screen.Data)
		}
		page = b.acts(page, "signup", "email", "new@example.com", "password", good)
		page.screen("consent")
		if !strings.Contains(page.body, "<title>Allow access? · Acme Records</title>") || !strings.Contains(page.body, "<noscript>This page needs JavaScript.") {
			t.Errorf("the page is called otherwise: %s", page.body)
		}
		if q := b.finish(b.acts(page, "consent", "action", "deny")); q.Get("error") != "access_denied" {
			t.Errorf("came back with %v", q)
		}

		b = w.browser()
		page = b.get(b.begin().screen("login").Screen.Links["reset_password"].(string))
		back := b.acts(page, "reset-password-request", "username", "x", "action", "back-to-login")
		back.screen("login")
		page = b.acts(page, "reset-password-request", "username", "ada@example.com", "action", "default")
		if got := page.screen("reset-password-email").Screen.Data["email"]; got != "ada@example.com" {
			t.Errorf("mailed to %v", got)
		}
		if w.mails()[0].To != "ada@example.com" {
			t.Error("no mail")
		}
	})
}

// TestScreensElsewhere: where a front end of the tenant's own is not meant, or could not do what the page does, ours is shown.
func TestScreensElsewhere(t *testing.T) {
	each(t, func(w *world) {
		for name, more := range map[string]string{
			"another client":   `,"filters":{"match_type":"includes_any","clients":[{"id":"other"}]}`,
			"all but this one": `,"filters":{"match_type":"excludes_any","clients":[{"id":"app"}]}`,
			"by metadata":      `,"filters":{"match_type":"includes_any","clients":[{"metadata":{"a":"b"}}],"organizations":[{"id":"app"}],"domains":[{"id":"app"}]}`,
			"no script":        `,"head_tags":[{"tag":"meta"}]`,
			"standard":         `,"rendering_mode":"standard"`,
			"a broken tag":     `,"head_tags":[{"tag":"script","attributes":{"src":"https://x/{% if %}"}}]`,
		} {
			w.screens(more, "login/login")
			if page := w.browser().begin(); contextOf.MatchString(page.body) {
				t.Errorf("%s: %s", name, page.body)
			} else {
				page.says("Log in")
			}
		}
		w.screens(`,"filters":{"match_type":"includes_any","clients":[{"id":"x"},{"id":"app"}]}`, "login/login")
		page := w.browser().begin()
		page.screen("login")
	})
}

// TestHostileScreens: what is posted in the name of a front end leads nowhere but to our own pages, and names of clients end neither texts nor addresses.
func TestHostileScreens(t *testing.T) {
	each(t, func(w *world) {
		w.screens(`,"context_configuration":["client.metadata.x"]`, "login/login")
		_, err := w.st.UpdateClient(w.Context(), "app", func(c *stagedoor.Client) error {
			c.Name, c.Metadata = `</script><script>alert(1)</script>"/../`, map[string]string{"x": "</script><img src=x>", "y": "hidden"}
			return nil
		})
		w.ok(err)
		b := w.browser()
		page := b.begin()
		if s := page.screen("login"); s.Client["name"] != `</script><script>alert(1)</script>"/../` || len(s.Client["metadata"].(map[string]any)) != 1 {
			t.Errorf("the client is %v", s.Client)
		}
		tags := contextOf.ReplaceAllString(page.body, "")
		if strings.Contains(page.body, "<script>alert") || strings.Contains(page.body, "<img") || strings.Contains(tags, "cdn.test/<") || strings.Contains(tags, `"/../`) {
			t.Errorf("a name gets out: %s", page.body)
		}
		var here string
		w.ok(json.Unmarshal([]byte(standsAt.FindStringSubmatch(page.body)[1]), &here))
		for _, state := range []string{"x", "{}", "e30", "bnVsbA"} { // no base64, no JSON, nothing
			b.post(here, url.Values{"state": {state}, "username": {"ada@example.com"}, "password": {good}}).want(http.StatusBadRequest)
		}
		raw, err := base64.RawURLEncoding.DecodeString(page.screen("login").Transaction.State)
		w.ok(err)
		nul := strings.Replace(string(raw), `"h":{`, `"h":{"username":"a\u0000@example.com",`, 1) // no text that a database can keep
		b.post(here, url.Values{"state": {base64.RawURLEncoding.EncodeToString([]byte(nul))}, "password": {good}}).want(http.StatusBadRequest).says("not that of the page")
		for _, ways := range []string{
			`{"w":{"a":{"u":"https://evil.test/"}}}`, `{"w":{"a":{"u":"//evil.test/"}}}`, `{"w":{"a":{"u":"javascript:alert(1)"}}}`, `{"w":{"a":{"a":"https://evil.test/"}}}`, `{"w":{"a":{}}}`, `{"w":{}}`,
		} {
			r := b.post(here, url.Values{"state": {base64.RawURLEncoding.EncodeToString([]byte(ways))}, "action": {"a"}}).want(http.StatusBadRequest)
			if strings.Contains(r.body, "evil.test") {
				t.Errorf("%s leads to %s", ways, r.body)
			}
		}
		b.post(here, url.Values{"state": {page.screen("login").Transaction.State}, "action": {"google-one-tap"}}).want(http.StatusBadRequest).says("google-one-tap")
		b.post(here, url.Values{"state": {page.screen("login").Transaction.State}, "username": {"ada@example.com"}, "password": {good}}, "Sec-Fetch-Site", "cross-site").want(http.StatusForbidden)
	})
}

// TestScreensInSteps: the identifier comes first, a code may take the place of the password, another code can be had, and another language.
func TestScreensInSteps(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		w.passwordless("email", nil)
		w.setting(stagedoor.SettingPrompts, `{"identifier_first":true}`)
		w.configure(func(s *stagedoor.TenantSettings) { s.EnabledLocales = []string{"en", "de"} })
		w.screens(`,"context_configuration":["screen.texts","tenant.enabled_locales"]`,
			"login-id/login-id", "login-password/login-password", "login-passwordless/login-passwordless-email-code", "signup/signup")
		b := w.browser()
		page := b.begin(challenge()...)
		s := page.screen("login-id")
		if locales, _ := s.Tenant["enabled_locales"].([]any); len(locales) != 2 || s.Transaction.Locale != "en" || len(s.Transaction.Alternate) != 1 || s.Transaction.Alternate[0].Name != "email" {
			t.Errorf("the front end learns %+v", s)
		}
		page = b.acts(page, "login-id", "action", "change-language", "language", "de")
		if page.screen("login-id").Transaction.Locale != "de" {
			t.Error("the language stays")
		}
		page = b.acts(page, "login-id", "username", "ada@example.com", "js-available", "true")
		s = page.screen("login-password")
		if s.Screen.Data["username"] != "ada@example.com" || s.Screen.Links["edit_identifier"] == "" {
			t.Errorf("the second step: %+v", s.Screen)
		}
		b.get(s.Screen.Links["edit_identifier"].(string)).screen("login-id")
		page = b.acts(page, "login-password", "username", "ada@example.com", "password", "wrong").want(http.StatusBadRequest)
		if len(page.screen("login-password").Transaction.Errors) != 1 {
			t.Error("a wrong password is none")
		}
		if b.claims(b.acts(page, "login-password", "username", "ada@example.com", "password", good))["sub"] == "" {
			t.Error("nobody is logged in")
		}

		b = w.browser()
		page = b.acts(b.begin(challenge()...), "login-id", "connection", "email").says("Email")
		page = b.submit(page, "email", "ada@example.com")
		page = b.follow(page)
		if got := page.screen("login-passwordless-email-code").Screen.Data["email"]; got != "ada@example.com" {
			t.Errorf("the code went to %v", got)
		}
		first := w.sent()
		page = b.acts(page, "login-passwordless-email-code", "action", "resend")
		if second := w.sent(); second == first || len(w.mails()) != 2 {
			t.Errorf("another code: %d mails", len(w.mails()))
		}
		if b.claims(b.acts(page, "login-passwordless-email-code", "email", "ada@example.com", "code", w.sent()))["sub"] == "" {
			t.Error("nobody is logged in")
		}
	})
}

// TestScreensOfOrganizations: somebody of several organizations chooses among them, and a front end may be for one of them alone.
func TestScreensOfOrganizations(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		w.screens(`,"context_configuration":["user.organizations","organization.metadata.plan","organization.display_name"],"filters":{"match_type":"includes_any","clients":[{"id":"app"}],"organizations":[{"metadata":{"plan":"gold"}}]}`,
			"organizations/organization-selection", "login/login")
		o := w.organized("require", "pre_login_prompt", nil, "ada@example.com")
		_, err := w.st.UpdateOrganization(w.Context(), o.ID, func(o *stagedoor.Organization) error { o.Metadata = map[string]string{"plan": "gold"}; return nil })
		w.ok(err)
		b := w.browser()
		page := b.begin()
		page = b.acts(page, "organization-selection", "organizationName", "nobody's", "action", "default").want(http.StatusBadRequest)
		if e := page.screen("organization-selection").Transaction.Errors; len(e) != 1 || e[0].Field != "organizationName" {
			t.Errorf("an organization that is not there: %+v", e)
		}
		s := b.acts(page, "organization-selection", "organizationName", "night-shift", "action", "default").screen("login")
		if s.Organization["display_name"] != "The Night Shift" || s.Organization["metadata"].(map[string]any)["plan"] != "gold" {
			t.Errorf("the organization is %v", s.Organization)
		}
	})
}

// TestScreensOfChoices: people choose among factors in front ends of the tenant's own, which learn what there is.
func TestScreensOfChoices(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		w.factors(always, "otp", "email", "recovery-code")
		w.screens("", "mfa/mfa-login-options", "mfa/mfa-begin-enroll-options", "mfa-otp/mfa-otp-challenge", "mfa-otp/mfa-otp-enrollment-qr", "mfa-recovery-code/mfa-recovery-code-challenge")
		b := w.browser()
		page := b.logIn(challenge()...)
		s := page.screen("mfa-begin-enroll-options")
		if names, _ := s.User["enrolled_factors"].([]any); len(names) != 2 || names[0] != "otp" || names[1] != "email" {
			t.Errorf("there is %v", s.User)
		}
		page = b.acts(page, "mfa-begin-enroll-options", "action", "otp")
		secret, _ := page.screen("mfa-otp-enrollment-qr").Screen.Data["text_secret"].(string)
		page = b.acts(page, "mfa-otp-enrollment-qr", "code", w.code(secret), "action", "default")
		b.finish(b.submit(page, "noted", "1"))

		_, err := w.st.UpdateUser(w.Context(), w.found("ada@example.com").ID, func(u *stagedoor.User) error { u.EmailVerified = true; return nil })
		w.ok(err)
		b = w.browser()
		page = b.logIn(challenge()...)
		if names, _ := page.screen("mfa-otp-challenge").User["enrolled_factors"].([]any); len(names) != 3 {
			t.Errorf("there is %v", names)
		}
		list := b.acts(page, "mfa-otp-challenge", "action", "pick-authenticator")
		if names, _ := list.screen("mfa-login-options").User["enrolled_factors"].([]any); len(names) != 3 || names[2] != "recovery-code" {
			t.Errorf("there is %v", names)
		}
		b.acts(list, "mfa-login-options", "action", "recovery-code").screen("mfa-recovery-code-challenge")
		b.acts(list, "mfa-login-options", "action", "default").screen("mfa-login-options")
		page = b.acts(list, "mfa-login-options", "action", "back-action")
		if b.claims(b.acts(page, "mfa-otp-challenge", "code", w.code(secret), "action", "default"))["sub"] == "" {
			t.Error("nobody is logged in")
		}
	})
}

// completed is what the vendor's library hears when it asks whether a device has answered: at the address that the screen stands at.
func (b *browser) completed(r *reply) bool {
	b.Helper()
	var here string
	b.ok(json.Unmarshal([]byte(standsAt.FindStringSubmatch(r.body)[1]), &here))
	answer := b.do(http.MethodGet, here, "", "Accept", "application/json").want(http.StatusOK)
	if kind := answer.header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		b.Fatalf("the answer is %s", kind)
	}
	var told struct{ Completed *bool }
	b.ok(json.Unmarshal([]byte(answer.body), &told))
	if told.Completed == nil {
		b.Fatalf("the answer is %s", answer.body)
	}
	return *told.Completed
}

// TestScreensOfPush: a device is set up and asked in front ends of the tenant's own, which learn of its answer and go on.
func TestScreensOfPush(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = true })
		w.factors(always, "push-notification", "otp")
		w.screens(`,"context_configuration":["screen.texts"]`, "mfa-push/mfa-push-challenge-push", "mfa-push/mfa-push-enrollment-qr", "mfa/mfa-begin-enroll-options")
		b, inbox := w.browser(), w.browser()
		page := b.acts(b.logIn(challenge()...), "mfa-begin-enroll-options", "action", "push-notification")
		s := page.screen("mfa-push-enrollment-qr")
		uri, _ := s.Screen.Data["qr_uri"].(string)
		if picture, _ := s.Screen.Data["qr_code"].(string); !strings.Contains(uri, "enrollment_tx_id=") || !strings.HasPrefix(picture, "data:image/svg+xml;base64,") || s.Screen.Texts["title"] == "" {
			t.Errorf("what the app needs: %+v", s.Screen)
		}
		b.acts(page, "mfa-push-enrollment-qr", "action", "pick-authenticator").screen("mfa-begin-enroll-options")
		page = b.acts(page, "mfa-push-enrollment-qr", "action", "continue")
		if b.completed(page) {
			t.Error("nobody has set anything up yet")
		}
		inbox.submit(inbox.get(w.played()), "decision", "accept").want(http.StatusOK)
		if !b.completed(page) {
			t.Error("the device is set up")
		}
		b.finish(b.submit(b.acts(page, "mfa-push-enrollment-qr", "action", "continue").says("Your recovery code"), "noted", "1"))

		b = w.browser()
		page = b.logIn(challenge()...)
		s = page.screen("mfa-push-challenge-push")
		if name, _ := s.Screen.Data["device_name"].(string); name == "" || s.Screen.Data["show_remember_device"] != true {
			t.Errorf("the device: %+v", s.Screen.Data)
		}
		inbox.submit(inbox.get(w.played()), "decision", "decline").want(http.StatusOK)
		if !b.completed(page) {
			t.Error("the device has answered")
		}
		page = b.acts(page, "mfa-push-challenge-push", "action", "continue").want(http.StatusBadRequest)
		if s = page.screen("mfa-push-challenge-push"); len(s.Transaction.Errors) != 1 || s.Transaction.Errors[0].Code != "transaction-rejected" {
			t.Errorf("a login that was denied: %+v", s.Transaction.Errors)
		}
		page = b.acts(page, "mfa-push-challenge-push", "action", "enter-otp-code").want(http.StatusBadRequest) // there is no app
		w.wait(31 * time.Second)
		page = b.acts(b.begin(challenge()...), "mfa-push-challenge-push", "action", "resend", "rememberBrowser", "")
		inbox.submit(inbox.get(w.played()), "decision", "accept").want(http.StatusOK)
		if !b.completed(page) {
			t.Error("the device has answered")
		}
		if b.claims(b.acts(page, "mfa-push-challenge-push", "action", "continue", "rememberBrowser", "true"))["sub"] == "" {
			t.Error("nobody is logged in")
		}
		if all, err := w.st.RememberedBrowsers(w.Context(), w.found("ada@example.com").ID, time.Hour, 1000*time.Hour); err != nil || len(all) != 1 {
			t.Errorf("%+v %v", all, err)
		}
	})
}

// TestScreensOfKeys: security keys and the keys of devices are set up and given in front ends of the tenant's own, and what the browser says of those that it did not get is shown.
func TestScreensOfKeys(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		w.factors(always, "webauthn-roaming", "webauthn-platform")
		w.screens(`,"context_configuration":["screen.texts"]`, "mfa/mfa-begin-enroll-options", "mfa/mfa-login-options", "mfa-webauthn/mfa-webauthn-roaming-challenge", "mfa-webauthn/mfa-webauthn-roaming-enrollment",
			"mfa-webauthn/mfa-webauthn-platform-challenge", "mfa-webauthn/mfa-webauthn-platform-enrollment", "mfa-webauthn/mfa-webauthn-error")
		for kind, action := range map[string]string{"roaming": "webauthn-roaming", "platform": "webauthn-platform"} {
			email := kind + "@example.com"
			w.user(email)
			enrollment, challenged, d := "mfa-webauthn-"+kind+"-enrollment", "mfa-webauthn-"+kind+"-challenge", w.authenticator()
			b := w.browser()
			page := b.follow(b.submit(b.begin(challenge()...), "username", email, "password", good))
			page = b.acts(page, "mfa-begin-enroll-options", "action", action)
			s := page.screen(enrollment)
			if s.Screen.Data["webauthnType"] != action || s.Screen.Texts["title"] == "" {
				t.Errorf("the front end learns %+v", s.Screen)
			}
			failed := b.acts(page, enrollment, "action", `showError::{"name":"NotAllowedError","message":"::"}`, "response", "").want(http.StatusBadRequest)
			if s = failed.screen("mfa-webauthn-error"); s.Screen.Data["errorType"] != "NotAllowedError" || s.Screen.Data["webauthnType"] != action {
				t.Errorf("a browser that gave no key: %+v", s.Screen.Data)
			}
			b.acts(failed, "mfa-webauthn-error", "action", "pick-authenticator").screen("mfa-begin-enroll-options")
			page = b.acts(failed, "mfa-webauthn-error", "action", "tryagain").want(http.StatusOK)
			page = b.acts(page, enrollment, "action", "default", "response", "{}").want(http.StatusBadRequest)
			if e := page.screen(enrollment).Transaction.Errors; len(e) != 1 || !strings.HasSuffix(e[0].Code, "associate-error") {
				t.Errorf("a key that is none: %+v", e)
			}
			page = b.acts(page, enrollment, "action", "default", "response", d.makes(page)).says("Your recovery code")
			b.finish(b.submit(page, "noted", "1"))

			b = w.browser()
			page = b.follow(b.submit(b.begin(challenge()...), "username", email, "password", good))
			failed = b.acts(page, challenged, "action", `showError::nonsense`, "response", "").want(http.StatusBadRequest)
			if s = failed.screen("mfa-webauthn-error"); s.Screen.Data["errorType"] != "UnknownError" {
				t.Errorf("an error without a name: %+v", s.Screen.Data)
			}
			b.acts(failed, "mfa-webauthn-error", "action", "use-password").want(http.StatusBadRequest) // it was given already
			page = b.acts(failed, "mfa-webauthn-error", "action", "tryagain")
			b.acts(page, challenged, "action", "pick-authenticator").screen("mfa-login-options")
			if b.claims(b.acts(page, challenged, "action", "default", "response", d.signs(page), "rememberBrowser", "true"))["sub"] == "" {
				t.Error("nobody is logged in")
			}
			if all, err := w.st.RememberedBrowsers(w.Context(), w.found(email).ID, time.Hour, 1000*time.Hour); err != nil || len(all) != 1 {
				t.Errorf("%+v %v", all, err)
			}
		}
		b := w.browser()
		b.post("/u/mfa-webauthn-challenge", url.Values{"response": {"{}"}}).want(http.StatusBadRequest)
		for _, here := range []string{"https://evil.test/", "//evil.test/", "/\\evil.test", "%"} {
			told, _ := json.Marshal(map[string]string{"a": here})
			if r := b.post("/u/mfa-webauthn-challenge", url.Values{"state": {base64.RawURLEncoding.EncodeToString(told)}}).want(http.StatusBadRequest); strings.Contains(r.body, "evil.test") {
				t.Errorf("%s leads to %s", here, r.body)
			}
		}
	})
}

// TestScreensOfPhones: codes by phone are set up and given in front ends of the tenant's own.
func TestScreensOfPhones(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = true })
		w.factors(always, "sms", "otp")
		w.screens("", "mfa/mfa-begin-enroll-options", "mfa-sms/mfa-sms-enrollment", "mfa-sms/mfa-sms-challenge")
		b := w.browser()
		page := b.acts(b.logIn(challenge()...), "mfa-begin-enroll-options", "action", "sms")
		b.acts(page, "mfa-sms-enrollment", "action", "pick-authenticator").screen("mfa-begin-enroll-options")
		page = b.acts(page, "mfa-sms-enrollment", "phone", "123", "action", "default").want(http.StatusBadRequest)
		if s := page.screen("mfa-sms-enrollment"); len(s.Transaction.Errors) != 1 || s.Transaction.Errors[0].Code != "invalid-phone" || s.Transaction.Errors[0].Field != "phone" || s.Screen.Data["phone"] != "123" {
			t.Errorf("a number that is none: %+v %+v", s.Transaction.Errors, s.Screen.Data)
		}
		page = b.acts(page, "mfa-sms-enrollment", "phone", "+49 (151) 23456789", "action", "default")
		if got := page.screen("mfa-sms-challenge").Screen.Data["phone_number"]; got != "+4915123456789" {
			t.Errorf("the code went to %v", got)
		}
		b.acts(page, "mfa-sms-challenge", "action", "pick-sms").screen("mfa-sms-enrollment")
		page = b.acts(page, "mfa-sms-challenge", "code", "12", "action", "default").want(http.StatusBadRequest)
		if e := page.screen("mfa-sms-challenge").Transaction.Errors; len(e) != 1 || e[0].Code != "invalid-code" || e[0].Field != "code" {
			t.Errorf("a wrong code: %+v", e)
		}
		w.wait(31 * time.Second)
		page = b.acts(page, "mfa-sms-challenge", "action", "resend-code").want(http.StatusOK)
		page = b.acts(page, "mfa-sms-challenge", "code", w.sentCode(), "action", "default").says("Your recovery code")
		b.finish(b.submit(page, "noted", "1"))

		b = w.browser()
		page = b.logIn(challenge()...)
		if s := page.screen("mfa-sms-challenge"); s.Screen.Data["phone_number"] != "XXXXXXXXXX6789" || s.Screen.Data["show_remember_device"] != true {
			t.Errorf("the code went to %+v", s.Screen.Data)
		}
		b.acts(page, "mfa-sms-challenge", "action", "pick-sms").want(http.StatusBadRequest) // there is one number alone
		if b.claims(b.acts(page, "mfa-sms-challenge", "code", w.sentCode(), "action", "default"))["sub"] == "" {
			t.Error("nobody is logged in")
		}
	})
}

// TestScreensOfDevices: people enter the code of a device in front ends of the tenant's own, say whether it is theirs, and hear what became of it.
func TestScreensOfDevices(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		w.screens(`,"context_configuration":["screen.texts"]`, "device-flow/device-code-activation", "device-flow/device-code-confirmation", "device-flow/device-code-activation-allowed", "device-flow/device-code-activation-denied")
		d, b := w.device(), w.browser()
		page := b.get("/activate").want(http.StatusOK)
		if s := page.screen("device-code-activation"); s.Client != nil || s.Screen.Texts["title"] == "" {
			t.Errorf("the front end learns %+v", s)
		}
		for code, want := range map[string]string{"": "no-code", "AAAA-AAAA": "invalid-code"} {
			page = b.acts(page, "device-code-activation", "code", code, "action", "default").want(http.StatusBadRequest)
			if e := page.screen("device-code-activation").Transaction.Errors; len(e) != 1 || e[0].Code != want || e[0].Field != "code" {
				t.Errorf("the code %q: %+v", code, e)
			}
		}
		asked := b.acts(page, "device-code-activation", "code", d.UserCode, "action", "default").want(http.StatusOK)
		if s := asked.screen("device-code-confirmation"); s.Screen.Data["text_code"] != d.UserCode || s.Client["name"] != "Mixtape" {
			t.Errorf("the front end learns %+v", s)
		}
		d.poll(http.StatusForbidden, "", "")
		done := b.acts(asked, "device-code-confirmation", "action", "confirm").says("Log in")
		done = b.follow(b.submit(done, "username", "ada@example.com", "password", good))
		done.want(http.StatusOK).screen("device-code-activation-allowed")
		d.wait(5 * time.Second)
		if tokens := d.poll(http.StatusOK, "", ""); tokens["access_token"] == nil {
			t.Errorf("the device has %v", tokens)
		}

		d = w.device()
		page = b.acts(b.get("/activate?user_code="+d.UserCode), "device-code-confirmation", "action", "cancel").want(http.StatusOK)
		page.screen("device-code-activation-denied")
		b.get(page.screen("device-code-activation-denied").Screen.Links["back"].(string)).screen("device-code-activation")
		d.wait(5 * time.Second)
		if got := d.poll(http.StatusForbidden, "", ""); got["error"] != "access_denied" {
			t.Errorf("the device hears %v", got)
		}
	})
}

// TestScreensOfLogout: people say in front ends of the tenant's own whether they want to log out, and hear what became of it.
func TestScreensOfLogout(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		_, err := w.st.UpdateClient(w.Context(), "app", func(c *stagedoor.Client) error {
			c.AllowedLogoutURLs = []string{"https://app.example/bye"}
			return nil
		})
		w.ok(err)
		b := w.browser()
		b.finish(b.submit(b.begin(challenge()...), "username", "ada@example.com", "password", good))
		const out = "/oidc/logout?client_id=app&state=mine&post_logout_redirect_uri=https://app.example/bye"
		w.screens(`,"context_configuration":["screen.texts"]`, "logout/logout", "logout/logout-complete")
		page := b.get(out).want(http.StatusOK)
		if s := page.screen("logout"); s.Client["name"] != "Mixtape" || s.Screen.Texts["title"] == "" {
			t.Errorf("the front end learns %+v", s)
		}
		b.acts(page, "logout", "action", "deny").says("Acme Records")
		b.acts(page, "logout", "action", "later").want(http.StatusBadRequest)
		var here string
		w.ok(json.Unmarshal([]byte(standsAt.FindStringSubmatch(page.body)[1]), &here))
		form := url.Values{"state": {page.screen("logout").Transaction.State}, "action": {"accept"}}
		b.post(here, form, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test").screen("logout") // is asked, as whatever comes from elsewhere
		w.screens("", "logout/logout", "logout/logout-complete", "logout/logout-aborted")
		b.acts(page, "logout", "action", "deny").want(http.StatusOK).screen("logout-aborted")
		if r := b.post(here, form); r.to() != "https://app.example/bye?state=mine" {
			t.Errorf("went to %s", r.to())
		}
		b.get("/v2/logout").want(http.StatusOK).screen("logout-complete")
		b.post("/oidc/logout", url.Values{"client_id": {"app"}, "state": {"x"}}).want(http.StatusOK).screen("logout-complete") // a client's state is none of a front end
	})
}

// TestScreensOfLinks: what came of the link of a mail is told by front ends of the tenant's own.
func TestScreensOfLinks(t *testing.T) {
	each(t, func(w *world) {
		w.screens("", "email-verification/email-verification-result", "reset-password/reset-password-error", "mfa/mfa-enroll-result", "brute-force-protection/brute-force-protection-unblock",
			"brute-force-protection/brute-force-protection-unblock-success", "brute-force-protection/brute-force-protection-unblock-failure")
		u := w.found("ada@example.com")
		ticket := func(kind, token string) {
			w.ok(w.st.CreateTicket(w.Context(), token, &stagedoor.Ticket{Kind: kind, UserID: u.ID, Email: u.Email, ClientID: "app", ExpiresAt: w.clock().Add(time.Hour)}))
		}
		b := w.browser()
		ticket(stagedoor.TicketVerification, "verify")
		ticket(stagedoor.TicketUnblock, "unblock")
		s := b.get("/u/email-verification?ticket=verify").want(http.StatusOK).screen("email-verification-result")
		if s.Screen.Data["status"] != "success" || s.Client["name"] != "Mixtape" || s.Screen.Links["login"] != "https://app.example/start" || s.Transaction.Errors != nil {
			t.Errorf("the front end learns %+v", s)
		}
		ticket(stagedoor.TicketVerification, "late")
		page := b.get("/u/unblock?ticket=unblock").want(http.StatusOK)
		page = b.acts(page, "brute-force-protection-unblock", "action", "default").want(http.StatusOK)
		page.screen("brute-force-protection-unblock-success")

		w.factors(nil, "otp", "webauthn-roaming")
		w.enrolled()
		w.ok(w.st.CreateTicket(w.Context(), "enroll", &stagedoor.Ticket{Kind: stagedoor.TicketEnrollment, UserID: u.ID, Factor: "webauthn-roaming", Another: true, ExpiresAt: w.clock().Add(time.Hour)}))
		page = b.get("/u/mfa-enroll?ticket=enroll").want(http.StatusOK)
		if s = b.submit(page, "key", w.authenticator().makes(page)).want(http.StatusOK).screen("mfa-enroll-result"); s.Screen.Data["status"] != "success" {
			t.Errorf("the front end learns %+v", s)
		}
		w.wait(2 * time.Hour)
		for path, want := range map[string]string{
			"/u/email-verification?ticket=late": "email-verification-result expired auth0-users-expired-ticket", "/u/email-verification?ticket=none": "email-verification-result invalid auth0-users-validation",
			"/u/reset-password?ticket=none": "reset-password-error invalid auth0-users-validation", "/u/mfa-enroll?ticket=none": "mfa-enroll-result invalid-ticket ticket_invalid",
			"/u/unblock?ticket=unblock": "brute-force-protection-unblock-failure used ticket_used",
		} {
			name, more, _ := strings.Cut(want, " ")
			status, code, _ := strings.Cut(more, " ")
			if s := b.get(path).want(http.StatusBadRequest).screen(name); s.Screen.Data["status"] != status || len(s.Transaction.Errors) != 1 || s.Transaction.Errors[0].Code != code || s.Transaction.Errors[0].Message == "" {
				t.Errorf("%s: %+v %+v", path, s.Screen.Data, s.Transaction.Errors)
			}
		}
	})
}

// TestScreensOfSignupWithPasskeys: where people are asked who they are first, they sign up with a passkey in front ends of the tenant's own, or with a password if they would rather, or their browser
// has no passkeys.
func TestScreensOfSignupWithPasskeys(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		w.passkeys(`{}`)
		w.setting(stagedoor.SettingPrompts, `{"identifier_first":true}`)
		w.screens("", "signup/signup")
		w.browser().begin("screen_hint", "signup").screen("signup")
		w.screens("", "signup/signup", "signup-id/signup-id", "signup-password/signup-password", "passkeys/passkey-enrollment")

		b := w.browser()
		page := b.begin(append(challenge(), "screen_hint", "signup")...)
		s := page.screen("signup-id")
		if on, _ := s.Transaction.Connection.Options["authentication_methods"].(map[string]any)["passkey"].(map[string]any); on["enabled"] != true {
			t.Errorf("the front end learns %+v", s.Transaction.Connection)
		}
		page = b.acts(page, "signup-id", "email", "no address", "allow-passkeys", "true").want(http.StatusBadRequest)
		page = b.acts(page, "signup-id", "email", "new@example.com", "allow-passkeys", "true").want(http.StatusOK)
		page.screen("passkey-enrollment")
		d := w.authenticator()
		if b.claims(b.acts(page, "passkey-enrollment", "passkey", d.becomes(page)))["sub"] == "" || w.found("new@example.com") == nil {
			t.Error("nobody has signed up")
		}
		if all, err := w.st.AuthenticationMethods(w.Context(), w.found("new@example.com").ID); err != nil || len(all) != 1 || all[0].Type != "passkey" {
			t.Errorf("methods %+v, %v", all, err)
		}

		for email, allowed := range map[string]string{"rather@example.com": "true", "cannot@example.com": "false"} {
			b = w.browser()
			page = b.acts(b.begin(append(challenge(), "screen_hint", "signup")...), "signup-id", "email", email, "allow-passkeys", allowed).want(http.StatusOK)
			if allowed == "true" {
				page = b.acts(page, "passkey-enrollment", "action", "abort-passkey-enrollment").want(http.StatusOK)
			}
			if s = page.screen("signup-password"); s.Screen.Data["email"] != email || s.Screen.Links["edit_identifier"] == nil || s.Transaction.Errors != nil {
				t.Errorf("the front end learns %+v", s.Screen)
			}
			page = b.acts(page, "signup-password", "email", email, "password", "short").want(http.StatusBadRequest)
			if e := page.screen("signup-password").Transaction.Errors; len(e) != 1 || e[0].Field != "password" {
				t.Errorf("a short password: %+v", e)
			}
			page = b.acts(page, "signup-password", "email", email, "password", good)
			page = b.acts(page, "passkey-enrollment", "action", "abort-passkey-enrollment") // offered to whoever signs in with a password
			if b.claims(page)["sub"] == "" || w.found(email) == nil {
				t.Error("nobody has signed up")
			}
		}

		w.options(func(o *stagedoor.ConnectionOptions) {
			o.Stored["authentication_methods"] = json.RawMessage(`{"passkey":{"enabled":true},"password":{"enabled":false}}`)
		})
		b = w.browser()
		page = b.acts(b.begin(append(challenge(), "screen_hint", "signup")...), "signup-id", "email", "only@example.com").want(http.StatusOK)
		b.acts(page, "passkey-enrollment", "action", "abort-passkey-enrollment").want(http.StatusBadRequest) // there is nothing else
		if b.claims(b.acts(page, "passkey-enrollment", "passkey", w.authenticator().becomes(page)))["sub"] == "" || w.found("only@example.com") == nil {
			t.Error("nobody has signed up")
		}
	})
}

// TestScreensOfResets: second factors that are asked for before a new password have the vendor's screens of their own, and those of logins where the tenant has none.
func TestScreensOfResets(t *testing.T) {
	each(t, func(w *world) {
		w.factors(nil, "otp", "webauthn-platform")
		secret, _ := w.enrolled()
		u := w.found("ada@example.com")
		w.ok(w.st.CreateTicket(w.Context(), "enroll", &stagedoor.Ticket{Kind: stagedoor.TicketEnrollment, UserID: u.ID, Factor: "webauthn-platform", Another: true, ExpiresAt: w.clock().Add(time.Hour)}))
		b, d := w.browser(), w.authenticator()
		page := b.get("/u/mfa-enroll?ticket=enroll").want(http.StatusOK)
		b.submit(page, "key", d.makes(page)).want(http.StatusOK)
		w.challenges(`api.authentication.challengeWithAny([{type: 'otp'}, {type: 'webauthn-platform'}]);`)
		w.screens(`,"context_configuration":["screen.texts"]`, "mfa/mfa-login-options", "mfa-otp/mfa-otp-challenge", "reset-password/reset-password-mfa-webauthn-platform-challenge", "reset-password/reset-password")
		page = b.follow(b.get(b.forget())).want(http.StatusOK)
		page = b.acts(b.acts(page, page.tells().Screen.Name, "action", "pick-authenticator"), "mfa-login-options", "action", "otp")
		page.screen("mfa-otp-challenge")

		w.screens(`,"context_configuration":["screen.texts"]`, "mfa/mfa-login-options", "reset-password/reset-password-mfa-otp-challenge", "mfa-otp/mfa-otp-challenge", "reset-password/reset-password-mfa-webauthn-platform-challenge", "reset-password/reset-password")
		page = b.acts(page, "mfa-otp-challenge", "code", "000000", "action", "default").want(http.StatusBadRequest)
		s := page.screen("reset-password-mfa-otp-challenge")
		if s.Prompt["name"] != "reset-password" || len(s.Transaction.Errors) != 1 || s.Transaction.Errors[0].Code != "invalid-code" || s.Screen.Texts["title"] == "" {
			t.Errorf("the front end learns %+v", s)
		}
		page = b.acts(b.acts(page, "reset-password-mfa-otp-challenge", "action", "pick-authenticator"), "mfa-login-options", "action", "webauthn-platform")
		page = b.acts(page, "reset-password-mfa-webauthn-platform-challenge", "action", "default", "response", d.signs(page)).want(http.StatusOK)
		b.acts(page, "reset-password", "password-reset", "Another-Horse-2").want(http.StatusOK)

		page = b.follow(b.get(b.forget())).want(http.StatusOK)
		page = b.acts(b.acts(page, page.tells().Screen.Name, "action", "pick-authenticator"), "mfa-login-options", "action", "otp")
		b.acts(page, "reset-password-mfa-otp-challenge", "code", w.code(secret), "action", "default").screen("reset-password")
	})
}

// TestScreensOfSecrets: front ends of the tenant's own show the secret of an app to be typed, and the recovery code that takes the place of one that was used, as the vendor has it.
func TestScreensOfSecrets(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		w.factors(always, "otp", "recovery-code", "webauthn-roaming")
		w.screens("", "mfa-otp/mfa-otp-enrollment-qr", "mfa-otp/mfa-otp-enrollment-code", "mfa-recovery-code/mfa-recovery-code-enrollment", "mfa-recovery-code/mfa-recovery-code-challenge",
			"mfa-recovery-code/mfa-recovery-code-challenge-new-code", "mfa/mfa-begin-enroll-options")
		b := w.browser()
		page := b.acts(b.logIn(challenge()...), "mfa-begin-enroll-options", "action", "otp")
		page = b.acts(page, "mfa-otp-enrollment-qr", "action", "toggle-view").want(http.StatusOK)
		secret, _ := page.screen("mfa-otp-enrollment-code").Screen.Data["text_code"].(string)
		page = b.acts(page, "mfa-otp-enrollment-code", "code", "000000", "action", "default").want(http.StatusBadRequest)
		page = b.acts(page, "mfa-otp-enrollment-code", "action", "toggle-view").want(http.StatusOK)
		if again := page.screen("mfa-otp-enrollment-qr").Screen.Data["text_secret"]; secret == "" || again != secret {
			t.Errorf("the secret is %q, then %v", secret, again)
		}
		page = b.acts(page, "mfa-otp-enrollment-qr", "action", "toggle-view")
		page = b.acts(page, "mfa-otp-enrollment-code", "code", w.code(secret), "action", "default")
		recovery, _ := page.screen("mfa-recovery-code-enrollment").Screen.Data["text_code"].(string)
		b.finish(b.acts(page, "mfa-recovery-code-enrollment", "saved", "on"))

		b = w.browser()
		page = b.logIn(challenge()...)
		page = b.get(page.href("Use your recovery code instead"))
		page = b.acts(page, "mfa-recovery-code-challenge", "code", recovery, "action", "default")
		if next, _ := page.screen("mfa-recovery-code-challenge-new-code").Screen.Data["text_code"].(string); next == "" || next == recovery {
			t.Errorf("the next recovery code is %q", next)
		}
		if b.claims(b.acts(page, "mfa-recovery-code-challenge-new-code", "action", "default", "saved", "on"))["sub"] == "" {
			t.Error("nobody is logged in")
		}

		e := &stagedoor.Ticket{Kind: stagedoor.TicketEnrollment, UserID: w.user("bob@example.com").ID, Factor: "otp", ExpiresAt: w.clock().Add(time.Hour)}
		w.ok(w.st.CreateTicket(w.Context(), "enroll", e))
		page = b.acts(b.get("/u/mfa-enroll?ticket=enroll"), "mfa-otp-enrollment-qr", "action", "toggle-view")
		secret, _ = page.screen("mfa-otp-enrollment-code").Screen.Data["text_code"].(string)
		b.acts(page, "mfa-otp-enrollment-code", "code", w.code(secret), "action", "default").want(http.StatusOK).says("You are all set")
	})
}

// TestScreensOfDetails: what a client asks for beyond scopes is shown by front ends of the tenant's own as the client has sent it.
func TestScreensOfDetails(t *testing.T) {
	each(t, func(w *world) {
		w.takesPayments()
		w.signs()
		w.screens("", "consent/consent", "customized-consent/customized-consent")
		b := w.browser()
		page := b.begin(append(challenge(), "client_id", "foreign", "audience", api, "scope", "openid read:songs", "authorization_details", `[{"type":"payment","amount":"</script>5"}]`)...)
		page = b.follow(b.submit(page, "username", "ada@example.com", "password", good)).want(http.StatusOK)
		s := page.screen("customized-consent")
		details, _ := s.Screen.Data["authorization_details"].([]any)
		if len(details) != 1 || details[0].(map[string]any)["type"] != "payment" || details[0].(map[string]any)["amount"] != "</script>5" || s.Screen.Data["scopes"] == nil {
			t.Errorf("the front end learns %+v", s.Screen.Data)
		}
		if q := b.finish(b.acts(page, "customized-consent", "action", "accept")); q.Get("code") == "" {
			t.Errorf("came back with %v", q)
		}
	})
}
