package store

import (
	"context"
	"encoding/json"

	"github.com/stagedoor/stagedoor"
)

// SetIdentityTokens keeps the tokens that the provider of a user's identity gave, in the place of those before. id is the identity's, as
// provider|id. None forgets them.
func (s *Store) SetIdentityTokens(ctx context.Context, userID, id string, tokens map[string]any) error {
	if len(tokens) == 0 {
		return s.writeOne(ctx, func(q querier) error {
			_, err := q.exec(ctx, "DELETE FROM identity_tokens WHERE tenant = ? AND id = ? AND user_id = ?", s.tenant.ID, id, userID)
			return err
		})
	}
	text, err := json.Marshal(tokens)
	if err != nil {
		return err
	}
	return s.inUser(ctx, userID, func(q querier, _ *stagedoor.User) error {
		_, err := q.exec(ctx, `INSERT INTO identity_tokens (tenant, id, user_id, sealed) VALUES (?, ?, ?, ?)
			ON CONFLICT (tenant, id) DO UPDATE SET user_id = excluded.user_id, sealed = excluded.sealed`,
			s.tenant.ID, id, userID, s.seal(string(text), "identity_tokens", id))
		return err
	})
}

// IdentityTokens returns the tokens of a user's identities.
func (s *Store) IdentityTokens(ctx context.Context, userID string) ([]stagedoor.IdentityTokens, error) {
	out := []stagedoor.IdentityTokens{}
	err := s.read().each(ctx, "SELECT id, sealed FROM identity_tokens WHERE tenant = ? AND user_id = ?", []any{s.tenant.ID, userID}, func(scan func(...any) error) error {
		var id, sealed string
		if err := scan(&id, &sealed); err != nil {
			return err
		}
		text, err := s.unseal(sealed, "identity_tokens", id)
		if err != nil {
			return err
		}
		var tokens map[string]any
		err = json.Unmarshal([]byte(text), &tokens)
		out = append(out, stagedoor.IdentityTokens{ID: id, Tokens: tokens})
		return err
	})
	return out, err
}
