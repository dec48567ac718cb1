package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

func TestLogin(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		page := b.begin().want(http.StatusOK).says("Welcome", "Log in to continue to Mixtape", "Acme Records")
		wrong := b.submit(page, "username", "ada@example.com", "password", "wrong").want(http.StatusBadRequest).says("Wrong email or password.")
		unknown := b.submit(page, "username", "bob@example.com", "password", "wrong").want(http.StatusBadRequest)
		if strings.ReplaceAll(words(wrong.body), "ada", "bob") != words(unknown.body) {
			w.Errorf("an unknown user can be told from a wrong password:\n%s\n%s", words(wrong.body), words(unknown.body))
		}
		if !strings.Contains(wrong.body, `value="ada@example.com"`) || strings.Contains(wrong.body, `value="wrong"`) {
			w.Error("the form should keep the identifier and forget the password")
		}
		b.submit(wrong, "username", " ", "password", "").want(http.StatusBadRequest).says("Enter your email address.", "Enter your password.")
		done := b.submit(wrong, "username", " ADA@example.com ", "password", good).want(http.StatusSeeOther)
		if !strings.HasPrefix(done.to(), "/authorize/resume?state=") || done.header.Get("Cache-Control") != "no-store" {
			w.Errorf("goes on to %s, %s", done.to(), done.header)
		}
		var cookie *http.Cookie
		for _, c := range (&http.Response{Header: done.header}).Cookies() {
			cookie = c
		}
		if cookie == nil || !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteNoneMode {
			w.Errorf("session cookie %v", cookie)
		}
		if q := b.finish(done); q.Get("code") == "" || q.Get("state") != "s t" {
			w.Errorf("came back with %v", q)
		}
		if got := w.events(); got != "fp fu s" {
			w.Errorf("events %s", got)
		}
		if u := w.found("ada@example.com"); u.LoginsCount != 1 || u.LastIP != "192.0.2.7" {
			w.Errorf("%d logins, the last from %s", u.LoginsCount, u.LastIP)
		}
		// The session is there: no page the next time.
		if q := b.finish(b.begin()); q.Get("code") == "" {
			w.Errorf("came back with %v", q)
		}
	})
}

func TestRulesRunAfterThePage(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.ok(w.st.CreateRule(w.Context(), &stagedoor.Rule{
		ID: "r", Name: "Gate", Enabled: true, Order: 1, Stage: "login_success",
		Script: `function (user, context, callback) {
			if (context.request.query.scope === "openid") return callback(new UnauthorizedError("No <b>entry</b>"));
			callback(null, user, context);
		}`,
	}))
	b := w.browser()
	q := b.finish(b.submit(b.begin("scope", "openid"), "username", "ada@example.com", "password", good))
	if q.Get("error") != "unauthorized" || q.Get("error_description") != "No <b>entry</b>" || q.Get("state") != "s t" {
		t.Errorf("came back with %v", q)
	}
	if q := b.finish(b.begin("prompt", "none")); q.Get("code") == "" { // the session is there all the same
		t.Errorf("came back with %v", q)
	}
}

func TestLoginHintAndUsernames(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	page := w.browser().begin("login_hint", "ada@example.com")
	if !strings.Contains(page.body, `value="ada@example.com"`) {
		t.Error("login_hint is not in the form")
	}
	w.options(func(o *stagedoor.ConnectionOptions) { o.RequiresUsername = true })
	b := w.browser()
	page = b.begin().says("Email or username")
	b.submit(page, "username", "ada", "password", "wrong").want(http.StatusBadRequest).says("Wrong email, username or password.")
	b.submit(page, "password", "wrong").want(http.StatusBadRequest).says("Enter your email or username.")
}

func TestScreenHint(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	b := w.browser()
	page := b.begin("screen_hint", "signup", "ui_locales", "xx en").says("Create your account")
	back := page.href("Log in")
	page = b.get(back).want(http.StatusOK).says("Welcome") // and not sign-up again
	page = b.get(page.href("Create an account")).want(http.StatusOK).says("Create your account")
	action, _ := page.form()
	if !strings.Contains(action, "ui_locales=xx+en") {
		t.Errorf("the form goes to %s, without the languages", action)
	}
	page = b.get(b.get(back).href("Forgot your password?")).want(http.StatusOK).says("Forgot your password?")
	b.get(page.href("Back to log in")).want(http.StatusOK).says("Welcome")

	w.options(func(o *stagedoor.ConnectionOptions) { o.DisableSignup = true })
	page = b.begin("screen_hint", "signup").want(http.StatusOK).says("Welcome").hides("Create an account")
	action, values := page.form()
	action = strings.Replace(action, "/u/login", "/u/signup", 1)
	if to := b.get(action).to(); !strings.HasPrefix(to, "/u/login?") {
		t.Errorf("a sign-up page that is switched off leads to %s", to)
	}
	values.Set("email", "new@example.com")
	values.Set("password", good)
	b.post(action, values).want(http.StatusBadRequest).says("Sign-up is switched off.")
	if w.found("new@example.com") != nil {
		t.Error("signed up all the same")
	}
}

