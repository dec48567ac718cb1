package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/bundle"
	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/outbound"
	"github.com/stagedoor/stagedoor/internal/script/npm"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/server"
)

// modulesCommand changes which packages of the npm registry scripts may require. Running servers notice within seconds.
type modulesCommand struct {
	Add    addModuleCommand    `cmd:"" help:"Bundle a package in pure JavaScript with all that it depends on, for the scripts of all tenants."`
	List   listModulesCommand  `cmd:"" help:"List the packages that scripts may require."`
	Remove removeModuleCommand `cmd:"" help:"Remove a package that was added."`
}

// maxModule is how large a bundle may be, in bytes: every worker that needs it compiles it.
const maxModule = 12 << 20

// fetchTimeout bounds one answer of a registry.
const fetchTimeout = 2 * time.Minute

type addModuleCommand struct {
	config.Config
	Packages []string `arg:"" help:"NAME@VERSION, NAME for the newest, or a tarball (.tgz); further tarballs are what it depends on."`
	Registry string   `name:"registry" help:"Registry to ask; usually the one that npm would ask here." placeholder:"URL"`
	Offline  bool     `name:"offline" help:"Ask no registry: all that is needed is among the tarballs."`
	Ignore   bool     `name:"ignore-scripts" help:"Take packages that would run a command when they are installed, too. It is not run: what only greets, or warns, works all the same."`
	Parts    []string `name:"part" help:"Path inside of the package that scripts may require too, such as lib/errors; repeatable." placeholder:"PATH"`
	JSON     bool     `name:"json" help:"Print what was added as JSON."`
}

// Run adds a package.
func (c *addModuleCommand) Run(ctx context.Context) error {
	db, err := openMigrated(ctx, &c.Config) // before anything is fetched for it
	if err != nil {
		return err
	}
	defer db.Close()
	request := bundle.Request{Parts: c.Parts, IgnoreScripts: c.Ignore, Progress: func(text string) { fmt.Fprintln(os.Stderr, text) }}
	for _, name := range c.Packages {
		if !strings.HasSuffix(name, ".tgz") && !strings.HasSuffix(name, ".tar.gz") {
			if request.Spec != "" || len(request.Tarballs) > 0 {
				return fmt.Errorf("one package is added at a time: %s is no tarball", name)
			}
			request.Spec = name
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		request.Tarballs = append(request.Tarballs, b)
	}
	if !c.Offline {
		if request.Registry, err = bundle.FindRegistry(ctx, c.Registry, os.Getenv); err != nil && request.Spec != "" {
			return err
		} else if err == nil {
			// It is the operator who asks, for a registry of their own choice: private networks are open.
			networks, hosts := c.Outbound.Networks()
			reach := outbound.Config{AllowPrivate: true, Allow: networks, AllowHosts: hosts, Timeout: fetchTimeout, MaxResponse: 64 << 20}
			if c.Outbound.Proxy != "" {
				if reach.Proxy, err = url.Parse(c.Outbound.Proxy); err != nil {
					return fmt.Errorf("reading the address of the outbound proxy: %w", err)
				}
			}
			request.Registry.Client = outbound.New(reach)
		}
	}
	added, err := bundle.Add(ctx, request)
	if err != nil {
		return err
	}
	if len(added.Code) > maxModule {
		return fmt.Errorf("%s@%s is %d MB in one file: %d are the limit", added.Name, added.Version, len(added.Code)>>20, maxModule>>20)
	}
	m := scriptModule(added, c.Parts)
	if err := db.SaveScriptModule(ctx, &m, string(added.Code)); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(m)
	}
	fmt.Printf("%s@%s is added: %d KB, SHA-256 %s.\n", m.Name, m.Version, (m.Size+1023)>>10, m.Hash)
	if len(m.Contains) > 0 {
		fmt.Printf("It brings %d other packages.\n", len(m.Contains))
	}
	if len(m.Requires) > 0 {
		fmt.Printf("It requires of the runtime: %s.\n", strings.Join(m.Requires, ", "))
	}
	return nil
}

