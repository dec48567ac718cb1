package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
)

// TestAdministrators are added, listed, changed and removed, and what names nobody or no scope changes nothing.
func TestAdministrators(t *testing.T) {
	data, _ := initTenant(t)
	run := func(code int, args ...string) string {
		t.Helper()
		out, errs, got := runCommand(t, append(append([]string{"administrators"}, args...), "--data", data)...)
		if got != code {
			t.Fatalf("%q: exit code %d\n%s%s", args, got, out, errs)
		}
		return out + errs
	}
	list := func() (all []stagedoor.Administrator) {
		t.Helper()
		if err := json.Unmarshal([]byte(run(0, "list", "--json")), &all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	if out := run(0, "list"); !strings.Contains(out, "has no administrators. `stagedoor administrators add`") {
		t.Error(out)
	}
	if out := run(0, "add", "Ada@Example.com"); !strings.HasPrefix(out, "ada@example.com may look after the tenant ") || !strings.Contains(out, "everything") || !strings.Contains(out, "--dashboard-issuer") {
		t.Error(out)
	}
	if out := run(0, "add", "group:Support desk", "--scope", "read:users,read:logs", "--dashboard-issuer", "https://login.example.com", "--dashboard-client-id", "x"); strings.Contains(out, "need --dashboard-issuer") {
		t.Error(out)
	}
	for _, bad := range [][]string{
		{"add", "ada"},
		{"add", "@"},
		{"add", "a@b@c"},
		{"add", "sub:"},
		{"add", "group:"},
		{"add", "user:ada@example.com"},
		{"add", "sub:" + strings.Repeat("x", 300)},
		{"add", "kim@example.com", "--scope", "read:everything"},
		{"remove", "kim@example.com"},
		{"list", "--tenant", "none"},
	} {
		if out := run(1, bad...); !strings.Contains(out, bad[1][:min(len(bad[1]), 50)]) && !strings.Contains(out, bad[len(bad)-1]) {
			t.Errorf("%q: %s", bad, out)
		}
	}
	all := list()
	if len(all) != 2 || all[0].Who != "ada@example.com" || len(all[0].Scopes) != 0 || all[0].CreatedAt.IsZero() || all[1].Who != "group:Support desk" || strings.Join(all[1].Scopes, " ") != "read:users read:logs" {
		t.Fatalf("%+v", all)
	}
	if out := run(0, "list"); !strings.Contains(out, "WHO") || !strings.Contains(out, "read:users read:logs") {
		t.Error(out)
	}
	run(0, "add", "ada@example.com", "--scope", "read:users")
	if changed := list(); len(changed) != 2 || strings.Join(changed[0].Scopes, " ") != "read:users" || !changed[0].CreatedAt.Equal(all[0].CreatedAt) {
		t.Errorf("%+v", changed)
	}
	if out := run(0, "remove", "ADA@example.com"); !strings.Contains(out, "may no longer look after") {
		t.Error(out)
	}
	if left := list(); len(left) != 1 {
		t.Errorf("%+v", left)
	}
}
