package pipeline

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
)

// said is what scripts leave behind for a log event.
type said struct {
	console    []map[string]any // lines of the console
	executions []string         // ids of the records of actions' runs
}

// details adds it to the details of an event.
func (s said) details(m map[string]any) map[string]any {
	if len(s.console) > 0 {
		m = with(m, "console", s.console)
	}
	if len(s.executions) > 0 {
		m = with(m, "actions", map[string]any{"executions": s.executions})
	}
	return m
}

// Modules reads the versions of shared modules that an action has pinned.
func Modules(ctx context.Context, st *store.Store, uses []stagedoor.ActionModuleUse) ([]script.Module, error) {
	var out []script.Module
	for _, use := range uses {
		v, err := store.ActionModuleVersions.Get(ctx, st, use.VersionID)
		if err != nil {
			return nil, err
		}
		out = append(out, script.Module{Name: v.Name, Source: v.Code, Secrets: stagedoor.SecretValues(v.Sealed), Dependencies: stagedoor.DependencyVersions(v.Dependencies)})
	}
	return out, nil
}

// actions are what is bound to a trigger, ready to run.
type actions struct {
	p       *Pipeline
	visit   Visit
	trigger *script.Trigger
	bound   []stagedoor.BoundAction
	modules [][]script.Module // of each of them; nil: not read yet
	known   json.RawMessage
	resume  bool // the first of them waited for somebody to come back
}

// bound reads what is bound to a trigger.
func (p *Pipeline) bound(ctx context.Context, v Visit, t *script.Trigger) (*actions, error) {
	all, err := v.Store.BoundActions(ctx, t.ID)
	return &actions{p: p, visit: v, trigger: t, bound: all}, err
}

// noAction is why something names an action that cannot run.
type noAction string

func (e noAction) Error() string { return "the action " + string(e) }

// named is the one action that something else names, in the version in force; a noAction if there is none for the trigger.
func (p *Pipeline) named(ctx context.Context, v Visit, t *script.Trigger, id string) (*actions, error) {
	action, err := v.Store.Action(ctx, id)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, noAction("is gone")
	}
	if err != nil {
		return nil, err
	}
	if action.Deployed == "" {
		return nil, noAction("is not deployed")
	}
	version, err := v.Store.ActionVersion(ctx, action.ID, action.Deployed)
	if err != nil {
		return nil, err
	}
	if of := version.Body.Trigger.ID; of != t.ID {
		return nil, noAction("is for the trigger " + of)
	}
	return &actions{p: p, visit: v, trigger: t, bound: []stagedoor.BoundAction{{Name: action.Name, Version: *version}}}, nil
}

// modulesOf are the modules of each action, read once.
func (a *actions) modulesOf(ctx context.Context) ([][]script.Module, error) {
	if a.modules != nil {
		return a.modules, nil
	}
	all := make([][]script.Module, len(a.bound))
	for i, b := range a.bound {
		var err error
		if all[i], err = Modules(ctx, a.visit.Store, b.Version.Body.Modules); err != nil {
			return nil, err
		}
	}
	a.modules = all
	return all, nil
}

// speakOf tells whether a word stands in an action or in a module of theirs.
func (a *actions) speakOf(ctx context.Context, word string) (bool, error) {
	modules, err := a.modulesOf(ctx)
	if err != nil {
		return false, err
	}
	for i, b := range a.bound {
		if strings.Contains(b.Version.Body.Code, word) || slices.ContainsFunc(modules[i], func(m script.Module) bool { return strings.Contains(m.Source, word) }) {
			return true, nil
		}
	}
	return false, nil
}

