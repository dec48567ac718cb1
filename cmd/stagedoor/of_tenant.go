package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/store"
)

// ofTenant is the part of a command that is about one tenant.
type ofTenant struct {
	config.Config
	Tenant string `help:"Name of the tenant. Default: the only one." placeholder:"NAME"`
}

func (c *ofTenant) open(ctx context.Context) (*store.DB, *store.Store, error) {
	db, err := openMigrated(ctx, &c.Config)
	if err != nil {
		return nil, nil, err
	}
	st, err := c.tenant(ctx, db)
	if err != nil {
		_ = db.Close()
		return nil, nil, err
	}
	return db, st, nil
}

func (c *ofTenant) tenant(ctx context.Context, db *store.DB) (*store.Store, error) {
	if c.Tenant != "" {
		st, err := db.TenantByID(ctx, c.Tenant)
		return st, noTenant(err, c.Tenant)
	}
	all, err := db.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errors.New("there is no tenant yet: `stagedoor init` makes one")
	}
	if len(all) != 1 {
		return nil, fmt.Errorf("there are %d tenants: name one with --tenant", len(all))
	}
	return db.TenantByID(ctx, all[0].ID)
}
