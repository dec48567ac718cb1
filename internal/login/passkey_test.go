package login_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// passkeys lets people of the world's database sign in with passkeys.
func (w *world) passkeys(options string) {
	w.Helper()
	w.options(func(o *stagedoor.ConnectionOptions) {
		o.Stored = map[string]json.RawMessage{"authentication_methods": json.RawMessage(`{"passkey":{"enabled":true}}`), "passkey_options": json.RawMessage(options)}
	})
}

// becomes answers a page that wants a new passkey: the key learns whose it is.
func (d *authenticator) becomes(r *reply) string {
	d.Helper()
	o, err := virtualwebauthn.ParseAttestationOptions(r.options())
	d.ok(err)
	d.Options.UserHandle = []byte(o.UserID)
	return d.makes(r)
}

// passkey signs on the login page.
func (b *browser) passkey(page *reply, response string) *reply {
	b.Helper()
	action, form := page.form()
	form.Set("key", response)
	return b.post("/u/login/passkey?"+strings.Split(action, "?")[1], form)
}

// Who logs in with a password is offered a passkey, and logs in with it alone from then on.
func TestPasskeyInsteadOfPassword(t *testing.T) {
	each(t, func(w *world) {
		w.signs()

		w.passkeys(`{}`)
		b := w.browser()
		page := b.logIn(challenge()...).want(http.StatusOK).says("Create a passkey", "Not now")
		d := w.authenticator()
		b.submit(page, "key", "").want(http.StatusBadRequest).says("No key was used.")
		page = b.submit(page, "key", "{}").want(http.StatusBadRequest).says("This key does not work here.")
		b.finish(b.follow(b.submit(page, "key", d.becomes(page)).want(http.StatusSeeOther)))
		all, err := w.st.AuthenticationMethods(w.Context(), w.found("ada@example.com").ID)
		w.ok(err)
		if len(all) != 1 || all[0].Type != "passkey" || all[0].RelyingParty != "acme.test" || all[0].IdentityUserID == "" {
			w.Errorf("methods %+v", all)
		}
		other := w.browser()
		page = other.begin(challenge()...).says("Continue with a passkey")
		if !strings.Contains(page.body, `autocomplete="username webauthn"`) || !strings.Contains(page.body, `data-autofill="yes"`) {
			w.Errorf("no autofill: %s", page.body)
		}
		if claims := other.claims(other.follow(other.passkey(page, d.signs(page)).want(http.StatusSeeOther))); claims["sub"] != w.found("ada@example.com").ID || claims["amr"] != nil {
			w.Errorf("claims %v", claims)
		}
		sessions, err := w.st.UserSessions(w.Context(), w.found("ada@example.com").ID)
		w.ok(err)
		if !slices.ContainsFunc(sessions, func(s stagedoor.Session) bool { return s.Has("passkey") && !s.Has("pwd") }) {
			w.Errorf("sessions %+v", sessions)
		}
		third := w.browser()
		third.finish(third.logIn()) // not offered to who has one
		// A second factor is asked for behind a passkey as behind a password.
		w.factors(always, "otp")
		fourth := w.browser()
		page = fourth.begin()
		fourth.follow(fourth.passkey(page, d.signs(page))).says("Secure your account")
	})
}

func TestPasskeyNotNow(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.passkeys(`{"challenge_ui":"button"}`)
	b := w.browser()
	page := b.begin().says("Continue with a passkey")
	if strings.Contains(page.body, "webauthn\"") && strings.Contains(page.body, `data-autofill="yes"`) {
		w.Error("autofill, but only the button was wanted")
	}
	page = b.logIn().says("Create a passkey")
	b.finish(b.follow(b.submit(page, "skip", "1")))
	other := w.browser()
	other.finish(other.logIn()) // not asked again so soon
	w.wait(29 * 24 * time.Hour)
	other = w.browser()
	other.finish(other.logIn())
	w.wait(2 * 24 * time.Hour)
	third := w.browser()
	third.logIn().says("Create a passkey")
	w.passkeys(`{"progressive_enrollment_enabled":false,"challenge_ui":"autofill"}`)
	fourth := w.browser()
	fourth.begin().hides("Continue with a passkey")
	fourth.finish(fourth.logIn())
	w.options(func(o *stagedoor.ConnectionOptions) { o.Stored = nil })
	page = w.browser().begin()
	if strings.Contains(page.body, "webauthn") {
		w.Error("passkeys are off, but the page knows them")
	}
	b = w.browser()
	page = b.begin()
	b.passkey(page, "{}").want(http.StatusBadRequest)
}

// Attack: a passkey of somebody of another connection, and one from when the connection had them on, sign nobody in.
func TestAttackPasskeyOfAnotherConnection(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.passkeys(`{}`)
	b := w.browser()
	page := b.logIn().says("Create a passkey")
	d := w.authenticator()
	b.finish(b.follow(b.submit(page, "key", d.becomes(page)).want(http.StatusSeeOther)))

	w.options(func(o *stagedoor.ConnectionOptions) {})
	staff := &stagedoor.Connection{Name: "Staff", Strategy: w.conn.Strategy, EnabledClients: []string{"app"}, Options: w.conn.Options}
	w.ok(w.st.CreateConnection(t.Context(), staff))
	other := w.browser()
	page = other.begin("connection", "Staff").says("Continue with a passkey")
	other.passkey(page, d.signs(page)).want(http.StatusBadRequest).says("This key does not work here.")

	late := w.browser()
	page = late.begin()
	response := d.signs(page)
	w.options(func(o *stagedoor.ConnectionOptions) {
		o.Stored = map[string]json.RawMessage{"authentication_methods": json.RawMessage(`{"passkey":{"enabled":false}}`)}
	})
	late.passkey(page, response).want(http.StatusBadRequest)
	w.logs("passkey_challenge_failed")
}

