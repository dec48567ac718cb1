package oauth

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

const oobGrant = "http://auth0.com/oauth/grant-type/mfa-oob"

// sendsCodes has codes of second factors kept: those of mails in the function that it returns, those of phones in the development inbox.
func (w *world) sendsCodes(factors ...string) (mailed func() string) {
	w.Helper()
	ok(w, w.st.ChangeSetting(w.Context(), mfa.SettingFactors, func(m map[string]any) error {
		for _, name := range factors {
			m[name] = true
		}
		return nil
	}))
	w.client(spa, func(c *stagedoor.Client) { c.GrantTypes = append(c.GrantTypes, oobGrant, otpGrant, recoveryGrant) })
	w.rule(`function (user, context, callback) {
		if (context.protocol === 'oauth2-refresh-token') context.multifactor = {provider: 'any'};
		context.accessToken['https://app.test/methods'] = context.authentication.methods.map(m => m.name + ' ' + m.type).join();
		callback(null, user, context);
	}`)
	_, err := w.st.UpdateSettings(w.Context(), func(s *stagedoor.TenantSettings) error { s.Local.DevelopmentInbox = true; return nil })
	ok(w, err)
	last := ""
	w.pipe.MailFactorCode = func(_ context.Context, _ pipeline.Visit, m pipeline.FactorMail) error {
		if m.To != adaMail {
			return errors.New("to " + m.To)
		}
		last = m.Code
		return nil
	}
	return func() string { return last }
}

// texted is the code in the newest message to a phone.
func (w *world) texted() string {
	w.Helper()
	mails, err := w.st.Mails(w.Context())
	ok(w, err)
	for _, word := range strings.FieldsFunc(mails[0].Text, func(r rune) bool { return r < '0' || r > '9' }) {
		if len(word) == 6 {
			return word
		}
	}
	w.Fatalf("no code in %q", mails[0].Text)
	return ""
}

type oobAnswer struct {
	Type    string   `json:"authenticator_type"`
	Channel string   `json:"oob_channel"`
	Code    string   `json:"oob_code"`
	Binding string   `json:"binding_method"`
	Codes   []string `json:"recovery_codes"`
	Kind    string   `json:"challenge_type"`
}

// Codes to a phone and by mail, through the MFA API: Authentication API fact sheet 4.6 and 6.11.
func TestRefreshWithSentCode(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		mailed := w.sendsCodes("sms")
		w.rotating(spa, nil)
		first := w.offline(spa)
		token := w.refresh(spa, first.RefreshToken).mfaRequired(`{"enroll":[{"type":"phone"}]}`)
		associate := func(body string) *answer { return w.bearing("POST", "/mfa/associate", token, body) }
		w.read(associate(`{"authenticator_types":["oob"],"oob_channels":["sms"]}`)).bad(400, "invalid_request", "Missing required parameter: phone_number")
		w.read(associate(`{"authenticator_types":["oob"],"oob_channels":["auth0"]}`)).bad(400, "unsupported_challenge_type", "The tenant has none of these authenticators enabled.")
		var a oobAnswer
		associate(`{"authenticator_types":["oob"],"oob_channels":["sms"],"phone_number":"+49 151 23456789"}`).json(200, &a)
		if a.Type != "oob" || a.Channel != "sms" || a.Binding != "prompt" || a.Code == "" || len(a.Codes) != 1 {
			t.Errorf("%+v", a)
		}
		w.mfa(oobGrant, token, "oob_code", a.Code).bad(400, "invalid_request", "Missing required parameter: binding_code")
		w.mfa(oobGrant, token, "oob_code", a.Code, "binding_code", "000000x").bad(403, "invalid_grant", "Invalid binding_code.")
		second := w.mfa(oobGrant, token, "oob_code", a.Code, "binding_code", w.texted()).good()
		same(t, "methods", w.claims(second.AccessToken)["https://app.test/methods"], "mfa phone")
		token = w.refresh(spa, second.RefreshToken).mfaRequired(`{"challenge":[{"type":"phone"},{"type":"recovery-code"}]}`)
		var list []map[string]any
		r := httptest.NewRequest("GET", "/mfa/authenticators", nil)
		r.Header.Set("Authorization", "bearer "+token) // RFC 9110 section 11.1: no case
		w.browser().do(r).json(200, &list)
		if len(list) != 2 || list[0]["authenticator_type"] != "oob" || list[0]["oob_channel"] != "sms" || list[0]["name"] != "XXXXXXXXXX6789" || !strings.HasPrefix(list[0]["id"].(string), "sms|dev_") {
			t.Errorf("authenticators %v", list)
		}
		ask := func(more ...string) *answer {
			return w.browser().post("/mfa/challenge", values(append([]string{"client_id", spa, "mfa_token", token}, more...)...))
		}
		w.read(ask("challenge_type", "otp")).bad(400, "unsupported_challenge_type", "The challenge type is not one that the user is enrolled with.")
		w.read(ask("authenticator_id", "sms|dev_0000000000000000")).bad(404, "invalid_request", "The authenticator is not one of the user's.")
		a = oobAnswer{}
		ask("challenge_type", "oob otp", "authenticator_id", list[0]["id"].(string)).json(200, &a)
		if a.Kind != "oob" || a.Binding != "prompt" {
			t.Errorf("%+v", a)
		}
		code := w.texted()
		w.pass(mfa.CodeLife)
		w.mfa(oobGrant, token, "oob_code", a.Code, "binding_code", code).bad(403, "expired_token", "oob_code is expired")
		ask().json(200, &a)
		third := w.mfa(oobGrant, token, "oob_code", a.Code, "binding_code", w.texted()).good()

		// The address of the person, once the tenant has that on: nothing has to be set up.
		err := w.st.ChangeSetting(t.Context(), mfa.SettingFactors, func(m map[string]any) error { m["sms"], m["email"] = false, true; return nil })
		ok(t, err)
		token = w.refresh(spa, third.RefreshToken).mfaRequired(`{"challenge":[{"type":"email"},{"type":"recovery-code"}]}`)
		ask("challenge_type", "oob").json(200, &a)
		w.mfa(oobGrant, token, "oob_code", a.Code, "binding_code", mailed()).good()
	})
}

