package store

import (
	"context"
	"slices"

	"github.com/stagedoor/stagedoor"
)

var networkACLs = Kind[stagedoor.NetworkACL]{
	Name: "network_acl", ID: func(a *stagedoor.NetworkACL) *string { return &a.ID },
	NewID:   func() string { return "acl_" + stagedoor.NewBase58(22) },
	Missing: stagedoor.Errorf(stagedoor.NotFound, "", "NetworkACL with this ID was not found"),
}

// NetworkACLs lists the tenant's network access lists, in the order in which they decide.
func (s *Store) NetworkACLs(ctx context.Context) ([]stagedoor.NetworkACL, error) {
	all, err := networkACLs.All(ctx, s)
	slices.SortStableFunc(all, func(a, b stagedoor.NetworkACL) int { return a.Priority - b.Priority })
	return all, err
}

// NetworkACL returns one list.
func (s *Store) NetworkACL(ctx context.Context, id string) (*stagedoor.NetworkACL, error) {
	return networkACLs.Get(ctx, s, id)
}

// CreateNetworkACL adds a list. Like every change it holds at once on this server, and on others when they next read the tenant.
func (s *Store) CreateNetworkACL(ctx context.Context, a *stagedoor.NetworkACL) error {
	defer s.db.forget(s.tenant.ID)
	return networkACLs.Create(ctx, s, a)
}

// UpdateNetworkACL changes a list in one transaction.
func (s *Store) UpdateNetworkACL(ctx context.Context, id string, change func(*stagedoor.NetworkACL) error) (*stagedoor.NetworkACL, error) {
	defer s.db.forget(s.tenant.ID)
	return networkACLs.Update(ctx, s, id, change)
}

// DeleteNetworkACL removes a list, if there is one.
func (s *Store) DeleteNetworkACL(ctx context.Context, id string) error {
	defer s.db.forget(s.tenant.ID)
	_, err := networkACLs.Delete(ctx, s, id)
	return err
}
