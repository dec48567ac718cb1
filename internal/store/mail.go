package store

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/stagedoor/stagedoor"
)

// inboxSize is how many mails the development inbox of a tenant keeps.
const inboxSize = 200

// SaveMail puts a mail into the development inbox.
func (s *Store) SaveMail(ctx context.Context, m *stagedoor.Mail) error {
	if m.ID == "" {
		m.ID = s.db.logIDs.New(m.SentAt)
	}
	doc, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return s.write(ctx, func(q querier) error {
		if _, err := q.exec(ctx, "INSERT INTO mails (tenant, id, doc, sent_at) VALUES (?, ?, ?, ?)", s.tenant.ID, m.ID, document(doc), millis(m.SentAt)); err != nil {
			return err
		}
		_, err := q.exec(ctx, "DELETE FROM mails WHERE tenant = ? AND id IN (SELECT id FROM mails WHERE tenant = ? ORDER BY id DESC LIMIT 1000 OFFSET ?)",
			s.tenant.ID, s.tenant.ID, inboxSize)
		return err
	})
}

// Mails lists the development inbox, newest first.
func (s *Store) Mails(ctx context.Context) ([]stagedoor.Mail, error) {
	var out []stagedoor.Mail
	err := s.read().each(ctx, "SELECT doc FROM mails WHERE tenant = ? ORDER BY id DESC", []any{s.tenant.ID}, func(scan func(...any) error) error {
		var doc string
		if err := scan(&doc); err != nil {
			return err
		}
		var m stagedoor.Mail
		err := json.Unmarshal([]byte(doc), &m)
		out = append(out, m)
		return err
	})
	return out, err
}

// Mail returns one mail of the development inbox.
func (s *Store) Mail(ctx context.Context, id string) (*stagedoor.Mail, error) {
	var doc string
	err := s.read().row(ctx, "SELECT doc FROM mails WHERE tenant = ? AND id = ?", []any{s.tenant.ID, id}, &doc)
	if errors.Is(err, errNoRows) {
		return nil, errNotFound("mail")
	}
	if err != nil {
		return nil, err
	}
	m := new(stagedoor.Mail)
	return m, json.Unmarshal([]byte(doc), m)
}
