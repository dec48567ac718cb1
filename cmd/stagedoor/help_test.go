package main

import (
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
