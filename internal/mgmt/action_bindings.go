package mgmt

import (
	"cmp"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/web"
)

// maxBound bounds how many actions run at a trigger (Management API fact sheet 3.3).
const maxBound = 20

// listTriggers shows every trigger in each of its versions.
func (a *API) listTriggers(*call) (any, error) {
	out := []any{}
	for _, t := range script.Triggers {
		policy := "trigger-bound"
		if t.EntityBound {
			policy = "entity-bound"
		}
		for _, v := range t.Versions {
			compatible := []stagedoor.ActionTrigger{}
			for _, version := range v.Compatible {
				compatible = append(compatible, stagedoor.ActionTrigger{ID: t.ID, Version: version})
			}
			out = append(out, map[string]any{
				"id": t.ID, "version": v.Version, "status": v.Status, "runtimes": script.Runtimes, "default_runtime": script.Runtimes[0],
				"compatible_triggers": compatible, "binding_policy": policy,
			})
		}
	}
	return map[string]any{"triggers": out}, nil
}

// pathTrigger returns the trigger in the path.
func pathTrigger(c *call) (*script.Trigger, error) {
	id := c.r.PathValue("trigger_id")
	if t := script.TriggerByID(id); t != nil {
		return t, nil
	}
	return nil, (&web.Violation{Path: "triggerId", Doc: "An actions extensibility point.", Reason: "No enum match for: " + bounded(id, 100)}).URI()
}

func (a *API) listBindings(c *call, in actionPaging) (any, error) {
	t, err := pathTrigger(c)
	if err != nil {
		return nil, err
	}
	all, err := c.store.ActionBindings(c.ctx(), t.ID)
	if err != nil {
		return nil, err
	}
	return paged(in, "bindings", all, func(b *stagedoor.ActionBinding) (any, error) { return a.showBinding(c, b) })
}

func (a *API) showBinding(c *call, b *stagedoor.ActionBinding) (any, error) {
	act, err := c.store.Action(c.ctx(), b.Action)
	if err != nil {
		return nil, err
	}
	v, err := c.store.ActionVersion(c.ctx(), act.ID, act.Deployed)
	if err != nil {
		return nil, err
	}
	shown := brief(act)
	addVersions(shown, v)
	out := map[string]any{
		"id": b.ID, "trigger_id": b.Trigger, "display_name": b.DisplayName, "action": shown, "created_at": nano(b.CreatedAt), "updated_at": nano(b.CreatedAt),
	}
	if len(b.Secrets) > 0 {
		out["secrets"] = showSecrets(b.Secrets)
	}
	return out, nil
}

type bindingIn struct {
	Ref struct {
		Type  string `json:"type" schema:"required,enum=binding_id|action_id|action_name" doc:"How the action is being referred to"`
		Value string `json:"value" schema:"required,min=1" doc:"The id or name of an action that is being bound to a trigger"`
	} `json:"ref" schema:"required" doc:"A reference to an action"`
	DisplayName string              `json:"display_name" schema:"max=255" doc:"The name of the binding"`
	Secrets     web.Opt[[]secretIn] `json:"secrets" schema:"notnull,max=30" doc:"The list of secrets that are included in an action or a version of an action"`
}

type bindingsIn struct {
	Bindings []bindingIn `json:"bindings" schema:"required" doc:"The actions that will be bound to this trigger. The order in which they are included will be the order in which they are executed"`
}

// setBindings replaces what runs at a trigger.
func (a *API) setBindings(c *call, in bindingsIn) (any, error) {
	t, err := pathTrigger(c)
	if err != nil {
		return nil, err
	}
	if !t.Runs && len(in.Bindings) > 0 {
		return nil, neverRuns(t)
	}
	most := cmp.Or(t.Most, maxBound)
	if len(in.Bindings) > most {
		return nil, badProperty("bindings", "Array is too long ("+itoa(len(in.Bindings))+"), maximum "+itoa(most))
	}
	all, err := c.store.SetActionBindings(c.ctx(), t.ID, func(old []stagedoor.ActionBinding, all []stagedoor.Action) ([]stagedoor.ActionBinding, error) {
		next := []stagedoor.ActionBinding{}
		for i := range in.Bindings {
			b, err := in.Bindings[i].binding(c, t, "bindings["+itoa(i)+"]", old, all)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(next, func(n stagedoor.ActionBinding) bool { return n.Action == b.Action }) {
				return nil, badProperty("bindings["+itoa(i)+"]", "The action is bound twice")
			}
			next = append(next, *b)
		}
		return next, nil
	})
	if err != nil {
		return nil, err
	}
	shown := []any{}
	for i := range all {
		b, err := a.showBinding(c, &all[i])
		if err != nil {
			return nil, err
		}
		shown = append(shown, b)
	}
	return map[string]any{"bindings": shown}, nil
}

// binding resolves a reference. An action that is bound already keeps the binding it has, at its new place.
func (in *bindingIn) binding(c *call, t *script.Trigger, at string, old []stagedoor.ActionBinding, all []stagedoor.Action) (*stagedoor.ActionBinding, error) {
	value, byID := in.Ref.Value, in.Ref.Type == "action_id"
	if in.Ref.Type == "binding_id" {
		i := slices.IndexFunc(old, func(b stagedoor.ActionBinding) bool { return b.ID == value })
		if i < 0 {
			return nil, badProperty(at+".ref.value", "There is no such binding")
		}
		value, byID = old[i].Action, true
	}
	i := slices.IndexFunc(all, func(act stagedoor.Action) bool { return byID && act.ID == value || !byID && act.Name == value })
	switch {
	case i < 0:
		return nil, badProperty(at+".ref.value", "There is no such action")
	case all[i].Draft.Trigger.ID != t.ID:
		return nil, badProperty(at+".ref.value", "The action is for the trigger "+all[i].Draft.Trigger.ID)
	case all[i].Deployed == "":
		return nil, badProperty(at+".ref.value", "The action must be deployed before it can be bound")
	}
	b := &stagedoor.ActionBinding{Action: all[i].ID}
	if was := slices.IndexFunc(old, func(o stagedoor.ActionBinding) bool { return o.Action == b.Action }); was >= 0 {
		*b = old[was]
	}
	if in.DisplayName != "" {
		b.DisplayName = in.DisplayName
	}
	if b.DisplayName == "" {
		b.DisplayName = all[i].Name
	}
	if in.Secrets.Set {
		return b, setSecrets(c, in.Secrets.Value, &b.Secrets, &b.Sealed)
	}
	return b, nil
}

func (a *API) readExecution(c *call) (any, error) {
	e, err := c.store.ActionExecution(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	results := []any{}
	for _, r := range e.Results {
		one := map[string]any{"action_name": r.Name, "started_at": nano(r.StartedAt), "ended_at": nano(r.EndedAt)}
		if r.Error != nil {
			one["error"] = r.Error
		}
		results = append(results, one)
	}
	return map[string]any{
		"id": e.ID, "trigger_id": e.Trigger, "status": e.Status, "results": results, "created_at": nano(e.CreatedAt), "updated_at": nano(e.UpdatedAt),
	}, nil
}
