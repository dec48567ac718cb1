package config

import (
	"bytes"
	"encoding/json"
	"errors"
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
	f := file{name: "settings file"}
	if named, is := r.(interface{ Name() string }); is {
		f.name += " " + named.Name()
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&f.values); err != nil {
		return nil, f.wrong(err, text)
	}
	if f.values == nil {
		return nil, fmt.Errorf("%s: is no JSON object", f.name)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("%s: more than one JSON object", f.name)
	}
	return f, nil
}

type file struct {
	name   string // for people
	values map[string]any
}

// wrong says what keeps the file from being read, and where.
func (f file) wrong(err error, text []byte) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%s: is empty", f.name)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: ends in the middle of its JSON object", f.name)
	case errors.As(err, &syntax):
		return fmt.Errorf("%s: line %d: %w", f.name, 1+bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n")), err)
	case errors.As(err, &kind):
		return fmt.Errorf("%s: is no JSON object", f.name)
	}
	return fmt.Errorf("%s: %w", f.name, err)
}

// Resolve finds the value of a flag, unless a variable gives it.
func (f file) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, found := os.LookupEnv(name); found {
			return nil, nil
		}
	}
	return f.values[key(flag)], nil
}

// Validate refuses keys that no command knows.
func (f file) Validate(app *kong.Application) error {
	unknown := maps.Clone(f.values)
	err := kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			delete(unknown, key(flag))
		}
		return next(nil)
	})
	if err != nil || len(unknown) == 0 {
		return err
	}
	return fmt.Errorf("%s: unknown setting %s", f.name, strings.Join(slices.Sorted(maps.Keys(unknown)), ", "))
}

func key(flag *kong.Flag) string { return strings.ReplaceAll(flag.Name, "-", "_") }
