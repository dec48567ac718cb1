package store

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// SaveMFAToken keeps a token request that waits for a second factor, anew if the token has one already. NotFound: all access of its person has ended since they gave the first one.
func (s *Store) SaveMFAToken(ctx context.Context, token string, t *stagedoor.MFAToken) error {
	doc, err := json.Marshal(t)
	if err != nil {
		return err
	}
	hash := jose.HashToken(token)
	return s.write(ctx, func(q querier) error {
		if err := s.checkAccessEnded(ctx, q, t.UserID, t.AccessEnded); err != nil {
			return err
		}
		_, err := q.exec(ctx, "INSERT INTO mfa_tokens (tenant, hash, user_id, doc, sealed, expires_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, hash) DO UPDATE SET doc = excluded.doc, used_at = NULL",
			s.tenant.ID, hash, t.UserID, document(doc), s.seal(t.RefreshToken, "mfa_tokens", hash), millis(t.ExpiresAt))
		return err
	})
}

// MFAToken returns what a token stands for, also when it has expired, without using it up.
func (s *Store) MFAToken(ctx context.Context, token string) (*stagedoor.MFAToken, error) {
	return s.mfaToken(ctx, s.read(), jose.HashToken(token), "SELECT doc, sealed, "+accessEndedOf("mfa_tokens")+" FROM mfa_tokens WHERE tenant = ? AND hash = ? AND used_at IS NULL", s.tenant.ID, jose.HashToken(token))
}

// ConsumeMFAToken uses a token up: of many callers one succeeds.
func (s *Store) ConsumeMFAToken(ctx context.Context, token string) (t *stagedoor.MFAToken, err error) {
	now := millis(s.db.clock.Now())
	err = s.writeOne(ctx, func(q querier) (err error) {
		t, err = s.mfaToken(ctx, q, jose.HashToken(token), "UPDATE mfa_tokens SET used_at = ? WHERE tenant = ? AND hash = ? AND used_at IS NULL AND expires_at > ? RETURNING doc, sealed, "+accessEndedOf("mfa_tokens"),
			now, s.tenant.ID, jose.HashToken(token), now)
		return err
	})
	return t, err
}

func (s *Store) mfaToken(ctx context.Context, q querier, hash, query string, args ...any) (*stagedoor.MFAToken, error) {
	var doc, sealed string
	var ended int64
	err := q.row(ctx, query, args, &doc, &sealed, &ended)
	if errors.Is(err, errNoRows) {
		return nil, errNotFound("mfa_token")
	}
	if err != nil {
		return nil, err
	}
	t := &stagedoor.MFAToken{AccessEnded: ended}
	if err := json.Unmarshal([]byte(doc), t); err != nil {
		return nil, err
	}
	t.RefreshToken, err = s.unseal(sealed, "mfa_tokens", hash)
	return t, err
}
