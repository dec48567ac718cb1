package store

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// ticketTransfer is the kind under which session transfer tokens lie with the tickets.
const ticketTransfer = "session_transfer"

// SaveSessionTransfer keeps a session transfer token. Others of the user stay: they may have several devices.
func (s *Store) SaveSessionTransfer(ctx context.Context, token string, t *stagedoor.SessionTransferToken) error {
	doc, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "INSERT INTO tickets (tenant, hash, kind, user_id, doc, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
			s.tenant.ID, jose.HashToken(token), ticketTransfer, t.UserID, document(doc), millis(t.ExpiresAt))
		return err
	})
}

// TakeSessionTransfer uses a session transfer token up: of many callers one gets it.
func (s *Store) TakeSessionTransfer(ctx context.Context, token string) (*stagedoor.SessionTransferToken, error) {
	var doc string
	err := s.writeOne(ctx, func(q querier) error {
		return q.row(ctx, "DELETE FROM tickets WHERE tenant = ? AND hash = ? AND kind = ? AND expires_at > ? RETURNING doc",
			[]any{s.tenant.ID, jose.HashToken(token), ticketTransfer, millis(s.db.clock.Now())}, &doc)
	})
	if errors.Is(err, errNoRows) {
		return nil, errNotFound("session transfer token")
	}
	if err != nil {
		return nil, err
	}
	t := new(stagedoor.SessionTransferToken)
	return t, json.Unmarshal([]byte(doc), t)
}

// createTransferred is CreateSession of one that a session transfer token opens: NotFound if the refresh token has gone meanwhile that it comes from.
func (s *Store) createTransferred(ctx context.Context, handle string, v *stagedoor.Session) error {
	return s.write(ctx, func(q querier) error {
		if err := s.lockUser(ctx, q, v.UserID); err != nil { // whoever revokes it waits, and then finds the session
			return err
		}
		live := 0
		err := q.row(ctx, "SELECT COUNT(*) FROM refresh_tokens WHERE tenant = ? AND family = ? AND user_id = ? AND used_at IS NULL AND expires_at > ?",
			[]any{s.tenant.ID, v.Transfer.Family, v.UserID, millis(s.db.clock.Now())}, &live)
		if err == nil && live == 0 {
			err = errNotFound("refresh token")
		}
		if err != nil {
			return err
		}
		crowd, err := s.insertSession(ctx, q, handle, v)
		if err == nil && crowd {
			err = s.endCrowd(ctx, q, v)
		}
		return err
	})
}

// checkTransferred refuses the first refresh token of a session that a session transfer token opened, once the session has ended.
func (s *Store) checkTransferred(ctx context.Context, q querier, t *stagedoor.RefreshToken) error {
	if t.Transfer == nil || t.SessionID == "" {
		return nil
	}
	if err := s.lockUser(ctx, q, t.UserID); err != nil {
		return err
	}
	_, err := s.session(ctx, q, "id = ?", t.SessionID, "")
	return err
}

// endTransferred ends what session transfer tokens have opened that were got for these families of refresh tokens: sessions of their users, and
// refresh tokens that came of those, where the client that got them wants that. The users are locked.
func (s *Store) endTransferred(ctx context.Context, q querier, users, families []string) error {
	sessions, err := s.transferred(ctx, q, "id FROM sessions"+s.db.by("sessions_user"), users, families)
	if err != nil {
		return err
	}
	for _, id := range sessions {
		if err := s.endSession(ctx, q, stagedoor.LogoutRevoked, id); err != nil {
			return err
		}
	}
	tokens, err := s.transferred(ctx, q, "family FROM refresh_tokens"+s.db.by("refresh_tokens_user"), users, families)
	for _, family := range tokens {
		if err == nil {
			_, err = q.exec(ctx, "DELETE FROM refresh_tokens WHERE tenant = ? AND family = ?", s.tenant.ID, family)
		}
	}
	return err
}

// transferred lists a column of what ends with the families.
func (s *Store) transferred(ctx context.Context, q querier, column string, users, families []string) ([]string, error) {
	ofUsers, userList, err := s.idList(users)
	if err != nil {
		return nil, err
	}
	ofFamilies, familyList, err := s.idList(families)
	if err != nil {
		return nil, err
	}
	byClient := map[string][]string{}
	err = q.each(ctx, "SELECT doc -> 'Transfer' ->> 'ClientID', "+column+" WHERE tenant = ? AND user_id "+ofUsers+" AND doc -> 'Transfer' ->> 'Family' "+ofFamilies,
		[]any{s.tenant.ID, userList, familyList}, func(scan func(...any) error) error {
			var client, id string
			err := scan(&client, &id)
			byClient[client] = append(byClient[client], id)
			return err
		})
	var out []string
	for client, ids := range byClient {
		var transfer *stagedoor.SessionTransfer
		if err == nil {
			transfer, err = transferOf(ctx, q, s.tenant.ID, client)
		}
		if transfer != nil && transfer.Cascade {
			out = append(out, ids...)
		}
	}
	return out, err
}

// endOnline ends the refresh tokens of sessions that have ended and that session transfer tokens had opened, where their client wants that.
func (db *DB) endOnline(ctx context.Context, q querier, tenant string, ended []stagedoor.Session) error {
	for _, v := range ended {
		if v.Transfer == nil {
			continue
		}
		families := map[string]string{} // and their clients
		err := q.each(ctx, "SELECT family, client_id FROM refresh_tokens"+db.by("refresh_tokens_user")+" WHERE tenant = ? AND user_id = ? AND doc ->> 'SessionID' = ?",
			[]any{tenant, v.UserID, v.ID}, func(scan func(...any) error) error {
				var family, client string
				err := scan(&family, &client)
				families[family] = client
				return err
			})
		for family, client := range families {
			var transfer *stagedoor.SessionTransfer
			if err == nil {
				transfer, err = transferOf(ctx, q, tenant, client)
			}
			if err == nil && transfer != nil && transfer.OnlineRefresh {
				_, err = q.exec(ctx, "DELETE FROM refresh_tokens WHERE tenant = ? AND family = ?", tenant, family)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// transferOf are the settings of a client as they are now; nil if it has none, or is gone.
func transferOf(ctx context.Context, q querier, tenant, client string) (*stagedoor.SessionTransfer, error) {
	c, err := clientAsIs(ctx, q, tenant, client)
	if err != nil || c == nil {
		return nil, err
	}
	return c.SessionTransfer(), nil
}
