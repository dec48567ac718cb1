package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/stagedoor/stagedoor/internal/store"
)

type copyCommand struct {
	From string `name:"from" env:"STAGEDOOR_COPY_FROM" required:"" help:"File or postgres:// URL of the database to copy." placeholder:"URL"`
	To   string `name:"to" env:"STAGEDOOR_COPY_TO" required:"" help:"File that is not there yet, or postgres:// URL of a database without tables or rows." placeholder:"URL"`
	JSON bool   `name:"json" help:"Print what was copied as JSON."`
}

// Run copies a whole database.
func (c *copyCommand) Run(ctx context.Context) error {
	p := newProgress()
	defer p.end()
	r, err := store.Copy(ctx, c.From, c.To, func(at store.CopyProgress) {
		p.tell(func() string {
			verb := "copying"
			if at.Comparing {
				verb = "comparing"
			}
			return fmt.Sprintf("%s %s: %d of %d rows, %.0f rows/s%s", verb, at.Table, at.Rows, at.Of, p.rate(at.Steps), p.left(at.Steps, at.Total))
		})
	})
	if err != nil {
		return err
	}
	p.end()
	if c.JSON {
		return printJSON(r)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	for _, t := range r.Tables {
		if t.Rows > 0 {
			fmt.Fprintf(w, "%s\t%s\t%s\n", strings.ReplaceAll(t.Name, "_", " "), count(t.Rows, "row"), t.Sum)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Printf("Copied %s of %d tables in %.1f s; every table was read again and has the same sum. The new database needs the same master key.\n", count(r.Rows, "row"), len(r.Tables), r.Seconds)
	return nil
}
