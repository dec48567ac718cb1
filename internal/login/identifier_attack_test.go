package login_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/ui"
)

// Attack: a program asks for codes by the button for another code, which wants no proof of a person.
func TestResendIsNoWayAroundTheProof(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.knownBy(byCodes, "")
	w.setting(stagedoor.SettingBotDetection, `{"bot_detection_level":"low","challenge_password_reset_policy":"always"}`)
	b := w.browser()
	page := b.get("/u/forgot").want(http.StatusOK)
	b.submit(page, "email", "ada@example.com", "resend", "1").want(http.StatusBadRequest).says("Please confirm that you are not a program")
	if mails := w.mails(); len(mails) != 0 {
		t.Fatalf("a mail came: %+v", mails)
	}
	b.submit(page, page.solve("email", "ada@example.com")...).want(http.StatusOK).says("Enter your code")
	b.submit(page, "email", "ada@example.com", "resend", "1").want(http.StatusOK).says("Enter your code")
	b.submit(page, "email", "bob@example.com", "resend", "1").want(http.StatusBadRequest).says("Please confirm")
	if mails := w.mails(); len(mails) != 2 {
		t.Errorf("%d mails", len(mails))
	}
	_, code := w.sentTo() // which ends what was asked for
	b.post("/u/forgot/code", map[string][]string{"email": {"ada@example.com"}, "code": {code}}).want(http.StatusSeeOther)
	b.submit(page, "email", "ada@example.com", "resend", "1").want(http.StatusBadRequest).says("Please confirm")
}

// Attack: the code to choose another password went to an address, or a number, that is the person's no longer.
func TestResetCodeToWhatIsNoLongerTheirs(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.knownBy(allThree, "")
	id := w.signedUp(`"email":"eve@example.com","phone_number":"+4915123456789"`)
	w.knownBy(byCodes, "")
	for typed, change := range map[string]func(*stagedoor.User){
		"eve@example.com": func(u *stagedoor.User) { u.Email = "new@example.com" }, "+4915123456789": func(u *stagedoor.User) { u.PhoneNumber = "+491" },
	} {
		b := w.browser()
		page := b.submit(b.get("/u/forgot"), "email", typed).want(http.StatusOK)
		to, code := w.sentTo()
		if to != typed {
			t.Fatalf("sent to %s", to)
		}
		_, err := w.st.UpdateUser(t.Context(), id, func(u *stagedoor.User) error { change(u); return nil })
		w.ok(err)
		b.submit(page, "code", code).want(http.StatusBadRequest).says("This code does not work.")
	}
}

// A sign-up by passkey asks for a proof of a person where it begins, not once more where there is none.
func TestPasskeySignupAfterCodes(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.options(func(o *stagedoor.ConnectionOptions) {
		o.Stored = map[string]json.RawMessage{"attributes": json.RawMessage(byCodes), "authentication_methods": json.RawMessage(`{"passkey":{"enabled":true}}`), "passkey_options": json.RawMessage(`{}`)}
	})
	w.setting(stagedoor.SettingBotDetection, `{"bot_detection_level":"low","challenge_password_policy":"always"}`)
	b := w.browser()
	page := b.begin("screen_hint", "signup")
	page = b.onto(b.submit(page, page.solve("email", "grace@example.com")...))
	_, code := w.sentTo()
	page = b.onto(b.submit(page, "code", code)).says("Sign up with a passkey instead")
	page = b.submit(page, "passkey", "1").want(http.StatusOK).says("Create a passkey")
	b.finish(b.submit(page, "key", w.authenticator().becomes(page)).want(http.StatusSeeOther))
	if u := w.found("grace@example.com"); u == nil || !u.EmailVerified {
		t.Errorf("signed up as %+v", u)
	}
}

