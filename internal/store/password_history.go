package store

import (
	"context"
	"time"
)

// ReplacePasswordHash is SetPasswordHash for a password that has changed, and keeps the last remembered passwords of the user,
// the new one included; the hashes of all others are forgotten. Where since is given, all access of the user must not have ended more often.
func (s *Store) ReplacePasswordHash(ctx context.Context, id, hash string, changed time.Time, remembered int, since *int64) error {
	return s.endingAll(ctx, id, func(q querier) error {
		if err := s.notePasswordReset(ctx, q, id, changed, since); err != nil {
			return err
		}
		var last int64 // two changes in one millisecond have an order all the same
		if err := q.row(ctx, "SELECT COALESCE(MAX(set_at), 0) FROM password_history WHERE tenant = ? AND user_id = ?", []any{s.tenant.ID, id}, &last); err != nil {
			return err
		}
		_, err := q.exec(ctx, `INSERT INTO password_history (tenant, user_id, set_at, hash)
			SELECT tenant, user_id, ?, hash FROM passwords WHERE tenant = ? AND user_id = ? AND hash <> ''`, max(millis(changed), last+1), s.tenant.ID, id)
		if err != nil {
			return err
		}
		_, err = q.exec(ctx, `DELETE FROM password_history WHERE tenant = ? AND user_id = ? AND set_at NOT IN
			(SELECT set_at FROM password_history WHERE tenant = ? AND user_id = ? ORDER BY set_at DESC LIMIT ?)`,
			s.tenant.ID, id, s.tenant.ID, id, max(remembered-1, 0))
		if err != nil {
			return err
		}
		if err := s.putPassword(ctx, q, id, hash); err != nil {
			return err
		}
		return s.endAccess(ctx, q, id)
	})
}

// PasswordHistory returns the hashes of the last passwords that the user had before the current one, newest first.
func (s *Store) PasswordHistory(ctx context.Context, id string, most int) ([]string, error) {
	var out []string
	err := s.read().each(ctx, "SELECT hash FROM password_history WHERE tenant = ? AND user_id = ? ORDER BY set_at DESC LIMIT ?",
		[]any{s.tenant.ID, id, most}, func(scan func(...any) error) error {
			var hash string
			err := scan(&hash)
			out = append(out, hash)
			return err
		})
	return out, err
}