// Codes are set up for who asks for them (oob), and whose client may take them, also where the tenant has no apps.
func TestAssociateWhatWasAskedFor(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.sendsCodes("sms")
	w.rotating(spa, nil)
	token := w.refresh(spa, w.offline(spa).RefreshToken).mfaRequired(`{"enroll":[{"type":"phone"}]}`)
	associate := func(types string) *tokenAnswer {
		return w.read(w.bearing("POST", "/mfa/associate", token, `{"authenticator_types":`+types+`,"oob_channels":["sms"],"phone_number":"+4915123456789"}`))
	}
	associate(`["otp"]`).bad(400, "unsupported_challenge_type", "The tenant has none of these authenticators enabled.")
	associate(`["recovery-code"]`).bad(400, "unsupported_challenge_type", "The tenant has none of these authenticators enabled.")
	w.client(spa, func(c *stagedoor.Client) {
		c.GrantTypes = slices.DeleteFunc(c.GrantTypes, func(g string) bool { return g == oobGrant })
	})
	associate(`["otp","oob"]`).bad(403, "unauthorized_client", "Grant type '"+oobGrant+"' not allowed for the client.")
}

// Somebody else's mfa_token, code or client does not fit.
func TestAttackCodeOfAnotherRequest(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	mailed := w.sendsCodes("email")
	first := w.offline(spa)
	start := func() (token, oob, code string) {
		t.Helper()
		token = w.refresh(spa, first.RefreshToken).mfaRequired(`{"challenge":[{"type":"email"}]}`)
		var a oobAnswer
		w.browser().post("/mfa/challenge", values("client_id", spa, "mfa_token", token)).json(200, &a)
		return token, a.Code, mailed()
	}
	token1, oob1, code1 := start()
	token2, oob2, code2 := start()
	w.mfa(oobGrant, token1, "oob_code", oob2, "binding_code", code2).bad(400, "invalid_request", "The oob_code doesn't match the mfa_token")
	if code1 != code2 {
		w.mfa(oobGrant, token2, "oob_code", oob2, "binding_code", code1).bad(403, "invalid_grant", "Invalid binding_code.")
	}
	w.client(site, func(c *stagedoor.Client) { c.GrantTypes = append(c.GrantTypes, oobGrant) })
	w.token(values("grant_type", oobGrant, "client_id", site, "client_secret", secret(site), "mfa_token", token1, "oob_code", oob1, "binding_code", code1)).
		bad(400, "invalid_request", "mfa_token not issued to this client")
	w.read(w.browser().post("/mfa/challenge", values("client_id", site, "client_secret", secret(site), "mfa_token", token1))).bad(400, "invalid_request", "mfa_token not issued to this client")
	w.mfa(oobGrant, token1, "oob_code", oob1, "binding_code", code1).good()
	w.mfa(oobGrant, token1, "oob_code", oob1, "binding_code", code1).bad(403, "invalid_grant", "Malformed mfa_token") // a replay
	w.mfa(oobGrant, token2, "oob_code", oob1, "binding_code", code1).bad(403, "expired_token", "oob_code is expired")
}

