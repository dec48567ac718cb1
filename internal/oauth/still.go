package oauth

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/token"
)

// What somebody agreed to some time ago is held to what holds now, each time that tokens are made of it: the API may give no more tokens to people, the client
// may have lost its grant, or parts of it, and what was agreed to may no longer be there.

// still leaves of scopes and authorization details what the client may ask for now.
func (t *tokenRequest) still(ctx context.Context, api *stagedoor.ResourceServer, scope []string, details json.RawMessage) ([]string, json.RawMessage, error) {
	req := &stagedoor.AuthorizationRequest{Scope: slices.Clone(scope)}
	if err := forPeople(ctx, t.st, t.client, api, req); err != nil {
		return nil, nil, err
	}
	details, err := stillDetails(ctx, t.st, t.client, api, details)
	return req.Scope, details, err
}

// stillGranted does so for an authorization that has waited. Of its scopes it looks at those that were asked for: others are a script's word, which says nothing
// of the client's grant.
func (t *tokenRequest) stillGranted(ctx context.Context, a *stagedoor.Authorization, asked []string) error {
	api, err := apiOf(ctx, t.st, a.Audience)
	if err != nil {
		return err
	}
	left, details, err := t.still(ctx, api, asked, a.Details)
	if err != nil {
		return err
	}
	a.Details = details
	a.Scope = slices.DeleteFunc(slices.Clone(a.Scope), func(s string) bool { return slices.Contains(asked, s) && !slices.Contains(left, s) })
	return nil
}

// undefined are those of scopes that neither the API defines nor OpenID Connect.
func undefined(client *stagedoor.Client, api *stagedoor.ResourceServer, scope []string) []string {
	if api == nil {
		return nil
	}
	known := token.Granted(client, api, scope)
	return slices.DeleteFunc(slices.Clone(scope), func(s string) bool { return token.IsOIDCScope(s) || slices.Contains(known, s) })
}

// defined leaves of the scopes of a refresh token those that the API still has, and those that it never had: a script gave them.
func defined(client *stagedoor.Client, api *stagedoor.ResourceServer, scope, beyond []string) []string {
	gone := undefined(client, api, scope)
	return slices.DeleteFunc(slices.Clone(scope), func(s string) bool { return slices.Contains(gone, s) && !slices.Contains(beyond, s) })
}
