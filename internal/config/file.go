package config

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// JSON reads a settings file: one object, with a key for each flag, its words joined by underscores. It is a loader for
// kong.Configuration. Unlike kong's own, it yields to the environment and refuses keys that are no setting, which are
// mistakes in spelling.
func JSON(r io.Reader) (kong.Resolver, error) {
	decoder := json.NewDecoder(r)
	values := file{}
	if err := decoder.Decode(&values); err != nil {
		return nil, fmt.Errorf("settings file: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("settings file: more than one JSON object")
	}
	return values, nil
}

type file map[string]any

// Resolve finds the value of a flag, unless a variable gives it.
func (f file) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, found := os.LookupEnv(name); found {
			return nil, nil
		}
	}
	return f[key(flag)], nil
}

// Validate refuses keys that no command knows.
func (f file) Validate(app *kong.Application) error {
	unknown := maps.Clone(f)
	err := kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			delete(unknown, key(flag))
		}
		return next(nil)
	})
	if err != nil || len(unknown) == 0 {
		return err
	}
	return fmt.Errorf("settings file: unknown setting %s", strings.Join(slices.Sorted(maps.Keys(unknown)), ", "))
}

func key(flag *kong.Flag) string { return strings.ReplaceAll(flag.Name, "-", "_") }
