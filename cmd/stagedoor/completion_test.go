package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What shells are told: commands, flags that a command reads, values where there are few; nothing where a file or a name of one's own stands.
func TestComplete(t *testing.T) {
	for typed, want := range map[string]string{
		"te":                       "tenants",
		"tenants ":                 "list domains credentials delete",
		"tenants delete --y":       "--yes",
		"init acme --do":           "--domain",
		"init --domain a.test --j": "--json",
		"init --mail-h":            "", // it reads no such setting
		"serve --log-level ":       "debug info warn error",
		"serve --log-level wa":     "warn",
		"serve --data ":            "",
		"serve --pprof --log-f":    "--log-format",
		"script ":                  "run test lint types",
		"script run --ki":          "--kind",
		"completion z":             "zsh",
		"nonsense here":            "",
	} {
		out, errs, code := runCommand(t, append([]string{"complete"}, strings.Split(typed, " ")...)...)
		var got []string
		for line := range strings.Lines(out) {
			name, _, _ := strings.Cut(line, "\t")
			got = append(got, name)
		}
		if code != 0 || errs != "" || strings.Join(got, " ") != want {
			t.Errorf("%q: code %d, %q %s, want %q", typed, code, got, errs, want)
		}
	}
	if out, _, code := runCommand(t, "complete"); code != 0 || !strings.Contains(out, "serve\tRun the server\n") || !strings.Contains(out, "version\t") {
		t.Errorf("without a word: %d %s", code, out)
	}
}

// The scripts do in the shells what they are for.
func TestCompletionScripts(t *testing.T) {
	for shell, try := range map[string]string{
		"bash": `source <(stagedoor completion bash); COMP_WORDS=(stagedoor tenants de); COMP_CWORD=2; _stagedoor; echo "${COMPREPLY[@]}"`,
		"zsh":  `compdef() { :; }; _describe() { print -l -- "${(@P)2}"; }; source <(stagedoor completion zsh); words=(stagedoor tenants de); CURRENT=3; _stagedoor`,
		"fish": `stagedoor completion fish | source; complete -C 'stagedoor tenants de'`,
	} {
		path, err := exec.LookPath(shell)
		if err != nil {
			continue // two of the three are on few machines
		}
		cmd := exec.CommandContext(t.Context(), path, "-c", try)
		cmd.Env = []string{"PATH=" + filepath.Dir(binary) + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + t.TempDir()}
		out, err := cmd.CombinedOutput()
		if words := strings.FieldsFunc(string(out), func(c rune) bool { return strings.ContainsRune(" \t\n:", c) }); err != nil || !slices.Contains(words, "delete") || slices.Contains(words, "list") {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
	if _, errs, code := runCommand(t, "completion", "csh"); code != 1 || !strings.Contains(errs, "bash") {
		t.Errorf("another shell: %d %s", code, errs)
	}
}
