package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-isatty"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/carry"
	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/server"
)

// exitPartly is the exit code of an import that is over, or a plan that is whole, where not everything can be carried.
const exitPartly = 3

type importCommand struct {
	Auth0 importAuth0Command `cmd:"" name:"auth0" help:"Bring a tenant from Auth0: what its deploy tool wrote, exports of users, files of passwords. Exit code: 0 all was carried, 1 nothing was, 3 some was not."`
}

type importAuth0Command struct {
	config.Config
	Paths  []string `arg:"" name:"path" help:"Directory or tenant.yaml of the deploy tool; files of users or passwords (NDJSON or JSON, also .gz)."`
	Tenant string   `name:"tenant" help:"Tenant to bring it into; not needed if there is only one." placeholder:"NAME"`

	DeployConfig string   `name:"deploy-config" help:"The deploy tool's config.json: keywords and what is excluded." placeholder:"FILE"`
	Set          []string `name:"set" sep:"none" help:"Value of a ##KEYWORD##; a name alone takes it from the environment. May be repeated." placeholder:"KEY[=VALUE]"`
	Exclude      []string `name:"exclude" help:"Kinds of objects to leave out, by the deploy tool's names." placeholder:"KIND"`
	Only         []string `name:"only" help:"Kinds of objects to take alone." placeholder:"KIND"`

	Connection string `name:"connection" help:"Database of users whose rows name none; not needed if there is only one." placeholder:"NAME"`
	Update     bool   `name:"update-users" help:"Users who are here already become what the files say; without it they stay as they are."`
	Report     string `name:"report" help:"Write what cannot be carried of single users to this file, a JSON object a line." placeholder:"FILE"`

	CaptureFrom   string `name:"capture-passwords-from" help:"Users without a hash sign in once with their old password, which this server is asked for." placeholder:"URL"`
	CaptureClient string `name:"client-id" help:"Client of that server with the grant password-realm." placeholder:"ID"`
	CaptureSecret string `name:"client-secret-file" help:"File with that client's secret, if it has one." placeholder:"FILE"`

	Plan bool `name:"plan" help:"Show what would happen and change nothing."`
	Yes  bool `name:"yes" short:"y" help:"Do not ask."`
	JSON bool `name:"json" help:"Print as JSON."`
}

// importResult is what --json prints.
type importResult struct {
	Applied bool             `json:"applied"`
	Plan    *carry.Plan      `json:"configuration,omitempty"`
	Users   *carry.UserCount `json:"users,omitempty"`
	Capture *captureFrom     `json:"capture,omitempty"`
}

type captureFrom struct {
	URL      string `json:"url"`
	ClientID string `json:"client_id"`
}

// importing is one run of the command.
type importing struct {
	*importAuth0Command
	carrier *carry.Carrier
	db      *server.Server
	cfg     carry.Config
	assets  *carry.Assets
	files   []string
	capture stagedoor.Capture
	plan    *carry.Plan
	users   *carry.UserCount
}

// Run shows a plan, asks, and applies it.
func (c *importAuth0Command) Run(ctx context.Context) error {
	if err := c.Complete(); err != nil {
		return err
	}
	if err := hasDatabase(c.Config); err != nil {
		return err
	}
	s, err := server.New(ctx, c.Config, server.Deps{Log: logger(c.Config)})
	if err != nil {
		return err
	}
	defer s.Close()
	i := &importing{importAuth0Command: c, db: s}
	if err := i.read(ctx); err != nil {
		return err
	}
	if err := i.look(ctx); err != nil {
		return err
	}
	if c.Plan {
		return i.end(false)
	}
	if !c.JSON {
		i.print(false)
	}
	if !c.Yes {
		if err := confirm(); err != nil {
			return err
		}
	}
	if err := i.apply(ctx); err != nil {
		return err
	}
	return i.end(true)
}

func confirm() error {
	if !isatty.IsTerminal(os.Stdin.Fd()) {
		return errors.New("nothing was changed: say --yes to carry this out, or --plan to see it only")
	}
	fmt.Fprint(os.Stderr, "\nCarry this out? [y/N] ")
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil || !strings.HasPrefix(strings.ToLower(strings.TrimSpace(answer)), "y") {
		return errors.New("nothing was changed")
	}
	return nil
}

