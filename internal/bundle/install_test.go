package bundle_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/bundle"
)

// pack makes a tarball as registries have them.
func pack(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for n := range files {
			if !yield(n) {
				return
			}
		}
	}) {
		if err := w.WriteHeader(&tar.Header{Name: "package/" + name, Mode: 0o644, Size: int64(len(files[name])), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []interface{ Close() error }{w, z} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// shelf is a registry: tarballs by name and version.
type shelf struct {
	t        *testing.T
	tarballs map[string]map[string][]byte
	spoil    string // name@version whose tarball is not what was promised
	token    string
	manifest map[string]any // what it tells of each version besides
	asked    []string
}

func (s *shelf) put(name, version, more, code string, files ...string) {
	all := map[string]string{"package.json": fmt.Sprintf(`{"name":%q,"version":%q,"license":"MIT"%s}`, name, version, more), "index.js": code, "LICENSE": "License of " + name + "\r\n"}
	for i := 0; i+1 < len(files); i += 2 {
		all[files[i]] = files[i+1]
	}
	if s.tarballs[name] == nil {
		s.tarballs[name] = map[string][]byte{}
	}
	s.tarballs[name][version] = pack(s.t, all)
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.token != "" && r.Header.Get("Authorization") != "Bearer "+s.token {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	s.asked = append(s.asked, r.URL.EscapedPath())
	name, version, is := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/-/")
	name, _ = url.PathUnescape(name)
	versions := s.tarballs[name]
	if versions == nil {
		http.NotFound(w, r)
		return
	}
	if is {
		b := versions[version]
		if s.spoil == name+"@"+version {
			b = append(slices.Clone(b), 0)
		}
		_, _ = w.Write(b)
		return
	}
	out := map[string]any{}
	latest := ""
	for v, b := range versions {
		of := maps.Clone(s.manifest)
		if of == nil {
			of = map[string]any{}
		}
		of["dist"] = map[string]any{"tarball": "http://" + r.Host + "/" + url.PathEscape(name) + "/-/" + v, "integrity": bundle.Integrity(b)}
		out[v] = of
		if v > latest && !strings.Contains(v, "-") {
			latest = v
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"dist-tags": map[string]string{"latest": latest}, "versions": out})
}

func newShelf(t *testing.T) (*shelf, *bundle.Registry) {
	s := &shelf{t: t, tarballs: map[string]map[string][]byte{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, &bundle.Registry{URL: server.URL, Client: server.Client()}
}

func TestAdd(t *testing.T) {
	s, registry := newShelf(t)
	s.put("top", "1.2.0", `,"dependencies":{"a":"^1.0.0","@s/b":">= 1.0 < 3"},"optionalDependencies":{"gone":"*"},"peerDependencies":{"peer":"1.x","maybe":"1"},"peerDependenciesMeta":{"maybe":{"optional":true}}`,
		"module.exports = [require('a').v, require('@s/b').v, require('peer').v, require('http')]; try { require('gone') } catch (e) {}", "lib/part.js", "exports.part = require('../index.js')")
	s.put("top", "1.1.0", "", "")
	s.put("top", "2.0.0-beta", "", "")
	s.put("a", "1.0.0", "", "exports.v = 'a1.0.0'")
	s.put("a", "1.9.0", `,"dependencies":{"peer":"^2.0.0"}`, "exports.v = 'a1.9.0 ' + require('peer').v")
	s.put("a", "2.0.0", "", "exports.v = 'a2'")
	s.put("@s/b", "2.5.0", `,"dependencies":{"a":"npm:a@^1.0.0"}`, "exports.v = 'b2.5.0'+require('a').v")
	s.put("@s/b", "3.0.0", "", "")
	s.put("peer", "1.4.0", "", "exports.v = 'peer1'")
	s.put("peer", "2.0.0", "", "exports.v = 'peer2'")
	var said []string
	got, err := bundle.Add(t.Context(), bundle.Request{Spec: "top@^1.0.0", Registry: registry, Parts: []string{"lib/part"}, Progress: func(s string) { said = append(said, s) }})
	if err != nil {
		t.Fatal(err)
	}
	var contains []string
	for _, c := range got.Contains {
		contains = append(contains, c.Name+"@"+c.Version)
	}
	if got.Name != "top" || got.Version != "1.2.0" || got.License != "MIT" || got.Integrity != bundle.Integrity(s.tarballs["top"]["1.2.0"]) {
		t.Errorf("got %s@%s, %s, %s", got.Name, got.Version, got.License, got.Integrity)
	}
	if want := []string{"top@1.2.0", "@s/b@2.5.0", "a@1.9.0", "peer@1.4.0", "peer@2.0.0"}; !slices.Equal(contains, want) {
		t.Errorf("it contains %q, want %q", contains, want)
	}
	if got.Contains[0].Text != "License of top\n" {
		t.Errorf("license %q", got.Contains[0].Text)
	}
	if !slices.Equal(got.Requires, []string{"gone", "http"}) {
		t.Errorf("it requires %q", got.Requires)
	}
	for _, text := range []string{"a1.9.0", "peer1", "peer2", "lib/part"} {
		if !strings.Contains(string(got.Code), text) {
			t.Errorf("no %q in %s", text, got.Code)
		}
	}
	if !slices.Contains(said, "fetching peer@2.0.0") || said[len(said)-1] != "bundling top@1.2.0" {
		t.Errorf("progress: %q", said)
	}
	if again, err := bundle.Add(t.Context(), bundle.Request{Spec: "top@1.2.0", Registry: registry, Parts: []string{"lib/part"}}); err != nil || !bytes.Equal(again.Code, got.Code) {
		t.Errorf("made again it differs: %v", err)
	}
}

// Packages of 2012 say things in forms that npm still takes.
func TestAddOldPackages(t *testing.T) {
	s, registry := newShelf(t)
	old := pack(t, map[string]string{"index.js": "module.exports = 1", "package.json": `{"name":"old","version":"0.2.3",
		"scripts":{"test":"make","blanket":{"pattern":"old/lib"},"install":null},"licenses":[{"type":"MIT"},"BSD"],"dependencies":[],"peerDependencies":["x"],"optionalDependencies":"none"}`})
	s.manifest = map[string]any{"dependencies": []string{}, "scripts": "none", "gypfile": "no"}
	s.tarballs["old"] = map[string][]byte{"0.2.3": old}
	got, err := bundle.Add(t.Context(), bundle.Request{Spec: "old", Registry: registry})
	if err != nil {
		t.Fatal(err)
	}
	if got.License != "MIT OR BSD" {
		t.Errorf("license %q", got.License)
	}
}

// TestAddWithoutScripts: what would run a command is added when the operator says so. Nothing is run, and machine code stays outside.
func TestAddWithoutScripts(t *testing.T) {
	s, registry := newShelf(t)
	s.put("greets", "1.0.0", `,"dependencies":{"below":"1"},"scripts":{"postinstall":"node greet.js"}`, "module.exports = 'top ' + require('below')")
	s.put("below", "1.0.0", `,"scripts":{"install":"node \u001b[2J.js"}`, "module.exports = 'below'")
	s.put("native", "1.0.0", `,"scripts":{"install":"node-gyp rebuild"}`, "", "binding.gyp", "{}")
	var said []string
	request := bundle.Request{Spec: "greets", Registry: registry, IgnoreScripts: true, Progress: func(s string) { said = append(said, s) }}
	got, err := bundle.Add(t.Context(), request)
	if err != nil || !strings.Contains(string(got.Code), "below") {
		t.Fatalf("%v %s", err, got.Code)
	}
	for _, want := range []string{`greets@1.0.0: "node greet.js" (postinstall) is not run`, `below@1.0.0: "node \x1b[2J.js" (install) is not run`} {
		if !slices.Contains(said, want) {
			t.Errorf("no %q in %q", want, said)
		}
	}
	request.Spec = "native"
	if _, err := bundle.Add(t.Context(), request); err == nil || !strings.Contains(err.Error(), "native@1.0.0 is a native add-on") {
		t.Errorf("native: %v", err)
	}
}

// TestAddOptional: what a package says it can do without is required when its code comes to it, and not before.
func TestAddOptional(t *testing.T) {
	s, registry := newShelf(t)
	s.put("orm", "1.0.0", `,"dependencies":{"here":"1"},"optionalDependencies":{"fast":"1"},"peerDependencies":{"driver":"1"},"peerDependenciesMeta":{"driver":{"optional":true},"types":{"optional":true},"here":{"optional":true}}`,
		"exports.connect = () => require('driver/lib').connect(); exports.more = () => [require('types'), require('fast')]; exports.here = require('here')")
	s.put("here", "1.0.0", "", "module.exports = 'is here'")
	got, err := bundle.Add(t.Context(), bundle.Request{Spec: "orm", Registry: registry})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Requires, []string{"driver/lib", "fast", "types"}) || !strings.Contains(string(got.Code), "is here") {
		t.Errorf("it requires %q: %s", got.Requires, got.Code)
	}
	s.put("forgetful", "1.0.0", "", "exports.f = () => require('nobody')")
	if _, err := bundle.Add(t.Context(), bundle.Request{Spec: "forgetful", Registry: registry}); err == nil || !strings.Contains(err.Error(), `Could not resolve "nobody"`) {
		t.Errorf("not declared: %v", err)
	}
}

func TestAddRefuses(t *testing.T) {
	s, registry := newShelf(t)
	s.put("script", "1.0.0", `,"scripts":{"postinstall":"node evil.js","test":"x"}`, "")
	s.put("below", "1.0.0", `,"dependencies":{"script":"1"}`, "require('script')")
	s.put("gyp", "1.0.0", "", "", "binding.gyp", "{}")
	s.put("flag", "1.0.0", `,"gypfile":true`, "")
	s.put("machine", "1.0.0", "", "module.exports = require('./x.node')", "x.node", "\x7fELF")
	s.put("missing", "1.0.0", "", "require('./nope')")
	s.put("unknown", "1.0.0", `,"dependencies":{"absent":"1"}`, "")
	s.put("git", "1.0.0", `,"dependencies":{"x":"git+ssh://example.com/x"}`, "")
	s.put("x", "1.0.0", "", "")
	s.put("spoilt", "1.0.0", "", "")
	s.put("named", "1.0.0", `,"dependencies":{"../up":"1"}`, "")
	s.put("outside", "1.0.0", "", "", "../../../up.js", "")
	s.put("broken", "1.0.0", "", "this is no JavaScript")
	s.spoil = "spoilt@1.0.0"
	for spec, want := range map[string]string{
		"script":       "script@1.0.0 runs a command when it is installed (postinstall: \"node evil.js\")",
		"below":        "script@1.0.0 runs a command when it is installed (postinstall: \"node evil.js\"), and nothing of a package is run here: --ignore-scripts adds it all the same\n(below@1.0.0 depends on it)",
		"gyp":          "gyp@1.0.0 is a native add-on",
		"flag":         "flag@1.0.0 is a native add-on",
		"machine":      "x.node is machine code",
		"missing":      `missing@1.0.0 cannot be bundled: node_modules/missing/index.js: Could not resolve "./nope"`,
		"unknown":      "the registry has no package absent\n(unknown@1.0.0 depends on it)",
		"git":          "x@git+ssh://example.com/x: only versions, ranges and tags of the registry can be added",
		"spoilt":       "what came is not what the registry says: its hash differs",
		"named":        `named depends on "../up", which is no name of a package`,
		"outside":      "names a file outside of it",
		"broken":       "broken@1.0.0 cannot be bundled: node_modules/broken/index.js: Expected \";\" but found",
		"nothing":      "the registry has no package nothing",
		"x@9":          "the registry has no version of x that fits 9",
		"../etc":       `"../etc" is no name of a package`,
		"@scope":       `"@scope" is no name of a package`,
		"x@file:../y":  "only versions, ranges and tags",
		"x@npm:../../": "is no name of a package",
	} {
		if got, err := bundle.Add(t.Context(), bundle.Request{Spec: spec, Registry: registry}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v (%d bytes), want %q", spec, err, len(got.Code), want)
		}
	}
}

func TestAddFromTarballs(t *testing.T) {
	top := pack(t, map[string]string{"package.json": `{"name":"top","version":"1.0.0","dependencies":{"dep":"^2.0.0"}}`, "index.js": "module.exports = require('dep')"})
	dep := pack(t, map[string]string{"package.json": `{"name":"dep","version":"2.1.0","exports":{"require":"./main.cjs","import":"./other.js"}}`, "main.cjs": "module.exports = 'from a file'", "other.js": "export default 1"})
	got, err := bundle.Add(t.Context(), bundle.Request{Tarballs: [][]byte{top, dep}})
	if err != nil || got.Name != "top" || !strings.Contains(string(got.Code), "from a file") {
		t.Errorf("%v %s", err, got.Code)
	}
	for _, c := range []struct {
		tarballs [][]byte
		want     string
	}{
		{[][]byte{top}, "dep@^2.0.0 is not among the files, and no registry is asked\n(top@1.0.0 depends on it)"},
		{[][]byte{[]byte("text")}, "it is no tarball"},
		{[][]byte{pack(t, map[string]string{"index.js": ""})}, "a tarball is no package"},
		{nil, "nothing is named"},
	} {
		if _, err := bundle.Add(t.Context(), bundle.Request{Tarballs: c.tarballs}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

func TestFindRegistry(t *testing.T) {
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".npmrc"), []byte("; comment\nregistry = https://npm.example/private/\n//npm.example/private/:_authToken=\"${TOKEN}\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(more map[string]string) func(string) string {
		return func(name string) string {
			if name == "HOME" {
				return home
			}
			return more[name]
		}
	}
	for _, c := range []struct {
		given      string
		env        map[string]string
		url, token string
	}{
		{"", map[string]string{"TOKEN": "t"}, "https://npm.example/private", "t"},
		{"", map[string]string{"NPM_CONFIG_REGISTRY": "http://other.example"}, "http://other.example", ""},
		{"https://given.example/", map[string]string{"TOKEN": "t"}, "https://given.example", ""},
	} {
		r, err := bundle.FindRegistry(context.Background(), c.given, env(c.env))
		if err != nil || r.URL != c.url || r.Token != c.token {
			t.Errorf("%+v: %+v %v", c, r, err)
		}
	}
	t.Setenv("PATH", "")
	for _, given := range []string{"", "ftp://x", "nonsense"} {
		if r, err := bundle.FindRegistry(context.Background(), given, func(string) string { return "" }); err == nil {
			t.Errorf("%q: %+v", given, r)
		}
	}
}

func TestTokenIsForTheRegistryAlone(t *testing.T) {
	s, registry := newShelf(t)
	s.token = "secret"
	s.put("x", "1.0.0", "", "module.exports = 1")
	if _, err := bundle.Add(t.Context(), bundle.Request{Spec: "x", Registry: registry}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("without the token: %v", err)
	}
	registry.Token = "secret"
	if _, err := bundle.Add(t.Context(), bundle.Request{Spec: "x", Registry: registry}); err != nil {
		t.Error(err)
	}
}
