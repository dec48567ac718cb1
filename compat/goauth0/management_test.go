package goauth0

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/compat/live"
)

// sdk is the version whose tests are run.
const sdk = "github.com/auth0/go-auth0@v1.47.0"

// leastPassing is how many of the tests that talk to the server pass at least.
const leastPassing = 270

var only = flag.String("only", "", "regular expression: run these of the SDK's tests")

func TestManagement(t *testing.T) {
	binary, source := live.Build(t), fetch(t)
	tests := named(t, source)
	databases := map[string]string{"sqlite": ""}
	if url := os.Getenv("STAGEDOOR_TEST_POSTGRES"); url != "" {
		databases["postgres"] = url
	}
	for _, name := range slices.Sorted(maps.Keys(databases)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // the tests wait most of the time
			s := live.Start(t, binary, databases[name])
			r := runTests(t, s, source, tests)
			r.report(t)
			r.compare(t, expected(t))
			if *only == "" && len(r.passed) < leastPassing {
				t.Errorf("%d passed, not the %d that are promised", len(r.passed), leastPassing)
			}
		})
	}
}

// fetch returns a directory with the SDK's sources, and its tests compiled.
func fetch(t *testing.T) string {
	t.Helper()
	var module struct{ Dir string }
	text := live.Run(t, ".", []string{"GOFLAGS=-mod=mod"}, "go", "mod", "download", "-json", sdk)
	if err := json.Unmarshal([]byte(text), &module); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	err := filepath.WalkDir(module.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		within, _ := filepath.Rel(module.Dir, path)
		if within == filepath.Join("test", "data", "recordings") || within == "docs" {
			return filepath.SkipDir
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(dir, within), 0o755)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		// Users and clients are named by lot from 999 names: in one run out of thirty two of them would be the same.
		content = bytes.ReplaceAll(content, []byte("rand.Intn(999)"), []byte("rand.Intn(999999)"))
		return os.WriteFile(filepath.Join(dir, within), content, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	live.Run(t, dir, []string{"GOFLAGS=-mod=mod"}, "go", "test", "-c", "-o", "management.test", "./management")
	return dir
}

var testFunc = regexp.MustCompile(`(?ms)^func (Test\w+)\(.*?^}`)

// named returns the SDK's tests that talk to a server, in the order of its files.
func named(t *testing.T, source string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(source, "management", "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in %s: %v", source, err)
	}
	wanted := regexp.MustCompile(*only)
	var out []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range testFunc.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(f[0], "configureHTTPTestRecordings(") && wanted.MatchString(f[1]) {
				out = append(out, f[1])
			}
		}
	}
	return out
}

// results are the names of tests by what became of them; failed ones with what they said.
type results struct {
	passed, skipped []string
	failed          map[string]string
}

var outcome = regexp.MustCompile(`(?m)^--- (PASS|FAIL|SKIP): (Test\w+) `)

var started = regexp.MustCompile(`(?m)^=== RUN   (Test\w+)$`)

// runTests runs the tests in one process. One that panics takes the process with it: the others go on in the next.
func runTests(t *testing.T, s *live.Server, source string, tests []string) results {
	t.Helper()
	r := results{failed: map[string]string{}}
	for left := tests; len(left) > 0; {
		cmd := exec.CommandContext(t.Context(), "../management.test", "-test.v", "-test.timeout", "15m", "-test.run", "^("+strings.Join(left, "|")+")$")
		cmd.Dir = filepath.Join(source, "management")
		cmd.Env = append(os.Environ(), "AUTH0_DOMAIN="+s.Domain, "AUTH0_CLIENT_ID="+s.ClientID, "AUTH0_CLIENT_SECRET="+s.ClientSecret,
			"AUTH0_HTTP_RECORDINGS=off", "SSL_CERT_FILE="+s.CAFile)
		output, _ := cmd.CombinedOutput()
		text := string(output)
		done := map[string]bool{}
		for _, m := range outcome.FindAllStringSubmatch(text, -1) {
			done[m[2]] = true
			switch m[1] {
			case "PASS":
				r.passed = append(r.passed, m[2])
			case "SKIP":
				r.skipped = append(r.skipped, m[2])
			default:
				r.failed[m[2]] = said(text, m[2])
			}
		}
		if runs := started.FindAllStringSubmatch(text, -1); len(runs) > 0 && !done[runs[len(runs)-1][1]] { // it panicked inside a subtest
			name := runs[len(runs)-1][1]
			done[name], r.failed[name] = true, "it panicked: "+said(text+"--- FAIL: "+name+" ", name)
		}
		before := len(left)
		left = slices.DeleteFunc(slices.Clone(left), func(name string) bool { return done[name] })
		if len(left) == before {
			for _, name := range left {
				r.failed[name] = "it did not run: " + text[max(0, len(text)-500):]
			}
			break
		}
	}
	return r
}

var complaint = regexp.MustCompile(`Error:\s+(.*\n(?:\s+\t\s+\S.*\n)?)`)

// said returns the first complaints of a test.
func said(text, name string) string {
	begin := strings.Index(text, "=== RUN   "+name+"\n")
	end := strings.Index(text, "--- FAIL: "+name+" ")
	if begin < 0 || end < begin {
		return ""
	}
	var out []string
	for _, m := range complaint.FindAllStringSubmatch(text[begin:end], 3) {
		out = append(out, strings.Join(strings.Fields(m[1]), " "))
	}
	line := strings.Join(out, " | ")
	return line[:min(len(line), 400)]
}

func (r results) report(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(r.failed)) {
		fmt.Printf("  failed   %s\n           %s\n", name, r.failed[name])
	}
	for _, name := range r.skipped {
		fmt.Printf("  skipped  %s\n", name)
	}
	fmt.Printf("%s: go-auth0 management tests: %d passed, %d failed, %d skipped by themselves\n", t.Name(), len(r.passed), len(r.failed), len(r.skipped))
}

// compare fails the test for what the list does not know, and for what it knows wrongly.
func (r results) compare(t *testing.T, known map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(r.failed)) {
		if known[name] == "" {
			t.Errorf("%s failed: %s", name, r.failed[name])
		}
	}
	for _, name := range r.passed {
		if known[name] != "" {
			t.Errorf("%s passes: take it off expected_failures.txt", name)
		}
	}
}

// expected reads the list of tests that fail: name, tab, reason.
func expected(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("expected_failures.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		name, reason, found := strings.Cut(line, "\t")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if !found || reason == "" {
			t.Errorf("expected_failures.txt: no reason in %q", line)
		}
		out[name] = reason
	}
	return out
}
