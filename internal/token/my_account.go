package token

import (
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// The scopes of the My Account API.
const (
	CreateMyMethods  = "create:me:authentication_methods"
	ReadMyMethods    = "read:me:authentication_methods"
	UpdateMyMethods  = "update:me:authentication_methods"
	DeleteMyMethods  = "delete:me:authentication_methods"
	ReadMyFactors    = "read:me:factors"
	CreateMyAccounts = "create:me:connected_accounts"
	ReadMyAccounts   = "read:me:connected_accounts"
	DeleteMyAccounts = "delete:me:connected_accounts"
)

// myAccountLife is how long a token for the My Account API lives, in seconds.
const myAccountLife = 600

// MyAccountAudience returns the identifier of a tenant's My Account API.
func MyAccountAudience(t *stagedoor.Tenant) string { return "https://" + t.Domain() + "/me/" }

// IsMyAccount tells whether the audience is the tenant's own My Account API, by any domain that the tenant answers under: SDKs build it from the domain that they were given.
func IsMyAccount(t *stagedoor.Tenant, audience string) bool { return isOwn(t, audience, "/me/") }

// MyAccountAPI is the My Account API as it is when a tenant switches it on: for people, through clients that have a client grant for them.
func MyAccountAPI(t *stagedoor.Tenant) *stagedoor.ResourceServer {
	return &stagedoor.ResourceServer{
		Name: "Auth0 My Account API", Identifier: MyAccountAudience(t), IsSystem: true, SigningAlgorithm: jose.RS256, AllowOfflineAccess: true,
		TokenLifetime: myAccountLife, TokenLifetimeForWeb: myAccountLife, SkipConsent: true,
		SubjectTypes: &stagedoor.SubjectTypes{User: &stagedoor.SubjectPolicy{Policy: "require_client_grant"}, Client: &stagedoor.SubjectPolicy{Policy: "deny_all"}},
		Scopes:       MyAccountScopes(),
	}
}

// MyAccountScopes are the scopes of the My Account API, each with what people are told of it.
func MyAccountScopes() []stagedoor.APIScope {
	return []stagedoor.APIScope{
		{Value: CreateMyAccounts, Description: "Create Connected Accounts"},
		{Value: ReadMyAccounts, Description: "Read Connected Accounts"},
		{Value: DeleteMyAccounts, Description: "Delete Connected Accounts"},
		{Value: CreateMyMethods, Description: "Create Authentication Methods"},
		{Value: ReadMyMethods, Description: "Read Authentication Methods"},
		{Value: UpdateMyMethods, Description: "Update Authentication Methods"},
		{Value: DeleteMyMethods, Description: "Delete Authentication Methods"},
		{Value: ReadMyFactors, Description: "Read Factors"},
	}
}

// ReachesMethods tells whether tokens of the API with these scopes change what people prove themselves with: whoever knows a password alone must not put another factor in the place of
// theirs.
func ReachesMethods(t *stagedoor.Tenant, api *stagedoor.ResourceServer, scope []string) bool {
	switch {
	case api == nil:
		return false
	case IsMFA(t, api.Identifier):
		return true
	}
	return IsMyAccount(t, api.Identifier) && slices.ContainsFunc(scope, func(s string) bool {
		return s == CreateMyMethods || s == UpdateMyMethods || s == DeleteMyMethods
	})
}
