package token

import (
	"context"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Permitted returns what of an Authorization's scopes a person's token may hold: all of them, or, where the API enforces roles, those of
// OpenID Connect and those that the person has a permission for (Authentication API fact sheet 5.3). rs is nil where only
// /userinfo is meant; the Management API knows its own rules for people.
func Permitted(ctx context.Context, st *store.Store, rs *stagedoor.ResourceServer, a *stagedoor.Authorization) ([]string, error) {
	if rs == nil || !rs.EnforcePolicies || rs.IsSystem && !hasOwnScopes(rs) {
		return a.Scope, nil
	}
	has, err := st.PermissionsFor(ctx, a.UserID, a.OrgID, rs.Identifier)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(a.Scope), func(s string) bool { return !IsOIDCScope(s) && !slices.Contains(has, s) }), nil
}

// permissions is the claim of that name: all that the person may do at the API, whatever was asked for. A client in its own
// name may do what it was granted.
func permissions(ctx context.Context, st *store.Store, rs *stagedoor.ResourceServer, a *stagedoor.Authorization) ([]string, error) {
	if a.UserID == "" {
		return append([]string{}, a.Scope...), nil
	}
	return st.PermissionsFor(ctx, a.UserID, a.OrgID, rs.Identifier)
}
