package oauth

import (
	"encoding/json"
	"testing"

	"github.com/stagedoor/stagedoor"
)

// Who signs in without a browser gets tokens for an organization on the terms of /authorize: the client may use organizations, this one takes it, and its
// people come through the connection.
func TestOrganizationAtTheTokenEndpoint(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.passwords(site)
		north := w.org("north", nil, ada)
		closed := w.org("closed", func(oc *stagedoor.OrganizationConnection) { oc.IsEnabled = false }, ada)
		east := w.org("east", nil, bob)
		const refused = "parameter organization is not allowed for this client"
		w.byPassword(site, "organization", north).bad(400, "invalid_request", refused)
		w.organizedToo(site, "deny")
		w.byPassword(site, "organization", north).bad(400, "invalid_request", refused)
		w.organizedToo(site, "allow")
		same(t, "org_id", w.claims(w.byPassword(site, "organization", north).good().IDToken)["org_id"], north)
		w.byPassword(site, "organization", east).bad(403, "access_denied", noMember(east))
		w.byPassword(site, "organization", closed).bad(400, "invalid_request", "the connection is not enabled")
		const anID = "authorization request parameter organization must be an organization id"
		w.byPassword(site, "organization", "north").bad(400, "invalid_request", anID)
		w.named(true)
		same(t, "org_id by name", w.claims(w.byPassword(site, "organization", "North").good().IDToken)["org_id"], north)
		w.named(false)
		w.thirdParties(`"allow"`, north)
		w.client(site, func(c *stagedoor.Client) { c.IsFirstParty = false })
		held := w.byPassword(site, "organization", north, "scope", "openid offline_access").good().RefreshToken
		same(t, "org_id again", w.claims(w.refresh(site, held).good().IDToken)["org_id"], north)
		w.thirdParties(`"block"`, north)
		w.byPassword(site, "organization", north).bad(400, "invalid_request", refused)
		w.refresh(site, held).bad(400, "invalid_request", refused)

		// Nor does the page after the login offer it to such a client.
		w.organized(third, "require", "post_login_prompt")
		w.browser().login(request(third)).fails("access_denied", "client requires organization membership, but user does not belong to any organization")
	})
}

// An organization may list the clients that its members use. Others of the tenant's own are kept out, also with what they hold already; those of others
// follow third_party_client_access.
func TestClientsOfAnOrganization(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		const refused = "parameter organization is not allowed for this client"
		w.passwords(site)
		w.organizedToo(site, "allow")
		north, south := w.org("north", nil, ada), w.org("south", nil, ada)
		list := func(name, value string) {
			_, err := w.st.UpdateOrganization(ctx, north, func(o *stagedoor.Organization) error {
				if o.Stored == nil {
					o.Stored = map[string]json.RawMessage{}
				}
				o.Stored[name] = json.RawMessage(value)
				return nil
			})
			ok(t, err)
		}
		use := func(client string, yes bool) {
			_, err := w.st.UpdateOrganizationClient(ctx, north, client, func(oc *stagedoor.OrganizationClient) error { oc.UseForMemberAccess = yes; return nil })
			ok(t, err)
		}
		ok(t, w.st.AddOrganizationClients(ctx, north, []stagedoor.OrganizationClient{{ClientID: site}})) // does not count yet
		held := w.byPassword(site, "organization", north, "scope", "openid offline_access").good().RefreshToken
		list("is_app_entitlement_active", "true")
		b := w.browser()
		w.logged()
		b.authorize(request(site, "organization", north)).fails("invalid_request", refused)
		b.authorize(request(site, "organization", north, "prompt", "none")).fails("invalid_request", refused)
		w.byPassword(site, "organization", north).bad(400, "invalid_request", refused)
		w.refresh(site, held).bad(400, "invalid_request", refused)
		for _, e := range w.events() {
			same(t, "the log", []any{e.Type, e.OrgID, e.OrgName, e.ClientID, e.Description}, []any{"organization_access_denied", north, "north", site, refused})
		}
		b.authorize(request(site, "organization", south)).asks("login")
		use(site, true)
		b.authorize(request(site, "organization", north)).asks("login")
		w.byPassword(site, "organization", north).good()
		ok(t, w.st.RemoveOrganizationClients(ctx, north, []string{site}))
		w.byPassword(site, "organization", north).bad(400, "invalid_request", refused)

		// One of somebody else follows the organization's word about all of them, until it is listed.
		w.organizedToo(third, "allow")
		b.authorize(request(third, "organization", north)).fails("invalid_request", refused)
		list("third_party_client_access", `"allow"`)
		b.authorize(request(third, "organization", north)).asks("login")
		ok(t, w.st.AddOrganizationClients(ctx, north, []stagedoor.OrganizationClient{{ClientID: third}}))
		b.authorize(request(third, "organization", north)).fails("invalid_request", refused)
		use(third, true)
		b.authorize(request(third, "organization", north)).asks("login")
		list("third_party_client_access", `"block"`)
		b.authorize(request(third, "organization", north)).asks("login")
		list("is_app_entitlement_active", "false")
		b.authorize(request(third, "organization", north)).fails("invalid_request", refused) // the list is switched off
	})
}

