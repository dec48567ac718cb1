package mgmt

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/rehearsal"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/web"
)

type testActionIn struct {
	Payload   map[string]json.RawMessage `json:"payload" schema:"required" doc:"The payload for the action"`
	TimeoutMs web.Opt[int]               `json:"timeoutMs" schema:"min=1" doc:"How long the action may take, in milliseconds"`
}

// testAction runs the draft of an action over an event of the caller's, and shows what it asked for. Nothing of that is done.
func (a *API) testAction(c *call, in testActionIn) (any, error) {
	act, err := a.action(c, c.id())
	if err != nil {
		return nil, err
	}
	t := script.TriggerByID(act.Draft.Trigger.ID)
	if a.Scripts == nil || t == nil || !t.Runs {
		return nil, unsupported("Running actions of the trigger " + act.Draft.Trigger.ID)
	}
	event, given := in.Payload["event"]
	if !given || web.TypeOf(event) != "object" {
		if event, err = json.Marshal(in.Payload); err != nil {
			return nil, err
		}
	}
	s := script.Script{
		ID: act.ID, Name: act.Name, Source: act.Draft.Code, Secrets: stagedoor.SecretValues(act.Sealed),
		Dependencies: stagedoor.DependencyVersions(act.Draft.Dependencies),
	}
	if s.Modules, err = pipeline.Modules(c.ctx(), c.store, act.Draft.Modules); err != nil {
		return nil, err
	}
	ctx, cancel := c.ctx(), context.CancelFunc(func() {})
	if in.TimeoutMs.Has() {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(in.TimeoutMs.Value)*time.Millisecond)
	}
	defer cancel()
	run := script.TriggerRun{Tenant: tryTenant(c.store.Tenant()), Trigger: t, Scripts: []script.Script{s}, Event: event}
	out, err := a.Scripts.Trigger(ctx, run)
	if errors.Is(err, context.DeadlineExceeded) && c.ctx().Err() == nil {
		out, err = script.TriggerOutcome{Failure: &script.Failure{Name: "Error", Message: "The action took longer than timeoutMs"}}, nil
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"payload": showRun(out)}, nil
}

// showRun is the outcome of a test as it is shown.
func showRun(out script.TriggerOutcome) map[string]any {
	payload := map[string]any{}
	var logs strings.Builder
	for _, l := range out.Console {
		logs.WriteString(l.Text + "\n")
	}
	payload["logs"] = logs.String()
	for _, r := range out.Results {
		payload["stats"] = map[string]any{"action_duration_ms": r.EndedAt.Sub(r.StartedAt).Milliseconds()}
	}
	if f := out.Failure; f != nil {
		payload["error"] = map[string]any{"name": f.Name, "message": f.Message, "stack": f.Stack}
		return payload
	}
	effects := rehearsal.OfTrigger(out).Effects
	if effects == nil {
		effects = map[string]any{}
	}
	if d := out.Effects.Denied; d != nil {
		effects["denied"] = map[string]any{"code": d.Code, "reason": d.Reason, "message": d.Message}
	}
	if call := out.Effects.Unsupported; call != "" {
		effects["not_supported"] = call
	}
	payload["effects"] = effects
	return payload
}
