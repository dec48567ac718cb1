package oauth

import (
	"testing"

	"github.com/stagedoor/stagedoor/internal/store"
)

// What one tenant gave is worth nothing at another that has the same clients and users by name.
func TestTenantsAreApart(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		acme := w.st
		other := w.tenant("other")
		at := func(st *store.Store, host string) { w.st, w.host = st, host }
		// Both even have the same signing keys in this test: the issuer alone keeps their tokens apart.

		b := w.browser()
		v := b.login(request(spa, "audience", apiAudience, "scope", "openid offline_access read:songs")).got()
		tokens := w.redeem(spa, v.Get("code")).good()
		opaque := w.redeem(spa, b.authorize(request(spa, "scope", "openid")).got().Get("code")).good()
		code := b.authorize(request(spa)).got().Get("code")
		state := b.authorize(request(spa, "prompt", "login")).asks("login")

		at(other, "other.test")
		foreign := w.browser()
		foreign.cookies = b.cookies
		foreign.authorize(request(spa, "prompt", "none")).fails("login_required", "Login required")
		foreign.resume(state).page(400, "pressed the back button")
		if err := foreign.password(state, adaMail, adaWord); err == nil {
			t.Error("another tenant's login goes on here")
		}
		w.redeem(spa, code).bad(403, "invalid_grant", wrongCode)
		w.refresh(spa, tokens.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
		for name, token := range map[string]string{"opaque": opaque.AccessToken, "JWT": tokens.AccessToken} {
			if a := w.info(token); a.Code != 401 {
				t.Errorf("%s: %d %s", name, a.Code, a.Body)
			}
		}
		foreign.get("/oidc/logout?"+values("id_token_hint", tokens.IDToken).Encode()).page(400, "The id_token_hint is not valid.")
		foreign.get("/v2/logout")
		w.browser().post("/oauth/revoke", values("client_id", spa, "token", tokens.RefreshToken))

		at(acme, "acme.test")
		w.redeem(spa, code).good()
		w.refresh(spa, tokens.RefreshToken).good()
		w.userInfo(opaque.AccessToken)
		w.userInfo(tokens.AccessToken)
		ok(t, b.password(state, adaMail, adaWord))
		b.resume(state).got()

		// Logins of the one do not count at the other.
		st := w.st
		at(other, "other.test")
		same(t, "logins there", w.user(ada).LoginsCount, 0)
		at(st, "acme.test")
	})
}