// read finds the tenant and reads the configuration.
func (i *importing) read(ctx context.Context) error {
	tenants, err := i.db.DB().Tenants(ctx)
	switch {
	case err != nil:
		return err
	case i.Tenant == "" && len(tenants) == 0:
		return errors.New("there is no tenant yet: make one with `stagedoor init`")
	case i.Tenant == "" && len(tenants) > 1:
		return errors.New("there are several tenants: say with --tenant which one")
	case i.Tenant == "":
		i.Tenant = tenants[0].ID
	}
	if _, err := i.db.DB().TenantByID(ctx, i.Tenant); err != nil {
		return noTenant(err, i.Tenant)
	}
	i.carrier = i.db.Carrier(i.Tenant)
	if i.cfg, err = carry.ReadConfig(i.DeployConfig, i.Set); err != nil {
		return err
	}
	if unknown := (carry.Config{Excluded: i.Exclude, Only: i.Only}).Unknown(); len(unknown) > 0 {
		return fmt.Errorf("there is no kind %s; the kinds are %s", unknown[0], strings.Join(carry.Kinds(), ", "))
	}
	i.cfg.Excluded, i.cfg.Only = append(i.cfg.Excluded, i.Exclude...), append(i.cfg.Only, i.Only...)
	for _, path := range i.Paths {
		switch {
		case !carry.IsConfiguration(path):
			i.files = append(i.files, path)
		case i.assets != nil:
			return errors.New("one configuration at a time: there are two directories or YAML files")
		default:
			if i.assets, err = carry.Read(path, i.cfg); err != nil {
				return err
			}
		}
	}
	return i.readCapture()
}

func (i *importing) readCapture() error {
	if i.CaptureFrom == "" {
		if i.CaptureClient != "" || i.CaptureSecret != "" {
			return errors.New("--client-id and --client-secret-file belong to --capture-passwords-from")
		}
		return nil
	}
	i.capture = stagedoor.Capture{URL: strings.TrimSuffix(i.CaptureFrom, "/"), ClientID: i.CaptureClient}
	if i.CaptureSecret != "" {
		b, err := os.ReadFile(i.CaptureSecret)
		if err != nil {
			return fmt.Errorf("reading the client's secret: %w", err)
		}
		i.capture.ClientSecret = strings.TrimSpace(string(b))
	}
	return connection.CheckCapture(i.capture)
}

// look makes the plan.
func (i *importing) look(ctx context.Context) (err error) {
	if i.assets != nil {
		if i.plan, err = i.carrier.Plan(ctx, i.assets, i.cfg); err != nil {
			return err
		}
	}
	if len(i.files) > 0 {
		p := newProgress()
		i.users, err = i.carrier.PlanUsers(ctx, i.files, i.options(p.counting("reading users"), nil))
		p.end()
	}
	return err
}

func (i *importing) options(progress func(int), report func(carry.RowReport) error) carry.UserOptions {
	return carry.UserOptions{Database: i.Connection, Update: i.Update, Capture: i.CaptureFrom != "", Assets: i.assets, Progress: progress, Report: report}
}

// apply carries the plan out: first the configuration, whole; then the users.
func (i *importing) apply(ctx context.Context) (err error) {
	if i.assets != nil {
		if i.plan, err = i.carrier.Apply(ctx, i.assets, i.cfg, i.plan); err != nil {
			return err
		}
	}
	if i.CaptureFrom != "" {
		if err := i.carrier.SetCapture(ctx, i.capture); err != nil {
			return err
		}
	}
	if len(i.files) == 0 {
		return nil
	}
	report := func(carry.RowReport) error { return nil }
	if i.Report != "" {
		f, err := os.OpenFile(i.Report, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return fmt.Errorf("opening the report: %w", err)
		}
		var written func() error
		report, written = reporting(f)
		defer func() {
			if wrong := written(); wrong != nil && err == nil {
				err = fmt.Errorf("the users are carried, but the report is not whole: %w", wrong)
			}
		}()
	}
	p := newProgress()
	i.users, err = i.carrier.ApplyUsers(ctx, i.files, i.options(p.counting("carrying users"), report))
	p.end()
	if err != nil && i.users != nil {
		return &hintedError{err, fmt.Sprintf("%d users were carried before; run the command again to go on", i.users.Created+i.users.Changed)}
	}
	return err
}

// reporting writes rows to w, a JSON object a line. written writes the last of them and closes w: only then it is known that all are there.
func reporting(w io.WriteCloser) (report func(carry.RowReport) error, written func() error) {
	buffered := bufio.NewWriter(w)
	enc := json.NewEncoder(buffered)
	enc.SetEscapeHTML(false)
	return func(r carry.RowReport) error { return enc.Encode(r) }, func() error { return cmp.Or(buffered.Flush(), w.Close()) }
}

// end prints the outcome and turns it into an exit code.
func (i *importing) end(applied bool) error {
	if i.JSON {
		out := importResult{Applied: applied, Plan: i.plan, Users: i.users}
		if i.CaptureFrom != "" {
			out.Capture = &captureFrom{i.capture.URL, i.capture.ClientID}
		}
		if err := printJSON(out); err != nil {
			return err
		}
	} else {
		i.print(applied)
	}
	if i.plan != nil && !i.plan.Whole() || i.users != nil && i.users.Refused+i.users.Partly > 0 {
		return exit(exitPartly)
	}
	return nil
}
