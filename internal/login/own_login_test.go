package login_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/ui"
)

// ownPage gives a client a login page of its own; "all" is the one that stands for the tenant.
func (w *world) ownPage(client, html string, on bool) {
	w.Helper()
	text, err := json.Marshal(html)
	w.ok(err)
	_, err = w.st.UpdateClient(w.Context(), client, func(c *stagedoor.Client) error {
		c.Stored = map[string]json.RawMessage{"custom_login_page": text, "custom_login_page_on": json.RawMessage(fmt.Sprint(on))}
		return nil
	})
	w.ok(err)
}

const ownHTML = `<!DOCTYPE html><title>Ours</title><script>var config = JSON.parse(decodeURIComponent(escape(atob("@@config@@")))), again = "@@config@@";</script>`

// ownSettings are what such a page learns.
type ownSettings struct {
	Icon, AssetsURL, Auth0Domain, Auth0Tenant, ClientID, CallbackURL, ClientConfigurationBaseURL, Connection, Prompt string
	CallbackOnLocationHash, IsThirdPartyClient                                                                       bool
	Dict                                                                                                             any
	ExtraParams, InternalOptions, AuthorizationServer, Colors                                                        map[string]string
}

var settingsOf = regexp.MustCompile(`atob\("([^"]*)"\)`)

func (r *reply) settings() (s ownSettings) {
	r.Helper()
	found := settingsOf.FindStringSubmatch(r.want(http.StatusOK).body)
	if found == nil || strings.Contains(r.body, "@@") {
		r.Fatalf("no settings: %s", r.body)
	}
	text, err := base64.StdEncoding.DecodeString(found[1])
	r.ok(err)
	r.ok(json.Unmarshal(text, &s))
	return s
}

// gives posts an identifier and a password as auth0.js does. Further members are pairs of name and value.
func (b *browser) gives(s *ownSettings, identifier, secret string, more ...string) *reply {
	b.Helper()
	body := map[string]string{
		"client_id": s.ClientID, "redirect_uri": s.CallbackURL, "tenant": s.Auth0Tenant, "response_type": s.InternalOptions["response_type"], "scope": s.InternalOptions["scope"],
		"connection": "Users", "username": identifier, "password": secret, "state": s.InternalOptions["state"], "_csrf": s.InternalOptions["_csrf"], "_intstate": "deprecated", "protocol": "oauth2",
	}
	for i := 0; i+1 < len(more); i += 2 {
		body[more[i]] = more[i+1]
	}
	text, err := json.Marshal(body)
	b.ok(err)
	return b.json("/usernamepassword/login", string(text), "Origin", b.origin, "Sec-Fetch-Site", "same-origin")
}

// sends has the browser post the form that came of it.
func (b *browser) sends(r *reply, headers ...string) *reply {
	b.Helper()
	form := url.Values{}
	for _, hidden := range formHidden.FindAllStringSubmatch(r.want(http.StatusOK).body, -1) {
		form.Set(hidden[1], strings.NewReplacer("&#34;", `"`, "&#43;", "+", "&amp;", "&").Replace(hidden[2]))
	}
	return b.post("/login/callback", form, headers...)
}

