package oauth

import (
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// What the Management API ends has ended: sessions at /authorize, codes and refresh tokens at /oauth/token.
func TestRevokedAccess(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		b := w.browser()
		a := w.redeem(site, b.login(request(site, "scope", "openid offline_access")).got().Get("code")).good()
		sid, _ := w.claims(a.IDToken)["sid"].(string)
		code := b.authorize(request(site, "prompt", "none")).got().Get("code")
		ok(t, w.st.RevokeSessions(ctx, store.AccessOf{Session: sid}, false))
		b.authorize(request(site, "prompt", "none")).fails("login_required", "Login required")
		w.redeem(site, code).bad(403, "invalid_grant", "Invalid authorization code")
		a = w.refresh(site, a.RefreshToken).good()
		all, err := w.st.UserRefreshTokens(ctx, ada)
		ok(t, err)
		n, err := w.st.RevokeRefreshTokens(ctx, store.RefreshTokensOf{IDs: []string{all[0].ID}})
		ok(t, err)
		same(t, "families", []int{len(all), n}, []int{1, 1})
		w.refresh(site, a.RefreshToken).bad(403, "invalid_grant", "Unknown or invalid refresh token.")

		a = w.redeem(site, b.login(request(site, "scope", "openid offline_access")).got().Get("code")).good()
		waits := func(user string) string { // a device that has been approved and has not come for its tokens
			device, shown := stagedoor.NewToken(), stagedoor.NewToken()
			ok(t, w.st.CreateDeviceCode(ctx, device, shown, &stagedoor.DeviceCode{ClientID: site, Scope: []string{"openid"}, ExpiresAt: w.clock().Add(time.Hour)}))
			d, err := w.st.DeviceByUserCode(ctx, shown)
			ok(t, err)
			d.Authorization = &stagedoor.Authorization{ClientID: site, UserID: user, Scope: []string{"openid", "offline_access"}, Conformant: true, Issuer: "https://acme.test/"}
			ok(t, w.st.DecideDevice(ctx, d))
			return device
		}
		w.client(site, func(c *stagedoor.Client) { c.GrantTypes = append(c.GrantTypes, grantDevice) })
		come := func(device string) *tokenAnswer {
			return w.token(values("grant_type", grantDevice, "client_id", site, "client_secret", secret(site), "device_code", device))
		}
		hers, kept, his := waits(ada), waits(ada), waits(bob)
		ok(t, w.st.SaveMFAToken(ctx, "of ada", &stagedoor.MFAToken{UserID: ada, ClientID: site, ExpiresAt: w.clock().Add(time.Hour)}))
		sid, _ = w.claims(a.IDToken)["sid"].(string)
		ok(t, w.st.RevokeSessions(ctx, store.AccessOf{UserID: ada, Session: sid}, true))
		come(kept).good() // it is of no session
		ok(t, w.st.RevokeSessions(ctx, store.AccessOf{UserID: ada}, true))
		b.authorize(request(site, "prompt", "none")).fails("login_required", "Login required")
		w.refresh(site, a.RefreshToken).bad(403, "invalid_grant", "Unknown or invalid refresh token.")
		come(hers).bad(403, "invalid_grant", "Invalid or expired device code.")
		if _, err := w.st.MFAToken(ctx, "of ada"); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("a request that waits for a second factor: %v", err)
		}
		come(his).good()
	})
}
