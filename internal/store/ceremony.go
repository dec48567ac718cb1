package store

import (
	"context"
	"errors"
	"time"

	"github.com/stagedoor/stagedoor/internal/jose"
)

// SaveCeremony keeps what is under way between a page, or a program, and a person, under a key that is never stored. What was there before is
// replaced, and so is how often it was tried.
func (s *Store) SaveCeremony(ctx context.Context, key, state string, until time.Time) error {
	hash := jose.HashToken(key)
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, `INSERT INTO ceremonies (tenant, key, sealed, tries, expires_at) VALUES (?, ?, ?, 0, ?)
			ON CONFLICT (tenant, key) DO UPDATE SET sealed = excluded.sealed, tries = 0, expires_at = excluded.expires_at`,
			s.tenant.ID, hash, s.seal(state, "ceremonies", hash), millis(until))
		return err
	})
}

// Ceremony returns what is kept under a key; NotFound if it is nothing, or no longer.
func (s *Store) Ceremony(ctx context.Context, key string) (string, error) {
	hash := jose.HashToken(key)
	return s.ceremony(ctx, s.read(), hash, "SELECT sealed FROM ceremonies WHERE tenant = ? AND key = ? AND expires_at > ?", s.tenant.ID, hash, millis(s.db.clock.Now()))
}

// TakeCeremony returns what is kept under a key and forgets it, in one statement: of many callers one gets it.
func (s *Store) TakeCeremony(ctx context.Context, key string) (state string, err error) {
	hash := jose.HashToken(key)
	err = s.writeOne(ctx, func(q querier) error {
		state, err = s.ceremony(ctx, q, hash, "DELETE FROM ceremonies WHERE tenant = ? AND key = ? AND expires_at > ? RETURNING sealed", s.tenant.ID, hash, millis(s.db.clock.Now()))
		return err
	})
	return state, err
}

func (s *Store) ceremony(ctx context.Context, q querier, hash, query string, args ...any) (string, error) {
	var sealed string
	err := q.row(ctx, query, args, &sealed)
	if errors.Is(err, errNoRows) {
		return "", errNotFound("ceremony")
	}
	if err != nil {
		return "", err
	}
	return s.unseal(sealed, "ceremonies", hash)
}

// DropCeremony forgets what is kept under a key. Nothing there is no error.
func (s *Store) DropCeremony(ctx context.Context, key string) error {
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "DELETE FROM ceremonies WHERE tenant = ? AND key = ?", s.tenant.ID, jose.HashToken(key))
		return err
	})
}