// TestOwnLoginPage: the tenant's page stands where ours does, learns which login it is for, and what it sends lets that login go on: the client gets its own state, and the code
// is bound to its own challenge.
func TestOwnLoginPage(t *testing.T) {
	each(t, func(w *world) {
		w.configure(func(s *stagedoor.TenantSettings) { s.EnabledLocales = []string{"en", "de"} })
		w.setting(stagedoor.SettingBranding, `{"logo_url":"https://acme.test/logo.png","colors":{"primary":"#123456","page_background":"#abcdef"}}`)
		w.ownPage("all", ownHTML, true)
		b := w.browser()
		page := b.begin("login_hint", "ada@example.com", "screen_hint", "signup", "ext-shop", "Köln", "nonce", "n", "prompt", "login")
		address, err := url.Parse(page.path)
		w.ok(err)
		q := address.Query()
		if address.Path != "/login" || q.Get("client") != "app" || q.Get("protocol") != "oauth2" || q.Get("login_hint") != "ada@example.com" || q.Get("ext-shop") != "Köln" || q.Get("state") == "s t" {
			t.Errorf("the address is %s", page.path)
		}
		s := page.settings()
		if s.Auth0Domain != "acme.test" || s.Auth0Tenant != "acme" || s.ClientID != "app" || s.CallbackURL != callback || s.ClientConfigurationBaseURL != origin+"/" || s.Prompt != "login" ||
			s.Icon != "https://acme.test/logo.png" || s.AssetsURL != "" || s.CallbackOnLocationHash || !(s.AuthorizationServer["issuer"] == origin+"/") || s.Colors["primary"] != "#123456" || s.Colors["page_background"] != "#abcdef" {
			t.Errorf("%+v", s)
		}
		if got, _ := json.Marshal(s.Dict); string(got) != `{"signin":{"title":"Acme Records"}}` {
			t.Errorf("dict %s", got)
		}
		if e, in := s.ExtraParams, s.InternalOptions; e["login_hint"] != "ada@example.com" || e["screen_hint"] != "signup" || e["ext-shop"] != "Köln" || e["state"] != q.Get("state") ||
			in["state"] != q.Get("state") || in["protocol"] != "oauth2" || in["response_type"] != "code" || in["scope"] != "openid profile" || in["nonce"] != "n" || in["_intstate"] != "deprecated" || in["_csrf"] == "" {
			t.Errorf("%+v %+v", e, in)
		}
		if text, _ := json.Marshal(s); strings.Contains(string(text), `"s t"`) {
			t.Errorf("the page learns the application's state: %s", text)
		}
		for name, want := range map[string]string{"Content-Security-Policy": ui.LoginPageCSP, "Cache-Control": "no-store", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Content-Type": "text/html; charset=utf-8"} {
			if got := page.header.Get(name); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
		b.gives(&s, "ada@example.com", "wrong").want(401).is(`{"code":"invalid_user_password","description":"Wrong email or password.","name":"ValidationError","statusCode":401}`)
		b.gives(&s, "nobody@example.com", good).want(401).is(`{"code":"invalid_user_password","description":"Wrong email or password.","name":"ValidationError","statusCode":401}`)
		form := b.gives(&s, "ada@example.com", good).hides(good)
		back := b.finish(b.sends(form).want(http.StatusSeeOther))
		if back.Get("state") != "s t" || back.Get("code") == "" {
			t.Errorf("came back with %v", back)
		}
		if u := w.found("ada@example.com"); u.LoginsCount != 1 {
			t.Errorf("%d logins", u.LoginsCount)
		}
		if got := w.events(); strings.Count(got, "fp") != 1 || !strings.Contains(got, "fu") {
			t.Errorf("events %s", got)
		}
		b.sends(form).want(400).says("pressed the back button") // once
		if back = b.finish(b.begin()); back.Get("code") == "" { // there is a session
			t.Errorf("%v", back)
		}
		// A language that is asked for.
		if s = w.browser().begin("ui_locales", "de-CH fr").settings(); s.Dict != "de" {
			t.Errorf("dict %v", s.Dict)
		}
		// Which page: the client's own, the tenant's, ours.
		w.ownPage("app", "<p>Only ours", true)
		b.get("/v2/logout")
		b.begin().want(200).says("Only ours")
		w.ownPage("app", "", true)
		b.begin().settings()
		w.ownPage("app", "<p>Only ours", false)
		b.begin().want(200).says("Log in to continue to Mixtape").hides("Only ours")
		w.ownPage("app", "", true)
		w.ownPage("all", ownHTML, false)
		page = b.begin().want(200).says("Log in to continue to Mixtape")
		// The page was taken away while somebody was on it, or came while somebody was on ours.
		state, _ := url.Parse(page.path)
		w.ownPage("all", ownHTML, true)
		b.onto(b.get(page.path)).settings()
		w.ownPage("all", "", true)
		b.onto(b.get("/login?state=" + state.Query().Get("state"))).says("Log in to continue to Mixtape")
	})
}

// Nothing of what was pushed or posted stands in an address.
func TestOwnLoginPageUnseen(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.ownPage("all", ownHTML, true)
	b := w.browser()
	form := url.Values{
		"client_id": {"app"}, "response_type": {"code"}, "redirect_uri": {callback}, "scope": {"openid"}, "state": {"s"}, "login_hint": {"ada@example.com"},
		"code_challenge": {strings.Repeat("c", 43)}, "code_challenge_method": {"S256"},
	}
	r := b.follow(b.post("/authorize", form))
	if strings.Contains(r.path, "ada") || strings.Contains(r.path, "scope") || r.settings().ExtraParams["login_hint"] != "ada@example.com" {
		t.Errorf("%s", r.path)
	}
	w.ownPage("app", strings.Repeat("@@config@@", 10000), true) // attack: a short request, an answer without end
	if r = b.begin("ext-long", strings.Repeat("x", 30000)); len(r.body) > 2<<20 {
		t.Errorf("%d bytes", len(r.body))
	}
	w.ownPage("app", "", true)
	r = b.begin("ext-long", strings.Repeat("x", 5000))
	if len(r.path) > 200 || len(r.settings().ExtraParams["ext-long"]) != 5000 {
		t.Errorf("%s", r.path)
	}
}

// The second factor, consent and rules are asked as behind our own page.
func TestOwnLoginPageGoesOn(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.ownPage("all", ownHTML, true)
	w.factors(always, "otp")
	secret, _ := w.enrolled()
	b := w.browser()
	s := b.begin().settings()
	r := b.follow(b.sends(b.gives(&s, "ada@example.com", good)))
	if back := b.finish(b.submit(r, "code", w.code(secret))); back.Get("code") == "" || back.Get("state") != "s t" {
		t.Errorf("%v", back)
	}
	w.rule(`function (user, context, callback) { callback(new UnauthorizedError("not " + context.request.query["ext-day"])); }`)
	b = w.browser()
	s = b.begin("ext-day", "today").settings()
	r = b.follow(b.sends(b.gives(&s, "ada@example.com", good)))
	if back := b.finish(r); back.Get("error") != "unauthorized" || back.Get("error_description") != "not today" {
		t.Errorf("%v", back)
	}
}

// What goes wrong is told in the words that libraries know.
func TestOwnLoginPageRefuses(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.ownPage("all", ownHTML, true)
	b := w.browser()
	s := b.begin().settings()
	code := func(r *reply) string {
		var got struct{ Code string }
		w.ok(json.Unmarshal([]byte(r.body), &got))
		return fmt.Sprint(r.status, " ", got.Code)
	}
	for _, c := range []struct {
		name, want string
		r          *reply
	}{
		{"no password", "400 invalid_request", b.gives(&s, "ada@example.com", "")},
		{"another connection", "400 invalid_request", b.gives(&s, "ada@example.com", good, "connection", "Nowhere")},
		{"another login", "400 session_missing", b.gives(&s, "ada@example.com", good, "state", "nonsense")},
		{"of another client", "400 session_missing", b.gives(&s, "ada@example.com", good, "client_id", "foreign")},
		{"of no client", "400 invalid_request", b.gives(&s, "ada@example.com", good, "client_id", "nobody")},
		{"another page", "400 session_missing", b.gives(&s, "ada@example.com", good, "_csrf", "wrong")},
	} {
		if got := code(c.r); got != c.want {
			t.Errorf("%s: %s %s", c.name, got, c.r.body)
		}
	}
	if text := w.events(); strings.Contains(text, "fp") || strings.Contains(text, "fu") {
		t.Errorf("a password was looked at: %s", text)
	}
	w.setting(stagedoor.SettingBotDetection, `{"challenge_password_policy":"always"}`)
	if got := code(b.gives(&s, "ada@example.com", good)); got != "400 invalid_captcha" {
		t.Errorf("captcha: %s", got)
	}
	b.begin().want(200).says("Log in to continue to Mixtape") // our page does the work that the tenant's cannot
	b.json("/usernamepassword/challenge", `{"state":"x"}`).want(200).is(`{"required":true}`)
	w.setting(stagedoor.SettingBotDetection, `{"challenge_password_policy":"never"}`)
	for _, path := range []string{"/usernamepassword/challenge", "/dbconnections/signup/challenge", "/dbconnections/change_password/challenge", "/passwordless/challenge"} {
		b.json(path, `{"state":"x"}`).want(200).is(`{"required":false}`)
	}
	yes := true
	_, err := w.st.UpdateUser(t.Context(), w.found("ada@example.com").ID, func(u *stagedoor.User) error { u.Blocked = &yes; return nil })
	w.ok(err)
	b.gives(&s, "ada@example.com", good).want(401).is(`{"code":"unauthorized","description":"user is blocked","name":"ValidationError","statusCode":401}`)
	for range 10 {
		b.gives(&s, "eve@example.com", "wrong").want(401)
	}
	if got := code(b.gives(&s, "eve@example.com", "wrong")); got != "429 too_many_attempts" {
		t.Errorf("blocked: %s", got)
	}
	// Too late: the page says from where to begin anew.
	w.wait(time.Hour)
	if got := code(b.gives(&s, "ada@example.com", good)); got != "400 session_missing" {
		t.Errorf("late: %s", got)
	}
	late := b.get("/login?client=app&protocol=oauth2&state=" + s.InternalOptions["state"]).want(400).says("pressed the back button")
	if !strings.Contains(late.body, "https://app.example/start") {
		t.Errorf("no way on: %s", late.body)
	}
	b.get("/login").want(400)
	b.get("/login?client=all&state=x").want(400)
}

// A vendor's captcha comes along with the password.
func TestOwnLoginPageCaptcha(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	v := &vendor{answer: `{"success":true}`, status: 200}
	w.pipe.HTTP = &http.Client{Transport: v}
	w.setting(stagedoor.SettingBotDetection, `{"challenge_password_policy":"always"}`)
	w.setting(stagedoor.SettingCaptcha, `{"active_provider_id":"hcaptcha","hcaptcha":{"site_key":"k","secret":"s3cret"}}`)
	w.ownPage("all", ownHTML, true)
	b := w.browser()
	s := b.begin().settings()
	b.json("/usernamepassword/challenge", `{"state":"x"}`).want(200).is(`{"provider":"hcaptcha","required":true,"siteKey":"k"}`)
	if r := b.gives(&s, "ada@example.com", good); r.status != 400 || !strings.Contains(r.body, `"invalid_captcha"`) || v.asked != "" {
		t.Errorf("%d %s, asked %s", r.status, r.body, v.asked)
	}
	r := b.gives(&s, "ada@example.com", good, "captcha", "tok").want(200)
	if !strings.Contains(v.asked, "response=tok") || b.finish(b.sends(r)).Get("code") == "" {
		t.Errorf("asked %s", v.asked)
	}
}

// Attack: who sees our page goes around it, by what the tenant's would send.
func TestOwnLoginPageIsNotOurs(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.passwordless("email", nil)
	b := w.browser()
	r := b.begin().says("Log in to continue to Mixtape")
	address, err := url.Parse(r.path)
	w.ok(err)
	state := address.Query().Get("state")
	s := ownSettings{ClientID: "app", InternalOptions: map[string]string{"state": state}}
	if r := b.gives(&s, "ada@example.com", good); r.status != 400 || !strings.Contains(r.body, "session_missing") {
		t.Errorf("%d %s", r.status, r.body)
	}
	_, err = w.st.UpdateClient(t.Context(), "app", func(c *stagedoor.Client) error {
		c.TokenEndpointAuthMethod, c.Secret = "client_secret_post", "s"
		return nil
	})
	w.ok(err)
	start := `{"client_id":"app","connection":"email","email":"ada@example.com","send":"code","authParams":{"state":"` + state + `"}}`
	b.json("/passwordless/start", start, "Origin", b.origin).want(401)
	if to := b.get("/authorize?_csrf=&_intstate=x&client_id=app&connection=email&response_type=code&state=" + state).to(); strings.Contains(to, state) && !strings.HasPrefix(to, callback) {
		t.Errorf("%s", to)
	}
	// Nor a login to an organization, for which ours is shown.
	o := &stagedoor.Organization{Name: "night"}
	w.ok(w.st.CreateOrganization(t.Context(), o, []stagedoor.OrganizationConnection{{ConnectionID: w.conn.ID, IsEnabled: true}}))
	w.ownPage("all", ownHTML, true)
	_, err = w.st.UpdateClient(t.Context(), "app", func(c *stagedoor.Client) error {
		c.Stored = map[string]json.RawMessage{"organization_usage": json.RawMessage(`"allow"`)}
		return nil
	})
	w.ok(err)
	r = b.begin("organization", o.ID, "prompt", "login").says("Log in")
	if address, err = url.Parse(r.path); err != nil || address.Path != "/u/login" {
		t.Fatalf("%s", r.path)
	}
	s.InternalOptions["state"] = address.Query().Get("state")
	if r := b.gives(&s, "ada@example.com", good); r.status != 400 || !strings.Contains(r.body, "session_missing") {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// Attack: a login that somebody else began, or that goes on in another browser than the page's.
func TestOwnLoginPageAttacks(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.ownPage("all", ownHTML, true)
	w.user("mallory@example.com")
	attacker, victim := w.browser(), w.browser()
	hers := victim.begin().settings()
	his := attacker.begin().settings()
	form := attacker.gives(&his, "mallory@example.com", good)
	state := his.InternalOptions["state"]

	victim.sends(form).want(400).says("pressed the back button") // even on our own page: his login is not of her browser
	victim.sends(form, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site").want(403)
	victim.get("/login?state=" + state + "&client=app").want(400).says("pressed the back button")
	if r := victim.gives(&his, "ada@example.com", good); r.status != 400 || !strings.Contains(r.body, "session_missing") { // she does not sign him in
		t.Errorf("%d %s", r.status, r.body)
	}
	// Nor does an address splice his login into her browser: it begins another one, whose end the application refuses by its state.
	for _, more := range []string{"&_intstate=deprecated", "&_csrf=" + his.InternalOptions["_csrf"], ""} {
		to := victim.get("/authorize?client_id=app&response_type=code&redirect_uri=" + url.QueryEscape(callback) + "&code_challenge=" + strings.Repeat("c", 43) + "&code_challenge_method=S256&state=" + state + more).to()
		if strings.Contains(to, state) {
			t.Errorf("his login goes on: %s", to)
		}
	}
	// A ticket of his login does not let hers go on, nor one of another login of the same browser.
	ticket := formHidden.FindAllStringSubmatch(form.body, -1)[1][2]
	mixed := url.Values{"wa": {"wsignin1.0"}, "wresult": {ticket}, "wctx": {`{"client_id":"app","state":"` + hers.InternalOptions["state"] + `"}`}}
	victim.post("/login/callback", mixed).want(400).says("pressed the back button")
	second := attacker.begin().settings()
	form = attacker.gives(&his, "mallory@example.com", good)
	ticket = formHidden.FindAllStringSubmatch(form.body, -1)[1][2]
	mixed = url.Values{"wa": {"wsignin1.0"}, "wresult": {ticket}, "wctx": {`{"client_id":"app","state":"` + second.InternalOptions["state"] + `"}`}}
	attacker.post("/login/callback", mixed).want(400)
	// Nor does it begin one, where clients may ask for passwords.
	w.configure(func(s *stagedoor.TenantSettings) { s.Local.EmbeddedLogin = true })
	form = attacker.gives(&his, "mallory@example.com", good)
	victim.sends(form, "Origin", "https://app.example").want(400)
	form = attacker.gives(&his, "mallory@example.com", good)
	ticket = formHidden.FindAllStringSubmatch(form.body, -1)[1][2]
	page := attacker.begin("login_ticket", ticket)
	page.settings()
	// Other pages learn nothing and start nothing: neither a foreign one nor one of the client's.
	w.configure(func(s *stagedoor.TenantSettings) { s.Local.EmbeddedLogin = false })
	for _, from := range []string{"https://evil.example", "https://app.example", "null", ""} {
		body := `{"client_id":"app","connection":"Users","username":"ada@example.com","password":"` + good + `","state":"` + hers.InternalOptions["state"] + `"}`
		if r := victim.json("/usernamepassword/login", body, "Origin", from); r.status/100 != 4 {
			t.Errorf("%s: %d", from, r.status)
		}
	}
}

// What the page wants of a provider, of a code and of a link goes on with its login.
func TestOwnLoginPageWays(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.standin.Choose(&social)
	w.upstream("github", "github", nil)
	w.passwordless("email", nil)
	w.ownPage("all", ownHTML, true)
	ask := func(s *ownSettings, more ...string) string {
		q := url.Values{"client_id": {"app"}, "response_type": {"code"}, "redirect_uri": {callback}, "scope": {"openid"}}
		for _, name := range []string{"state", "_csrf", "_intstate", "protocol"} {
			q.Set(name, s.InternalOptions[name])
		}
		for i := 0; i+1 < len(more); i += 2 {
			q.Set(more[i], more[i+1])
		}
		return "/authorize?" + q.Encode()
	}
	b := w.browser()
	s := b.begin("login_hint", "kim@corp.example").settings()
	back := b.abroad(b.get(ask(&s, "connection", "github", "connection_scope", "gist")))
	if back := b.finish(b.get(back)); back.Get("code") == "" || back.Get("state") != "s t" {
		t.Errorf("%v", back)
	}
	if got := w.standin.Asked().Get("scope"); !strings.Contains(got, "gist") {
		t.Errorf("the scope is %s", got)
	}
	// A client that names the provider sends people there at once.
	if r := w.browser().begin("connection", "github"); r.status/100 != 3 || strings.HasPrefix(r.to(), "/") {
		t.Errorf("%s", r.path)
	}
	// Without marks a page of ours is told by the browser's own word; what names nothing leads back to the page.
	b = w.browser()
	s = b.begin().settings()
	bare := "/authorize?client_id=app&connection=github&state=" + s.InternalOptions["state"]
	if to := b.do("GET", bare, "", "Sec-Fetch-Site", "same-origin").to(); strings.HasPrefix(to, "/") {
		t.Errorf("%s", to)
	}
	b.get(ask(&s, "connection", "nowhere")).want(400).says("the connection is not enabled")
	b.follow(b.get(ask(&s))).settings()
	b.follow(b.get(ask(&s, "connection", "Users"))).settings()
	b.follow(b.get(ask(&s, "connection", "email"))).says("Email")

	// A code: the page has no secret, and needs none for this login.
	_, err := w.st.UpdateClient(t.Context(), "app", func(c *stagedoor.Client) error {
		c.TokenEndpointAuthMethod, c.Secret = "client_secret_post", "s"
		return nil
	})
	w.ok(err)
	start := func(s *ownSettings, send string, headers ...string) *reply {
		body := `{"client_id":"app","connection":"email","email":"ada@example.com","send":"` + send + `","authParams":{"response_type":"code","redirect_uri":"` + callback + `","scope":"openid","state":"` + s.InternalOptions["state"] +
			`","_csrf":"` + s.InternalOptions["_csrf"] + `","_intstate":"deprecated"}}`
		return b.json("/passwordless/start", body, append([]string{"Origin", b.origin}, headers...)...)
	}
	start(&s, "code").want(200)
	start(&s, "code", "Origin", "https://evil.example").want(401)
	sent := w.sent()
	verify := func(code string) *reply {
		return b.json("/passwordless/verify", `{"client_id":"app","connection":"email","email":"ada@example.com","verification_code":"`+code+`"}`, "Origin", b.origin)
	}
	if r := verify("000000"); r.status/100 != 4 {
		t.Errorf("%d", r.status)
	}
	verify(sent).want(200)
	enter := func(code string) string {
		return strings.Replace(ask(&s, "connection", "email", "email", "ada@example.com", "verification_code", code), "/authorize", "/passwordless/verify_redirect", 1)
	}
	w.browser().get(enter(sent)).want(400).says("in the browser in which you asked for it")
	b.get(enter("000000")).want(403).says("Wrong email or verification code.")
	elsewhere := strings.Replace(enter(sent), url.QueryEscape(callback), url.QueryEscape("https://elsewhere.example/"), 1)
	if back := b.finish(b.get(elsewhere)); back.Get("code") == "" || back.Get("state") != "s t" {
		t.Errorf("%v", back)
	}
	// A link.
	b.get("/v2/logout")
	s = b.begin().settings()
	start(&s, "link").want(200)
	link := strings.TrimPrefix(regexp.MustCompile(`https://\S+verify_redirect\S+`).FindString(w.mails()[0].Text), origin)
	w.browser().get(link).want(400).says("in the browser in which you asked for it")
	if back := b.finish(b.submit(b.get(link).want(200))); back.Get("code") == "" || back.Get("state") != "s t" {
		t.Errorf("%v", back)
	}
}

// What Lock may know of a client.
func TestClientFile(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.upstream("github", "github", nil)
	w.passwordless("email", nil)
	w.options(func(o *stagedoor.ConnectionOptions) { o.RequiresUsername = true })
	_, err := w.st.UpdateClient(t.Context(), "app", func(c *stagedoor.Client) error { c.Secret = "hush"; return nil })
	w.ok(err)
	r := w.browser().get("/client/app.js?t1234").want(200)
	r.is(`Auth0.setClient({"id":"app","tenant":"acme","strategies":[{"name":"auth0","connections":[{"name":"Users","passwordPolicy":"good","showSignup":true,"showForgot":true,"requires_username":true}]},` +
		`{"name":"github","connections":[{"name":"github"}]},{"name":"email","connections":[{"name":"email"}]}]});` + "\n")
	for name, want := range map[string]string{"Content-Type": "application/javascript; charset=utf-8", "X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=60"} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	// Companies are named where a page needs their domains.
	corp := w.upstream("corp", "samlp", map[string]any{"domain_aliases": []string{"corp.example", "</script>"}, "signInEndpoint": "https://idp.example/", "signingCert": "x"})
	_, err = w.st.UpdateConnection(t.Context(), corp.ID, func(c *stagedoor.Connection) error { c.ShowAsButton = new(false); return nil })
	w.ok(err)
	w.browser().get("/client/app.js").hides(`"corp"`, "corp.example")
	w.ownPage("app", ownHTML, true)
	if got := w.browser().get("/client/app.js").want(200); !strings.Contains(got.body, `"domain":"corp.example"`) || strings.Contains(got.body, "</script>") || strings.Contains(got.body, "hush") {
		t.Errorf("%s", got.body)
	}
	w.configure(func(s *stagedoor.TenantSettings) { s.Flags = map[string]bool{stagedoor.FlagHideEnterprise: true} })
	w.browser().get("/client/app.js").want(200).hides(`"corp"`, "corp.example")
	for _, path := range []string{"/client/all.js", "/client/nobody.js", "/client/app", "/client/.js", "/client/%3Cscript%3E.js"} {
		w.browser().get(path).want(404).hides("<script>")
	}
}
