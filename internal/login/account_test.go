package login_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// accountWorld is a tenant with an account page, all parts on.
func accountWorld(t *testing.T, kind string) *world {
	w := newWorld(t, kind)
	w.configure(func(s *stagedoor.TenantSettings) {
		s.Local.Account = &stagedoor.AccountSettings{ClientID: "app", Parts: stagedoor.AccountParts, MetadataKeys: []string{"theme", "volume", "tags"}}
	})
	return w
}

// onAccount signs a person in to their account page.
func (w *world) onAccount(email string) (*browser, *reply) {
	w.Helper()
	b := w.browser()
	return b, b.passLogin(b.get("/account"), email, good)
}

// onward follows redirects on our own pages.
func (b *browser) onward(r *reply) *reply {
	b.Helper()
	for n := 0; r.status/100 == 3; n++ {
		if n > 12 {
			b.Fatalf("no end of redirects: %s", r.to())
		}
		r = b.get(r.to())
	}
	return r
}

// passLogin goes through a login page and back.
func (b *browser) passLogin(r *reply, email, secret string) *reply {
	b.Helper()
	page := b.onward(r).want(http.StatusOK).says("Log in")
	return b.onward(b.submit(page, "username", email, "password", secret))
}

var anyForm = regexp.MustCompile(`(?s)<form method="post" action="([^"]*)".*?</form>`)

// press posts the page's form that goes to the path; with holds a text that must be in the form.
func (b *browser) press(r *reply, path, with string, fields ...string) *reply {
	b.Helper()
	for _, form := range anyForm.FindAllStringSubmatch(r.body, -1) {
		if form[1] != path || !strings.Contains(form[0], with) {
			continue
		}
		values := url.Values{}
		for _, hidden := range formHidden.FindAllStringSubmatch(form[0], -1) {
			values.Set(html.UnescapeString(hidden[1]), html.UnescapeString(hidden[2]))
		}
		for i := 0; i+1 < len(fields); i += 2 {
			values.Set(fields[i], fields[i+1])
		}
		return b.post(path, values)
	}
	b.Fatalf("there is no form to %s: %s", path, words(r.body))
	return nil
}

func TestAccountPage(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			w := accountWorld(t, kind)
			u := w.found("ada@example.com")
			_, err := w.st.PatchMetadata(t.Context(), u.ID, stagedoor.Metadata{"theme": json.RawMessage(`"dark"`), "secret": json.RawMessage(`1`)}, stagedoor.Metadata{"plan": json.RawMessage(`"golden"`)}, 1<<20)
			w.ok(err)
			b, page := w.onAccount("ada@example.com")
			page.want(http.StatusOK).says("Your account", "Logged in as ada@example.com", "theme dark", "This browser", "Mixtape", "Member since", "Ways to log in Password ada@example.com").hides("golden")
			page = b.onward(b.press(page, "/account/profile", "", "name", "Ada\r\nLovelace", "nickname", "", "picture", "https://pictures.example/ada.png"))
			page.want(http.StatusOK).says("Your profile is saved.", "Ada Lovelace")
			wrong := b.press(page, "/account/profile", "", "name", "Augusta", "picture", "javascript:alert(1)").want(http.StatusBadRequest).says("https://", "Logged in as Ada Lovelace")
			if !strings.Contains(wrong.body, `value="Augusta"`) || !strings.Contains(wrong.body, `aria-describedby="picture-problem"`) {
				t.Error("what was typed is lost, or what is wrong with it is not said beside it")
			}
			b.press(page, "/account/profile", "", "name", "").want(http.StatusBadRequest).says("300")
			if got := w.found("ada@example.com"); got.Name != "Ada Lovelace" || got.Picture != "https://pictures.example/ada.png" {
				t.Errorf("user %+v", got)
			}
			b.onward(b.press(page, "/account/logout", "")).says("You are logged out")
			b.onward(b.get("/account")).says("Log in")
		})
	}
}

