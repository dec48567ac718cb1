package store

import (
	"context"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// maxBrowsers is how many browsers of a user are remembered; where one more is, the one goes that was used longest ago.
const maxBrowsers = 100

// RememberBrowser notes that a user need not give the second factor again in the browser that gets the handle, until a time. What was
// remembered under the handle before, of this user or others, is remembered under the new one. userAgent and ip are what its user sees of it.
func (s *Store) RememberBrowser(ctx context.Context, before, handle, userID, userAgent, ip string, until time.Time) error {
	return s.write(ctx, func(q querier) error {
		if err := s.lockUser(ctx, q, userID); err != nil { // whoever forgets all of the user's browsers has
			return err
		}
		if before != "" {
			_, err := q.exec(ctx, "UPDATE remembered_browsers SET handle = ? WHERE tenant = ? AND handle = ?", jose.HashToken(handle), s.tenant.ID, jose.HashToken(before))
			if err != nil {
				return err
			}
		}
		now := millis(s.db.clock.Now())
		_, err := q.exec(ctx, `INSERT INTO remembered_browsers (tenant, handle, user_id, user_agent, ip, created_at, used_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (tenant, handle, user_id) DO UPDATE SET user_agent = excluded.user_agent, ip = excluded.ip, created_at = excluded.created_at,
			used_at = excluded.used_at, expires_at = excluded.expires_at`,
			s.tenant.ID, jose.HashToken(handle), userID, userAgent, ip, now, now, millis(until))
		if err == nil {
			_, err = q.exec(ctx, `DELETE FROM remembered_browsers WHERE tenant = ? AND user_id = ? AND handle <> ? AND handle IN (SELECT handle FROM remembered_browsers`+s.db.by("remembered_browsers_user")+`
				WHERE tenant = ? AND user_id = ? ORDER BY used_at DESC, handle LIMIT 1000 OFFSET ?)`, s.tenant.ID, userID, jose.HashToken(handle), s.tenant.ID, userID, maxBrowsers)
		}
		return err
	})
}

// BrowserRemembered tells whether a user has been remembered under the handle within the overall time, and was there within the idle time. That they are there now is
// noted.
func (s *Store) BrowserRemembered(ctx context.Context, handle, userID string, idle, overall time.Duration) (bool, error) {
	now := s.db.clock.Now()
	var n int64
	err := s.writeOne(ctx, func(q querier) (err error) {
		n, err = q.exec(ctx, "UPDATE remembered_browsers SET used_at = ? WHERE tenant = ? AND handle = ? AND user_id = ? AND expires_at > ? AND used_at > ? AND created_at > ?",
			millis(now), s.tenant.ID, jose.HashToken(handle), userID, millis(now), millis(now.Add(-idle)), millis(now.Add(-overall)))
		return err
	})
	return n > 0, err
}

// RememberedBrowsers lists the browsers in which a user is remembered, as BrowserRemembered does; the last used first.
func (s *Store) RememberedBrowsers(ctx context.Context, userID string, idle, overall time.Duration) ([]stagedoor.RememberedBrowser, error) {
	now := s.db.clock.Now()
	out := []stagedoor.RememberedBrowser{}
	err := s.read().each(ctx, `SELECT handle, user_agent, ip, created_at, used_at FROM remembered_browsers WHERE tenant = ? AND user_id = ? AND expires_at > ? AND used_at > ?
		AND created_at > ? ORDER BY used_at DESC, handle`, []any{s.tenant.ID, userID, millis(now), millis(now.Add(-idle)), millis(now.Add(-overall))}, func(scan func(...any) error) error {
		var b stagedoor.RememberedBrowser
		var created, used int64
		err := scan(&b.ID, &b.UserAgent, &b.IP, &created, &used)
		b.CreatedAt, b.UsedAt = fromMillis(created), fromMillis(used)
		out = append(out, b)
		return err
	})
	return out, err
}

// ForgetBrowser makes one browser ask a user for the second factor again. One that is not remembered is no error.
func (s *Store) ForgetBrowser(ctx context.Context, userID, id string) error {
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "DELETE FROM remembered_browsers WHERE tenant = ? AND user_id = ? AND handle = ?", s.tenant.ID, userID, id)
		return err
	})
}

// ForgetBrowsers makes all browsers ask a user for the second factor again.
func (s *Store) ForgetBrowsers(ctx context.Context, userID string) error {
	return s.inUser(ctx, userID, func(q querier, _ *stagedoor.User) error { return s.forgetBrowsers(ctx, q, userID) })
}

func (s *Store) forgetBrowsers(ctx context.Context, q querier, userID string) error {
	_, err := q.exec(ctx, "DELETE FROM remembered_browsers WHERE tenant = ? AND user_id = ?", s.tenant.ID, userID)
	return err
}
