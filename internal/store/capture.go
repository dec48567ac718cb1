package store

import (
	"context"
	"errors"
)

// Captured tells whether the password of a user is to be asked for where they came from. A user with a password is not.
func (s *Store) Captured(ctx context.Context, userID string) (bool, error) {
	var id string
	err := s.read().row(ctx, "SELECT user_id FROM captures WHERE tenant = ? AND user_id = ?", []any{s.tenant.ID, userID}, &id)
	if errors.Is(err, errNoRows) {
		return false, nil
	}
	return err == nil, err
}

// CountCaptures counts the users who have not signed in since they came without a password.
func (s *Store) CountCaptures(ctx context.Context) (n int, err error) {
	err = s.read().row(ctx, "SELECT COUNT(*) FROM captures WHERE tenant = ?", []any{s.tenant.ID}, &n)
	return n, err
}

// Capture keeps the hash of a password that was right where the user came from. One who has a password here meanwhile keeps that.
func (s *Store) Capture(ctx context.Context, userID, hash string) error {
	return s.write(ctx, func(q querier) error {
		if err := s.lockUser(ctx, q, userID); err != nil {
			return err
		}
		now, err := s.passwordHash(ctx, q, userID)
		if err == nil && now == "" {
			err = s.putPassword(ctx, q, userID, hash)
		}
		if err == nil {
			_, err = q.exec(ctx, "DELETE FROM captures WHERE tenant = ? AND user_id = ?", s.tenant.ID, userID)
		}
		return err
	})
}
