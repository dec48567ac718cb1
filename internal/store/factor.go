package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// The types of methods that a login can ask for.
const (
	TypeTOTP     = "totp"
	TypeRecovery = "recovery-code"
)

// Factors lists a user's methods of all types in the order in which they came. Those that a login can ask for come with their secrets.
func (s *Store) Factors(ctx context.Context, userID string) ([]stagedoor.AuthenticationMethod, error) {
	out := []stagedoor.AuthenticationMethod{}
	err := s.read().each(ctx, "SELECT doc, sealed, step, used_at FROM authentication_methods WHERE tenant = ? AND user_id = ? ORDER BY created_at, id", []any{s.tenant.ID, userID},
		func(scan func(...any) error) error {
			var doc, sealed string
			var used int64
			var step int64
			if err := scan(&doc, &sealed, &step, &used); err != nil {
				return err
			}
			m, err := s.readMethod(userID, doc, sealed, used)
			if m.Step = step; err == nil && (m.Type == TypeTOTP || m.Type == TypeRecovery) {
				m.Secret, err = s.unseal(sealed, methodPlace, userID+"/"+m.ID)
			}
			out = append(out, *m)
			return err
		})
	return out, err
}

// AddFactor makes a method with which a user has just proved themselves one of theirs, and gives them a recovery code if it is not nil
// and they have none. If they have one of the types of unless, it is a Conflict; so is the same one twice. added tells whether the recovery code
// became theirs.
func (s *Store) AddFactor(ctx context.Context, userID string, m, recovery *stagedoor.AuthenticationMethod, unless ...string) (added bool, err error) {
	err = s.inUser(ctx, userID, func(q querier, _ *stagedoor.User) error {
		added = false
		types, err := s.methodTypes(ctx, q, userID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(types, func(t string) bool { return slices.Contains(unless, t) }) {
			return errEnrolled()
		}
		if tooManyMethods(types, m.Type) {
			return stagedoor.Errorf(stagedoor.Conflict, "too_many_methods", "The user has too many of these. Take one away first.")
		}
		if err := s.insertMethod(ctx, q, userID, m); err != nil {
			return err
		}
		if recovery == nil || slices.Contains(types, TypeRecovery) {
			return nil
		}
		added = true
		return s.insertMethod(ctx, q, userID, recovery)
	})
	if uniqueViolation(err) != "" || stagedoor.HasCode(err, "authentication_method_conflict") {
		err = errEnrolled()
	}
	return added, err
}

// What people may add for themselves: each login reads all of it.
const (
	MaxPasskeys = 20 // as on the wire
	maxMethods  = 100
)

// tooManyMethods tells whether somebody with methods of these types may have no further one of a type.
func tooManyMethods(types []string, add string) bool {
	n := 0
	for _, t := range types {
		if t == TypePasskey {
			n++
		}
	}
	return add == TypePasskey && n >= MaxPasskeys || len(types) >= maxMethods
}

func errEnrolled() error {
	return stagedoor.Errorf(stagedoor.Conflict, "already_enrolled", "User is already enrolled.")
}

func (s *Store) methodTypes(ctx context.Context, q querier, userID string) (types []string, err error) {
	err = q.each(ctx, "SELECT type FROM authentication_methods WHERE tenant = ? AND user_id = ?", []any{s.tenant.ID, userID}, func(scan func(...any) error) error {
		var t string
		err := scan(&t)
		types = append(types, t)
		return err
	})
	return types, err
}

// UseFactor notes that a code of a totp's time step was given, in one statement: of many callers with the same code one succeeds, and
// no later one. NotFound means that the code, or a newer one, was given before.
func (s *Store) UseFactor(ctx context.Context, userID, id string, step int64) error {
	var n int64
	err := s.writeOne(ctx, func(q querier) (err error) {
		n, err = q.exec(ctx, "UPDATE authentication_methods SET step = ?, used_at = ? WHERE tenant = ? AND user_id = ? AND id = ? AND step < ?",
			step, millis(s.db.clock.Now()), s.tenant.ID, userID, id, step)
		return err
	})
	if err == nil && n == 0 {
		err = errMethodMissing()
	}
	return err
}

// ReplaceRecoveryCode uses a user's recovery code up and puts the next one in its place: of many callers with the same code one succeeds.
// NotFound means that the code is not theirs.
func (s *Store) ReplaceRecoveryCode(ctx context.Context, userID, code, next string) error {
	return s.inUser(ctx, userID, func(q querier, _ *stagedoor.User) error {
		var id, sealed string
		err := q.row(ctx, "SELECT id, sealed FROM authentication_methods WHERE tenant = ? AND user_id = ? AND type = ?", []any{s.tenant.ID, userID, TypeRecovery}, &id, &sealed)
		if errors.Is(err, errNoRows) {
			return errMethodMissing()
		}
		if err != nil {
			return err
		}
		hash, err := s.unseal(sealed, "authentication_methods", userID+"/"+id)
		if err != nil {
			return err
		}
		if !jose.Equal(jose.HashToken(code), hash) {
			return errMethodMissing()
		}
		_, err = q.exec(ctx, "UPDATE authentication_methods SET sealed = ?, used_at = ? WHERE tenant = ? AND user_id = ? AND id = ?",
			s.seal(jose.HashToken(next), "authentication_methods", userID+"/"+id), millis(s.db.clock.Now()), s.tenant.ID, userID, id)
		return err
	})
}

// KeepPending keeps a secret that is to become a user's factor under a key, which is never stored, and returns the one that is kept: what was
// there before, if it was the same user's, so that a page that is loaded twice shows the same secret.
func (s *Store) KeepPending(ctx context.Context, key, userID, secret string, until time.Time) (kept string, err error) {
	hash, now := jose.HashToken(key), millis(s.db.clock.Now())
	var sealed string
	err = s.writeOne(ctx, func(q querier) error {
		return q.row(ctx, `INSERT INTO pending_factors (tenant, key, user_id, sealed, expires_at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (tenant, key) DO UPDATE SET
			sealed = CASE WHEN pending_factors.user_id = excluded.user_id AND pending_factors.expires_at > ? THEN pending_factors.sealed ELSE excluded.sealed END,
			user_id = excluded.user_id, expires_at = excluded.expires_at RETURNING sealed`,
			[]any{s.tenant.ID, hash, userID, s.seal(secret, "pending_factors", hash+"/"+userID), millis(until), now}, &sealed)
	})
	if err != nil {
		return "", err
	}
	return s.unseal(sealed, "pending_factors", hash+"/"+userID)
}

// Pending returns what is kept of a user under a key.
func (s *Store) Pending(ctx context.Context, key, userID string) (string, error) {
	hash := jose.HashToken(key)
	var sealed string
	err := s.read().row(ctx, "SELECT sealed FROM pending_factors WHERE tenant = ? AND key = ? AND user_id = ? AND expires_at > ?",
		[]any{s.tenant.ID, hash, userID, millis(s.db.clock.Now())}, &sealed)
	if errors.Is(err, errNoRows) {
		return "", errNotFound("pending factor")
	}
	if err != nil {
		return "", err
	}
	return s.unseal(sealed, "pending_factors", hash+"/"+userID)
}

// DropPending forgets what is kept under a key. Nothing there is no error.
func (s *Store) DropPending(ctx context.Context, key string) error {
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "DELETE FROM pending_factors WHERE tenant = ? AND key = ?", s.tenant.ID, jose.HashToken(key))
		return err
	})
}
