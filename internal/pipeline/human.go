package pipeline

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
)

// Challenge returns what a form of a flow asks of who sees it; nil if nothing.
func (p *Pipeline) Challenge(ctx context.Context, v Visit, flow guard.Flow) (*guard.Challenge, error) {
	return guard.Challenged(ctx, v.Store, flow, v.IP)
}

// Human refuses a form that lacks what was asked for. A request without a form, field nil, is refused wherever something is asked.
func (p *Pipeline) Human(ctx context.Context, v Visit, flow guard.Flow, field func(string) string) error {
	c, err := p.Challenge(ctx, v, flow)
	if err != nil || c == nil {
		return err
	}
	if field == nil {
		return guard.ErrVerification()
	}
	why, err := c.Human(ctx, v.Store, p.HTTP, field)
	if why != nil {
		v.Log(stagedoor.LogEvent{Type: "w", Description: "A captcha could not be checked: " + why.Error()})
	}
	return err
}
