package pipeline

import (
	"context"
	"encoding/json"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
)

// hook runs the hook that is enabled at a trigger, if there is one: arguments are its first ones, before context and callback. ran tells
// whether there was one.
func (p *Pipeline) hook(ctx context.Context, v Visit, t *script.Trigger, arguments []any, hookContext map[string]any) (out script.TriggerOutcome, ran bool, err error) {
	h, err := v.Store.EnabledHook(ctx, t.ID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return out, false, nil
	}
	if err != nil {
		return out, false, err
	}
	event, err := json.Marshal(map[string]any{"arguments": arguments, "context": hookContext})
	if err != nil {
		return out, false, err
	}
	out, err = p.Scripts.Trigger(ctx, script.TriggerRun{
		Tenant: v.Store.Tenant().ID, Trigger: t, Hook: true, Event: event,
		Scripts: []script.Script{{ID: h.ID, Name: h.Name, Source: h.Script, Secrets: stagedoor.SecretValues(h.Sealed), Dependencies: h.Dependencies}},
	})
	return out, true, err
}

// hookConnection is a connection as hooks see it.
func hookConnection(v Visit, conn *stagedoor.Connection) map[string]any {
	return map[string]any{"id": conn.ID, "name": conn.Name, "tenant": v.Store.Tenant().ID}
}
