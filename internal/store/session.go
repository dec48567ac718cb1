package store

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

func errNotFound(what string) error {
	return stagedoor.Errorf(stagedoor.NotFound, "not_found", "The %s does not exist.", what)
}

// maxSessions is how many sessions a person has at most: a program that keeps no cookies logs in again and again.
const maxSessions = 1000

// CreateSession keeps a session under its cookie's value. Where the person has too many, those of them end that would end first. NotFound: a session transfer token opens
// it whose refresh token has ended, or all access of the person has since they proved themselves.
func (s *Store) CreateSession(ctx context.Context, handle string, v *stagedoor.Session) error {
	if v.Transfer != nil {
		return s.createTransferred(ctx, handle, v)
	}
	crowd := false
	err := s.writeOne(ctx, func(q querier) (err error) {
		crowd, err = s.insertSession(ctx, q, handle, v)
		return err
	})
	if err != nil || !crowd {
		return s.orMissing(ctx, s.read(), v.UserID, err)
	}
	return s.write(ctx, func(q querier) error {
		if err := s.lockUser(ctx, q, v.UserID); err != nil { // of two logins one waits
			return err
		}
		return s.endCrowd(ctx, q, v)
	})
}

// insertSession tells whether its person may have too many now.
func (s *Store) insertSession(ctx context.Context, q querier, handle string, v *stagedoor.Session) (crowd bool, err error) {
	doc, err := json.Marshal(v)
	if err != nil {
		return false, err
	}
	n := 0
	values := "?, ?, ?, ?, ?, ?, ?"
	if s.db.postgres {
		values = "?, ?, ?, ?, CAST(? AS JSONB), CAST(? AS BIGINT), ?"
	}
	args := append([]any{s.tenant.ID, jose.HashToken(handle), v.ID, v.UserID, document(doc), sessionEnd(v), cameBy(v.CameBy)}, s.asWas(v.UserID, v.AccessEnded)...)
	err = q.row(ctx, "INSERT INTO sessions (tenant, handle, id, user_id, doc, expires_at, came_by) SELECT "+values+s.ofUserAsWas()+" RETURNING (SELECT COUNT(*) FROM (SELECT 1 FROM sessions"+
		s.db.by("sessions_user")+" WHERE tenant = ? AND user_id = ? LIMIT ?) AS theirs)",
		append(args, s.tenant.ID, v.UserID, maxSessions), &n)
	if errors.Is(err, errNoRows) {
		if err = errAccessEnded(); !storable(args) {
			err = errUnstorable()
		}
	}
	return n >= maxSessions, err
}

// endCrowd ends the sessions of a person that are too many beside their newest. Where there is a heap of them the next logins end the rest.
func (s *Store) endCrowd(ctx context.Context, q querier, newest *stagedoor.Session) error {
	return s.endWithCodes(ctx, q, stagedoor.LogoutExpired, "user_id = ? AND handle IN (SELECT handle FROM sessions"+s.db.by("sessions_user")+
		" WHERE tenant = ? AND user_id = ? AND id <> ? ORDER BY expires_at DESC, handle LIMIT ? OFFSET ?)",
		newest.UserID, s.tenant.ID, newest.UserID, newest.ID, endedAtOnce, maxSessions-1)
}

// cameBy is the column by which sessions of an identity provider are found.
func cameBy(c *stagedoor.CameBy) any {
	if c == nil {
		return nil
	}
	return jose.HashToken(c.Connection + "\x00" + c.NameID)
}

// EndCameBy ends the sessions of a person whom the identity provider of a connection calls by the NameID: those of the indexes, or all if there
// are none. Those whose index is no longer known, because a server of the release before wrote them meanwhile, are among them. It returns them.
func (s *Store) EndCameBy(ctx context.Context, connectionID, nameID string, indexes []string) (ended []stagedoor.Session, err error) {
	err = s.write(ctx, func(q querier) error {
		ended = nil
		by := cameBy(&stagedoor.CameBy{Connection: connectionID, NameID: nameID})
		if err := s.lockUsersOf(ctx, q, "came_by = ?", by); err != nil {
			return err
		}
		err := q.each(ctx, "SELECT doc FROM sessions WHERE tenant = ? AND came_by = ? ORDER BY id"+s.db.forUpdate(),
			[]any{s.tenant.ID, by}, func(scan func(...any) error) error {
				var doc string
				if err := scan(&doc); err != nil {
					return err
				}
				var v stagedoor.Session
				err := json.Unmarshal([]byte(doc), &v)
				if v.CameBy == nil || len(indexes) == 0 || slices.Contains(indexes, v.CameBy.SessionIndex) {
					ended = append(ended, v)
				}
				return err
			})
		for i := range ended {
			if err == nil {
				err = s.endSession(ctx, q, stagedoor.LogoutByProvider, ended[i].ID)
			}
		}
		return err
	})
	return ended, err
}

