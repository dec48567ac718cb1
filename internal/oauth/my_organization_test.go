package oauth

import (
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/token"
)

// Who may have tokens for the My Organization API, and what they hold: what the client was granted, and the person's roles in the organization permit.
func TestMyOrganizationTokens(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		const audience = "https://acme.test/my-org/"
		ask := func(client string, more ...string) string {
			return w.refusedWith(client, append([]string{"audience", audience, "scope", "openid read:my_org:details"}, more...)...)
		}
		same(t, "not switched on", ask(spa), "access_denied Service not found: "+audience)
		ok(t, w.st.CreateResourceServer(t.Context(), token.MyOrganizationAPI(w.st.Tenant())))
		same(t, "no grant", ask(spa), `access_denied Client is not authorized to access resource server "`+audience+`".`)
		ok(t, w.st.CreateClientGrant(t.Context(), &stagedoor.ClientGrant{ClientID: third, Audience: audience, SubjectType: "user", Scope: []string{"read:my_org:details"}}))
		same(t, "somebody else's client", ask(third), `access_denied Clients of third parties get no tokens of resource server "`+audience+`".`)
		w.token(values("grant_type", "client_credentials", "client_id", machine, "client_secret", secret(machine), "audience", audience)).
			bad(403, "access_denied", "The resource server "+audience+" gives no tokens to clients in their own name.")

		ok(t, w.st.CreateClientGrant(t.Context(), &stagedoor.ClientGrant{ClientID: spa, Audience: audience, SubjectType: "user", Scope: []string{"read:my_org:details", "read:my_org:members"}}))
		scope := func() any {
			got := w.redeem(spa, w.browser().login(request(spa, "audience", audience, "scope", "openid read:my_org:details read:my_org:members update:my_org:details read:current_user")).got().Get("code")).good()
			same(t, "life", got.ExpiresIn, 600)
			return w.claims(got.AccessToken)["scope"]
		}
		same(t, "without a role", scope(), "openid")
		role := &stagedoor.Role{Name: "Reader", Type: stagedoor.RoleOfTenant}
		ok(t, w.st.CreateRole(t.Context(), role))
		ok(t, w.st.AddRolePermissions(t.Context(), role.ID, []stagedoor.Permission{{API: audience, Name: "read:my_org:details"}, {API: audience, Name: "update:my_org:details"}}))
		ok(t, w.st.AddUserRoles(t.Context(), ada, []string{role.ID}))
		same(t, "with one", scope(), "openid read:my_org:details")
	})
}
