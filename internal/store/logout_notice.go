package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/stagedoor/stagedoor"
)

// noticeLife is how long a client is told of a session's end at most.
const noticeLife = 48 * time.Hour

// endSessions deletes the tenant's sessions for which a condition holds, and notes in the same transaction which clients are to be told.
func (s *Store) endSessions(ctx context.Context, q querier, by stagedoor.LogoutBy, where string, args ...any) error {
	_, err := s.endedSessions(ctx, q, by, where, args...)
	return err
}

// endedSessions is endSessions, and returns those that have ended.
func (s *Store) endedSessions(ctx context.Context, q querier, by stagedoor.LogoutBy, where string, args ...any) (ended []stagedoor.Session, err error) {
	err = q.each(ctx, "DELETE FROM sessions WHERE tenant = ? AND "+where+" RETURNING doc", append([]any{s.tenant.ID}, args...), func(scan func(...any) error) error {
		var doc string
		if err := scan(&doc); err != nil {
			return err
		}
		var v stagedoor.Session
		err := json.Unmarshal([]byte(doc), &v)
		ended = append(ended, v)
		return err
	})
	if err == nil {
		err = s.db.endOnline(ctx, q, s.tenant.ID, ended)
	}
	if err != nil {
		return nil, err
	}
	return ended, s.db.noteLogouts(ctx, q, s.tenant.ID, by, ended)
}

// endSession ends one session with the codes that it has given and nobody has redeemed.
func (s *Store) endSession(ctx context.Context, q querier, by stagedoor.LogoutBy, id string) error {
	return s.endWithCodes(ctx, q, by, "id = ?", id)
}

// endWithCodes is endSession for all sessions for which a condition holds.
func (s *Store) endWithCodes(ctx context.Context, q querier, by stagedoor.LogoutBy, where string, args ...any) error {
	ended, err := s.endedSessions(ctx, q, by, where, args...)
	for _, v := range ended {
		if err == nil {
			err = s.endCodes(ctx, q, AccessOf{UserID: v.UserID, Session: v.ID})
		}
	}
	return err
}

// endCodes deletes codes that would make new tokens. Those that were redeemed stay: a replay is still known for one.
func (s *Store) endCodes(ctx context.Context, q querier, of AccessOf) error {
	_, err := q.exec(ctx, "DELETE FROM codes WHERE tenant = ? AND user_id = ? AND used_at IS NULL AND (? = '' OR doc ->> 'SessionID' = ?)",
		s.tenant.ID, of.UserID, of.Session, of.Session)
	return err
}

