package script

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/stagedoor/stagedoor"
)

// TriggerRun is one execution of the scripts of a trigger.
type TriggerRun struct {
	Tenant  string
	Trigger *Trigger
	Scripts []Script        // actions, in order; or one hook
	Hook    bool            // the script is a hook
	Event   json.RawMessage // a JSON object, without secrets; for a hook an object of arguments and context
	Rules   []string        // ids of the rules that ran before, for api.rules.wasExecuted
	Known   json.RawMessage // what the trigger's api knows beyond the event: an object; nil for nothing
	Resume  bool            // the person came back whom the first script had sent elsewhere

	Watch
}

// Script is one action or hook. Its source is a module in the manner of Node.
type Script struct {
	ID, Name, Source string
	Secrets          map[string]string // its own, as event.secrets
	Modules          []Module          // what it may require as actions:NAME
	Dependencies     map[string]string // versions of npm packages that it means when it names none, by name
}

// Module is code that actions share.
type Module struct {
	Name, Source string
	Secrets      map[string]string
	Dependencies map[string]string
}

// TriggerOutcome is what came of it.
type TriggerOutcome struct {
	Effects Effects  // none when the run failed
	Failure *Failure // nil: every script ended well, or one refused
	Console []Line
	Results []Result // of the scripts that were started, in order
	Calls   []Call
}

// Result tells how one script ended.
type Result struct {
	Script, Name       string // id and name
	StartedAt, EndedAt time.Time
	Failure            *Failure // nil: it ended well
}

// The forms of a script: what is around it when it is compiled.
const (
	formModule = "module" // the body of a CommonJS module
	formShared = "shared" // the same, with actions.secrets
	formHook   = "hook"   // as a module, or one function expression
)

func (r *TriggerRun) form() string {
	if r.Hook {
		return formHook
	}
	return formModule
}

// Trigger runs the scripts of a trigger in order. Like [Host.Rules] it returns an error only if they could not be run at all.
func (h *Host) Trigger(ctx context.Context, run TriggerRun) (TriggerOutcome, error) {
	if len(run.Scripts) == 0 {
		return TriggerOutcome{}, nil
	}
	if !isObject(bytes.TrimSpace(run.Event)) || !json.Valid(run.Event) {
		return TriggerOutcome{}, errors.New("script: the event must be a JSON object")
	}
	kind := KindActions
	if run.Hook {
		kind = KindHooks
	}
	j := newJob(h, ctx, kind, Run{Tenant: run.Tenant, Watch: run.Watch})
	if run.Trigger.Unrecorded {
		j.recorder = nil
	}
	if j.recorder != nil {
		j.recorder.rec.Trigger = run.Trigger.ID
	}
	j.trigger, j.began = &run, time.Now()
	for _, s := range run.Scripts {
		j.run.Rules = append(j.run.Rules, Rule{ID: s.ID, Name: s.Name, Source: s.Source})
	}
	r, err := h.wait(ctx, j)
	if err != nil {
		return TriggerOutcome{}, err
	}
	if r.Effects != nil {
		h.caches.apply(run.Tenant, run.Trigger.ID, r.Effects.Cache, time.Now())
	}
	return j.triggered(r), nil
}