func scriptModule(added bundle.Added, parts []string) stagedoor.ScriptModule {
	m := stagedoor.ScriptModule{
		Name: added.Name, Version: added.Version, Hash: npm.Hash(added.Code), Integrity: added.Integrity, License: added.License, Size: len(added.Code),
		Parts: append([]string{}, parts...), Requires: append([]string{}, added.Requires...), Contains: []string{},
	}
	for _, in := range added.Contains[1:] {
		license := in.License
		if license == "" {
			license = "none named"
		}
		m.Contains = append(m.Contains, fmt.Sprintf("%s@%s (%s)", in.Name, in.Version, license))
	}
	return m
}

// openMigrated opens the database of a configuration, which must be there and up to date: a mistyped --data makes neither a database nor a key.
func openMigrated(ctx context.Context, cfg *config.Config) (*store.DB, error) {
	if err := cfg.Complete(); err != nil {
		return nil, err
	}
	if err := hasDatabase(*cfg); err != nil {
		return nil, err
	}
	db, err := server.OpenDatabase(ctx, *cfg, server.Deps{})
	if err != nil {
		return nil, err
	}
	if err := db.CheckMigrated(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// hasDatabase refuses an embedded database that is not there, so that a mistyped directory is told and nothing is made in it.
func hasDatabase(cfg config.Config) error {
	if cfg.Postgres() {
		return nil
	}
	file := strings.TrimPrefix(cfg.Database, "sqlite://")
	if _, err := os.Stat(file); errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("the database %s cannot be reached by this user: run the command as the server's user, or as root", file)
	} else if err != nil {
		return fmt.Errorf("there is no database %s: --data and --database say where it is, `stagedoor init` makes one", file)
	}
	return nil
}

type listModulesCommand struct {
	config.Config
	All  bool `name:"all" help:"List what comes with the program too."`
	JSON bool `name:"json" help:"Print the list as JSON."`
}

// Run lists packages.
func (c *listModulesCommand) Run(ctx context.Context) error {
	db, err := openMigrated(ctx, &c.Config)
	if err != nil {
		return err
	}
	defer db.Close()
	added, err := db.ScriptModules(ctx)
	if err != nil {
		return err
	}
	var shipped []npm.Package
	if c.All {
		shipped = npm.Packages()
	}
	if c.JSON {
		out := map[string]any{"added": added}
		if c.All {
			out["shipped"] = shipped
		}
		return printJSON(out)
	}
	if len(added)+len(shipped) == 0 {
		fmt.Println("Nothing was added. What comes with the program: stagedoor modules list --all")
		return nil
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PACKAGE\tLICENSE\tSIZE\tADDED\tSHA-256")
	for _, m := range added {
		listed(w, m.Name+"@"+m.Version, m.License, m.Size, m.CreatedAt.UTC().Format(time.DateOnly), m.Hash)
	}
	for _, p := range shipped {
		listed(w, p.ID(), p.License, p.Size, "", p.Hash)
	}
	return w.Flush()
}

func listed(w io.Writer, id, license string, size int, added, hash string) {
	fmt.Fprintf(w, "%s\t%s\t%d KB\t%s\t%s\n", id, license, (size+1023)>>10, added, hash[:min(len(hash), 16)])
}

type removeModuleCommand struct {
	config.Config
	Package string `arg:"" help:"NAME@VERSION, or NAME for all its versions."`
	JSON    bool   `name:"json" help:"Print what was removed as JSON."`
}

// Run removes a package.
func (c *removeModuleCommand) Run(ctx context.Context) error {
	db, err := openMigrated(ctx, &c.Config)
	if err != nil {
		return err
	}
	defer db.Close()
	name, version := bundle.SplitSpec(c.Package)
	err = db.DeleteScriptModule(ctx, name, version)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return fmt.Errorf("%s was not added", c.Package)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(map[string]string{"name": name, "version": version})
	}
	fmt.Printf("%s is removed.\n", c.Package)
	return nil
}