func sessionEnd(v *stagedoor.Session) int64 {
	if v.IdleExpiresAt.Before(v.ExpiresAt) {
		return millis(v.IdleExpiresAt)
	}
	return millis(v.ExpiresAt)
}

func (s *Store) session(ctx context.Context, q querier, where, arg, lock string) (*stagedoor.Session, error) {
	var doc string
	var ended int64
	err := q.row(ctx, "SELECT doc, "+accessEndedOf("sessions")+" FROM sessions WHERE tenant = ? AND "+where+" AND expires_at > ?"+lock, []any{s.tenant.ID, arg, s.db.clock.Now().UnixMilli()}, &doc, &ended)
	if errors.Is(err, errNoRows) {
		return nil, errNotFound("session")
	}
	if err != nil {
		return nil, err
	}
	v := &stagedoor.Session{AccessEnded: ended}
	return v, json.Unmarshal([]byte(doc), v)
}

// SessionByHandle returns the live session of a cookie.
func (s *Store) SessionByHandle(ctx context.Context, handle string) (*stagedoor.Session, error) {
	return s.session(ctx, s.lookup(), "handle = ?", jose.HashToken(handle), "")
}

// Session returns a live session by its public id.
func (s *Store) Session(ctx context.Context, id string) (*stagedoor.Session, error) {
	return s.session(ctx, s.lookup(), "id = ?", id, "")
}

// UpdateSession changes a live session in one transaction.
func (s *Store) UpdateSession(ctx context.Context, id string, change func(*stagedoor.Session)) error {
	return s.RenewSession(ctx, id, "", change)
}

// RenewSession is UpdateSession, and puts the session under another cookie's value unless handle is empty: the one before
// stops working.
func (s *Store) RenewSession(ctx context.Context, id, handle string, change func(*stagedoor.Session)) error {
	err := s.renewSession(ctx, id, handle, "", change)
	if next := (*passesTo)(nil); errors.As(err, &next) {
		err = s.renewSession(ctx, id, handle, next.user, change)
	}
	return err
}

// passesTo is why the change of a session is begun anew: it becomes another user's, who is to be locked before it.
type passesTo struct{ user string }

func (p *passesTo) Error() string { return "store: the session becomes another user's" }

// renewSession writes the row once: PostgreSQL looks for the user of a row that it writes twice, and whoever ends the user's sessions holds them while they wait for this one.
func (s *Store) renewSession(ctx context.Context, id, handle, heir string, change func(*stagedoor.Session)) error {
	return s.write(ctx, func(q querier) error {
		if heir != "" {
			if err := s.shareUsers(ctx, q, heir); err != nil {
				return err
			}
		}
		v, err := s.session(ctx, q, "id = ?", id, s.db.forUpdate())
		if err != nil {
			return err
		}
		was := v.UserID
		change(v)
		if v.UserID != was && v.UserID != heir {
			return &passesTo{v.UserID}
		}
		doc, err := json.Marshal(v)
		if err != nil {
			return err
		}
		set, args := "doc = ?, user_id = ?, expires_at = ?, came_by = COALESCE(?, came_by)", []any{document(doc), v.UserID, sessionEnd(v), cameBy(v.CameBy)}
		if handle != "" {
			set, args = set+", handle = ?", append(args, jose.HashToken(handle))
		}
		_, err = q.exec(ctx, "UPDATE sessions SET "+set+" WHERE tenant = ? AND id = ?", append(args, s.tenant.ID, id)...)
		return err
	})
}

