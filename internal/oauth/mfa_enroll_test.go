package oauth

import (
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

type associated struct {
	Kind     string   `json:"authenticator_type"`
	Secret   string   `json:"secret"`
	OOB      string   `json:"oob_code"`
	Recovery []string `json:"recovery_codes"`
}

// withApp gives ada an app, and returns an access token for the MFA API for which she gave its code.
func (w *world) withApp(scope string) *tokenAnswer {
	w.Helper()
	w.sendsCodes("otp", "sms")
	w.noRules()
	w.passwords(spa)
	ok(w, w.st.AddAuthenticationMethods(w.Context(), ada, []*stagedoor.AuthenticationMethod{{Type: "totp", Secret: "JBSWY3DPEHPK3PXP"}, {Type: "recovery-code", Secret: "x"}}, false))
	waits := w.byPassword(spa, "audience", mfaAudience, "scope", scope).mfaRequired(`{"challenge":[{"type":"otp"},{"type":"recovery-code"}]}`)
	return w.mfa(otpGrant, waits, "otp", w.otp("JBSWY3DPEHPK3PXP")).good()
}

// Who gave a factor for an access token adds others with it: Authentication API fact sheet 6.11.
func TestEnrollBesideAnother(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		got := w.withApp("enroll read:authenticators")
		same(t, "scope", got.Scope, "enroll read:authenticators")
		confirm := func(grant string, more ...string) *tokenAnswer { return w.mfa(grant, got.AccessToken, more...) }
		confirm(otpGrant, "otp", w.otp("JBSWY3DPEHPK3PXP")).bad(403, "invalid_grant", "Malformed mfa_token") // nothing was begun

		var sms associated
		w.bearing("POST", "/mfa/associate", got.AccessToken, `{"authenticator_types":["oob"],"oob_channels":["sms"],"phone_number":"+4915123456789"}`).json(200, &sms)
		if sms.Kind != "oob" || sms.OOB == "" || sms.Recovery != nil { // she has one
			t.Errorf("%+v", sms)
		}
		code := w.texted()
		confirm(oobGrant, "oob_code", sms.OOB, "binding_code", "000000").bad(403, "invalid_grant", "Invalid binding_code.")
		again := confirm(oobGrant, "oob_code", sms.OOB, "binding_code", code).good()
		same(t, "scope of the next", again.Scope, "enroll read:authenticators")

		var app associated
		w.bearing("POST", "/mfa/associate", got.AccessToken, `{"authenticator_types":["otp"]}`).json(200, &app) // the token goes on working
		var list []map[string]any
		w.bearing("GET", "/mfa/authenticators", got.AccessToken, "").json(200, &list)
		if len(list) != 4 || list[3]["active"] != false {
			t.Errorf("%v", list)
		}
		w.logged()
		confirm(otpGrant, "otp", w.otp(app.Secret)).good()
		w.wantLog("gd_enrollment_complete", "seotpft")
		all, err := w.st.AuthenticationMethods(t.Context(), ada)
		ok(t, err)
		if len(all) != 4 {
			t.Errorf("%+v", all)
		}
		w.pass(10 * time.Minute)
		w.read(w.bearing("POST", "/mfa/associate", got.AccessToken, `{"authenticator_types":["otp"]}`)).bad(401, "expired_token", "The token is expired.")
	})
}

// The first factor comes by an access token, too: nobody could ask for another one.
func TestEnrollTheFirst(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.sendsCodes("otp")
	w.noRules()
	w.passwords(spa)
	got := w.byPassword(spa, "audience", mfaAudience, "scope", "enroll").good()
	var app associated
	w.bearing("POST", "/mfa/associate", got.AccessToken, `{"authenticator_types":["otp"]}`).json(200, &app)
	if len(app.Recovery) != 1 {
		t.Errorf("%+v", app)
	}
	w.mfa(otpGrant, got.AccessToken, "otp", w.otp(app.Secret)).good()
	w.mfa(otpGrant, got.AccessToken, "otp", w.otp(app.Secret)).bad(403, "invalid_grant", "Malformed mfa_token")
}

// A token for which the password alone was given adds no factor beside one that was set up since, whether it began before or after that.
func TestAttackEnrollByTokenFromBeforeTheFactor(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.sendsCodes("otp", "sms")
	w.noRules()
	w.passwords(spa)
	early := w.byPassword(spa, "audience", mfaAudience, "scope", "enroll").good().AccessToken
	var app associated
	w.bearing("POST", "/mfa/associate", early, `{"authenticator_types":["otp"]}`).json(200, &app)
	w.pass(5 * time.Second)
	ok(t, w.st.AddAuthenticationMethods(t.Context(), ada, []*stagedoor.AuthenticationMethod{{Type: "phone", PhoneNumber: "+4915123456789", Preferred: "sms"}}, false))
	w.mfa(otpGrant, early, "otp", w.otp(app.Secret)).bad(403, "access_denied", "User is already enrolled.")
	w.read(w.bearing("POST", "/mfa/associate", early, `{"authenticator_types":["otp"]}`)).bad(401, "invalid_token", "The token is older than the authenticator. Please log in again.")
	all, err := w.st.AuthenticationMethods(t.Context(), ada)
	ok(t, err)
	if len(all) != 1 {
		t.Errorf("%+v", all)
	}
}

// An access token that sets a factor up is no mfa_token: codes of what is there bring no tokens with it, and nothing is sent for it. Nor does one do that is
// without the scope, or from before all access of the person ended.
func TestAttackAccessTokenAsMFAToken(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	got := w.withApp("enroll")
	var app associated
	w.bearing("POST", "/mfa/associate", got.AccessToken, `{"authenticator_types":["otp"]}`).json(200, &app)
	w.read(w.browser().post("/mfa/challenge", values("client_id", spa, "mfa_token", got.AccessToken))).bad(403, "invalid_grant", stagedoor.AsError(errForEnrolment()).Message)
	w.mfa(recoveryGrant, got.AccessToken, "recovery_code", "ABCDEFGHIJKLMNOPQRSTUVWX").bad(403, "invalid_grant", stagedoor.AsError(errForEnrolment()).Message)
	w.mfa(otpGrant, got.AccessToken, "otp", w.otp("JBSWY3DPEHPK3PXP")).bad(403, "invalid_grant", "Invalid otp_code.")
	waits := w.byPassword(spa, "audience", mfaAudience, "scope", "read:authenticators").mfaRequired(`{"challenge":[{"type":"otp"},{"type":"recovery-code"}]}`)
	w.read(w.bearing("POST", "/mfa/associate", waits, `{"authenticator_types":["otp"]}`)).bad(403, "access_denied", "User is already enrolled.")
	reads := w.mfa(otpGrant, waits, "otp", w.otp("JBSWY3DPEHPK3PXP")).good().AccessToken
	w.read(w.bearing("POST", "/mfa/associate", reads, `{"authenticator_types":["otp"]}`)).bad(403, "insufficient_scope", "Insufficient scope, expected: enroll")
	w.pass(2 * time.Second)
	ok(t, w.st.EndAccess(t.Context(), ada, stagedoor.LogoutPassword))
	w.mfa(otpGrant, got.AccessToken, "otp", w.otp(app.Secret)).bad(403, "invalid_grant", "Malformed mfa_token")
	w.read(w.bearing("POST", "/mfa/associate", got.AccessToken, `{"authenticator_types":["otp"]}`)).
		bad(401, "invalid_token", "The token is from before all access of the user ended. Please log in again.")
}
