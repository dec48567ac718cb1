package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// The help of a command has its own flags first, and of the settings those that it reads; what it does not show is taken nevertheless.
func TestHelp(t *testing.T) {
	for command, want := range map[string][]string{
		"init":         {"domain", "json", "data", "database", "master-key-file"},
		"backup":       {"force", "json", "data", "database"},
		"import auth0": {"tenant", "plan", "data", "database", "outbound-proxy", "script-workers"},
		"serve":        {"data", "http", "acme-hosts", "trace-endpoint", "log-level", "mail-host"},
	} {
		out, errs, code := runCommand(t, append(strings.Fields(command), "--help")...)
		if code != 0 {
			t.Fatalf("%s: %s", command, errs)
		}
		out = strings.Join(strings.Fields(out), " ")
		at := -1
		for _, name := range want {
			next := strings.Index(out, " --"+name)
			if next <= at {
				t.Errorf("%s --help has --%s at %d, after %d:\n%s", command, name, next, at, out)
			}
			at = next
		}
		if !strings.Contains(out, "Default: ./data") {
			t.Errorf("%s --help does not tell the default of --data", command)
		}
		if command == "backup" && strings.Contains(out, " --database-wait") {
			t.Error("backup --help shows --database-wait")
		}
		for _, name := range []string{"acme-hosts", "mail-host", "trace-endpoint", "http=", "trusted-proxies"} {
			if command != "serve" && strings.Contains(out, " --"+name) {
				t.Errorf("%s --help shows --%s", command, name)
			}
		}
	}
	if _, errs, code := runCommand(t, "init", "acme", "--domain", "id.acme.test", "--data", t.TempDir(), "--mail-host", "smtp.example.com"); code != 0 {
		t.Errorf("a flag that is not shown: %s", errs)
	}
}

// What is said of commands in reads is said of commands, groups and flags that there are.
func TestReads(t *testing.T) {
	parser, err := kong.New(&cli{}, kong.ExplicitGroups(groups))
	if err != nil {
		t.Fatal(err)
	}
	known, commands := map[string]bool{}, map[string]bool{}
	eachCommand(parser.Model.Node, "", func(name string, n *kong.Node) {
		commands[name] = true
		for _, f := range n.Flags {
			known[f.Name] = true
			if f.Group != nil {
				known[f.Group.Key] = true
			}
		}
	})
	for command, names := range reads {
		if !commands[command] {
			t.Errorf("there is no command %q", command)
		}
		for _, name := range names {
			if !known[name] {
				t.Errorf("%s reads %s, which is neither a setting nor a group", command, name)
			}
		}
	}
}

// A tenant is made under domains that requests can name, and nothing is made for others.
func TestInitDomains(t *testing.T) {
	for domain, want := range map[string]string{"http://foo/": "is no domain", "1.2.3.4:80,1.2.3.4:80": "given twice"} {
		out, errs, code := runCommand(t, "init", "acme", "--data", t.TempDir(), "--domain", domain)
		if code != 1 || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%s: code %d, %q, %q", domain, code, out, errs)
		}
	}
}

// What people type by habit is understood, and a mistake says where to read more.
func TestHabits(t *testing.T) {
	help, _, _ := runCommand(t, "--help")
	for _, c := range []struct{ typed, out, errs string }{
		{"help", help, ""},
		{"help backup", "Usage: stagedoor backup", ""},
		{"help script run", "Usage: stagedoor script run", ""},
		{"--version", "stagedoor ", ""},
		{"frob", "", "unexpected argument frob: `stagedoor --help` tells more"},
		{"keys", "", "`stagedoor keys --help` tells more"},
		{"serve --frob", "", "unknown flag --frob: `stagedoor serve --help` tells more"},
		{"script run", "", "`stagedoor script run --help` tells more"},
	} {
		out, errs, code := runCommand(t, strings.Fields(c.typed)...)
		if (code == 0) != (c.errs == "") || !strings.HasPrefix(out, c.out) || !strings.Contains(errs, c.errs) {
			t.Errorf("%s: code %d\n%s%s", c.typed, code, out, errs)
		}
	}
}

// A mistyped directory is told, and stays as it is: a database of its own, and a key, would be a riddle later.
func TestNoDatabase(t *testing.T) {
	for _, command := range []string{"tenants list", "tenants delete acme", "keys list", "reindex", "modules list", "login runs", "check", "backup saved.db", "import auth0 ."} {
		data := t.TempDir()
		_, errs, code := runCommand(t, append(strings.Fields(command), "--data", data)...)
		made, err := os.ReadDir(data)
		if err != nil {
			t.Fatal(err)
		}
		if code != 1 || !strings.Contains(errs, "there is no database "+filepath.Join(data, "stagedoor.db")) || len(made) > 0 {
			t.Errorf("%s: code %d, %d files, %s", command, code, len(made), errs)
		}
	}
}

// Where there is no tenant, what is about one says how one is made.
func TestNoTenantYet(t *testing.T) {
	data := t.TempDir()
	if _, errs, code := runCommand(t, "migrate", "--data", data); code != 0 {
		t.Fatal(errs)
	}
	if _, errs, code := runCommand(t, "login", "runs", "--data", data); code != 1 || !strings.Contains(errs, "there is no tenant yet: `stagedoor init` makes one") {
		t.Errorf("code %d, %s", code, errs)
	}
}
