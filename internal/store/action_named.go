package store

import (
	"context"
	"encoding/json"

	"github.com/stagedoor/stagedoor"
)

// Actions are run by triggers that they are bound to, and by what names one: event streams, token exchange profiles, and databases whose passwords have hashes of their own.
// Who begins to name an action holds it until the write is over (actionThere), and who deletes one looks, once nobody holds it, what names it (runnersOf): so nothing
// ever names an action that is gone.

// TokenExchangeProfiles say which action looks at the tokens of a type, which is the name.
var TokenExchangeProfiles = func() Kind[stagedoor.Document] {
	k := documentKind("token_exchange_profile", "tep_", "Token exchange profile not found.")
	k.Runs = func(d *stagedoor.Document) (string, error) {
		var p struct {
			ActionID string `json:"action_id"`
		}
		err := json.Unmarshal([]byte(d.Sealed), &p)
		return p.ActionID, err
	}
	return k
}()

// actionThere refuses an action that something begins to name and that is not there. One that is stays until the write is over. Before is the one that it named before.
func (s *Store) actionThere(ctx context.Context, q querier, before, id string) error {
	if id == "" || id == before {
		return nil
	}
	_, err := actions.one(ctx, s, q, "id = ?"+s.db.forShare(), id)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = stagedoor.Errorf(stagedoor.Invalid, "invalid_body", "There is no such action: it was deleted meanwhile.")
	}
	return err
}

// A runner is something that names an action.
type runner struct {
	called string
	drop   func() error // has it name the action no more
	stream string       // its id, if it is an event stream
}

// runnersOf are what names an action.
func (s *Store) runnersOf(ctx context.Context, q querier, id string) ([]runner, error) {
	var out []runner
	for _, k := range []struct {
		kind   *Kind[stagedoor.Document]
		called string
	}{{&EventStreams, "the event stream "}, {&TokenExchangeProfiles, "the token exchange profile "}} {
		all, err := k.kind.noun().list(ctx, s, q)
		if err != nil {
			return nil, err
		}
		for i := range all {
			runs, err := k.kind.Runs(&all[i])
			if err != nil {
				return nil, err
			}
			if runs == id {
				r := runner{called: k.called + all[i].ID, drop: func() error { return s.dropRunner(ctx, q, k.kind, all[i].ID, id) }}
				if k.kind == &EventStreams {
					r.stream = all[i].ID
				}
				out = append(out, r)
			}
		}
	}
	all, err := connections.list(ctx, s, q)
	for i := range all {
		if all[i].CustomHashAction() == id {
			out = append(out, runner{called: "the connection " + all[i].ID, drop: func() error { return s.dropHashAction(ctx, q, all[i].ID, id) }})
		}
	}
	return out, err
}

// dropRunner deletes a document that is nothing without the action that it names, if it still names that once nobody else changes it.
func (s *Store) dropRunner(ctx context.Context, q querier, k *Kind[stagedoor.Document], id, action string) error {
	d, err := k.noun().one(ctx, s, q, "id = ?"+s.db.forUpdate(), id)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if runs, err := k.Runs(d); err != nil || runs != action {
		return err
	}
	return k.noun().delete(ctx, s, q, id)
}

// dropHashAction takes the action out of a connection, which has none for hashes of its own from then on.
func (s *Store) dropHashAction(ctx context.Context, q querier, id, action string) error {
	c, err := connections.one(ctx, s, q, "id = ?"+s.db.forUpdate(), id)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil
	}
	if err != nil || c.CustomHashAction() != action {
		return err
	}
	delete(c.Options.Stored, "custom_password_hash")
	return connections.save(ctx, s, q, id, c)
}