// run runs the actions over an event, and keeps a record of it. rules are the ids of the rules that ran before. What an action did wrong is
// in the outcome's Failure, and in the tenant's log.
func (a *actions) run(ctx context.Context, event map[string]any, rules []string) (script.TriggerOutcome, said, error) {
	if err := customDomain(ctx, a.visit, event); err != nil {
		return script.TriggerOutcome{}, said{}, err
	}
	text, err := json.Marshal(event)
	if err != nil {
		return script.TriggerOutcome{}, said{}, err
	}
	run := script.TriggerRun{Tenant: a.visit.Store.Tenant().ID, Trigger: a.trigger, Event: text, Known: a.known, Rules: rules, Resume: a.resume}
	modules, err := a.modulesOf(ctx)
	if err != nil {
		return script.TriggerOutcome{}, said{}, err
	}
	for i, b := range a.bound {
		s := script.Script{ID: b.Version.Action, Name: b.Name, Source: b.Version.Body.Code, Secrets: stagedoor.SecretValues(b.Version.Sealed), Dependencies: stagedoor.DependencyVersions(b.Version.Body.Dependencies), Modules: modules[i]}
		maps.Copy(s.Secrets, stagedoor.SecretValues(b.Binding.Sealed))
		run.Scripts = append(run.Scripts, s)
	}
	out, err := a.p.Scripts.Trigger(ctx, run)
	if err != nil {
		return out, said{}, err
	}
	id := stagedoor.NewUUID()
	err = a.visit.Store.SaveActionExecution(ctx, a.record(id, out))
	a.logFailure(id, out)
	return out, said{console: consoleLines("action", out.Console), executions: []string{id}}, err
}

// record is what is kept of a run.
func (a *actions) record(id string, out script.TriggerOutcome) *stagedoor.ActionExecution {
	now := a.visit.Store.Clock().Now()
	e := &stagedoor.ActionExecution{ID: id, Trigger: a.trigger.ID, Status: "final", CreatedAt: now, UpdatedAt: now, Results: []stagedoor.ActionExecutionResult{}}
	switch {
	case out.Failure != nil:
		e.Status = "partial"
	case out.Effects.Suspend != nil && out.Effects.Denied == nil:
		e.Status = "suspended"
	}
	for _, r := range out.Results {
		one := stagedoor.ActionExecutionResult{Name: r.Name, StartedAt: r.StartedAt, EndedAt: r.EndedAt}
		if r.Failure != nil {
			one.Error = &stagedoor.ActionError{ID: errorClass(r.Failure), Message: r.Failure.Message}
		}
		e.Results = append(e.Results, one)
	}
	return e
}

// errorClass is a failure in the words of the tenant's log (extensibility fact sheet 3.3).
func errorClass(f *script.Failure) string {
	switch f.Kind {
	case script.KindTimeout:
		return "action_timeout"
	case script.KindCrashed, script.KindMemory:
		return "platform_error"
	}
	return "action_error"
}

func (a *actions) logFailure(execution string, out script.TriggerOutcome) {
	f := out.Failure
	if f == nil {
		return
	}
	details := map[string]any{
		"trigger_id": a.trigger.ID, "execution_id": execution, "action_name": f.Rule, "error_class": errorClass(f),
		"action_error": map[string]any{"name": f.Name, "message": f.Message, "code": f.Code, "stack": f.Stack},
	}
	for _, b := range a.bound {
		if b.Name == f.Rule {
			details["action_id"], details["version_id"], details["binding_id"] = b.Version.Action, b.Version.ID, b.Binding.ID
		}
	}
	a.visit.Log(stagedoor.LogEvent{Type: "actions_execution_failed", Description: f.Message, Details: details})
}

// scripted is a refusal, or a failure, in a script's own words.
func scripted(code, message string) *stagedoor.Error {
	return stagedoor.Errorf(stagedoor.Scripted, code, "%s", message)
}

// notSupported refuses where an action asked for what the server cannot do: to go on without it could pass over a check.
func notSupported(call string) error {
	return scripted("access_denied", "An action called "+call+", which this server does not support yet.")
}

// changed applies changes of scopes in their order. What is no scope token (RFC 6749 section 3.3) is left out.
func changed(scope []string, changes []script.ScopeChange) []string {
	for _, c := range changes {
		if c.Op == "set" {
			scope = nil
		}
		for _, s := range c.Scopes {
			scope = slices.DeleteFunc(slices.Clone(scope), func(had string) bool { return had == s })
			if c.Op != "remove" && isScope(s) {
				scope = append(scope, s)
			}
		}
	}
	return scope
}

func isScope(s string) bool { return s != "" && !strings.ContainsAny(s, " \"\\") }
