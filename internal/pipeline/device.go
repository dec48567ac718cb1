package pipeline

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
)

// BeginApproval starts the login of the person whose approval a client waits for. Nobody else's goes on to its end.
func (p *Pipeline) BeginApproval(ctx context.Context, v Visit, d *stagedoor.DeviceCode, hint string) (*stagedoor.Transaction, error) {
	tx := deviceLogin(v, d)
	tx.Request.Subject, tx.Request.Approval, tx.Request.LoginHint = d.Approval.UserID, true, hint
	return tx, p.keepBegun(ctx, v, tx)
}

// BeginDevice starts the login that a device asks for, in the browser of a person who has confirmed its code. It goes on with [Pipeline.Continue].
func (p *Pipeline) BeginDevice(ctx context.Context, v Visit, d *stagedoor.DeviceCode) (*stagedoor.Transaction, error) {
	tx := deviceLogin(v, d)
	return tx, p.keepBegun(ctx, v, tx)
}

// keepBegun keeps such a login, if its network may begin another one: whoever has a code, or a link, begins as many by it as they like.
func (p *Pipeline) keepBegun(ctx context.Context, v Visit, tx *stagedoor.Transaction) error {
	if err := p.room(v, guard.Logins, 0); err != nil {
		return err
	}
	return v.Store.SaveTransaction(ctx, tx)
}

func deviceLogin(v Visit, d *stagedoor.DeviceCode) *stagedoor.Transaction {
	return &stagedoor.Transaction{
		ID: stagedoor.NewToken(), Browser: hash(v.Browser), ExpiresAt: d.ExpiresAt,
		Request: stagedoor.AuthorizationRequest{
			ClientID: d.ClientID, Audience: d.Audience, Scope: d.Scope, Details: d.Details, Conformant: true, Issuer: v.Issuer, Device: d.ID,
			Organization: d.Organization, Query: map[string][]string{},
		},
	}
}
