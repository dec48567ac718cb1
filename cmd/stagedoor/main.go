// Command stagedoor is the identity server: serve, demo, init and the tools around them.
//
//	stagedoor demo       the whole scenario on this machine: server, sample app, a few listeners
//	stagedoor serve      the server alone
//	stagedoor init       a new tenant and the client to manage it with
//	stagedoor script     run and test rules, actions and hooks without a server
//
// Run `stagedoor COMMAND --help` for the flags of each. Every mistake ends in one line and exit code 1 (3 of `stagedoor script`).
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/script"
)

// cli is the whole command line.
type cli struct {
	Config kong.ConfigFlag `name:"config" env:"STAGEDOOR_CONFIG" help:"JSON file with settings by the names of the flags." placeholder:"FILE"`

	Serve          serveCommand          `cmd:"" help:"Run the server."`
	Ready          readyCommand          `cmd:"" help:"Ask the server that runs here with these settings whether it is ready, for health checks."`
	Demo           demoCommand           `cmd:"" help:"Run the server with Mixtape, the sample music app, and a few listeners."`
	StandIn        standInCommand        `cmd:"" name:"stand-in" help:"Play other people's identity providers on this machine, to try connections without the Internet."`
	Init           initCommand           `cmd:"" help:"Create a tenant and its first machine client; prints the credentials once."`
	Tenants        tenantsCommand        `cmd:"" help:"The tenants of the database: list, other domains, other credentials, delete."`
	Administrators administratorsCommand `cmd:"" help:"Who may look after a tenant in the dashboard with an account of their own: list, add, remove."`
	Migrate        migrateCommand        `cmd:"" help:"Bring the database up to date."`
	Import         importCommand         `cmd:"" help:"Bring a tenant from elsewhere: configuration and users."`
	Reindex        reindexCommand        `cmd:"" help:"Make the index of the user search anew, while servers run."`
	Check          checkCommand          `cmd:"" help:"Look for damage in the database, while servers run: pages, search index, sealed values."`
	Backup         backupCommand         `cmd:"" help:"Save the embedded database into one file, while servers run."`
	Restore        restoreCommand        `cmd:"" help:"Put a backup in the place of the embedded database."`
	Copy           copyCommand           `cmd:"" help:"Copy a database into an empty one of either kind, while servers use it."`
	Keys           keysCommand           `cmd:"" help:"The master keys, under which secrets are sealed: list, new, rotate, use, drop."`
	Breached       breachedCommand       `cmd:"" help:"Passwords that have become public: build a filter of a list, look one up."`
	GeoIP          geoipCommand          `cmd:"" name:"geoip" help:"Where an address is, as databases of addresses tell it."`
	Script         scriptsCommand        `cmd:"" passthrough:"" help:"Run and test scripts, without a server."`
	Login          loginCommand          `cmd:"" help:"What the flight recorder has kept of logins: list it, run it again."`
	Routes         routesCommand         `cmd:"" help:"List every route of every door."`
	Modules        modulesCommand        `cmd:"" help:"Packages of the npm registry for scripts: add, list, remove."`
	CA             caCommand             `cmd:"" name:"ca" help:"The local certificate authority: path, install, uninstall."`
	Settings       showCommand           `cmd:"" help:"Print the settings in force, secrets hidden."`
	Completion     completionCommand     `cmd:"" help:"Print the script by which a shell completes commands and flags."`
	Version        versionCommand        `cmd:"" help:"Print the version."`
}

func main() {
	// Workers are children of the server: they read their orders from standard input, nothing else.
	script.Serve()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		code := codeOf(err, os.Args[1:])
		if quiet := exit(0); errors.As(err, &quiet) {
			os.Exit(code)
		}
		for line := range strings.Lines(said(interrupted(ctx, err))) {
			fmt.Fprintln(os.Stderr, "stagedoor: "+strings.TrimSuffix(line, "\n"))
		}
		os.Exit(code)
	}
}

// said is what people read of an error: of our own the message alone, unless the machine is to blame, which whoever runs the command has to mend.
func said(err error) string {
	var ours *stagedoor.Error
	var hinted *hintedError
	switch {
	case errors.As(err, &hinted):
		return said(hinted.error) + "\n" + hinted.hint
	case !errors.As(err, &ours):
		return err.Error()
	case ours.Kind == stagedoor.Unavailable && ours.Err != nil:
		return ours.Message + " (" + strings.Join(strings.Fields(ours.Err.Error()), " ") + ")"
	}
	return ours.Message
}

// hintedError is an error and a line on how to go on, which people read whatever is said of the error.
type hintedError struct {
	error
	hint string
}

// Unwrap returns the error.
func (e *hintedError) Unwrap() error { return e.error }

// interrupted says of a command that a signal has ended that it was, in the place of what that does to a program.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() == nil || !errors.Is(err, context.Canceled) {
		return err
	}
	var hinted *hintedError
	if errors.As(err, &hinted) {
		return &hintedError{interrupted(ctx, hinted.error), hinted.hint}
	}
	return errors.New(strings.ReplaceAll(err.Error(), context.Canceled.Error(), "interrupted"))
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "complete" { // what shells ask, with words that are no command line yet
		return complete(args[1:])
	}
	parser, name, args, err := commandLine(meant(args), kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return explained(err, name)
	}
	return parsed.Run()
}

// commandLine is the parser of a command line, what it is called, and which of the arguments are for it.
func commandLine(args []string, options ...kong.Option) (*kong.Kong, string, []string, error) {
	var c any = &cli{}
	name, description := "stagedoor", "A self-hosted identity server that speaks Auth0's APIs."
	if len(args) > 0 && args[0] == "script" { // its --config is something else
		c, args, name, description = &scriptCommand{}, args[1:], "stagedoor script", scriptDescription
	}
	parser, err := kong.New(c, append(options, kong.Name(name), kong.Description(description),
		kong.Configuration(config.JSON), kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.ValueFormatter(valueHelp), kong.ExplicitGroups(groups))...)
	if err != nil {
		return nil, "", nil, err
	}
	eachCommand(parser.Model.Node, "", hideUnread)
	return parser, name, args, nil
}

// explained adds to a mistake of the command line where it is told what could be said there.
func explained(err error, name string) error {
	var wrong *kong.ParseError
	if errors.As(err, &wrong) && wrong.Context != nil {
		if command := wrong.Context.Selected(); command != nil {
			name += " " + command.Path()
		}
	}
	return fmt.Errorf("%w: `%s --help` tells more", err, name)
}

// meant takes what people type by habit, `help`, also before a command, and `--version`, for what it means here.
func meant(args []string) []string {
	switch {
	case len(args) > 0 && args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	case len(args) == 1 && args[0] == "--version":
		return []string{"version"}
	}
	return args
}

// logger writes operators' lines to standard error.
func logger(cfg config.Config) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}
