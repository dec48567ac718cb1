package store

import (
	"context"

	"github.com/stagedoor/stagedoor"
)

var administrators = Kind[stagedoor.Administrator]{
	Name: "administrator", ID: func(a *stagedoor.Administrator) *string { return &a.Who },
	Missing: stagedoor.Errorf(stagedoor.NotFound, "inexistent_administrator", "There is no such administrator."),
}

// Administrators lists those who may look after the tenant in the dashboard, in the order in which they were added.
func (s *Store) Administrators(ctx context.Context) ([]stagedoor.Administrator, error) {
	return administrators.All(ctx, s)
}

// SetAdministrator adds an administrator, or changes what one may do. It holds at once, on every server.
func (s *Store) SetAdministrator(ctx context.Context, who string, scopes []string) (*stagedoor.Administrator, error) {
	return administrators.Set(ctx, s, who,
		func() *stagedoor.Administrator {
			return &stagedoor.Administrator{Who: who, CreatedAt: s.db.clock.Now()}
		},
		func(a *stagedoor.Administrator) error {
			a.Scopes = scopes
			return nil
		})
}

// DeleteAdministrator removes an administrator, and tells whether there was one.
func (s *Store) DeleteAdministrator(ctx context.Context, who string) (bool, error) {
	return administrators.Delete(ctx, s, who)
}
