package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// SavePush keeps a question for what of is, in the place of the one before. token is what the device answers by. Neither is stored.
func (s *Store) SavePush(ctx context.Context, of, token string, c *stagedoor.PushChallenge) error {
	doc, err := json.Marshal(c)
	if err != nil {
		return err
	}
	c.ID, c.State = jose.HashToken(of), stagedoor.PushPending
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, `INSERT INTO push_challenges (tenant, hash, token, status, doc, polled_at, expires_at) VALUES (?, ?, ?, ?, ?, 0, ?)
			ON CONFLICT (tenant, hash) DO UPDATE SET token = excluded.token, status = excluded.status, doc = excluded.doc, polled_at = 0, expires_at = excluded.expires_at`,
			s.tenant.ID, c.ID, jose.HashToken(token), c.State, document(doc), millis(c.ExpiresAt))
		return err
	})
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

const pushColumns = "SELECT hash, status, doc FROM push_challenges"

func (s *Store) push(ctx context.Context, q querier, query string, args ...any) (*stagedoor.PushChallenge, error) {
	var hash, status, doc string
	err := q.row(ctx, query, args, &hash, &status, &doc)
	if errors.Is(err, errNoRows) {
		return nil, errNotFound("question to a device")
	}
	if err != nil {
		return nil, err
	}
	c := &stagedoor.PushChallenge{ID: hash, State: status}
	return c, json.Unmarshal([]byte(doc), c)
}

// AnswerPush says what a device has answered. Of many answers the first one counts; the others are NotFound.
func (s *Store) AnswerPush(ctx context.Context, c *stagedoor.PushChallenge, state string) error {
	doc, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return s.writeOne(ctx, func(q querier) error {
		n, err := q.exec(ctx, "UPDATE push_challenges SET status = ?, doc = ? WHERE tenant = ? AND hash = ? AND status = ? AND expires_at > ?",
			state, document(doc), s.tenant.ID, c.ID, stagedoor.PushPending, millis(s.db.clock.Now()))
		if err == nil && n == 0 {
			err = errNotFound("question to a device")
		}
		return err
	})
}

// PollPush notes that a program asks what became of a question, in one statement; tooFast tells that it did so less than the interval ago.
func (s *Store) PollPush(ctx context.Context, of string, interval time.Duration) (tooFast bool, err error) {
	now := millis(s.db.clock.Now())
	var n int64
	err = s.writeOne(ctx, func(q querier) (err error) {
		n, err = q.exec(ctx, "UPDATE push_challenges SET polled_at = ? WHERE tenant = ? AND hash = ? AND polled_at <= ?",
			now, s.tenant.ID, jose.HashToken(of), now-interval.Milliseconds())
		return err
	})
	return n == 0, err
}

// TakePush returns the question that was approved for what of is, and forgets it, in one statement: of many callers one gets it. NotFound means that it is
// not approved.
func (s *Store) TakePush(ctx context.Context, of string) (c *stagedoor.PushChallenge, err error) {
	err = s.writeOne(ctx, func(q querier) error {
		c, err = s.push(ctx, q, "DELETE FROM push_challenges WHERE tenant = ? AND hash = ? AND status = ? AND expires_at > ? RETURNING hash, status, doc",
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
