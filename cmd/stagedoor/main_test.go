package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/stagedoor/stagedoor"
)

var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "stagedoor-cmd-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "stagedoor")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the command: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// stagedoor runs the command and returns its output and exit code.
func runCommand(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	err := cmd.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func initTenant(t *testing.T) (data string, credentials map[string]string) {
	t.Helper()
	data = filepath.Join(t.TempDir(), "data")
	out, errs, code := runCommand(t, "init", "acme", "--domain", "id.acme.test", "--data", data, "--json")
	if code != 0 {
		t.Fatalf("init: %s", errs)
	}
	if err := json.Unmarshal([]byte(out), &credentials); err != nil {
		t.Fatalf("init --json printed %q: %v", out, err)
	}
	return data, credentials
}

func TestInitPrintsCredentialsOnce(t *testing.T) {
	data, credentials := initTenant(t)
	if len(credentials["client_id"]) != 32 || len(credentials["client_secret"]) != 64 || credentials["audience"] != "https://id.acme.test/api/v2/" {
		t.Errorf("credentials: %v", credentials)
	}
	out, errs, code := runCommand(t, "init", "acme", "--domain", "id.acme.test", "--data", data, "--json")
	if code != 1 || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "already exists") {
		t.Errorf("a second init: code %d, %q, %q", code, out, errs)
	}
	for _, name := range []string{"stagedoor.db", "master.key"} {
		info, err := os.Stat(filepath.Join(data, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
}

// TestMistakesEndInOneLine holds what an operator may get wrong to one clear line and exit code 1.
func TestMistakesEndInOneLine(t *testing.T) {
	data, _ := initTenant(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	otherKey := filepath.Join(t.TempDir(), "other.key")
	badKey := filepath.Join(t.TempDir(), "bad.key")
	openKey := filepath.Join(t.TempDir(), "open.key")
	write(t, otherKey, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 0o600)
	write(t, badKey, "not a key\n", 0o600)
	write(t, openKey, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 0o644)
	newer := copyData(t, data)
	execSQL(t, filepath.Join(newer, "stagedoor.db"), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
	execSQL(t, filepath.Join(newer, "stagedoor.db"), "UPDATE schema_compatible SET version = 9999")
	garbage := filepath.Join(t.TempDir(), "garbage.db")
	write(t, garbage, strings.Repeat("this is no database ", 500), 0o600)
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	write(t, foreign, "", 0o600)
	execSQL(t, foreign, "CREATE TABLE theirs (a)")

	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"port in use":            {[]string{"--data", data, "--http", taken.Addr().String(), "--https", ""}, "address already in use: --http names another address"},
		"malformed key":          {[]string{"--data", data, "--master-key-file", badKey}, "master key"},
		"another key":            {[]string{"--data", data, "--master-key-file", otherKey}, "another master key"},
		"key that others read":   {[]string{"--data", data, "--master-key-file", openKey}, "master key"},
		"database of tomorrow":   {[]string{"--data", newer}, "9999"},
		"a file that is none":    {[]string{"--data", data, "--database", garbage}, "garbage.db: this is no database of stagedoor"},
		"another program's file": {[]string{"--data", data, "--database", foreign}, "another program, whose table theirs it has"},
		"database out of reach":  {[]string{"--data", data, "--database", "postgres://u:hidden-secret@127.0.0.1:1/x"}, "refused"},
		"missing certificate":    {[]string{"--data", data, "--tls-cert", "/nowhere.pem", "--tls-key", "/nowhere.key"}, "/nowhere"},
		"unknown flag":           {[]string{"--nonsense"}, "nonsense"},
		"address that is none":   {[]string{"--data", data, "--http", "everywhere"}, "http"},
		"trusted proxy, garbage": {[]string{"--data", data, "--trusted-proxies", "the-proxy"}, "trusted-proxies"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"serve", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"}, c.args...)
			out, errs, code := runCommand(t, args...)
			if code != 1 || out != "" {
				t.Errorf("code %d, printed %q", code, out)
			}
			if strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "stagedoor: ") || !strings.Contains(errs, c.says) {
				t.Errorf("said %q, want one line with %q", errs, c.says)
			}
			if strings.Contains(errs, "hidden-secret") {
				t.Error("the line shows a password")
			}
		})
	}
}

// TestSaid: an operator reads why the machine fails, and of other errors what everybody may read.
func TestSaid(t *testing.T) {
	cause := errors.New("attempt to write\n\ta readonly database (8)")
	for want, err := range map[string]error{
		"It cannot be written. (attempt to write a readonly database (8))":                    &stagedoor.Error{Kind: stagedoor.Unavailable, Code: "database_read_only", Message: "It cannot be written.", Err: cause},
		"It is full. (attempt to write a readonly database (8))\n7 users were carried before": &hintedError{fmt.Errorf("users.json: %w", &stagedoor.Error{Kind: stagedoor.Unavailable, Message: "It is full.", Err: cause}), "7 users were carried before"},
		"It is taken.": fmt.Errorf("making it: %w", &stagedoor.Error{Kind: stagedoor.Conflict, Message: "It is taken.", Err: cause}),
		"no such file": errors.New("no such file"),
	} {
		if got := said(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestInterrupted: who stops a command reads that it was stopped, and what it has to say besides.
func TestInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	failed := fmt.Errorf("users.json: %w", context.Canceled)
	if got := said(interrupted(ctx, failed)); got != "users.json: context canceled" {
		t.Errorf("nobody stopped it: %s", got)
	}
	stop()
	for want, err := range map[string]error{
		"users.json: interrupted":                              failed,
		"users.json: interrupted\n7 users were carried before": &hintedError{failed, "7 users were carried before"},
		"no such file": errors.New("no such file"),
	} {
		if got := said(interrupted(ctx, err)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestServeIsReadyAndStopsClean(t *testing.T) {
	data, _ := initTenant(t)
	addr := freeAddr(t)
	cmd := exec.Command(binary, "serve", "--data", data, "--http", addr, "--https", "127.0.0.1:0")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if status := await(t, "http://"+addr+path); status != http.StatusOK {
			t.Errorf("%s answers %d", path, status)
		}
	}
	if status := await(t, "http://"+addr+"/.well-known/openid-configuration"); status != http.StatusNotFound {
		t.Errorf("a domain that no tenant has answers %d", status)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, &errs)
	}
	if strings.Contains(errs.String(), "there is no tenant") {
		t.Errorf("with a tenant the server says\n%s", &errs)
	}
}

// TestServeWithoutATenant says so: whatever address somebody tries, the answer would be that of a wrong one.
func TestServeWithoutATenant(t *testing.T) {
	cmd := exec.Command(binary, "serve", "--data", t.TempDir(), "--http", "127.0.0.1:0", "--https", "")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(3*time.Second, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	if err := cmd.Wait(); err != nil || !strings.Contains(errs.String(), "stagedoor init NAME --domain HOST") {
		t.Errorf("%v\n%s", err, &errs)
	}
}

func TestMigrateSaysWhatItDid(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if out, errs, code := runCommand(t, "migrate", "--data", data); code != 0 || !strings.Contains(out, "from version 0") {
		t.Errorf("first: code %d, %q %q", code, out, errs)
	}
	if out, errs, code := runCommand(t, "migrate", "--data", data); code != 0 || !strings.Contains(out, "up to date") {
		t.Errorf("second: code %d, %q %q", code, out, errs)
	}
	out, errs, code := runCommand(t, "migrate", "--data", data, "--json")
	var versions struct{ Before, Version int }
	if err := json.Unmarshal([]byte(out), &versions); err != nil || code != 0 || versions.Version == 0 || versions.Before != versions.Version {
		t.Errorf("for programs: code %d, %q %q, %v", code, out, errs, err)
	}
	execSQL(t, filepath.Join(data, "stagedoor.db"), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
	if out, errs, code := runCommand(t, "migrate", "--data", data); code != 0 || !strings.Contains(out, "newer than this program (version 9999") {
		t.Errorf("of a newer program: code %d, %q %q", code, out, errs)
	}
}

func TestReindex(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "stagedoor.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := runCommand(t, "reindex", "--data", data); code == 0 || !strings.Contains(errs, "stagedoor migrate") {
		t.Errorf("before the first migration: code %d, %q", code, errs)
	}
	if _, errs, code := runCommand(t, "init", "acme", "--data", data, "--domain", "acme.localhost"); code != 0 {
		t.Fatal(errs)
	}
	if out, errs, code := runCommand(t, "reindex", "--data", data); code != 0 || !strings.Contains(out, "acme: 0 users indexed.") {
		t.Errorf("code %d, %q %q", code, out, errs)
	}
}

func TestRoutesListsEveryDoor(t *testing.T) {
	out, errs, code := runCommand(t, "routes")
	if code != 0 {
		t.Fatal(errs)
	}
	for _, want := range []string{"/authorize", "/oauth/token", "/u/login", "/api/v2/users/{id}", "/healthz"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if strings.Contains(out, " \n") {
		t.Error("lines end in spaces")
	}
}

// TestJSONForPrograms holds what commands print with --json to the names by which programs find it.
func TestJSONForPrograms(t *testing.T) {
	for command, want := range map[string]string{
		"version":  `"version": "`,
		"settings": `"STAGEDOOR_OUTBOUND_REWRITE": "a.example=b.example;c.example=d.example"`,
		"routes":   `"path": "/authorize"`,
	} {
		args := []string{command, "--json"}
		if command == "settings" {
			args = append(args, "--outbound-rewrite", "c.example=d.example", "--outbound-rewrite", "a.example=b.example")
		}
		out, errs, code := runCommand(t, args...)
		if code != 0 || !json.Valid([]byte(out)) || !strings.Contains(out, want) {
			t.Errorf("%s: code %d, no %s in\n%s%s", command, code, want, out, errs)
		}
	}
	if out, _, _ := runCommand(t, "settings"); strings.Contains(out, "map[") {
		t.Error(out)
	}
}

// TestCAPath prints a path that holds in any directory: it ends in variables of programs that run elsewhere.
func TestCAPath(t *testing.T) {
	t.Chdir(t.TempDir())
	out, errs, code := runCommand(t, "ca", "path", "--data", "data")
	if code != 0 {
		t.Fatal(errs)
	}
	path := strings.TrimSpace(out)
	if b, err := os.ReadFile(path); !filepath.IsAbs(path) || err != nil || !bytes.Contains(b, []byte("BEGIN CERTIFICATE")) {
		t.Errorf("%q: %v", out, err)
	}
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func copyData(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(to, "master.key"), 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

func execSQL(t *testing.T, path, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(query); err != nil {
		t.Fatal(err)
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func await(t *testing.T, url string) int {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		resp, err := http.Get(url) //nolint:noctx // a test
		if err == nil {
			resp.Body.Close()
			return resp.StatusCode
		}
		if time.Now().After(deadline) {
			t.Fatalf("no answer from %s: %v", url, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
