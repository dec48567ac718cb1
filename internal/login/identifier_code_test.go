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
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// byCodes is the option attributes of a database that verifies addresses and numbers by code.
const byCodes = `{"email":{"identifier":{"active":true},"verification_method":"otp","signup":{"status":"required","verification":{"active":true}}},
	"phone_number":{"identifier":{"active":true},"signup":{"status":"optional","verification":{"active":true}}}}`

var codeInText = regexp.MustCompile(`\b[0-9]{6}\b`)

// sentTo is the code of the newest message, and who got it.
func (w *world) sentTo() (to, code string) {
	w.Helper()
	mails := w.mails()
	if len(mails) == 0 {
		w.Fatal("no message came")
	}
	if code = codeInText.FindString(mails[0].Text); code == "" {
		w.Fatalf("no code in %q", mails[0].Text)
	}
	return mails[0].To, code
}

// other is another code.
func other(code string) string {
	if code[0] == '9' {
		return "0" + code[1:]
	}
	return string(code[0]+1) + code[1:]
}

// onto follows a redirect of ours.
func (b *browser) onto(r *reply) *reply { b.Helper(); return b.get(r.want(http.StatusSeeOther).to()) }

// Who signs up proves the address, and the number, before there is a user.
func TestSignupProvesByCode(t *testing.T) {
	each(t, func(w *world) {
		w.knownBy(byCodes, "")
		b := w.browser()
		page := b.begin("screen_hint", "signup").says("Continue", "Phone number (optional)").hides(`name="password"`)
		b.submit(page, "email", "new@").want(http.StatusBadRequest).says("in the form name@example.com")
		page = b.onto(b.submit(page, "email", " New@example.com", "phone_number", "0049 151 1", "password", good)).says("Check your mail", "new@example.com")
		to, code := w.sentTo()
		if to != "new@example.com" || w.found(to) != nil || w.mails()[0].Kind != "verify_email_by_code" || w.mails()[0].Subject != "Your code to sign up for Mixtape" {
			w.Fatalf("%+v", w.mails()[0])
		}
		b.submit(page, "code", other(code)).want(http.StatusBadRequest).says("This code does not work.")
		state := strings.Split(strings.Split(page.body, "state=")[1], `"`)[0]
		b.onto(b.get("/u/signup/password?state=" + state)).says("Check your mail") // nothing is proved yet
		page = b.onto(b.submit(page, "code", code)).says("Check your phone", "+491511")
		to, code = w.sentTo()
		if to != "+491511" || w.found("new@example.com") != nil {
			w.Fatalf("sent to %s", to)
		}
		page = b.onto(b.submit(page, "code", code)).says("Create your account", "new@example.com", "Not you?").hides(`name="email"`)
		b.submit(page, "password", "weak").want(http.StatusBadRequest).says("8 or more characters")
		if q := b.finish(b.submit(page, "password", good)); q.Get("code") == "" {
			w.Errorf("came back with %v", q)
		}
		u := w.found("new@example.com")
		if u == nil || !u.EmailVerified || !u.PhoneVerified || u.PhoneNumber != "+491511" {
			w.Errorf("signed up as %+v", u)
		}
		if len(w.mails()) != 2 {
			w.Errorf("%d messages", len(w.mails()))
		}
		if got := w.events(); got != "cs cs fs ss s" && got != "cs cs ss s" {
			w.Errorf("events %s", got)
		}

		b = w.browser() // somebody who is known gets a code as well, and learns it in the end
		page = b.onto(b.submit(b.begin("screen_hint", "signup"), "email", "new@example.com")).says("Check your mail")
		_, code = w.sentTo()
		page = b.onto(b.submit(page, "code", code))
		b.submit(page, "password", good).want(http.StatusBadRequest).says("We could not create this account.")
	})
}

// Scripts see what the first of the forms held, with the tenant's own fields, also where the password, or the passkey, comes behind the codes.
func TestSignupByCodeShowsItsBody(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.options(func(o *stagedoor.ConnectionOptions) {
		o.Stored = map[string]json.RawMessage{"attributes": json.RawMessage(byCodes), "authentication_methods": json.RawMessage(`{"passkey":{"enabled":true}}`)}
	})
	w.action(script.PreUserRegistration, `exports.onExecutePreUserRegistration = async (event, api) => {
		const body = event.request.body;
		api.access.deny(JSON.stringify(Object.keys(body).sort().map(name => [name, body[name]])));
	};`)
	b := w.browser()
	page := b.onto(b.submit(b.begin("screen_hint", "signup"), "email", "New@example.com", "ulp-from", "a friend", "ulp-terms", "yes", "other", "x"))
	_, code := w.sentTo()
	page = b.onto(b.submit(page, "code", code))
	b.submit(page, "password", good, "ulp-terms", "still", "email", "else@example.com").want(http.StatusBadRequest)
	w.logs(`[[\"email\",\"New@example.com\"],[\"ulp-from\",\"a friend\"],[\"ulp-terms\",\"still\"]]`)
	asks := b.submit(page, "passkey", "1").want(http.StatusOK)
	b.submit(asks, "key", w.authenticator().becomes(asks)).want(http.StatusBadRequest)
	w.logs(`[[\"email\",\"New@example.com\"],[\"ulp-from\",\"a friend\"],[\"ulp-terms\",\"yes\"]]`)
}

