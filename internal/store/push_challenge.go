package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

const pushChallenges = "push_challenges"

// SavePush keeps a question for what of is, in the place of the one before. token is what the device answers by. Neither is stored.
func (s *Store) SavePush(ctx context.Context, of, token string, c *stagedoor.PushChallenge) error {
	c.ID, c.Token, c.State = jose.HashToken(of), jose.HashToken(token), stagedoor.PushPending
	doc, sealed, err := s.writtenPush(c)
	if err != nil {
		return err
	}
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, `INSERT INTO push_challenges (tenant, hash, token, status, doc, sealed, polled_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, 0, ?)
			ON CONFLICT (tenant, hash) DO UPDATE SET token = excluded.token, status = excluded.status, doc = excluded.doc, sealed = excluded.sealed, polled_at = 0, expires_at = excluded.expires_at`,
			s.tenant.ID, c.ID, c.Token, c.State, document(doc), sealed, millis(c.ExpiresAt))
		return err
	})
}

// writtenPush is a question as it is kept: where the device is found that is being set up is sealed.
func (s *Store) writtenPush(c *stagedoor.PushChallenge) (doc []byte, sealed string, err error) {
	kept, address := *c, ""
	if c.Device != nil {
		d := *c.Device
		address, d.Address, kept.Device = d.Address, "", &d
	}
	doc, err = json.Marshal(&kept)
	return doc, s.seal(address, pushChallenges, c.ID), err
}

// Push returns the question that was asked for what of is; NotFound if there is none, or no longer.
func (s *Store) Push(ctx context.Context, of string) (*stagedoor.PushChallenge, error) {
	return s.push(ctx, s.read(), pushColumns+" WHERE tenant = ? AND hash = ? AND expires_at > ?", s.tenant.ID, jose.HashToken(of), millis(s.db.clock.Now()))
}

// PushByToken returns the question that a device is asked, as long as nobody has answered it.
func (s *Store) PushByToken(ctx context.Context, token string) (*stagedoor.PushChallenge, error) {
	return s.push(ctx, s.read(), pushColumns+" WHERE tenant = ? AND token = ? AND status = ? AND expires_at > ?",
		s.tenant.ID, jose.HashToken(token), stagedoor.PushPending, millis(s.db.clock.Now()))
}

const pushColumns = "SELECT hash, token, status, doc, sealed FROM push_challenges"

func (s *Store) push(ctx context.Context, q querier, query string, args ...any) (*stagedoor.PushChallenge, error) {
	var hash, token, status, doc, sealed string
	err := q.row(ctx, query, args, &hash, &token, &status, &doc, &sealed)
	if errors.Is(err, errNoRows) {
		return nil, errNotFound("question to a device")
	}
	if err != nil {
		return nil, err
	}
	c := &stagedoor.PushChallenge{ID: hash, Token: token, State: status}
	if err := json.Unmarshal([]byte(doc), c); err != nil || c.Device == nil || sealed == "" {
		return c, err
	}
	c.Device.Address, err = s.unseal(sealed, pushChallenges, hash)
	return c, err
}

// AnswerPush says what a device has answered to the question that it was asked. Of many answers the first one counts; the others are NotFound, and so is one to a
// question in whose place another one was asked meanwhile.
func (s *Store) AnswerPush(ctx context.Context, c *stagedoor.PushChallenge, state string) error {
	doc, sealed, err := s.writtenPush(c)
	if err != nil {
		return err
	}
	return s.writeOne(ctx, func(q querier) error {
		n, err := q.exec(ctx, "UPDATE push_challenges SET status = ?, doc = ?, sealed = ? WHERE tenant = ? AND hash = ? AND token = ? AND status = ? AND expires_at > ?",
			state, document(doc), sealed, s.tenant.ID, c.ID, c.Token, stagedoor.PushPending, millis(s.db.clock.Now()))
		if err == nil && n == 0 {
			err = errNotFound("question to a device")
		}
		return err
	})
}

// PollPush notes that a program asks what became of a question, in one statement; tooFast tells that it did so less than the interval ago.
// One that did so at a time that has yet to come did so by a clock that was put back.
func (s *Store) PollPush(ctx context.Context, of string, interval time.Duration) (tooFast bool, err error) {
	now := millis(s.db.clock.Now())
	var n int64
	err = s.writeOne(ctx, func(q querier) (err error) {
		n, err = q.exec(ctx, "UPDATE push_challenges SET polled_at = ? WHERE tenant = ? AND hash = ? AND (polled_at <= ? OR polled_at > ?)",
			now, s.tenant.ID, jose.HashToken(of), now-interval.Milliseconds(), now)
		return err
	})
	return n == 0, err
}

// TakePush returns the question that was approved for what of is, and forgets it, in one statement: of many callers one gets it. NotFound means that it is
// not approved.
func (s *Store) TakePush(ctx context.Context, of string) (c *stagedoor.PushChallenge, err error) {
	err = s.writeOne(ctx, func(q querier) error {
		c, err = s.push(ctx, q, "DELETE FROM push_challenges WHERE tenant = ? AND hash = ? AND status = ? AND expires_at > ? RETURNING hash, token, status, doc, sealed",
			s.tenant.ID, jose.HashToken(of), stagedoor.PushApproved, millis(s.db.clock.Now()))
		return err
	})
	return c, err
}

// DropPush forgets a question. None there is no error.
func (s *Store) DropPush(ctx context.Context, of string) error {
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "DELETE FROM push_challenges WHERE tenant = ? AND hash = ?", s.tenant.ID, jose.HashToken(of))
		return err
	})
}
