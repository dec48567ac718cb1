package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/store"
)

// tenantsCommand is about the tenants of a database. `stagedoor init` adds one.
type tenantsCommand struct {
	List   listTenantsCommand  `cmd:"" help:"List the tenants, with their domains and how many users they have."`
	Delete deleteTenantCommand `cmd:"" help:"Delete a tenant with all that belongs to it, while servers run. There is no way back but a backup."`
}

type listTenantsCommand struct {
	config.Config
	JSON bool `name:"json" help:"Print the list as JSON."`
}

// Run lists tenants.
func (c *listTenantsCommand) Run(ctx context.Context) error {
	db, err := openMigrated(ctx, &c.Config)
	if err != nil {
		return err
	}
	defer db.Close()
	all, err := db.TenantSummaries(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(all)
	}
	if len(all) == 0 {
		fmt.Println("There is no tenant. `stagedoor init NAME --domain DOMAIN` creates one.")
		return nil
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tUSERS\tCREATED\tDOMAINS")
	for _, t := range all {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", t.ID, t.Users, t.CreatedAt.UTC().Format(time.DateOnly), strings.Join(t.Domains, ", "))
	}
	return w.Flush()
}

type deleteTenantCommand struct {
	config.Config
	Name string `arg:"" help:"The tenant's name."`
	Yes  bool   `name:"yes" help:"Do it: without, nothing is deleted, and what would be is told."`
	JSON bool   `name:"json" help:"Print what was deleted as JSON."`
}

// Run deletes a tenant.
func (c *deleteTenantCommand) Run(ctx context.Context) error {
	db, err := openMigrated(ctx, &c.Config)
	if err != nil {
		return err
	}
	defer db.Close()
	all, err := db.TenantSummaries(ctx)
	if err != nil {
		return err
	}
	var t *store.TenantSummary
	for i := range all {
		if all[i].ID == c.Name {
			t = &all[i]
		}
	}
	if t == nil {
		return fmt.Errorf("there is no tenant %s: `stagedoor tenants list` lists them", c.Name)
	}
	if !c.Yes {
		return fmt.Errorf("the tenant %s (%s) and its %d users would be deleted, with their sessions, logs and settings: --yes does it; nothing was deleted", t.ID, strings.Join(t.Domains, ", "), t.Users)
	}
	p := newProgress()
	err = db.DeleteTenant(ctx, t.ID, func(rows int64) {
		p.tell(func() string { return fmt.Sprintf("%d rows are deleted", rows) })
	})
	p.end()
	if err != nil {
		return fmt.Errorf("deleting the tenant %s, of which a part is gone (the same command goes on): %w", t.ID, err)
	}
	if c.JSON {
		return printJSON(t)
	}
	fmt.Printf("The tenant %s is deleted, with %d users.\n", t.ID, t.Users)
	return nil
}
