package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// CreateTicket keeps a one-time link; older ones of the same kind and user stop working. NotFound: it proves a person all of whose access has ended since they proved themselves.
func (s *Store) CreateTicket(ctx context.Context, token string, t *stagedoor.Ticket) error {
	doc, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return s.write(ctx, func(q querier) error {
		if err := s.lockUser(ctx, q, t.UserID); err != nil { // before older ones; and of two who come at once the second finds the first one's
			return err
		}
		if t.Kind == stagedoor.TicketLogin {
			if err := s.checkAccessEnded(ctx, q, t.UserID, t.AccessEnded); err != nil {
				return err
			}
		}
		if _, err := q.exec(ctx, "DELETE FROM tickets WHERE tenant = ? AND user_id = ? AND kind = ? AND used_at IS NULL", s.tenant.ID, t.UserID, t.Kind); err != nil {
			return err
		}
		_, err := q.exec(ctx, "INSERT INTO tickets (tenant, hash, kind, user_id, doc, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
			s.tenant.ID, jose.HashToken(token), t.Kind, t.UserID, document(doc), millis(t.ExpiresAt))
		return err
	})
}

// endLinks ends the links that were sent to a user whose address is another one now: whoever reads the former mailbox may be somebody else, and the address may come back.
func (s *Store) endLinks(ctx context.Context, q querier, userID string) error {
	_, err := q.exec(ctx, "DELETE FROM tickets WHERE tenant = ? AND user_id = ? AND kind IN (?, ?, ?, ?) AND used_at IS NULL",
		s.tenant.ID, userID, stagedoor.TicketReset, stagedoor.TicketVerification, stagedoor.TicketUnblock, stagedoor.TicketEnrollment)
	return err
}

// Ticket returns an unused link without using it.
func (s *Store) Ticket(ctx context.Context, token, kind string) (*stagedoor.Ticket, error) {
	return s.ticket(ctx, s.read(), "SELECT doc, "+accessEndedOf("tickets")+" FROM tickets WHERE tenant = ? AND hash = ? AND kind = ? AND used_at IS NULL AND expires_at > ?",
		s.tenant.ID, jose.HashToken(token), kind, s.db.clock.Now().UnixMilli())
}

// ConsumeTicket uses a link up: of many callers one succeeds.
func (s *Store) ConsumeTicket(ctx context.Context, token, kind string) (t *stagedoor.Ticket, err error) {
	now := s.db.clock.Now().UnixMilli()
	err = s.writeOne(ctx, func(q querier) (err error) {
		t, err = s.ticket(ctx, q, "UPDATE tickets SET used_at = ? WHERE tenant = ? AND hash = ? AND kind = ? AND used_at IS NULL AND expires_at > ? RETURNING doc, "+accessEndedOf("tickets"),
			now, s.tenant.ID, jose.HashToken(token), kind, now)
		return err
	})
	return t, err
}

// ReleaseTicket gives back a link that was used up for something of which nothing came, unless a newer one was sent meanwhile.
func (s *Store) ReleaseTicket(ctx context.Context, token, kind string) error {
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, `UPDATE tickets SET used_at = NULL WHERE tenant = ? AND hash = ? AND kind = ? AND NOT EXISTS
			(SELECT 1 FROM tickets newer WHERE newer.tenant = tickets.tenant AND newer.user_id = tickets.user_id AND newer.kind = tickets.kind AND newer.used_at IS NULL)`,
			s.tenant.ID, jose.HashToken(token), kind)
		return err
	})
}

// SpentTicket returns a link that no longer works, as long as it is not swept away, and whether
// that is because it was used.
func (s *Store) SpentTicket(ctx context.Context, token, kind string) (t *stagedoor.Ticket, used bool, err error) {
	var doc string
	var usedAt sql.NullInt64
	err = s.read().row(ctx, "SELECT doc, used_at FROM tickets WHERE tenant = ? AND hash = ? AND kind = ? AND (used_at IS NOT NULL OR expires_at <= ?)",
		[]any{s.tenant.ID, jose.HashToken(token), kind, s.db.clock.Now().UnixMilli()}, &doc, &usedAt)
	if errors.Is(err, errNoRows) {
		return nil, false, errNotFound("ticket")
	}
	if err != nil {
		return nil, false, err
	}
	t = new(stagedoor.Ticket)
	return t, usedAt.Valid, json.Unmarshal([]byte(doc), t)
}

func (s *Store) ticket(ctx context.Context, q querier, query string, args ...any) (*stagedoor.Ticket, error) {
	var doc string
	var ended int64
	err := q.row(ctx, query, args, &doc, &ended)
	if errors.Is(err, errNoRows) {
		return nil, errNotFound("ticket")
	}
	if err != nil {
		return nil, err
	}
	t := &stagedoor.Ticket{AccessEnded: ended}
	return t, json.Unmarshal([]byte(doc), t)
}
