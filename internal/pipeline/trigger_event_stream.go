package pipeline

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
)

// ForEvent runs the action that an event stream names over an event. An error says that it did not take it, in words for the stream's deliveries.
func (p *Pipeline) ForEvent(ctx context.Context, st *store.Store, actionID string, event json.RawMessage) error {
	all, err := p.named(ctx, Visit{Store: st}, script.EventStream, actionID)
	if absent := noAction(""); errors.As(err, &absent) {
		return err
	}
	if err != nil {
		return stagedoor.AsError(err)
	}
	out, _, err := all.run(ctx, map[string]any{"message": event}, nil)
	switch {
	case err != nil:
		return stagedoor.AsError(err)
	case out.Failure != nil:
		return errors.New(out.Failure.Message)
	case out.Effects.Unsupported != "":
		return errors.New("the action called " + out.Effects.Unsupported + ", which this server does not support")
	}
	return nil
}