// What an app does all the time does not push what people care for off the page, and a long text of their metadata does not fill it.
func TestAccountPageOfABusyPerson(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			w := accountWorld(t, kind)
			u := w.found("ada@example.com")
			_, err := w.st.PatchMetadata(t.Context(), u.ID, stagedoor.Metadata{"notes": json.RawMessage(`"` + strings.Repeat("ö", 5000) + `"`)}, nil, 1<<20)
			w.ok(err)
			b, _ := w.onAccount("ada@example.com")
			for range 150 {
				w.st.Log(stagedoor.LogEvent{Type: "sertft", UserID: u.ID, UserName: "ada@example.com"})
			}
			for range 25 {
				w.st.Log(stagedoor.LogEvent{Type: "fp", UserID: u.ID, UserName: "ada@example.com"})
			}
			w.st.Log(stagedoor.LogEvent{Type: "scp", UserID: u.ID})
			for range 150 {
				w.st.Log(stagedoor.LogEvent{Type: "sertft", UserID: u.ID})
			}
			page := b.get("/account").want(http.StatusOK).says("Password changed", strings.Repeat("ö", 200)+"…")
			if n := strings.Count(page.body, "Wrong password"); n != 19 {
				t.Errorf("%d wrong passwords are shown", n)
			}
			if n := strings.Count(page.body, "ö"); n != 200 {
				t.Errorf("%d letters of a long text", n)
			}
		})
	}
}

func TestAccountIsOffUnlessSwitchedOn(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	b := w.browser()
	for _, path := range []string{"/account", "/account/login", "/account/callback", "/account/email"} {
		b.get(path).want(http.StatusNotFound)
	}
	w.configure(func(s *stagedoor.TenantSettings) {
		s.Local.Account = &stagedoor.AccountSettings{ClientID: "app", Parts: []string{"sessions"}}
	})
	b, page := w.onAccount("ada@example.com")
	page.want(http.StatusOK).says("This browser").hides(`action="/account/profile"`, "/account/email", "/account/delete")
	_, form := page.form()
	for _, path := range []string{"/account/profile", "/account/delete", "/account/export", "/account/factors/recovery", "/account/metadata"} {
		b.post(path, form).want(http.StatusNotFound)
	}
	w.configure(func(s *stagedoor.TenantSettings) { s.Local.Account = &stagedoor.AccountSettings{ClientID: "app"} })
	b.post("/account/delete", form).want(http.StatusNotFound) // off until it is asked for
}

func TestAccountMetadata(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	u := w.found("ada@example.com")
	_, err := w.st.PatchMetadata(t.Context(), u.ID, stagedoor.Metadata{"theme": json.RawMessage(`"dark"`), "volume": json.RawMessage(`7`), "tags": json.RawMessage(`["a"]`), "secret": json.RawMessage(`1`)}, nil, 1<<20)
	w.ok(err)
	b, _ := w.onAccount("ada@example.com")
	page := b.get("/account/metadata").want(http.StatusOK).hides("secret")
	b.press(page, "/account/metadata", "member.theme", "member.theme", "light", "member.volume", "11").to()
	kept := func(want string) {
		t.Helper()
		got, _ := json.Marshal(w.found("ada@example.com").UserMetadata)
		if string(got) != want {
			t.Errorf("metadata %s, want %s", got, want)
		}
	}
	kept(`{"secret":1,"tags":["a"],"theme":"light","volume":11}`)
	b.press(page, "/account/metadata", "textarea", "json", `{"theme":{"deep":["x"]}}`).to()
	kept(`{"secret":1,"theme":{"deep":["x"]}}`) // what was left out is gone, as far as the person may
	for _, bad := range []string{`{`, `[]`, `null`, `"x"`, `{"secret":2}`, `{"a.b":1}`, `{"app_metadata":{"plan":"gold"}}`} {
		b.press(page, "/account/metadata", "textarea", "json", bad).want(http.StatusBadRequest)
	}
	b.press(page, "/account/metadata", "member.theme", "member.secret", "2").want(http.StatusBadRequest).says("cannot change")
	kept(`{"secret":1,"theme":{"deep":["x"]}}`)
	w.configure(func(s *stagedoor.TenantSettings) { s.Local.MaxMetadataBytes = 100 })
	b.press(page, "/account/metadata", "textarea", "json", `{"theme":"`+strings.Repeat("x", 200)+`"}`).want(http.StatusRequestEntityTooLarge)
}

var mailedCode = regexp.MustCompile(`\b\d{8}\b`)

