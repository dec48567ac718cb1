package oauth

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
)

// passwords lets the client take people's passwords.
func (w *world) passwords(client string) {
	w.Helper()
	w.client(client, func(c *stagedoor.Client) {
		c.GrantTypes = append(c.GrantTypes, grantPassword, grantRealm, otpGrant, recoveryGrant)
	})
	w.settings(func(s *stagedoor.TenantSettings) { s.DefaultDirectory = "Users" })
}

func (w *world) byPassword(client string, more ...string) *tokenAnswer {
	w.Helper()
	pairs := []string{"grant_type", grantPassword, "client_id", client, "username", adaMail, "password", adaWord}
	if client != spa {
		pairs = append(pairs, "client_secret", secret(client))
	}
	return w.token(values(append(pairs, more...)...))
}

// A password for tokens: no session, no consent, rules run, and who names no scope gets all.
func TestPasswordGrant(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.byPassword(spa).bad(403, "unauthorized_client", "Grant type 'password' not allowed for the client.")
		w.client(spa, func(c *stagedoor.Client) { c.GrantTypes = append(c.GrantTypes, grantPassword) })
		w.byPassword(spa).bad(500, "server_error", "Authorization server not configured with default connection.")
		w.byPassword(spa, "realm", "Users", "scope", "openid").good() // official SDKs name one with this grant, too
		w.byPassword(spa, "realm", "Nowhere").bad(400, "invalid_request", "unknown realm: Nowhere")
		w.passwords(spa)
		w.rule(`function (user, context, callback) {
			context.accessToken['https://app.test/saw'] = [context.protocol, context.connection, context.stats.loginsCount, context.authentication.methods.map(m => m.name).join(), context.sessionID,
				context.request.body.username, context.request.body.password].map(String).join('|');
			context.idToken['https://app.test/name'] = user.user_metadata.displayName;
			callback(null, user, context);
		}`)
		w.logged()
		got := w.byPassword(spa, "audience", apiAudience).good()
		w.wantLog("sepft")
		same(t, "scope", got.Scope, "openid profile email address phone read:songs edit:songs")
		access, id := w.claims(got.AccessToken), w.claims(got.IDToken)
		same(t, "gty", access["gty"], "password")
		same(t, "sub", access["sub"], ada)
		same(t, "what rules saw", access["https://app.test/saw"], "oauth2-password|Users|2|pwd|undefined|"+adaMail+"|undefined")
		same(t, "claim", id["https://app.test/name"], "Countess")
		if got.RefreshToken != "" || id["sid"] != nil {
			t.Errorf("%s %v", got.Body, id)
		}
		if all, err := w.st.UserSessions(t.Context(), ada); err != nil || len(all) != 0 {
			t.Errorf("sessions %v %v", all, err)
		}
		got = w.byPassword(spa, "audience", apiAudience, "scope", "openid read:songs offline_access nonsense").good()
		same(t, "scope", got.Scope, "openid read:songs offline_access")
		w.refresh(spa, got.RefreshToken).good()
		got = w.byPassword(spa, "grant_type", grantRealm, "realm", "Users", "scope", "openid").good()
		same(t, "scope", got.Scope, "openid")
	})
}

// Where a database has no passwords no grant takes one.
func TestPasswordGrantWherePasswordsAreOff(t *testing.T) {
	w := newWorld(t)
	w.passwords(spa)
	w.noRules()
	conn, err := w.st.ConnectionByName(t.Context(), "Users")
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.st.UpdateConnection(t.Context(), conn.ID, func(c *stagedoor.Connection) error {
		c.Options.Stored = map[string]json.RawMessage{"authentication_methods": json.RawMessage(`{"password":{"enabled":false},"passkey":{"enabled":true}}`)}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.byPassword(spa).bad(400, "invalid_request", "invalid connection specified for password grant")
	w.byPassword(spa, "grant_type", grantRealm, "realm", "Users").bad(400, "invalid_request", "invalid connection specified for password grant")
}

// TestPasswordGrantRefused is the table of Authentication API fact sheet 4.5.
func TestPasswordGrantRefused(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.passwords(spa)
		w.passwords(site)
		w.noRules()
		w.logged()
		w.byPassword(spa, "password", "wrong").bad(403, "invalid_grant", "Wrong email or password.")
		w.wantLog("fp", "fepft")
		w.byPassword(spa, "username", "nobody@example.com").bad(403, "invalid_grant", "Wrong email or password.")
		w.wantLog("fu", "fepft")
		w.byPassword(spa, "username", "").bad(400, "invalid_request", "Missing required parameter: username")
		w.byPassword(spa, "password", "").bad(400, "invalid_request", "Missing required parameter: password")
		w.byPassword(spa, "grant_type", grantRealm).bad(400, "invalid_request", "Missing required parameter: realm")
		w.byPassword(spa, "grant_type", grantRealm, "realm", "Nowhere").bad(400, "invalid_request", "unknown realm: Nowhere")
		w.byPassword(spa, "audience", "https://nowhere.test/").bad(403, "access_denied", "Service not found: https://nowhere.test/")
		w.byPassword(site, "client_secret", "wrong").bad(401, "access_denied", "Unauthorized")
		w.logged()

		w.rule(`function (user, context, callback) { context.redirect = {url: 'https://app.test/more'}; callback(null, user, context); }`)
		w.byPassword(spa).bad(403, "interaction_required", "Interaction required")
		w.noRules()
		w.rule(`function (user, context, callback) { callback(new UnauthorizedError('not on Thursdays')); }`)
		w.byPassword(spa).bad(401, "unauthorized", "not on Thursdays")
		w.noRules()
		w.enable("Users", site)
		w.byPassword(spa).bad(400, "invalid_request", "the connection is not enabled")
		w.enable("Users", spa, site)
		_, err := w.st.UpdateUser(t.Context(), ada, func(u *stagedoor.User) error { yes := true; u.Blocked = &yes; return nil })
		ok(t, err)
		w.byPassword(spa).bad(401, "unauthorized", "user is blocked")
	})
}

