package login_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// passwordless adds a connection that sends codes, and lets the client use its grant.
func (w *world) passwordless(strategy string, options map[string]any) *stagedoor.Connection {
	w.Helper()
	c := &stagedoor.Connection{Name: strategy, Strategy: strategy, EnabledClients: []string{"app"}}
	b, err := json.Marshal(options)
	w.ok(err)
	w.ok(json.Unmarshal(b, &c.Options))
	w.ok(w.st.CreateConnection(w.Context(), c))
	w.grants("app", "http://auth0.com/oauth/grant-type/passwordless/otp")
	return c
}

// grants lets a client use further grants.
func (w *world) grants(client string, more ...string) {
	w.Helper()
	_, err := w.st.UpdateClient(w.Context(), client, func(c *stagedoor.Client) error { c.GrantTypes = append(c.GrantTypes, more...); return nil })
	w.ok(err)
}

// without switches the database off for the client.
func (w *world) without() {
	w.Helper()
	_, err := w.st.UpdateConnection(w.Context(), w.conn.ID, func(c *stagedoor.Connection) error { c.EnabledClients = nil; return nil })
	w.ok(err)
}

var sentCode = regexp.MustCompile(`\b\d{4,}\b`)

// sent is the code in the newest message.
func (w *world) sent() string {
	w.Helper()
	return sentCode.FindString(w.mails()[0].Text)
}

const otpGrant = `"grant_type":"http://auth0.com/oauth/grant-type/passwordless/otp","client_id":"app","scope":"openid email phone profile"`

func TestPasswordlessByEmail(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		w.passwordless("email", map[string]any{"brute_force_protection": true})
		b := w.browser()
		start := func(more string) *reply {
			w.Helper()
			return b.json("/passwordless/start", `{"client_id":"app","connection":"email","send":"code",`+more+`}`)
		}
		redeem := func(email, code string) *reply {
			w.Helper()
			return b.json("/oauth/token", `{`+otpGrant+`,"realm":"email","username":"`+email+`","otp":"`+code+`"}`)
		}
		const wrong = `{"error":"invalid_grant","error_description":"Wrong email or verification code."}`

		got := start(`"email":"Grace@Example.com"`).want(200)
		var answer map[string]any
		w.ok(json.Unmarshal([]byte(got.body), &answer))
		if id, _ := answer["_id"].(string); len(id) != 24 || answer["email"] != "grace@example.com" || answer["email_verified"] != false || len(answer) != 3 {
			t.Errorf("answer %s", got.body)
		}
		if m := w.mails()[0]; m.To != "grace@example.com" || m.Kind != "auth_email_by_code" || len(w.sent()) != 6 || !strings.Contains(m.Subject, "Mixtape") {
			t.Errorf("mail %+v", m)
		}
		if w.found("grace@example.com") != nil {
			t.Error("there is a user before the code came back")
		}
		w.logs(`"type":"cs"`, `"client_id":"app"`, `"connection":"email"`, `"email":"grace@example.com"`, `"send":"code"`)
		if strings.Contains(w.logged(), `"`+w.sent()+`"`) {
			t.Error("the code is in the log")
		}
		old := w.sent()
		start(`"email":"grace@example.com"`).want(200)
		if old != w.sent() { // else the same by chance
			if r := redeem("grace@example.com", old).want(403); strings.TrimSpace(r.body) != wrong {
				t.Errorf("the older code: %s", r.body)
			}
		}
		r := redeem("GRACE@example.com", w.sent()).want(200)
		var tokens map[string]any
		w.ok(json.Unmarshal([]byte(r.body), &tokens))
		claims := w.payload(tokens["id_token"].(string))
		if claims["email"] != "grace@example.com" || claims["email_verified"] != true || claims["sub"] != "email|"+strings.TrimPrefix(w.found("grace@example.com").ID, "email|") {
			t.Errorf("claims %v", claims)
		}
		redeem("grace@example.com", w.sent()).want(403).says("Wrong email or verification code.") // used up
		if events := w.events(); events != "cs cs f ss sepotpft f fepotpft" && events != "cs cs f fepotpft ss sepotpft f fepotpft" {
			t.Errorf("events %s", events)
		}

		// Three tries, the right time.
		start(`"email":"grace@example.com"`).want(200)
		for range 3 {
			redeem("grace@example.com", "wrong").want(403).says("Wrong email or verification code.")
		}
		redeem("grace@example.com", w.sent()).want(403).says("You've reached the maximum number of attempts. Please try to login again.")
		start(`"email":"grace@example.com"`).want(200)
		w.wait(181 * time.Second)
		redeem("grace@example.com", w.sent()).want(403).says("The verification code has expired. Please try to login again.")
		redeem("nobody@example.com", "123456").want(403).says("Wrong email or verification code.")

		// What is wrong with a request.
		for body, want := range map[string]string{
			`{}`: "bad.client_id", `{"client_id":"nobody"}`: "access_denied", `{"client_id":"app"}`: "bad.connection",
			`{"client_id":"app","connection":"nothing"}`:                                                                     "Connection does not exist",
			`{"client_id":"foreign","connection":"email"}`:                                                                   "Connection is disabled",
			`{"client_id":"app","connection":"email","email":"ada"}`:                                                         "bad.email",
			`{"client_id":"app","connection":"email"}`:                                                                       "bad.email",
			`{"client_id":"app","connection":"email","email":"a@b.test","authParams":"x"}`:                                   "bad.authParams",
			`{"client_id":"app","connection":"email","email":"a@b.test","authParams":{"redirect_uri":"https://evil.test/"}}`: "bad.authParams",
			`[]`: "bad.request",
		} {
			if r := b.json("/passwordless/start", body); r.status/100 != 4 || !strings.Contains(r.body, want) {
				t.Errorf("%s: %d %s", body, r.status, r.body)
			}
		}
		w.grants("other", "http://auth0.com/oauth/grant-type/passwordless/otp")
		b.json("/oauth/token", `{"grant_type":"http://auth0.com/oauth/grant-type/passwordless/otp","client_id":"other","realm":"email","username":"a@b.test","otp":"1"}`).want(400).says("Connection is disabled")

		// No more than 50 an hour from one address.
		last := 0
		for range 60 {
			last = start(`"email":"grace@example.com"`).status
		}
		if last != http.StatusTooManyRequests {
			t.Errorf("the sixtieth wish: %d", last)
		}
	})
}

