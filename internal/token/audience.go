package token

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// ManagementAudience returns the identifier of a tenant's Management API.
func ManagementAudience(t *stagedoor.Tenant) string { return "https://" + t.Domain() + "/api/v2/" }

// IsManagement tells whether the audience is the tenant's own Management API, by any domain that the
// tenant answers under. SDKs build the audience from the domain that they were given.
func IsManagement(t *stagedoor.Tenant, audience string) bool { return isOwn(t, audience, "/api/v2/") }

// IsMFA tells whether the audience is the tenant's own MFA API, by any domain that the tenant answers under.
func IsMFA(t *stagedoor.Tenant, audience string) bool { return isOwn(t, audience, "/mfa/") }

// The scopes of the MFA API (Authentication API fact sheet 6.11).
const (
	EnrollAuthenticator  = "enroll"
	ReadAuthenticators   = "read:authenticators"
	RemoveAuthenticators = "remove:authenticators"
)

// mfaLife is how long a token for the MFA API lives, in seconds (Authentication API fact sheet 6.11).
const mfaLife = 600

// mfaAPI is the MFA API as an API of the tenant, which has it without any record: for people only, and not for later.
func mfaAPI(audience string) *stagedoor.ResourceServer {
	return &stagedoor.ResourceServer{
		Name: "MFA API", Identifier: audience, IsSystem: true, SigningAlgorithm: jose.RS256, TokenLifetime: mfaLife, TokenLifetimeForWeb: mfaLife, SkipConsent: true,
		Scopes: []stagedoor.APIScope{
			{Value: EnrollAuthenticator, Description: "Set up a second factor"},
			{Value: ReadAuthenticators, Description: "See your second factors"},
			{Value: RemoveAuthenticators, Description: "Remove your second factors"},
		},
		SubjectTypes: &stagedoor.SubjectTypes{User: &stagedoor.SubjectPolicy{Policy: "allow_all"}, Client: &stagedoor.SubjectPolicy{Policy: "deny_all"}},
	}
}

// isOwn tells whether an address is a path at one of the tenant's domains. What tells at a glance is not taken apart: every request asks.
func isOwn(t *stagedoor.Tenant, address, path string) bool {
	if !strings.Contains(address, path) && !strings.Contains(address, "%") { // which may spell the path in another way
		return false
	}
	if host, is := strings.CutPrefix(address, "https://"); is {
		if host, is = strings.CutSuffix(host, path); is && t.Allows(host) {
			return true
		}
	}
	u, err := url.Parse(address)
	return err == nil && u.Path == path && (u.Scheme == "https" || u.Scheme == "http") && u.User == nil && u.RawQuery == "" && u.Fragment == "" &&
		t.Allows(strings.ToLower(u.Host))
}

// IsIssuer tells whether the URL is an issuer of the tenant: https://{domain}/ or, on loopback, http://{domain}/.
func IsIssuer(t *stagedoor.Tenant, issuer string) bool { return isOwn(t, issuer, "/") }

// IsSessionTransfer tells whether the audience asks for a session transfer token of the tenant: urn:{domain}:session_transfer. SDKs leave the domain's port
// out.
func IsSessionTransfer(t *stagedoor.Tenant, audience string) bool {
	host, is := strings.CutPrefix(audience, "urn:")
	host, ends := strings.CutSuffix(host, ":session_transfer")
	return is && ends && slices.ContainsFunc(t.Domains, func(domain string) bool {
		name, _, _ := strings.Cut(domain, ":")
		return strings.EqualFold(host, domain) || strings.EqualFold(host, name)
	})
}

// IsUserInfo tells whether the audience means only the user's own claims.
func IsUserInfo(t *stagedoor.Tenant, audience string) bool {
	return audience == "" || isOwn(t, audience, "/userinfo")
}

// ResourceServer returns the API that an audience names: NotFound if there is none.
func ResourceServer(ctx context.Context, st *store.Store, audience string) (*stagedoor.ResourceServer, error) {
	if IsMFA(st.Tenant(), audience) {
		return mfaAPI(audience), nil
	}
	switch {
	case IsManagement(st.Tenant(), audience):
		audience = ManagementAudience(st.Tenant())
	case IsMyAccount(st.Tenant(), audience):
		audience = MyAccountAudience(st.Tenant())
	case IsMyOrganization(st.Tenant(), audience):
		audience = MyOrganizationAudience(st.Tenant())
	}
	return st.ResourceServerByIdentifier(ctx, audience)
}

// hasOwnScopes tells whether people's tokens for an API of the system hold the scopes that it defines: the MFA API, the My Account API and the My
// Organization API.
func hasOwnScopes(rs *stagedoor.ResourceServer) bool {
	return rs.IsSystem && (rs.Defines(RemoveAuthenticators) || rs.Defines(CreateMyAccounts) || rs.Defines(readMyOrganization))
}

// currentUserScopes are what a person's token for the Management API may hold (Authentication
// API fact sheet 5.4). They need no grant of the client.
var currentUserScopes = []string{
	"read:current_user", "update:current_user_identities", "create:current_user_metadata", "update:current_user_metadata",
	"delete:current_user_metadata", "create:current_user_device_credentials", "delete:current_user_device_credentials",
}

// oidcScopes pass through whatever the API.
var oidcScopes = []string{"openid", "profile", "email", "phone", "address", "offline_access"}

// IsOIDCScope tells whether OpenID Connect defines the scope.
func IsOIDCScope(scope string) bool { return slices.Contains(oidcScopes, scope) }

// AllScopes are what a person gets who signs in without a browser and names none: those of OpenID Connect but for offline_access, and all of
// the API (Authentication API fact sheet 4.5).
func AllScopes(rs *stagedoor.ResourceServer) []string {
	all := []string{"openid", "profile", "email", "address", "phone"}
	switch {
	case rs == nil:
	case rs.IsSystem && !hasOwnScopes(rs):
		all = append(all, currentUserScopes...)
	default:
		for _, s := range rs.Scopes {
			all = append(all, s.Value)
		}
	}
	return all
}

// Granted returns the scopes of a request that a person's token may hold: those of OpenID Connect, and
// those that the API defines. rs is nil where only /userinfo is meant. What an API that enforces roles then leaves of them
// is for Permitted to say.
func Granted(c *stagedoor.Client, rs *stagedoor.ResourceServer, requested []string) []string {
	granted := []string{}
	for _, s := range requested {
		ok := false
		switch {
		case s == "offline_access":
			ok = c.Allows("refresh_token") && (rs == nil || rs.AllowOfflineAccess)
		case IsOIDCScope(s):
			ok = true
		case rs == nil:
		case rs.IsSystem && !hasOwnScopes(rs):
			ok = slices.Contains(currentUserScopes, s)
		default:
			ok = rs.Defines(s)
		}
		if ok && !slices.Contains(granted, s) {
			granted = append(granted, s)
		}
	}
	return granted
}
