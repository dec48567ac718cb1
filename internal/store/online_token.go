package store

import (
	"encoding/json"
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