// A code is for the client that asked for it; a right one forgets the wrong ones before it; and who comes by one for the first time signs up, as fast as others may.
func TestPasswordlessCounts(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		c := w.passwordless("email", map[string]any{"brute_force_protection": true})
		_, err := w.st.UpdateConnection(w.Context(), c.ID, func(c *stagedoor.Connection) error { c.EnabledClients = []string{"app", "foreign"}; return nil })
		w.ok(err)
		w.grants("foreign", "http://auth0.com/oauth/grant-type/passwordless/otp")
		b := w.browser()
		start := func(email string) {
			w.Helper()
			b.json("/passwordless/start", `{"client_id":"app","connection":"email","send":"code","email":"`+email+`"}`).want(200)
		}
		redeem := func(client, email, code string) *reply {
			return b.json("/oauth/token", `{`+strings.Replace(otpGrant, `"app"`, `"`+client+`"`, 1)+`,"realm":"email","username":"`+email+`","otp":"`+code+`"}`)
		}
		start("grace@example.com")
		redeem("foreign", "grace@example.com", w.sent()).want(403).says("Wrong email or verification code.")
		for range 6 { // twelve wrong ones in all, where ten keep out
			start("grace@example.com")
			for range 2 {
				redeem("app", "grace@example.com", "wrong").want(403).says("Wrong email or verification code.")
			}
			redeem("app", "grace@example.com", w.sent()).want(200)
		}
		w.setting(stagedoor.SettingSuspiciousIP, `{"enabled":true,"shields":["block"],"stage":{"pre-login":{"max_attempts":100,"rate":864000},"pre-user-registration":{"max_attempts":1,"rate":3600000}}}`)
		for email, want := range map[string]int{"grace@example.com": 200, "first@example.com": 429} {
			if want == 429 { // whoever signed up last
				w.ok(w.st.Fill(w.Context(), guard.BucketSignUp, "192.0.2.7", stagedoor.Throttle{MaxAttempts: 1, Rate: 3600000}))
			}
			start(email)
			redeem("app", email, w.sent()).want(want)
		}
	})
}

