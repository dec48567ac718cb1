package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store"
)

// TestTenants lists tenants and deletes one: the other keeps what it has, and the domain is free again.
func TestTenants(t *testing.T) {
	data, _ := initTenant(t)
	run := func(code int, args ...string) (string, string) {
		t.Helper()
		out, errs, got := runCommand(t, append(args, "--data", data)...)
		if got != code {
			t.Fatalf("%q: exit code %d\n%s%s", args, got, out, errs)
		}
		return out, errs
	}
	list := func() (all []store.TenantSummary) {
		t.Helper()
		out, _ := run(0, "tenants", "list", "--json")
		if err := json.Unmarshal([]byte(out), &all); err != nil {
			t.Fatal(err, out)
		}
		return all
	}
	first := list()
	run(0, "init", "second", "--domain", "second.test", "--domain", "also.second.test")
	if all := list(); len(all) != 2 || all[1].ID != "second" || strings.Join(all[1].Domains, " ") != "second.test also.second.test" || all[1].CreatedAt.IsZero() {
		t.Fatalf("%+v", all)
	}
	if out, _ := run(0, "tenants", "list"); !strings.Contains(out, "NAME") || !strings.Contains(out, "second.test, also.second.test") {
		t.Errorf("list: %s", out)
	}
	if _, errs := run(1, "tenants", "delete", "third"); !strings.Contains(errs, "there is no tenant third") {
		t.Error(errs)
	}
	if _, errs := run(1, "tenants", "delete", "second"); !strings.Contains(errs, "--yes") || !strings.Contains(errs, "second.test") || len(list()) != 2 {
		t.Error(errs)
	}
	if out, _ := run(0, "tenants", "delete", "second", "--yes"); out != "The tenant second is deleted, with 0 users.\n" {
		t.Error(out)
	}
	if all := list(); len(all) != 1 || all[0].ID != first[0].ID || all[0].Users != first[0].Users {
		t.Errorf("%+v", all)
	}
	run(0, "init", "second", "--domain", "second.test")
}
