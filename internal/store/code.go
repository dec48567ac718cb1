package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/stagedoor/stagedoor"
)

// SaveCode keeps an authorization code and returns its id, which its tokens carry
// as their origin.
func (s *Store) SaveCode(ctx context.Context, code string, c *stagedoor.Code) error {
	doc, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "INSERT INTO codes (tenant, hash, id, user_id, doc, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
			s.tenant.ID, hashed(code), stagedoor.NewID("code_"), c.UserID, document(doc), millis(c.ExpiresAt))
		return err
	})
}

// ConsumeCode uses a code up: one statement marks it and returns it, so that of many
// callers one succeeds. A code that was used before takes back the tokens that it gave
// (RFC 6749 section 4.1.2), and is NotFound like one that never was.
func (s *Store) ConsumeCode(ctx context.Context, code string) (c *stagedoor.Code, origin string, err error) {
	hash, now := hashed(code), s.db.clock.Now().UnixMilli()
	var doc string
	err = s.write(ctx, func(q querier) error {
		err := q.row(ctx, "UPDATE codes SET used_at = ? WHERE tenant = ? AND hash = ? AND used_at IS NULL AND expires_at > ? RETURNING doc, id",
			[]any{now, s.tenant.ID, hash, now}, &doc, &origin)
		if !errors.Is(err, errNoRows) {
			return err
		}
		doc = ""
		return s.revokeReplayed(ctx, q, hash)
	})
	if err != nil {
		return nil, "", err
	}
	if doc == "" {
		return nil, "", errNotFound("code")
	}
	c = new(stagedoor.Code)
	return c, origin, json.Unmarshal([]byte(doc), c)
}

func (s *Store) revokeReplayed(ctx context.Context, q querier, hash string) error {
	var origin string
	err := q.row(ctx, "SELECT id FROM codes WHERE tenant = ? AND hash = ? AND used_at IS NOT NULL", []any{s.tenant.ID, hash}, &origin)
	if errors.Is(err, errNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := q.exec(ctx, "DELETE FROM access_tokens WHERE tenant = ? AND origin = ?", s.tenant.ID, origin); err != nil {
		return err
	}
	_, err = q.exec(ctx, "DELETE FROM refresh_tokens WHERE tenant = ? AND family = ?", s.tenant.ID, origin)
	return err
}

// SaveAccessToken keeps an opaque access token, one that is good for /userinfo only.
func (s *Store) SaveAccessToken(ctx context.Context, token, origin string, a *stagedoor.Authorization, expires time.Time) error {
	doc, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "INSERT INTO access_tokens (tenant, hash, origin, user_id, doc, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
			s.tenant.ID, hashed(token), origin, a.UserID, document(doc), millis(expires))
		return err
	})
}

// AccessToken returns what an opaque access token stands for.
func (s *Store) AccessToken(ctx context.Context, token string) (*stagedoor.Authorization, error) {
	var doc string
	err := s.read().row(ctx, "SELECT doc FROM access_tokens WHERE tenant = ? AND hash = ? AND expires_at > ?",
		[]any{s.tenant.ID, hashed(token), s.db.clock.Now().UnixMilli()}, &doc)
	if errors.Is(err, errNoRows) {
		return nil, errNotFound("token")
	}
	if err != nil {
		return nil, err
	}
	a := new(stagedoor.Authorization)
	return a, json.Unmarshal([]byte(doc), a)
}