// TestPasswordlessTellsNothing: where nobody may sign up, strangers hear what others hear, and get no mail.
func TestPasswordlessTellsNothing(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		c := w.passwordless("email", map[string]any{"disable_signup": true})
		known := &stagedoor.User{ID: "email|known", Connection: c.Name, Email: "known@example.com", Identities: []stagedoor.Identity{{Connection: c.Name, Provider: "email", UserID: "known"}}}
		w.ok(w.st.CreateUser(w.Context(), known, ""))
		b := w.browser()
		shape := func(email string) string {
			w.Helper()
			r := b.json("/passwordless/start", `{"client_id":"app","connection":"email","send":"code","email":"`+email+`"}`).want(200)
			return regexp.MustCompile(`[0-9a-f]{24}`).ReplaceAllString(strings.ReplaceAll(r.body, email, "ADDRESS"), "ID")
		}
		if a, b := shape("known@example.com"), shape("stranger@example.com"); a != b || strings.Contains(a, "known") {
			t.Errorf("%s and %s", a, b)
		}
		if m := w.mails(); len(m) != 1 || m[0].To != "known@example.com" {
			t.Errorf("mails %+v", m)
		}
		for _, email := range []string{"known@example.com", "stranger@example.com"} {
			for i, want := range []string{"Wrong email", "Wrong email", "Wrong email", "maximum number"} {
				if r := b.json("/oauth/token", `{`+otpGrant+`,"realm":"email","username":"`+email+`","otp":"nope"}`); r.status != 403 || !strings.Contains(r.body, want) {
					t.Errorf("%s, try %d: %s", email, i, r.body)
				}
			}
		}
		if u := w.found("known@example.com"); u.EmailVerified {
			t.Error("verified without a code")
		}
		b.json("/passwordless/start", `{"client_id":"app","connection":"email","send":"code","email":"known@example.com"}`).want(200)
		b.json("/oauth/token", `{`+otpGrant+`,"realm":"email","username":"known@example.com","otp":"`+w.sent()+`"}`).want(200)
		if u := w.found("known@example.com"); !u.EmailVerified || u.ID != "email|known" {
			t.Errorf("after a code: %+v", u)
		}
	})
}

