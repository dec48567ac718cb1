package connection

import (
	"context"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Home is the connection to which the domain of somebody's address belongs, among those by which an authorization request's people may go to
// a provider; nil if there is none. A request that names its connection has chosen already.
func Home(ctx context.Context, st *store.Store, req *stagedoor.AuthorizationRequest, identifier string) (*stagedoor.Connection, error) {
	_, domain, found := strings.Cut(strings.ToLower(strings.TrimSpace(identifier)), "@")
	if !found || domain == "" || req.Connection != "" {
		return nil, nil
	}
	all, err := Elsewhere(ctx, st, req)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(c stagedoor.Connection) bool { return slices.Contains(c.Domains(), domain) })
	if i < 0 {
		return nil, nil
	}
	return &all[i], nil
}
