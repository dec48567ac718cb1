package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/stagedoor/stagedoor/internal/rehearsal"
	"github.com/stagedoor/stagedoor/internal/script"
)

type scriptTestCommand struct {
	Dir    string `arg:"" help:"Directory with scenarios: *.txtar, and *.json with scripts." type:"existingdir"`
	Only   string `name:"run" help:"Only scenarios whose file matches." placeholder:"REGEXP"`
	Update bool   `help:"Write what came into the scenarios that differ. Read the change before you keep it."`
	Engine
	Verbose bool   `short:"v" help:"Name the scenarios that pass, too."`
	JSON    bool   `name:"json" help:"Print the results as JSON."`
	JUnit   string `name:"junit" help:"Also write the results as JUnit's XML." placeholder:"FILE"`
}

// Run runs scenarios and says which differ.
func (c *scriptTestCommand) Run(ctx context.Context) error {
	only, err := regexp.Compile(c.Only)
	if err != nil {
		return usage(fmt.Errorf("--run: %w", err))
	}
	if here, wrong := os.Getwd(); wrong == nil {
		if near, wrong := filepath.Rel(here, c.Dir); wrong == nil { // shorter to read
			c.Dir = near
		}
	}
	files, err := rehearsal.Scenarios(c.Dir)
	if err != nil {
		return usage(err)
	}
	var cfg rehearsal.Config
	closing, err := c.into(ctx, &cfg)
	defer closing()
	if err != nil {
		return usage(err)
	}
	stages := stages{cfg, map[time.Duration]*rehearsal.Stage{}}
	defer stages.close()
	began := time.Now()
	all := []rehearsal.Checked{}
	passed, updated, failed := 0, 0, 0
	for _, file := range files {
		if !only.MatchString(file) {
			continue
		}
		checked := c.check(ctx, stages, file)
		if ctx.Err() != nil {
			return usage(ctx.Err())
		}
		all = append(all, checked)
		switch {
		case checked.Passed:
			passed++
		case checked.Updated:
			updated++
		default:
			failed++
		}
		if !c.JSON {
			rehearsal.PrintChecked(os.Stdout, checked, paint(os.Stdout), c.Verbose)
		}
	}
	if len(all) == 0 {
		return usage(fmt.Errorf("%s: no scenarios", c.Dir))
	}
	if c.JSON {
		err = printJSON(all)
	} else {
		rewritten := ""
		if updated > 0 {
			rewritten = fmt.Sprintf(", %d updated", updated)
		}
		fmt.Printf("%d passed%s, %d failed in %.1f s\n", passed, rewritten, failed, time.Since(began).Seconds())
	}
	if err == nil && c.JUnit != "" {
		err = c.junit(all, time.Since(began))
	}
	if err != nil {
		return usage(err)
	}
	if failed > 0 {
		return exit(1)
	}
	return nil
}

// check runs one scenario.
func (c *scriptTestCommand) check(ctx context.Context, stages stages, file string) (out rehearsal.Checked) {
	out = rehearsal.Checked{File: file}
	began := time.Now()
	defer func() { out.Millis = float64(time.Since(began).Microseconds()) / 1000 }()
	s, err := rehearsal.ReadScenario(file)
	if err != nil {
		out.Error = err.Error()
		return out
	}
	out.Title = s.Title
	r, err := stages.of(s.Timeout).Rehearse(ctx, s.Play)
	if err != nil {
		out.Error = err.Error()
		return out
	}
	out.Result = &r
	if out.Differences, err = s.Differs(r); err == nil && len(out.Differences) == 0 {
		out.Passed = true
		return out
	}
	if c.Update {
		err = update(file, s, r)
		out.Updated, out.Differences = err == nil, nil
	}
	if err != nil {
		out.Error = err.Error()
	}
	return out
}

// update rewrites what a scenario wants.
func update(file string, s *rehearsal.Scenario, r rehearsal.Result) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	changed, err := s.Updated(text, r)
	if err != nil || bytes.Equal(text, changed) {
		return err
	}
	return os.WriteFile(file, changed, 0o644) //nolint:gosec // a source file of the caller's
}

func (c *scriptTestCommand) junit(all []rehearsal.Checked, took time.Duration) error {
	var b bytes.Buffer
	if err := rehearsal.JUnit(&b, all, took); err != nil {
		return err
	}
	return os.WriteFile(c.JUnit, b.Bytes(), 0o644) //nolint:gosec // a report
}

// stages are where scenarios are played, one for each time that they may take.
type stages struct {
	cfg rehearsal.Config
	all map[time.Duration]*rehearsal.Stage
}

func (s stages) of(timeout time.Duration) *rehearsal.Stage {
	if s.all[timeout] == nil {
		cfg := s.cfg
		cfg.Limits = script.Limits{Wall: timeout}
		s.all[timeout] = rehearsal.Open(cfg)
	}
	return s.all[timeout]
}

func (s stages) close() {
	for _, one := range s.all {
		_ = one.Close()
	}
}
