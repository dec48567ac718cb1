package oauth

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

const (
	otpGrant      = "http://auth0.com/oauth/grant-type/mfa-otp"
	recoveryGrant = "http://auth0.com/oauth/grant-type/mfa-recovery-code"
)

// wantsFactor makes a rule ask for a second factor in exchanges of refresh tokens, and lets the client give one.
func (w *world) wantsFactor() {
	w.Helper()
	ok(w, w.st.ChangeSetting(w.Context(), mfa.SettingFactors, func(m map[string]any) error { m["otp"] = true; return nil }))
	w.client(spa, func(c *stagedoor.Client) { c.GrantTypes = append(c.GrantTypes, otpGrant, recoveryGrant) })
	w.rule(`function (user, context, callback) {
		if (context.protocol === 'oauth2-refresh-token') context.multifactor = {provider: 'any'};
		context.accessToken['https://app.test/methods'] = context.authentication.methods.map(m => m.name + ' ' + m.type).join();
		callback(null, user, context);
	}`)
}

// mfaRequired is the answer of an exchange that needs a second factor.
func (a *tokenAnswer) mfaRequired(requirements string) string {
	a.t.Helper()
	a.bad(403, "mfa_required", "Multifactor authentication required")
	var body struct {
		Token        string          `json:"mfa_token"`
		Requirements json.RawMessage `json:"mfa_requirements"`
	}
	if err := json.Unmarshal(a.Body.Bytes(), &body); err != nil || body.Token == "" || string(body.Requirements) != requirements {
		a.t.Fatalf("%s, want %s", a.Body, requirements)
	}
	return body.Token
}

func (w *world) otp(secret string) string {
	w.Helper()
	w.pass(30 * time.Second)
	code, err := totp.GenerateCode(secret, w.clock())
	ok(w, err)
	return code
}

func (w *world) mfa(grant, token string, more ...string) *tokenAnswer {
	w.Helper()
	return w.token(values(append([]string{"grant_type", grant, "client_id", spa, "mfa_token", token}, more...)...))
}

// bearing sends a request with an mfa_token as its bearer token.
func (w *world) bearing(method, path, token, body string) *answer {
	w.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return w.browser().do(r)
}

func (a *answer) json(status int, into any) {
	a.t.Helper()
	if a.Code != status {
		a.t.Fatalf("%d %s, want %d", a.Code, a.Body, status)
	}
	ok(a.t, json.Unmarshal(a.Body.Bytes(), into))
}

// A refresh for another API that needs a second factor goes on for that API.
func TestSecondFactorForAnotherAPI(t *testing.T) {
	w := newWorld(t)
	w.tickets()
	w.wantsFactor()
	w.client(spa, func(c *stagedoor.Client) {
		c.RefreshToken.Policies = []stagedoor.RefreshTokenPolicy{{Audience: ticketAudience, Scope: []string{"read:tickets"}}}
	})
	const secret = "JBSWY3DPEHPK3PXP"
	ok(t, w.st.AddAuthenticationMethods(t.Context(), ada, []*stagedoor.AuthenticationMethod{{Type: "totp", Secret: secret}}, false))
	first := w.offline(spa)
	for audience, scope := range map[string]string{ticketAudience: "openid read:tickets", "": "openid email read:songs"} {
		want := []string{apiAudience, "https://acme.test/userinfo"}
		more := []string{"scope", scope}
		if audience != "" {
			want[0], more = audience, append(more, "audience", audience)
		}
		token := w.refresh(spa, first.RefreshToken, more...).mfaRequired(`{"challenge":[{"type":"otp"}]}`)
		got := w.mfa(otpGrant, token, "otp", w.otp(secret), "audience", "https://nothing.test/").good()
		claims := w.claims(got.AccessToken)
		same(t, audience, []any{claims["aud"], claims["scope"]}, []any{want, scope})
	}
}

