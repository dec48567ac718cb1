package oauth

import (
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
)

// Who signs in with an identity that is linked to another user is that user.
func TestLoginThroughLinkedIdentity(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		mine := w.redeem(site, w.browser().signIn(t, request(site, "scope", "openid offline_access"), bobMail)).good()
		u, err := w.st.User(ctx, bob)
		ok(t, err)
		_, err = w.st.LinkIdentity(ctx, ada, stagedoor.Identity{Provider: "auth0", UserID: u.Identities[0].UserID}, false)
		ok(t, err)
		w.refresh(site, mine.RefreshToken).bad(403, "invalid_grant", "Unknown or invalid refresh token.") // it went with its user
		w.rule(`function (user, context, callback) { context.idToken['https://a.test/who'] = [user.user_id, user.identities.length, context.connection]; callback(null, user, context); }`)
		b := w.browser()
		id := w.claims(w.redeem(site, b.signIn(t, request(site, "scope", "openid email"), bobMail)).good().IDToken)
		same(t, "the person", []any{id["sub"], id["email"], id["https://a.test/who"]}, []any{ada, adaMail, []any{ada, 2, "Users"}})
		silent := w.claims(w.redeem(site, b.authorize(request(site, "prompt", "none")).got().Get("code")).good().IDToken)
		same(t, "silently", silent["sub"], ada)
		same(t, "by the first one", w.claims(w.redeem(site, w.browser().signIn(t, request(site), adaMail)).good().IDToken)["sub"], ada)
	})
}

// Without a browser, too, rules see the connection through which somebody has signed in, and not that of the user whom the identity is linked to.
func TestPasswordOfLinkedIdentity(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.passwords(site)
		const staff = "waad|1"
		ok(t, w.st.CreateUser(t.Context(), &stagedoor.User{ID: staff, Connection: "staff", Email: "staff@example.com", Identities: []stagedoor.Identity{{Connection: "staff", Provider: "waad", UserID: "1"}}}, ""))
		u, err := w.st.User(t.Context(), ada)
		ok(t, err)
		_, err = w.st.LinkIdentity(t.Context(), staff, stagedoor.Identity{Provider: "auth0", UserID: u.Identities[0].UserID}, false)
		ok(t, err)
		w.noRules()
		w.rule(`function (user, context, callback) {
			if (context.request.body.factor) context.multifactor = {provider: 'any'};
			context.idToken['https://a.test/by'] = [context.connection, context.connectionStrategy, context.sso.with_dbconn];
			context.primaryUser = user.user_id;
			callback(null, user, context);
		}`)
		saw := func(a *tokenAnswer) {
			t.Helper()
			id := w.claims(a.good().IDToken)
			same(t, "the person, and the way", []any{id["sub"], id["https://a.test/by"]}, []any{staff, []any{"Users", "auth0", true}})
		}
		saw(w.byPassword(site))
		ok(t, w.st.ChangeSetting(t.Context(), mfa.SettingFactors, func(m map[string]any) error { m["otp"] = true; return nil }))
		token := w.byPassword(site, "factor", "1").mfaRequired(`{"enroll":[{"type":"otp"}]}`)
		var app struct {
			Secret string `json:"secret"`
		}
		w.bearing("POST", "/mfa/associate", token, `{"authenticator_types":["otp"]}`).json(200, &app)
		saw(w.token(values("grant_type", otpGrant, "client_id", site, "client_secret", secret(site), "mfa_token", token, "otp", w.otp(app.Secret))))
	})
}

// signIn signs in with the mail and the password that all have, and returns the code.
func (b *browser) signIn(t *testing.T, v map[string][]string, mail string) string {
	t.Helper()
	state := b.authorize(v).asks("login")
	ok(t, b.password(state, mail, adaWord))
	return b.resume(state).got().Get("code")
}
