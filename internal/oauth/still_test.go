package oauth

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
)

// Scopes and types of authorization details that the API has given up, or the client's grant, end with the next refresh.
func TestRefreshAfterTheAPI(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.api(func(rs *stagedoor.ResourceServer) {
			rs.Stored = map[string]json.RawMessage{"authorization_details": json.RawMessage(`[{"type":"payment"},{"type":"look"}]`)}
			rs.SubjectTypes = policies("require_client_grant", "require_client_grant")
		})
		g := &stagedoor.ClientGrant{ClientID: site, Audience: apiAudience, SubjectType: "user", Scope: []string{"read:songs", "edit:songs"}, AuthorizationDetailsTypes: []string{"payment", "look"}}
		ok(t, w.st.CreateClientGrant(t.Context(), g))
		ask := request(site, "audience", apiAudience, "scope", "openid offline_access read:songs edit:songs", "authorization_details", `[{"type":"payment","amount":1},{"type":"look"}]`)
		b := w.browser()
		held := w.redeem(site, b.decide(b.login(ask).asks("consent"), true).got().Get("code")).good().RefreshToken
		refreshed := func(what, scope, details string) {
			t.Helper()
			got := w.refresh(site, held).good()
			claims := w.claims(got.AccessToken)
			var want any
			ok(t, json.Unmarshal([]byte(details), &want))
			same(t, what, []any{got.Scope, claims["scope"], claims["authorization_details"], w.details(got)}, []any{scope, scope, want, want})
		}
		refreshed("as agreed", "openid offline_access read:songs edit:songs", `[{"amount":1,"type":"payment"},{"type":"look"}]`)
		w.api(func(rs *stagedoor.ResourceServer) {
			rs.Scopes = slices.DeleteFunc(rs.Scopes, func(s stagedoor.APIScope) bool { return s.Value == "edit:songs" })
			rs.Stored["authorization_details"] = json.RawMessage(`[{"type":"payment"}]`)
		})
		refreshed("of a smaller API", "openid offline_access read:songs", `[{"amount":1,"type":"payment"}]`)
		_, err := w.st.UpdateClientGrant(t.Context(), g.ID, func(g *stagedoor.ClientGrant) error { g.AuthorizationDetailsTypes = nil; return nil })
		ok(t, err)
		refreshed("of a smaller grant", "openid offline_access read:songs", "null")
	})
}

// What a script gave at the login beyond the API's own scopes goes on in refreshes, also where it does not run for them.
func TestRefreshKeepsWhatScriptsGave(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.rule(`function (user, context, callback) {
			if (context.protocol !== 'oauth2-refresh-token') context.accessToken.scope = ['openid', 'offline_access', 'read:songs', 'edit:songs', 'of:ours'];
			callback(null, user, context);
		}`)
		held := w.redeem(site, w.browser().login(request(site, "audience", apiAudience, "scope", "openid offline_access read:songs")).got().Get("code")).good()
		w.api(func(rs *stagedoor.ResourceServer) { rs.Scopes = rs.Scopes[:1] })
		same(t, "scopes", []any{held.Scope, w.refresh(site, held.RefreshToken).good().Scope}, []any{"openid offline_access read:songs edit:songs of:ours", "openid offline_access read:songs of:ours"})
	})
}

// details are those that an answer holds.
func (w *world) details(a *tokenAnswer) any {
	w.Helper()
	var body struct {
		Details any `json:"authorization_details"`
	}
	ok(w, json.Unmarshal(a.Body.Bytes(), &body))
	return body.Details
}

