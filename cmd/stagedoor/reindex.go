package main

import (
	"context"
	"fmt"

	"github.com/stagedoor/stagedoor/internal/config"
)

type reindexCommand struct{ config.Config }

// Run makes the search index of every tenant anew. Servers may run meanwhile: each step holds only the users that it looks at.
func (c *reindexCommand) Run(ctx context.Context) error {
	db, err := openMigrated(ctx, &c.Config)
	if err != nil {
		return err
	}
	defer db.Close()
	tenants, err := db.Tenants(ctx)
	if err != nil {
		return err
	}
	shown := newProgress()
	defer shown.end()
	for _, t := range tenants {
		st, err := db.TenantByID(ctx, t.ID)
		if err != nil {
			return err
		}
		users := 0
		if err := st.Reindex(ctx, func(n int) {
			users = n
			shown.tell(func() string { return fmt.Sprintf("%s: %s", t.ID, count(n, "user")) })
		}); err != nil {
			return fmt.Errorf("indexing the users of %s: %w", t.ID, err)
		}
		shown.end()
		fmt.Printf("%s: %s indexed.\n", t.ID, count(users, "user"))
	}
	return nil
}
