package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"math"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// maxRefreshTokens is how many refresh tokens a user may have for one client; the
// oldest go first (Authentication API fact sheet 4.3).
const maxRefreshTokens = 200

// ErrReused is returned for a refresh token that was superseded: the whole family is revoked.
var ErrReused = errors.New("the refresh token was used before; its family is revoked")

// refreshEnd is when a token stops working, in milliseconds.
func refreshEnd(t *stagedoor.RefreshToken) int64 {
	end := int64(math.MaxInt64)
	for _, e := range []time.Time{t.ExpiresAt, t.IdleExpiry} {
		if !e.IsZero() && millis(e) < end {
			end = millis(e)
		}
	}
	return end
}

// usedEnd is how long a token is remembered that was superseded: as long as its family can live, whether or not it idles, so that a thief's
// use of it is noticed whenever its owner comes back; a year where the family has no end.
func usedEnd(t *stagedoor.RefreshToken, now time.Time) int64 {
	if !t.ExpiresAt.IsZero() {
		return millis(t.ExpiresAt)
	}
	return millis(now.Add(reuseKnown))
}

// CreateRefreshToken keeps the first token of a family. The family is the code that it comes
// from, if any; when that was replayed meanwhile, all access of its user has ended since they were looked at, or a session has that a session transfer token opened, the error is NotFound.
func (s *Store) CreateRefreshToken(ctx context.Context, token string, t *stagedoor.RefreshToken) error {
	if s.db.postgres && t.Transfer == nil {
		return s.orMissing(ctx, s.read(), t.UserID, s.createRefreshToken(ctx, token, t))
	}
	return s.write(ctx, func(q querier) error {
		if err := s.checkAccessEnded(ctx, q, t.UserID, t.AccessEnded); err != nil {
			return err
		}
		if err := s.checkTransferred(ctx, q, t); err != nil {
			return err
		}
		if err := s.checkOrigin(ctx, q, t.FamilyID, true); err != nil {
			return err
		}
		if err := s.insertRefreshToken(ctx, q, token, t); err != nil {
			return err
		}
		_, err := q.exec(ctx, `DELETE FROM refresh_tokens WHERE tenant = ? AND user_id = ? AND client_id = ? AND used_at IS NULL AND hash IN (
			SELECT hash FROM refresh_tokens WHERE tenant = ? AND user_id = ? AND client_id = ? AND used_at IS NULL ORDER BY created_at DESC, hash LIMIT 1000 OFFSET ?)`,
			s.tenant.ID, t.UserID, t.ClientID, s.tenant.ID, t.UserID, t.ClientID, maxRefreshTokens)
		return err
	})
}

const refreshTokenColumns = "tenant, hash, public_id, family, counter, user_id, client_id, audience, doc, created_at, expires_at"

// refreshTokenRow are the values of refreshTokenColumns.
func (s *Store) refreshTokenRow(token string, t *stagedoor.RefreshToken) ([]any, error) {
	doc, err := json.Marshal(t)
	return []any{
		s.tenant.ID, jose.HashToken(token), t.ID, t.FamilyID, t.Counter, t.UserID, t.ClientID, cmp.Or(t.Consent, t.Audience), document(doc), s.db.clock.Now().UnixMilli(), refreshEnd(t),
	}, err
}

func (s *Store) insertRefreshToken(ctx context.Context, q querier, token string, t *stagedoor.RefreshToken) error {
	row, err := s.refreshTokenRow(token, t)
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, "INSERT INTO refresh_tokens ("+refreshTokenColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row...)
	return err
}

// Reused is the error for a refresh token that was superseded; it wraps ErrReused.
type Reused struct {
	Token  *stagedoor.RefreshToken
	Latest int // the counter of the newest token of the family
}

func (r *Reused) Error() string { return ErrReused.Error() }

// Unwrap returns ErrReused.
func (r *Reused) Unwrap() error { return ErrReused }

