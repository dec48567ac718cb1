package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// serving starts a server on the data and returns its address and the process, which ends with the test.
func serving(t *testing.T, data string, args ...string) (string, *exec.Cmd) {
	t.Helper()
	addr := freeAddr(t)
	cmd := exec.Command(binary, append([]string{"serve", "--data", data, "--http", addr, "--https", "", "--script-workers", "1"}, args...)...)
	start(t, cmd)
	if status := await(t, "http://"+addr+"/readyz"); status != 200 {
		t.Fatalf("not ready: %d", status)
	}
	return addr, cmd
}

func TestBackupAndRestore(t *testing.T) {
	data, _ := initTenant(t)
	_, server := serving(t, data)
	file := filepath.Join(t.TempDir(), "backup.db")
	out, errs, code := runCommand(t, "backup", file, "--data", data, "--json")
	var report struct{ Bytes, Version, Tenants int }
	if err := json.Unmarshal([]byte(out), &report); code != 0 || err != nil || report.Tenants != 1 || report.Version == 0 {
		t.Fatalf("code %d, %q %q", code, out, errs)
	}
	if out, errs, code = runCommand(t, "backup", "-", "--data", data); code != 0 || !strings.HasPrefix(out, "SQLite format 3") {
		t.Errorf("to standard output: code %d, %d bytes, %q", code, len(out), errs)
	}
	if left, _ := filepath.Glob(filepath.Join(data, ".stagedoor-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, errs, code = runCommand(t, "backup", file, "--data", data); code != 1 || !strings.Contains(errs, "--force") {
		t.Errorf("over a backup: code %d, %q", code, errs)
	}
	if _, errs, code = runCommand(t, "restore", file, "--data", data); code != 1 || !strings.Contains(errs, "server has the database open") {
		t.Errorf("while a server runs: code %d, %q", code, errs)
	}
	server.Process.Kill()
	server.Wait()
	elsewhere := t.TempDir()
	if _, errs, code = runCommand(t, "restore", file, "--data", elsewhere); code != 1 || !strings.Contains(errs, "put the master key there") {
		t.Errorf("without the key: code %d, %q", code, errs)
	}
	if entries, _ := os.ReadDir(elsewhere); len(entries) > 0 {
		t.Errorf("a failed restore made %v", entries)
	}
	if out, errs, code = runCommand(t, "restore", file, "--data", data); code != 0 || !strings.Contains(out, "the master key fits") || !strings.Contains(out, ".before-") {
		t.Fatalf("code %d, %q %q", code, out, errs)
	}
	serving(t, data)
}

func TestBackupOfPostgresSaysHow(t *testing.T) {
	for command, want := range map[string]string{"backup": "pg_dump --format=custom --no-owner --file=out ", "restore": "pg_restore "} {
		_, errs, code := runCommand(t, command, "out", "--database", "postgres://ada:hidden@db.example/stagedoor?sslmode=require&password=hidden")
		if code != 1 || !strings.Contains(errs, want) || !strings.Contains(errs, "'postgres://ada@db.example/stagedoor?sslmode=require'") || strings.Contains(errs, "hidden") {
			t.Errorf("%s: code %d, %q", command, code, errs)
		}
	}
}
