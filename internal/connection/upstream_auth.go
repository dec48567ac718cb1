package connection

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// How the server proves itself to a provider.
const (
	authPost  = "client_secret_post"
	authBasic = "client_secret_basic"
	authJWT   = "private_key_jwt" // OpenID Connect Core section 9
	authApple = "apple"           // the secret is a token that a key of the developer's signs
)

// proofLife is how long a signed proof is good.
const proofLife = 5 * time.Minute

// authenticate adds the proof of who we are to a request for a token.
func (g *given) authenticate(form url.Values, header http.Header) error {
	switch g.auth {
	case authBasic:
		r := http.Request{Header: header}
		r.SetBasicAuth(url.QueryEscape(g.clientID), url.QueryEscape(g.secret))
	case authApple:
		secret, err := appleSecret(g.conn, g.clientID, g.st.Clock().Now())
		if err != nil {
			return err
		}
		form.Set("client_secret", secret)
	case authJWT:
		assertion, err := g.assertion()
		if err != nil {
			return err
		}
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	default:
		if g.secret != "" {
			form.Set("client_secret", g.secret)
		}
	}
	return nil
}

// assertion is signed with the connection's current key, which the Management API makes and shows.
func (g *given) assertion() (string, error) {
	key, err := currentKey(g.ctx, g.st, g.conn)
	if err != nil {
		return "", errors.New("the connection's key cannot be read")
	}
	if key == nil {
		return "", errors.New("the connection has no key to sign with: POST /api/v2/connections/{id}/keys makes one")
	}
	alg := cmp.Or(g.conn.Option("token_endpoint_auth_signing_alg"), key.Algorithm)
	signer, err := jose.NewSigner(alg, key.KID, key.Private, "JWT")
	if err != nil {
		return "", errors.New("the connection's key cannot sign with " + alg)
	}
	audience := g.token
	if g.conn.Option("token_endpoint_jwtca_aud_format") == "issuer" {
		audience = g.issuer
	}
	now := g.st.Clock().Now()
	return signer.Sign(map[string]any{
		"iss": g.clientID, "sub": g.clientID, "aud": audience, "jti": stagedoor.NewToken(), "iat": now.Unix(), "exp": now.Add(proofLife).Unix(),
	})
}

// currentKey is the key that a connection signs with; nil if it has none.
func currentKey(ctx context.Context, st *store.Store, c *stagedoor.Connection) (*jose.Key, error) {
	kept, err := store.ConnectionKeys.Get(ctx, st, c.ID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, nil
	}
	var keys []stagedoor.ConnectionKey
	if err == nil {
		err = json.Unmarshal([]byte(kept.Sealed), &keys)
	}
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if k.State == "current" {
			return jose.ParseKey(k.KID, k.Algorithm, k.Private)
		}
	}
	return nil, nil
}

// appleSecret is the secret that Apple wants: a token of the developer's team, signed with ES256.
func appleSecret(c *stagedoor.Connection, clientID string, now time.Time) (string, error) {
	signer, err := jose.ParsePrivatePEM(c.Option("app_secret"))
	if err != nil {
		return "", errors.New("app_secret is no private key in PEM")
	}
	s, err := jose.NewSigner("ES256", c.Option("kid"), signer, "")
	if err != nil {
		return "", errors.New("app_secret is no key for ES256")
	}
	return s.Sign(map[string]any{
		"iss": c.Option("team_id"), "sub": clientID, "aud": "https://appleid.apple.com", "iat": now.Unix(), "exp": now.Add(proofLife).Unix(),
	})
}
