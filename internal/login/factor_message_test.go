package login_test

import (
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
)

var (
	sixDigits   = regexp.MustCompile(`\b\d{6}\b`)
	eightDigits = regexp.MustCompile(`\b\d{8}\b`)
)

// sentCode is the code in the newest message.
func (w *world) sentCode() string {
	w.Helper()
	all := w.mails()
	if len(all) == 0 {
		w.Fatal("nothing was sent")
	}
	code := sixDigits.FindString(all[0].Text)
	if code == "" {
		w.Fatalf("no code in %q", all[0].Text)
	}
	return code
}

// Codes by phone: set up in a login, asked for in the next one; sent again, not too soon; another address of another login is of no use.
func TestCodesByPhone(t *testing.T) {
	each(t, func(w *world) {
		w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = true })
		w.factors(always, "sms")
		b := w.browser()
		page := b.logIn().want(http.StatusOK).says("A code that we send to your phone")
		b.submit(page, "phone_number", "123").want(http.StatusBadRequest).says("Enter a phone number with its country code")
		page = b.submit(page, "phone_number", "+49 (151) 23456789").want(http.StatusOK).says("Check your phone", "+4915123456789")
		b.submit(page, "code", "").want(http.StatusBadRequest).says("Enter the code.")
		b.submit(page, "code", "12").want(http.StatusBadRequest).says("This code does not work.")
		page = b.follow(b.submit(page, "code", w.sentCode()).want(http.StatusSeeOther)).says("Your recovery code")
		b.finish(b.submit(page, "noted", "1"))
		if m := w.session().Methods; m[1].Type != "phone" {
			w.Errorf("methods %+v", m)
		}
		other := w.browser()
		page = other.logIn().says("Check your phone", "XXXXXXXXXX6789", "Try another way")
		sent := len(w.mails())
		action, form := page.form()
		other.get(action) // loaded again: nothing is sent again
		if len(w.mails()) != sent {
			w.Error("a code was sent again when the page was loaded again")
		}
		first := w.sentCode()
		other.post(action+"&resend=1", form).says("Please wait a moment")
		w.wait(31 * time.Second)
		other.post(action+"&resend=1", form).want(http.StatusOK).hides("Please wait")
		if len(w.mails()) != sent+1 {
			w.Error("no other code was sent")
		}
		if second := w.sentCode(); first != second {
			other.submit(page, "code", first).want(http.StatusBadRequest).says("This code does not work.")
		}
		other.finish(other.follow(other.submit(page, "code", w.sentCode(), "remember", "1")))
		if !strings.Contains(w.events(), "gd_send_sms") {
			w.Errorf("events %s", w.events())
		}
	})
}

// Codes by mail go to the person's own address, once it is verified.
func TestCodesByMail(t *testing.T) {
	each(t, func(w *world) {
		w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = true })
		w.factors(always, "email")
		ada := w.found("ada@example.com")
		b := w.browser()
		b.logIn().says("A code that we send to your address") // to be set up
		_, err := w.st.UpdateUser(w.Context(), ada.ID, func(u *stagedoor.User) error { u.EmailVerified = true; return nil })
		w.ok(err)
		other := w.browser()
		page := other.logIn().says("Check your mail", "ad*@example.com")
		if m := w.mails()[0]; m.To != "ada@example.com" || !strings.Contains(m.Subject, "Your code for") || m.Kind != "mfa_oob_code" {
			w.Errorf("mail %+v", m)
		}
		stranger := w.browser()
		stolen := stranger.logIn()
		code := w.sentCode()
		if q := other.submit(page, "code", code); q.status == http.StatusSeeOther {
			w.Error("the code of another login was taken")
		}
		stranger.finish(stranger.follow(stranger.submit(stolen, "code", code)))
	})
}

// Who changes their mind about the number too soon is told where the code went: what they type is the code of the old number, and that is what
// they set up.
func TestCodeWentToTheOldNumber(t *testing.T) {
	each(t, func(w *world) {
		w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = true })
		w.factors(always, "sms")
		b := w.browser()
		page := b.logIn()
		b.submit(page, "phone_number", "+4915123456789").want(http.StatusOK).says("Check your phone", "+4915123456789")
		q := b.submit(page, "phone_number", "+4915199999999").want(http.StatusBadRequest).says("Please wait a moment", "+4915123456789").hides("+4915199999999")
		_, form := q.form()
		form.Set("phone_number", "+4915199999999") // a form of old, or of somebody's own making
		form.Set("code", "000000x")
		action, _ := q.form()
		b.post(action, form).want(http.StatusBadRequest).says("This code does not work.", "+4915123456789").hides("+4915199999999")
		b.follow(b.submit(q, "code", w.sentCode()).want(http.StatusSeeOther)).says("Your recovery code")
		all, err := w.st.AuthenticationMethods(w.Context(), w.found("ada@example.com").ID)
		w.ok(err)
		if all[0].PhoneNumber != "+4915123456789" {
			w.Errorf("%+v", all[0])
		}
	})
}