// What waits for a client is held to the client's grant once more when it comes: codes, devices, approvals, and requests for a second factor. What a script has added is the script's word.
func TestWaitingAfterTheGrant(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.passwords(spa)
		w.client(spa, func(c *stagedoor.Client) { c.GrantTypes = append(c.GrantTypes, grantDevice) })
		w.client(site, func(c *stagedoor.Client) { c.GrantTypes = append(c.GrantTypes, grantCIBA) })
		w.api(func(rs *stagedoor.ResourceServer) {
			rs.SubjectTypes = policies("require_client_grant", "require_client_grant")
		})
		var grants []*stagedoor.ClientGrant
		grant := func(scope ...string) {
			for _, client := range []string{spa, site} {
				g := &stagedoor.ClientGrant{ClientID: client, Audience: apiAudience, SubjectType: "user", Scope: scope}
				ok(t, w.st.CreateClientGrant(ctx, g))
				grants = append(grants, g)
			}
		}
		ungrant := func() {
			for _, g := range grants {
				ok(t, w.st.DeleteClientGrant(ctx, g.ID))
			}
			grants = nil
		}
		waits := func(client string, approval *stagedoor.Approval) string {
			d := &stagedoor.DeviceCode{ClientID: client, Audience: apiAudience, Scope: []string{"openid", "read:songs", "edit:songs"}, Approval: approval, ExpiresAt: w.clock().Add(time.Hour)}
			device, shown := stagedoor.NewToken(), stagedoor.NewToken()
			ok(t, w.st.CreateDeviceCode(ctx, device, shown, d))
			d, err := w.st.DeviceByUserCode(ctx, shown)
			ok(t, err)
			d.Authorization = &stagedoor.Authorization{
				ClientID: client, UserID: ada, Audience: apiAudience, Scope: []string{"openid", "read:songs", "edit:songs", "play:songs"}, Conformant: true, Issuer: "https://acme.test/",
			}
			ok(t, w.st.DecideDevice(ctx, d))
			return device
		}
		device := func(code string) *tokenAnswer {
			return w.token(values("grant_type", grantDevice, "client_id", spa, "device_code", code))
		}
		approved := func(code string) *tokenAnswer {
			return w.token(values("grant_type", grantCIBA, "client_id", site, "client_secret", secret(site), "auth_req_id", code))
		}
		w.api(func(rs *stagedoor.ResourceServer) {
			rs.Scopes = append(rs.Scopes, stagedoor.APIScope{Value: "play:songs"})
		})
		grant("read:songs", "edit:songs")
		first, second, third, fourth := waits(spa, nil), waits(spa, nil), waits(site, &stagedoor.Approval{UserID: ada}), waits(site, &stagedoor.Approval{UserID: ada})
		people := w.browser()
		code := people.login(request(spa, "audience", apiAudience)).got().Get("code")
		smaller := people.authorize(request(spa, "audience", apiAudience, "scope", "openid read:songs edit:songs")).got().Get("code")
		const factor = "JBSWY3DPEHPK3PXP"
		ok(t, w.st.ChangeSetting(ctx, mfa.SettingFactors, func(m map[string]any) error { m["otp"] = true; return nil }))
		ok(t, w.st.AddAuthenticationMethods(ctx, ada, []*stagedoor.AuthenticationMethod{{Type: "totp", Secret: factor}}, false))
		w.rule(`function (user, context, callback) { context.multifactor = {provider: 'any'}; callback(null, user, context); }`)
		byFactor := func() string {
			return w.byPassword(spa, "audience", apiAudience, "scope", "openid read:songs edit:songs").mfaRequired(`{"challenge":[{"type":"otp"}]}`)
		}
		fifth, sixth := byFactor(), byFactor()

		ungrant()
		const refused = `Client is not authorized to access resource server "https://api.test/".`
		device(first).bad(403, "access_denied", refused)
		approved(third).bad(403, "access_denied", refused)
		w.redeem(spa, code).bad(403, "access_denied", refused)
		w.mfa(otpGrant, fifth, "otp", w.otp(factor)).bad(403, "access_denied", refused)

		grant("read:songs")
		same(t, "a code with a smaller grant", w.redeem(spa, smaller).good().Scope, "openid read:songs")
		same(t, "a device with a smaller grant", device(second).good().Scope, "openid read:songs play:songs")
		same(t, "an approval with a smaller grant", approved(fourth).good().Scope, "openid read:songs play:songs")
		same(t, "a second factor with a smaller grant", w.mfa(otpGrant, sixth, "otp", w.otp(factor)).good().Scope, "openid read:songs")
	})
}
