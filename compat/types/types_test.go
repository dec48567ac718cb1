package types

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const room = "../../internal/script/"

// check runs TypeScript's checker over scripts, whose names begin with their kind, and returns what it finds.
func check(t *testing.T, files map[string]string, nulls bool) map[string][]string {
	t.Helper()
	if _, err := os.Stat("node_modules/typescript"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("typescript is not installed; scripts/install installs it")
		}
		t.Skip("typescript is not installed; scripts/install installs it")
	}
	types := map[string]string{}
	declarations, err := filepath.Glob(room + "types/*.d.ts")
	if err != nil || len(declarations) == 0 {
		t.Fatal("no declarations", err)
	}
	for _, file := range declarations {
		types[filepath.Base(file)] = read(t, file)
	}
	input, err := json.Marshal(map[string]any{"files": files, "types": types, "nulls": nulls})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "check.mjs")
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, err.(*exec.ExitError).Stderr)
	}
	found := map[string][]string{}
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return found
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// corpus are files of the corpus that have nothing in them that a checker could object to.
var corpus = strings.Fields(`background buffer console crypto displayname error-object error-string fetch many-sync-rules namespace projection
	reject-async request-forms require root-merge throw-after-callback throw-sync timers unauthorized urls wall-clock
	triggers/claims triggers/deny triggers/dependencies triggers/encode-token triggers/harmless triggers/late triggers/modules triggers/npm
	triggers/revoke triggers/rules-executed triggers/secrets triggers/transaction-metadata triggers/validation triggers/waits`)

var (
	section      = regexp.MustCompile(`(?m)^-- (rule|action) (.*) --\n`)
	asynchronous = regexp.MustCompile(`^\s*async\b`)
	handler      = regexp.MustCompile(`(?m)^exports\.onExecute(\w+) =`)
)

func TestCorpus(t *testing.T) {
	files := map[string]string{}
	for _, name := range corpus {
		text := read(t, room+"testdata/"+name+".txtar")
		for _, at := range section.FindAllStringSubmatchIndex(text, -1) {
			kind, script := text[at[2]:at[3]], text[at[1]:]
			if next := strings.Index(script, "\n-- "); next >= 0 {
				script = script[:next]
			}
			if kind == "rule" {
				kindOf := "Rule"
				if asynchronous.MatchString(script) {
					kindOf = "Async<Rule>"
				}
				script = "/** @type {" + kindOf + "} */\nconst rule = " + strings.TrimRight(script, "; \n") + "\n;"
			} else {
				script = handler.ReplaceAllString(script, "/** @type {${1}Action} */\nexports.onExecute$1 =")
			}
			files[kind+"/"+name+" "+text[at[4]:at[5]]+".js"] = script
		}
	}
	if len(files) < len(corpus) {
		t.Fatalf("%d scripts in %d files", len(files), len(corpus))
	}
	for name, lines := range check(t, files, false) {
		t.Errorf("%s:\n%s", name, strings.Join(lines, "\n"))
	}
}

var marked = regexp.MustCompile(`// <- (.+)$`)

// TestSamples checks samples/KIND-NAME.js with all that the checker has. A line on which it finds something ends in `// <- TEXT`, a part of what it says.
func TestSamples(t *testing.T) {
	names, err := filepath.Glob("samples/*.js")
	if err != nil || len(names) == 0 {
		t.Fatal("no samples", err)
	}
	files, kinds := map[string]string{}, map[string]bool{}
	for _, name := range names {
		kind, _, _ := strings.Cut(filepath.Base(name), "-")
		kinds[kind] = true
		files[kind+"/"+filepath.Base(name)] = read(t, name)
	}
	for _, kind := range []string{"rule", "action", "hook", "connection"} {
		if !kinds[kind] {
			t.Errorf("no sample of the kind %s", kind)
		}
	}
	found := check(t, files, true)
	for name, text := range files {
		lines := found[name]
		for i, line := range strings.Split(text, "\n") {
			m := marked.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, fmt.Sprint(i+1, ": ")) && strings.Contains(l, m[1]) })
			if at < 0 {
				t.Errorf("%s, line %d: %q is not found", name, i+1, m[1])
				continue
			}
			lines = slices.Delete(slices.Clone(lines), at, at+1)
		}
		if len(lines) > 0 {
			t.Errorf("%s:\n%s", name, strings.Join(lines, "\n"))
		}
	}
}
