package store

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// codePrefix begins the ids of codes.
const codePrefix = "code_"

// ofCode tells whether tokens come from a code.
func ofCode(origin string) bool { return strings.HasPrefix(origin, codePrefix) }

// SaveCode keeps an authorization code. NotFound: all access of its user has ended since that was looked at which it comes from.
func (s *Store) SaveCode(ctx context.Context, code string, c *stagedoor.Code) error {
	doc, err := json.Marshal(c)
	if err != nil {
		return err
	}
	values := "?, ?, ?, ?, ?, ?"
	if s.db.postgres {
		values = "?, ?, ?, ?, CAST(? AS JSONB), CAST(? AS BIGINT)"
	}
	args := []any{s.tenant.ID, jose.HashToken(code), stagedoor.NewID(codePrefix), c.UserID, document(doc), millis(c.ExpiresAt)}
	err = s.writeOne(ctx, func(q querier) error {
		n, err := q.exec(ctx, "INSERT INTO codes (tenant, hash, id, user_id, doc, expires_at) SELECT "+values+s.ofUserAsWas(), append(args, s.asWas(c.UserID, c.AccessEnded)...)...)
		if err == nil && n == 0 {
			err = errAccessEnded()
		}
		return err
	})
	return s.orMissing(ctx, s.read(), c.UserID, err)
}

// ConsumeCode uses a code up: one statement marks it and returns it, so that of many
// callers one succeeds. A code that was used before takes back the tokens that it gave
// (RFC 6749 section 4.1.2), and is NotFound like one that never was.
func (s *Store) ConsumeCode(ctx context.Context, code string) (c *stagedoor.Code, origin string, err error) {
	hash, now := jose.HashToken(code), s.db.clock.Now().UnixMilli()
	var doc string
	var ended int64
	err = s.writeOne(ctx, func(q querier) error {
		return q.row(ctx, "UPDATE codes SET used_at = ? WHERE tenant = ? AND hash = ? AND used_at IS NULL AND expires_at > ? RETURNING doc, id, "+accessEndedOf("codes"),
			[]any{now, s.tenant.ID, hash, now}, &doc, &origin, &ended)
	})
	if errors.Is(err, errNoRows) {
		if err := s.write(ctx, func(q querier) error { return s.revokeReplayed(ctx, q, hash, now) }); err != nil {
			return nil, "", err
		}
		return nil, "", errNotFound("code")
	}
	if err != nil {
		return nil, "", err
	}
	c = new(stagedoor.Code)
	c.AccessEnded = ended
	return c, origin, json.Unmarshal([]byte(doc), c)
}

// revokeReplayed locks the user before the code, as whoever saves a token does: in the other order each would wait for the other.
func (s *Store) revokeReplayed(ctx context.Context, q querier, hash string, now int64) error {
	var origin, user, doc string
	err := q.row(ctx, "SELECT user_id FROM codes WHERE tenant = ? AND hash = ? AND used_at IS NOT NULL", []any{s.tenant.ID, hash}, &user)
	if err == nil {
		err = s.lockUser(ctx, q, user)
	}
	if err == nil {
		err = q.row(ctx, "UPDATE codes SET replayed_at = ? WHERE tenant = ? AND hash = ? RETURNING id, doc", []any{now, s.tenant.ID, hash}, &origin, &doc)
	}
	if errors.Is(err, errNoRows) {
		return nil
	}
	var c stagedoor.Code
	if err == nil {
		err = json.Unmarshal([]byte(doc), &c)
	}
	if err == nil {
		err = s.endFamily(ctx, q, user, origin)
	}
	if err == nil && c.Online { // an online refresh token ends with its session alone
		err = s.endSession(ctx, q, stagedoor.LogoutRevoked, c.SessionID)
	}
	return err
}

// checkOrigin refuses tokens of a code that was replayed before they were saved; where it is new also of one that has gone since it was redeemed, because all that its user had has ended.
func (s *Store) checkOrigin(ctx context.Context, q querier, origin string, isNew bool) error {
	if origin == "" {
		return nil
	}
	lock := ""
	if s.db.postgres {
		lock = " FOR SHARE"
	}
	var replayed *int64
	err := q.row(ctx, "SELECT replayed_at FROM codes WHERE tenant = ? AND id = ?"+lock, []any{s.tenant.ID, origin}, &replayed)
	if errors.Is(err, errNoRows) && !(isNew && ofCode(origin)) {
		return nil
	}
	if errors.Is(err, errNoRows) || err == nil && replayed != nil {
		err = errNotFound("code")
	}
	return err
}

// maxAccessTokens is how many opaque access tokens a user may have: each keeps a profile, and whoever signs up could have new ones all day. Those go first
// that expire first.
const maxAccessTokens = 1000

