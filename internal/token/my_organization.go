package token

import (
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// myOrganizationLife is how long a token for the My Organization API lives, in seconds.
const myOrganizationLife = 600

// MyOrganizationAudience returns the identifier of a tenant's My Organization API.
func MyOrganizationAudience(t *stagedoor.Tenant) string { return "https://" + t.Domain() + "/my-org/" }

// IsMyOrganization tells whether the audience is the tenant's own My Organization API, by any domain that the tenant answers under.
func IsMyOrganization(t *stagedoor.Tenant, audience string) bool {
	return isOwn(t, audience, "/my-org/")
}

// readMyOrganization is a scope that every My Organization API defines and no other API of the system.
const readMyOrganization = "read:my_org:details"

// myOrganizationScopes are the scopes of the My Organization API: what is done, to what, and what people are told of it. The verbs are those of the wire: c(reate), r(ead), u(pdate), d(elete).
const myOrganizationScopes = `configuration r the organization's configuration
details ru the organization's details
identity_providers crud identity providers
identity_providers_detach u that identity providers are the organization's
identity_providers_domains cd domains of identity providers
identity_providers_provisioning crud the provisioning of identity providers
identity_providers_scim_tokens crd tokens of provisioning
domains crud the organization's domains
members r members
memberships d memberships
member_roles crd roles of members
member_invitations crd invitations of members
organizations d the organization`

// MyOrganizationAPI is the My Organization API as it is when a tenant switches it on: for people, through clients that have a client grant for them, and for what the roles that they have
// in the organization permit.
func MyOrganizationAPI(t *stagedoor.Tenant) *stagedoor.ResourceServer {
	return &stagedoor.ResourceServer{
		Name: "Auth0 My Organization API", Identifier: MyOrganizationAudience(t), IsSystem: true, SigningAlgorithm: jose.RS256, AllowOfflineAccess: true,
		TokenLifetime: myOrganizationLife, TokenLifetimeForWeb: myOrganizationLife, SkipConsent: true, EnforcePolicies: true, Scopes: MyOrganizationScopes(),
		SubjectTypes: &stagedoor.SubjectTypes{User: &stagedoor.SubjectPolicy{Policy: "require_client_grant"}, Client: &stagedoor.SubjectPolicy{Policy: "deny_all"}},
	}
}

// MyOrganizationScopes are the scopes of the My Organization API, each with what people are told of it.
func MyOrganizationScopes() (all []stagedoor.APIScope) {
	verbs := map[rune]string{'c': "Create", 'r': "Read", 'u': "Update", 'd': "Delete"}
	for _, line := range strings.Split(myOrganizationScopes, "\n") {
		name, rest, _ := strings.Cut(line, " ")
		done, what, _ := strings.Cut(rest, " ")
		for _, letter := range done {
			all = append(all, stagedoor.APIScope{Value: strings.ToLower(verbs[letter]) + ":my_org:" + name, Description: verbs[letter] + " " + what})
		}
	}
	return all
}