// triggered is the outcome as callers get it.
func (j *job) triggered(r result) TriggerOutcome {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.over = true
	out := TriggerOutcome{Console: j.lines(), Calls: j.calls}
	j.calls = nil
	f := r.Failure
	if f == nil && r.Effects == nil {
		f = &failure{Rule: -1, Kind: KindCrashed, Message: textCrashed}
	}
	if f != nil {
		out.Failure = j.failed(f)
	} else {
		j.veil.words(r.Effects)
		out.Effects = r.Effects.public(j.ruleName)
	}
	for _, t := range r.Timings {
		if t.Rule < 0 || t.Rule >= len(j.trigger.Scripts) {
			continue
		}
		s := j.trigger.Scripts[t.Rule]
		started := j.began.Add(time.Duration(t.Began) * time.Microsecond)
		out.Results = append(out.Results, Result{Script: s.ID, Name: s.Name, StartedAt: started, EndedAt: started.Add(time.Duration(t.Micros) * time.Microsecond)})
	}
	if f != nil { // a run that was ended from outside has no timings
		if n := len(out.Results); n > 0 && (f.Rule < 0 || out.Results[n-1].Name == out.Failure.Rule) {
			out.Results[n-1].Failure = out.Failure
		} else if s := j.trigger.Scripts; f.Rule >= 0 && f.Rule < len(s) {
			out.Results = append(out.Results, Result{Script: s[f.Rule].ID, Name: s[f.Rule].Name, StartedAt: j.began, EndedAt: time.Now(), Failure: out.Failure})
		}
	}
	return out
}

// sources are the texts that a run needs and the forms in which they are compiled.
func (j *job) sources() []source {
	if j.repeat != nil {
		return j.repeat.sources
	}
	var all []source
	for _, r := range j.run.Rules {
		form := ""
		if j.trigger != nil {
			form = j.trigger.form()
		}
		if j.call != nil {
			form = formCall
		}
		all = append(all, source{text: r.Source, form: form})
	}
	if j.trigger != nil {
		for _, s := range j.trigger.Scripts {
			for _, m := range s.Modules {
				all = append(all, source{text: m.Source, form: formShared})
			}
		}
	}
	return all
}

type source struct{ text, form string }

func (s source) hash() string {
	sum := sha256.Sum256([]byte(s.text))
	return hex.EncodeToString(sum[:16])
}

// triggerStart is what begins a trigger's run, beside the scripts' hashes.
func (j *job) triggerStart() *triggerStart {
	t := j.trigger
	if t == nil {
		return nil
	}
	s := &triggerStart{
		ID: t.Trigger.ID, Handler: t.Trigger.Handler, Hook: t.Hook, Event: t.Event, Known: t.Known, Rules: t.Rules,
		Cache: j.host.caches.of(t.Tenant, t.Trigger.ID, time.Now()),
	}
	if t.Resume {
		s.Resume = t.Trigger.Continue
	}
	if t.Trigger.Hook != nil {
		s.Errors = t.Trigger.Hook.Errors
	}
	at := len(t.Scripts)
	for _, script := range t.Scripts {
		own := scriptStart{Name: script.Name, Secrets: script.Secrets, Modules: map[string]moduleStart{}, Dependencies: script.Dependencies}
		for _, m := range script.Modules {
			own.Modules[m.Name] = moduleStart{At: at, Secrets: m.Secrets, Dependencies: m.Dependencies}
			at++
		}
		s.Scripts = append(s.Scripts, own)
	}
	return s
}

// Draft is an action or hook that is to be stored.
type Draft struct {
	Source  string
	Hook    bool
	Shared  bool     // code that actions share
	Modules []string // npm modules that it depends on, as name@version
}

// CheckDraft compiles an action or hook, looks for its modules, and runs nothing of it. What is wrong is an Invalid [stagedoor.Error]:
// its code is invalid_script or unknown_module, its message says what and where.
func (h *Host) CheckDraft(ctx context.Context, d Draft) error {
	form := formModule
	switch {
	case d.Hook:
		form = formHook
	case d.Shared:
		form = formShared
	}
	text, err := h.check(ctx, message{Source: d.Source, Form: form, Modules: d.Modules})
	if err == nil && text.Text != "" {
		err = &stagedoor.Error{Kind: stagedoor.Invalid, Code: "invalid_script", Message: text.Text}
	}
	if err == nil && len(text.Modules) > 0 {
		err = &stagedoor.Error{Kind: stagedoor.Invalid, Code: "unknown_module", Message: text.Modules[0]}
	}
	return err
}
