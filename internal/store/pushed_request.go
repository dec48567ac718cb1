package store

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

const pushedRequests = "pushed_requests"

// SavePushedRequest keeps an authorization request under a name that only its client knows.
func (s *Store) SavePushedRequest(ctx context.Context, name string, p *stagedoor.PushedRequest) error {
	doc, err := json.Marshal(p)
	if err != nil {
		return err
	}
	hash := jose.HashToken(name)
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "INSERT INTO pushed_requests (tenant, hash, client_id, sealed, expires_at) VALUES (?, ?, ?, ?, ?)",
			s.tenant.ID, hash, p.ClientID, s.seal(string(doc), pushedRequests, hash), millis(p.ExpiresAt))
		return err
	})
}

// TakePushedRequest uses a pushed request up: of many callers one gets it. One that is another client's stays, and is NotFound like one that
// has expired.
func (s *Store) TakePushedRequest(ctx context.Context, name, clientID string) (*stagedoor.PushedRequest, error) {
	hash, now := jose.HashToken(name), millis(s.db.clock.Now())
	var sealed string
	err := s.writeOne(ctx, func(q querier) error {
		return q.row(ctx, "DELETE FROM pushed_requests WHERE tenant = ? AND hash = ? AND client_id = ? AND expires_at > ? RETURNING sealed",
			[]any{s.tenant.ID, hash, clientID, now}, &sealed)
	})
	if errors.Is(err, errNoRows) {
		return nil, errNotFound("pushed request")
	}
	if err != nil {
		return nil, err
	}
	doc, err := s.unseal(sealed, pushedRequests, hash)
	if err != nil {
		return nil, err
	}
	p := &stagedoor.PushedRequest{ClientID: clientID}
	return p, json.Unmarshal([]byte(doc), p)
}

// UseProof keeps a proof of possession until it is of no use any more, and tells whether it is seen for the first time by any server of the
// database (RFC 9449 section 11.1). id names the proof, whoever it comes from; messages of SAML that are good once are kept so, too.
func (s *Store) UseProof(ctx context.Context, id string, until time.Time) (fresh bool, err error) {
	err = s.writeOne(ctx, func(q querier) error {
		n, err := q.exec(ctx, "INSERT INTO used_proofs (tenant, hash, expires_at) VALUES (?, ?, ?) ON CONFLICT (tenant, hash) DO NOTHING",
			s.tenant.ID, jose.HashToken(id), millis(until))
		fresh = n > 0
		return err
	})
	return fresh, err
}

// Lease takes a lease of what id names, for one server of the database alone: nobody else gets it before until. held is until when the caller
// has it already, which makes it longer; zero: it is new. Not ours: somebody else has it, or got it when ours was over. It lies with the used proofs.
func (s *Store) Lease(ctx context.Context, id string, held, until time.Time) (ours bool, err error) {
	hash, now := jose.HashToken(id), millis(s.db.clock.Now())
	err = s.writeOne(ctx, func(q querier) error {
		var n int64
		var err error
		if held.IsZero() {
			n, err = q.exec(ctx, `INSERT INTO used_proofs (tenant, hash, expires_at) VALUES (?, ?, ?)
				ON CONFLICT (tenant, hash) DO UPDATE SET expires_at = excluded.expires_at WHERE used_proofs.expires_at <= ?`, s.tenant.ID, hash, millis(until), now)
		} else { // by the time, since who gets a lease that is over has it for longer
			n, err = q.exec(ctx, "UPDATE used_proofs SET expires_at = ? WHERE tenant = ? AND hash = ? AND expires_at = ?", millis(until), s.tenant.ID, hash, millis(held))
		}
		ours = n > 0
		return err
	})
	return ours, err
}

// ReturnProof forgets a proof whose use came to nothing. None there is no error.
func (s *Store) ReturnProof(ctx context.Context, id string) error {
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "DELETE FROM used_proofs WHERE tenant = ? AND hash = ?", s.tenant.ID, jose.HashToken(id))
		return err
	})
}

// noncePlace is what nonces are sealed for: they lie in no table.
const noncePlace = "nonces"

// Nonce returns a text that every server of the database takes for its own until a time, and that nobody else can make.
func (s *Store) Nonce(until time.Time) string {
	return s.seal(strconv.FormatInt(millis(until), 10), noncePlace, "")
}

// KnowsNonce tells whether the text is a nonce of the tenant that is not over yet.
func (s *Store) KnowsNonce(nonce string) bool {
	if len(nonce) > 256 || nonce == "" {
		return false
	}
	text, err := s.unseal(nonce, noncePlace, "")
	if err != nil {
		return false
	}
	until, err := strconv.ParseInt(text, 10, 64)
	return err == nil && millis(s.db.clock.Now()) < until
}