// TestPasswordlessLink: a link signs in wherever it is opened, by a click and not by its being looked at.
func TestPasswordlessLink(t *testing.T) {
	each(t, func(w *world) {
		w.passwordless("email", nil)
		w.template("auth_email_by_code", `"enabled":true,"subject":"{{ application.name }} {{ send }}","body":"{% if send == 'link' %}<a href=\"{{ link }}\">in</a>{% else %}{{ code }}{% endif %}"`)
		start := func() string {
			w.Helper()
			w.browser().json("/passwordless/start", `{"client_id":"app","connection":"email","email":"grace@example.com","authParams":{"redirect_uri":"`+callback+`","response_type":"code","scope":"openid","state":"s t","code_challenge":"`+strings.Repeat("c", 43)+`","code_challenge_method":"S256"}}`).want(200)
			w.logs(`"type":"cls"`, `"send":"link"`, `"authParams":{"redirect_uri":"`+callback+`","response_type":"code","scope":"openid"}`)
			if m := w.mails()[0]; m.Subject != "Mixtape link" {
				t.Errorf("subject %q", m.Subject)
			}
			return strings.TrimPrefix(regexp.MustCompile(`https://\S+`).FindString(w.mails()[0].Text), origin)
		}
		link := start()
		if !strings.HasPrefix(link, "/passwordless/verify_redirect?") {
			t.Fatalf("link %s", link)
		}
		scanner := w.browser()
		scanner.do(http.MethodHead, link, "").want(200)
		for range 3 {
			scanner.get(link).want(200).says("You are about to log in to Mixtape as grace@example.com")
		}
		if w.found("grace@example.com") != nil {
			t.Error("looking at a link signs in")
		}
		b := w.browser() // another one than the link was asked for in
		page := b.get(link)
		action, form := page.form()
		b.post(action, form, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test").want(403)
		if q := b.finish(b.post(action, form)); q.Get("code") == "" || q.Get("state") != "s t" {
			t.Errorf("back at the client: %v", q)
		}
		if u := w.found("grace@example.com"); u == nil || !u.EmailVerified || u.LoginsCount != 1 {
			t.Errorf("user %+v", u)
		}
		if q := b.finish(b.begin("prompt", "none")); q.Get("code") == "" { // there is a session
			t.Errorf("silently: %v", q)
		}
		other := w.browser()
		if q := other.finish(other.post(action, form)); q.Get("error") != "invalid_grant" || q.Get("error_description") != "Wrong email or verification code." || q.Get("state") != "s t" {
			t.Errorf("the second time: %v", q)
		}
		late := start()
		w.wait(4 * time.Minute)
		if q := other.finish(other.post(late, nil)); !strings.Contains(q.Get("error_description"), "expired") {
			t.Errorf("too late: %v", q)
		}
		if r := other.get(strings.Replace(start(), url.QueryEscape(callback), url.QueryEscape("https://evil.test/"), 1)); r.status != 403 || !strings.Contains(r.body, "Callback URL mismatch") {
			t.Errorf("to another site: %d %s", r.status, words(r.body))
		}

		// A code that is typed into a client's page goes the same way, without a click: another page may lead people here with a code of its own.
		w.browser().json("/passwordless/start", `{"client_id":"app","connection":"email","email":"grace@example.com","send":"code"}`).want(200)
		code := w.sent()
		w.browser().json("/passwordless/verify", `{"client_id":"app","connection":"email","email":"grace@example.com","verification_code":"0"}`).want(403)
		if r := w.browser().json("/passwordless/verify", `{"client_id":"app","connection":"email","email":"grace@example.com","verification_code":"`+code+`"}`).want(200); r.body != "OK" {
			t.Errorf("verify: %s", r.body)
		}
		third := w.browser()
		q := url.Values{"client_id": {"app"}, "connection": {"email"}, "email": {"grace@example.com"}, "verification_code": {code}, "response_type": {"code"}, "redirect_uri": {callback}, "state": {"x"}, "code_challenge": {strings.Repeat("c", 43)}, "code_challenge_method": {"S256"}}
		at := "/passwordless/verify_redirect?" + q.Encode()
		for _, page := range []string{"", "https://evil.test/", "https://app.test.evil.test/", "no address"} {
			third.do(http.MethodGet, at, "", "Referer", page).want(200).says("You are about to log in to Mixtape as grace@example.com")
		}
		if q := third.finish(third.do(http.MethodGet, at, "", "Referer", callback)); q.Get("code") == "" {
			t.Errorf("by a typed code: %v", q)
		}
		if logged := w.logged(); strings.Contains(logged, code) {
			t.Error("the log holds a code")
		}
	})
}

func TestPasswordlessBySMS(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		w.passwordless("sms", map[string]any{"template": "Mixtape: @@password@@", "totp": map[string]any{"length": 8, "time_step": 600}, "from": "+1000", "twilio_sid": "AC1", "twilio_token": "t0ken"})
		b := w.browser()
		start := func(number string) *reply {
			return b.json("/passwordless/start", `{"client_id":"app","connection":"sms","phone_number":"`+number+`"}`)
		}
		start("0151").want(400).says("bad.phone_number", `String does not match pattern: ^\\+[0-9]{1,15}$`)
		start("+49 (151) 234-56").want(200).says(`"phone_number":"+4915123456"`, `"phone_verified":false`)
		if m := w.mails()[0]; m.To != "+4915123456" || m.From != "+1000" || !strings.HasPrefix(m.Text, "Mixtape: ") || len(w.sent()) != 8 {
			t.Errorf("message %+v", m)
		}
		redeem := func(code string) *reply {
			return b.json("/oauth/token", `{`+otpGrant+`,"realm":"sms","username":"+4915123456","otp":"`+code+`"}`)
		}
		redeem("0").want(403).says("Wrong phone number or verification code.")
		w.wait(9 * time.Minute)
		r := redeem(w.sent()).want(200)
		var tokens map[string]any
		w.ok(json.Unmarshal([]byte(r.body), &tokens))
		claims := w.payload(tokens["id_token"].(string))
		if claims["phone_number"] != "+4915123456" || claims["phone_number_verified"] != true || !strings.HasPrefix(claims["sub"].(string), "sms|") {
			t.Errorf("claims %v", claims)
		}
		start("+4915123456").want(200)
		redeem(w.sent()).want(200)
		if u, err := w.st.UserByIdentifier(w.Context(), "sms", "+4915123456"); err != nil || u.LoginsCount != 2 {
			t.Errorf("%+v %v", u, err)
		}

		// Outside of the development inbox the connection's account sends.
		w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = false })
		out := &switchboard{status: http.StatusCreated}
		w.pipe.HTTP = &http.Client{Transport: out}
		start("+4915123456").want(200)
		if len(out.sent) != 1 || !strings.HasPrefix(out.sent[0], "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json Body=Mixtape") {
			t.Errorf("sent %v", out.sent)
		}
		out.status = http.StatusUnauthorized
		start("+4915123456").want(400).says("sms_provider_error")
	})
}

