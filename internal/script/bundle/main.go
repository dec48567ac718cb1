// Command bundle makes published npm packages into the files of ../js/vendor, which the embedded runtime's core modules are made of.
//
// After changing package.json, in this directory: npm ci --ignore-scripts && go run . (the server needs no npm). Each file is one
// package with what it depends on, as published, minified but for its names; core modules stay calls of require. LICENSES names every
// package in them with its version and its licence.
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// vendored are the packages, each with the file that is bundled; "" is the package's main one.
var vendored = []struct{ name, file string }{
	{"assert", "build/assert.js"},
	{"buffer", ""},
	{"events", ""},
	{"node-inspect-extracted", ""},
	{"path-browserify", ""},
	{"punycode", "punycode.js"},
	{"readable-stream", "lib/stream.js"},
	{"string_decoder", "lib/string_decoder.js"},
	{"url", "url.js"},
	{"web-streams-polyfill", "dist/ponyfill.js"},
}

// instead says what a package gets when it asks for another one: a core module of ours, or the text of a module.
var instead = map[string]string{
	"process": "process", "process/": "process", "buffer": "buffer", "buffer/": "buffer", "events": "events", "events/": "events",
	"string_decoder": "string_decoder", "string_decoder/": "string_decoder", "util": "util", "util/": "util", "stream": "stream",
	"querystring": "querystring", "punycode": "punycode", "punycode/": "punycode", "path": "path", "safe-buffer": "buffer",
	"abort-controller":       "module.exports = {AbortController, AbortSignal}",
	"object.assign/polyfill": "module.exports = () => Object.assign",
	"object-is/polyfill":     "module.exports = () => Object.is",
	"qs":                     "const q = require('querystring'); module.exports = {parse: t => q.parse(t), stringify: o => q.stringify(o)}",
	"is-nan":                 "module.exports = Number.isNaN",
}

func main() {
	if err := run("../js/vendor"); err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
}

func run(into string) error {
	if err := os.MkdirAll(into, 0o755); err != nil { //nolint:gosec // sources, for everybody
		return err
	}
	inside := make(map[string]bool) // directories of packages
	for _, v := range vendored {
		text, inputs, err := bundle(v.name, v.file)
		if err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
		for _, input := range inputs {
			inside[packageOf(input)] = true
		}
		if err := os.WriteFile(filepath.Join(into, v.name+".js"), text, 0o644); err != nil { //nolint:gosec // see above
			return err
		}
	}
	licences, err := licences(inside)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(into, "LICENSES"), licences, 0o644) //nolint:gosec // see above
}

// bundle is a package in one file, and the files that went into it.
func bundle(name, file string) ([]byte, []string, error) {
	entry := "./node_modules/" + name
	if file != "" {
		entry += "/" + file
	}
	result := api.Build(api.BuildOptions{
		EntryPoints: []string{entry}, Bundle: true, Format: api.FormatCommonJS, Platform: api.PlatformNeutral, MainFields: []string{"main"},
		MinifyWhitespace: true, MinifySyntax: true, Target: api.ES2022, LegalComments: api.LegalCommentsNone, Metafile: true, Charset: api.CharsetUTF8,
		Plugins: []api.Plugin{{Name: "core modules", Setup: replace}},
	})
	var errs []error
	for _, m := range result.Errors {
		errs = append(errs, errors.New(m.Text))
	}
	if len(errs) > 0 {
		return nil, nil, errors.Join(errs...)
	}
	var meta struct {
		Inputs map[string]json.RawMessage `json:"inputs"`
	}
	if err := json.Unmarshal([]byte(result.Metafile), &meta); err != nil {
		return nil, nil, err
	}
	var inputs []string
	for path := range meta.Inputs {
		if strings.HasPrefix(path, "node_modules/") {
			inputs = append(inputs, path)
		}
	}
	return result.OutputFiles[0].Contents, inputs, nil
}

// replace leads requests for core modules out of the bundle, and those for needless packages to a text.
func replace(b api.PluginBuild) {
	b.OnResolve(api.OnResolveOptions{Filter: `^[a-z_.-]+(/polyfill|/)?$`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
		what, ok := instead[a.Path]
		switch {
		case !ok || a.Kind == api.ResolveEntryPoint:
			return api.OnResolveResult{}, nil
		case strings.Contains(what, " "):
			return api.OnResolveResult{Path: a.Path, Namespace: "text"}, nil
		}
		return api.OnResolveResult{Path: what, External: true}, nil
	})
	b.OnLoad(api.OnLoadOptions{Filter: ".*", Namespace: "text"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
		text := instead[a.Path]
		return api.OnLoadResult{Contents: &text}, nil
	})
}

var packageDirectory = regexp.MustCompile(`^(?:.*/)?node_modules/(?:@[^/]+/)?[^/]+`)

func packageOf(file string) string { return packageDirectory.FindString(file) }

// licences is the page about the packages in these directories.
func licences(inside map[string]bool) ([]byte, error) {
	var directories []string
	for d := range inside {
		directories = append(directories, d)
	}
	slices.SortFunc(directories, func(a, b string) int { return cmp.Compare(filepath.Base(a), filepath.Base(b)) })
	var out strings.Builder
	out.WriteString("The files beside this one contain these npm packages, as published, each under its own licence.\n")
	for _, d := range directories {
		var p struct{ Name, Version, License string }
		b, err := os.ReadFile(filepath.Join(d, "package.json")) //nolint:gosec // of a package that package-lock.json pins
		if err == nil {
			err = json.Unmarshal(b, &p)
		}
		if err != nil {
			return nil, err
		}
		found, err := filepath.Glob(filepath.Join(d, "[Ll][Ii][Cc][Ee][Nn][SsCc][Ee]*"))
		if err != nil || len(found) == 0 {
			return nil, fmt.Errorf("%s has no licence file", p.Name)
		}
		text, err := os.ReadFile(found[0])
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "\n==== %s %s (%s)\n\n%s\n", p.Name, p.Version, p.License, strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")))
	}
	return []byte(out.String()), nil
}
