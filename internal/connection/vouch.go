package connection

import (
	"context"
	"encoding/json"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Vouch returns the person who came back with an answer from a provider that is no tenant's, such as the one that signs administrators in. Nothing is kept of them.
func (o *Upstream) Vouch(ctx context.Context, st *store.Store, c *stagedoor.Connection, back *stagedoor.Upstream, a *Answer) (*stagedoor.Vouched, error) {
	if err := a.refusal(); err != nil {
		return nil, err
	}
	p, err := o.plan(ctx, c)
	if err != nil {
		return nil, err
	}
	g := &given{plan: p, conn: c, answer: a, tokens: map[string]any{}, st: st, ctx: ctx, up: o}
	who, err := g.person(back)
	if err != nil {
		return nil, err
	}
	v := &stagedoor.Vouched{Subject: who.ID, FullName: who.Texts["name"]}
	if who.EmailVerified {
		v.Email = who.Email
	}
	_ = json.Unmarshal(who.Attributes["groups"], &v.Groups) // what is no list of texts names no group
	return v, nil
}
