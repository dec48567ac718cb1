package store

import (
	"context"

	"github.com/stagedoor/stagedoor"
)

// CodeReplaced is the code of the error about a password that was replaced while somebody logged in with it.
const CodeReplaced = "password_replaced"

// RecordLogin counts a login.
func (s *Store) RecordLogin(ctx context.Context, id, ip string) error {
	return s.write(ctx, func(q querier) error { return s.recordLogin(ctx, q, id, ip, nil) })
}

// RecordPassword counts a login by password. was is the user as they were before it was looked at: where it was replaced since, nothing is counted, and the error has [CodeReplaced]. What
// ends with a password must not begin anew by it.
func (s *Store) RecordPassword(ctx context.Context, was *stagedoor.User, ip string) error {
	return s.write(ctx, func(q querier) error { return s.recordLogin(ctx, q, was.ID, ip, was) })
}

// SaveProved keeps a login under way whose person has just proved who they are, and counts it: both, or neither. was is as of RecordPassword; nil: they gave no password that is kept here.
func (s *Store) SaveProved(ctx context.Context, t *stagedoor.Transaction, ip string, was *stagedoor.User) error {
	return s.write(ctx, func(q querier) error {
		if err := s.recordLogin(ctx, q, t.UserID, ip, was); err != nil {
			return err
		}
		return s.saveTransaction(ctx, q, t)
	})
}

func (s *Store) recordLogin(ctx context.Context, q querier, id, ip string, was *stagedoor.User) error {
	before, err := s.lockedUser(ctx, q, id)
	if err != nil {
		return err
	}
	if was != nil && millis(was.LastPasswordReset) != millis(before.LastPasswordReset) {
		return stagedoor.Errorf(stagedoor.Conflict, CodeReplaced, "The password was replaced meanwhile.")
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
