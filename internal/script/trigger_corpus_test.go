package script

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// A case of the triggers' corpus is a text archive. Files: `trigger` with its id; `action NAME` in order, or one `hook NAME`;
// `module NAME`, which every action may require; `event.json`; `secrets.json` and `dependencies.json` by script or module; `rules.json`; `http METHOD URL`;
// `limits.json`; `again` when the case is run twice, the second time being the one that is looked at; `want.json`.
type wantTrigger struct {
	Failure  *Failure
	Effects  any      // members are matched as parts of what is there
	Ran      []string // names of the scripts that were started
	Console  []string
	Silent   bool
	Requests []any
}

func TestTriggerCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/triggers/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no corpus", err)
	}
	share(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			for _, runtime := range runtimes(t) {
				t.Run(runtime, func(t *testing.T) {
					t.Parallel()
					runTriggerCase(t, file, runtime)
				})
			}
		})
	}
}

func runTriggerCase(t *testing.T, file, runtime string) {
	run := TriggerRun{Tenant: "corpus", Trigger: PostLogin, Event: json.RawMessage(`{"user":{"user_id":"auth0|1","user_metadata":{},"app_metadata":{}},"transaction":{"metadata":{}}}`)}
	out := &outside{replies: make(map[string]string)}
	cfg := Config{Workers: 1, HTTP: &http.Client{Transport: out}, Runtime: always(runtime)}
	secrets, dependencies := map[string]map[string]string{}, map[string]map[string]string{}
	var modules []Module
	var w wantTrigger
	times := 1
	for _, s := range archive(t, file) {
		decode := func(into any) {
			d := json.NewDecoder(strings.NewReader(s.text))
			d.DisallowUnknownFields()
			if err := d.Decode(into); err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
		}
		switch kind, name, _ := strings.Cut(s.name, " "); kind {
		case "trigger":
			if run.Trigger = TriggerByID(strings.TrimSpace(s.text)); run.Trigger == nil {
				t.Fatalf("no trigger %q", s.text)
			}
		case "action", "hook":
			run.Hook = kind == "hook"
			if strings.Contains(s.text, "api.cache") {
				run.Tenant = file // the cache is the tenant's, and cases run side by side
			}
			run.Scripts = append(run.Scripts, Script{ID: "id of " + name, Name: name, Source: strings.TrimSuffix(s.text, "\n")})
		case "module":
			modules = append(modules, Module{Name: name, Source: s.text})
		case "event.json":
			run.Event = json.RawMessage(s.text)
		case "secrets.json":
			decode(&secrets)
		case "dependencies.json":
			decode(&dependencies)
		case "rules.json":
			decode(&run.Rules)
		case "limits.json":
			var l struct{ Wall, CPU string }
			decode(&l)
			cfg.Limits.Wall, _ = time.ParseDuration(l.Wall)
			cfg.Limits.CPU, _ = time.ParseDuration(l.CPU)
		case "http":
			out.replies[name] = s.text
		case "again":
			times = 2
		case "want.json":
			decode(&w)
		case "embedded":
			if name == "" {
				t.Error("the section embedded has no reason")
			}
			if runtime == RuntimeEmbedded {
				decode(&w)
			}
		default:
			t.Fatalf("unknown section %q", s.name)
		}
	}
	for i := range modules {
		modules[i].Secrets, modules[i].Dependencies = secrets[modules[i].Name], dependencies[modules[i].Name]
	}
	for i := range run.Scripts {
		run.Scripts[i].Secrets, run.Scripts[i].Dependencies, run.Scripts[i].Modules = secrets[run.Scripts[i].Name], dependencies[run.Scripts[i].Name], modules
	}
	h := hostFor(t, cfg, runtime)
	var got TriggerOutcome
	for range times {
		var err error
		if got, err = h.Trigger(out.within(t.Context()), run); err != nil {
			t.Fatal(err)
		}
	}
	w.compare(t, got, out)
}

func (w wantTrigger) compare(t *testing.T, got TriggerOutcome, out *outside) {
	t.Helper()
	if got.Failure != nil && (w.Failure == nil || w.Failure.Stack == "") {
		f := *got.Failure
		f.Stack = ""
		got.Failure = &f
	}
	w.Failure = matched(w.Failure, got.Failure)
	if !reflect.DeepEqual(w.Failure, got.Failure) {
		t.Errorf("failure: got %+v, want %+v\nconsole: %+v", got.Failure, w.Failure, got.Console)
	}
	var have any
	if err := json.Unmarshal([]byte(marshal(got.Effects)), &have); err != nil {
		t.Fatal(err)
	}
	if w.Effects != nil && !within(w.Effects, have) {
		t.Errorf("effects: got %s, want in them %s\nconsole: %+v", marshal(got.Effects), marshal(w.Effects), got.Console)
	}
	var ran []string
	for _, r := range got.Results {
		ran = append(ran, r.Name)
		if r.StartedAt.IsZero() || r.EndedAt.Before(r.StartedAt) || r.Script != "id of "+r.Name {
			t.Errorf("result: %+v", r)
		}
	}
	if w.Ran != nil && !reflect.DeepEqual(ran, w.Ran) {
		t.Errorf("ran: %q, want %q", ran, w.Ran)
	}
	var lines []string
	for _, l := range got.Console {
		lines = append(lines, l.Rule+" "+l.Level+" "+l.Text)
	}
	for _, line := range w.Console {
		if !strings.Contains("\n"+strings.Join(lines, "\n")+"\n", "\n"+line+"\n") {
			t.Errorf("console: no line %q in\n%s", line, strings.Join(lines, "\n"))
		}
	}
	if w.Silent && len(lines) > 0 {
		t.Errorf("console: %q", lines)
	}
	out.mu.Lock()
	defer out.mu.Unlock()
	if w.Requests != nil {
		var requests any = out.requests
		if !within(any(map[string]any{"r": w.Requests[0]}), map[string]any{"r": requests.([]any)[0]}) {
			t.Errorf("requests: %s", marshal(out.requests))
		}
	}
}

