package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

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
	run(0, "init", "second", "--domain", "second.test", "--domain", "also.second.test", "--domain", "münchen.second.test", "--domain", "[2001:db8::1]:8443")
	if all := list(); len(all) != 2 || all[1].ID != "second" || strings.Join(all[1].Domains, " ") != "second.test also.second.test xn--mnchen-3ya.second.test [2001:db8::1]:8443" || all[1].CreatedAt.IsZero() {
		t.Fatalf("%+v", all)
	}
	if out, _ := run(0, "tenants", "list"); !strings.Contains(out, "NAME") || !strings.Contains(out, "second.test, also.second.test") {
		t.Errorf("list: %s", out)
	}
	for _, taken := range [][]string{{"init", "third"}, {"tenants", "domains", first[0].ID}} {
		if _, errs := run(1, append(taken, "--domain", "third.test", "--domain", "Also.second.test")...); !strings.Contains(strings.ToLower(errs), "the domain also.second.test already belongs to the tenant second:") {
			t.Error(taken, errs)
		}
		if _, errs := run(1, append(taken, "--domain", "münchen.second.test")...); !strings.Contains(errs, "the domain xn--mnchen-3ya.second.test already belongs to the tenant second:") {
			t.Error(taken, errs)
		}
	}
	if _, errs := run(1, "init", "second", "--domain", "third.test"); !strings.Contains(errs, "the tenant second already exists: `stagedoor tenants credentials second`") {
		t.Error(errs)
	}
	if _, errs := run(1, "import", "auth0", "--tenant", "third", t.TempDir()); !strings.Contains(errs, "there is no tenant third: `stagedoor tenants list`") {
		t.Error(errs)
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

// Who has lost the credentials of a tenant gets others, and a tenant moves to another domain, while its server runs.
func TestTenantsGoOn(t *testing.T) {
	data, first := initTenant(t)
	addr, _ := serving(t, data, "--trusted-proxies", "127.0.0.1/32")
	for _, command := range [][]string{{"credentials"}, {"domains", "--domain", "login.acme.test"}} {
		args := append([]string{"tenants", command[0], "nobody", "--data", data}, command[1:]...)
		if _, errs, code := runCommand(t, args...); code != 1 || !strings.Contains(errs, "there is no tenant nobody") {
			t.Errorf("%v: code %d, %q", args, code, errs)
		}
	}
	out, errs, code := runCommand(t, "tenants", "credentials", "acme", "--data", data, "--json")
	var second map[string]string
	if err := json.Unmarshal([]byte(out), &second); code != 0 || err != nil || second["client_id"] == first["client_id"] {
		t.Fatalf("code %d, %q %q: %v", code, out, errs, err)
	}
	machineToken(t, addr, first)
	machineToken(t, addr, second)
	if out, errs, code := runCommand(t, "tenants", "domains", "acme", "--domain", "login.acme.test", "--domain", "id.acme.test", "--data", data); code != 0 || out != "The tenant acme answers under login.acme.test, id.acme.test.\n" {
		t.Fatalf("code %d, %q %q", code, out, errs)
	}
	second["audience"] = "https://login.acme.test/api/v2/"
	deadline := time.Now().Add(10 * time.Second)
	for answersUnder(t, addr, "login.acme.test") != http.StatusOK {
		if time.Now().After(deadline) {
			t.Fatal("the server does not answer under the new domain")
		}
		time.Sleep(50 * time.Millisecond)
	}
	machineToken(t, addr, second)
}

func answersUnder(t *testing.T, addr, domain string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/.well-known/openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = domain
	r.Header.Set("X-Forwarded-Proto", "https")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}
