package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// Source says what is bundled.
type Source struct {
	Root   string            // directory that holds node_modules
	Import string            // name under which the package lies there
	Parts  []string          // sub-paths that may be required beside the package itself: "v4" for require('uuid/v4')
	Shared map[string]string // packages that stay outside, by name: what is required in their place, "lodash@4.18.1"
}

// Built is a package in one file.
//
// Code is the body of a CommonJS module. Its exports are functions by part, "" for the package itself; each gives what requiring that part
// gives. Core modules and shared packages are left to the require that it is given.
type Built struct {
	Code     []byte
	Requires []string   // what it requires from outside: core modules without "node:", shared packages as Shared has them
	Contains []Included // the packages in it, itself first
}

// Included is a package that went into a bundle.
type Included struct {
	Name, Version, License string
	Text                   string // of the license, as the package ships it; empty if it ships none
}

// Build makes one file of a package and what it depends on.
func Build(s Source) (Built, error) {
	var stub strings.Builder
	stub.WriteString("module.exports = {\n")
	for _, part := range append([]string{""}, s.Parts...) {
		path := s.Import
		if part != "" {
			path += "/" + part
		}
		fmt.Fprintf(&stub, "%q: () => require(%q),\n", part, path)
	}
	stub.WriteString("}\n")
	out := api.Build(api.BuildOptions{
		Stdin:            &api.StdinOptions{Contents: stub.String(), ResolveDir: s.Root, Sourcefile: "package.js"},
		AbsWorkingDir:    s.Root,
		Bundle:           true,
		Write:            false,
		Metafile:         true,
		Platform:         api.PlatformNode,
		Format:           api.FormatCommonJS,
		Target:           api.ES2022,
		MainFields:       []string{"main", "module"},
		MinifyWhitespace: true,
		MinifySyntax:     true, // names stay: scripts see those of classes and functions
		LegalComments:    api.LegalCommentsNone,
		Define:           map[string]string{"process.env.NODE_ENV": `"production"`},
		LogLevel:         api.LogLevelSilent,
		LogLimit:         10,
		Plugins:          []api.Plugin{shared(s.Shared), optional(s.Root), refuseNative()},
	})
	if len(out.Errors) > 0 {
		return Built{}, failed(out.Errors)
	}
	if len(out.OutputFiles) != 1 {
		return Built{}, fmt.Errorf("bundle: %d files came out", len(out.OutputFiles))
	}
	b := Built{Code: out.OutputFiles[0].Contents}
	err := b.read(s, out.Metafile)
	return b, err
}

// failed is what esbuild found, one line for each.
func failed(messages []api.Message) error {
	var all []error
	for _, m := range messages {
		text := m.Text
		if m.Location != nil {
			text = m.Location.File + ": " + text
		}
		all = append(all, errors.New(text))
	}
	return errors.Join(all...)
}

// shared leaves packages outside, under the names that are given for them.
func shared(names map[string]string) api.Plugin {
	return api.Plugin{Name: "shared", Setup: func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: `^[^./]`}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			name, part := split(args.Path)
			to, ok := names[name]
			if !ok || args.Kind == api.ResolveEntryPoint {
				return api.OnResolveResult{}, nil
			}
			if part != "" {
				at := strings.LastIndex(to, "@")
				to = to[:at] + "/" + part + to[at:]
			}
			return api.OnResolveResult{Path: to, External: true}, nil
		})
	}}
}