// TestPasswordlessGateway: a gateway learns who sends, and a message that cannot be signed as the connection wants it does not go out.
func TestPasswordlessGateway(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	gateway := func(secret string) map[string]any {
		return map[string]any{
			"provider": "sms_gateway", "gateway_url": "https://sms.example/send",
			"gateway_authentication": map[string]any{"method": "bearer", "subject": "us", "audience": "them", "secret": secret},
		}
	}
	c := w.passwordless("sms", gateway("s3cret"))
	w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = false })
	out := &switchboard{status: http.StatusOK}
	w.pipe.HTTP = &http.Client{Transport: out}
	b := w.browser()
	const ask = `{"client_id":"app","connection":"sms","phone_number":"+4915123456"}`
	b.json("/passwordless/start", ask).want(200)
	if len(out.sent) != 1 || !strings.HasPrefix(out.sent[0], "https://sms.example/send ") || !strings.Contains(out.sent[0], `"recipient":"+4915123456"`) {
		t.Fatalf("sent %v", out.sent)
	}
	if claims := w.payload(strings.TrimPrefix(out.bearer, "Bearer ")); claims["sub"] != "us" || claims["aud"] != "them" || claims["exp"] == nil {
		t.Errorf("the gateway was told %v", claims)
	}
	_, err := w.st.UpdateConnection(w.Context(), c.ID, func(c *stagedoor.Connection) error {
		b, err := json.Marshal(gateway(""))
		w.ok(err)
		return json.Unmarshal(b, &c.Options)
	})
	w.ok(err)
	b.json("/passwordless/start", ask).want(400).says("sms_provider_error")
	if len(out.sent) != 1 {
		t.Errorf("sent without a proof: %v", out.sent[1:])
	}
}