func TestAccountEmail(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	w.user("eve@example.com")
	b, _ := w.onAccount("ada@example.com")
	other, _ := w.onAccount("ada@example.com")
	form := b.get("/account/email").want(http.StatusOK)
	for _, bad := range []string{"", "ada", "a@b@c"} {
		b.press(form, "/account/email", "", "email", bad).want(http.StatusBadRequest)
	}
	page := b.onward(b.press(form, "/account/email", "", "email", "Countess@Example.com")).want(http.StatusOK).says("countess@example.com")
	code := mailedCode.FindString(w.mails()[0].Text)
	if w.mails()[0].To != "countess@example.com" || code == "" {
		t.Fatalf("mail %+v", w.mails()[0])
	}
	if w.found("countess@example.com") != nil {
		t.Fatal("the address counts before it is proved")
	}
	b.press(page, "/account/email/code", "", "code", "00000000").want(http.StatusBadRequest).says("This code does not work.")
	other.onward(other.get("/account/email/code")).says("New email address") // the code is of the session that asked
	done := b.onward(b.press(page, "/account/email/code", "", "code", code[:4]+" "+code[4:])).want(http.StatusOK).says("Your email address is changed.", "countess@example.com")
	if u := w.found("countess@example.com"); u == nil || !u.EmailVerified || w.found("ada@example.com") != nil {
		t.Errorf("user %+v", u)
	}
	if m := w.mails(); m[0].To == m[1].To || !strings.Contains(m[0].Text, "the email address") || !strings.Contains(m[1].Text, "the email address") {
		t.Errorf("mails %+v", m[:2])
	}
	other.onward(other.get("/account")).says("Log in") // other sessions have ended
	done.says("verified")
	// Somebody else's address: their mail says the code, and it does not help.
	form = b.get("/account/email").want(http.StatusOK)
	page = b.onward(b.press(form, "/account/email", "", "email", "eve@example.com")).want(http.StatusOK)
	taken := b.press(page, "/account/email/code", "", "code", mailedCode.FindString(w.mails()[0].Text)).want(http.StatusBadRequest).says("cannot be used")
	b.onward(b.press(taken, "/account/email", `name="email"`, "email", "duchess@example.com")).want(http.StatusOK).says("duchess@example.com") // there another one can be typed
	for range 12 {
		page = b.press(form, "/account/email", "", "email", "x@example.com")
	}
	page.want(http.StatusTooManyRequests)
	if !strings.Contains(w.events(), "sce") {
		t.Errorf("log %s", w.events())
	}
}

// Whose verification mail is lost asks for another one where it says that the address is not verified.
func TestAccountVerifyEmail(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			w := accountWorld(t, kind)
			verified := func(is bool) {
				_, err := w.st.UpdateUser(t.Context(), w.found("ada@example.com").ID, func(u *stagedoor.User) error { u.EmailVerified = is; return nil })
				w.ok(err)
			}
			verified(true)
			b, page := w.onAccount("ada@example.com")
			page.want(http.StatusOK).hides("Verify by email")
			verified(false)
			page = b.get("/account").want(http.StatusOK).says("not verified", "Verify by email")
			before := len(w.mails())
			sent := b.onward(b.press(page, "/account/email/verify", "")).want(http.StatusOK).says("A mail with a link is on its way to you.")
			if m := w.mails(); len(m) != before+1 || m[0].To != "ada@example.com" {
				t.Fatalf("mails %+v", m)
			}
			b.get(w.link()).want(http.StatusOK)
			b.get("/account").want(http.StatusOK).hides("not verified", "Verify by email")
			b.press(sent, "/account/email/verify", "").to() // of a page from before
			if n := len(w.mails()); n != before+1 {
				t.Errorf("%d mails to somebody who has proved their address", n-before)
			}
			verified(false)
			for range 4 {
				b.press(page, "/account/email/verify", "").to()
			}
			b.press(page, "/account/email/verify", "").want(http.StatusTooManyRequests).says("Your account")
			w.template("verify_email", `"enabled":false,"from":"","subject":"","body":""`)
			b.get("/account").want(http.StatusOK).hides("Verify by email") // the tenant sends no such mails
		})
	}
}

// Where a tenant has switched no second factor on, the page does not speak of one.
func TestAccountWithoutFactors(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.configure(func(s *stagedoor.TenantSettings) { s.Local.Account = &stagedoor.AccountSettings{ClientID: "app"} })
	_, page := w.onAccount("ada@example.com")
	page.want(http.StatusOK).says("Where you are logged in").hides("Second step", "#factors")
}