// Codes are guessed: five tries of one code, ten of all, and no more than ten codes are sent.
func TestAttackGuessedCodes(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	mailed := w.sendsCodes("email")
	first := w.offline(spa)
	token := w.refresh(spa, first.RefreshToken).mfaRequired(`{"challenge":[{"type":"email"}]}`)
	sent := func() (oob, code string) {
		t.Helper()
		var a oobAnswer
		w.browser().post("/mfa/challenge", values("client_id", spa, "mfa_token", token)).json(200, &a)
		return a.Code, mailed()
	}
	oob, code := sent()
	for range 5 {
		w.mfa(oobGrant, token, "oob_code", oob, "binding_code", "x").bad(403, "invalid_grant", "Invalid binding_code.")
	}
	w.mfa(oobGrant, token, "oob_code", oob, "binding_code", code).bad(403, "invalid_grant", "Invalid binding_code.") // spent
	oob, code = sent()
	for range 4 {
		w.mfa(oobGrant, token, "oob_code", oob, "binding_code", "x").bad(403, "invalid_grant", "Invalid binding_code.")
	}
	w.mfa(oobGrant, token, "oob_code", oob, "binding_code", code).bad(429, "too_many_attempts", "Too many wrong codes. Please wait a few minutes and try again.")
	for range 8 {
		sent()
	}
	w.read(w.browser().post("/mfa/challenge", values("client_id", spa, "mfa_token", token))).bad(429, "too_many_attempts", "Too many codes were sent. Please wait a few minutes and try again.")
	w.pass(6*time.Minute + time.Second)
	token = w.refresh(spa, first.RefreshToken).mfaRequired(`{"challenge":[{"type":"email"}]}`)
	oob, code = sent()
	w.mfa(oobGrant, token, "oob_code", oob, "binding_code", code).good()
}

// A code is on its way to a phone that is taken from its person, who has lost it: whoever found it does not get in. Nor does whoever reads an address that was changed.
func TestAttackCodeOfARemovedPhone(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		mailed := w.sendsCodes("sms")
		first := w.offline(spa)
		ok(t, w.st.AddAuthenticationMethods(t.Context(), ada, []*stagedoor.AuthenticationMethod{
			{Type: "phone", PhoneNumber: "+4915123456789", Preferred: "sms"}, {Type: "phone", PhoneNumber: "+4915100000000", Preferred: "sms"},
		}, false))
		all, err := w.st.AuthenticationMethods(t.Context(), ada)
		ok(t, err)
		ask := func(requirements string, more ...string) (token, oob string) {
			t.Helper()
			token = w.refresh(spa, first.RefreshToken).mfaRequired(requirements)
			var a oobAnswer
			w.browser().post("/mfa/challenge", values(append([]string{"client_id", spa, "mfa_token", token}, more...)...)).json(200, &a)
			return token, a.Code
		}
		token, oob := ask(`{"challenge":[{"type":"phone"}]}`, "authenticator_id", all[0].ID)
		code := w.texted()
		ok(t, w.st.DeleteAuthenticationMethod(t.Context(), ada, all[0].ID))
		w.mfa(oobGrant, token, "oob_code", oob, "binding_code", code).bad(403, "invalid_grant", "Invalid binding_code.")
		token, oob = ask(`{"challenge":[{"type":"phone"}]}`)
		w.mfa(oobGrant, token, "oob_code", oob, "binding_code", w.texted()).good()

		ok(t, w.st.DeleteAuthenticationMethod(t.Context(), ada, all[1].ID))
		ok(t, w.st.ChangeSetting(t.Context(), mfa.SettingFactors, func(m map[string]any) error { m["sms"], m["email"] = false, true; return nil }))
		token, oob = ask(`{"challenge":[{"type":"email"}]}`)
		_, err = w.st.UpdateUser(t.Context(), ada, func(u *stagedoor.User) error { u.Email = "new@example.com"; return nil })
		ok(t, err)
		w.mfa(oobGrant, token, "oob_code", oob, "binding_code", mailed()).bad(403, "invalid_grant", "Invalid binding_code.")
	})
}
