package login_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// passwordsOff switches passwords off, and other methods on.
func (w *world) passwordsOff(attributes, others string) {
	w.Helper()
	w.options(func(o *stagedoor.ConnectionOptions) {
		o.Stored = map[string]json.RawMessage{"authentication_methods": json.RawMessage(`{"password":{"enabled":false},` + others + `}`)}
		if attributes != "" {
			o.Stored["attributes"] = json.RawMessage(attributes)
		}
	})
}

// Where passwords are off, people sign up and log in by code, and no page and no request takes a password.
func TestPasswordsOffByCode(t *testing.T) {
	each(t, func(w *world) {
		w.knownBy(allThree, "")
		w.signedUp(`"email":"eve@example.com","username":"evening"`)
		w.passwordsOff(allThree, `"email_otp":{"enabled":true},"phone_otp":{"enabled":true}`)
		b := w.browser()
		first := b.begin().says("Continue").hides("Forgot your password?", `name="password"`)
		b.submit(first, "username", "evening").want(http.StatusBadRequest).says("We cannot send a code there.").hides(`name="password"`)
		page := b.onto(b.submit(first, "username", "eve@example.com")).says("Enter your code").hides("Use your password instead")
		_, code := w.sentTo()
		b.submit(first, "username", "eve@example.com", "password", good).want(http.StatusBadRequest).says("do not sign in with a password")
		action, _ := first.form()
		b.get(action + "&screen_hint=login&no_code=1").hides(`name="password"`)
		b.finish(b.submit(page, "code", code))

		b = w.browser()
		first = b.begin("screen_hint", "signup").hides(`name="password"`)
		b.submit(first, "username", "alone").want(http.StatusBadRequest).says("Enter at least one of these")
		page = b.onto(b.submit(first, "phone_number", "+49 1511")).says("+491511")
		_, code = w.sentTo()
		page = b.onto(b.submit(page, "code", code)).says("Create your account", "+491511").hides(`name="password"`)
		b.finish(b.submit(page, "password", good))
		u, err := w.st.UserByAttribute(w.Context(), "Users", stagedoor.AttributePhone, "+491511")
		w.ok(err)
		if hash, err := w.st.PasswordHash(w.Context(), u.ID); err == nil && hash != "" || !u.PhoneVerified {
			w.Errorf("signed up as %+v, hash %q", u, hash)
		}
		sessions, err := w.st.UserSessions(w.Context(), u.ID)
		w.ok(err)
		if len(sessions) != 1 || !sessions[0].Has("sms") || sessions[0].Has("pwd") {
			w.Errorf("sessions %+v", sessions)
		}

		b.json(signupPath, `{"client_id":"app","connection":"Users","email":"new@example.com","password":"`+good+`"}`).want(400).
			is(badRequest("invalid_signup", "Nobody signs up to this connection with a password."))
		b.json(changePath, `{"client_id":"app","connection":"Users","email":"eve@example.com"}`).want(400)
		b.get("/u/forgot").want(http.StatusBadRequest)
	})
}

// Attack: a link to choose a password that was sent before, or the form of a sign-up with a password, gives one where there are none.
func TestPasswordsOffLateForms(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	b := w.browser()
	b.post("/u/forgot", url.Values{"email": {"ada@example.com"}}).want(http.StatusOK)
	link := w.link()
	signup := b.begin("screen_hint", "signup")
	w.passwordsOff("", `"email_otp":{"enabled":true}`)
	b.get(link).want(http.StatusBadRequest)
	b.submit(signup, "email", "new@example.com", "password", good).want(http.StatusSeeOther)
	if w.found("new@example.com") != nil {
		t.Error("a user without a proof")
	}
}

// With passkeys alone the login page asks for nothing, and who signs up makes one.
func TestPasswordsOffByPasskey(t *testing.T) {
	each(t, func(w *world) {
		w.passwordsOff("", `"passkey":{"enabled":true}`)
		b := w.browser()
		b.begin().says("Continue with a passkey", "Passkeys need JavaScript").hides(`name="password"`, `name="username"`)
		page := b.begin("screen_hint", "signup").says("Continue with a passkey").hides(`name="password"`)
		b.submit(page, "email", "grace@example.com").want(http.StatusBadRequest).says("Enter at least one of these")
		asks := b.submit(page, "email", "grace@example.com", "passkey", "1").want(http.StatusOK).says("Create a passkey")
		d := w.authenticator()
		b.finish(b.follow(b.submit(asks, "key", d.becomes(asks)).want(http.StatusSeeOther)))
		other := w.browser()
		page = other.begin()
		other.finish(other.follow(other.passkey(page, d.signs(page))))
	})
}

// A switch from a time when it had no effect locks nobody out.
func TestPasswordsOffWithoutAnother(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.passwordsOff("", `"passkey":{"enabled":false}`)
	b := w.browser()
	b.finish(b.logIn())
}

// The last passkey stays where there is no other way in: no password, no code, no linked identity.
func TestOnlyPasskeyStays(t *testing.T) {
	w := accountWorld(t, storetest.SQLite)
	u := w.found("ada@example.com")
	passkey := func(name string) string {
		m := &stagedoor.AuthenticationMethod{Type: store.TypePasskey, Name: name, KeyID: name}
		w.ok(w.st.AddAuthenticationMethods(w.Context(), u.ID, []*stagedoor.AuthenticationMethod{m}, false))
		return m.ID
	}
	first := passkey("Laptop")
	b, page := w.onAccount("ada@example.com")
	w.passwordsOff("", `"passkey":{"enabled":true}`)
	b.press(page, "/account/factors/remove", first).want(http.StatusBadRequest).says("the only way into your account")
	second := passkey("Phone")
	page = b.onward(b.press(page, "/account/factors/remove", first)).says("removed", "Passkey Phone").hides("Passkey Laptop")
	b.press(page, "/account/factors/remove", second).want(http.StatusBadRequest)
	w.passwordsOff("", `"passkey":{"enabled":true},"email_otp":{"enabled":true}`)
	b.onward(b.press(page, "/account/factors/remove", second)).says("removed")
}