func TestAccountPasswordAndUsername(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	w.options(func(o *stagedoor.ConnectionOptions) { o.RequiresUsername = true })
	b, _ := w.onAccount("ada@example.com")
	other, _ := w.onAccount("ada@example.com")
	page := b.get("/account/password").want(http.StatusOK).says("8 or more characters")
	b.press(page, "/account/password", "", "password", "short").want(http.StatusBadRequest).says("too weak")
	b.onward(b.press(page, "/account/password", "", "password", good+"2")).want(http.StatusOK).says("Your password is changed.")
	other.onward(other.get("/account")).says("Log in")
	if m := w.mails(); !strings.Contains(m[0].Text, "the password") || m[0].To != "ada@example.com" {
		t.Errorf("mail %+v", m[0])
	}
	fresh := w.browser()
	fresh.passLogin(fresh.get("/account"), "ada@example.com", good+"2").says("Your account", "Password changed")
	page = b.get("/account/username").want(http.StatusOK)
	b.press(page, "/account/username", "", "username", "no spaces").want(http.StatusBadRequest)
	b.onward(b.press(page, "/account/username", "", "username", "Countess")).want(http.StatusOK).says("Your username is changed.", "countess")
}

func TestAccountSessionsAndClients(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	b, _ := w.onAccount("ada@example.com")
	other, _ := w.onAccount("ada@example.com")
	third, _ := w.onAccount("ada@example.com")
	u := w.found("ada@example.com")
	w.ok(w.st.AddGrant(t.Context(), u.ID, "foreign", api, []string{"openid", "read:songs"}))
	cameFrom := func(name string, b *browser) {
		s, err := session.Live(t.Context(), w.st, cookieOf(b))
		w.ok(err)
		w.ok(w.st.CreateRefreshToken(t.Context(), name, &stagedoor.RefreshToken{ID: name, FamilyID: name, ClientID: "app", UserID: u.ID, SessionID: s.ID, Audience: api, CreatedAt: w.clock()}))
	}
	cameFrom("rt-here", b)
	cameFrom("rt-other", other)
	cameFrom("rt-third", third)
	lives := func(name string, want bool) {
		t.Helper()
		if _, err := w.st.RefreshToken(t.Context(), name); (err == nil) != want {
			t.Errorf("the refresh token %s: %v", name, err)
		}
	}
	w.ok(w.st.CreateRefreshToken(t.Context(), "rt-1", &stagedoor.RefreshToken{ID: "rt", FamilyID: "fam", ClientID: "foreign", UserID: u.ID, Audience: api, CreatedAt: w.clock()}))
	for _, client := range []string{"foreign", "app"} {
		w.ok(w.st.SaveAccessToken(t.Context(), "at-"+client, "origin-"+client, &stagedoor.Authorization{ClientID: client, UserID: u.ID}, w.clock().Add(time.Hour)))
		w.ok(w.st.SaveMFAToken(t.Context(), "mfa-"+client, &stagedoor.MFAToken{ClientID: client, UserID: u.ID, ExpiresAt: w.clock().Add(time.Hour)}))
	}
	stranger := w.browser()
	stranger.submit(stranger.begin(), "username", "ada@example.com", "password", "wrong").want(http.StatusBadRequest)
	page := b.get("/account").want(http.StatusOK).says("Foreign", "Songs", "Keep this access while you are away", "Log out everywhere else")
	sessions, err := w.st.UserSessions(t.Context(), u.ID)
	w.ok(err)
	otherSession, err := session.Live(t.Context(), w.st, cookieOf(other))
	w.ok(err)
	if len(sessions) != 3 {
		t.Fatalf("%d sessions", len(sessions))
	}
	page = b.onward(b.press(page, "/account/sessions/end", otherSession.ID)).says("Logged out there.")
	other.onward(other.get("/account")).says("Log in")
	third.get("/account").want(http.StatusOK)
	lives("rt-other", false)
	lives("rt-third", true)
	page = b.onward(b.press(page, "/account/sessions/end", "everywhere"))
	third.onward(third.get("/account")).says("Log in")
	lives("rt-third", false)
	lives("rt-here", true)
	b.onward(b.press(page, "/account/clients/revoke", "foreign")).says("no access any more").hides("Foreign")
	w.logs("srrt")

	// What a client has as long as the person is logged in is taken back as well, without a consent.
	here, err := session.Live(t.Context(), w.st, cookieOf(b))
	w.ok(err)
	turn, err := session.GoOnline(t.Context(), w.st, here, "foreign")
	w.ok(err)
	page = b.get("/account").want(http.StatusOK).says("Foreign")
	page = b.onward(b.press(page, "/account/clients/revoke", "foreign")).says("no access any more").hides("Foreign")
	w.logs("srrt")
	if here, err = session.Live(t.Context(), w.st, cookieOf(b)); err != nil || here.OnlineTurn("foreign") == turn {
		t.Errorf("%+v, %v", here, err)
	}
	if _, err := w.st.RefreshToken(t.Context(), "rt-1"); !stagedoor.IsKind(err, stagedoor.NotFound) {
		t.Errorf("the refresh token is still there: %v", err)
	}
	if _, err := w.st.AccessToken(t.Context(), "at-foreign"); !stagedoor.IsKind(err, stagedoor.NotFound) {
		t.Errorf("the access token is still there: %v", err)
	}
	if _, err := w.st.AccessToken(t.Context(), "at-app"); err != nil {
		t.Errorf("another client's access token: %v", err)
	}
	if _, err := w.st.MFAToken(t.Context(), "mfa-foreign"); !stagedoor.IsKind(err, stagedoor.NotFound) {
		t.Errorf("the request that waits for a second factor is still there: %v", err)
	}
	if _, err := w.st.MFAToken(t.Context(), "mfa-app"); err != nil {
		t.Errorf("another client's request: %v", err)
	}
	page.says("Wrong password", "Logged in")
}

