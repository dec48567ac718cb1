package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

type backupCommand struct {
	config.Config
	File  string `arg:"" help:"File to write, or - for standard output."`
	Force bool   `name:"force" help:"Replace a file that is there."`
	JSON  bool   `name:"json" help:"Print what was saved as JSON."`
}

// Run saves the embedded database into one file.
func (c *backupCommand) Run(ctx context.Context) error {
	if err := c.Complete(); err != nil {
		return err
	}
	if postgresURL(c.Database) {
		return saysPostgres("pg_dump --format=custom --no-owner --file=" + quoted(c.File) + " " + quoted(withoutPassword(c.Database)))
	}
	if err := hasDatabase(c.Config); err != nil {
		return err
	}
	database := strings.TrimPrefix(c.Database, "sqlite://")
	p := newProgress()
	defer p.end()
	if c.File == "-" {
		return c.stream(ctx, database, p)
	}
	r, err := store.Backup(ctx, database, c.File, store.BackupOptions{Force: c.Force, Progress: p.bytes})
	if err != nil {
		return err
	}
	p.end()
	if c.JSON {
		return printJSON(r)
	}
	fmt.Printf("Saved %s: %d bytes, version %d, %s, %s, checked whole.\n", r.File, r.Bytes, r.Version, count(r.Tenants, "tenant"), count(r.Users, "user"))
	fmt.Printf("The master key is not in it. Keep %s too, in another place: without it the secrets in the backup cannot be opened.\n", c.MasterKeyFile)
	return nil
}

// stream makes the backup beside the database, where there is a disk that is large enough and nobody else can read, and copies it to
// standard output once it has been checked.
func (c *backupCommand) stream(ctx context.Context, database string, p *progress) error {
	if isatty.IsTerminal(os.Stdout.Fd()) {
		return errors.New("a backup is no text for a terminal: send it to a file or a program")
	}
	dir, remove, err := store.Scratch(database, "stream")
	if err != nil {
		return err
	}
	defer remove()
	r, err := store.Backup(ctx, database, filepath.Join(dir, "backup"), store.BackupOptions{Progress: p.bytes})
	if err != nil {
		return err
	}
	p.end()
	f, err := os.Open(r.File)
	if err != nil {
		return err
	}
	defer f.Close()
	remove() // who reads may go away at any time; where open files cannot be removed, the deferred one does it
	if _, err := io.Copy(os.Stdout, f); err != nil {
		return fmt.Errorf("writing to standard output: %w", err)
	}
	return nil
}

type restoreCommand struct {
	config.Config
	File string `arg:"" help:"A backup."`
	JSON bool   `name:"json" help:"Print what was done as JSON."`
}

// Run puts a backup in the place of the embedded database.
func (c *restoreCommand) Run(ctx context.Context) error {
	if err := c.Complete(); err != nil {
		return err
	}
	if postgresURL(c.Database) {
		return saysPostgres("pg_restore --no-owner --exit-on-error --single-transaction --dbname=" + quoted(withoutPassword(c.Database)) + " " + quoted(c.File))
	}
	keys, err := jose.LoadMasterKeys(c.MasterKeyFile)
	if err != nil {
		return fmt.Errorf("%w: put the master key there that was kept with the backup", err)
	}
	sealer, err := jose.NewSealer(keys...)
	if err != nil {
		return err
	}
	p := newProgress()
	defer p.end()
	r, err := store.Restore(ctx, c.File, strings.TrimPrefix(c.Database, "sqlite://"), store.RestoreOptions{Sealer: sealer, Now: time.Now(), Progress: p.bytes})
	if err != nil {
		return err
	}
	p.end()
	if c.JSON {
		return printJSON(r)
	}
	fmt.Printf("%s is now what %s holds: version %d, %s, %s; checked whole, and the master key fits.\n", r.Database, r.File, r.Version, count(r.Tenants, "tenant"), count(r.Users, "user"))
	if r.Version < r.Known {
		fmt.Printf("It is of an earlier version: the server brings it up to version %d when it starts, as `stagedoor migrate` does.\n", r.Known)
	}
	if r.Aside != "" {
		fmt.Printf("What was there before is %s; delete it when you no longer need it.\n", r.Aside)
	}
	return nil
}

// count is a number of things.
func count[N int | int64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func postgresURL(text string) bool {
	return strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://")
}

// saysPostgres tells what does for PostgreSQL what the command does for the embedded database.
func saysPostgres(command string) error {
	return errors.New("PostgreSQL has tools of its own for this, which know its clusters. Run:\n  " + command +
		"\nThe password comes from PGPASSWORD or ~/.pgpass. docs/guide/backup.md has the rest: base backups, and going back to a moment.")
}

// withoutPassword returns a database's address as it may be shown.
func withoutPassword(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "postgres://…"
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	q := u.Query()
	q.Del("password")
	u.RawQuery = q.Encode()
	return u.String()
}

// quoted is a word for a shell.
func quoted(text string) string {
	if strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@=%+,") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
