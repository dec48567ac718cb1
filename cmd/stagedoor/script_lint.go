package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/lint"
)

type scriptLintCommand struct {
	Files []string `arg:"" optional:"" name:"file" help:"Scripts; of directories every *.js below them."`
	Kind  string   `help:"Kind of the scripts: rule, action, hook, connection. By default each one's looks decide." enum:",rule,action,hook,connection" default:"" placeholder:"KIND"`
	Rules bool     `help:"List the rules and why they matter, and read nothing."`
	Data  string   `help:"A server's data directory: its packages (stagedoor modules add) are known." type:"existingdir" placeholder:"DIR"`
	JSON  bool     `name:"json" help:"Print the findings as JSON."`
}

// added are the packages of the server whose data directory is named.
func (c *scriptLintCommand) added(ctx context.Context) ([]stagedoor.ScriptModule, error) {
	if c.Data == "" {
		return nil, nil
	}
	db, err := openMigrated(ctx, &config.Config{DataDir: c.Data, HTTP: "127.0.0.1:0"}) // nothing is served
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return db.ScriptModules(ctx)
}

// Run reads scripts and tells what is found.
func (c *scriptLintCommand) Run(ctx context.Context) error {
	if c.Rules {
		return c.explain()
	}
	files, err := scriptFiles(c.Files)
	if err != nil {
		return usage(err)
	}
	added, err := c.added(ctx)
	if err != nil {
		return usage(err)
	}
	l, err := lint.New(added...)
	if err != nil {
		return usage(err)
	}
	defer l.Close()
	all := []lint.Finding{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return usage(err)
		}
		found, err := l.Lint(file, string(text), c.Kind)
		if err != nil {
			return usage(fmt.Errorf("%s: %w", file, err))
		}
		all = append(all, found...)
	}
	if c.JSON {
		err = printJSON(all)
	} else {
		printFindings(all, len(files))
	}
	if err == nil && len(all) > 0 {
		return exit(1)
	}
	return err
}

// scriptFiles are the files that are named, and those below directories that are.
func scriptFiles(named []string) ([]string, error) {
	var out []string
	for _, name := range named {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			out = append(out, name)
			continue
		}
		err = filepath.WalkDir(name, func(path string, d os.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != name):
				return filepath.SkipDir
			case !d.IsDir() && filepath.Ext(path) == ".js":
				out = append(out, path)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("there is no script to read")
	}
	return out, nil
}

func printFindings(all []lint.Finding, files int) {
	mark := paint(os.Stdout).Of
	errors := 0
	for _, f := range all {
		color := "warn"
		if f.Severity == lint.Error {
			color = "bad"
			errors++
		}
		fmt.Printf("%s:%d:%d: %s %s %s\n", f.File, f.Line, f.Column, mark(color, f.Severity), f.Message, mark("dim", "("+f.Rule+")"))
	}
	if len(all) == 0 {
		fmt.Printf("%d read, nothing found\n", files)
		return
	}
	fmt.Printf("%d read: %d errors, %d warnings\n", files, errors, len(all)-errors)
}

func (c *scriptLintCommand) explain() error {
	if c.JSON {
		out := []map[string]string{}
		for _, r := range lint.Rules {
			out = append(out, map[string]string{"name": r.Name, "severity": r.Severity, "about": r.About})
		}
		return printJSON(out)
	}
	for _, r := range lint.Rules {
		fmt.Printf("%s (%s)\n    %s\n", r.Name, r.Severity, r.About)
	}
	return nil
}