// A refresh that needs a second factor: the person sets one up through the MFA API, and gives it in the next one.
func TestRefreshWithSecondFactor(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.wantsFactor()
		w.rotating(spa, nil)
		first := w.offline(spa)
		token := w.refresh(spa, first.RefreshToken).mfaRequired(`{"enroll":[{"type":"otp"}]}`)
		w.wantLog("mfar", "fertft")
		var list []map[string]any
		w.bearing("GET", "/mfa/authenticators", token, "").json(200, &list)
		if len(list) != 0 {
			t.Errorf("authenticators %v", list)
		}
		w.mfa(otpGrant, token, "otp", "123456").bad(403, "association_required", "User is not enrolled. You can use /mfa/associate endpoint to enroll the first authenticator.")
		w.read(w.browser().post("/mfa/challenge", values("client_id", spa, "mfa_token", token))).bad(403, "association_required", "User is not enrolled. You can use /mfa/associate endpoint to enroll the first authenticator.")
		w.read(w.bearing("POST", "/mfa/associate", token, `{"authenticator_types":["oob"],"oob_channels":["sms"]}`)).bad(403, "unauthorized_client", "Grant type '"+oobGrant+"' not allowed for the client.")
		w.read(w.bearing("POST", "/mfa/associate", "", `{"authenticator_types":["otp"]}`)).bad(401, "invalid_token", "Missing authorization header")
		w.read(w.bearing("POST", "/mfa/associate", first.AccessToken, `{"authenticator_types":["otp"]}`)).bad(401, "invalid_token", "The token is not an access token for the MFA API.")
		w.read(w.bearing("POST", "/mfa/associate", token, `{"authenticator_types":["otp"],"client_id":"other"}`)).bad(400, "invalid_request", "mfa_token not issued to this client")
		w.read(w.bearing("POST", "/mfa/associate", token, `[]`)).bad(400, "invalid_request", "The request body is not a valid JSON object.")
		var app struct {
			Type   string   `json:"authenticator_type"`
			Secret string   `json:"secret"`
			URI    string   `json:"barcode_uri"`
			Codes  []string `json:"recovery_codes"`
		}
		w.bearing("POST", "/mfa/associate", token, `{"authenticator_types":["otp"]}`).json(200, &app)
		if app.Type != "otp" || !strings.HasPrefix(app.URI, "otpauth://totp/acme:ada@example.com?") || !strings.Contains(app.URI, "secret="+app.Secret) || len(app.Codes) != 1 || len(app.Codes[0]) != 24 {
			t.Errorf("%+v", app)
		}
		w.bearing("GET", "/mfa/authenticators", token, "").json(200, &list)
		if len(list) != 1 || list[0]["active"] != false || list[0]["authenticator_type"] != "otp" {
			t.Errorf("authenticators %v", list)
		}
		w.mfa(otpGrant, token).bad(400, "invalid_request", "Missing required parameter: otp")
		w.mfa(otpGrant, token, "otp", "000000").bad(403, "invalid_grant", "Invalid otp_code.")
		w.logged()
		second := w.mfa(otpGrant, token, "otp", w.otp(app.Secret)).good()
		w.wantLog("gd_enrollment_complete", "seotpft")
		if second.RefreshToken == "" || second.RefreshToken == first.RefreshToken || second.Scope != first.Scope {
			t.Errorf("%s", second.Body)
		}
		if access, id := w.claims(second.AccessToken), w.claims(second.IDToken); access["https://app.test/methods"] != "mfa otp" || id["amr"] != nil {
			t.Errorf("claims %v %v", access, id)
		}
		w.mfa(otpGrant, token, "otp", w.otp(app.Secret)).bad(403, "invalid_grant", "Malformed mfa_token") // it works once
		w.logged()

		token = w.refresh(spa, second.RefreshToken).mfaRequired(`{"challenge":[{"type":"otp"},{"type":"recovery-code"}]}`)
		w.read(w.bearing("POST", "/mfa/associate", token, `{"authenticator_types":["otp"]}`)).bad(403, "access_denied", "User is already enrolled.")
		var kind map[string]any
		w.browser().post("/mfa/challenge", values("client_id", spa, "mfa_token", token, "challenge_type", "oob otp")).json(200, &kind)
		same(t, "challenge", kind["challenge_type"], "otp")
		w.read(w.browser().post("/mfa/challenge", values("client_id", spa, "mfa_token", token, "challenge_type", "oob"))).bad(400, "unsupported_challenge_type", "The challenge type is not one that the user is enrolled with.")
		w.bearing("GET", "/mfa/authenticators", token, "").json(200, &list)
		if len(list) != 2 {
			t.Errorf("authenticators %v", list)
		}
		w.mfa(recoveryGrant, token, "recovery_code", "AAAAAAAAAAAAAAAAAAAAAAAA").bad(403, "invalid_grant", "MFA Authorization rejected.")
		third := w.mfa(recoveryGrant, token, "recovery_code", app.Codes[0]).good()
		var next struct {
			Code string `json:"recovery_code"`
		}
		third.json(200, &next)
		if len(next.Code) != 24 || next.Code == app.Codes[0] {
			t.Errorf("%s", third.Body)
		}
		token = w.refresh(spa, third.RefreshToken).mfaRequired(`{"challenge":[{"type":"otp"},{"type":"recovery-code"}]}`)
		w.mfa(recoveryGrant, token, "recovery_code", app.Codes[0]).bad(403, "invalid_grant", "MFA Authorization rejected.")
		w.token(values("grant_type", otpGrant, "client_id", site, "client_secret", secret(site), "mfa_token", token, "otp", "123456")).
			bad(403, "unauthorized_client", "Grant type '"+otpGrant+"' not allowed for the client.")
		w.client(site, func(c *stagedoor.Client) { c.GrantTypes = append(c.GrantTypes, otpGrant) })
		w.token(values("grant_type", otpGrant, "client_id", site, "client_secret", secret(site), "mfa_token", token, "otp", "123456")).
			bad(400, "invalid_request", "mfa_token not issued to this client")
		w.pass(10 * time.Minute)
		w.mfa(otpGrant, token, "otp", w.otp(app.Secret)).bad(403, "expired_token", "mfa_token is expired")
		w.read(w.bearing("GET", "/mfa/authenticators", token, "")).bad(401, "expired_token", "mfa_token is expired")
	})
}

