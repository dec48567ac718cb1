package store

import (
	"context"
	"time"

	"github.com/stagedoor/stagedoor"
)

// KnowBrowser notes that a user has logged in in a browser, which is known until a time. Where they have more than are kept, the one goes that was used longest ago.
func (s *Store) KnowBrowser(ctx context.Context, userID string, b stagedoor.KnownBrowser, until time.Time) error {
	return s.write(ctx, func(q querier) error {
		if err := s.lockUser(ctx, q, userID); err != nil { // whoever forgets all of the user's browsers has
			return err
		}
		_, err := q.exec(ctx, `INSERT INTO known_browsers (tenant, user_id, browser, agent, used_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (tenant, user_id, browser) DO UPDATE SET agent = excluded.agent, used_at = excluded.used_at, expires_at = excluded.expires_at`,
			s.tenant.ID, userID, b.Browser, b.Agent, millis(s.db.clock.Now()), millis(until))
		if err == nil {
			_, err = q.exec(ctx, `DELETE FROM known_browsers WHERE tenant = ? AND user_id = ? AND browser <> ? AND browser IN (SELECT browser FROM known_browsers
				WHERE tenant = ? AND user_id = ? ORDER BY used_at DESC, browser LIMIT 1000 OFFSET ?)`, s.tenant.ID, userID, b.Browser, s.tenant.ID, userID, maxBrowsers)
		}
		return err
	})
}

// KnownBrowsers lists the browsers in which a user has logged in; the last used first.
func (s *Store) KnownBrowsers(ctx context.Context, userID string) (all []stagedoor.KnownBrowser, err error) {
	err = s.read().each(ctx, "SELECT browser, agent FROM known_browsers WHERE tenant = ? AND user_id = ? AND expires_at > ? ORDER BY used_at DESC, browser LIMIT ?",
		[]any{s.tenant.ID, userID, s.db.clock.Now().UnixMilli(), maxBrowsers}, func(scan func(...any) error) error {
			var b stagedoor.KnownBrowser
			err := scan(&b.Browser, &b.Agent)
			all = append(all, b)
			return err
		})
	return all, err
}

// ForgetKnownBrowsers makes every browser of a user a new one.
func (s *Store) ForgetKnownBrowsers(ctx context.Context, userID string) error {
	return s.inUser(ctx, userID, func(q querier, _ *stagedoor.User) error {
		_, err := q.exec(ctx, "DELETE FROM known_browsers WHERE tenant = ? AND user_id = ?", s.tenant.ID, userID)
		return err
	})
}
