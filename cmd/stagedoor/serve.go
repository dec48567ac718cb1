package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/ca"
	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/server"
)

type serveCommand struct{ config.Config }

// Run serves until a signal comes.
func (c *serveCommand) Run(ctx context.Context) error {
	if err := c.Complete(); err != nil {
		return err
	}
	log := logger(c.Config)
	slog.SetDefault(log)
	for _, name := range config.Unknown(os.Environ()) {
		log.Warn("a variable of the environment names no setting, and has no effect: `stagedoor settings` lists those that there are", "variable", name)
	}
	server.PaceCollector()
	if err := migrate(ctx, c.Config); err != nil {
		return err
	}
	s, err := server.New(ctx, c.Config, server.Deps{Log: log, Version: programVersion()})
	if err != nil {
		return err
	}
	defer s.Close()
	l, err := s.Listen()
	if err != nil {
		return err
	}
	for _, one := range l.Admin {
		log.Info("listening for operators", "url", "http://"+one.Addr().String())
	}
	for _, one := range l.HTTP {
		log.Info("listening", "url", "http://"+one.Addr().String())
	}
	for _, one := range l.HTTPS {
		log.Info("listening", "url", "https://"+one.Addr().String())
	}
	if l.CAFile != "" {
		l.CAFile = absolute(l.CAFile)
		log.Info("https uses the local authority", "trust it with", "SSL_CERT_FILE="+l.CAFile, "or", "NODE_EXTRA_CA_CERTS="+l.CAFile)
	}
	if some, err := s.DB().HasTenants(ctx); err == nil && !some { // a database that is away has lines of its own
		log.Warn("there is no tenant yet, so that nothing is answered", "make one with", "stagedoor init NAME --domain HOST")
	}
	if _, err := daemon.SdNotify(true, daemon.SdNotifyReady); err != nil { // systemd, where it has started us
		log.Warn("systemd could not be told that the server is ready", "error", err)
	}
	defer time.AfterFunc(settled, debug.FreeOSMemory).Stop()
	return s.Serve(ctx, l)
}

// settled is when a server has what it starts with. What it took to get there is given back to the system then: an idle server would keep it for minutes.
const settled = time.Second

// migrate brings the database of a configuration up to date.
func migrate(ctx context.Context, cfg config.Config) error {
	db, err := server.OpenDatabase(ctx, cfg, server.Deps{})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Migrate(ctx)
}

type migrateCommand struct {
	config.Config
	JSON bool `name:"json" help:"Print the versions as JSON."`
}

// Run brings the database up to date and says from where to where.
func (c *migrateCommand) Run(ctx context.Context) error {
	if err := c.Complete(); err != nil {
		return err
	}
	db, err := server.OpenDatabase(ctx, c.Config, server.Deps{})
	if err != nil {
		return err
	}
	defer db.Close()
	before, known, err := db.Version(ctx)
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(map[string]int64{"before": before, "version": max(before, known)})
	}
	if before > known { // of a newer program, which lets this one serve it
		fmt.Printf("The database is newer than this program (version %d, this knows %d), which may serve it.\n", before, known)
		return nil
	}
	if before == known {
		fmt.Printf("The database is up to date (version %d).\n", known)
		return nil
	}
	fmt.Printf("The database went from version %d to %d.\n", before, known)
	return nil
}

type initCommand struct {
	config.Config
	Tenant  string   `arg:"" help:"Name of the tenant: lower-case letters, digits, hyphens."`
	Domains []string `name:"domain" required:"" help:"Domain that the tenant answers under, with its port unless it is the usual one; the first is canonical." placeholder:"HOST"`
	JSON    bool     `name:"json" help:"Print the credentials as JSON."`
}

// Run creates a tenant and prints the credentials of its machine client.
func (c *initCommand) Run(ctx context.Context) error {
	if err := c.Complete(); err != nil {
		return err
	}
	domains, err := server.Domains(c.Domains)
	if err != nil {
		return err
	}
	if err := migrate(ctx, c.Config); err != nil {
		return err
	}
	db, err := server.OpenDatabase(ctx, c.Config, server.Deps{})
	if err != nil {
		return err
	}
	defer db.Close()
	machine, err := server.CreateTenant(ctx, db, c.Tenant, domains)
	if stagedoor.IsKind(err, stagedoor.Conflict) {
		if _, missing := db.TenantByID(ctx, c.Tenant); missing == nil {
			return fmt.Errorf("the tenant %s already exists: `stagedoor tenants credentials %s` makes another client to manage it with", c.Tenant, c.Tenant)
		}
		return takenDomain(ctx, db, err, c.Tenant, domains)
	}
	if err != nil {
		return err
	}
	out := credentialsOf(c.Tenant, domains[0], machine)
	if c.JSON {
		return printJSON(out)
	}
	fmt.Printf("The tenant %s answers under %s.\nIts management client, with all scopes; the secret is shown this once:\n\n", c.Tenant, strings.Join(domains, ", "))
	if err := printCredentials(out); err != nil {
		return err
	}
	fmt.Printf("\n`stagedoor serve` with the same settings starts the server; docs/guide/first-application.md goes on from there.\nThe dashboard, to which these credentials sign in, is then at /dashboard of %s.\n", domains[0])
	return nil
}