// SaveAccessToken keeps an opaque access token, one that is good for /userinfo only. origin is
// the code that it comes from, if any; when that was replayed meanwhile the error is NotFound. Two logins within
// a second can give the same signed token: the later one counts.
func (s *Store) SaveAccessToken(ctx context.Context, token, origin string, a *stagedoor.Authorization, expires time.Time) error {
	doc, err := json.Marshal(a)
	if err != nil {
		return err
	}
	args := []any{s.tenant.ID, jose.HashToken(token), origin, a.UserID, document(doc), millis(expires)}
	if s.db.postgres {
		before := append(s.asWas(a.UserID, a.AccessEnded), s.tenant.ID, origin, s.tenant.ID, a.UserID, args[1], s.tenant.ID, a.UserID, maxAccessTokens-1)
		err := s.saveAccessToken(ctx, append(before, args...))
		return s.orMissing(ctx, s.read(), a.UserID, err)
	}
	return s.write(ctx, func(q querier) error {
		if err := s.checkAccessEnded(ctx, q, a.UserID, a.AccessEnded); err != nil {
			return err
		}
		if err := s.checkOrigin(ctx, q, origin, false); err != nil {
			return err
		}
		if _, err := q.exec(ctx, "INSERT INTO access_tokens (tenant, hash, origin, user_id, doc, expires_at) VALUES (?, ?, ?, ?, ?, ?)"+overAccessToken, args...); err != nil {
			return err
		}
		_, err := q.exec(ctx, "DELETE FROM access_tokens WHERE tenant = ? AND user_id = ? AND hash IN ("+crowdedAccessTokens+")", s.tenant.ID, a.UserID, s.tenant.ID, a.UserID, maxAccessTokens)
		return err
	})
}

// crowdedAccessTokens are those of a user beyond a number.
const crowdedAccessTokens = "SELECT hash FROM access_tokens WHERE tenant = ? AND user_id = ? ORDER BY expires_at DESC, hash LIMIT 1000 OFFSET ?"

const overAccessToken = " ON CONFLICT (tenant, hash) DO UPDATE SET origin = excluded.origin, doc = excluded.doc, expires_at = excluded.expires_at"

// ownerSQL begins statements that are held to the user as they were: it waits for the end of all their access that is under way, before it waits for anything else.
const ownerSQL = "WITH owner AS (SELECT id FROM users WHERE tenant = ? AND id = ? AND access_ended = ? FOR KEY SHARE)"

// saveAccessTokenSQL is checkAccessEnded, checkOrigin, the row, and the end of those that are too many, in one statement. It waits for a replay of the code that is under way, and
// sees what came of it. It does not see its own row, which may be there already.
const saveAccessTokenSQL = ownerSQL + `,
	origin AS (SELECT replayed_at FROM codes WHERE tenant = ? AND id = ? AND EXISTS (SELECT 1 FROM owner) FOR SHARE),
	crowd AS (DELETE FROM access_tokens WHERE tenant = ? AND user_id = ? AND hash <> ?
		AND EXISTS (SELECT 1 FROM owner) AND NOT EXISTS (SELECT 1 FROM origin WHERE replayed_at IS NOT NULL)
		AND hash = ANY (ARRAY(` + crowdedAccessTokens + `)))
	INSERT INTO access_tokens (tenant, hash, origin, user_id, doc, expires_at)
	SELECT ?, ?, ?, ?, CAST(? AS JSONB), CAST(? AS BIGINT) FROM owner WHERE NOT EXISTS (SELECT 1 FROM origin WHERE replayed_at IS NOT NULL)` + overAccessToken

func (s *Store) saveAccessToken(ctx context.Context, args []any) error {
	save := func(q querier) error {
		n, err := q.exec(ctx, saveAccessTokenSQL, args...)
		if err == nil && n == 0 {
			err = errAccessEnded() // or the code was replayed
		}
		return err
	}
	err := s.writeOne(ctx, save)
	if stagedoor.HasCode(err, CodeAnswerLost) {
		err = s.writeOne(ctx, save) // which saves the same
	}
	return err
}

// AccessToken returns what an opaque access token stands for.
func (s *Store) AccessToken(ctx context.Context, token string) (*stagedoor.Authorization, error) {
	var doc string
	var expires int64
	err := s.lookup().row(ctx, "SELECT doc, expires_at FROM access_tokens WHERE tenant = ? AND hash = ? AND expires_at > ?",
		[]any{s.tenant.ID, jose.HashToken(token), s.db.clock.Now().UnixMilli()}, &doc, &expires)
	if errors.Is(err, errNoRows) {
		return nil, errNotFound("token")
	}
	if err != nil {
		return nil, err
	}
	a := &stagedoor.Authorization{ExpiresAt: fromMillis(expires)}
	return a, json.Unmarshal([]byte(doc), a)
}

// RevokeAccessToken ends an opaque access token of the client. One that is unknown or another client's is NotFound and stays as it is.
func (s *Store) RevokeAccessToken(ctx context.Context, token, clientID string) (*stagedoor.Authorization, error) {
	a, err := s.AccessToken(ctx, token)
	if err == nil && a.ClientID != clientID {
		err = errNotFound("token")
	}
	if err != nil {
		return nil, err
	}
	return a, s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "DELETE FROM access_tokens WHERE tenant = ? AND hash = ?", s.tenant.ID, jose.HashToken(token))
		return err
	})
}
