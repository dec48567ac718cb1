package token

import (
	"context"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// LogoutEvent is the member of events by which a client knows a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4).
const LogoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logoutType is the typ of logout tokens, by which they are taken for nothing else (section 2.4, RFC 8725 section 3.11).
const logoutType = "logout+jwt"

// logoutLife is how long a logout token is good, in seconds (the same section recommends two minutes at most).
const logoutLife = 120

// LogoutToken returns the token that tells a client of a session's end. It is signed as the client's ID tokens are, and has no nonce, so that it is
// none. The same notice has the same jti, however often it is sent.
func (m *Minter) LogoutToken(ctx context.Context, st *store.Store, c *stagedoor.Client, n *stagedoor.LogoutNotice) (string, error) {
	issuer := n.Issuer
	if issuer == "" {
		issuer = "https://" + st.Tenant().Domain() + "/"
	}
	now := st.Clock().Now().Unix()
	claims := map[string]any{
		"iss": issuer, "sub": n.UserID, "aud": c.ID, "sid": n.SessionID, "iat": now, "exp": now + logoutLife, "jti": n.ID,
		"events": map[string]any{LogoutEvent: map[string]any{}},
	}
	if len(n.Metadata) > 0 {
		claims["session_metadata"] = n.Metadata
	}
	alg := IDTokenAlgorithm(c, false)
	if alg == jose.HS256 {
		secret, err := SigningSecret(c)
		if err != nil {
			return "", err
		}
		return signShared(secret, logoutType, claims)
	}
	return m.Keys.sign(ctx, st, alg, logoutType, claims)
}