// cookieOf is the handle of a browser's session.
func cookieOf(b *browser) string { return cookieNamed(b, "__Host-auth0") }

func cookieNamed(b *browser, name string) string {
	u, _ := url.Parse(b.origin)
	for _, c := range b.jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func TestAccountIdentities(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	u := w.found("ada@example.com")
	_, err := w.st.LinkIdentity(t.Context(), u.ID, stagedoor.Identity{Connection: "radio", Provider: "oauth2", UserID: "radio|7", ProfileData: map[string]any{"name": hostile}}, true)
	w.ok(err)
	b, page := w.onAccount("ada@example.com")
	page.harmless()
	page.says("Ways to log in Password ada@example.com").hides(u.Connection)                // the name that operators gave the database
	b.press(page, "/account/identities/unlink", "", "id", u.ID).want(http.StatusBadRequest) // the main one
	b.onward(b.press(page, "/account/identities/unlink", "radio|7")).says("unlinked").hides("alert(1)")
	w.logs("unlinked oauth2|radio|7")
}

func TestAccountFactors(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	w.setting(mfa.SettingFactors, `{"otp":true,"webauthn-roaming":true,"recovery-code":true}`)
	b, page := w.onAccount("ada@example.com")
	page.says("Add: Authenticator app", "Add: Security key")
	b.press(page, "/account/factors/add", `value="otp"`, "id", "duo").want(http.StatusBadRequest)
	enrol := b.onward(b.press(page, "/account/factors/add", `value="otp"`)).want(http.StatusOK).says("Scan this picture")
	secret := strings.ReplaceAll(regexp.MustCompile(`<code>([A-Z2-7 ]+)</code>`).FindStringSubmatch(enrol.body)[1], " ", "")
	done := b.submit(enrol, "code", w.code(secret)).want(http.StatusOK).says("You are all set")
	page = b.onward(b.get(strings.TrimPrefix(done.href("Continue"), b.origin))).says("Your second step is set up.", "Authenticator app", "Recovery code")
	if m := w.mails()[0]; !strings.Contains(m.Text, "a second step was added") {
		t.Errorf("mail %+v", m)
	}
	// From now on the password alone is not enough for what is sensitive.
	w.wait(time.Minute)
	asked := b.onward(b.press(page, "/account/factors/recovery", ""))
	asked.says("Log in")
	asked = b.onward(b.submit(asked, "username", "ada@example.com", "password", good)).says("Enter the code that your authenticator app shows.")
	page = b.onward(b.submit(asked, "code", w.code(secret), "remember", "1")).want(http.StatusOK).says("You can go on now.", "Remembered browsers", "192.0.2.7")
	b.press(page, "/account/factors/recovery", "").want(http.StatusOK).says("Note this code down")
	b.onward(b.press(page, "/account/browsers/forget", `name="id"`)).says("That browser asks for the second step again.").hides("Remembered browsers")
	w.configure(func(s *stagedoor.TenantSettings) { s.Local.NoFactorMails = true })
	told := len(w.mails())
	methods, err := w.st.AuthenticationMethods(t.Context(), w.found("ada@example.com").ID)
	w.ok(err)
	for _, m := range methods {
		if m.Type == store.TypeRecovery { // which stands in for the others
			b.press(page, "/account/factors/remove", `name="id"`, "id", m.ID).want(http.StatusBadRequest).says("cannot be taken away by itself")
		}
	}
	for _, m := range methods {
		if m.Type == store.TypeTOTP {
			page = b.onward(b.press(page, "/account/factors/remove", m.ID)).says("removed")
		}
	}
	if methods, err = w.st.AuthenticationMethods(t.Context(), w.found("ada@example.com").ID); err != nil || len(methods) != 0 {
		t.Errorf("left: %+v %v", methods, err)
	}
	if len(w.mails()) != told {
		t.Error("a mail about a factor, which the tenant does not want")
	}
	page.says("Second step added", "Second step removed")
}

// TestAccountFactorsAndPasskeys: a passkey is no second step. It needs no recovery code, and keeps none.
func TestAccountFactorsAndPasskeys(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	w.setting(mfa.SettingFactors, `{"sms":true,"recovery-code":true}`)
	u := w.found("ada@example.com")
	w.ok(w.st.AddAuthenticationMethods(t.Context(), u.ID, []*stagedoor.AuthenticationMethod{{Type: store.TypePasskey, Name: "Laptop"}, {Type: store.TypeRecovery, Secret: "x"}, {Type: "phone", PhoneNumber: "+15550100"}}, false))
	b, page := w.onAccount("ada@example.com")
	page.says("Passkey Laptop", "Recovery code", "Phone +15550100")
	w.ok(w.st.UpdateSession(t.Context(), w.session().ID, func(s *stagedoor.Session) {
		s.Methods = append(s.Methods, stagedoor.AuthMethod{Name: "mfa", Type: "phone", Timestamp: w.clock().UnixMilli()})
	}))
	methods, err := w.st.AuthenticationMethods(t.Context(), u.ID)
	w.ok(err)
	for _, m := range methods {
		if m.Type == "phone" {
			page = b.onward(b.press(page, "/account/factors/remove", m.ID)).says("removed")
		}
	}
	page.says("Passkey Laptop").hides("Recovery code")
}

func TestAccountExport(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	u := w.found("ada@example.com")
	_, err := w.st.PatchMetadata(t.Context(), u.ID, stagedoor.Metadata{"theme": json.RawMessage(`"dark"`)}, stagedoor.Metadata{"plan": json.RawMessage(`"golden"`)}, 1<<20)
	w.ok(err)
	w.ok(w.st.AddGrant(t.Context(), u.ID, "foreign", api, []string{"read:songs"}))
	b, page := w.onAccount("ada@example.com")
	w.ok(w.st.SaveConnectedAccount(t.Context(), &stagedoor.ConnectedAccount{
		UserID: u.ID, ConnectionID: w.conn.ID, Account: "42", Names: []string{"ada@radio.example"}, Tokens: stagedoor.ProviderTokens{Access: "provider-token"},
	}))
	file := b.press(page, "/account/export", "").want(http.StatusOK).hides("golden", "$2a$", "$2b$", cookieOf(b), "provider-token").says("ada@radio.example")
	var got struct {
		Profile                map[string]any
		Grants, Sessions, Logs []map[string]any
	}
	w.ok(json.Unmarshal([]byte(file.body), &got))
	if got.Profile["email"] != "ada@example.com" || got.Profile["user_metadata"] == nil || len(got.Grants) != 1 || len(got.Sessions) != 1 || len(got.Logs) == 0 {
		t.Errorf("file %s", file.body)
	}
	if file.header.Get("Content-Disposition") != `attachment; filename="account.json"` || file.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("header %v", file.header)
	}
	b.get("/account/export").want(http.StatusMethodNotAllowed) // no other site can have it loaded
}

