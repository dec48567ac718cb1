package oauth

import (
	"net/url"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

const mfaAudience = "https://acme.test/mfa/"

func (w *world) remove(id, token string) *answer {
	w.Helper()
	return w.bearing("DELETE", "/mfa/authenticators/"+url.PathEscape(id), token, "")
}

// The authenticators by an access token of the MFA API: Authentication API fact sheet 6.11.
func TestRemoveAuthenticator(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.sendsCodes("otp", "sms")
		w.noRules()
		w.passwords(spa)
		ok(t, w.st.AddAuthenticationMethods(t.Context(), ada, []*stagedoor.AuthenticationMethod{
			{Type: "totp", Secret: "JBSWY3DPEHPK3PXP"}, {Type: "phone", PhoneNumber: "+4915123456789", Preferred: "sms"}, {Type: "recovery-code", Secret: "x"}, {Type: "passkey", KeyID: "x"},
		}, false))
		waits := w.byPassword(spa, "audience", mfaAudience, "scope", "openid offline_access read:authenticators remove:authenticators enroll read:current_user").
			mfaRequired(`{"challenge":[{"type":"otp"},{"type":"phone"},{"type":"recovery-code"}]}`)
		got := w.mfa(otpGrant, waits, "otp", w.otp("JBSWY3DPEHPK3PXP")).good()
		same(t, "scope", got.Scope, "openid read:authenticators remove:authenticators enroll")
		if c := w.claims(got.AccessToken); got.ExpiresIn != 600 || got.RefreshToken != "" {
			t.Errorf("%s %v", got.Body, c)
		}
		var list []map[string]any
		w.bearing("GET", "/mfa/authenticators", got.AccessToken, "").json(200, &list)
		if len(list) != 3 {
			t.Fatalf("%v", list)
		}
		w.read(w.remove("totp|dev_0000000000000000", got.AccessToken)).bad(404, "invalid_request", "The authenticator is not one of the user's.")
		w.logged()
		last := ""
		for _, one := range list {
			if one["authenticator_type"] == "recovery-code" {
				continue
			}
			last = one["id"].(string)
			if a := w.remove(last, got.AccessToken); a.Code != 204 || a.Body.Len() != 0 {
				t.Errorf("%d %s", a.Code, a.Body)
			}
		}
		w.wantLog("gd_unenroll", "gd_unenroll")
		w.read(w.remove(last, got.AccessToken)).bad(404, "invalid_request", "The authenticator is not one of the user's.")
		all, err := w.st.AuthenticationMethods(t.Context(), ada)
		ok(t, err)
		if len(all) != 1 || all[0].Type != "passkey" { // the recovery code stands in for nothing
			t.Errorf("%+v", all)
		}
		w.pass(10*time.Minute + time.Second)
		w.read(w.remove("x", got.AccessToken)).bad(401, "expired_token", "The token is expired.")
		got = w.byPassword(spa, "audience", mfaAudience, "scope", "remove:authenticators").good() // who has none gives none
		w.read(w.remove("x", got.AccessToken)).bad(404, "invalid_request", "The authenticator is not one of the user's.")
		ok(t, w.st.DeleteClient(t.Context(), spa))
		w.read(w.remove("x", got.AccessToken)).bad(401, "invalid_token", "The token is not an access token for the MFA API.")
	})
}

