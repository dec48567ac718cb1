package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// TestScriptGuides runs the examples of pages that need no server, each as one shell script.
func TestScriptGuides(t *testing.T) {
	for _, page := range []string{"script-tools.md", "modules.md", "move-from-auth0.md"} {
		t.Run(page, func(t *testing.T) { runGuide(t, page) })
	}
}

// leavesEarly is what may end before it has read all: what writes to it then fails or not, by timing, and with pipefail the whole line.
var leavesEarly = regexp.MustCompile(`\|\s*(grep\s+(-[^\s|]*\s+)*-[a-zA-Z]*[qm]|head\b|sed\s+(-[a-z]+\s+)*'?[0-9$]*q|grep\b[^|]*>\s*/dev/null)`)

// TestGuidePipes: no example pipes into what leaves early. `grep -o` and `sed -n 1p` read all.
func TestGuidePipes(t *testing.T) {
	pages, err := filepath.Glob("../../docs/guide/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
			for line := range strings.Lines(block[1]) {
				if leavesEarly.MatchString(line) {
					t.Errorf("%s: pipes into what may leave early: %s", filepath.Base(page), line)
				}
			}
		}
	}
	for line, want := range map[string]bool{
		`curl x | grep -q y`: true, `curl x | grep -E -iq y`: true, `a | head -1`: true, `a | grep -m1 y`: true, `a | sed 1q`: true, `a | grep y >/dev/null`: true,
		`grep -q y file`: false, `a | grep -o y | sed -n 1p`: false, `head -c 3 file`: false,
	} {
		if leavesEarly.MatchString(line) != want {
			t.Errorf("%s is told wrongly", line)
		}
	}
}

func runGuide(t *testing.T, page string) {
	shell, err := exec.LookPath("bash")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("no bash: the examples are not run")
	}
	text, err := os.ReadFile("../../docs/guide/" + page)
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		script.WriteString(block[1])
	}
	if script.Len() == 0 {
		t.Fatal("the page has no examples")
	}
	cmd := exec.CommandContext(t.Context(), shell, "-euxo", "pipefail", "-c", script.String())
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=" + filepath.Dir(binary) + string(filepath.ListSeparator) + os.Getenv("PATH"), "HOME=" + cmd.Dir}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