// TestPasswordlessPages: a person signs in with the code of a mail, and can ask for another, or for one elsewhere.
func TestPasswordlessPages(t *testing.T) {
	each(t, func(w *world) {
		w.passwordless("email", map[string]any{"brute_force_protection": true, "email": map[string]any{"subject": "@@application.name@@!", "body": "<b>{{ code }}</b> for {{ email }}", "from": "Night <night@acme.test>", "syntax": "liquid"}})
		b := w.browser()
		wish := regexp.MustCompile(`href="(/u/login/passwordless[^"]*)"`).FindStringSubmatch(b.begin().want(200).says("Get a code by email").body)
		b.get(strings.ReplaceAll(wish[1], "&amp;", "&")).want(200).says("We send you a code by email.", "Other ways to log in")
		w.without()
		page := b.begin().want(200).says("We send you a code by email.").hides("Other ways to log in") // the only way
		b.submit(page).want(400).says("Enter your email address.")
		b.submit(page, "email", "grace").want(400).says("Enter an email address in the form")
		page = b.get(b.submit(page, "email", "Grace@example.com ").to()).want(200).says("We have sent a code to grace@example.com")
		if m := w.mails()[0]; m.Subject != "Mixtape!" || m.From != `"Night" <night@acme.test>` && m.From != "Night <night@acme.test>" || !strings.Contains(m.Text, "for grace@example.com") {
			t.Errorf("mail %+v", m)
		}
		first := w.sent()
		b.submit(page).want(400).says("Enter the code.")
		b.submit(page, "code", "12").want(400).says("This code does not work.")
		// The second form of the page asks for another code.
		resend := regexp.MustCompile(`action="([^"]*)" class="aside"`).FindStringSubmatch(page.body)
		_, form := page.form("resend", "1")
		b.get(b.post(strings.ReplaceAll(resend[1], "&amp;", "&"), form).to()).want(200)
		if len(w.mails()) != 2 {
			t.Errorf("%d mails", len(w.mails()))
		}
		if first != w.sent() {
			b.submit(page, "code", first).want(400)
		}
		stranger := w.browser()
		action, values := page.form("code", w.sent())
		stranger.post(action, values).want(400) // another browser cannot go on
		if q := b.finish(b.submit(page, "code", " "+w.sent()+" ")); q.Get("code") == "" {
			t.Errorf("back at the client: %v", q)
		}
		if all, err := w.st.UserSessions(w.Context(), w.found("grace@example.com").ID); err != nil || len(all) != 1 || all[0].Strategy != "email" || !all[0].Has("email") {
			t.Errorf("sessions %+v %v", all, err)
		}
		if q := b.finish(b.begin("prompt", "none", "connection", "email")); q.Get("code") == "" {
			t.Errorf("silently: %v", q)
		}

		// Too many wrong codes.
		c := w.browser()
		page = c.get(c.submit(c.begin(), "email", "grace@example.com").to())
		for range 3 {
			c.submit(page, "code", "0").want(400).says("This code does not work.")
		}
		c.submit(page, "code", w.sent()).want(400).says("There were too many wrong codes.")
		w.wait(time.Hour)
	})
}

// TestPasswordlessRunsScripts: rules, and what runs before and after somebody becomes a user.
func TestPasswordlessRunsScripts(t *testing.T) {
	each(t, func(w *world) {
		w.passwordless("email", nil)
		w.signs()
		w.rule(`function (user, context, callback) {
			context.idToken['https://x/'] = [context.connection, context.connectionStrategy, context.authentication.methods.map(m => m.name).join(), user.email_verified];
			callback(null, user, context); }`)
		w.action(script.PreUserRegistration, `exports.onExecutePreUserRegistration = async (event, api) => {
			if (event.user.email.startsWith('bad')) return api.access.deny('no', 'We open in October.');
			api.user.setAppMetadata('seen', event.connection.strategy);
		};`)
		b := w.browser()
		come := func(email string) *reply {
			w.Helper()
			b.json("/passwordless/start", `{"client_id":"app","connection":"email","send":"code","email":"`+email+`"}`).want(200)
			return b.json("/oauth/token", `{`+otpGrant+`,"realm":"email","username":"`+email+`","otp":"`+w.sent()+`"}`)
		}
		come("bad@example.com").want(403).is(`{"error":"extensibility_error","error_description":"no"}`)
		if w.found("bad@example.com") != nil {
			t.Error("there is a user all the same")
		}
		w.logs(`"type":"fs"`, "PreUserRegistrationError on pre-user-registration: no")
		r := come("good@example.com").want(200)
		var tokens map[string]any
		w.ok(json.Unmarshal([]byte(r.body), &tokens))
		if got, _ := json.Marshal(w.payload(tokens["id_token"].(string))["https://x/"]); string(got) != `["email","email","email",true]` {
			t.Errorf("the rule saw %s", got)
		}
		if u := w.found("good@example.com"); string(u.AppMetadata["seen"]) != `"email"` {
			t.Errorf("app_metadata %s", u.AppMetadata["seen"])
		}
	})
}
