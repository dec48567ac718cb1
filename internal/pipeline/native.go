package pipeline

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
)

// ByNative signs a person in by a proof that their app has got from the provider of the connection, and returns what tokens are made from.
// The event, which the caller writes, is completed with the user and with what scripts said.
func (p *Pipeline) ByNative(ctx context.Context, v Visit, x *Direct, conn *stagedoor.Connection, n *connection.Native, e *stagedoor.LogEvent) (*stagedoor.Authorization, *stagedoor.User, error) {
	e.Connection, e.ConnID, e.Strategy = conn.Name, conn.ID, conn.Strategy
	if err := guard.Exchange(ctx, v.Store, v.IP); err != nil {
		return nil, nil, err
	}
	on := &connection.Occasion{ClientID: x.Client.ID, Organization: x.Organization}
	u, err := p.Upstream.IdentifyNative(ctx, v.Store, conn, on, n)
	if stagedoor.IsKind(err, stagedoor.Forbidden) {
		if err := guard.WrongToken(ctx, v.Store, v.IP); err != nil {
			return nil, nil, err
		}
		v.Log(stagedoor.LogEvent{Type: "f", Description: describe(err), Connection: conn.Name, ConnID: conn.ID, Strategy: conn.Strategy, ClientID: x.Client.ID})
	}
	if err != nil {
		return nil, nil, err
	}
	return p.directly(ctx, v, x, conn, u, "federated", e)
}