// A second factor is asked for by a rule or by the tenant's policy, and given by the MFA grants.
func TestPasswordGrantWithSecondFactor(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.passwords(site)
		w.noRules()
		ok(t, w.st.ChangeSetting(t.Context(), mfa.SettingFactors, func(m map[string]any) error { m["otp"] = true; return nil }))
		w.rule(`function (user, context, callback) {
			context.multifactor = {provider: 'any'};
			context.accessToken['https://app.test/methods'] = context.authentication.methods.map(m => m.name).join() + '|' + context.stats.loginsCount + '|' + context.protocol;
			callback(null, user, context);
		}`)
		w.logged()
		token := w.byPassword(site, "audience", apiAudience, "scope", "openid read:songs offline_access").mfaRequired(`{"enroll":[{"type":"otp"}]}`)
		w.wantLog("mfar", "fepft")
		var app struct {
			Secret string `json:"secret"`
		}
		w.bearing("POST", "/mfa/associate", token, `{"authenticator_types":["otp"]}`).json(200, &app)
		give := func(client, token, code string) *tokenAnswer {
			return w.token(values("grant_type", otpGrant, "client_id", client, "client_secret", secret(client), "mfa_token", token, "otp", code))
		}
		give(site, token, "000000").bad(403, "invalid_grant", "Invalid otp_code.")
		got := give(site, token, w.otp(app.Secret)).good()
		same(t, "scope", got.Scope, "openid read:songs offline_access")
		access := w.claims(got.AccessToken)
		same(t, "what rules saw", access["https://app.test/methods"], "pwd,mfa|1|oauth2-password")
		same(t, "audience", access["aud"].([]any)[0], apiAudience)
		if got.RefreshToken == "" {
			t.Error("no refresh token")
		}
		give(site, token, w.otp(app.Secret)).bad(403, "invalid_grant", "Malformed mfa_token") // it works once
		token = w.byPassword(site).mfaRequired(`{"challenge":[{"type":"otp"},{"type":"recovery-code"}]}`)

		// Who is blocked or gone meanwhile gets nothing.
		_, err := w.st.UpdateUser(t.Context(), ada, func(u *stagedoor.User) error { yes := true; u.Blocked = &yes; return nil })
		ok(t, err)
		give(site, token, w.otp(app.Secret)).bad(401, "unauthorized", "user is blocked")
	})
}

// TestForwardedAddress: a client that the tenant trusts says for whose address it asks, and blocks are counted for that one.
func TestForwardedAddress(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.passwords(site)
		w.passwords(spa)
		w.noRules()
		trusted := func(c *stagedoor.Client) {
			c.Stored = map[string]json.RawMessage{"is_token_endpoint_ip_header_trusted": json.RawMessage("true")}
		}
		w.client(site, trusted)
		w.client(spa, trusted) // which does not prove itself
		ask := func(client, forwarded, password string) *answer {
			pairs := []string{"grant_type", grantPassword, "client_id", client, "username", adaMail, "password", password}
			if client != spa {
				pairs = append(pairs, "client_secret", secret(client))
			}
			r := httptest.NewRequest("POST", "/oauth/token", strings.NewReader(values(pairs...).Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Auth0-Forwarded-For", forwarded)
			return w.browser().do(r)
		}
		w.logged()
		for _, c := range []struct{ client, forwarded, want string }{
			{site, "203.0.113.7", "203.0.113.7"}, {site, "::ffff:203.0.113.7", "203.0.113.7"}, {site, "nonsense", "192.0.2.7"}, {spa, "203.0.113.7", "192.0.2.7"},
		} {
			if got := ask(c.client, c.forwarded, adaWord); got.Code != 200 {
				t.Fatalf("%d %s", got.Code, got.Body)
			}
			e := w.events()
			if last := e[len(e)-1]; !strings.HasPrefix(last.IP, c.want) {
				t.Errorf("%s %s: the log has %s, want %s", c.client, c.forwarded, last.IP, c.want)
			}
		}
		conn, err := w.st.ConnectionByName(t.Context(), "Users")
		ok(t, err)
		yes := true
		_, err = w.st.UpdateConnection(t.Context(), conn.ID, func(c *stagedoor.Connection) error { c.Options.BruteForceProtection = &yes; return nil })
		ok(t, err)
		for range 10 {
			ask(site, "203.0.113.8", "wrong")
		}
		w.read(ask(site, "203.0.113.8", adaWord)).bad(429, "too_many_attempts", "Your account has been blocked after multiple consecutive login attempts. "+
			"We've sent you a notification via your preferred contact method with instructions on how to unblock it.")
		if got := ask(site, "203.0.113.9", adaWord); got.Code != 200 {
			t.Errorf("another address: %d %s", got.Code, got.Body)
		}
	})
}