// Nor does the page on which people choose, or name, an organization take them to one that does not list the client.
func TestChoiceOfAnOrganizationThatListsClients(t *testing.T) {
	w := newWorld(t)
	north := w.org("north", nil, ada)
	_, err := w.st.UpdateOrganization(t.Context(), north, func(o *stagedoor.Organization) error {
		o.Stored = map[string]json.RawMessage{"is_app_entitlement_active": json.RawMessage("true")}
		return nil
	})
	ok(t, err)
	w.organized(site, "require", "post_login_prompt")
	w.browser().login(request(site)).fails("access_denied", "client requires organization membership, but user does not belong to any organization")
	ok(t, w.st.AddOrganizationClients(t.Context(), north, []stagedoor.OrganizationClient{{ClientID: site, UseForMemberAccess: true}}))
	w.browser().login(request(site)).got()
}

// A person whom an action names by a connection comes through it, as at a login.
func TestOrganizationOfATokenExchange(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.client(site, func(c *stagedoor.Client) {
			c.Stored = map[string]json.RawMessage{"token_exchange": json.RawMessage(`{"allow_any_profile_of_type":["custom_authentication"]}`)}
		})
		w.organizedToo(site, "allow")
		north := w.org("north", nil, ada)
		closed := w.org("closed", func(oc *stagedoor.OrganizationConnection) { oc.IsEnabled = false }, ada)
		w.exchangeProfile(`api.authentication.setUserByConnection('Users', {user_id: 'ada'}, {updateBehavior: 'none'})`)
		same(t, "org_id", w.claims(w.exchange("organization", north).good().IDToken)["org_id"], north)
		w.exchange("organization", closed).bad(400, "invalid_request", "the connection is not enabled")
		w.exchangeProfile(`api.authentication.setUserById('auth0|ada')`)
		same(t, "org_id by id", w.claims(w.exchange("organization", closed).good().IDToken)["org_id"], closed)
	})
}

// An organization that people no longer come to through the client, or through the connection by which they came, gives no more tokens: neither for what waits nor for refresh tokens.
func TestTokensOfAnOrganizationThatClosed(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		north := w.org("north", nil, ada)
		w.organizedToo(site, "allow")
		conn, err := w.st.ConnectionByName(ctx, "Users")
		ok(t, err)
		b := w.browser()
		ask := request(site, "organization", north, "audience", apiAudience, "scope", "openid offline_access read:songs")
		held := w.redeem(site, b.login(ask).got().Get("code")).good().RefreshToken
		code := b.authorize(ask).got().Get("code")
		_, err = w.st.UpdateOrganizationConnection(ctx, north, conn.ID, func(oc *stagedoor.OrganizationConnection) error { oc.IsEnabled = false; return nil })
		ok(t, err)
		w.refresh(site, held).bad(400, "invalid_request", "the connection is not enabled")
		w.redeem(site, code).bad(400, "invalid_request", "the connection is not enabled")
		ok(t, w.st.RemoveOrganizationConnection(ctx, north, conn.ID))
		w.refresh(site, held).bad(400, "invalid_request", "the connection is not enabled")
		ok(t, w.st.AddOrganizationConnection(ctx, north, &stagedoor.OrganizationConnection{ConnectionID: conn.ID, IsEnabled: true}))
		same(t, "open again", w.claims(w.refresh(site, held).good().AccessToken)["org_id"], north)

		code = b.authorize(ask).got().Get("code")
		w.organizedToo(site, "deny")
		w.refresh(site, held).bad(400, "invalid_request", "parameter organization is not allowed for this client")
		w.redeem(site, code).bad(400, "invalid_request", "parameter organization is not allowed for this client")
	})
}

// What an action of a token exchange chose goes on in refreshes as it began, whatever the client's settings say.
func TestRefreshOfAChosenOrganization(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.client(site, func(c *stagedoor.Client) {
			c.Stored = map[string]json.RawMessage{"token_exchange": json.RawMessage(`{"allow_any_profile_of_type":["custom_authentication"]}`)}
		})
		closed := w.org("closed", func(oc *stagedoor.OrganizationConnection) { oc.IsEnabled = false }, ada)
		w.exchangeProfile(`api.authentication.setUserByConnection('Users', {user_id: 'ada'}, {updateBehavior: 'none'}); api.authentication.setOrganization('` + closed + `')`)
		held := w.exchange().good().RefreshToken
		same(t, "org_id", w.claims(w.refresh(site, held).good().AccessToken)["org_id"], closed)
		ok(t, w.st.RemoveMembers(t.Context(), closed, []string{ada}))
		w.refresh(site, held).bad(403, "access_denied", noMember(closed))
	})
}

// organizedToo is organized, and leaves what else the client's settings say.
func (w *world) organizedToo(client, use string) {
	w.Helper()
	w.client(client, func(c *stagedoor.Client) {
		if c.Stored == nil {
			c.Stored = map[string]json.RawMessage{}
		}
		c.Stored["organization_usage"] = json.RawMessage(`"` + use + `"`)
	})
}
