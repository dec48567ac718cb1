package oauth

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Limits of authorization details: people are to read them.
const (
	maxDetails      = 10
	maxDetailsBytes = 8 << 10
)

// errDetails is the answer to authorization details that do not hold (RFC 9396 section 5).
func errDetails(why string) error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_authorization_details", "Invalid authorization_details: %s", why)
}

// authorizationDetails reads what a client asks for beyond scopes: a list of objects, each of a type that the API knows and, where people's tokens need
// a client grant, that the grant names. It returns them as they will stand in the token.
func authorizationDetails(ctx context.Context, st *store.Store, client *stagedoor.Client, api *stagedoor.ResourceServer, raw string) (json.RawMessage, error) {
	if raw == "" {
		return nil, nil
	}
	var all []map[string]any
	dec := json.NewDecoder(strings.NewReader(raw))
	if err := dec.Decode(&all); err != nil || dec.More() || len(raw) > maxDetailsBytes || unreadable(raw) {
		return nil, errDetails("they are not a list of objects, or too long")
	}
	if len(all) == 0 || len(all) > maxDetails {
		return nil, errDetails("there must be 1 to 10")
	}
	var granted *stagedoor.ClientGrant // nil: the client needs none
	if api != nil && api.UserPolicy() == "require_client_grant" {
		var err error
		if granted, err = st.ClientGrantFor(ctx, client, api.Identifier, stagedoor.SubjectUser); err != nil {
			return nil, err
		}
	}
	for _, one := range all {
		kind, _ := one["type"].(string)
		switch {
		case api == nil || !api.TakesDetails(kind):
			return nil, errDetails("the API does not know the type " + cut(kind))
		case granted != nil && !slices.Contains(granted.AuthorizationDetailsTypes, kind):
			return nil, errDetails("the client may not ask for the type " + cut(kind))
		}
	}
	return json.Marshal(all)
}