// PresentRefreshToken returns a token that may be used now, and uses nothing up. For one that was superseded
// it does what RotateRefreshToken does: within leeway it may be used again, otherwise its family is
// revoked and the error is a *Reused. One that is not for the presenter, as mine has it, is NotFound and stays as it is.
func (s *Store) PresentRefreshToken(ctx context.Context, token string, leeway time.Duration, mine func(*stagedoor.RefreshToken) bool) (*stagedoor.RefreshToken, error) {
	t, usedAt, err := s.refreshToken(ctx, s.lookup(), token, false)
	if err == nil && !mine(t) {
		return nil, errNotFound("refresh token")
	}
	if err != nil || usedAt == 0 {
		return t, err
	}
	var reuse *Reused
	err = s.write(ctx, func(q querier) (err error) {
		reuse, err = s.reuse(ctx, q, t, usedAt, leeway)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case reuse != nil:
		return nil, reuse
	}
	return t, nil
}

// reuse tells whether a superseded token must not be used again, and revokes its family then. One whose family has idled out must not, whatever the leeway is.
func (s *Store) reuse(ctx context.Context, q querier, t *stagedoor.RefreshToken, usedAt int64, leeway time.Duration) (*Reused, error) {
	var latest, live int
	err := q.row(ctx, "SELECT (SELECT COALESCE(MAX(counter), 0) FROM refresh_tokens"+s.db.by("refresh_tokens_family")+" WHERE tenant = ? AND family = ?), (SELECT COUNT(*) FROM refresh_tokens"+
		s.db.by(unusedTokens)+" WHERE tenant = ? AND family = ? AND used_at IS NULL AND expires_at > ?)",
		[]any{s.tenant.ID, t.FamilyID, s.tenant.ID, t.FamilyID, s.db.clock.Now().UnixMilli()}, &latest, &live)
	if err != nil {
		return nil, err
	}
	if leeway > 0 && live > 0 && t.Counter >= latest-1 && s.db.clock.Now().Sub(fromMillis(usedAt)) <= leeway {
		return nil, nil
	}
	return &Reused{t, latest}, s.endFamily(ctx, q, t.UserID, t.FamilyID)
}

// RefreshToken returns a token that has not expired, whether or not it was superseded: what
// it stands for, before it is used.
func (s *Store) RefreshToken(ctx context.Context, token string) (*stagedoor.RefreshToken, error) {
	t, _, err := s.refreshToken(ctx, s.lookup(), token, false)
	return t, err
}

// UnusedRefreshToken returns a token that neither has expired nor was superseded.
func (s *Store) UnusedRefreshToken(ctx context.Context, token string) (*stagedoor.RefreshToken, error) {
	t, usedAt, err := s.refreshToken(ctx, s.lookup(), token, false)
	if err == nil && usedAt != 0 {
		err = errNotFound("refresh token")
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// refreshToken reads a token; for an update it locks its user first and then the token, in the order
// of lockUser and deleteFamily.
func (s *Store) refreshToken(ctx context.Context, q querier, token string, update bool) (t *stagedoor.RefreshToken, usedAt int64, err error) {
	query := "SELECT doc, used_at FROM refresh_tokens WHERE tenant = ? AND hash = ? AND expires_at > ?"
	if update && s.db.postgres {
		query = `SELECT t.doc, t.used_at FROM refresh_tokens t JOIN users u ON u.tenant = t.tenant AND u.id = t.user_id
			WHERE t.tenant = ? AND t.hash = ? AND t.expires_at > ? FOR UPDATE OF u FOR UPDATE OF t`
	}
	var doc string
	var used *int64
	err = q.row(ctx, query,
		[]any{s.tenant.ID, jose.HashToken(token), s.db.clock.Now().UnixMilli()}, &doc, &used)
	if errors.Is(err, errNoRows) {
		return nil, 0, errNotFound("refresh token")
	}
	if err != nil {
		return nil, 0, err
	}
	if used != nil {
		usedAt = *used
	}
	t = new(stagedoor.RefreshToken)
	return t, usedAt, json.Unmarshal([]byte(doc), t)
}

// RotateRefreshToken supersedes token by next, at once. Counter is the generation: a
// token that was superseded before may be used again, any number of times, within
// leeway of its first use and while nothing newer than its direct successors is there;
// otherwise the family is revoked and the error is a *Reused. idle moves the new token's
// idle expiry; 0 means that it never idles out. presented is the token as it was looked up
// before: while it still is so, on PostgreSQL all of it is one statement; nil: it is looked up anew.
func (s *Store) RotateRefreshToken(ctx context.Context, token, next string, presented *stagedoor.RefreshToken, leeway, idle time.Duration) (*stagedoor.RefreshToken, error) {
	if s.db.postgres && presented != nil {
		if t, err := s.rotateUnused(ctx, token, next, presented, idle); t != nil || err != nil {
			return t, err
		}
	}
	var t *stagedoor.RefreshToken
	var reuse *Reused
	err := s.write(ctx, func(q querier) (err error) {
		var usedAt int64
		reuse = nil
		if t, usedAt, err = s.refreshToken(ctx, q, token, true); err != nil {
			return err
		}
		now := s.db.clock.Now()
		if usedAt != 0 {
			if reuse, err = s.reuse(ctx, q, t, usedAt, leeway); err != nil || reuse != nil {
				return err
			}
		} else {
			if _, err := q.exec(ctx, "UPDATE refresh_tokens SET used_at = ?, expires_at = ? WHERE tenant = ? AND hash = ?", now.UnixMilli(), usedEnd(t, now), s.tenant.ID, jose.HashToken(token)); err != nil {
				return err
			}
		}
		t.Counter++
		touch(t, now, idle)
		return s.insertRefreshToken(ctx, q, next, t)
	})
	switch {
	case err != nil:
		return nil, err
	case reuse != nil:
		return t, reuse
	}
	return t, nil
}

// TouchRefreshToken notes the use of a token that does not rotate. presented is the token as it was looked up before: while it still is so,
// on PostgreSQL all of it is one statement; nil: it is looked up anew.
func (s *Store) TouchRefreshToken(ctx context.Context, token string, presented *stagedoor.RefreshToken, idle time.Duration) error {
	if s.db.postgres && presented != nil {
		if done, err := s.touchPresented(ctx, token, presented, idle); done || err != nil {
			return err
		}
	}
	return s.write(ctx, func(q querier) error {
		t, _, err := s.refreshToken(ctx, q, token, true)
		if err != nil {
			return err
		}
		touch(t, s.db.clock.Now(), idle)
		doc, err := json.Marshal(t)
		if err != nil {
			return err
		}
		_, err = q.exec(ctx, "UPDATE refresh_tokens SET doc = ?, expires_at = ? WHERE tenant = ? AND hash = ?",
			document(doc), refreshEnd(t), s.tenant.ID, jose.HashToken(token))
		return err
	})
}

// RevokeRefreshToken ends a token's family with its opaque access tokens if the token is the client's, and returns it. A
// token that is unknown or another client's is NotFound and stays as it is.
func (s *Store) RevokeRefreshToken(ctx context.Context, token, clientID string) (*stagedoor.RefreshToken, error) {
	var t *stagedoor.RefreshToken
	err := s.write(ctx, func(q querier) (err error) {
		if t, _, err = s.refreshToken(ctx, q, token, true); err != nil {
			return err
		}
		if t.ClientID != clientID {
			return errNotFound("refresh token")
		}
		return s.endFamily(ctx, q, t.UserID, t.FamilyID)
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// EndRefreshTokens ends a family of a user's refresh tokens.
func (s *Store) EndRefreshTokens(ctx context.Context, user, family string) error {
	return s.write(ctx, func(q querier) error { return s.deleteFamily(ctx, q, user, family) })
}

func (s *Store) deleteFamily(ctx context.Context, q querier, user, family string) error {
	if err := s.lockUser(ctx, q, user); err != nil {
		return err
	}
	return s.deleteFamilies(ctx, q, []string{user}, []string{family})
}

// deleteFamilies ends families of users who are locked, with what session transfer tokens have opened that were got for them.
func (s *Store) deleteFamilies(ctx context.Context, q querier, users, families []string) error {
	if len(families) == 0 {
		return nil
	}
	in, list, err := s.idList(families)
	if err == nil {
		_, err = q.exec(ctx, "DELETE FROM refresh_tokens"+s.db.by("refresh_tokens_family")+" WHERE tenant = ? AND family "+in, s.tenant.ID, list)
	}
	if err == nil {
		err = s.endTransferred(ctx, q, users, families)
	}
	return err
}

// endFamily is deleteFamily, and ends the opaque access tokens that came from the family: a thief has those, too.
func (s *Store) endFamily(ctx context.Context, q querier, user, family string) error {
	err := s.deleteFamily(ctx, q, user, family)
	if err == nil && family != "" {
		_, err = q.exec(ctx, "DELETE FROM access_tokens WHERE tenant = ? AND origin = ?", s.tenant.ID, family)
	}
	return err
}

func touch(t *stagedoor.RefreshToken, now time.Time, idle time.Duration) {
	t.LastUsedAt = now
	if idle > 0 {
		t.IdleExpiry = now.Add(idle)
	}
}
