// Command bundle makes published npm packages into the files of ../js/vendor, which the embedded runtime's core modules are made of.
//
// After changing package.json, in this directory: npm ci --ignore-scripts && go run . (the server needs no npm). Each file is one
// package with what it depends on, as published, minified but for its names; core modules stay calls of require. LICENSES names every
// package in them with its version and its licence.
package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor/internal/bundle"
)

// vendored are the packages: the name of the file, and what is imported, and its part. A slash keeps a package apart from the core module of its name.
var vendored = []struct{ name, path, part string }{
	{"assert", "assert/", ""},
	{"buffer", "buffer/", ""},
	{"events", "events/", ""},
	{"node-inspect-extracted", "node-inspect-extracted", ""},
	{"path-browserify", "path-browserify", ""},
	{"punycode", "punycode/", ""},
	{"readable-stream", "readable-stream", "lib/stream.js"},
	{"string_decoder", "string_decoder/", ""},
	{"url", "url/", ""},
	{"web-streams-polyfill", "web-streams-polyfill", ""},
}

// outside are packages that are left to the room: a core module, or a module of ../js/modules.
var outside = map[string]string{
	"process": "process", "buffer": "buffer", "events": "events", "string_decoder": "string_decoder", "util": "util", "stream": "stream",
	"punycode": "punycode", "path": "path", "safe-buffer": "buffer", "abort-controller": "abort", "qs": "qs",
}

func main() {
	if err := run("../js/vendor"); err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
}

func run(into string) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(into, 0o755); err != nil { //nolint:gosec // sources, for everybody
		return err
	}
	licences := make(map[string]string) // by package
	for _, v := range vendored {
		shared := maps.Clone(outside)
		delete(shared, v.name)
		source := bundle.Source{Root: root, Import: v.path, Shared: shared}
		if v.part != "" {
			source.Parts = []string{v.part}
		}
		built, err := bundle.Build(source)
		if err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
		for _, p := range built.Contains {
			if p.Text == "" {
				return fmt.Errorf("%s has no licence text", p.Name)
			}
			licences[fmt.Sprintf("%s %s (%s)", p.Name, p.Version, p.License)] = p.Text
		}
		code := fmt.Sprintf("%smodule.exports=module.exports[%q]();\n", built.Code, v.part)
		if err := os.WriteFile(filepath.Join(into, v.name+".js"), []byte(code), 0o644); err != nil { //nolint:gosec // see above
			return err
		}
	}
	var out strings.Builder
	out.WriteString("The files beside this one contain these npm packages, as published, each under its own licence.\n")
	for _, name := range slices.Sorted(maps.Keys(licences)) {
		fmt.Fprintf(&out, "\n==== %s\n\n%s\n", name, strings.TrimSpace(strings.ReplaceAll(licences[name], "\r\n", "\n")))
	}
	return os.WriteFile(filepath.Join(into, "LICENSES"), []byte(out.String()), 0o644) //nolint:gosec // see above
}
