package carry_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/carry"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

var update = flag.Bool("update", false, "rewrite the wanted plans")

// matches compares a plan with the wanted one in testdata.
func matches(t *testing.T, s *stagedoortest.Server, name string, p *carry.Plan) {
	t.Helper()
	got := strings.ReplaceAll(strings.Join(told(p), "\n"), s.Domain, "DOMAIN") + "\n"
	file := filepath.Join("testdata", name)
	if *update {
		ok(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	ok(t, err)
	if got != string(want) {
		t.Errorf("the plan is\n%s\ninstead of\n%s", got, want)
	}
}

// A directory of the deploy tool comes in as the plan says, secrets and ids that the files tell are kept, and a second run changes nothing.
func TestDirectory(t *testing.T) {
	onEach(t, func(t *testing.T, s *stagedoortest.Server) {
		ctx, c := t.Context(), s.Carrier(s.Tenant)
		cfg := carry.Config{Keywords: carry.Keywords{"WHERE": "Malmö"}}
		dir := unpacked(t, "shop.txtar")
		plan, err := c.Plan(ctx, read(t, dir, cfg), cfg)
		ok(t, err)
		matches(t, s, "shop.plan", plan)
		st, err := s.DB().TenantByID(ctx, s.Tenant)
		ok(t, err)
		if clients, err := st.Clients(ctx); err != nil || len(clients) != 2 {
			t.Fatalf("a plan has left something: %d clients, %v", len(clients), err)
		}
		made, err := c.Apply(ctx, read(t, dir, cfg), cfg, plan)
		ok(t, err)
		matches(t, s, "shop.plan", made)
		client, err := st.Client(ctx, "ShopWeb0123456789abcdefghijklmno")
		ok(t, err)
		if client.Secret != "a-secret-that-the-shop-has-had-for-years-0123456789" || client.Description != "of Malmö" {
			t.Errorf("the client is %+v", client)
		}
		if _, err := st.Organization(ctx, "org_0123456789abcdef"); err != nil {
			t.Errorf("the organization has another id: %v", err)
		}
		bindings, err := s.Carrier(s.Tenant).Do(ctx, st, "GET", "/actions/triggers/post-login/bindings", nil)
		ok(t, err)
		if !strings.Contains(string(bindings), `"Tag login"`) {
			t.Errorf("bindings: %s", bindings)
		}
		shoppers, err := st.ConnectionByName(ctx, "Shoppers")
		ok(t, err)
		if a, err := st.Action(ctx, shoppers.CustomHashAction()); err != nil || a.Name != "Old hashes" {
			t.Errorf("hashes of another kind are looked at by %+v: %v", a, err)
		}
		again, err := c.Plan(ctx, read(t, dir, cfg), cfg)
		ok(t, err)
		if again.Work() {
			t.Errorf("a second run would do something:\n%s", strings.Join(told(again), "\n"))
		}
		changed(t, s, dir, cfg)
	})
}

// changed changes two things in the files: the plan has these alone, and does not apply once the tenant has moved on.
func changed(t *testing.T, s *stagedoortest.Server, dir string, cfg carry.Config) {
	ctx, c := t.Context(), s.Carrier(s.Tenant)
	write(t, filepath.Join(dir, "rules", "Add country.js"), "function (user, context, callback) { callback(null, user, context); }")
	write(t, filepath.Join(dir, "rules-configs", "COUNTRY.json"), `{"key": "COUNTRY", "value": "DK"}`)
	write(t, filepath.Join(dir, "actions", "Tag login.json"), strings.Replace(file(t, filepath.Join(dir, "actions", "Tag login.json")), `"told"`, `"another"`, 1))
	plan, err := c.Plan(ctx, read(t, dir, cfg), cfg)
	ok(t, err)
	if n := plan.Count(carry.Created) + plan.Count(carry.Changed); n != 3 {
		t.Errorf("%d changes:\n%s", n, strings.Join(told(plan), "\n"))
	}
	st, err := s.DB().TenantByID(ctx, s.Tenant)
	ok(t, err)
	ok(t, st.SetRulesConfig(ctx, "COUNTRY", "DK"))
	if _, err := c.Apply(ctx, read(t, dir, cfg), cfg, plan); !stagedoor.IsKind(err, stagedoor.Conflict) {
		t.Errorf("a plan that is out of date was applied: %v", err)
	}
	rules, err := st.Rules(ctx)
	ok(t, err)
	if !strings.Contains(rules[0].Script, "country") {
		t.Error("half a plan was applied")
	}
}

func file(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	ok(t, err)
	return string(b)
}

// The YAML format says the same as the directory.
func TestYAML(t *testing.T) {
	s := stagedoortest.New(t)
	cfg := carry.Config{Keywords: carry.Keywords{"WHERE": "Malmö", "CALLBACKS": []any{"https://one.example", "https://two.example"}}, Names: map[string][]string{"rules": {"Left out"}}}
	dir := unpacked(t, "yaml.txtar")
	plan, err := s.Carrier(s.Tenant).Plan(t.Context(), read(t, dir, cfg), cfg)
	ok(t, err)
	matches(t, s, "yaml.plan", plan)
	_, err = s.Carrier(s.Tenant).Apply(t.Context(), read(t, dir, cfg), cfg, plan)
	ok(t, err)
	again, err := s.Carrier(s.Tenant).Plan(t.Context(), read(t, filepath.Join(dir, "tenant.yaml"), cfg), cfg)
	ok(t, err)
	if again.Work() {
		t.Errorf("a second run would do something:\n%s", strings.Join(told(again), "\n"))
	}
}

// What files from elsewhere must not do: read other files, fill the memory, hang.
func TestHostileFiles(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	write(t, secret, "function (user, context, callback) {}")
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+string(c-1)+",", 10), ",") + "]\n"
	}
	for name, one := range map[string]struct {
		files map[string]string
		want  string
	}{
		"absolute path": {map[string]string{"rules/a.json": `{"name":"a","script":"` + secret + `"}`}, "missing"},
		"path upwards":  {map[string]string{"rules/a.json": `{"name":"a","script":"../../../../../../../../..` + secret + `"}`}, "leads out of the folder"},
		"backslashes":   {map[string]string{"rules/a.json": `{"name":"a","script":"..\\..\\..\\etc\\passwd"}`}, "leads out of the folder"},
		"a bomb":        {map[string]string{"tenant.yaml": bomb}, ""},
		"long aliases":  {map[string]string{"tenant.yaml": "a: &a " + strings.Repeat("x", 1<<20) + "\nb: [" + strings.TrimSuffix(strings.Repeat("*a,", 200), ",") + "]\n"}, "unfolds"},
		"deep YAML":     {map[string]string{"tenant.yaml": "a: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000)}, "nested deeper"},
		"deep JSON":     {map[string]string{"tenant.json": strings.Repeat("[", 5000) + strings.Repeat("]", 5000)}, "not JSON that can be used"},
		"not UTF-8":     {map[string]string{"tenant.json": "{\"friendly_name\":\"\xff\"}"}, "not UTF-8"},
		"doubled names": {map[string]string{"tenant.json": `{"friendly_name":"a","friendly_name":"b"}`}, "not JSON that can be used"},
		"large":         {map[string]string{"tenant.json": `{"friendly_name":"` + strings.Repeat("a", 5<<20) + `"}`}, "larger than"},
		"no object":     {map[string]string{"clients/a.json": `[1]`}, "no object"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range one.files {
				write(t, filepath.Join(dir, name), text)
			}
			a, err := carry.Read(dir, carry.Config{})
			text := ""
			if err != nil {
				text = err.Error()
			} else {
				text = strings.Join(told(&carry.Plan{Objects: a.Problems}), "\n")
			}
			if text == "" || !strings.Contains(text, one.want) || strings.Contains(text, "function (user") {
				t.Errorf("told: %.300s", text)
			}
		})
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "rules", "a.json"), `{"name":"a","script":"./link.js"}`)
	ok(t, os.Symlink(secret, filepath.Join(dir, "rules", "link.js")))
	a, err := carry.Read(dir, carry.Config{})
	ok(t, err)
	if len(a.Problems) != 1 || len(a.Kinds) != 0 {
		t.Errorf("a link out of the folder was followed: %+v", a)
	}
}
