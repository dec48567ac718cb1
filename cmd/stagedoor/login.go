package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"unicode"

	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/rehearsal"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
)

// loginCommand looks at what the flight recorder has kept of logins.
type loginCommand struct {
	Runs   loginRunsCommand   `cmd:"" help:"List the recorded runs of a tenant's scripts, the newest first."`
	Replay loginReplayCommand `cmd:"" help:"Run a recorded run again and print in what it differs. Exit code: 0 in nothing, 1 in something."`
}

type loginRunsCommand struct {
	ofTenant
	User   string `help:"Only runs about a user." placeholder:"ID"`
	Failed bool   `help:"Only runs that failed or in which a script refused."`
	Count  int    `help:"How many." default:"20"`
	JSON   bool   `name:"json" help:"Print them as JSON."`
}

// Run lists recorded runs.
func (c *loginRunsCommand) Run(ctx context.Context) error {
	db, st, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	all, _, err := st.ScriptRuns(ctx, store.ScriptRunQuery{UserID: c.User, Failed: c.Failed, PerPage: c.Count})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(all)
	}
	if len(all) == 0 {
		fmt.Println("No such runs are kept. The recorder is switched on by stagedoor.script_recording of the tenant's settings.")
	}
	for _, r := range all {
		what := r.Kind
		if r.Trigger != "" {
			what += " " + r.Trigger
		}
		fmt.Printf("%s  %s  %-28s %-10s %6.1f ms  %s  %s\n", r.ID, r.BeganAt.Format("2006-01-02 15:04:05"), what, r.Outcome, float64(r.Micros)/1000, visible(r.UserID), visible(r.Error))
	}
	return nil
}

type loginReplayCommand struct {
	ofTenant
	ID   string   `arg:"" help:"Id of the run, as the list and the API have it."`
	With []string `help:"Other code: a file in the place of the run's only script, or NAME=FILE for the script of that name." placeholder:"[NAME=]FILE"`
	JSON bool     `name:"json" help:"Print the differences as JSON."`
}

// replayed is what --json prints.
type replayed struct {
	ID          string              `json:"id"`
	Same        bool                `json:"same"`
	Differences []script.Difference `json:"differences"`
	Timings     []script.Timing     `json:"timings"`
}

// Run repeats a recorded run.
func (c *loginReplayCommand) Run(ctx context.Context) error {
	db, st, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	_, text, err := st.ScriptRun(ctx, c.ID)
	if err != nil {
		return err
	}
	with, err := c.sources(text)
	if err != nil {
		return err
	}
	host := script.New(script.Config{Workers: 1, Node: c.ScriptNode, Added: db, Log: slog.New(slog.DiscardHandler)})
	defer host.Close()
	before, after, err := pipeline.Replay(ctx, st, host, c.ID, with)
	if err != nil {
		return err
	}
	out := replayed{ID: c.ID, Same: before.Same(after), Differences: before.Differences(after), Timings: after.Timings()}
	if c.JSON {
		if out.Differences == nil {
			out.Differences = []script.Difference{}
		}
		if err := printJSON(out); err != nil {
			return err
		}
	} else {
		printReplayed(out, paint(os.Stdout))
	}
	if !out.Same {
		return exit(1)
	}
	return nil
}

// sources reads the files of --with.
func (c *loginReplayCommand) sources(recording []byte) (map[string]string, error) {
	if len(c.With) == 0 {
		return nil, nil
	}
	var rec script.Recording
	if err := json.Unmarshal(recording, &rec); err != nil {
		return nil, err
	}
	with := map[string]string{}
	for _, one := range c.With {
		name, file, named := strings.Cut(one, "=")
		if !named {
			if len(rec.Scripts) != 1 {
				return nil, fmt.Errorf("the run has %d scripts: say which one the file is for, NAME=%s", len(rec.Scripts), one)
			}
			name, file = rec.Scripts[0].Name, one
		}
		text, err := os.ReadFile(file) //nolint:gosec // the caller names it
		if err != nil {
			return nil, err
		}
		with[name] = string(text)
	}
	return with, nil
}

// printReplayed shows the differences as a diff does.
func printReplayed(out replayed, paint rehearsal.Paint) {
	if out.Same {
		fmt.Printf("%s went as it was recorded, byte for byte.\n", out.ID)
		return
	}
	for _, d := range out.Differences {
		fmt.Println(visible(d.What))
		if d.Before != "" {
			fmt.Println(paint.Of("bad", "- "+visible(d.Before)))
		}
		if d.After != "" {
			fmt.Println(paint.Of("good", "+ "+visible(d.After)))
		}
	}
}

// visible makes a text from elsewhere one line that is fit for a terminal: no control characters, which could take it over.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\ufffd'
		}
		return r
	}, text)
}
