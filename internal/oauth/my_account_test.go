package oauth

import (
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/internal/token"
)

const myAudience = "https://acme.test/me/"

// myAccount switches the My Account API on, and grants a client scopes of it for people.
func (w *world) myAccount(client string, scope ...string) {
	w.Helper()
	if _, err := w.st.ResourceServerByIdentifier(w.Context(), myAudience); stagedoor.IsKind(err, stagedoor.NotFound) {
		ok(w, w.st.CreateResourceServer(w.Context(), token.MyAccountAPI(w.st.Tenant())))
	}
	ok(w, w.st.CreateClientGrant(w.Context(), &stagedoor.ClientGrant{ClientID: client, Audience: myAudience, SubjectType: "user", Scope: scope}))
}

// Who may have tokens for the My Account API, and what they hold.
func TestMyAccountTokens(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ask := func(client, audience string) string {
			return w.refusedWith(client, "audience", audience, "scope", "openid read:me:factors create:me:authentication_methods read:current_user nonsense")
		}
		same(t, "not switched on", ask(spa, myAudience), "access_denied Service not found: "+myAudience)
		w.myAccount(site, "read:me:factors")
		same(t, "no grant", ask(spa, myAudience), `access_denied Client is not authorized to access resource server "`+myAudience+`".`)
		w.myAccount(spa, "read:me:factors", "create:me:connected_accounts")
		got := w.redeem(spa, w.browser().login(request(spa, "audience", myAudience, "scope", "openid read:me:factors create:me:authentication_methods create:me:connected_accounts read:current_user")).got().Get("code")).good()
		c := w.claims(got.AccessToken)
		same(t, "scope", c["scope"], "openid read:me:factors create:me:connected_accounts")
		same(t, "audience and life", []any{c["aud"].([]any)[0], got.ExpiresIn}, []any{myAudience, 600})
		w.token(values("grant_type", "client_credentials", "client_id", machine, "client_secret", secret(machine), "audience", myAudience)).
			bad(403, "access_denied", "The resource server "+myAudience+" gives no tokens to clients in their own name.")
		ok(t, w.st.CreateClientGrant(t.Context(), &stagedoor.ClientGrant{ClientID: third, Audience: myAudience, SubjectType: "user", Scope: []string{"read:me:factors"}}))
		same(t, "somebody else's client", ask(third, myAudience), `access_denied Clients of third parties get no tokens of resource server "`+myAudience+`".`)
	})
}

// Whoever knows a password alone changes nothing of what its owner proves themselves with: who has a second factor gives it for such a token, and reads without.
func TestAttackMyAccountByPassword(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.sendsCodes("otp")
	w.noRules()
	w.passwords(spa)
	w.myAccount(spa, "read:me:authentication_methods", "create:me:authentication_methods", "delete:me:authentication_methods", "create:me:connected_accounts")
	w.rotating(spa, func(r *stagedoor.RefreshTokenRules) {
		r.Policies = []stagedoor.RefreshTokenPolicy{{Audience: myAudience, Scope: []string{"read:me:authentication_methods", "delete:me:authentication_methods"}}}
	})
	const all, reads = "read:me:authentication_methods create:me:authentication_methods delete:me:authentication_methods", "read:me:authentication_methods create:me:connected_accounts"
	session := w.offline(spa)
	same(t, "without a factor", w.byPassword(spa, "audience", myAudience, "scope", all).good().Scope, all)
	ok(t, w.st.AddAuthenticationMethods(t.Context(), ada, []*stagedoor.AuthenticationMethod{{Type: "totp", Secret: "JBSWY3DPEHPK3PXP"}}, false))
	same(t, "reads", w.byPassword(spa, "audience", myAudience, "scope", reads).good().Scope, reads)
	waits := w.byPassword(spa, "audience", myAudience, "scope", all).mfaRequired(`{"challenge":[{"type":"otp"}]}`)
	same(t, "with it", w.mfa(otpGrant, waits, "otp", w.otp("JBSWY3DPEHPK3PXP")).good().Scope, all)
	refresh := func(scope string) *tokenAnswer {
		return w.token(values("grant_type", "refresh_token", "client_id", spa, "refresh_token", session.RefreshToken, "audience", myAudience, "scope", scope))
	}
	got := refresh("read:me:authentication_methods").good()
	session.RefreshToken = got.RefreshToken
	waits = refresh("delete:me:authentication_methods").mfaRequired(`{"challenge":[{"type":"otp"}]}`)
	same(t, "refreshed with it", w.mfa(otpGrant, waits, "otp", w.otp("JBSWY3DPEHPK3PXP")).good().Scope, "delete:me:authentication_methods")

	b := w.browser()
	b.login(request(spa))
	silent := func() string {
		_, _, v := b.authorize(request(spa, "audience", myAudience, "scope", "openid "+all, "prompt", "none")).response()
		return v.Get("error")
	}
	same(t, "in a session without", silent(), "login_required")
	sessions, err := w.st.UserSessions(t.Context(), ada)
	ok(t, err)
	for _, s := range sessions {
		ok(t, w.st.UpdateSession(t.Context(), s.ID, func(s *stagedoor.Session) {
			s.Methods = append(s.Methods, stagedoor.AuthMethod{Name: "mfa", Timestamp: w.clock().UnixMilli()})
		}))
	}
	same(t, "in a session with it", silent(), "")
	w.pass(15*time.Minute + time.Second)
	same(t, "in one of long ago", silent(), "login_required")
}
