package store

import (
	"context"

	"github.com/stagedoor/stagedoor"
)

// RecordLogin counts a login.
func (s *Store) RecordLogin(ctx context.Context, id, ip string) error {
	return s.write(ctx, func(q querier) error { return s.recordLogin(ctx, q, id, ip) })
}

// SaveProved keeps a login under way whose person has just proved who they are, and counts it: both, or neither.
func (s *Store) SaveProved(ctx context.Context, t *stagedoor.Transaction, ip string) error {
	return s.write(ctx, func(q querier) error {
		if err := s.recordLogin(ctx, q, t.UserID, ip); err != nil {
			return err
		}
		return s.saveTransaction(ctx, q, t)
	})
}

func (s *Store) recordLogin(ctx context.Context, q querier, id, ip string) error {
	before, err := s.lockedUser(ctx, q, id)
	if err != nil {
		return err
	}
	after := *before
	after.LastLogin, after.LastIP, after.LoginsCount = s.db.clock.Now(), ip, before.LoginsCount+1
	_, err = q.exec(ctx, `INSERT INTO logins (tenant, user_id, last_login, last_ip, count) VALUES (?, ?, ?, ?, 1)
		ON CONFLICT (tenant, user_id) DO UPDATE SET last_login = excluded.last_login, last_ip = excluded.last_ip, count = logins.count + 1`,
		s.tenant.ID, id, millis(after.LastLogin), ip)
	if err != nil {
		return err
	}
	return s.reindex(ctx, q, indexOf(before), indexOf(&after))
}
