package mgmt

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/stagedoor/stagedoor"
)

// A token that is bound to a key works with a proof for this call alone (RFC 9449 section 7).
func TestBoundTokens(t *testing.T) {
	h := sqlite(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	h.ok(err)
	public := gojose.JSONWebKey{Key: &key.PublicKey}
	sum, err := public.Thumbprint(5) // SHA-256
	h.ok(err)
	bound := h.sign("acme", map[string]any{
		"sub": "m@clients", "azp": "m", "gty": "client-credentials", "scope": "read:users", "cnf": map[string]string{"jkt": base64.RawURLEncoding.EncodeToString(sum)},
	})
	signer, err := gojose.NewSigner(gojose.SigningKey{Algorithm: gojose.ES256, Key: key}, (&gojose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	h.ok(err)
	proof := func(method, uri string) string {
		ath := sha256.Sum256([]byte(bound))
		payload, err := json.Marshal(map[string]any{
			"jti": stagedoor.NewToken(), "htm": method, "htu": uri, "iat": start.Unix(), "ath": base64.RawURLEncoding.EncodeToString(ath[:]),
		})
		h.ok(err)
		signed, err := signer.Sign(payload)
		h.ok(err)
		raw, err := signed.CompactSerialize()
		h.ok(err)
		return raw
	}
	good := proof("GET", "https://acme.test/api/v2/users")
	h.send("acme", "GET", "/users", "", http.Header{"Authorization": {"DPoP " + bound}, "Dpop": {good}}).is(200, "")
	for name, headers := range map[string]http.Header{
		"as a bearer token": {"Authorization": {"Bearer " + bound}},
		"no proof":          {"Authorization": {"DPoP " + bound}},
		"used before":       {"Authorization": {"DPoP " + bound}, "Dpop": {good}},
		"another method":    {"Authorization": {"DPoP " + bound}, "Dpop": {proof("POST", "https://acme.test/api/v2/users")}},
		"another address":   {"Authorization": {"DPoP " + bound}, "Dpop": {proof("GET", "https://acme.test/api/v2/clients")}},
		"a bearer token":    {"Authorization": {"DPoP " + h.machine("acme")}, "Dpop": {proof("GET", "https://acme.test/api/v2/users")}},
	} {
		a := h.send("acme", "GET", "/users", "", headers)
		if got := a.header.Get("WWW-Authenticate"); a.code != 401 || !strings.HasPrefix(got, `DPoP error="invalid_`) {
			t.Errorf("%s: %d %s", name, a.code, got)
		}
	}
	cert := h.sign("acme", map[string]any{
		"sub": "m@clients", "azp": "m", "gty": "client-credentials", "scope": "read:users", "cnf": map[string]string{"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"},
	})
	if a := h.send("acme", "GET", "/users", "", http.Header{"Authorization": {"Bearer " + cert}}); a.code != 401 {
		t.Errorf("a token that is bound to a certificate, without it: %d", a.code)
	}
}
