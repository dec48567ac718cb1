// Command generate makes the bundles of package npm from table.json: it lets the npm client fetch what lock.json pins, without running any
// install script, and bundles each package. With --update it takes what the registry has now for packages that are new in the table.
package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor/internal/bundle"
	"github.com/stagedoor/stagedoor/internal/script/npm"
)

// row is a row of the table.
type row struct {
	Name    string            `json:"name"`
	Version string            `json:"version"`
	Parts   []string          `json:"parts"`
	Members []string          `json:"members"`
	Shared  map[string]string `json:"shared"`  // packages that are required from outside, or that something stands in for: what request-promise asks of tough-cookie is only that it is loaded
	Without []string          `json:"without"` // packages that are left out: requiring them fails
}

// alias is the folder of a row in node_modules, so that one package can be there in several versions.
func (r row) alias() string {
	return strings.NewReplacer("@", "", "/", "_").Replace(r.Name) + "--" + r.Version
}

func main() {
	update := flag.Bool("update", false, "let the npm client resolve what lock.json does not pin")
	flag.Parse()
	if err := generate(*update); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate(update bool) error {
	b, err := os.ReadFile("table.json")
	if err != nil {
		return err
	}
	var rows []row
	if err := json.Unmarshal(b, &rows); err != nil {
		return fmt.Errorf("table.json: %w", err)
	}
	root, err := os.MkdirTemp("", "stagedoor-npm-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(root) }()
	pins, err := install(root, rows, update)
	if err != nil {
		return err
	}
	if err := os.RemoveAll("bundles"); err != nil {
		return err
	}
	if err := os.Mkdir("bundles", 0o755); err != nil {
		return err
	}
	licenses := licenses{}
	var index []npm.Package
	for _, r := range rows {
		p, err := build(root, r, pins, licenses)
		if err != nil {
			return fmt.Errorf("%s@%s: %w", r.Name, r.Version, err)
		}
		index = append(index, p)
	}
	if err := os.WriteFile("LICENSES.txt", []byte(licenses.text()), 0o644); err != nil {
		return err
	}
	if err := writeJSON("index.json", index); err != nil {
		return err
	}
	return writePage("../../../docs/guide/modules.md", index)
}

// writePage replaces the last part of the page about modules.
func writePage(file string, index []npm.Package) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text, _, ok := strings.Cut(string(b), npm.PageMark)
	if !ok {
		return fmt.Errorf("%s has no mark", file)
	}
	return os.WriteFile(file, []byte(text+npm.PageMark+"\n"+npm.Page(index)), 0o644)
}

func writeJSON(file string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}

// install lets the npm client lay out node_modules in root and returns the hash of each package by its folder.
func install(root string, rows []row, update bool) (map[string]string, error) {
	manifest := struct {
		Private      bool              `json:"private"`
		Dependencies map[string]string `json:"dependencies"`
	}{true, map[string]string{}}
	for _, r := range rows {
		manifest.Dependencies[r.alias()] = "npm:" + r.Name + "@" + r.Version
	}
	if err := writeJSON(filepath.Join(root, "package.json"), manifest); err != nil {
		return nil, err
	}
	lock := filepath.Join(root, "package-lock.json")
	if b, err := os.ReadFile("lock.json"); err == nil {
		if err := os.WriteFile(lock, b, 0o644); err != nil {
			return nil, err
		}
	}
	verb := "ci"
	if update {
		verb = "install"
	}
	cmd := exec.Command("npm", verb, "--ignore-scripts", "--legacy-peer-deps", "--no-bin-links", "--omit-lockfile-registry-resolved", "--no-audit", "--no-fund") //nolint:noctx // it runs until it is done
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("npm %s: %w", verb, err)
	}
	b, err := os.ReadFile(lock)
	if err != nil {
		return nil, err
	}
	var pinned struct {
		Packages map[string]struct{ Integrity string }
	}
	if err := json.Unmarshal(b, &pinned); err != nil {
		return nil, err
	}
	pins := map[string]string{}
	for folder, p := range pinned.Packages {
		pins[strings.TrimPrefix(folder, "node_modules/")] = p.Integrity
	}
	return pins, os.WriteFile("lock.json", b, 0o644)
}

func build(root string, r row, pins map[string]string, all licenses) (npm.Package, error) {
	shared := map[string]string{}
	for name, to := range r.Shared {
		shared[name] = to
	}
	for _, name := range r.Without {
		shared[name] = name
	}
	b, err := bundle.Build(bundle.Source{Root: root, Import: r.alias(), Parts: r.Parts, Shared: shared})
	if err != nil {
		return npm.Package{}, err
	}
	p := npm.Package{
		Name: r.Name, Version: r.Version, License: cmp.Or(b.Contains[0].License, "see its page"), Integrity: pins[r.alias()], Hash: npm.Hash(b.Code), Size: len(b.Code),
		Parts: r.Parts, Members: r.Members, Requires: b.Requires,
	}
	if p.Integrity == "" {
		return p, fmt.Errorf("lock.json has no hash of it")
	}
	for i, in := range b.Contains {
		all.add(in)
		if i > 0 {
			p.Contains = append(p.Contains, fmt.Sprintf("%s@%s (%s)", in.Name, in.Version, cmp.Or(in.License, "none named")))
		}
	}
	slices.Sort(p.Contains)
	p.Contains = slices.Compact(p.Contains)
	var z bytes.Buffer
	w, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
	if err != nil {
		return p, err
	}
	if _, err := w.Write(b.Code); err != nil {
		return p, err
	}
	if err := w.Close(); err != nil {
		return p, err
	}
	fmt.Fprintf(os.Stderr, "%-32s %5d KB, %4d KB compressed\n", p.ID(), p.Size>>10, z.Len()>>10)
	return p, os.WriteFile(filepath.Join("bundles", p.FileName()), z.Bytes(), 0o644)
}
