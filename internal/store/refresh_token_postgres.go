package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// What is done to refresh tokens with each login and each refresh is one statement on PostgreSQL, hence one round trip: its mark goes along.

// createRefreshTokenSQL is checkAccessEnded, checkOrigin, the row, and the end of the oldest that are too many, in one statement. It waits for a replay of the code that is
// under way, and sees what came of it. It does not see its own row: of the others one less may stay.
const createRefreshTokenSQL = ownerSQL + `,
	origin AS (SELECT replayed_at FROM codes WHERE tenant = ? AND id = ? AND EXISTS (SELECT 1 FROM owner) FOR SHARE),
	crowd AS (DELETE FROM refresh_tokens WHERE tenant = ? AND user_id = ? AND client_id = ? AND used_at IS NULL
		AND EXISTS (SELECT 1 FROM owner) AND NOT EXISTS (SELECT 1 FROM origin WHERE replayed_at IS NOT NULL)
		AND hash = ANY (ARRAY(SELECT hash FROM refresh_tokens WHERE tenant = ? AND user_id = ? AND client_id = ? AND used_at IS NULL
			ORDER BY created_at DESC, hash LIMIT 1000 OFFSET ?)))
	INSERT INTO refresh_tokens (` + refreshTokenColumns + `) ` + refreshTokenValues + `
	FROM owner WHERE NOT EXISTS (SELECT 1 FROM origin WHERE replayed_at IS NOT NULL) AND (NOT CAST(? AS BOOLEAN) OR EXISTS (SELECT 1 FROM origin))`

// refreshTokenValues are the values of refreshTokenColumns as a SELECT has them.
const refreshTokenValues = "SELECT ?, ?, ?, ?, CAST(? AS BIGINT), ?, ?, ?, CAST(? AS JSONB), CAST(? AS BIGINT), CAST(? AS BIGINT)"

func (s *Store) createRefreshToken(ctx context.Context, token string, t *stagedoor.RefreshToken) error {
	row, err := s.refreshTokenRow(token, t)
	if err != nil {
		return err
	}
	args := append(s.asWas(t.UserID, t.AccessEnded), s.tenant.ID, t.FamilyID, s.tenant.ID, t.UserID, t.ClientID, s.tenant.ID, t.UserID, t.ClientID, maxRefreshTokens-1)
	made, err := s.inserted(ctx, token, createRefreshTokenSQL, append(append(args, row...), ofCode(t.FamilyID)))
	if err == nil && !made {
		err = errAccessEnded()
	}
	return err
}

// inserted runs a statement that inserts a refresh token or nothing, and tells which. Where the answer is lost it was carried out, and the token tells;
// where that cannot be read either, the error says that the answer is lost.
func (s *Store) inserted(ctx context.Context, token, query string, args []any) (bool, error) {
	var n int64
	err := s.writeOne(ctx, func(q querier) (err error) {
		n, err = q.exec(ctx, query, args...)
		return err
	})
	if !stagedoor.HasCode(err, CodeAnswerLost) {
		return n > 0, err
	}
	switch _, missing := s.RefreshToken(ctx, token); {
	case missing == nil:
		return true, nil
	case stagedoor.IsKind(missing, stagedoor.NotFound):
		return false, nil
	}
	return false, err
}

// rotateUnusedSQL supersedes a token that is as it was presented. It locks its user first, as deleteFamily does, but lets others have the same lock: a token that
// is revoked meanwhile is gone for it, and one that it makes is seen by who revokes later.
const rotateUnusedSQL = `WITH owner AS (SELECT tenant, id FROM users WHERE tenant = ? AND id = ? FOR KEY SHARE),
	used AS (UPDATE refresh_tokens AS t SET used_at = ?, expires_at = ? FROM owner
		WHERE t.tenant = ? AND t.hash = ? AND t.user_id = owner.id AND t.used_at IS NULL AND t.expires_at > ? AND t.doc = CAST(? AS JSONB) RETURNING t.hash)
	INSERT INTO refresh_tokens (` + refreshTokenColumns + `)
	` + refreshTokenValues + ` FROM used`

// rotateUnused returns nil where the token is no longer as it was presented.
func (s *Store) rotateUnused(ctx context.Context, token, next string, presented *stagedoor.RefreshToken, idle time.Duration) (*stagedoor.RefreshToken, error) {
	was, err := json.Marshal(presented)
	if err != nil {
		return nil, err
	}
	t, now := *presented, s.db.clock.Now()
	t.Counter++
	touch(&t, now, idle)
	row, err := s.refreshTokenRow(next, &t)
	if err != nil {
		return nil, err
	}
	args := []any{s.tenant.ID, t.UserID, now.UnixMilli(), usedEnd(presented, now), s.tenant.ID, jose.HashToken(token), now.UnixMilli(), document(was)}
	made, err := s.inserted(ctx, next, rotateUnusedSQL, append(args, row...))
	if err != nil || !made {
		return nil, err
	}
	return &t, nil
}

// touchPresented tells whether the token was as it was presented.
func (s *Store) touchPresented(ctx context.Context, token string, presented *stagedoor.RefreshToken, idle time.Duration) (done bool, err error) {
	was, err := json.Marshal(presented)
	if err != nil {
		return false, err
	}
	t, now := *presented, s.db.clock.Now()
	touch(&t, now, idle)
	doc, err := json.Marshal(&t)
	if err != nil {
		return false, err
	}
	err = s.writeOne(ctx, func(q querier) error {
		n, err := q.exec(ctx, "UPDATE refresh_tokens SET doc = ?, expires_at = ? WHERE tenant = ? AND hash = ? AND expires_at > ? AND doc = CAST(? AS JSONB)",
			document(doc), refreshEnd(&t), s.tenant.ID, jose.HashToken(token), now.UnixMilli(), document(was))
		done = n > 0
		return err
	})
	if stagedoor.HasCode(err, CodeAnswerLost) {
		return false, nil // to note it once more does no harm
	}
	return done, err
}
