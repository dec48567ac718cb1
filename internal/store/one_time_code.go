package store

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// SaveOneTimeCode keeps a code in the place of the one before of the same purpose and subject. What is kept is its hash, sealed: the few
// digits of a code would be found from a hash alone.
func (s *Store) SaveOneTimeCode(ctx context.Context, code string, c *stagedoor.OneTimeCode) error {
	doc, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, `INSERT INTO one_time_codes (tenant, purpose, subject, sealed, tries, doc, expires_at) VALUES (?, ?, ?, ?, 0, ?, ?)
			ON CONFLICT (tenant, purpose, subject) DO UPDATE SET sealed = excluded.sealed, tries = 0, doc = excluded.doc, expires_at = excluded.expires_at`,
			s.tenant.ID, c.Purpose, c.Subject, s.seal(jose.HashToken(code), "one_time_codes", c.Purpose+"/"+c.Subject), document(doc), millis(c.ExpiresAt))
		return err
	})
}

// NameOneTimeCode gives a code that is kept, and is still this one, another description; how often it was tried stays. NotFound if it has gone, or
// another one has taken its place.
func (s *Store) NameOneTimeCode(ctx context.Context, code string, c *stagedoor.OneTimeCode) error {
	doc, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return s.write(ctx, func(q querier) error {
		var sealed string
		err := q.row(ctx, "SELECT sealed FROM one_time_codes WHERE tenant = ? AND purpose = ? AND subject = ?"+s.db.forUpdate(), []any{s.tenant.ID, c.Purpose, c.Subject}, &sealed)
		if errors.Is(err, errNoRows) {
			return errNotFound("code")
		}
		if err != nil {
			return err
		}
		hash, err := s.unseal(sealed, "one_time_codes", c.Purpose+"/"+c.Subject)
		if err != nil {
			return err
		}
		if !jose.Equal(jose.HashToken(code), hash) {
			return errNotFound("code")
		}
		_, err = q.exec(ctx, "UPDATE one_time_codes SET doc = ? WHERE tenant = ? AND purpose = ? AND subject = ?", document(doc), s.tenant.ID, c.Purpose, c.Subject)
		return err
	})
}

// Tried is what came of a try with a one-time code.
type Tried struct {
	Code    *stagedoor.OneTimeCode // nil: it was wrong, or there is none
	Expired bool
	TooMany bool // it was tried wrong too often before
}

// TryOneTimeCode tries a code and uses it up if it is right, unless it is to be kept: of many callers one gets it. So many wrong tries as
// most end it.
func (s *Store) TryOneTimeCode(ctx context.Context, purpose, subject, code string, most int, keep bool) (t Tried, err error) {
	err = s.write(ctx, func(q querier) error {
		t = Tried{}
		var sealed, doc string
		var tries int
		var expires int64
		err := q.row(ctx, "SELECT sealed, tries, doc, expires_at FROM one_time_codes WHERE tenant = ? AND purpose = ? AND subject = ?"+s.db.forUpdate(),
			[]any{s.tenant.ID, purpose, subject}, &sealed, &tries, &doc, &expires)
		if errors.Is(err, errNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		hash, err := s.unseal(sealed, "one_time_codes", purpose+"/"+subject)
		if err != nil {
			return err
		}
		where, args := " WHERE tenant = ? AND purpose = ? AND subject = ?", []any{s.tenant.ID, purpose, subject}
		switch {
		case expires <= millis(s.db.clock.Now()):
			t.Expired = true
			return nil
		case tries >= most:
			t.TooMany = true
			return nil
		case !jose.Equal(jose.HashToken(code), hash):
			_, err = q.exec(ctx, "UPDATE one_time_codes SET tries = tries + 1"+where, args...)
			return err
		}
		t.Code = &stagedoor.OneTimeCode{}
		if err := json.Unmarshal([]byte(doc), t.Code); err != nil || keep {
			return err
		}
		_, err = q.exec(ctx, "DELETE FROM one_time_codes"+where, args...)
		return err
	})
	return t, err
}

// DropOneTimeCode forgets a code. None there is no error.
func (s *Store) DropOneTimeCode(ctx context.Context, purpose, subject string) error {
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "DELETE FROM one_time_codes WHERE tenant = ? AND purpose = ? AND subject = ?", s.tenant.ID, purpose, subject)
		return err
	})
}

// OneTimeCode returns what a code is kept for without trying it; NotFound if there is none, or no longer.
func (s *Store) OneTimeCode(ctx context.Context, purpose, subject string) (*stagedoor.OneTimeCode, error) {
	var doc string
	err := s.read().row(ctx, "SELECT doc FROM one_time_codes WHERE tenant = ? AND purpose = ? AND subject = ? AND expires_at > ?",
		[]any{s.tenant.ID, purpose, subject, millis(s.db.clock.Now())}, &doc)
	if errors.Is(err, errNoRows) {
		return nil, errNotFound("code")
	}
	if err != nil {
		return nil, err
	}
	c := &stagedoor.OneTimeCode{}
	return c, json.Unmarshal([]byte(doc), c)
}
