package oauth

import (
	"encoding/json"
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
		w.linkedToStaff()
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
			same(t, "the person, and the way", []any{id["sub"], id["https://a.test/by"]}, []any{staffID, []any{"Users", "auth0", true}})
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

// Later tokens are of the connection of the login that they come from, as scripts see it, also those of refresh tokens of before that was kept.
func TestRefreshOfLinkedIdentity(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.passwords(site)
		w.linkedToStaff()
		w.noRules()
		w.rule(`function (user, context, callback) { context.idToken['https://a.test/rule'] = context.protocol + ' ' + context.connection; callback(null, user, context); }`)
		w.postLogin(`api.idToken.setCustomClaim('https://a.test/action', event.connection.name);`)
		saw := func(a *tokenAnswer, protocol string) *tokenAnswer {
			t.Helper()
			id := w.claims(a.good().IDToken)
			same(t, "the way", []any{id["sub"], id["https://a.test/rule"], id["https://a.test/action"]}, []any{staffID, protocol + " Users", "Users"})
			return a
		}
		a := saw(w.byPassword(site, "scope", "openid offline_access"), "oauth2-password")
		w.events()
		saw(w.refresh(site, a.RefreshToken), "oauth2-refresh-token")
		same(t, "the log", w.events()[0].Connection, "Users")

		web := saw(w.redeem(site, w.browser().signIn(t, request(site, "scope", "openid offline_access"), adaMail)), "oidc-basic-profile")
		rt, err := w.st.RefreshToken(ctx, web.RefreshToken)
		ok(t, err)
		_, err = w.st.ChangeRefreshTokens(ctx, rt.ID, func(rt *stagedoor.RefreshToken) error { rt.Connection = ""; return nil })
		ok(t, err)
		saw(w.refresh(site, web.RefreshToken), "oauth2-refresh-token")
	})
}

// An action that names a user by a connection says so to the scripts that follow.
func TestExchangeOfLinkedIdentity(t *testing.T) {
	w := newWorld(t)
	w.linkedToStaff()
	w.noRules()
	w.client(site, func(c *stagedoor.Client) {
		c.Stored = map[string]json.RawMessage{"token_exchange": json.RawMessage(`{"allow_any_profile_of_type":["custom_authentication"]}`)}
	})
	w.exchangeProfile(`api.authentication.setUserByConnection('Users', {user_id: 'ada'}, {updateBehavior: 'none'})`)
	w.rule(`function (user, context, callback) { context.idToken['https://a.test/by'] = [context.protocol, context.connection]; callback(null, user, context); }`)
	for a, protocol := w.exchange().good(), "oauth2-token-exchange"; protocol != ""; {
		id := w.claims(a.IDToken)
		same(t, "the way", []any{id["sub"], id["https://a.test/by"]}, []any{staffID, []any{protocol, "Users"}})
		if protocol == "oauth2-refresh-token" {
			break
		}
		a, protocol = w.refresh(site, a.RefreshToken).good(), "oauth2-refresh-token"
	}
}

const staffID = "waad|1"

// linkedToStaff makes ada's identity one of somebody's who is of another connection.
func (w *world) linkedToStaff() {
	w.Helper()
	ctx := w.Context()
	ok(w, w.st.CreateUser(ctx, &stagedoor.User{ID: staffID, Connection: "staff", Email: "staff@example.com", Identities: []stagedoor.Identity{{Connection: "staff", Provider: "waad", UserID: "1"}}}, ""))
	u, err := w.st.User(ctx, ada)
	ok(w, err)
	_, err = w.st.LinkIdentity(ctx, staffID, stagedoor.Identity{Provider: "auth0", UserID: u.Identities[0].UserID}, false)
	ok(w, err)
}

// signIn signs in with the mail and the password that all have, and returns the code.
func (b *browser) signIn(t *testing.T, v map[string][]string, mail string) string {
	t.Helper()
	state := b.authorize(v).asks("login")
	ok(t, b.password(state, mail, adaWord))
	return b.resume(state).got().Get("code")
}
