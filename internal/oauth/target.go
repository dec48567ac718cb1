package oauth

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
)

// errTarget is the answer to a resource for which there are no tokens to be had (RFC 8707 section 2).
func errTarget(format string, args ...any) error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_target", format, args...)
}

// namesResources tells whether the parameter resource means an API, as audience does. Otherwise it is one of those that nobody knows.
func namesResources(st *store.Store) bool {
	return st.Tenant().Settings.ResourceParameterProfile == "compatibility"
}

// audienceOf reads which API tokens are asked for: by audience or, where the tenant's profile says so, by resource (RFC 8707). If both are there
// they mean the same, and there is one of each: a token is for one API.
func audienceOf(ctx context.Context, st *store.Store, audience string, resources ...string) (string, error) {
	if !namesResources(st) || len(resources) == 0 || resources[0] == "" {
		return audience, nil
	}
	resource := resources[0]
	u, err := url.Parse(resource)
	switch {
	case len(resources) > 1:
		return "", errTarget("There can be one resource only.")
	case err != nil || !u.IsAbs() || strings.Contains(resource, "#"):
		return "", errTarget("The resource must be an absolute URI without a fragment.")
	case audience != "" && audience != resource:
		return "", errTarget("audience and resource differ.")
	}
	if token.IsUserInfo(st.Tenant(), resource) {
		return resource, nil
	}
	_, err = apiOf(ctx, st, resource)
	if stagedoor.HasCode(err, "access_denied") {
		return "", errTarget("Service not found: %s", cut(resource))
	}
	return resource, err
}

// nameAPI makes the API that a request names by resource its audience.
func nameAPI(ctx context.Context, st *store.Store, params map[string]string) error {
	audience, err := audienceOf(ctx, st, params["audience"], params["resource"])
	if err == nil && audience != "" {
		params["audience"] = audience
	}
	return err
}

// targeted refuses a resource that is not the API to which a person has agreed (RFC 8707 section 2.2): the client would show a token for the one to the other.
func (t *tokenRequest) targeted(what, granted string) error {
	resource := t.params["resource"]
	if resource == "" || !namesResources(t.st) || resource == granted || granted == "" && token.IsUserInfo(t.st.Tenant(), resource) {
		return nil
	}
	return errTarget("The %s is not good for %s.", what, cut(resource))
}

// elsewhere returns what a refresh token stands for at another API than the one that it was given for, where the client's policies allow that: of
// OpenID Connect's scopes those that it has, and of the API's those of the policy (multi-resource refresh tokens). A client without policies asks for
// nothing by audience.
func (t *tokenRequest) elsewhere(ctx context.Context, rt *stagedoor.RefreshToken) (*stagedoor.RefreshToken, error) {
	audience, policies := t.params["audience"], t.client.RefreshToken.Policies
	if audience == "" || audience == rt.Audience || len(policies) == 0 {
		return rt, t.targeted("refresh token", rt.Audience)
	}
	i := slices.IndexFunc(policies, func(p stagedoor.RefreshTokenPolicy) bool { return p.Audience == audience })
	if i < 0 || !t.client.IsFirstParty || !rt.Conformant {
		return nil, errTarget("The refresh token is not good for %s.", cut(audience))
	}
	api, err := apiOf(ctx, t.st, audience)
	if err != nil {
		return nil, err
	}
	if api == nil {
		return nil, errTarget("The refresh token is not good for %s.", cut(audience))
	}
	req := &stagedoor.AuthorizationRequest{Scope: slices.DeleteFunc(slices.Clone(policies[i].Scope), func(s string) bool { return token.IsOIDCScope(s) || !api.Defines(s) })}
	if err := forPeople(ctx, t.st, t.client, api, req); err != nil {
		return nil, err
	}
	at := *rt
	at.Details = nil // which are for the API that it was given for
	at.Audience, at.Scope = audience, slices.DeleteFunc(slices.Clone(rt.Scope), func(s string) bool { return !token.IsOIDCScope(s) })
	at.Scope = append(at.Scope, req.Scope...)
	return &at, nil
}
