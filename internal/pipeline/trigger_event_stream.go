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
	action, err := st.Action(ctx, actionID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return errors.New("the action is gone")
	}
	if err != nil {
		return err
	}
	if action.Deployed == "" {
		return errors.New("the action is not deployed")
	}
	version, err := st.ActionVersion(ctx, action.ID, action.Deployed)
	if err != nil {
		return err
	}
	if version.Body.Trigger.ID != script.EventStream.ID {
		return errors.New("the action is for the trigger " + version.Body.Trigger.ID)
	}
	all := &actions{p: p, visit: Visit{Store: st}, trigger: script.EventStream, bound: []stagedoor.BoundAction{{Name: action.Name, Version: *version}}}
	out, _, err := all.run(ctx, map[string]any{"message": event}, nil)
	switch {
	case err != nil:
		return err
	case out.Failure != nil:
		return errors.New(out.Failure.Message)
	case out.Effects.Unsupported != "":
		return errors.New("the action called " + out.Effects.Unsupported + ", which this server does not support")
	}
	return nil
}