// DeleteSession ends a session with the codes that nobody has redeemed. Refresh tokens live on.
func (s *Store) DeleteSession(ctx context.Context, id string, by stagedoor.LogoutBy) error {
	return s.write(ctx, func(q querier) error {
		if err := s.lockUsersOf(ctx, q, "id = ?", id); err != nil {
			return err
		}
		return s.endSession(ctx, q, by, id)
	})
}

// lockUsersOf locks the users of the sessions for which a condition holds, before these end: with a session may end refresh tokens, which others lock first.
func (s *Store) lockUsersOf(ctx context.Context, q querier, where string, arg any) error {
	if !s.db.postgres {
		return nil
	}
	_, err := q.exec(ctx, "SELECT id FROM users WHERE tenant = ? AND id IN (SELECT user_id FROM sessions WHERE tenant = ? AND "+where+") ORDER BY id FOR UPDATE", s.tenant.ID, s.tenant.ID, arg)
	return err
}

// EndSession is DeleteSession, and ends the refresh tokens that were given in it unless keepTokens. One that is not there is no error.
func (s *Store) EndSession(ctx context.Context, id string, keepTokens bool) error {
	if !keepTokens {
		if err := s.thinTokens(ctx, AccessOf{Session: id}); err != nil {
			return err
		}
	}
	return s.write(ctx, func(q querier) error {
		var user string
		err := q.row(ctx, "SELECT user_id FROM sessions WHERE tenant = ? AND id = ?", []any{s.tenant.ID, id}, &user)
		if errors.Is(err, errNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.lockUser(ctx, q, user); err != nil {
			return err
		}
		if !keepTokens {
			families, err := s.userFamilies(ctx, q, AccessOf{UserID: user, Session: id})
			if err == nil {
				err = s.deleteFamilies(ctx, q, []string{user}, families)
			}
			if err != nil {
				return err
			}
		}
		return s.endSession(ctx, q, stagedoor.LogoutRevoked, id)
	})
}

// BeginTransaction keeps a login that has just begun. On SQLite a loss of power may take it back, and the person begins it again: the page does not wait for the disk.
func (s *Store) BeginTransaction(ctx context.Context, t *stagedoor.Transaction) error {
	return s.db.writeSoon(ctx, func(q querier) error { return s.saveTransaction(ctx, q, t) })
}

// SaveTransaction keeps a login under way; it replaces an older state.
func (s *Store) SaveTransaction(ctx context.Context, t *stagedoor.Transaction) error {
	return s.writeOne(ctx, func(q querier) error { return s.saveTransaction(ctx, q, t) })
}

func (s *Store) saveTransaction(ctx context.Context, q querier, t *stagedoor.Transaction) error {
	kept := *t
	kept.ID = "" // a handle, of which only the hash is stored
	doc, err := json.Marshal(kept)
	if err == nil {
		_, err = q.exec(ctx, `INSERT INTO transactions (tenant, id, doc, expires_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (tenant, id) DO UPDATE SET doc = excluded.doc, expires_at = excluded.expires_at`, s.tenant.ID, jose.HashToken(t.ID), document(doc), millis(t.ExpiresAt))
	}
	return err
}

// Transaction returns a login under way.
func (s *Store) Transaction(ctx context.Context, id string) (*stagedoor.Transaction, error) {
	return s.transaction(ctx, s.lookup(), "SELECT doc FROM transactions WHERE tenant = ? AND id = ? AND expires_at > ?", id)
}

// TakeTransaction returns a login under way and removes it: of two callers one gets it.
func (s *Store) TakeTransaction(ctx context.Context, id string) (t *stagedoor.Transaction, err error) {
	err = s.writeOne(ctx, func(q querier) (err error) {
		t, err = s.transaction(ctx, q, "DELETE FROM transactions WHERE tenant = ? AND id = ? AND expires_at > ? RETURNING doc", id)
		return err
	})
	return t, err
}

func (s *Store) transaction(ctx context.Context, q querier, query, id string) (*stagedoor.Transaction, error) {
	var doc string
	err := q.row(ctx, query, []any{s.tenant.ID, jose.HashToken(id), s.db.clock.Now().UnixMilli()}, &doc)
	if errors.Is(err, errNoRows) {
		return nil, errNotFound("transaction")
	}
	if err != nil {
		return nil, err
	}
	t := new(stagedoor.Transaction)
	err = json.Unmarshal([]byte(doc), t)
	t.ID = id
	return t, err
}
