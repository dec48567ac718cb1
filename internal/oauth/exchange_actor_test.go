package oauth

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/token"
)

// TestActorTokens: of an ID token of ours that says who acts, the action learns whose it is; it is verified, and from where it may come.
func TestActorTokens(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		const idToken, refused = "urn:ietf:params:oauth:token-type:id_token", "The actor_token is not a valid ID token."
		w.client(site, func(c *stagedoor.Client) {
			c.Stored = map[string]json.RawMessage{"token_exchange": json.RawMessage(`{"allow_any_profile_of_type":["custom_authentication"]}`)}
		})
		tokens := func(client string) *tokenAnswer {
			t.Helper()
			return w.redeem(client, w.browser().login(request(client)).got().Get("code")).good()
		}
		acting := tokens(site)
		now := w.clock().Unix()
		claims := func(client string) map[string]any {
			return map[string]any{"iss": w.claims(acting.IDToken)["iss"], "aud": client, "sub": ada, "iat": now, "exp": now + 600}
		}
		ours := func(client string) string {
			t.Helper()
			raw, err := w.minter.Sign(t.Context(), w.st, jose.RS256, claims(client))
			ok(t, err)
			return raw
		}
		w.exchangeProfile(`const u = event.transaction.actor_token_user;
			if (!u) return api.access.deny('invalid_request', 'nobody acts');
			api.user.setAppMetadata('acted', [u.user_id, u.email, u.identities.length, typeof u.app_metadata, event.transaction.actor_token.length > 100].join());
			api.authentication.setUserById('auth0|bob'); api.authentication.setActor({sub: u.user_id});`)
		act := func(raw string, more ...string) *tokenAnswer {
			t.Helper()
			return w.exchange(append([]string{"actor_token", raw, "actor_token_type", idToken}, more...)...)
		}
		got := act(acting.IDToken).good()
		same(t, "tokens", []any{w.claims(got.AccessToken)["sub"], w.claims(got.AccessToken)["act"]}, []any{bob, map[string]any{"sub": ada}})
		same(t, "seen", string(w.user(bob).AppMetadata["acted"]), `"`+ada+","+adaMail+`,1,object,true"`)

		w.exchange().bad(400, "invalid_request", "nobody acts")
		w.exchange("actor_token", acting.IDToken, "actor_token_type", "urn:acme:agent").bad(400, "invalid_request", "nobody acts") // only the action knows
		forged := acting.IDToken[:strings.LastIndexByte(acting.IDToken, '.')+1] + strings.Repeat("A", 342)
		for what, raw := range map[string]string{"forged": forged, "an access token": acting.AccessToken, "nothing": "x", "another one's": ours(third), "of nobody": ours("nobody"), "of an API": ours(apiAudience)} {
			if a := act(raw); a.Code != 400 || a.ErrorDescription != refused {
				t.Errorf("%s: %d %s", what, a.Code, a.Body)
			}
		}
		act(ours(spa)).good() // of the same house
		w.blockUser(ada)
		act(ours(spa)).bad(400, "invalid_request", refused)
		_, err := w.st.UpdateUser(t.Context(), ada, func(u *stagedoor.User) error { u.Blocked = nil; return nil })
		ok(t, err)

		// What a secret signs is of whoever knows it: it counts for that client alone, and for people whom it could sign in.
		made := func(client string) string {
			t.Helper()
			of, err := w.st.Client(t.Context(), client)
			ok(t, err)
			key, err := token.SigningSecret(of)
			ok(t, err)
			signer, err := jose.NewSigner(jose.HS256, "", key, "JWT")
			ok(t, err)
			raw, err := signer.Sign(claims(client))
			ok(t, err)
			return raw
		}
		act(made(legacy)).bad(400, "invalid_request", refused)
		act(made(site)).bad(400, "invalid_request", refused) // it has the tenant's key
		w.client(site, func(c *stagedoor.Client) { c.JWTConfiguration.Algorithm = jose.HS256 })
		act(made(site)).good()
		w.enable("Users", spa)
		act(made(site)).bad(400, "invalid_request", refused)
		w.enable("Users", spa, site)
		w.client(site, func(c *stagedoor.Client) { c.JWTConfiguration.Algorithm = jose.RS256 })

		w.pass(11 * time.Hour)
		act(acting.IDToken).bad(400, "invalid_request", refused)
	})
}
