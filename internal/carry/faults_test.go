package carry_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/carry"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// planned is the plan for a folder of the files.
func planned(t *testing.T, s *stagedoortest.Server, files map[string]string, cfg carry.Config) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	plan, err := s.Carrier(s.Tenant).Plan(t.Context(), read(t, dir, cfg), cfg)
	ok(t, err)
	return strings.Join(told(plan), "\n")
}

// What cannot be carried of a configuration is told by its name, and takes nothing else along.
func TestWhatIsToldOfAConfiguration(t *testing.T) {
	s := stagedoortest.New(t)
	st, err := s.DB().TenantByID(t.Context(), s.Tenant)
	ok(t, err)
	ok(t, st.SetDomains(t.Context(), append(st.Tenant().Domains, "login.shop.example")))
	action := `"runtime": "node22", "dependencies": [], "secrets": [], "supported_triggers": [{"id": "post-login", "version": "v3"}], "deployed": true`
	for name, one := range map[string]struct {
		files map[string]string
		cfg   carry.Config
		want  []string
		not   string
	}{
		"a page whose file is missing": {
			files: map[string]string{"pages/login.json": `{"name": "login", "enabled": true, "html": "./login.html"}`},
			want:  []string{"refuse page login.json !: the file ./login.html is missing"}, not: "change",
		},
		"a page of another folder": {
			files: map[string]string{"pages/login.json": `{"name": "login", "enabled": true, "html": "../../../../etc/hostname"}`},
			want:  []string{`"../../../../etc/hostname" leads out of the folder`}, not: "change",
		},
		"a domain that the operator gave the tenant": {
			files: map[string]string{"custom-domains/custom-domains.json": `[{"domain": "login.shop.example", "type": "auth0_managed_certs", "status": "ready"}]`},
			want:  []string{"create custom domain login.shop.example"}, not: "refuse",
		},
		"unknown folders and empty files": {
			files: map[string]string{"space-ships/a.json": `{"name": "a"}`, "notes/read.txt": "x", "clients/none.json": "", "roles/nothing.json": "{}", "tenant.json": ""},
			want: []string{
				"refuse spaceShips  !: this server knows no objects of this kind (folder space-ships)", "refuse client none.json !: clients/none.json is empty",
				"refuse role nothing.json !: it holds no properties", "refuse tenant settings tenant.json !: tenant.json is empty",
			}, not: "notes",
		},
		"a trigger with an action that is not there": {
			files: map[string]string{
				"actions/Good.json": `{"name": "Good", "code": "./good.js", ` + action + `}`, "actions/good.js": "exports.onExecutePostLogin = async () => {};",
				"triggers/triggers.json": `{"post-login": [{"action_name": "Good"}, {"action_name": "Gone"}]}`,
			},
			want: []string{"change trigger post-login [bindings] !bindings: Gone: There is no such action"},
		},
		"a trigger with no action that is there": {
			files: map[string]string{"triggers/triggers.json": `{"post-login": [{"action_name": "Gone"}]}`},
			want:  []string{"refuse trigger post-login !bindings: Gone: There is no such action"},
		},
		"kinds of the tool's configuration": {
			files: map[string]string{"tenant.json": `{"friendly_name": "Shop"}`},
			cfg:   carry.Config{Excluded: []string{"clinets"}, Ignored: []string{"AUTH0_EXCLUDED_DEFAULTS"}},
			want:  []string{"refuse kind clinets", "refuse setting AUTH0_EXCLUDED_DEFAULTS"},
		},
		"a keyword without value in YAML": {
			files: map[string]string{"tenant.yaml": "clients:\n  - name: One\n    callbacks: @@ORIGINS@@\n  - name: Two\n    app_type: spa\n    token_endpoint_auth_method: none\nroles:\n  - name: Clerk\n"},
			want:  []string{"refuse client One !: It holds the keyword @@ORIGINS@@", "create client Two", "create role Clerk"},
		},
		"a keyword without value in JSON": {
			files: map[string]string{"clients/One.json": `{"name": "One", "callbacks": @@ORIGINS@@}`, "roles/Clerk.json": `{"name": "Clerk"}`},
			want:  []string{"the keyword @@ORIGINS@@ has no value", "--set ORIGINS=VALUE", "create role Clerk"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := planned(t, s, one.files, one.cfg)
			for _, want := range one.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q is not in\n%s", want, got)
				}
			}
			if one.not != "" && strings.Contains(got, one.not) {
				t.Errorf("%q is in\n%s", one.not, got)
			}
		})
	}
}

