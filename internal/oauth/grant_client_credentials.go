package oauth

import (
	"cmp"
	"context"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/token"
)

// redeemClientCredentials gives a client a token in its own name (RFC 6749 section 4.4; Authentication
// API fact sheet 4.4).
func redeemClientCredentials(ctx context.Context, t *tokenRequest) (*tokenResponse, error) {
	if t.client.Public() {
		return nil, errGrant("client_credentials")
	}
	audience := cmp.Or(t.params["audience"], t.st.Tenant().Settings.DefaultAudience)
	if audience == "" {
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "Non-global clients are not allowed access to APIv1")
	}
	api, err := apiOf(ctx, t.st, audience)
	if err != nil {
		return nil, err
	}
	if api == nil {
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "Service not found: %s", audience)
	}
	if t.params["authorization_details"] != "" {
		return nil, errDetails("they are for people to agree to")
	}
	if err := token.CheckPolicy(api, false); err != nil {
		return nil, err
	}
	granted, err := t.st.ClientGrantFor(ctx, t.client, api.Identifier, stagedoor.SubjectClient)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "Client is not authorized to access %q. You need to create a \"client-grant\" associated to this API. See: https://auth0.com/docs/api/v2#!/Client_Grants/post_client_grants", audience)
	}
	if err != nil {
		return nil, err
	}
	scope, asked := granted.Scopes(api), distinct(stagedoor.Words(t.params["scope"]))
	if len(asked) > 0 {
		has := func(s string) bool { return slices.Contains(scope, s) }
		if beyond := slices.DeleteFunc(slices.Clone(asked), has); len(beyond) > 0 {
			return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "Client has not been granted scopes: %s", joined(beyond))
		}
		scope = asked
	}
	bound := t.binding(api)
	a := &stagedoor.Authorization{ClientID: t.client.ID, Audience: audience, Scope: scope, GrantType: "client-credentials", Issuer: t.visit.Issuer, JKT: bound.JKT, X5T: bound.X5T}
	o, err := t.machineOrganization(ctx, granted)
	if err != nil {
		return nil, err
	}
	if o != nil {
		a.OrgID, a.OrgName = o.ID, pipeline.OrganizationName(t.st, o)
		t.event.OrgID, t.event.OrgName = o.ID, o.Name
	}
	counted, err := t.takeQuota(ctx, o) // before any script runs for what is refused anyway
	if err != nil {
		return nil, err
	}
	resp, err := t.machineTokens(ctx, a, api, o, asked)
	if err != nil {
		t.returnQuota(ctx, counted)
		return nil, err
	}
	t.warnQuota(counted)
	return resp, nil
}

// machineTokens runs the scripts and makes the token.
func (t *tokenRequest) machineTokens(ctx context.Context, a *stagedoor.Authorization, api *stagedoor.ResourceServer, o *stagedoor.Organization, asked []string) (resp *tokenResponse, err error) {
	if err := t.Pipeline.CredentialsExchange(ctx, t.visit, t.client, o, asked, a, t.event); err != nil {
		return nil, err
	}
	resp = &tokenResponse{TokenType: t.tokenType()}
	if len(a.Scope)+len(asked) > 0 {
		resp.Scope = new(joined(a.Scope))
	}
	resp.AccessToken, resp.ExpiresIn, err = t.Minter.AccessToken(ctx, t.st, a, token.Access{Client: t.client, API: api})
	return resp, err
}
