package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stagedoor/stagedoor/internal/script"
)

type scriptTypesCommand struct {
	Dir string `arg:"" optional:"" help:"Directory to write the declarations to; without one they are printed."`
}

// Run writes the declarations of what scripts have, for editors and TypeScript's checker.
func (c *scriptTypesCommand) Run() error {
	names, err := fs.Glob(script.Types, "types/*.d.ts")
	if err != nil {
		return usage(err)
	}
	if c.Dir != "" {
		if err := os.MkdirAll(c.Dir, 0o755); err != nil { //nolint:gosec // sources of the caller's
			return usage(err)
		}
	}
	for _, name := range names {
		text, err := script.Types.ReadFile(name)
		if err != nil {
			return usage(err)
		}
		if c.Dir == "" {
			fmt.Printf("// --- %s ---\n%s\n", filepath.Base(name), text)
			continue
		}
		if err := os.WriteFile(filepath.Join(c.Dir, filepath.Base(name)), text, 0o644); err != nil { //nolint:gosec // as above
			return usage(err)
		}
	}
	return nil
}
