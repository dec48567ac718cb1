package mgmt

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/web"
)

type testActionIn struct {
	Payload   map[string]json.RawMessage `json:"payload" schema:"required" doc:"The payload for the action"`
	TimeoutMs web.Opt[int]               `json:"timeoutMs" doc:"How long the action may take, in milliseconds"`
}

// testAction runs the draft of an action over an event of the caller's, and shows what it asked for. Nothing of that is done.
func (a *API) testAction(c *call, in testActionIn) (any, error) {
	act, err := a.action(c, c.id())
	if err != nil {
		return nil, err
	}
	t := script.TriggerByID(act.Draft.Trigger.ID)
	if a.RunTrigger == nil || t == nil || !t.Runs {
		return nil, unsupported("Running actions of the trigger " + act.Draft.Trigger.ID)
	}
	event, given := in.Payload["event"]
	if !given || web.TypeOf(event) != "object" {
		if event, err = json.Marshal(in.Payload); err != nil {
			return nil, err
		}
	}
	s := script.Script{ID: act.ID, Name: act.Name, Source: act.Draft.Code, Secrets: stagedoor.SecretValues(act.Sealed), Dependencies: stagedoor.DependencyVersions(act.Draft.Dependencies)}
	if s.Modules, err = pipeline.Modules(c.ctx(), c.store, act.Draft.Modules); err != nil {
		return nil, err
	}
	out, err := a.RunTrigger(c.ctx(), script.TriggerRun{Tenant: c.store.Tenant().ID, Trigger: t, Scripts: []script.Script{s}, Event: event})
	if err != nil {
		return nil, err
	}
	return map[string]any{"payload": showRun(out)}, nil
}

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
	e, effects := out.Effects, map[string]any{}
	if e.Denied != nil {
		effects["denied"] = map[string]any{"code": e.Denied.Code, "reason": e.Denied.Reason, "message": e.Denied.Message}
	}
	for name, claims := range map[string]map[string]json.RawMessage{
		"id_token_claims": e.IDClaims, "access_token_claims": e.AccessClaims, "user_metadata": e.UserMetadata, "app_metadata": e.AppMetadata,
	} {
		if len(claims) > 0 {
			effects[name] = claims
		}
	}
	if len(e.Scopes) > 0 {
		changes := []any{}
		for _, s := range e.Scopes {
			changes = append(changes, map[string]any{"op": s.Op, "scopes": s.Scopes})
		}
		effects["scopes"] = changes
	}
	if e.Revoke != "" {
		effects["revoked"] = e.Revoke
	}
	for name, change := range map[string]*stagedoor.AccessChange{"session": e.Session, "refresh_token": e.RefreshToken} {
		if change != nil {
			effects[name] = showChange(change)
		}
	}
	if len(e.Methods) > 0 {
		effects["methods"] = e.Methods
	}
	if e.PrimaryUser != "" {
		effects["primary_user"] = e.PrimaryUser
	}
	if s := e.Suspend; s != nil {
		effects["suspended"] = map[string]any{"kind": s.Kind, "details": s.Details}
	}
	if e.Unsupported != "" {
		effects["not_supported"] = e.Unsupported
	}
	payload["effects"] = effects
	return payload
}

func showChange(c *stagedoor.AccessChange) map[string]any {
	out := map[string]any{}
	if c.ExpiresAt != 0 {
		out["expires_at"] = stagedoor.FormatTime(time.UnixMilli(c.ExpiresAt))
	}
	if c.IdleExpiresAt != 0 {
		out["idle_expires_at"] = stagedoor.FormatTime(time.UnixMilli(c.IdleExpiresAt))
	}
	if c.CookieMode != "" {
		out["cookie_mode"] = c.CookieMode
	}
	if c.Evict {
		out["evicted"] = true
	}
	if len(c.Metadata) > 0 {
		out["metadata"] = c.Metadata
	}
	return out
}
