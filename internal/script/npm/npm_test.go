package npm

import (
	"encoding/json"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestBundles holds what is committed together: each row of the table has its bundle, in the order of the table, with the hash that the
// index tells and the tarball's hash of the lock; nothing else lies in the directory, and every license is named.
func TestBundles(t *testing.T) {
	var rows []struct{ Name, Version string }
	var lock struct {
		Packages map[string]struct{ Version, Integrity string }
	}
	read(t, "table.json", &rows)
	read(t, "lock.json", &lock)
	licenses, err := os.ReadFile("LICENSES.txt")
	if err != nil {
		t.Fatal(err)
	}
	index := Packages()
	if len(index) != len(rows) {
		t.Fatalf("%d bundles for %d rows of the table: run go generate", len(index), len(rows))
	}
	left, err := fs.Glob(files, "bundles/*")
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		p := index[i]
		if p.Name != r.Name || p.Version != r.Version {
			t.Fatalf("row %d is %s@%s and has the bundle of %s: run go generate", i, r.Name, r.Version, p.ID())
		}
		text, err := Source(p.ID())
		if err != nil {
			t.Fatal(err)
		}
		if got := Hash([]byte(text)); got != p.Hash || len(text) != p.Size {
			t.Errorf("%s: its bundle has the hash %s and %d bytes, the index says %s and %d", p.ID(), got, len(text), p.Hash, p.Size)
		}
		alias := strings.NewReplacer("@", "", "/", "_").Replace(r.Name) + "--" + r.Version
		pinned := lock.Packages["node_modules/"+alias]
		if pinned.Version != r.Version || pinned.Integrity != p.Integrity || !strings.HasPrefix(p.Integrity, "sha512-") {
			t.Errorf("%s: the lock has %+v, the index %s", p.ID(), pinned, p.Integrity)
		}
		left = slices.DeleteFunc(left, func(name string) bool { return name == "bundles/"+p.FileName() })
		for _, in := range append([]string{p.ID() + " (" + p.License + ")"}, p.Contains...) {
			name, _, _ := strings.Cut(in, " (")
			at := strings.LastIndex(name, "@")
			if !strings.Contains(string(licenses), "\n"+name[:at]+" "+name[at+1:]+" (") {
				t.Errorf("%s: LICENSES.txt does not name %s", p.ID(), name)
			}
		}
	}
	if len(left) > 0 {
		t.Errorf("bundles that no row asks for: %q", left)
	}
	for folder, p := range lock.Packages {
		if folder != "" && p.Integrity == "" {
			t.Errorf("the lock has no hash of %s", folder)
		}
	}
	if _, err := Source("nothing@1.0.0"); err == nil {
		t.Error("a package that does not come with the program has a source")
	}
}

// TestPage holds the page about modules to the index, and NOTICE to the licenses.
func TestPage(t *testing.T) {
	b, err := os.ReadFile("../../../docs/guide/modules.md")
	if err != nil {
		t.Fatal(err)
	}
	if _, table, ok := strings.Cut(string(b), PageMark); !ok || table != "\n"+Page(Packages()) {
		t.Error("docs/guide/modules.md is not what the index says: run go generate")
	}
	notice, err := os.ReadFile("../../../NOTICE")
	if err != nil || !strings.Contains(string(notice), "internal/script/npm/LICENSES.txt") {
		t.Errorf("NOTICE does not name the licenses of the packages: %v", err)
	}
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}