func TestLostLogins(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.configure(func(s *stagedoor.TenantSettings) { s.DefaultRedirectionURI = "https://app.example/" })
	b := w.browser()
	page := b.begin()
	action, values := page.form("username", "ada@example.com", "password", good)
	lost := func(name string, r *reply) {
		t.Helper()
		t.Log(name)
		r.want(http.StatusBadRequest).says("You may have pressed the back button", "lost_transaction").href("Go back")
		if len((&http.Response{Header: r.header}).Cookies()) != 0 {
			t.Error("a cookie came along")
		}
	}
	with := func(name, value string) url.Values {
		v := url.Values{}
		for k := range values {
			v.Set(k, values.Get(k))
		}
		v.Set(name, value)
		return v
	}
	lost("no state", b.get("/u/login"))
	lost("unknown state", b.get("/u/login?state=nonsense"))
	lost("unknown state with NUL", b.get("/u/login?state=%00%ff"))
	lost("another page", b.get(strings.Replace(action, "/u/login", "/u/consent", 1)))
	lost("another browser", w.browser().get(action))
	lost("another browser's post", w.browser().post(action, values))
	lost("no nonce", b.post(action, with("nonce", "")))
	lost("wrong nonce", b.post(action, with("nonce", "x"+values.Get("nonce"))))
	_, other := w.browser().begin().form()
	lost("nonce of another login", b.post(action, with("nonce", other.Get("nonce"))))
	lost("sign-up without nonce", b.post(strings.Replace(action, "/u/login", "/u/signup", 1), url.Values{"email": {"new@example.com"}, "password": {good}}))
	if w.found("new@example.com") != nil {
		t.Error("signed up without the nonce")
	}
	done := b.post(action, values).want(http.StatusSeeOther)
	lost("replay before the end", b.post(action, values))
	b.finish(done)
	lost("replay after the end", b.post(action, values))
	lost("the end again", b.get(done.to()))

	page = b.begin("prompt", "login")
	w.wait(61 * 60e9)
	action, values = page.form("username", "ada@example.com", "password", good)
	lost("an hour later", b.post(action, values))
}

func TestFormsOfOtherSites(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	b := w.browser()
	action, values := b.begin().form("username", "ada@example.com", "password", good, "email", "new@example.com", "decision", "accept")
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
		{"Sec-Fetch-Site", "same-site", "Origin", "https://other.acme.test"},
		{"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
		{"Sec-Fetch-Site", "", "Origin", "null"},
	} {
		for _, path := range []string{"/u/login", "/u/signup", "/u/consent", "/u/forgot", "/u/reset-password"} {
			r := b.post(strings.Replace(action, "/u/login", path, 1), values, headers...)
			r.want(http.StatusForbidden).says("This form was sent by another site.")
			if len((&http.Response{Header: r.header}).Cookies()) != 0 {
				t.Errorf("%s %v: a cookie came along", path, headers)
			}
		}
	}
	if w.found("new@example.com") != nil || len(w.mails()) != 0 {
		t.Error("something happened all the same")
	}
	b.post(action, values).want(http.StatusSeeOther)
}

func TestFormsAreBounded(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	b := w.browser()
	action, values := b.begin().form("username", "ada@example.com")
	values.Set("password", strings.Repeat("x", 70<<10))
	b.post(action, values).want(http.StatusRequestEntityTooLarge)
	values.Set("password", strings.Repeat("x", 60<<10))
	b.post(action, values).want(http.StatusBadRequest).says("Wrong email or password.")
	b.do(http.MethodPost, action, `{"username":"ada@example.com"}`, "Content-Type", "application/json").want(http.StatusUnsupportedMediaType)
	b.do(http.MethodPost, action, "", "Content-Type", "multipart/form-data; boundary=x").want(http.StatusUnsupportedMediaType)
	b.do(http.MethodPost, action, "username=%zz").want(http.StatusBadRequest)
	b.do(http.MethodPut, action, "").want(http.StatusMethodNotAllowed)
	values.Set("username", "a\xff@example.com")
	b.post(action, values).want(http.StatusBadRequest).says("The form must be UTF-8")
}

func TestClientIsGone(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	b := w.browser()
	page := b.begin()
	w.ok(w.st.DeleteClient(w.Context(), "app"))
	b.submit(page, "username", "ada@example.com", "password", good).want(http.StatusBadRequest).says("Unknown client: app")
}