// optional leaves packages outside that are not there and that whoever requires them can do without: drivers of databases, say. They are
// required when the code comes to it, as on Node.js.
func optional(root string) api.Plugin {
	type asked struct{} // marks our own question, which is not to be asked again
	return api.Plugin{Name: "optional", Setup: func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: `^[^./]`}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			dir := packageDir(filepath.ToSlash(args.Importer))
			if _, own := args.PluginData.(asked); own || dir == "" {
				return api.OnResolveResult{}, nil
			}
			if !filepath.IsAbs(dir) {
				dir = filepath.Join(root, dir)
			}
			name, _ := split(args.Path)
			if m, err := readManifest(dir); err != nil || !m.optional(name) {
				return api.OnResolveResult{}, nil //nolint:nilerr // what is wrong with it is told where it was placed
			}
			found := b.Resolve(args.Path, api.ResolveOptions{Importer: args.Importer, ResolveDir: args.ResolveDir, Kind: args.Kind, PluginData: asked{}})
			if len(found.Errors) == 0 {
				return api.OnResolveResult{}, nil
			}
			return api.OnResolveResult{Path: args.Path, External: true}, nil
		})
	}}
}

// split takes a specifier apart into the package's name and the path within it.
func split(specifier string) (name, part string) {
	at := strings.Index(specifier, "/")
	if at >= 0 && strings.HasPrefix(specifier, "@") {
		if next := strings.Index(specifier[at+1:], "/"); next >= 0 {
			at += 1 + next
		} else {
			at = -1
		}
	}
	if at < 0 {
		return specifier, ""
	}
	return specifier[:at], specifier[at+1:]
}

// refuseNative stops at machine code.
func refuseNative() api.Plugin {
	return api.Plugin{Name: "native", Setup: func(b api.PluginBuild) {
		b.OnLoad(api.OnLoadOptions{Filter: `\.node$`}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			return api.OnLoadResult{}, fmt.Errorf("%s is machine code: only JavaScript can be bundled", filepath.Base(args.Path))
		})
	}}
}

// read takes from esbuild's report what a bundle contains and what it requires.
func (b *Built) read(s Source, report string) error {
	var meta struct {
		Inputs  map[string]struct{}
		Outputs map[string]struct {
			Imports []struct {
				Path     string
				External bool
			}
		}
	}
	if err := json.Unmarshal([]byte(report), &meta); err != nil {
		return err
	}
	for _, out := range meta.Outputs {
		for _, i := range out.Imports {
			if name := strings.TrimPrefix(i.Path, "node:"); i.External && !slices.Contains(b.Requires, name) {
				b.Requires = append(b.Requires, name)
			}
		}
	}
	sort.Strings(b.Requires)
	seen := map[string]bool{}
	for file := range meta.Inputs {
		dir := packageDir(file)
		if dir == "" || seen[dir] {
			continue
		}
		seen[dir] = true
		in, err := included(filepath.Join(s.Root, dir))
		if err != nil {
			return err
		}
		b.Contains = append(b.Contains, in)
	}
	own, err := included(filepath.Join(s.Root, "node_modules", s.Import))
	if err != nil {
		return err
	}
	slices.SortFunc(b.Contains, func(x, y Included) int {
		if (x == own) != (y == own) {
			if x == own {
				return -1
			}
			return 1
		}
		return strings.Compare(x.Name+"@"+x.Version, y.Name+"@"+y.Version)
	})
	b.Contains = slices.Compact(b.Contains)
	return nil
}

// packageDir is the directory of the package that a file belongs to; empty for the stub.
func packageDir(file string) string {
	const mark = "node_modules/"
	at := strings.LastIndex(file, mark)
	if at < 0 {
		return ""
	}
	at += len(mark)
	name, _ := split(file[at:])
	return file[:at] + name
}

// included reads a package's own words about itself.
func included(dir string) (Included, error) {
	p, err := readManifest(dir)
	if err != nil {
		return Included{}, err
	}
	in := Included{Name: p.Name, Version: p.Version, License: p.license()}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return Included{}, err
	}
	for _, e := range entries {
		name := strings.ToLower(e.Name())
		if e.IsDir() || !strings.HasPrefix(name, "license") && !strings.HasPrefix(name, "licence") && !strings.HasPrefix(name, "copying") && !strings.HasPrefix(name, "notice") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return Included{}, err
		}
		if in.Text != "" {
			in.Text += "\n"
		}
		in.Text += strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")) + "\n"
	}
	return in, nil
}