func TestAccountDelete(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			w := accountWorld(t, kind)
			b, _ := w.onAccount("ada@example.com")
			other, _ := w.onAccount("ada@example.com")
			page := b.get("/account/delete").want(http.StatusOK)
			b.press(page, "/account/delete", "").want(http.StatusBadRequest).says("Tick the box")
			b.press(page, "/account/delete", "", "confirmed", "1").want(http.StatusOK).says("Your account is deleted")
			if w.found("ada@example.com") != nil {
				t.Fatal("the user is still there")
			}
			if m := w.mails()[0]; m.To != "ada@example.com" || !strings.Contains(m.Subject, "is deleted") {
				t.Errorf("mail %+v", m)
			}
			other.onward(other.get("/account")).says("Log in")
			b.onward(b.get("/account")).says("Log in")
			if !strings.Contains(w.events(), "sdu") {
				t.Errorf("log %s", w.events())
			}
		})
	}
}

// Session riding: no form of the page is taken without the token of its own session, nor from another site.
func TestSessionRidingOnTheAccountPage(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	b, page := w.onAccount("ada@example.com")
	_, theirs := w.onAccount("ada@example.com") // the same person, in another session
	_, foreign := theirs.form()
	_, own := page.form()
	for _, path := range strings.Fields("logout profile metadata email email/code username password factors/add factors/remove factors/recovery factors/noted browsers/forget sessions/end clients/revoke identities/unlink export delete") {
		for name, form := range map[string]url.Values{"no token": {}, "an empty token": {"nonce": {""}}, "another session's token": foreign} {
			form := url.Values{"nonce": form["nonce"], "email": {"evil@example.com"}, "password": {good + "3"}, "confirmed": {"1"}, "name": {"Evil"}}
			if got := b.post("/account/"+path, form); got.status != http.StatusForbidden {
				t.Errorf("%s with %s: %d", path, name, got.status)
			}
		}
		if got := b.post("/account/"+path, own, "Sec-Fetch-Site", "cross-site"); got.status != http.StatusForbidden {
			t.Errorf("%s from another site: %d", path, got.status)
		}
		if got := b.post("/account/"+path, own, "Origin", "https://evil.example", "Sec-Fetch-Site", ""); got.status != http.StatusForbidden {
			t.Errorf("%s from another origin: %d", path, got.status)
		}
	}
	if u := w.found("ada@example.com"); u == nil || u.Name == "Evil" || !b.get("/account").isOK() {
		t.Errorf("something was done: %+v", u)
	}
}

