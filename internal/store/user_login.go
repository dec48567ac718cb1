package store

import (
	"context"

	"github.com/stagedoor/stagedoor"
)

// RecordLogin counts a login of a user, who is as they were when they were looked at: where all their access has ended since, nothing is counted, and the error has
// [CodeAccessEnded]. What ends with a password must not begin anew by it.
func (s *Store) RecordLogin(ctx context.Context, was *stagedoor.User, ip string) error {
	return s.write(ctx, func(q querier) error { return s.recordLogin(ctx, q, was, ip) })
}

// SaveProved keeps a login under way whose person has just proved who they are, and counts it: both, or neither. was is as of RecordLogin.
func (s *Store) SaveProved(ctx context.Context, t *stagedoor.Transaction, was *stagedoor.User, ip string) error {
	return s.write(ctx, func(q querier) error {
		if err := s.recordLogin(ctx, q, was, ip); err != nil {
			return err
		}
		return s.saveTransaction(ctx, q, t)
	})
}

func (s *Store) recordLogin(ctx context.Context, q querier, was *stagedoor.User, ip string) error {
	before, err := s.lockedUser(ctx, q, was.ID)
	if err != nil {
		return err
	}
	if was.AccessEnded != before.AccessEnded {
		return errAccessEnded()
	}
	after := *before
	after.LastLogin, after.LastIP, after.LoginsCount = s.db.clock.Now(), ip, before.LoginsCount+1
	_, err = q.exec(ctx, `INSERT INTO logins (tenant, user_id, last_login, last_ip, count) VALUES (?, ?, ?, ?, 1)
		ON CONFLICT (tenant, user_id) DO UPDATE SET last_login = excluded.last_login, last_ip = excluded.last_ip, count = logins.count + 1`,
		s.tenant.ID, was.ID, millis(after.LastLogin), ip)
	if err != nil {
		return err
	}
	return s.reindex(ctx, q, indexOf(before), indexOf(&after))
}
