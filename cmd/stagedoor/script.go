package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/stagedoor/stagedoor/internal/outbound"
	"github.com/stagedoor/stagedoor/internal/rehearsal"
	"github.com/stagedoor/stagedoor/internal/script"
)

// Exit codes of `stagedoor script`: what came of the scripts, and 3 when they could not be run, because of a wrong flag, a missing file.
const exitUsage = 3

// exit ends the command with a code and no further word.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// scriptsCommand is where the list of commands names them; scriptCommand is what they are.
type scriptsCommand struct {
	Args []string `arg:"" optional:""`
}

// Run is never called: run hands what begins with script to scriptCommand.
func (*scriptsCommand) Run() error { return nil }

const scriptDescription = "Run and test rules, actions and hooks, without a server."

// scriptCommand is the command line of `stagedoor script`. It is one of its own because its --config is not the server's.
type scriptCommand struct {
	Run   scriptRunCommand   `cmd:"" help:"Run scripts over an example. Exit code: 0 continued, 1 denied, 2 failed or out of time, 3 could not be run."`
	Test  scriptTestCommand  `cmd:"" help:"Run scenarios: scripts, what they are given, and what must come of them. Exit code: 0 all pass, 1 some differ, 3 none could be run."`
	Lint  scriptLintCommand  `cmd:"" help:"Read scripts and find what people get wrong in them. Exit code: 0 nothing found, 1 something, 3 not read."`
	Types scriptTypesCommand `cmd:"" help:"Write declarations of what scripts have, for editors and TypeScript's checker."`
}

type scriptRunCommand struct {
	Files    []string          `arg:"" name:"file" help:"Scripts; several run as one pipeline." type:"existingfile"`
	Kind     string            `help:"Kind of the scripts: rule, action, hook, database-login and so on, fetch-user-profile, get-logout-url. By default the first one's looks decide." placeholder:"KIND"`
	Trigger  string            `help:"Trigger of actions and hooks." placeholder:"ID"`
	User     string            `help:"JSON file: user of rules." type:"existingfile" placeholder:"FILE"`
	Context  string            `help:"JSON file: context of rules." type:"existingfile" placeholder:"FILE"`
	Event    string            `help:"JSON file: event of actions; arguments and context of hooks and of connections' scripts." type:"existingfile" placeholder:"FILE"`
	Config   map[string]string `name:"config" short:"c" help:"A setting of rules, of connections' scripts: configuration.NAME." placeholder:"NAME=VALUE"`
	Secret   map[string]string `short:"s" help:"A secret of actions and hooks: event.secrets.NAME." placeholder:"NAME=VALUE"`
	Module   map[string]string `help:"Code that actions require as actions:NAME." placeholder:"NAME=FILE"`
	Executed []string          `help:"Id of a rule that ran before, for api.rules.wasExecuted." placeholder:"RULE"`
	Resume   bool              `help:"The person came back whom the first action had sent elsewhere: its onContinue… runs."`
	Network
	Engine
	Timeout time.Duration `help:"What the scripts have together, waiting included." default:"20s"`
	JSON    bool          `name:"json" help:"Print the result as JSON."`
}

// Network says what scripts can call.
type Network struct {
	HTTPStub string `name:"http-stub" help:"Directory with answers to HTTP calls, one file each." type:"existingdir" placeholder:"DIR"`
	HTTPLive bool   `name:"http-live" help:"Let calls that no stub answers go out."`
	Private  bool   `name:"allow-private" help:"With --http-live: also to private and loopback addresses."`
}

func (n *Network) stubs() ([]rehearsal.Stub, error) {
	if n.HTTPStub == "" {
		return nil, nil
	}
	return rehearsal.ReadStubs(os.DirFS(n.HTTPStub))
}

func (n *Network) config(limits script.Limits) rehearsal.Config {
	return rehearsal.Config{Limits: limits, Outbound: outbound.Config{AllowPrivate: n.Private, Timeout: limits.Wall, MaxResponse: 4 << 20}}
}

// Run runs the scripts and says what came of it.
func (c *scriptRunCommand) Run(ctx context.Context) error {
	p, err := c.play()
	if err == nil {
		err = p.Complete()
	}
	if err != nil {
		return usage(err)
	}
	cfg := c.config(script.Limits{Wall: c.Timeout})
	closing, err := c.into(ctx, &cfg)
	defer closing()
	if err != nil {
		return usage(err)
	}
	stage := rehearsal.Open(cfg)
	defer func() { _ = stage.Close() }()
	r, err := stage.Rehearse(ctx, p)
	if err != nil {
		return usage(err)
	}
	if c.JSON {
		if err := printJSON(r); err != nil {
			return err
		}
	} else {
		rehearsal.Print(os.Stdout, p, r, paint(os.Stdout))
		if hint := unanswered(r); hint != "" && !c.HTTPLive {
			fmt.Fprintln(os.Stderr, hint)
		}
	}
	return exit(r.Exit()).orNil()
}

func (e exit) orNil() error {
	if e == 0 {
		return nil
	}
	return e
}

// unanswered says what to do about calls that were refused for want of a stub, and about modules that are not here.
func unanswered(r rehearsal.Result) string {
	for _, c := range r.HTTP {
		if c.Stub == "" && strings.Contains(c.Error, "no stub matches") {
			return "\nCalls without an answer were refused: put one into the directory of --http-stub, or let them go out with --http-live."
		}
	}
	if e := r.Error; e != nil && strings.HasPrefix(e.Message, "Cannot find module") {
		return "\nPackages in pure JavaScript can be added: see stagedoor modules add --help. Name the data directory that has them with --data."
	}
	return ""
}

func (c *scriptRunCommand) play() (rehearsal.Play, error) {
	p := rehearsal.Play{Kind: c.Kind, Trigger: c.Trigger, Configuration: c.Config, Secrets: c.Secret, Rules: c.Executed, Resume: c.Resume, Live: c.HTTPLive}
	for _, file := range c.Files {
		text, err := os.ReadFile(file)
		if err != nil {
			return p, err
		}
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		p.Scripts = append(p.Scripts, rehearsal.Script{Name: name, Source: string(text)})
	}
	for name, file := range c.Module {
		text, err := os.ReadFile(file)
		if err != nil {
			return p, err
		}
		p.Modules = append(p.Modules, rehearsal.Script{Name: name, Source: string(text)})
	}
	for _, given := range []struct {
		file string
		to   *json.RawMessage
	}{{c.User, &p.User}, {c.Context, &p.Context}, {c.Event, &p.Event}} {
		if given.file == "" {
			continue
		}
		text, err := os.ReadFile(given.file)
		if err != nil {
			return p, err
		}
		if !json.Valid(text) {
			return p, fmt.Errorf("%s: not JSON", given.file)
		}
		*given.to = text
	}
	var err error
	p.Stubs, err = c.stubs()
	return p, err
}

// usage is a mistake of the caller's: one line, exit code 3.
func usage(err error) error { return &usageError{err} }

type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// codeOf is the exit code for an error.
func codeOf(err error, args []string) int {
	var code exit
	var wrong *usageError
	switch {
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &wrong), len(args) > 0 && args[0] == "script":
		return exitUsage
	}
	return 1
}

// paint colours what goes to a terminal, unless NO_COLOR says not to (no-color.org).
func paint(f *os.File) rehearsal.Paint {
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" || !isatty.IsTerminal(f.Fd()) {
		return nil
	}
	return rehearsal.Colours
}