// credentialsOf are what a program needs that manages a tenant.
func credentialsOf(tenant, domain string, machine *stagedoor.Client) map[string]string {
	return map[string]string{"tenant": tenant, "domain": domain, "client_id": machine.ID, "client_secret": machine.Secret, "audience": "https://" + domain + "/api/v2/"}
}

func printCredentials(all map[string]string) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	for _, name := range []string{"domain", "client_id", "client_secret", "audience"} {
		fmt.Fprintf(w, "  %s\t%s\n", name, all[name])
	}
	return w.Flush()
}

func printJSON(v any) error {
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

type routesCommand struct {
	config.Config
	JSON bool `name:"json" help:"Print as JSON."`
}

// Run lists every route, on a database in a folder of its own: no running server is needed.
func (c *routesCommand) Run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "stagedoor-routes-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c.DataDir, c.Database, c.DatabaseFile, c.MasterKeyFile = dir, "", "", ""
	if err := c.Complete(); err != nil {
		return err
	}
	if err := migrate(ctx, c.Config); err != nil {
		return err
	}
	s, err := server.New(ctx, c.Config, server.Deps{})
	if err != nil {
		return err
	}
	defer s.Close()
	if c.JSON {
		return printJSON(s.Routes())
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	for _, r := range s.Routes() {
		cells := []string{r.Method, r.Pattern, r.Title, strings.Join(r.Scopes, " | ")}
		if len(r.Scopes) == 0 {
			cells = cells[:3] // no spaces behind the last word
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

type caCommand struct {
	Path      caPathCommand      `cmd:"" help:"Print the path of the authority's certificate."`
	Install   caInstallCommand   `cmd:"" help:"Let this machine's programs and browsers trust the authority."`
	Uninstall caUninstallCommand `cmd:"" help:"Take that back."`
}

type caFlags struct {
	DataDir string `name:"data" env:"STAGEDOOR_DATA" default:"./data" help:"Directory of what the server keeps." placeholder:"DIR"`
}

func (c caFlags) open() (*ca.Authority, error) { return ca.Open(server.CADir(c.DataDir), time.Now) }

type caPathCommand struct{ caFlags }

// Run prints where the certificate is, and how programs are told.
func (c *caPathCommand) Run() error {
	a, err := c.open()
	if err != nil {
		return err
	}
	fmt.Println(absolute(a.CAFile())) // it ends in a variable, which programs in other directories read
	return nil
}

type caInstallCommand struct{ caFlags }

// Run makes this machine trust the authority.
func (c *caInstallCommand) Run() error {
	a, err := c.open()
	if err != nil {
		return err
	}
	if err := a.Install(); err != nil {
		return err
	}
	fmt.Println("This machine now trusts " + a.CAFile() + ". Restart browsers that are open.")
	return nil
}

type caUninstallCommand struct{ caFlags }

// Run takes the trust back.
func (c *caUninstallCommand) Run() error {
	a, err := c.open()
	if err != nil {
		return err
	}
	if err := a.Uninstall(); err != nil {
		return err
	}
	fmt.Println("This machine no longer trusts " + a.CAFile() + ".")
	return nil
}

type showCommand struct {
	config.Config
	JSON bool `name:"json" help:"Print them as JSON."`
}

// Run prints the settings in force.
func (c *showCommand) Run() error {
	if err := c.Complete(); err != nil {
		return err
	}
	if c.JSON {
		all := map[string]string{}
		for _, s := range c.Settings() {
			all[s.Variable] = s.Value
		}
		return printJSON(all)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	for _, s := range c.Settings() {
		fmt.Fprintf(w, "%s\t%s\n", s.Variable, s.Value)
	}
	return w.Flush()
}

type versionCommand struct {
	JSON bool `name:"json" help:"Print it as JSON."`
}

// version is set by the release build.
var version = ""

// Run prints the version and what it was built with.
func (c *versionCommand) Run() error {
	if c.JSON {
		return printJSON(map[string]string{"version": programVersion(), "go": runtime.Version()})
	}
	fmt.Printf("stagedoor %s (%s)\n", programVersion(), runtime.Version())
	return nil
}

// programVersion is the version of the program.
func programVersion() string {
	v := version
	if info, ok := debug.ReadBuildInfo(); v == "" && ok {
		v = info.Main.Version
	}
	if v == "" || v == "(devel)" {
		v = "development"
	}
	return v
}