// Somebody signs up without a password, and logs in.
func TestSignUpWithPasskey(t *testing.T) {
	each(t, func(w *world) {
		w.passkeys(`{}`)
		b := w.browser()
		page := b.begin("screen_hint", "signup").says("Sign up with a passkey instead")
		b.submit(page, "email", "nobody", "passkey", "1").want(http.StatusBadRequest).says("Enter an email address in the form")
		asks := b.submit(page, "email", "Grace@example.com", "password", "", "passkey", "1").want(http.StatusOK).says("Create a passkey").hides("Not now")
		d := w.authenticator()
		made := d.becomes(asks)
		end := b.follow(b.submit(asks, "key", made).want(http.StatusSeeOther))
		if q := b.finish(end); q.Get("code") == "" {
			w.Errorf("came back with %v", q)
		}
		u := w.found("grace@example.com")
		if hash, err := w.st.PasswordHash(w.Context(), u.ID); err == nil && hash != "" {
			w.Error("there is a password")
		}
		if !strings.Contains(w.events(), "ss") || len(w.mails()) != 1 {
			w.Errorf("events %s, %d mails", w.events(), len(w.mails()))
		}
		other := w.browser()
		page = other.begin()
		other.finish(other.follow(other.passkey(page, d.signs(page))))
		// The address is taken; the form is shown again.
		third := w.browser()
		page = third.begin("screen_hint", "signup")
		asks = third.submit(page, "email", "grace@example.com", "passkey", "1").want(http.StatusOK)
		third.submit(asks, "key", w.authenticator().makes(asks)).want(http.StatusBadRequest).says("We could not create this account.")
	})
}

// Scripts see what somebody has filled in who signs up with a passkey, on the page before.
func TestSignUpWithPasskeyShowsItsBody(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.passkeys(`{}`)
	w.action(script.PreUserRegistration, `exports.onExecutePreUserRegistration = async (event, api) => { api.access.deny(JSON.stringify(event.request.body)); };`)
	b := w.browser()
	asks := b.submit(b.begin("screen_hint", "signup"), "email", "Grace@example.com", "password", "never", "ulp-terms", "yes", "other", "x", "passkey", "1").want(http.StatusOK)
	b.submit(asks, "key", w.authenticator().becomes(asks)).want(http.StatusBadRequest)
	w.logs(`{\"email\":\"Grace@example.com\",\"ulp-terms\":\"yes\"}`)
}

// What a passkey cannot be used for.
func TestAttackPasskeyOfSomebodyElse(t *testing.T) {
	each(t, func(w *world) {
		w.passkeys(`{}`)
		ada, eve := w.found("ada@example.com"), w.user("eve@example.com")
		give := func(u *stagedoor.User, kind string) *authenticator {
			d := w.authenticator()
			keys := mfa.Keys{Store: w.st, Party: mfa.Party{ID: "acme.test", Name: "acme", Origins: []string{origin}, Verification: "required"}, Type: kind}
			options, err := keys.BeginNew(w.Context(), u, "test", w.clock().Add(time.Hour))
			w.ok(err)
			o, err := virtualwebauthn.ParseAttestationOptions(string(options))
			w.ok(err)
			d.Options.UserHandle = []byte(o.UserID)
			m, err := keys.New(w.Context(), u, "test", []byte(virtualwebauthn.CreateAttestationResponse(party, d.Authenticator, d.key, *o)))
			w.ok(err)
			_, err = w.st.AddFactor(w.Context(), u.ID, m, nil)
			w.ok(err)
			return d
		}
		hers, factor := give(eve, store.TypePasskey), give(ada, store.TypeRoaming)
		refused := func(what string, sign func(*reply) string) {
			w.Helper()
			b := w.browser()
			page := b.begin()
			b.passkey(page, sign(page)).want(http.StatusBadRequest).says("This key does not work here.")
			_ = what
		}
		refused("a second factor alone", factor.signs)
		refused("the handle of somebody else", func(r *reply) string {
			copied := *hers
			copied.Options.UserHandle = mfa.Handle(w.st, ada.ID)
			return copied.signs(r)
		})
		refused("no handle", func(r *reply) string {
			copied := *hers
			copied.Options.UserHandle = nil
			return copied.signs(r)
		})
		refused("held by nobody known", func(r *reply) string {
			copied := *hers
			copied.Options.UserNotVerified = true
			return copied.signs(r)
		})
		refused("a key that nobody has", func(r *reply) string {
			d := w.authenticator()
			d.Options.UserHandle = mfa.Handle(w.st, ada.ID)
			return d.signs(r)
		})
		// A challenge of another login, and of the same one again.
		one, two := w.browser(), w.browser()
		page, other := one.begin(), two.begin()
		signed := hers.signs(page)
		two.passkey(other, signed).want(http.StatusBadRequest)
		one.passkey(page, "x").want(http.StatusBadRequest)
		one.passkey(page, signed).want(http.StatusBadRequest)
		page = one.begin()
		one.finish(one.follow(one.passkey(page, hers.signs(page))))
		if !strings.Contains(w.events(), "passkey_challenge_failed") {
			w.Errorf("events %s", w.events())
		}
		// A form without the value that is bound to it.
		three := w.browser()
		page = three.begin()
		action, _ := page.form()
		three.post("/u/login/passkey?"+strings.Split(action, "?")[1], url.Values{"key": {hers.signs(page)}}).want(http.StatusBadRequest).says("pressed the back button")
	})
}
