package oauth

import (
	"testing"

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
		ok(t, w.st.RevokeSessions(ctx, store.AccessOf{UserID: ada}, true))
		b.authorize(request(site, "prompt", "none")).fails("login_required", "Login required")
		w.refresh(site, a.RefreshToken).bad(403, "invalid_grant", "Unknown or invalid refresh token.")
	})
}
