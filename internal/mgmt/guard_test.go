package mgmt

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/script"
)

// TestStrategiesHaveTypes: what log events say of a connection is what its options are checked by.
func TestStrategiesHaveTypes(t *testing.T) {
	for name, s := range strategies {
		if got := stagedoor.StrategyType(name); got != s.family {
			t.Errorf("%s is %s, and log events say %s", name, s.family, got)
		}
	}
}

// TestInventory holds the routes and the inventory together: what is served says so there, with the same scopes and status.
func TestInventory(t *testing.T) {
	operations := Operations()
	known := slices.DeleteFunc(slices.Clone(operations), func(o Operation) bool { return o.Tier == "own" })
	if len(known) != 460+19+24 {
		t.Errorf("%d operations are listed, not the 460 of the SDKs, 19 that tools know besides, and 24 about experiments", len(known))
	}
	listed := map[string]Operation{}
	for _, o := range operations {
		key := o.Method + " " + shape(o.Path)
		if _, twice := listed[key]; twice {
			t.Errorf("%s is listed twice", key)
		}
		listed[key] = o
		if o.State != "served" && o.State != "planned" && len(o.State) < len("declined: why") || !slices.Contains([]string{"T1", "T2", "T3", "own"}, o.Tier) || o.Purpose == "" || o.Scopes == "" {
			t.Errorf("%s: %+v", key, o)
		}
	}
	remark := regexp.MustCompile(` \(\+[^)]*\)| `)
	served := map[string]bool{}
	for _, r := range New(Deps{}).rows {
		key := r.method + " " + shape(r.pattern)
		o, found := listed[key]
		served[key] = true
		switch {
		case !found:
			t.Errorf("%s is served and not in the inventory", key)
		case o.State != "served":
			t.Errorf("%s is served, and the inventory says %s", key, o.State)
		case remark.ReplaceAllString(o.Scopes, "") != strings.ReplaceAll(r.scopes, " ", ""):
			t.Errorf("%s needs %s, and the inventory says %s", key, r.scopes, o.Scopes)
		case !slices.Contains(strings.FieldsFunc(o.Status, func(c rune) bool { return c == '/' || c == ' ' }), fmt.Sprint(r.status)):
			t.Errorf("%s answers %d, and the inventory says %s", key, r.status, o.Status)
		case r.title == "" || r.run == nil:
			t.Errorf("%s has no title or no function", key)
		}
	}
	for key, o := range listed {
		if o.State == "served" && !served[key] {
			t.Errorf("%s is not served, and the inventory says so", key)
		}
	}
}

// TestManagementScopes tells whether every scope that an operation names is one that the system API has, or one of people's own.
func TestManagementScopes(t *testing.T) {
	known := slices.Concat(personScopes, []string{"read:client_summary", "update:client_token_vault_privileged_access"})
	for _, s := range ManagementScopes() {
		if slices.Contains(known, s.Value) {
			t.Errorf("%s is there twice", s.Value)
		}
		if s.Description == "" {
			t.Errorf("%s has no description", s.Value)
		}
		known = append(known, s.Value)
	}
	for _, r := range New(Deps{}).Routes() {
		for _, scope := range r.Scopes {
			if !slices.Contains(known, scope) {
				t.Errorf("%s %s: nobody can have the scope %s", r.Method, r.Pattern, scope)
			}
		}
	}
}

// TestMain makes the test binary its own script worker. It fails unless the tests together saw every row succeed; runs of chosen tests
// are left alone.
func TestMain(m *testing.M) {
	script.Serve()
	password.CheapInTests()
	jose.ReuseInTests()
	scripts = script.New(script.Config{Workers: 1})
	code := m.Run()
	_ = scripts.Close()
	if code == 0 && flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.fuzz").Value.String() == "" {
		for _, r := range New(Deps{}).rows {
			if _, seen := succeeded.Load(r.method + " " + r.pattern); !seen {
				fmt.Printf("no test saw %s %s succeed\n", r.method, r.pattern)
				code = 1
			}
		}
	}
	os.Exit(code)
}

// scripts runs what tests of actions need; its worker is started by the first of them.
var scripts *script.Host

// succeeded holds the rows that a test saw succeed.
var succeeded sync.Map

// TestCompatibilityPage tells whether docs/compatibility.md is what the inventory says; -update rewrites it.
func TestCompatibilityPage(t *testing.T) {
	const path = "../../docs/compatibility.md"
	want := compatibilityPage()
	if *update {
		markServed(t)
		want = compatibilityPage()
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/compatibility.md is not current: go test ./internal/mgmt -run CompatibilityPage -update (which marks what has a route as served)")
	}
}

// markServed writes into the inventory which operations have a route.
func markServed(t *testing.T) {
	served := map[string]bool{}
	for _, r := range New(Deps{}).rows {
		served[r.method+" "+shape(r.pattern)] = true
	}
	lines := strings.Split(operationsTable, "\n")
	for i, line := range lines {
		if f := strings.Split(line, "\t"); len(f) == 7 && served[f[0]+" "+shape(f[1])] {
			f[6] = "served"
			lines[i] = strings.Join(f, "\t")
		}
	}
	operationsTable = strings.Join(lines, "\n")
	if err := os.WriteFile("operations.tsv", []byte(operationsTable), 0o644); err != nil {
		t.Fatal(err)
	}
}

func compatibilityPage() string {
	var rows strings.Builder
	served := 0
	for _, o := range Operations() {
		state := o.State
		if state == "served" {
			served++
			state = "**served**"
		}
		scopes := strings.ReplaceAll(o.Scopes, "|", "\\|")
		fmt.Fprintf(&rows, "| %s | `%s` | %s | %s | %s | %s | %s |\n", o.Method, o.Path, o.Purpose, scopes, o.Status, o.Tier, state)
	}
	return fmt.Sprintf(`# Compatibility of the Management API

This page is printed from [internal/mgmt/operations.tsv](../internal/mgmt/operations.tsv), the inventory of all operations under
`+"`/api/v2`"+` that are known to us (the 460 that the SDKs map, and some that tools use besides); a test holds it to the routes of the server. %d of %d are served. A planned or declined operation answers
`+"`501 not_supported`"+` with its name. Tier T1 is what the daily use of the SDKs needs, T2 what configuration tools need to read everything and
write it back, T3 is the rest; own operations are this server's and nobody else's. Where a served operation differs from what is documented, [divergences.md](divergences.md) says so.

| Method | Path | Purpose | Scopes | Success | Tier | State |
|---|---|---|---|---|---|---|
%s`, served, len(Operations()), rows.String())
}
