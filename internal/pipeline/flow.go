package pipeline

import (
	"context"
	"encoding/json"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/form"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/store"
)

// flowPowers is what the flows of a form may do for somebody. What they change at the Management API depends on the grant of the client that
// their connection names, not on the person.
func (p *Pipeline) flowPowers(v Visit, u *stagedoor.User, c *stagedoor.Client) form.Powers {
	powers := form.Powers{
		HTTP: p.Requests,
		Flow: func(ctx context.Context, id string) (*form.Flow, error) {
			d, err := store.Flows.Get(ctx, v.Store, id)
			if err != nil {
				return nil, err
			}
			return form.ParseFlow(d.ID, d.Sealed)
		},
		Vault: func(ctx context.Context, id string) (*form.Vault, error) {
			d, err := store.VaultConnections.Get(ctx, v.Store, id)
			if err != nil {
				return nil, err
			}
			out := new(form.Vault)
			return out, json.Unmarshal([]byte(d.Sealed), out)
		},
		TryCode:   func(ctx context.Context) (bool, error) { return guard.TryFlowCode(ctx, v.Store, u.ID) },
		RightCode: func(ctx context.Context) error { return guard.RightFlowCode(ctx, v.Store, u.ID) },
		Phone: func(ctx context.Context, method, from, to, text string) error {
			if err := guard.FlowMessage(ctx, v.Store, u.ID); err != nil {
				return err
			}
			return p.SendText(ctx, v, PhoneMessage{From: from, To: to, Text: text, Voice: text, Method: method, Kind: "flow", User: u, Client: c}, nil)
		},
		Ran: func(ctx context.Context, r form.Run) error {
			now := v.Store.Clock().Now()
			x := &stagedoor.FlowExecution{
				ID: "ae_" + stagedoor.NewBase58(22), FlowID: r.Flow.ID, TraceID: stagedoor.NewUUID(), JourneyID: r.Journey,
				Status: "COMPLETED", Failure: r.Failure, StartedAt: now.Add(-r.Took), EndedAt: now,
			}
			details := map[string]any{"flow_id": r.Flow.ID, "flow_name": r.Flow.Name, "execution_id": x.ID}
			e := stagedoor.LogEvent{Type: "flows_execution_completed", Description: r.Failure, ClientID: c.ID, UserID: u.ID, Details: details}
			if r.Failure != "" {
				x.Status, e.Type = "FAILED", "flows_execution_failed"
				details["error"] = map[string]any{"code": "flow_failed", "message": r.Failure}
			}
			details["state"] = x.Status
			v.Log(e)
			return v.Store.SaveFlowExecution(ctx, x)
		},
	}
	if p.MailFlow != nil {
		powers.Mail = func(ctx context.Context, m form.Mail) error {
			if err := guard.FlowMessage(ctx, v.Store, u.ID); err != nil {
				return err
			}
			return p.MailFlow(ctx, v, u, m)
		}
	}
	return powers
}
