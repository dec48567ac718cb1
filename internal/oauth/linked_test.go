package oauth

import (
	"testing"

	"github.com/stagedoor/stagedoor"
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

// signIn signs in with the mail and the password that all have, and returns the code.
func (b *browser) signIn(t *testing.T, v map[string][]string, mail string) string {
	t.Helper()
	state := b.authorize(v).asks("login")
	ok(t, b.password(state, mail, adaWord))
	return b.resume(state).got().Get("code")
}
