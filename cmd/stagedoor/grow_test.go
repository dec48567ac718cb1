package main

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// TestGrow goes from the demo's file to two servers on PostgreSQL as the page says, word for word but for the ports.
func TestGrow(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "haproxy"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skipf("no %s", tool)
		}
	}
	database := storetest.URL(t, storetest.Postgres)
	text, err := os.ReadFile("../../docs/guide/grow.md")
	if err != nil {
		t.Fatal(err)
	}
	script := "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		script += block[1]
	}
	port := func() string {
		u, err := url.Parse("http://" + freeAddr(t))
		if err != nil {
			t.Fatal(err)
		}
		return u.Port()
	}
	front := port()
	for _, usual := range []string{"8081", "8082"} {
		script = strings.ReplaceAll(script, usual, port())
	}
	script = strings.ReplaceAll(script, "8080", front)
	script = strings.Replace(script, "stagedoor demo", fmt.Sprintf("stagedoor demo --http 127.0.0.1:%s --https 127.0.0.1:%s --mixtape 127.0.0.1:%s --mixtape-api 127.0.0.1:%s",
		front, port(), port(), port()), 1)
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + filepath.Dir(binary) + string(filepath.ListSeparator) + os.Getenv("PATH"), "HOME=" + dir, "DATABASE=" + database}
	if out, err := cmd.CombinedOutput(); err != nil {
		logs, _ := filepath.Glob(filepath.Join(dir, "*.log"))
		for _, name := range logs {
			b, _ := os.ReadFile(name)
			t.Logf("%s:\n%s", filepath.Base(name), b[max(0, len(b)-1500):])
		}
		t.Fatalf("%v\n%s", err, out)
	}
}