func (r *reply) isOK() bool { return r.status == http.StatusOK }

// Step-up bypass: an old session, or one without the second factor, does nothing that is sensitive, by page or by form.
func TestStepUpBypassOnTheAccountPage(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	b, page := w.onAccount("ada@example.com")
	_, form := page.form()
	form.Set("email", "evil@example.com")
	form.Set("password", good+"3")
	form.Set("username", "evil")
	form.Set("confirmed", "1")
	form.Set("id", "otp")
	w.wait(11 * time.Minute)
	try := func() {
		t.Helper()
		for _, path := range strings.Fields("email email/code username password delete") {
			if to := b.get("/account/" + path).to(); !strings.HasPrefix(to, "/account/login?again=1") {
				t.Errorf("GET %s leads to %s", path, to)
			}
		}
		for _, path := range strings.Fields("email email/code username password factors/add factors/remove factors/recovery identities/unlink export delete") {
			if to := b.post("/account/"+path, form).to(); !strings.HasPrefix(to, "/account/login?again=1") {
				t.Errorf("POST %s leads to %s", path, to)
			}
		}
	}
	try()
	if len(w.mails()) != 0 || w.found("ada@example.com") == nil {
		t.Error("something was done by an old session")
	}
	b.get("/account").want(http.StatusOK) // what is not sensitive works
	asked := b.onward(b.get("/account/email")).says("Log in")
	if !strings.Contains(asked.body, `value="ada@example.com"`) {
		t.Error("the login does not know whom it asks")
	}
	if got := b.onward(b.submit(asked, "username", "ada@example.com", "password", good)); !strings.Contains(got.body, `action="/account/email"`) {
		t.Errorf("not back at the form: %s", words(got.body))
	}
	// The password alone is not enough for who has a second factor.
	w.setting(mfa.SettingFactors, `{"otp":true}`)
	m := &stagedoor.AuthenticationMethod{Type: store.TypeTOTP, Secret: "JBSWY3DPEHPK3PXP"}
	w.ok(w.st.AddAuthenticationMethods(t.Context(), w.found("ada@example.com").ID, []*stagedoor.AuthenticationMethod{m}, false))
	_, form = b.get("/account").form()
	try()
}

