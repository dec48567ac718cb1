package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"text/tabwriter"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/server"
)

type checkCommand struct {
	config.Config
	JSON bool `name:"json" help:"Print what was found as JSON."`
}

// Run looks at the whole database in one snapshot, and ends with 1 if something is wrong with it. It makes nothing: neither a database nor a key.
func (c *checkCommand) Run(ctx context.Context) error {
	if err := c.Complete(); err != nil {
		return err
	}
	if err := hasDatabase(c.Config); err != nil {
		return err
	}
	if _, err := os.Stat(c.MasterKeyFile); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the master key file %s is missing: the sealed values could not be opened", c.MasterKeyFile)
	}
	db, err := server.OpenDatabase(ctx, c.Config, server.Deps{})
	if err != nil {
		return err
	}
	defer db.Close()
	if current, known, err := db.Version(ctx); err != nil {
		return fmt.Errorf("reading the database's version: %w", err)
	} else if current != known {
		return fmt.Errorf("the database has version %d, this program checks version %d: use the servers' own program", current, known)
	}
	p := newProgress()
	found, err := db.Check(ctx, func(what string) { p.tell(func() string { return "checking " + what }) })
	p.end()
	if err != nil {
		return err
	}
	if c.JSON {
		if err := printJSON(found); err != nil {
			return err
		}
	} else {
		printChecked(found)
	}
	if n := len(found.Faults) + found.Further; n > 0 {
		return exit(1)
	}
	return nil
}

func printChecked(c *store.Checked) {
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	for _, f := range c.Faults {
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.Tenant, f.Where, f.What)
	}
	w.Flush()
	if c.Further > 0 {
		fmt.Printf("and %d more\n", c.Further)
	}
	verdict := "Nothing is wrong."
	if n := len(c.Faults) + c.Further; n == 1 {
		verdict = "One thing is wrong."
	} else if n > 1 {
		verdict = fmt.Sprintf("%d things are wrong.", n)
	}
	fmt.Printf("%s, %s of the search index, %s and %s were looked at. %s\n", count(c.Users, "user"), count(c.IndexRows, "row"), count(c.Sealed, "sealed value"), count(c.Logs, "log event"), verdict)
}