// Attack: who signs up while codes are switched on has begun when nothing was to be proved.
func TestSignupBegunBeforeCodes(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	const phones = `{"email":{"identifier":{"active":true}},"phone_number":{"identifier":{"active":true},"signup":{"status":"optional","verification":{"active":true}}}}`
	w.knownBy(phones, "")
	b := w.browser()
	page := b.onto(b.submit(b.begin("screen_hint", "signup"), "email", "new@example.com")).says("Create your account")
	w.knownBy(byCodes, "")
	b.submit(page, "password", good)
	if u := w.found("new@example.com"); u != nil {
		t.Errorf("signed up as %+v", u)
	}
}

// Attack: so many codes are guessed that the account is blocked. Its owner hears of it, and lifts the block.
func TestGuessedCodesAreTold(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.knownBy(byCodes, "")
	b := w.browser()
	var r *reply
	for range 4 {
		page := b.submit(b.get("/u/forgot"), "email", "ada@example.com").want(http.StatusOK)
		_, code := w.sentTo()
		for range 3 {
			r = b.submit(page, "code", other(code))
		}
	}
	r.want(http.StatusTooManyRequests)
	if mails := w.mails(); len(mails) != 5 || mails[0].Kind != string(ui.BlockedEmail) || mails[0].To != "ada@example.com" {
		t.Fatalf("mails %+v", mails)
	}
	b.get(w.link()).want(http.StatusOK)
	b.finish(b.submit(b.begin(), "username", "ada@example.com", "password", good).want(http.StatusSeeOther))
}

// Somebody whose account is blocked because of wrong passwords resets theirs by a code: it is what they do who have forgotten it.
func TestResetByCodeThroughABlock(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.knownBy(byCodes, "")
	b := w.browser()
	for range 11 {
		b.submit(b.begin(), "username", "ada@example.com", "password", "wrong")
	}
	b.submit(b.begin(), "username", "ada@example.com", "password", good).want(http.StatusTooManyRequests)
	page := b.submit(b.get("/u/forgot"), "email", "ada@example.com").want(http.StatusOK)
	_, code := w.sentTo()
	b.submit(page, "code", other(code)).want(http.StatusBadRequest)
	page = b.onto(b.submit(page, "code", code)).says("new password")
	b.submit(page, "password", "Another-Good-Passphrase-1").want(http.StatusOK)
	b.finish(b.submit(b.begin(), "username", "ada@example.com", "password", "Another-Good-Passphrase-1").want(http.StatusSeeOther))
}

// Where people are known by usernames alone, no page offers to send them something.
func TestNoResetForUsernamesAlone(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.knownBy(`{"username":{"identifier":{"active":true},"signup":{"status":"required"}}}`, "")
	b := w.browser()
	b.begin().hides("Forgot your password?")
	b.get("/u/forgot").want(http.StatusBadRequest).says("People do not reset their passwords themselves here.")
	b.get("/u/reset-password?ticket=none").want(http.StatusBadRequest).says("This link does not work").hides("Ask for a new link")
}

// An invitation that its maker hands on by themselves proves no address: who follows it is asked for a code.
func TestInvitationWithoutAMail(t *testing.T) {
	for mailed, says := range map[bool]string{true: "Create your account", false: "We have sent a code"} {
		w := newWorld(t, storetest.SQLite)
		w.knownBy(byCodes, "")
		o := w.organized("require", "no_prompt", nil)
		v := &stagedoor.Invitation{
			OrganizationID: o.ID, ClientID: "app", Inviter: "Grace", Invitee: "new@example.com", Ticket: stagedoor.NewClientID(), Mailed: mailed,
			CreatedAt: w.clock().UnixMilli(), ExpiresAt: w.clock().Add(time.Hour).UnixMilli(),
		}
		w.ok(w.st.CreateInvitation(t.Context(), v))
		b := w.browser()
		page := b.onto(b.submit(b.begin("organization", o.ID, "invitation", v.Ticket), "email", "new@example.com")).says(says)
		if !mailed {
			_, code := w.sentTo()
			page = b.onto(b.submit(page, "code", code))
		}
		b.finish(b.submit(page, "password", good))
		if u := w.found("new@example.com"); u == nil || !u.EmailVerified {
			t.Errorf("mailed %v: %+v", mailed, u)
		}
	}
}
