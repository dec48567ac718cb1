package pipeline

import (
	"context"

	"github.com/stagedoor/stagedoor"
)

// BeginDevice starts the login that a device asks for, in the browser of a person who has confirmed its code. It goes on with [Pipeline.Continue].
func (p *Pipeline) BeginDevice(ctx context.Context, v Visit, d *stagedoor.DeviceCode) (*stagedoor.Transaction, error) {
	tx := &stagedoor.Transaction{
		ID: stagedoor.NewToken(), Browser: hash(v.Browser), ExpiresAt: d.ExpiresAt,
		Request: stagedoor.AuthorizationRequest{
			ClientID: d.ClientID, Audience: d.Audience, Scope: d.Scope, Conformant: true, Issuer: v.Issuer, Device: d.ID,
			Query: map[string][]string{},
		},
	}
	return tx, v.Store.SaveTransaction(ctx, tx)
}