// Tokens that are good for something else take no factor away: an mfa_token, which the password alone brings; a token for another API, or without the
// scope; one that a password alone would bring.
func TestAttackRemoveFactorByPassword(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.sendsCodes("otp")
	w.noRules()
	w.passwords(spa)
	session := w.offline(spa)
	ok(t, w.st.AddAuthenticationMethods(t.Context(), ada, []*stagedoor.AuthenticationMethod{{Type: "totp", Secret: "JBSWY3DPEHPK3PXP"}}, false))
	all, err := w.st.AuthenticationMethods(t.Context(), ada)
	ok(t, err)
	id, refused := all[0].ID, "The token is not an access token for the MFA API."
	waits := w.byPassword(spa, "audience", mfaAudience, "scope", "read:authenticators").mfaRequired(`{"challenge":[{"type":"otp"}]}`)
	w.read(w.remove(id, "")).bad(401, "invalid_token", "Missing authorization header")
	w.read(w.remove(id, waits)).bad(401, "invalid_token", refused)
	w.read(w.remove(id, session.AccessToken)).bad(401, "invalid_token", refused)
	w.read(w.remove(id, session.IDToken)).bad(401, "invalid_token", refused)
	w.read(w.remove(id, w.byPassword(spa, "audience", apiAudience, "scope", "read:songs").good().AccessToken)).bad(401, "invalid_token", refused)
	w.read(w.bearing("GET", "/mfa/authenticators", session.IDToken, "")).bad(401, "invalid_token", refused)
	read := w.mfa(otpGrant, waits, "otp", w.otp("JBSWY3DPEHPK3PXP")).good()
	w.read(w.remove(id, read.AccessToken)).bad(403, "insufficient_scope", "Insufficient scope, expected: remove:authenticators")
	w.token(values("grant_type", "client_credentials", "client_id", machine, "client_secret", secret(machine), "audience", mfaAudience)).
		bad(403, "access_denied", "The resource server "+mfaAudience+" gives no tokens to clients in their own name.")
	w.rotating(spa, nil)
	session = w.offline(spa)
	w.client(spa, func(c *stagedoor.Client) { // a refresh token that reaches other APIs
		c.RefreshToken.Policies = []stagedoor.RefreshTokenPolicy{{Audience: mfaAudience, Scope: []string{"remove:authenticators"}}}
	})
	w.token(values("grant_type", "refresh_token", "client_id", spa, "refresh_token", session.RefreshToken, "audience", mfaAudience)).
		bad(403, "access_denied", "A second factor is needed for a token of the MFA API.")
	w.refresh(spa, session.RefreshToken).good() // the token was not used up by that
	if all, err := w.st.AuthenticationMethods(t.Context(), ada); err != nil || len(all) != 1 {
		t.Errorf("%+v %v", all, err)
	}
}

// Whoever knows the password gets a token while its person has no second factor, and waits until they set one up: it does not take that away.
func TestAttackTokenFromBeforeTheFactor(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.sendsCodes("otp")
	w.noRules()
	w.passwords(spa)
	early := w.byPassword(spa, "audience", mfaAudience, "scope", "remove:authenticators").good()
	w.pass(5 * time.Second)
	ok(t, w.st.AddAuthenticationMethods(t.Context(), ada, []*stagedoor.AuthenticationMethod{{Type: "totp", Secret: "JBSWY3DPEHPK3PXP"}}, false))
	all, err := w.st.AuthenticationMethods(t.Context(), ada)
	ok(t, err)
	w.read(w.remove(all[0].ID, early.AccessToken)).bad(401, "invalid_token", "The token is older than the authenticator. Please log in again.")
	waits := w.byPassword(spa, "audience", mfaAudience, "scope", "remove:authenticators").mfaRequired(`{"challenge":[{"type":"otp"}]}`)
	if a := w.remove(all[0].ID, w.mfa(otpGrant, waits, "otp", w.otp("JBSWY3DPEHPK3PXP")).good().AccessToken); a.Code != 204 {
		t.Errorf("%d %s", a.Code, a.Body)
	}
}

// An app's codes are no way once the tenant has switched that factor off: the request asks for another one, and that one alone goes on with it.
func TestAttackFactorThatIsSwitchedOff(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.sendsCodes("otp", "sms")
	ok(t, w.st.AddAuthenticationMethods(t.Context(), ada, []*stagedoor.AuthenticationMethod{
		{Type: "totp", Secret: "JBSWY3DPEHPK3PXP"}, {Type: "phone", PhoneNumber: "+4915123456789", Preferred: "sms"},
	}, false))
	first := w.offline(spa)
	ok(t, w.st.ChangeSetting(t.Context(), mfa.SettingFactors, func(m map[string]any) error { m["otp"] = false; return nil }))
	waits := w.refresh(spa, first.RefreshToken).mfaRequired(`{"challenge":[{"type":"phone"}]}`)
	w.mfa(otpGrant, waits, "otp", w.otp("JBSWY3DPEHPK3PXP")).bad(403, "invalid_grant", "MFA Authorization rejected.")
	ask := func(more ...string) *answer {
		return w.browser().post("/mfa/challenge", values(append([]string{"client_id", spa, "mfa_token", waits}, more...)...))
	}
	w.read(ask("challenge_type", "otp")).bad(400, "unsupported_challenge_type", "The challenge type is not one that the user is enrolled with.")
	var a oobAnswer
	ask().json(200, &a)
	w.mfa(oobGrant, waits, "oob_code", a.Code, "binding_code", w.texted()).good()
}
