package login_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// allThree is the option attributes of a database whose people may log in with any of the three.
const allThree = `{"email":{"identifier":{"active":true},"signup":{"status":"optional"}},"phone_number":{"identifier":{"active":true},"signup":{"status":"optional"}},
	"username":{"identifier":{"active":true},"signup":{"status":"optional"},"validation":{"min_length":2,"max_length":20,"allowed_types":{"email":true,"phone_number":true}}}}`

// knownBy gives the world's database the option attributes, and a precedence unless it is empty.
func (w *world) knownBy(attributes, precedence string) {
	w.Helper()
	w.options(func(o *stagedoor.ConnectionOptions) {
		o.Stored = map[string]json.RawMessage{"attributes": json.RawMessage(attributes)}
		if precedence != "" {
			o.Stored["precedence"] = json.RawMessage(precedence)
		}
	})
}

// signedUp signs up a person by the endpoint and returns their id.
func (w *world) signedUp(members string) string {
	w.Helper()
	var out struct {
		ID string `json:"_id"`
	}
	r := w.browser().json(signupPath, `{"client_id":"app","connection":"Users","password":"`+good+`",`+members+`}`).want(http.StatusOK)
	w.ok(json.Unmarshal([]byte(r.body), &out))
	return "auth0|" + out.ID
}

// newest is the last log event of a type.
func (w *world) newest(kind string) stagedoor.LogEvent {
	w.Helper()
	logs, _, err := w.st.Logs(w.Context(), store.LogQuery{PerPage: 1, Type: kind})
	w.ok(err)
	if len(logs) == 0 {
		w.Fatalf("no event %s", kind)
	}
	return logs[0]
}

// lands tells who is logged in by what is typed; empty if nobody is.
func (w *world) lands(identifier string) string {
	w.Helper()
	b := w.browser()
	r := b.submit(b.begin(), "username", identifier, "password", good)
	if r.status != http.StatusSeeOther {
		return ""
	}
	b.finish(r)
	return w.newest("s").UserID
}

// People log in with whatever identifies them, however they write a telephone number.
func TestLoginByAnyIdentifier(t *testing.T) {
	each(t, func(w *world) {
		w.knownBy(allThree, "")
		mail, phone, name := w.signedUp(`"email":"eve@example.com"`), w.signedUp(`"phone_number":"+49 (151) 2345-6789"`), w.signedUp(`"username":"Grace"`)
		for typed, want := range map[string]string{
			" EVE@example.com ": mail, "+4915123456789": phone, "0049 151 23456789": phone, "grace": name, "nobody": "", "+4915123456780": "",
		} {
			if got := w.lands(typed); got != want {
				w.Errorf("%q: %q, want %q", typed, got, want)
			}
		}
		b := w.browser()
		page := b.begin().says("Email, phone number or username", "Phone numbers with the country code")
		b.submit(page, "username", "", "password", "").want(http.StatusBadRequest).says("Enter what you log in with.")
		b.submit(page, "username", "eve@example.com", "password", "wrong").want(http.StatusBadRequest).says("Wrong login details or password.")

		const realm = "http://auth0.com/oauth/grant-type/password-realm"
		w.signs()
		w.grants("app", realm)
		for _, typed := range []string{"eve@example.com", "0049 151 23456789", "GRACE"} {
			b.json("/oauth/token", `{"grant_type":"`+realm+`","realm":"Users","client_id":"app","username":"`+typed+`","password":"`+good+`"}`).want(http.StatusOK)
		}

		w.setting(stagedoor.SettingPrompts, `{"identifier_first":true}`)
		b = w.browser()
		page = b.submit(b.begin(), "username", "0049 151 23456789").want(http.StatusOK).says("0049 151 23456789")
		b.finish(b.submit(page, "password", good))
		if got := w.newest("s").UserID; got != phone {
			w.Errorf("in two steps: %s", got)
		}
	})
}

// Where a text names two people, the connection's order says who is meant; what does not identify is not looked at.
func TestPrecedenceOfIdentifiers(t *testing.T) {
	each(t, func(w *world) {
		w.knownBy(allThree, "")
		mail, phone := w.signedUp(`"email":"eve@example.com"`), w.signedUp(`"phone_number":"+4915123456789"`)
		likeMail, likePhone := w.signedUp(`"username":"eve@example.com"`), w.signedUp(`"username":"+4915123456789"`)
		for precedence, want := range map[string][2]string{
			"": {mail, phone}, `["username","phone_number","email"]`: {likeMail, likePhone}, `["phone_number","username","email"]`: {likeMail, phone},
		} {
			w.knownBy(allThree, precedence)
			if got := [2]string{w.lands("eve@example.com"), w.lands("+4915123456789")}; got != want {
				w.Errorf("%s: %v, want %v", precedence, got, want)
			}
		}
		w.knownBy(`{"email":{"identifier":{"active":false},"signup":{"status":"optional"}},"username":{"identifier":{"active":true},"validation":{"allowed_types":{"email":true}}}}`, "")
		if got := w.lands("+4915123456789"); got != likePhone {
			w.Errorf("a number that identifies nobody logs in %s", got)
		}
		if got := w.lands("eve@example.com"); got != likeMail {
			w.Errorf("an address that identifies nobody logs in %s", got)
		}
		if got := w.lands("ada@example.com"); got != "" {
			w.Errorf("an address that identifies nobody logs in %s", got)
		}
		w.browser().begin().says("Username").hides("Email address")
	})
}

