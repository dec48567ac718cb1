package store

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// onlinePrefix begins online refresh tokens: no other refresh token has a dot.
const onlinePrefix = "ORT."

// onlinePlace is what online refresh tokens are sealed for: they lie in no table.
const onlinePlace = "online_refresh_tokens"

// IsOnlineToken tells whether a refresh token is an online one, or looks like one.
func IsOnlineToken(token string) bool { return strings.HasPrefix(token, onlinePrefix) }

// SealOnlineToken makes an online refresh token of a client, which its client alone keeps, and which nobody can read or change.
func (s *Store) SealOnlineToken(t *stagedoor.RefreshToken) (string, error) {
	doc, err := json.Marshal(t)
	return onlinePrefix + s.seal(string(doc), onlinePlace, t.ClientID), err
}

// OpenOnlineToken returns what an online refresh token of a client was made of; what has become of its session it does not tell. NotFound: it is none of the
// client's.
func (s *Store) OpenOnlineToken(token, clientID string) (*stagedoor.RefreshToken, error) {
	sealed, is := strings.CutPrefix(token, onlinePrefix)
	doc, err := s.unseal(sealed, onlinePlace, clientID)
	if !is || err != nil || doc == "" {
		return nil, errNotFound("refresh token")
	}
	t := new(stagedoor.RefreshToken)
	return t, json.Unmarshal([]byte(doc), t)
}

// endOnlineTokens ends the online refresh tokens that a client has in the sessions of a user, which go on, and tells in how many it is known that there were some.
func (s *Store) endOnlineTokens(ctx context.Context, q querier, userID, clientID string) (n int, err error) {
	if err := s.lockUser(ctx, q, userID); err != nil {
		return 0, err
	}
	var all []stagedoor.Session
	query := "SELECT doc FROM sessions" + s.db.by("sessions_user") + " WHERE tenant = ? AND user_id = ? AND expires_at > ? ORDER BY id" + s.db.forUpdate()
	err = q.each(ctx, query, []any{s.tenant.ID, userID, s.db.clock.Now().UnixMilli()}, func(scan func(...any) error) error {
		var doc string
		if err := scan(&doc); err != nil {
			return err
		}
		var v stagedoor.Session
		err := json.Unmarshal([]byte(doc), &v)
		if _, online := v.Online[clientID]; online || slices.Contains(v.Clients, clientID) {
			all = append(all, v)
		}
		return err
	})
	for i := 0; i < len(all) && err == nil; i++ {
		v := &all[i]
		if v.EndOnline(clientID) {
			n++
		}
		var doc []byte
		if doc, err = json.Marshal(v); err == nil {
			_, err = q.exec(ctx, "UPDATE sessions SET doc = ? WHERE tenant = ? AND id = ?", document(doc), s.tenant.ID, v.ID)
		}
	}
	return n, err
}
