package lint

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
)

func linter(t *testing.T) *Linter {
	t.Helper()
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

var wanted = regexp.MustCompile(`<- ([a-z-]+)`)

// TestRules runs every rule over its examples: testdata/NAME.txtar has scripts. A line on which NAME finds something ends in `// <- NAME`, and nothing
// else is found by any rule.
func TestRules(t *testing.T) {
	l := linter(t)
	for _, r := range append([]*Rule{syntaxRule}, Rules...) {
		t.Run(r.Name, func(t *testing.T) {
			a, err := txtar.ParseFile(filepath.Join("testdata", r.Name+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			good, bad := 0, 0
			for _, f := range a.Files {
				found, err := l.Lint(f.Name, string(f.Data), "")
				if err != nil {
					t.Fatal(err)
				}
				var got, want []string
				for _, one := range found {
					got = append(got, fmt.Sprintf("%d %s", one.Line, one.Rule))
				}
				for i, line := range strings.Split(string(f.Data), "\n") {
					for _, m := range wanted.FindAllStringSubmatch(line, -1) {
						want = append(want, fmt.Sprintf("%d %s", i+1, m[1]))
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s: found %q, want %q\n%v", f.Name, got, want, found)
				}
				if strings.Contains(strings.Join(want, " "), r.Name) {
					bad++
				} else {
					good++
				}
			}
			if good == 0 || bad == 0 {
				t.Errorf("%d good and %d bad examples: there must be some of both", good, bad)
			}
			if r.About == "" || r.Severity != Error && r.Severity != Warning {
				t.Errorf("%+v", r)
			}
		})
	}
}

// Packages that an operator added are known, and so are their versions.
func TestAddedModules(t *testing.T) {
	l, err := New(stagedoor.ScriptModule{Name: "tiny-pads", Version: "1.0.0", Hash: strings.Repeat("0", 64), Parts: []string{"lib/left"}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	source := "function f(user, context, callback) { require('tiny-pads'); require('tiny-pads/lib/left'); require('lodash'); require('other-pads'); require('tiny-pads@1.2.0'); callback(null, user, context); }"
	found, err := l.Lint("f.js", source, "")
	if err != nil || len(found) != 2 || found[0].Rule != "unknown-module" || !strings.Contains(found[0].Message, "other-pads") || !strings.Contains(found[1].Message, "1.0.0") {
		t.Errorf("%+v %v", found, err)
	}
}

func TestSilence(t *testing.T) {
	l := linter(t)
	const bad = "function r(user, context, callback) { if (user.x == 1) { return callback(); } }"
	for source, want := range map[string]int{
		bad: 1,
		bad + " // stagedoor-lint-disable-line callback-missing":                         0,
		bad + " // stagedoor-lint-disable-line":                                          0,
		bad + " // stagedoor-lint-disable-line callback-twice":                           1,
		bad + " // stagedoor-lint-disable-line callback-twice, callback-missing -- done": 0,
		"// stagedoor-lint-disable-next-line callback-missing\n" + bad:                   0,
		"// stagedoor-lint-disable-next-line callback-missing\n\n" + bad:                 1,
		"/* stagedoor-lint-disable callback-missing */\n\n" + bad:                        0,
		"/* ü 😀 */ " + bad + " // stagedoor-lint-disable-line callback-missing":          0,
	} {
		found, err := l.Lint("x.js", source, "")
		if err != nil || len(found) != want {
			t.Errorf("%s: %v %v", source, err, found)
		}
	}
}

// TestPositions: lines and columns are those of the source, whatever characters are in it.
func TestPositions(t *testing.T) {
	found, err := linter(t).Lint("x.js", "// 😀 ü\nfunction (user, context, callback) {\n  /* 😀 */ const é = 'ü', API_KEY = 'abc123def456'; callback(null, é, API_KEY);\n}", "")
	if err != nil || len(found) != 1 || found[0].Line != 3 || found[0].Column != len("  /* 😀 */ const é = 'ü', API_KEY = ")+1 {
		t.Errorf("%v %+v", err, found)
	}
}

// TestCorpusIsRead: every script of the script room's corpus is read, and none of them decides by user_metadata.
func TestCorpusIsRead(t *testing.T) {
	l := linter(t)
	files, err := filepath.Glob("../script/testdata/*.txtar")
	more, _ := filepath.Glob("../script/testdata/triggers/*.txtar")
	if err != nil || len(files) < 20 {
		t.Fatal(err, len(files))
	}
	for _, file := range append(files, more...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range txtar.Parse(text).Files {
			kind, _, _ := strings.Cut(f.Name, " ")
			if !slices.Contains([]string{"rule", "action", "hook"}, kind) || strings.Contains(file, "syntax") || strings.Contains(string(f.Data), "<CR>") || strings.Contains(string(f.Data), "<BOM>") {
				continue
			}
			found, err := l.Lint(file, string(f.Data), kind)
			if err != nil || slices.ContainsFunc(found, func(f Finding) bool { return f.Rule == "untrusted-metadata" }) {
				t.Errorf("%s %s: %v %v", file, f.Name, err, found)
			}
		}
	}
}

// TestMembersAreThere holds the table of api's members to what the host gives scripts: for every trigger that runs, every member is there,
// and there is no other.
func TestMembersAreThere(t *testing.T) {
	h := script.New(script.Config{Workers: 1})
	defer func() { _ = h.Close() }()
	for _, trigger := range script.Triggers {
		known, described := members[trigger.ID]
		if !trigger.Runs {
			continue
		}
		if !described {
			t.Errorf("%s runs and has no row", trigger.ID)
			continue
		}
		out, err := h.Trigger(t.Context(), script.TriggerRun{Tenant: "t", Trigger: trigger, Event: []byte(`{"user":{},"transaction":{},"session":{},"refresh_token":{}}`), Scripts: []script.Script{{Name: "a", Source: `
			exports.` + trigger.Handler + ` = async (event, api) => {
				const all = [];
				for (const group of Object.keys(api)) for (const name of Object.keys(api[group])) all.push(group + '.' + name);
				console.log(all.sort().join(' '));
			};`}}})
		if err != nil || out.Failure != nil || len(out.Console) != 1 {
			t.Fatalf("%s: %v %+v", trigger.ID, err, out)
		}
		want := append(slices.Clone(ofCache), known...)
		slices.Sort(want)
		if got := strings.Fields(out.Console[0].Text); !slices.Equal(got, want) {
			t.Errorf("%s:\nthe host gives %q\nthe table says %q", trigger.ID, got, want)
		}
	}
}

// TestMain lets the test binary serve as a worker.
func TestMain(m *testing.M) {
	script.Serve()
	os.Exit(m.Run())
}
