package pipeline

import (
	"cmp"
	"context"
	"encoding/json"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
)

// Party is who asks for keys of a kind, or for passkeys, in a visit.
func (v Visit) Party(ctx context.Context, kind string) (mfa.Party, error) {
	t := v.Store.Tenant()
	return mfa.PartyOf(ctx, v.Store, v.Issuer, cmp.Or(t.Settings.FriendlyName, t.ID), kind)
}

func (p *Pipeline) keys(ctx context.Context, v Visit, kind string) (mfa.Keys, error) {
	party, err := v.Party(ctx, kind)
	return mfa.Keys{Store: v.Store, Party: party, Type: kind}, err
}

// KeyOptions returns what the browser needs for a key of a kind on the page of a login: to sign with one, or where a factor is enrolled, to
// make one.
func (p *Pipeline) KeyOptions(ctx context.Context, v Visit, tx *stagedoor.Transaction, kind string) (json.RawMessage, error) {
	u, err := v.Store.User(ctx, tx.UserID)
	if err != nil {
		return nil, err
	}
	keys, err := p.keys(ctx, v, kind)
	if err != nil {
		return nil, err
	}
	if tx.Step == AskEnroll {
		return p.enrollment(v, tx).BeginKey(ctx, keys.Party, u, kind, tx.ExpiresAt)
	}
	return keys.Begin(ctx, u, "login/"+tx.ID, tx.ExpiresAt)
}

// GiveKey takes what one of the person's keys has signed on the page of a login.
func (p *Pipeline) GiveKey(ctx context.Context, v Visit, id, nonce, kind string, response []byte, remember bool) (*Given, error) {
	tx, choice, err := p.choosing(ctx, v, id, AskFactor, nonce, kind)
	if err != nil {
		return nil, err
	}
	u, err := v.Store.User(ctx, tx.UserID)
	if err != nil {
		return nil, err
	}
	keys, err := p.keys(ctx, v, kind)
	if err == nil {
		err = keys.Check(ctx, u, "login/"+tx.ID, response)
	}
	p.logFactor(ctx, v, tx, factorLogs["key"], err)
	if err != nil {
		return nil, err
	}
	return p.gaveRemembered(ctx, v, tx, kind, remember && choice.Offered)
}

// EnrollKey takes the key that the browser has made on the enrolment page of a login, which is the person's second factor at once.
func (p *Pipeline) EnrollKey(ctx context.Context, v Visit, id, nonce, kind string, response []byte) (*Given, error) {
	tx, _, err := p.choosing(ctx, v, id, AskEnroll, nonce, kind)
	if err != nil {
		return nil, err
	}
	u, err := v.Store.User(ctx, tx.UserID)
	if err != nil {
		return nil, err
	}
	party, err := v.Party(ctx, kind)
	if err != nil {
		return nil, err
	}
	recovery, err := p.enrollment(v, tx).ConfirmKey(ctx, party, u, kind, response)
	return p.enrolled(ctx, v, tx, kind, recovery, err)
}
