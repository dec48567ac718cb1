package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
)

// PasswordHash returns the hash of a user's password; empty if there is none.
func (s *Store) PasswordHash(ctx context.Context, id string) (string, error) {
	return s.passwordHash(ctx, s.lookup(), id)
}

func (s *Store) passwordHash(ctx context.Context, q querier, id string) (string, error) {
	var hash string
	err := q.row(ctx, "SELECT hash FROM passwords WHERE tenant = ? AND user_id = ?", []any{s.tenant.ID, id}, &hash)
	if errors.Is(err, errNoRows) {
		return "", nil
	}
	if sealed, is := strings.CutPrefix(hash, sealedHash); is && err == nil {
		return s.unseal(sealed, "passwords", id)
	}
	return hash, err
}

// SetPasswordHash replaces the hash of a user's password. A zero time means that the
// password stayed the same and only its hash is new; otherwise last_password_reset is set and,
// in the same transaction, the user's sessions and refresh tokens end.
func (s *Store) SetPasswordHash(ctx context.Context, id, hash string, changed time.Time) error {
	if changed.IsZero() {
		return s.write(ctx, func(q querier) error {
			if err := s.lockUser(ctx, q, id); err != nil { // whoever replaces the password has
				return err
			}
			return s.putPassword(ctx, q, id, hash)
		})
	}
	return s.endingAll(ctx, id, func(q querier) error {
		if err := s.notePasswordReset(ctx, q, id, changed, nil); err != nil {
			return err
		}
		if err := s.putPassword(ctx, q, id, hash); err != nil {
			return err
		}
		return s.endAccess(ctx, q, id)
	})
}

func (s *Store) notePasswordReset(ctx context.Context, q querier, id string, changed time.Time, since *int64) error {
	_, err := s.updateUser(ctx, q, id, func(u *stagedoor.User) error {
		u.LastPasswordReset = changed
		return CheckAccessEnded(u, since)
	})
	return err
}

// PasswordReset notes that the password of a user, which is kept elsewhere, was replaced: last_password_reset is set, and the user's
// sessions and tokens end in the same transaction.
func (s *Store) PasswordReset(ctx context.Context, id string, changed time.Time) error {
	return s.endingAll(ctx, id, func(q querier) error {
		if err := s.notePasswordReset(ctx, q, id, changed, nil); err != nil {
			return err
		}
		return s.endAccess(ctx, q, id)
	})
}

// RenewPasswordHash replaces a hash by another one of the same password, unless the password has been changed
// meanwhile: the old one must not come back. An empty old hash is that of a user without a password.
func (s *Store) RenewPasswordHash(ctx context.Context, id, old, fresh string) error {
	return s.write(ctx, func(q querier) error {
		if err := s.lockUser(ctx, q, id); err != nil {
			return err
		}
		now, err := s.passwordHash(ctx, q, id)
		if err != nil || now != old {
			return err
		}
		if old == "" {
			return s.putPassword(ctx, q, id, fresh)
		}
		_, err = q.exec(ctx, "UPDATE passwords SET hash = ? WHERE tenant = ? AND user_id = ?", s.hashAtRest(id, fresh), s.tenant.ID, id)
		return err
	})
}

func (s *Store) putPassword(ctx context.Context, q querier, id, hash string) error {
	_, err := q.exec(ctx, `INSERT INTO passwords (tenant, user_id, hash, changed_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (tenant, user_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at`,
		s.tenant.ID, id, s.hashAtRest(id, hash), s.db.clock.Now().UnixMilli())
	return err
}

// sealedHash begins what stands for a hash that is sealed.
const sealedHash = "sealed:"

// hashAtRest is how a hash is kept. Those of other systems may hold a key for all their users, and are sealed.
func (s *Store) hashAtRest(id, hash string) string {
	if strings.HasPrefix(hash, "{") {
		return sealedHash + s.seal(hash, "passwords", id)
	}
	return hash
}
