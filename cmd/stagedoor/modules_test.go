package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/bundle"
)

// packed is a tarball with a package.json and an index.js.
func packed(t *testing.T, manifest, code string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, f := range [][2]string{{"package/package.json", manifest}, {"package/index.js", code}} {
		if err := w.WriteHeader(&tar.Header{Name: f[0], Mode: 0o644, Size: int64(len(f[1])), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestModules adds packages from a registry and from files, lists them, and removes them.
func TestModules(t *testing.T) {
	data, _ := initTenant(t)
	tarballs := map[string][]byte{
		"greet": packed(t, `{"name":"greet","version":"1.2.0","license":"MIT","dependencies":{"word":"^1.0.0"}}`, "exports.greet = () => require('word') + require('util').format('%s', '!')"),
		"word":  packed(t, `{"name":"word","version":"1.0.3","license":"ISC"}`, "module.exports = 'hello'"),
		"evil":  packed(t, `{"name":"evil","version":"1.0.0","scripts":{"install":"rm -rf /"}}`, ""),
	}
	versions := map[string]string{"greet": "1.2.0", "word": "1.0.3", "evil": "1.0.0"}
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, is := strings.CutSuffix(strings.Trim(r.URL.Path, "/"), ".tgz")
		b, ok := tarballs[name]
		switch {
		case !ok:
			http.NotFound(w, r)
		case is:
			_, _ = w.Write(b)
		default:
			_ = json.NewEncoder(w).Encode(map[string]any{"dist-tags": map[string]string{"latest": versions[name]}, "versions": map[string]any{
				versions[name]: map[string]any{"dist": map[string]string{"tarball": "http://" + r.Host + "/" + name + ".tgz", "integrity": bundle.Integrity(b)}},
			}})
		}
	}))
	t.Cleanup(registry.Close)
	run := func(code int, args ...string) (string, string) {
		t.Helper()
		out, errs, got := runCommand(t, append([]string{"modules"}, append(args, "--data", data)...)...)
		if got != code {
			t.Fatalf("%q: exit code %d\n%s%s", args, got, out, errs)
		}
		return out, errs
	}
	out, progress := run(0, "add", "greet@^1.0.0", "--registry", registry.URL, "--json")
	var added struct {
		Name, Version, Hash, Integrity string
		Requires, Contains             []string
	}
	if err := json.Unmarshal([]byte(out), &added); err != nil {
		t.Fatal(err, out)
	}
	if added.Version != "1.2.0" || len(added.Hash) != 64 || added.Integrity != bundle.Integrity(tarballs["greet"]) || strings.Join(added.Contains, " ") != "word@1.0.3 (ISC)" || strings.Join(added.Requires, " ") != "util" {
		t.Errorf("added %+v", added)
	}
	if progress != "fetching greet@1.2.0\nfetching word@1.0.3\nbundling greet@1.2.0\n" {
		t.Errorf("progress %q", progress)
	}
	files := t.TempDir()
	var names []string
	for _, name := range []string{"greet", "word"} {
		names = append(names, filepath.Join(files, name+".tgz"))
		write(t, names[len(names)-1], string(tarballs[name]), 0o600)
	}
	if out, _ := run(0, append([]string{"add", "--offline"}, names...)...); !strings.Contains(out, "greet@1.2.0 is added: 1 KB, SHA-256 "+added.Hash+".") {
		t.Errorf("from files: %s", out)
	}
	if out, _ := run(0, "list"); !strings.Contains(out, "greet@1.2.0") || !strings.Contains(out, added.Hash[:16]) || strings.Contains(out, "lodash") {
		t.Errorf("list: %s", out)
	}
	if out, _ := run(0, "list", "--all", "--json"); !strings.Contains(out, `"lodash"`) || !strings.Contains(out, `"greet"`) {
		t.Errorf("list --all --json: %.300s", out)
	}
	for want, args := range map[string][]string{
		"evil@1.0.0 runs a command when it is installed (install: \"rm -rf /\")": {"add", "evil", "--registry", registry.URL},
		"the registry has no package nothing":                                    {"add", "nothing", "--registry", registry.URL},
		"one package is added at a time":                                         {"add", "a", "b", "--registry", registry.URL},
		"word@^1.0.0 is not among the files":                                     {"add", "--offline", names[0]},
		"no such file":                                                           {"add", filepath.Join(files, "none.tgz")},
		"nope@1.0.0 was not added":                                               {"remove", "nope@1.0.0"},
		"no registry is known":                                                   {"add", "greet", "--registry", "nonsense"},
	} {
		if out, errs := run(1, args...); out != "" || !strings.Contains(errs, want) {
			t.Errorf("%q: %q %q, want %q", args, out, errs, want)
		}
	}
	run(0, "remove", "greet@1.2.0")
	if out, _ := run(0, "list"); !strings.HasPrefix(out, "Nothing was added.") {
		t.Errorf("after it was removed: %s", out)
	}
}
