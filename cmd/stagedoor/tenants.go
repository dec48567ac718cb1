package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/server"
)

// tenantsCommand is about the tenants of a database. `stagedoor init` adds one.
type tenantsCommand struct {
	List        listTenantsCommand  `cmd:"" help:"List the tenants, with their domains and how many users they have."`
	Domains     setDomainsCommand   `cmd:"" help:"Replace the domains under which a tenant answers, while servers run."`
	Credentials credentialsCommand  `cmd:"" help:"Make another client with all scopes of the Management API, for who has lost the credentials; prints them once."`
	Delete      deleteTenantCommand `cmd:"" help:"Delete a tenant with all that belongs to it, while servers run. There is no way back but a backup."`
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

type setDomainsCommand struct {
	config.Config
	Name    string   `arg:"" help:"The tenant's name."`
	Domains []string `name:"domain" required:"" help:"Domain that the tenant answers under, with its port unless it is the usual one; the first is canonical." placeholder:"HOST"`
	JSON    bool     `name:"json" help:"Print the domains as JSON."`
}

// Run replaces the domains of a tenant.
func (c *setDomainsCommand) Run(ctx context.Context) error {
	asked, err := server.Domains(c.Domains)
	if err != nil {
		return err
	}
	db, err := openMigrated(ctx, &c.Config)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := server.SetDomains(ctx, db, c.Name, asked); err != nil {
		return takenDomain(ctx, db, noTenant(err, c.Name), c.Name, asked)
	}
	st, err := db.TenantByID(ctx, c.Name)
	if err != nil {
		return err
	}
	domains := st.Tenant().Domains
	if c.JSON {
		return printJSON(domains)
	}
	fmt.Printf("The tenant %s answers under %s.\n", c.Name, strings.Join(domains, ", "))
	return nil
}

// takenDomain says of a conflict over domains which one it is, and whose.
func takenDomain(ctx context.Context, db *store.DB, err error, name string, domains []string) error {
	if !stagedoor.IsKind(err, stagedoor.Conflict) {
		return err
	}
	for _, domain := range domains {
		if st, unknown := db.TenantByDomain(ctx, domain); unknown == nil && st.Tenant().ID != name {
			return fmt.Errorf("the domain %s already belongs to the tenant %s: `stagedoor tenants list` lists them", domain, st.Tenant().ID)
		}
	}
	return err
}

// noTenant says of a tenant that is not there where those are that there are.
func noTenant(err error, name string) error {
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return errNoTenant(name)
	}
	return err
}

func errNoTenant(name string) error {
	return fmt.Errorf("there is no tenant %s: `stagedoor tenants list` lists them", name)
}

type credentialsCommand struct {
	config.Config
	Name string `arg:"" help:"The tenant's name."`
	JSON bool   `name:"json" help:"Print the credentials as JSON."`
}

// Run makes another machine client of a tenant.
func (c *credentialsCommand) Run(ctx context.Context) error {
	db, err := openMigrated(ctx, &c.Config)
	if err != nil {
		return err
	}
	defer db.Close()
	machine, err := server.AddMachine(ctx, db, c.Name)
	if err != nil {
		return noTenant(err, c.Name)
	}
	st, err := db.TenantByID(ctx, c.Name)
	if err != nil {
		return err
	}
	out := credentialsOf(c.Name, st.Tenant().Domain(), machine)
	if c.JSON {
		return printJSON(out)
	}
	fmt.Printf("The client %q manages the tenant %s, with all scopes; the secret is shown this once:\n\n", machine.Name, c.Name)
	return printCredentials(out)
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
		return errNoTenant(c.Name)
	}
	if !c.Yes {
		return fmt.Errorf("the tenant %s (%s) and its %s would be deleted, with their sessions, logs and settings: --yes does it; nothing was deleted", t.ID, strings.Join(t.Domains, ", "), count(t.Users, "user"))
	}
	p := newProgress()
	err = db.DeleteTenant(ctx, t.ID, func(rows int64) {
		p.tell(func() string { return count(rows, "row") + " deleted" })
	})
	p.end()
	if err != nil {
		return fmt.Errorf("deleting the tenant %s, of which a part is gone (the same command goes on): %w", t.ID, err)
	}
	if c.JSON {
		return printJSON(t)
	}
	fmt.Printf("The tenant %s is deleted, with %s.\n", t.ID, count(t.Users, "user"))
	return nil
}