// Attack: the form is changed after something was proved, the page of the password is asked for without a code, or a code of another sign-up is given.
func TestSignupWithoutProof(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.knownBy(byCodes, "")
	b, c := w.browser(), w.browser()
	first := b.begin("screen_hint", "signup")
	page := b.onto(b.submit(first, "email", "mine@example.com"))
	_, code := w.sentTo()
	victim := c.onto(c.submit(c.begin("screen_hint", "signup"), "email", "mine@example.com"))
	_, theirs := w.sentTo()
	if theirs != code {
		b.submit(page, "code", theirs).want(http.StatusBadRequest)
	}
	c.submit(victim, "code", theirs).want(http.StatusSeeOther) // it is still good in its own sign-up
	b.onto(b.submit(page, "code", code)).says("mine@example.com")
	other := b.onto(b.submit(first, "email", "other@example.com")).says("Check your mail", "other@example.com")
	action, form := other.form("password", good)
	b.onto(b.post(strings.Replace(action, "/code", "/password", 1), form)).says("Check your mail")
	b.submit(first, "email", "other@example.com", "password", good).want(http.StatusSeeOther)
	if w.found("other@example.com") != nil || w.found("mine@example.com") != nil {
		t.Error("there is a user without a proof")
	}
	// The code of an old address does nothing for the new one.
	b.submit(other, "code", code).want(http.StatusBadRequest)
}

// Attack: codes are guessed, or old.
func TestSignupCodeRunsOut(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.knownBy(byCodes, "")
	b := w.browser()
	page := b.onto(b.submit(b.begin("screen_hint", "signup"), "email", "new@example.com"))
	_, code := w.sentTo()
	for range 3 {
		b.submit(page, "code", other(code)).want(http.StatusBadRequest)
	}
	b.submit(page, "code", code).want(http.StatusBadRequest).says("There were too many wrong codes.")
	b.onto(b.submit(page, "resend", "1"))
	_, code = w.sentTo()
	w.wait(11 * time.Minute)
	b.submit(page, "code", code).want(http.StatusBadRequest).says("This code has expired.")
	b.submit(page, "code", "").want(http.StatusBadRequest).says("Enter the code.")
}

// Who forgot their password is sent a code where addresses are verified by code, and to the phone where they type its number.
func TestResetByCode(t *testing.T) {
	each(t, func(w *world) {
		w.knownBy(allThree, "")
		both := w.signedUp(`"email":"eve@example.com","phone_number":"+4915123456789"`)
		w.signedUp(`"phone_number":"+4915123456780"`)
		w.knownBy(byCodes, "")
		for i, tt := range []struct{ typed, to string }{{"EVE@example.com", "eve@example.com"}, {"0049 151 23456789", "+4915123456789"}, {"+4915123456780", "+4915123456780"}} {
			password := "New-Horse-" + string(rune('1'+i))
			b := w.browser()
			page := b.get(b.begin().href("Forgot your password?")).says("Email or phone number", "we will send you a code")
			page = b.submit(page, "email", tt.typed).want(http.StatusOK).says("If there is an account for "+tt.typed, "Enter your code")
			to, code := w.sentTo()
			if to != tt.to || i == 0 && w.mails()[0].Kind != "reset_email_by_code" {
				w.Errorf("%s: sent to %s", tt.typed, to)
			}
			b.submit(page, "code", other(code)).want(http.StatusBadRequest).says("This code does not work.", tt.typed)
			page = b.onto(b.submit(page, "code", code)).says("New password")
			b.submit(page, "password", password).want(http.StatusOK)
			again := b.submit(b.begin(), "username", tt.typed, "password", password)
			b.finish(again.want(http.StatusSeeOther))
		}
		if u, err := w.st.User(w.Context(), both); err != nil || u.LastPasswordReset.IsZero() {
			w.Errorf("%+v %v", u, err)
		}

		w.knownBy(allThree, "") // links for addresses
		b := w.browser()
		b.submit(b.get("/u/forgot"), "email", "eve@example.com").want(http.StatusOK).hides("/u/forgot/code")
		b.get(w.link()).want(http.StatusOK).says("New password")
	})
}

// Who is unknown gets the same pages, down to the last wrong code.
func TestResetByCodeTellsNothing(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.knownBy(byCodes, "")
	seen := map[string][]string{}
	for _, name := range []string{"ada@example.com", "bob@example.com"} {
		b := w.browser()
		page := b.submit(b.get("/u/forgot"), "email", name)
		seen[name] = append(seen[name], strings.ReplaceAll(words(page.body), name, "X"))
		for range 5 {
			r := b.submit(page, "code", "x23456")
			seen[name] = append(seen[name], strings.ReplaceAll(words(r.body), name, "X"))
		}
	}
	for i, got := range seen["bob@example.com"] {
		if got != seen["ada@example.com"][i] {
			t.Errorf("%d: %s\n%s", i, got, seen["ada@example.com"][i])
		}
	}
	if mails := w.mails(); len(mails) != 1 || mails[0].To != "ada@example.com" {
		t.Errorf("mails %+v", mails)
	}
	if got := w.events(); !strings.HasPrefix(got, "scpr fcpr") {
		t.Errorf("events %s", got)
	}
	w.browser().post("/u/forgot/code", url.Values{"code": {"123456"}}).want(http.StatusSeeOther)
}

// Attack: somebody has the code of one connection, or an old one, and tries it.
func TestResetCodeWorksOnce(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.knownBy(byCodes, "")
	b := w.browser()
	b.submit(b.get("/u/forgot"), "email", "ada@example.com")
	_, old := w.sentTo()
	page := b.submit(b.get("/u/forgot"), "email", "ada@example.com")
	_, code := w.sentTo()
	if old != code {
		b.submit(page, "code", old).want(http.StatusBadRequest)
	}
	b.submit(page, "code", code).want(http.StatusSeeOther)
	b.submit(page, "code", code).want(http.StatusBadRequest)
}
