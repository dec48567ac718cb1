package store

import (
	"context"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// RememberBrowser notes that a user need not give the second factor again in the browser that gets the handle, until a time. What was
// remembered under the handle before, of this user or others, is remembered under the new one.
func (s *Store) RememberBrowser(ctx context.Context, before, handle, userID string, until time.Time) error {
	return s.write(ctx, func(q querier) error {
		if before != "" {
			_, err := q.exec(ctx, "UPDATE remembered_browsers SET handle = ? WHERE tenant = ? AND handle = ?", jose.HashToken(handle), s.tenant.ID, jose.HashToken(before))
			if err != nil {
				return err
			}
		}
		_, err := q.exec(ctx, `INSERT INTO remembered_browsers (tenant, handle, user_id, used_at, expires_at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (tenant, handle, user_id) DO UPDATE SET used_at = excluded.used_at, expires_at = excluded.expires_at`,
			s.tenant.ID, jose.HashToken(handle), userID, millis(s.db.clock.Now()), millis(until))
		return err
	})
}

// BrowserRemembered tells whether a user is remembered under the handle and was there within the idle time. That they are there now is noted.
func (s *Store) BrowserRemembered(ctx context.Context, handle, userID string, idle time.Duration) (bool, error) {
	now := s.db.clock.Now()
	var n int64
	err := s.writeOne(ctx, func(q querier) (err error) {
		n, err = q.exec(ctx, "UPDATE remembered_browsers SET used_at = ? WHERE tenant = ? AND handle = ? AND user_id = ? AND expires_at > ? AND used_at > ?",
			millis(now), s.tenant.ID, jose.HashToken(handle), userID, millis(now), millis(now.Add(-idle)))
		return err
	})
	return n > 0, err
}

// ForgetBrowsers makes all browsers ask a user for the second factor again.
func (s *Store) ForgetBrowsers(ctx context.Context, userID string) error {
	return s.inUser(ctx, userID, func(q querier, _ *stagedoor.User) error { return s.forgetBrowsers(ctx, q, userID) })
}

func (s *Store) forgetBrowsers(ctx context.Context, q querier, userID string) error {
	_, err := q.exec(ctx, "DELETE FROM remembered_browsers WHERE tenant = ? AND user_id = ?", s.tenant.ID, userID)
	return err
}
