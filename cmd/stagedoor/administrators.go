package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mgmt"
)

// administratorsCommand is about who may look after a tenant in the dashboard, with an account at the provider of --dashboard-issuer.
type administratorsCommand struct {
	List   listAdministratorsCommand  `cmd:"" help:"List who may look after a tenant in the dashboard with an account at --dashboard-issuer."`
	Add    addAdministratorCommand    `cmd:"" help:"Let somebody look after a tenant, or change what they may do, while servers run."`
	Remove removeAdministratorCommand `cmd:"" help:"Take that from somebody again, at once, while servers run."`
}

type listAdministratorsCommand struct {
	ofTenant
	JSON bool `name:"json" help:"Print the list as JSON."`
}

// Run lists administrators.
func (c *listAdministratorsCommand) Run(ctx context.Context) error {
	db, st, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	all, err := st.Administrators(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(all)
	}
	if len(all) == 0 {
		fmt.Printf("The tenant %s has no administrators. `stagedoor administrators add` makes one.\n", st.Tenant().ID)
		return nil
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WHO\tADDED\tMAY")
	for _, a := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\n", a.Who, a.CreatedAt.UTC().Format(time.DateOnly), may(a.Scopes))
	}
	return w.Flush()
}

// may says in words what scopes allow.
func may(scopes []string) string {
	if len(scopes) == 0 {
		return "everything"
	}
	return strings.Join(scopes, " ")
}

type addAdministratorCommand struct {
	ofTenant
	Who   string   `arg:"" help:"An e-mail address that the provider has verified, sub:ID (a person's id there) or group:NAME (whoever is in that group)."`
	Scope []string `help:"Scopes of the Management API that they have. Default: all." placeholder:"SCOPE"`
	JSON  bool     `name:"json" help:"Print the administrator as JSON."`
}

// Run adds an administrator.
func (c *addAdministratorCommand) Run(ctx context.Context) error {
	who, err := stagedoor.AdministratorName(c.Who)
	if err != nil {
		return err
	}
	known := mgmt.ManagementScopes()
	for _, scope := range c.Scope {
		if !slices.ContainsFunc(known, func(s stagedoor.APIScope) bool { return s.Value == scope }) {
			return fmt.Errorf("the Management API has no scope %q", scope)
		}
	}
	db, st, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	made, err := st.SetAdministrator(ctx, who, c.Scope)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(made)
	}
	fmt.Printf("%s may look after the tenant %s at https://%s/dashboard: %s.\n", who, st.Tenant().ID, st.Tenant().Domain(), may(c.Scope))
	if c.Dashboard.Issuer == "" {
		fmt.Println("Servers need --dashboard-issuer, which these settings do not have: docs/guide/dashboard.md.")
	}
	return nil
}

type removeAdministratorCommand struct {
	ofTenant
	Who  string `arg:"" help:"As in the list."`
	JSON bool   `name:"json" help:"Print who was removed as JSON."`
}

// Run removes an administrator.
func (c *removeAdministratorCommand) Run(ctx context.Context) error {
	who, err := stagedoor.AdministratorName(c.Who)
	if err != nil {
		return err
	}
	db, st, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	found, err := st.DeleteAdministrator(ctx, who)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("%s is no administrator of the tenant %s: `stagedoor administrators list` lists them", who, st.Tenant().ID)
	}
	if c.JSON {
		return printJSON(map[string]string{"removed": who})
	}
	fmt.Printf("%s may no longer look after the tenant %s.\n", who, st.Tenant().ID)
	return nil
}