// A keyword without value that makes YAML unreadable is named.
func TestKeywordThatBreaksYAML(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "tenant.yaml"), "clients:\n  - name: One\n    callbacks: @@ORIGINS@@ and more\n")
	if _, err := carry.Read(dir, carry.Config{}); err == nil || !strings.Contains(err.Error(), "--set ORIGINS=VALUE") {
		t.Errorf("told: %v", err)
	}
}

// A page is what the file that it names holds.
func TestPageThatNamesItsFile(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "pages", "login.json"), `{"name": "login", "enabled": true, "html": "./custom/login.html"}`)
	write(t, filepath.Join(dir, "pages", "custom", "login.html"), "<p>Own</p>")
	pages, _ := read(t, dir, carry.Config{}).Kinds["pages"].([]any)
	if len(pages) != 1 || pages[0].(map[string]any)["html"] != "<p>Own</p>" {
		t.Errorf("the pages are %v", pages)
	}
}

// A custom domain that the operator gave the tenant before is ready with all that belongs to it, and stays so when it is brought again.
func TestCustomDomainOfTheOperator(t *testing.T) {
	s := stagedoortest.New(t)
	st, err := s.DB().TenantByID(t.Context(), s.Tenant)
	ok(t, err)
	ok(t, st.SetDomains(t.Context(), append(st.Tenant().Domains, "login.shop.example")))
	dir := t.TempDir()
	write(t, filepath.Join(dir, "custom-domains", "custom-domains.json"), `[{"domain": "login.shop.example", "type": "self_managed_certs", "status": "ready", "custom_client_ip_header": "cf-connecting-ip"}]`)
	for _, want := range []string{"create custom domain login.shop.example", "leave custom domain login.shop.example"} {
		cfg := read(t, dir, carry.Config{})
		plan, err := s.Carrier(s.Tenant).Plan(t.Context(), cfg, carry.Config{})
		ok(t, err)
		if got := strings.Join(told(plan), "\n"); !strings.Contains(got, want) {
			t.Errorf("want %q, got %s", want, got)
		}
		_, err = s.Carrier(s.Tenant).Apply(t.Context(), cfg, carry.Config{}, plan)
		ok(t, err)
		there, err := store.CustomDomains.All(t.Context(), st)
		ok(t, err)
		if len(there) != 1 || there[0].Status != stagedoor.DomainReady || there[0].ClientIPHeader != "cf-connecting-ip" {
			t.Errorf("there is %+v", there)
		}
	}
}

// In the layout of the vendor's extensions for deployments names of files stand for members.
func TestDeploymentExtensions(t *testing.T) {
	s := stagedoortest.New(t)
	const rule = "function (user, context, callback) { callback(null, user, context); }"
	const script = "function login(email, password, callback) { callback(null); }"
	got := planned(t, s, map[string]string{
		"rules/plays.json": `{"enabled": true, "order": 30, "stage": "login_success"}`, "rules/plays.js": rule,
		"rules/gone.json":                        `{"enabled": true, "order": 40}`,
		"rules-configs/API.json":                 `{"value": "x"}`,
		"pages/login.json":                       `{"enabled": false}`,
		"pages/login.html":                       "<p>Own</p>",
		"pages/login-custom.json":                `{"enabled": false}`,
		"database-connections/Old/settings.json": `{"strategy": "auth0", "options": {"enabledDatabaseCustomization": true}}`,
		"database-connections/Old/login.js":      script,
		"database-connections/Bare/login.js":     script,
		"database-connections/Bare/get_user.js":  script,
		"database-connections/None/read.me":      "",
		".vscode/settings.json":                  "{}",
	}, carry.Config{})
	for _, want := range []string{
		"create rule plays", "refuse rule gone.json !: the file gone.js is missing", "create rule setting API", "change page login", "refuse page login-custom",
		"create database Old", "create database Bare",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	for _, not := range []string{"None", "vscode"} {
		if strings.Contains(got, not) {
			t.Errorf("%q in\n%s", not, got)
		}
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "database-connections", "Bare", "login.js"), script)
	write(t, filepath.Join(dir, "database-connections", "Tool", "login.js"), script) // left over: the tool names its scripts
	write(t, filepath.Join(dir, "database-connections", "Tool", "database.json"), `{"name": "Tool"}`)
	databases, _ := read(t, dir, carry.Config{}).Kinds["databases"].([]any)
	if want := `[{"name":"Bare","options":{"customScripts":{"login":"` + script + `"},"enabledDatabaseCustomization":true},"strategy":"auth0"},{"name":"Tool"}]`; encoded(t, databases) != want {
		t.Errorf("the databases are %v", databases)
	}
}

