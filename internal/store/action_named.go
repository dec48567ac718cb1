package store

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/stagedoor/stagedoor"
)

// Actions are run by triggers that they are bound to, and by what names one: event streams, token exchange profiles, and databases whose passwords have hashes of their own.
// Who begins to name an action holds it until the write is over (actionThere), and who deletes one looks, once nobody holds it, whether anything names it (runnerOf): so nothing
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

// runnerOf is what names an action; empty where nothing does.
func (s *Store) runnerOf(ctx context.Context, q querier, id string) (string, error) {
	for _, k := range []struct {
		kind   *Kind[stagedoor.Document]
		called string
	}{{&EventStreams, "the event stream "}, {&TokenExchangeProfiles, "the token exchange profile "}} {
		all, err := k.kind.noun(s).list(ctx, s, q)
		for i := 0; i < len(all) && err == nil; i++ {
			var runs string
			if runs, err = k.kind.Runs(&all[i]); err == nil && runs == id {
				return k.called + all[i].ID, nil
			}
		}
		if err != nil {
			return "", err
		}
	}
	all, err := connections.list(ctx, s, q)
	if i := slices.IndexFunc(all, func(c stagedoor.Connection) bool { return c.CustomHashAction() == id }); i >= 0 {
		return "the connection " + all[i].ID, nil
	}
	return "", err
}
