package me_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// A provider's token is worth as much as the person's account there: it goes to clients that prove themselves, are the tenant's own, and may use the connection, for a token that still counts.
func TestAttackFederatedTokens(t *testing.T) {
	withProvider(t, []string{storetest.SQLite}, func(w *world, provider *stagedoortest.StandIn, conn *stagedoor.Connection) {
		provider.Choose(stagedoortest.Profile(map[string]any{"user_id": 42}))
		w.connects(w.token(), "radio")
		const api, secret = "https://songs.test/", "a secret of the site, which is long enough for one"
		w.ok(w.st.CreateResourceServer(t.Context(), &stagedoor.ResourceServer{Identifier: api, SigningAlgorithm: "RS256", TokenLifetime: 600, AllowOfflineAccess: true, SkipConsent: true, TokenDialect: "rfc9068_profile"}))
		for _, c := range []*stagedoor.Client{
			{ID: "site", GrantTypes: []string{"refresh_token", "http://auth0.com/oauth/grant-type/password-realm", federated}},
			{ID: "backend", AppType: "resource_server", Stored: map[string]json.RawMessage{"resource_server_identifier": json.RawMessage(`"` + api + `"`)}, GrantTypes: []string{federated}},
		} {
			c.Name, c.Secret, c.IsFirstParty, c.OIDCConformant, c.TokenEndpointAuthMethod = c.ID, secret, true, true, "client_secret_post"
			w.ok(w.st.CreateClient(t.Context(), c))
		}
		enabled := func(id string, clients ...string) {
			_, err := w.st.UpdateConnection(t.Context(), id, func(c *stagedoor.Connection) error { c.EnabledClients = clients; return nil })
			w.ok(err)
		}
		enabled(w.database().ID, w.client.ID, "site")
		enabled(conn.ID, w.client.ID, "site")
		post := func(form map[string]string) (out map[string]any) {
			w.JSON(t, "POST", w.HTTPSURL+"/oauth/token", "", form, &out)
			return out
		}
		signed := post(map[string]string{
			"grant_type": "http://auth0.com/oauth/grant-type/password-realm", "realm": w.database().Name, "client_id": "site", "client_secret": secret,
			"username": "ada@example.com", "password": word, "audience": api, "scope": "openid offline_access",
		})
		exchange := func(client, kind, member string) string {
			got := post(map[string]string{
				"grant_type": federated, "client_id": client, "client_secret": secret, "subject_token": fmt.Sprint(signed[member]), "subject_token_type": "urn:ietf:params:oauth:token-type:" + kind,
				"requested_token_type": "http://auth0.com/oauth/token-type/federated-connection-access-token", "connection": "radio",
			})
			if got["access_token"] != nil {
				return "given"
			}
			return fmt.Sprint(got["error"])
		}
		bySite := func() string { return exchange("site", "refresh_token", "refresh_token") }
		byBackend := func() string { return exchange("backend", "access_token", "access_token") }
		w.same("the site", bySite(), "given")
		w.same("the API", byBackend(), "given")

		site := func(change func(*stagedoor.Client)) {
			_, err := w.st.UpdateClient(t.Context(), "site", func(c *stagedoor.Client) error { change(c); return nil })
			w.ok(err)
		}
		for name, is := range map[string]struct {
			error        string
			change, back func(*stagedoor.Client)
		}{
			"without a secret": {
				"unauthorized_client", func(c *stagedoor.Client) { c.TokenEndpointAuthMethod = "none" }, func(c *stagedoor.Client) { c.TokenEndpointAuthMethod = "client_secret_post" },
			},
			"somebody else's":       {"unauthorized_client", func(c *stagedoor.Client) { c.IsFirstParty = false }, func(c *stagedoor.Client) { c.IsFirstParty = true }},
			"of the old kind":       {"unauthorized_client", func(c *stagedoor.Client) { c.OIDCConformant = false }, func(c *stagedoor.Client) { c.OIDCConformant = true }},
			"with tokens that turn": {"invalid_request", func(c *stagedoor.Client) { c.RefreshToken.RotationType = "rotating" }, func(c *stagedoor.Client) { c.RefreshToken.RotationType = "" }},
		} {
			site(is.change)
			w.same(name, bySite(), is.error)
			site(is.back)
			w.same("after "+name, bySite(), "given")
		}

		enabled(conn.ID, w.client.ID) // an API signs nobody in, and needs no connection for that
		w.same("a client that may not use the connection", bySite(), "federated_connection_not_found")
		w.same("the API then", byBackend(), "given")
		enabled(conn.ID, w.client.ID, "site")
		accounts := func(active string) {
			_, err := w.st.UpdateConnection(t.Context(), conn.ID, func(c *stagedoor.Connection) error {
				c.Stored["connected_accounts"] = json.RawMessage(`{"active":` + active + `}`)
				return nil
			})
			w.ok(err)
		}
		accounts("false")
		w.same("where no accounts are connected any more", bySite()+" "+byBackend(), "federated_connection_not_found federated_connection_not_found")
		accounts("true")
		w.same("and again", bySite()+" "+byBackend(), "given given")

		_, claims, err := jose.Peek(fmt.Sprint(signed["access_token"]))
		w.ok(err)
		w.ok(w.st.BlacklistToken(t.Context(), stagedoor.BlacklistedToken{Audience: api, JTI: claims.ID}))
		w.same("a token on the list of those that count no more", byBackend(), "invalid_grant")
	})
}

// A person has fifty connected accounts at most, also by linking.
func TestConnectedAccountsAreBounded(t *testing.T) {
	withProvider(t, []string{storetest.SQLite, storetest.Postgres}, func(w *world, _ *stagedoortest.StandIn, conn *stagedoor.Connection) {
		save := func(user, account, access string) error {
			return w.st.SaveConnectedAccount(t.Context(), &stagedoor.ConnectedAccount{UserID: user, ConnectionID: conn.ID, Account: account, Tokens: stagedoor.ProviderTokens{Access: access}})
		}
		for i := range stagedoor.MaxConnectedAccounts - 1 {
			w.ok(save(w.user, fmt.Sprint(i), "first"))
		}
		other := w.person("eve@example.com")
		w.ok(save(other, "eve's", "x"))
		w.ok(save(other, "eve's other", "x"))
		_, err := w.st.LinkIdentity(t.Context(), w.user, stagedoor.Identity{Connection: w.database().Name, Provider: "auth0", UserID: other[len("auth0|"):]}, false)
		w.ok(err)
		if err := save(w.user, "one more", "x"); !stagedoor.HasCode(err, "too_many_accounts") {
			t.Errorf("%v", err)
		}
		w.ok(save(w.user, "7", "again"))
		all, err := w.st.ConnectedAccounts(t.Context(), w.user)
		w.ok(err)
		w.same("how many", len(all), stagedoor.MaxConnectedAccounts)
		for _, a := range all {
			if a.Account == "7" {
				w.same("what is connected anew", a.Tokens.Access, "again")
			}
		}
	})
}