// A ticket for a phone, and one for an address: what the account page adds too.
func TestTicketForSentCodes(t *testing.T) {
	each(t, func(w *world) {
		w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = true })
		w.factors(nil, "sms", "email")
		u := w.found("ada@example.com")
		for _, c := range []struct{ kind, field, to, wrong string }{{"phone", "phone_number", "+4915123456789", "123"}, {"email", "email", "ada@home.example", "ada"}} {
			token := stagedoor.NewToken()
			w.ok(w.st.CreateTicket(w.Context(), token, &stagedoor.Ticket{Kind: stagedoor.TicketEnrollment, UserID: u.ID, Another: true, Factor: c.kind, ExpiresAt: w.clock().Add(time.Hour)}))
			b := w.browser()
			page := b.get("/u/mfa-enroll?ticket=" + token).want(http.StatusOK)
			b.submit(page, c.field, c.wrong).want(http.StatusBadRequest).says("Enter")
			code := b.submit(page, c.field, c.to).want(http.StatusOK).says(c.to)
			b.submit(page, c.field, "+4915100000000").want(http.StatusBadRequest) // too soon, or none
			b.submit(code, "code", "12").want(http.StatusBadRequest).says("This code does not work.", c.to)
			b.submit(code, "code", w.sentCode()).want(http.StatusOK).says("You are all set")
			b.get("/u/mfa-enroll?ticket=" + token).want(http.StatusBadRequest)
		}
		all, err := w.st.AuthenticationMethods(w.Context(), u.ID)
		w.ok(err)
		if len(all) != 3 || all[0].PhoneNumber+all[1].PhoneNumber+all[2].PhoneNumber != "+4915123456789" || all[0].Email+all[1].Email+all[2].Email != "ada@home.example" {
			w.Errorf("%+v", all)
		}
	})
}

// Whoever knows the password is asked to set up the first factor, waits until its person has set up theirs, and goes on with a number of their own.
func TestAttackNumberBesideTheApp(t *testing.T) {
	each(t, func(w *world) {
		w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = true })
		w.factors(always, "sms")
		thief := w.browser()
		page := thief.submit(thief.logIn(), "phone_number", "+4915100000000").want(http.StatusOK).says("Check your phone")
		code := w.sentCode()
		w.factors(always, "otp")
		w.enrolled()
		thief.follow(thief.submit(page, "code", code)).want(http.StatusOK).says("Enter the code that your authenticator app shows.")
		all, err := w.st.AuthenticationMethods(w.Context(), w.found("ada@example.com").ID)
		w.ok(err)
		for _, m := range all {
			if m.PhoneNumber != "" {
				w.Errorf("the thief's number: %+v", m)
			}
		}
	})
}

// A browser is remembered whatever it calls itself.
func TestRememberStrangeBrowser(t *testing.T) {
	each(t, func(w *world) {
		w.factors(always, "otp")
		secret, _ := w.enrolled()
		b := w.browser()
		action, form := b.logIn().form("code", w.code(secret), "remember", "1")
		b.post(action, form, "User-Agent", "Fire\xfffox").want(http.StatusSeeOther)
		all, err := w.st.RememberedBrowsers(w.Context(), w.found("ada@example.com").ID, time.Hour, 1000*time.Hour)
		if err != nil || len(all) != 1 || all[0].UserAgent != "Fire\ufffdfox" {
			w.Errorf("%+v %v", all, err)
		}
	})
}

// Codes are as long as the tenant wants them, and work as long; the tenant says whether browsers are remembered, and how long.
func TestRememberingAndCodesOfTheTenant(t *testing.T) {
	each(t, func(w *world) {
		set := func(name string, members map[string]any) {
			w.Helper()
			w.ok(w.st.ChangeSetting(w.Context(), name, func(m map[string]any) error { maps.Copy(m, members); return nil }))
		}
		w.rule(`function (user, context, cb) { context.multifactor = {provider: 'any'}; cb(null, user, context); }`)
		w.factors(nil, "email")
		_, err := w.st.UpdateUser(w.Context(), w.found("ada@example.com").ID, func(u *stagedoor.User) error { u.EmailVerified = true; return nil })
		w.ok(err)
		set(mfa.SettingCodes[mfa.Email], map[string]any{"otp_length": 8, "otp_expiration_time": 1800})
		set(mfa.SettingRemembering, map[string]any{"remember_me_default_value": true, "mfa_session_inactivity_timeout": 3600, "mfa_session_overall_timeout": 5 * 3600})

		b, again := w.browser(), []string{"prompt", "login"}
		page := b.logIn().want(http.StatusOK).says("Remember this browser for 5 hours")
		if !strings.Contains(page.body, ` autocomplete="off" checked>`) || !strings.Contains(page.body, ` size="8"`) {
			w.Errorf("page %s", page.body)
		}
		mail := w.mails()[0].Text
		code := eightDigits.FindString(mail)
		if code == "" || !strings.Contains(mail, "30 minutes") {
			w.Fatalf("mail %s", mail)
		}
		w.wait(29 * time.Minute)
		if wrong := b.submit(page, "code", "1").says("This code does not work."); strings.Contains(wrong.body, "checked>") { // it was unticked
			w.Errorf("page %s", wrong.body)
		}
		b.finish(b.submit(page, "code", code, "remember", "1"))
		for range 5 {
			w.wait(59 * time.Minute)
			if q := b.finish(b.logIn(again...)); q.Get("code") == "" {
				w.Errorf("asked again: %v", q)
			}
		}
		w.wait(10 * time.Minute) // five hours are over
		b.logIn(again...).says("Remember this browser for 5 hours")

		set(mfa.SettingRemembering, map[string]any{"display_remember_me_checkbox": false})
		page = b.logIn(again...).want(http.StatusOK).says("Check your mail").hides("Remember this browser")
		b.finish(b.submit(page, "code", eightDigits.FindString(w.mails()[0].Text), "remember", "1"))
		if all, err := w.st.RememberedBrowsers(w.Context(), w.found("ada@example.com").ID, time.Hour, time.Hour); err != nil || len(all) != 0 {
			w.Errorf("%d browsers are remembered, %v", len(all), err)
		}
	})
}