// TestTriggersHaveFiles holds the table of triggers and the files of those that run together.
func TestTriggersHaveFiles(t *testing.T) {
	seen := map[string]bool{}
	for _, trigger := range Triggers {
		_, err := sources.Open("js/triggers/" + trigger.ID + ".js")
		if (err == nil) != trigger.Runs {
			t.Errorf("%s: runs %v, file %v", trigger.ID, trigger.Runs, err)
		}
		if seen[trigger.ID] || trigger.Handler == "" || trigger.Current() == "" || TriggerByID(trigger.ID) != trigger {
			t.Errorf("%+v", trigger)
		}
		seen[trigger.ID] = true
		for i, v := range trigger.Versions {
			if (v.Status == "CURRENT") != (i == len(trigger.Versions)-1) {
				t.Errorf("%s %+v", trigger.ID, v)
			}
		}
	}
}

func TestCheckDraft(t *testing.T) {
	h := newHost(t, Config{Workers: 1})
	for _, c := range []struct {
		draft Draft
		want  string
	}{
		{Draft{Source: "exports.onExecutePostLogin = async (event, api) => {};"}, ""},
		{Draft{Source: "const actions = 1; // mine"}, ""},
		{Draft{Source: "const actions = 1;", Shared: true}, "invalid_script"},
		{Draft{Source: ""}, ""},
		{Draft{Source: "exports.x = {\n\n;"}, "invalid_script"},
		{Draft{Source: "await 1;"}, "invalid_script"},
		{Draft{Source: "exports.x = 1", Modules: []string{"lodash@4.0.0", "querystring"}}, ""},
		{Draft{Source: "exports.x = 1", Modules: []string{"lodash", "left-pad@1.0.0"}}, "unknown_module: Cannot find module 'left-pad@1.0.0': an operator can add it with \"stagedoor modules add left-pad@1.0.0\""},
		{Draft{Source: "exports.x = 1", Modules: []string{"argon2@0.31.2"}}, "unknown_module: Cannot find module 'argon2@0.31.2': it is machine code"},
		{Draft{Source: "function (user, context, cb) { cb(); }", Hook: true}, ""},
		{Draft{Source: "module.exports = function (user, context, cb) { cb(); };", Hook: true}, ""},
		{Draft{Source: "const a = 1;\nmodule.exports = function (user, context, cb) { cb(a); };", Hook: true}, ""},
		{Draft{Source: "function (user, context, cb) { cb(); }"}, "invalid_script"},
		{Draft{Source: "function (user, {", Hook: true}, "invalid_script"},
	} {
		err := h.CheckDraft(t.Context(), c.draft)
		if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.draft, err, c.want)
		}
	}
	err := h.CheckDraft(t.Context(), Draft{Source: "const a = 1;\nconst b = ;"})
	if err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("%v", err)
	}
}

// TestTriggerCacheIsOfOneTenant: what one tenant's actions keep is seen by no other, and by no other trigger.
func TestTriggerCacheIsOfOneTenant(t *testing.T) {
	h := newHost(t, Config{Workers: 1})
	run := func(tenant string, trigger *Trigger) string {
		t.Helper()
		out, err := h.Trigger(t.Context(), TriggerRun{
			Tenant: tenant, Trigger: trigger, Event: json.RawMessage(`{}`),
			Scripts: []Script{{Name: "a", Source: `exports.` + trigger.Handler + ` = (event, api) => {
				const r = api.cache.get('k'); console.log(r ? r.value : 'nothing'); api.cache.set('k', '` + tenant + `');
			};`}},
		})
		if err != nil || out.Failure != nil || len(out.Console) != 1 {
			t.Fatalf("%v %+v", err, out)
		}
		return out.Console[0].Text
	}
	got := []string{run("a", PostLogin), run("b", PostLogin), run("a", CredentialsExchange), run("a", PostLogin), run("b", PostLogin)}
	if want := []string{"nothing", "nothing", "nothing", "a", "b"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
}

func TestTriggerRefusesNonsense(t *testing.T) {
	h := newHost(t, Config{Workers: 1})
	if _, err := h.Trigger(t.Context(), TriggerRun{Trigger: PostLogin, Scripts: []Script{{}}, Event: json.RawMessage(`[]`)}); err == nil {
		t.Error("an event that is no object")
	}
	if out, err := h.Trigger(t.Context(), TriggerRun{Trigger: PostLogin}); err != nil || !reflect.DeepEqual(out, TriggerOutcome{}) {
		t.Errorf("%v %+v", err, out)
	}
}
