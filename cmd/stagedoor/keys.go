package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// keysCommand changes the master keys while servers run, which follow their file.
type keysCommand struct {
	List   listKeysCommand   `cmd:"" help:"List the master keys, and how many values each has sealed."`
	New    newKeyCommand     `cmd:"" help:"Add a master key, which seals from now on."`
	Use    useKeyCommand     `cmd:"" help:"Let a key that is there seal from now on."`
	Rotate rotateKeysCommand `cmd:"" help:"Seal everything again under the first key."`
	Drop   dropKeysCommand   `cmd:"" help:"Remove the keys that have sealed nothing that is left."`
}

type listKeysCommand struct {
	config.Config
	JSON bool `name:"json" help:"Print as JSON."`
}

// A keyLine is a master key as it is listed.
type keyLine struct {
	Key    string `json:"key"`
	Values int64  `json:"values"`
	Role   string `json:"role"` // seals, opens, missing
}

// keyLines joins the keys of the file with those that values were sealed under.
func keyLines(ctx context.Context, db *store.DB, file string) ([]keyLine, error) {
	keys, err := jose.LoadMasterKeys(file)
	if err != nil {
		return nil, err
	}
	uses, err := db.KeysInUse(ctx)
	if err != nil {
		return nil, err
	}
	values := map[string]int64{}
	for _, use := range uses {
		values[use.Key] = use.Values
	}
	out := []keyLine{}
	for i, key := range keys {
		role := "opens"
		if i == 0 {
			role = "seals"
		}
		out = append(out, keyLine{key.ID(), values[key.ID()], role})
		delete(values, key.ID())
	}
	for _, use := range uses {
		if n, missing := values[use.Key]; missing {
			out = append(out, keyLine{use.Key, n, "missing"})
		}
	}
	return out, nil
}

// keysOf opens a database to list its keys.
func keysOf(ctx context.Context, cfg *config.Config) ([]keyLine, error) {
	db, err := openMigrated(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return keyLines(ctx, db, cfg.MasterKeyFile)
}

// Run lists the keys.
func (c *listKeysCommand) Run(ctx context.Context) error {
	lines, err := keysOf(ctx, &c.Config)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(lines)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%s\t%s\n", l.Key, l.Role, count(l.Values, "value"))
	}
	return w.Flush()
}

type newKeyCommand struct {
	config.Config
	Last bool `name:"last" help:"Let the key only open at first: for servers that do not share the file (docs/guide/keys.md)."`
	JSON bool `name:"json" help:"Print its name as JSON."`
}

// Run adds a key to the file.
func (c *newKeyCommand) Run() error {
	if err := c.Complete(); err != nil {
		return err
	}
	key, err := jose.AddMasterKey(c.MasterKeyFile, c.Last)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(map[string]string{"key": key.ID()})
	}
	if c.Last {
		fmt.Printf("Added the key %s to %s; it opens, and does not seal yet. Copy the file to every server, then run `stagedoor keys use %s` for each.\n", key.ID(), c.MasterKeyFile, key.ID())
		return nil
	}
	fmt.Printf("Added the key %s to %s. Servers that read this file seal under it within %v. Now run `stagedoor keys rotate`.\n", key.ID(), c.MasterKeyFile, jose.SettleTime)
	return nil
}

type useKeyCommand struct {
	config.Config
	Key string `arg:"" help:"Its name, as it is listed."`
}

// Run puts a key in front.
func (c *useKeyCommand) Run() error {
	if err := c.Complete(); err != nil {
		return err
	}
	if err := jose.UseMasterKey(c.MasterKeyFile, c.Key); err != nil {
		return err
	}
	fmt.Printf("%s seals from now on. Servers that read %s notice within %v.\n", c.Key, c.MasterKeyFile, jose.SettleTime)
	return nil
}

type rotateKeysCommand struct {
	config.Config
	JSON bool `name:"json" help:"Print what was done as JSON."`
}

// Run seals everything again.
func (c *rotateKeysCommand) Run(ctx context.Context) error {
	db, err := openMigrated(ctx, &c.Config)
	if err != nil {
		return err
	}
	defer db.Close()
	if info, err := os.Stat(c.MasterKeyFile); err == nil { // servers may not have noticed yet
		select {
		case <-time.After(time.Until(info.ModTime().Add(jose.SettleTime))):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	total := int64(0)
	lines, err := keyLines(ctx, db, c.MasterKeyFile)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if l.Role != "seals" {
			total += l.Values
		}
	}
	p := newProgress()
	defer p.end()
	r, err := db.Reseal(ctx, func(table string, done int64) {
		p.tell(func() string { return fmt.Sprintf("%s: %d of %d values%s", table, done, total, p.left(done, total)) })
	})
	p.end()
	if err != nil {
		if r != nil {
			return fmt.Errorf("%w; %s done, and the next run goes on with the rest", err, count(r.Done, "value"))
		}
		return err
	}
	if c.JSON {
		if err := printJSON(r); err != nil {
			return err
		}
	} else {
		fmt.Printf("Sealed %s again; %d are left under other keys.\n", count(r.Done, "value"), r.Left)
		for _, where := range r.Failed {
			fmt.Fprintln(os.Stderr, "no key opens "+where)
		}
	}
	if r.Left > 0 {
		return fmt.Errorf("%s still sealed under other keys than the first: run it again; if it stays so, a server still seals under an old key, or its key is missing (`stagedoor keys list`)", count(r.Left, "value"))
	}
	if !c.JSON {
		fmt.Println("`stagedoor keys drop` removes the keys that are no longer needed.")
	}
	return nil
}

type dropKeysCommand struct {
	config.Config
	JSON bool `name:"json" help:"Print the names of those that were removed as JSON."`
}

// Run removes keys that nothing needs.
func (c *dropKeysCommand) Run(ctx context.Context) error {
	lines, err := keysOf(ctx, &c.Config)
	if err != nil {
		return err
	}
	gone := []string{}
	var needed []string
	for _, l := range lines {
		switch {
		case l.Role == "opens" && l.Values == 0:
			gone = append(gone, l.Key)
		case l.Role == "opens":
			needed = append(needed, fmt.Sprintf("%s (%s)", l.Key, count(l.Values, "value")))
		}
	}
	if len(needed) > 0 {
		return fmt.Errorf("still needed: %s; run `stagedoor keys rotate` first", strings.Join(needed, ", "))
	}
	if len(gone) == 0 {
		if c.JSON {
			return c.print(gone)
		}
		fmt.Println("There is one key, and it is needed.")
		return nil
	}
	keys, err := jose.LoadMasterKeys(c.MasterKeyFile)
	if err != nil {
		return err
	}
	if err := jose.WriteMasterKeys(c.MasterKeyFile, without(keys, gone)); err != nil {
		return err
	}
	if c.JSON {
		return c.print(gone)
	}
	fmt.Printf("Removed %s. Backups from before the rotation need it: keep a copy with them.\n", strings.Join(gone, ", "))
	return nil
}

func (c *dropKeysCommand) print(removed []string) error {
	return printJSON(map[string][]string{"removed": removed})
}

// without returns the keys but those that are named. The first one stays whatever is named: while the uses of keys were counted another one may have been
// added, or put in front.
func without(keys []jose.MasterKey, gone []string) []jose.MasterKey {
	return append(keys[:1:1], slices.DeleteFunc(keys[1:], func(key jose.MasterKey) bool { return slices.Contains(gone, key.ID()) })...)
}