// What the server fills in itself looks like a keyword and is none: the login page of every older tenant has it, and so have text messages with codes.
func TestVariablesAreNoKeywords(t *testing.T) {
	files := map[string]string{
		"pages/login.json":        `{"name": "login", "enabled": true, "html": "./login.html"}`,
		"pages/login.html":        `<script>JSON.parse(decodeURIComponent(escape(window.atob('@@config@@'))))</script>`,
		"resource-servers/a.json": `{"name": "Songs", "identifier": "##SONGS##"}`,
		"grants/a.json":           `{"client_id": "Shop", "audience": "##SONGS##", "scope": []}`,
		"connections/sms.json":    `{"name": "sms", "strategy": "sms", "options": {"template": "@@password@@ is your code for @@application.name@@.", "from": "@@SENDER@@"}}`,
	}
	got := planned(t, stagedoortest.New(t), files, carry.Config{})
	for _, want := range []string{"change page login", "refuse API ##SONGS## !: It holds the keyword ##SONGS##", "refuse client grant Shop for ##SONGS## !: It holds the keyword ##SONGS##", "refuse connection sms !: It holds the keyword @@SENDER@@, for which no value was given."} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if got := planned(t, stagedoortest.New(t), files, carry.Config{Keywords: carry.Keywords{"SENDER": "+15550100"}}); !strings.Contains(got, "create connection sms") {
		t.Errorf("with its keyword: %s", got)
	}
}

// The deploy tool writes names of files as they lay from where it was called.
func TestFileNamedFromElsewhere(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "actions", "Claims.json"), `{"name": "Claims", "code": "shop.auth0.com/actions/Claims/code.js"}`)
	write(t, filepath.Join(dir, "actions", "Claims", "code.js"), "exports.onExecutePostLogin = async () => {};")
	actions, _ := read(t, dir, carry.Config{}).Kinds["actions"].([]any)
	if len(actions) != 1 || !strings.HasPrefix(actions[0].(map[string]any)["code"].(string), "exports.") {
		t.Errorf("the actions are %v", actions)
	}
}

// Ids of new clients are drawn anew in each transaction, and nothing hangs on their order: else what was planned would not be what is done.
func TestPlansAreAlike(t *testing.T) {
	s := stagedoortest.New(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "tenant.yaml"), `
clients: [{name: A}, {name: B}, {name: C}]
databases: [{name: Username-Password-Authentication, strategy: auth0, enabled_clients: [A, B, C]}]
migrations: {}
spaceships: {a: 1}
submarines: {a: 1}
trains: {a: 1}
`)
	assets := read(t, dir, carry.Config{})
	plans := map[string]int{}
	for range 8 {
		plan, err := s.Carrier(s.Tenant).Plan(t.Context(), assets, carry.Config{})
		ok(t, err)
		plans[fmt.Sprint(plan.Objects)]++
	}
	if len(plans) != 1 {
		t.Errorf("the plans are %v", plans)
	}
	for plan := range plans {
		if strings.Contains(plan, "migrations") || !strings.Contains(plan, "spaceships") {
			t.Errorf("the plan is %s", plan)
		}
	}
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	ok(t, err)
	return string(b)
}