// noteLogouts keeps what the clients of sessions that have ended are to be told.
func (db *DB) noteLogouts(ctx context.Context, q querier, tenant string, by stagedoor.LogoutBy, ended []stagedoor.Session) error {
	settings := map[string]stagedoor.ClientLogout{}
	now := db.clock.Now()
	for _, v := range ended {
		for _, id := range v.Clients {
			l, known := settings[id]
			if !known {
				var err error
				if l, err = logoutOf(ctx, q, tenant, id); err != nil {
					return err
				}
				settings[id] = l
			}
			if !l.Wants(by) {
				continue
			}
			n := stagedoor.LogoutNotice{UserID: v.UserID, SessionID: v.ID, Issuer: v.Issuers[id], By: by, CreatedAt: now}
			if l.Metadata.Include {
				n.Metadata = v.Metadata
			} else {
				n.Unsent = v.Metadata
			}
			for _, n.URL = range l.URLs {
				if err := insertNotice(ctx, q, tenant, id, n); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// logoutOf reads what one client wants to be told; nothing, if it is gone.
func logoutOf(ctx context.Context, q querier, tenant, client string) (stagedoor.ClientLogout, error) {
	c, err := clientAsIs(ctx, q, tenant, client)
	if err != nil || c == nil {
		return stagedoor.ClientLogout{}, err
	}
	return c.Logout(), nil
}

// clientAsIs reads a client as it is in the transaction, without its secrets; nil if it is gone.
func clientAsIs(ctx context.Context, q querier, tenant, id string) (*stagedoor.Client, error) {
	var doc string
	err := q.row(ctx, "SELECT doc FROM clients WHERE tenant = ? AND id = ?", []any{tenant, id}, &doc)
	if errors.Is(err, errNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c := new(stagedoor.Client)
	return c, json.Unmarshal([]byte(doc), c)
}

func insertNotice(ctx context.Context, q querier, tenant, client string, n stagedoor.LogoutNotice) error {
	doc, err := json.Marshal(n)
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, "INSERT INTO logout_notices (tenant, id, client_id, doc, failures, due_at, expires_at) VALUES (?, ?, ?, ?, 0, ?, ?)",
		tenant, stagedoor.NewID("blo_"), client, document(doc), millis(n.CreatedAt), millis(n.CreatedAt.Add(noticeLife)))
	return err
}

// noticeTenants goes from one tenant to the next by the index logout_notices_next: a long backlog costs no more than a short one.
const noticeTenants = `
WITH RECURSIVE t (tenant) AS (
	SELECT MIN(tenant) FROM logout_notices
	UNION ALL
	SELECT (SELECT MIN(n.tenant) FROM logout_notices n WHERE n.tenant > t.tenant) FROM t WHERE t.tenant IS NOT NULL
)
SELECT tenant FROM t WHERE tenant IS NOT NULL AND ((SELECT MIN(n.due_at) FROM logout_notices n WHERE n.tenant = t.tenant) <= ?
	OR (SELECT MAX(n.due_at) FROM logout_notices n WHERE n.tenant = t.tenant) > ?)`

// NoticeTenants lists the tenants that have clients to be told now of sessions that ended.
func (db *DB) NoticeTenants(ctx context.Context) ([]string, error) {
	var out []string
	now := db.clock.Now()
	err := db.reader().each(ctx, noticeTenants, []any{millis(now), millis(now.Add(longestRest))}, func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		out = append(out, id)
		return err
	})
	return out, err
}

// LogoutNotices lists what the tenant's clients are to be told now, the longest due first.
func (s *Store) LogoutNotices(ctx context.Context, most int) ([]stagedoor.LogoutNotice, error) {
	out, now := []stagedoor.LogoutNotice{}, s.db.clock.Now()
	err := s.read().each(ctx, "SELECT id, client_id, doc, failures, due_at FROM logout_notices WHERE tenant = ? AND (due_at <= ? OR due_at > ?) ORDER BY due_at, id LIMIT ?",
		[]any{s.tenant.ID, millis(now), millis(now.Add(longestRest)), most}, func(scan func(...any) error) error {
			var n stagedoor.LogoutNotice
			var id, client, doc string
			var due int64
			if err := scan(&id, &client, &doc, &n.Failures, &due); err != nil {
				return err
			}
			err := json.Unmarshal([]byte(doc), &n)
			n.ID, n.ClientID, n.DueAt = id, client, fromMillis(due)
			out = append(out, n)
			return err
		})
	return out, err
}

// ClaimLogoutNotice takes a notice until then: of many servers one gets it. A claim that is followed neither by SettleLogoutNotice nor by
// RetryLogoutNotice ends by itself.
func (s *Store) ClaimLogoutNotice(ctx context.Context, n *stagedoor.LogoutNotice, until time.Time) (claimed bool, err error) {
	err = s.writeOne(ctx, func(q querier) error {
		rows, err := q.exec(ctx, "UPDATE logout_notices SET due_at = ? WHERE tenant = ? AND id = ? AND due_at = ?", millis(until), s.tenant.ID, n.ID, millis(n.DueAt))
		claimed = rows > 0
		return err
	})
	return claimed, err
}

// SettleLogoutNotice removes a notice: it was taken, or will not be sent again.
func (s *Store) SettleLogoutNotice(ctx context.Context, id string) error {
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "DELETE FROM logout_notices WHERE tenant = ? AND id = ?", s.tenant.ID, id)
		return err
	})
}

// RetryLogoutNotice notes a failure and when to try again.
func (s *Store) RetryLogoutNotice(ctx context.Context, id string, at time.Time) error {
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "UPDATE logout_notices SET failures = failures + 1, due_at = ? WHERE tenant = ? AND id = ?", millis(at), s.tenant.ID, id)
		return err
	})
}

// EndExpired ends sessions whose time is up, and notes which clients are to be told.
func (db *DB) EndExpired(ctx context.Context) error { return db.sweepTable(ctx, sessionSweep) }

// sweepSessions runs a statement that deletes a batch of sessions, and notes which clients are to be told.
func (db *DB) sweepSessions(ctx context.Context, q querier, query string, before int64, rows int) (n int64, err error) {
	ended := map[string][]stagedoor.Session{}
	err = q.each(ctx, query+" RETURNING tenant, doc", []any{before, rows}, func(scan func(...any) error) error {
		var tenant, doc string
		if err := scan(&tenant, &doc); err != nil {
			return err
		}
		var v stagedoor.Session
		err := json.Unmarshal([]byte(doc), &v)
		ended[tenant] = append(ended[tenant], v)
		n++
		return err
	})
	for tenant, sessions := range ended {
		if err == nil {
			err = db.noteLogouts(ctx, q, tenant, stagedoor.LogoutExpired, sessions)
		}
		if err == nil {
			err = db.endOnline(ctx, q, tenant, sessions)
		}
	}
	return n, err
}