// The sign-up takes what the connection asks for, wants what it requires, and refuses the rest.
func TestSignupByAttributes(t *testing.T) {
	each(t, func(w *world) {
		w.knownBy(`{"email":{"identifier":{"active":false},"signup":{"status":"optional"}},"phone_number":{"identifier":{"active":true},"signup":{"status":"required"}}}`, "")
		b := w.browser()
		page := b.begin("screen_hint", "signup").says("Email address (optional)", "Phone number", "With the country code").hides("Username")
		b.submit(page, "password", good).want(http.StatusBadRequest).says("Enter your phone number.")
		b.submit(page, "phone_number", "0151 1", "password", good).want(http.StatusBadRequest).says("Enter a phone number with its country code")
		b.finish(b.submit(page, "phone_number", "+49 151 1", "password", good).want(http.StatusSeeOther))
		u, err := w.st.User(w.Context(), w.newest("s").UserID)
		w.ok(err)
		if u.PhoneNumber != "+491511" || u.PhoneVerified || u.Email != "" || len(w.mails()) != 0 {
			w.Errorf("signed up as %+v, %d mails", u, len(w.mails()))
		}
		w.configure(func(s *stagedoor.TenantSettings) { s.Flags[stagedoor.FlagSignupUserExists] = true })
		b = w.browser()
		page = b.begin("screen_hint", "signup")
		b.submit(page, "phone_number", "0049 1511", "password", good).want(http.StatusBadRequest).says("There is an account for this phone number already.")
		w.configure(func(s *stagedoor.TenantSettings) { s.Flags[stagedoor.FlagSignupUserExists] = false })
		b.submit(page, "phone_number", "0049 1511", "password", good).want(http.StatusBadRequest).says("We could not create this account.")

		sign := func(members string) *reply {
			return w.browser().json(signupPath, `{"client_id":"app","connection":"Users","password":"`+good+`",`+members+`}`)
		}
		sign(`"email":"x@example.com"`).want(400).is(badRequest("invalid_signup", "The telephone number is missing."))
		sign(`"phone_number":"+1","username":"x"`).want(400).is(badRequest("invalid_signup", "This connection has no usernames."))
		sign(`"phone_number":"12"`).want(400).is(badRequest("invalid_signup", `String does not match pattern: ^\+[0-9]{1,15}$`))
		sign(`"phone_number":"+49 1511"`).want(400).is(badRequest("invalid_signup", "Invalid sign up"))
		r := sign(`"phone_number":"+1 (2) 3"`).want(200)
		if !strings.HasSuffix(r.body, `","phone_verified":false,"phone_number":"+123"}`) {
			w.Errorf("answered %s", r.body)
		}
		sign(`"phone_number":"+1234","email":"with@example.com"`).want(200)
		if mails := w.mails(); len(mails) != 1 || mails[0].To != "with@example.com" {
			w.Errorf("mails %+v", mails)
		}
		w.knownBy(`{"email":{"identifier":{"active":true},"signup":{"status":"required","verification":{"active":false}}}}`, "")
		sign(`"email":"quiet@example.com"`).want(200)
		if mails := w.mails(); len(mails) != 1 {
			w.Errorf("a mail that nobody wants: %+v", mails[0])
		}
		w.knownBy(allThree, "")
		sign(`"email":""`).want(400).is(badRequest("invalid_signup", "One of these is needed: email, phone_number, username."))
		b = w.browser()
		b.submit(b.begin("screen_hint", "signup"), "password", good).want(http.StatusBadRequest).says("Enter at least one of these")
		w.knownBy(`{"email":{"identifier":{"active":true},"signup":{"status":"inactive"}},"username":{"identifier":{"active":true},"signup":{"status":"required"}}}`, "")
		sign(`"email":"x@example.com","username":"xx"`).want(400).is(badRequest("invalid_signup", "Who signs up to this connection gives no e-mail address."))
		sign(`"username":"+491511"`).want(400).is(badRequest("invalid_signup", "The username is not valid."))
		sign(`"username":"xx"`).want(200)
	})
}

// Attack: who is refused by one way to write a telephone number tries the next.
func TestGuessesAtOneNumberCountTogether(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.knownBy(allThree, "")
	w.signedUp(`"phone_number":"+4915123456789"`)
	b := w.browser()
	page := b.begin()
	var r *reply
	for i := range 11 {
		r = b.submit(page, "username", "+49151 2345"+strings.Repeat(" ", i)+"6789", "password", "wrong")
	}
	r.want(http.StatusTooManyRequests)
}

// An old database takes no telephone numbers, as ever.
func TestOldDatabasesHaveNoNumbers(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	id := w.signedUp(`"email":"eve@example.com","phone_number":"+4915123456789"`)
	if u, err := w.st.User(t.Context(), id); err != nil || u.PhoneNumber != "" {
		t.Errorf("%+v %v", u, err)
	}
	if got := w.lands("+4915123456789"); got != "" {
		t.Error(got)
	}
	w.browser().begin("screen_hint", "signup").hides("Phone number")
}

// Where people may not reset their passwords themselves, no page offers it and no request does it.
func TestNoSelfServicePasswords(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.options(func(o *stagedoor.ConnectionOptions) {
		o.Stored = map[string]json.RawMessage{"disable_self_service_change_password": json.RawMessage(`true`)}
	})
	b := w.browser()
	page := b.begin().hides("Forgot your password?")
	action, _ := page.form()
	for _, path := range []string{"/u/forgot?" + strings.Split(action, "?")[1], "/u/forgot"} {
		b.get(path).want(http.StatusBadRequest).says("People do not reset their passwords themselves here.")
		b.post(path, url.Values{"email": {"ada@example.com"}}).want(http.StatusBadRequest)
	}
	b.json(changePath, `{"client_id":"app","connection":"Users","email":"ada@example.com"}`).want(400).
		is(badRequest("change_password_disabled", "People do not reset their passwords themselves here. Ask the people who run the site."))
	if len(w.mails()) != 0 {
		t.Errorf("mails %+v", w.mails())
	}
}