// Changing the address of another: ids of others in forms do nothing.
func TestActingOnAnothersAccount(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	w.user("eve@example.com")
	victim, _ := w.onAccount("ada@example.com")
	b, page := w.onAccount("eve@example.com")
	theirs, err := session.Live(t.Context(), w.st, cookieOf(victim))
	w.ok(err)
	ada := w.found("ada@example.com")
	m := &stagedoor.AuthenticationMethod{Type: store.TypeTOTP, Secret: "JBSWY3DPEHPK3PXP"}
	w.ok(w.st.AddAuthenticationMethods(t.Context(), ada.ID, []*stagedoor.AuthenticationMethod{m}, false))
	w.ok(w.st.AddGrant(t.Context(), ada.ID, "foreign", api, []string{"read:songs"}))
	_, form := page.form()
	for path, id := range map[string]string{"sessions/end": theirs.ID, "factors/remove": m.ID, "clients/revoke": "foreign", "identities/unlink": ada.ID, "profile": ada.ID} {
		form.Set("id", id)
		form.Set("user_id", ada.ID)
		form.Set("name", "Evil")
		b.post("/account/"+path, form)
	}
	if got := w.found("ada@example.com"); got.Name == "Evil" || len(got.Identities) != 1 {
		t.Errorf("ada became %+v", got)
	}
	victim.get("/account").want(http.StatusOK)
	if methods, err := w.st.AuthenticationMethods(t.Context(), ada.ID); err != nil || len(methods) != 1 {
		t.Errorf("factors %v %v", methods, err)
	}
	if grants, err := w.st.UserGrants(t.Context(), ada.ID, ""); err != nil || len(grants) != 1 {
		t.Errorf("grants %v %v", grants, err)
	}
}

// Stored script: what people and providers call themselves never becomes markup.
func TestStoredScriptOnTheAccountPage(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	w.configure(func(s *stagedoor.TenantSettings) { s.Local.Account.MetadataKeys = []string{"*"} })
	u := w.found("ada@example.com")
	key := strings.NewReplacer(".", "", "$", "").Replace(hostile)
	text, _ := json.Marshal(hostile)
	_, err := w.st.PatchMetadata(t.Context(), u.ID, stagedoor.Metadata{key: text, "x": json.RawMessage(`{"a":` + string(text) + `}`)}, nil, 1<<20)
	w.ok(err)
	_, err = w.st.UpdateUser(t.Context(), u.ID, func(u *stagedoor.User) error {
		u.Name, u.Nickname, u.Picture = hostile, hostile, "javascript:alert(1)"
		return nil
	})
	w.ok(err)
	b, page := w.onAccount("ada@example.com")
	page.want(http.StatusOK).harmless()
	b.do(http.MethodGet, "/account", "", "User-Agent", hostile).want(http.StatusOK)
	b.get("/account").want(http.StatusOK).harmless()
	b.get("/account?done=" + url.QueryEscape(hostile)).want(http.StatusOK).hides("<script>alert")
	b.get("/account/metadata").want(http.StatusOK).harmless()
	b.get("/account/callback?error=x&error_description=" + url.QueryEscape(hostile)).want(http.StatusForbidden).hides("alert(1)")
}

// Open redirect: the way back from the login leads to pages of the account alone.
func TestOpenRedirectByTheAccountLogin(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	b, _ := w.onAccount("ada@example.com")
	for _, to := range []string{"https://evil.example/", "//evil.example/account", "/account/../u/inbox", "/accountevil", "/account/logout", `/\evil.example`, "/account\t"} {
		q := url.QueryEscape(to)
		if got := b.get("/account/callback?code=x&state=" + q).to(); !strings.HasPrefix(got, "/account?done=") {
			t.Errorf("%q leads to %q", to, got)
		}
		if got := b.onward(b.get("/account/login?to=" + q)); !strings.Contains(words(got.body), "Your account") {
			t.Errorf("%q shows %s", to, words(got.body))
		}
	}
}