// An action that asks in its middle, and codes that run out.
func TestRefreshWithChallenge(t *testing.T) {
	w := newWorld(t)
	w.wantsFactor()
	w.noRules()
	w.postLogin(`if (event.transaction.protocol === 'oauth2-refresh-token') api.authentication.challengeWith({type: 'otp'});`)
	w.postLogin(`api.accessToken.setCustomClaim('https://app.test/methods', event.authentication.methods.map(m => m.name + ' ' + m.type).join());`)
	ok(t, w.st.AddAuthenticationMethods(t.Context(), ada, []*stagedoor.AuthenticationMethod{{Type: "totp", Secret: "JBSWY3DPEHPK3PXP"}}, false))
	first := w.offline(spa)
	token := w.refresh(spa, first.RefreshToken).mfaRequired(`{"challenge":[{"type":"otp"}]}`)
	second := w.mfa(otpGrant, token, "otp", w.otp("JBSWY3DPEHPK3PXP")).good()
	same(t, "methods", w.claims(second.AccessToken)["https://app.test/methods"], "mfa otp")
	token = w.refresh(spa, second.RefreshToken).mfaRequired(`{"challenge":[{"type":"otp"}]}`)
	for range 10 {
		w.mfa(otpGrant, token, "otp", "000000").bad(403, "invalid_grant", "Invalid otp_code.")
	}
	w.mfa(otpGrant, token, "otp", w.otp("JBSWY3DPEHPK3PXP")).bad(429, "too_many_attempts", "Too many wrong codes. Please wait a few minutes and try again.")
}

// An action wants somebody to set a factor up: who has just done so by the MFA API is let go on, and others are not.
func TestRefreshWithEnrollment(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.sendsCodes("otp")
	w.noRules()
	first := w.offline(spa)
	w.postLogin(`if (event.transaction.protocol === 'oauth2-refresh-token') api.authentication.enrollWith({type: 'otp'});`)
	token := w.refresh(spa, first.RefreshToken).mfaRequired(`{"enroll":[{"type":"otp"}]}`)
	var a struct{ Secret string }
	w.bearing("POST", "/mfa/associate", token, `{"authenticator_types":["otp"]}`).json(200, &a)
	w.mfa(otpGrant, token, "otp", w.otp(a.Secret)).good()
	w.pass(time.Minute)
	token = w.refresh(spa, first.RefreshToken).mfaRequired(`{"challenge":[{"type":"otp"},{"type":"recovery-code"}]}`)
	w.mfa(otpGrant, token, "otp", w.otp(a.Secret)).bad(403, "mfa_required", "Multifactor authentication required") // which is not what it wants
}

// Duo asks people on pages of its own: without a browser there is no way, and no other factor in its place.
func TestDuoTakesABrowser(t *testing.T) {
	w := newWorld(t)
	w.passwords(spa)
	ok(t, w.st.ChangeSetting(w.Context(), mfa.SettingFactors, func(m map[string]any) error { m["otp"] = true; return nil }))
	first := w.redeem(site, w.browser().login(request(site, "scope", "openid offline_access")).got().Get("code")).good()
	w.rule(`function (user, context, callback) { context.multifactor = {provider: 'duo', host: 'a.test', ikey: 'DIXXXXXXXXXXXXXXXXXX', skey: 's'.repeat(40)}; callback(null, user, context); }`)
	const why = "The second factor duo cannot be asked for: it takes a browser."
	w.byPassword(spa).bad(403, "access_denied", why)
	w.refresh(site, first.RefreshToken).bad(403, "access_denied", why)
}
