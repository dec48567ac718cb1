package pipeline

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
)

// CredentialsExchange runs the hook and then the actions for a client that asks for a token in its own name. They change the scopes and the
// claims of a, or refuse. o is the organization that the token is for, nil for none. The event, which the caller writes, is completed with what they said.
func (p *Pipeline) CredentialsExchange(ctx context.Context, v Visit, client *stagedoor.Client, o *stagedoor.Organization, asked []string, a *stagedoor.Authorization, e *stagedoor.LogEvent) error {
	out, ran, err := p.hook(ctx, v, script.CredentialsExchange, []any{
		map[string]any{"id": client.ID, "name": client.Name, "tenant": v.Store.Tenant().ID, "metadata": nonNil(client.Metadata)}, nonNilList(a.Scope), a.Audience,
	}, map[string]any{})
	if ran {
		e.Details = said{console: consoleLines("action", out.Console)}.details(e.Details)
		if err == nil {
			err = exchanged(out, a)
		}
	}
	if err != nil {
		return err
	}
	all, err := p.bound(ctx, v, script.CredentialsExchange)
	if err != nil || len(all.bound) == 0 {
		return err
	}
	event := commonEvent(v, "POST", nil)
	event["client"], event["resource_server"] = eventClient(client), map[string]any{"identifier": a.Audience}
	event["accessToken"] = map[string]any{"customClaims": nonNilClaims(a), "scope": nonNilList(a.Scope)}
	event["transaction"] = map[string]any{"requested_scopes": nonNilList(asked), "target_scopes": nonNilList(a.Scope)}
	if o != nil {
		event["organization"] = scriptOrganization(o)
	}
	out, s, err := all.run(ctx, event, nil)
	e.Details = s.details(e.Details)
	if err != nil {
		return err
	}
	return exchanged(out, a)
}

// exchanged applies what scripts asked for.
func exchanged(out script.TriggerOutcome, a *stagedoor.Authorization) (err error) {
	switch f, d := out.Failure, out.Effects.Denied; {
	case f != nil:
		return scripted("server_error", f.Message)
	case out.Effects.Unsupported != "":
		return notSupported(out.Effects.Unsupported)
	case d != nil:
		refusal := scripted(d.Code, d.Reason)
		if d.Code != "server_error" { // invalid_scope, invalid_request
			refusal.Kind = stagedoor.Invalid
		}
		return refusal
	}
	a.Scope = changed(a.Scope, out.Effects.Scopes)
	a.TokenClaims, err = claimed(a.TokenClaims, out.Effects.AccessClaims, a.Scope, true)
	return err
}

func nonNilClaims(a *stagedoor.Authorization) any {
	if a.TokenClaims == nil {
		return map[string]any{}
	}
	return a.TokenClaims
}
