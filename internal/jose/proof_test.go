package jose

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
)

// proofOf makes a token with a header of its own, signed with key.
func proofOf(t testing.TB, alg gojose.SignatureAlgorithm, key any, header map[string]any) string {
	t.Helper()
	options := &gojose.SignerOptions{}
	for name, value := range header {
		options.WithHeader(gojose.HeaderKey(name), value)
	}
	signer, err := gojose.NewSigner(gojose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(`{"jti":"1","htm":"GET"}`))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// members is a key as a header holds it.
func members(t testing.TB, key any) map[string]any {
	t.Helper()
	b, err := json.Marshal(gojose.JSONWebKey{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestParseProof(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	good := proofOf(t, gojose.ES256, key, map[string]any{"typ": "dpop+jwt", "jwk": members(t, &key.PublicKey)})
	claims, jkt, err := ParseProof(good, "dpop+jwt")
	if err != nil || claims.ID != "1" || len(jkt) != 43 {
		t.Fatalf("%v %q %v", claims, jkt, err)
	}
	secret := []byte("01234567890123456789012345678901")
	parts := strings.Split(good, ".")
	for name, raw := range map[string]string{
		"another typ":        proofOf(t, gojose.ES256, key, map[string]any{"typ": "JWT", "jwk": members(t, &key.PublicKey)}),
		"no key":             proofOf(t, gojose.ES256, key, map[string]any{"typ": "dpop+jwt"}),
		"another's key":      proofOf(t, gojose.ES256, key, map[string]any{"typ": "dpop+jwt", "jwk": members(t, &other.PublicKey)}),
		"the private key":    proofOf(t, gojose.ES256, key, map[string]any{"typ": "dpop+jwt", "jwk": members(t, key)}),
		"a shared secret":    proofOf(t, gojose.HS256, secret, map[string]any{"typ": "dpop+jwt", "jwk": members(t, secret)}),
		"secret, public key": proofOf(t, gojose.HS256, secret, map[string]any{"typ": "dpop+jwt", "jwk": members(t, &key.PublicKey)}),
		"a small key":        proofOf(t, gojose.RS256, small, map[string]any{"typ": "dpop+jwt", "jwk": members(t, &small.PublicKey)}),
		"RS384":              proofOf(t, gojose.RS384, large, map[string]any{"typ": "dpop+jwt", "jwk": members(t, &large.PublicKey)}), // which we do not say that we take
		"none":               base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"dpop+jwt"}`)) + "." + parts[1] + ".",
		"no signature":       parts[0] + "." + parts[1] + ".",
		"no token":           "x",
	} {
		_, jkt, err := ParseProof(raw, "dpop+jwt")
		if err == nil || jkt != "" {
			t.Errorf("%s was taken", name)
		}
		if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrAlgorithm) && !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzProof: nobody has a key of which they did not make the proof.
func FuzzProof(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	good := proofOf(f, gojose.ES256, key, map[string]any{"typ": "dpop+jwt", "jwk": members(f, &key.PublicKey)})
	parts := strings.Split(good, ".")
	f.Add(parts[0] + "." + parts[1] + ".")
	f.Add(good[:len(good)-2])
	f.Add("eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIn19." + parts[1] + "." + parts[2])
	f.Add("")
	f.Fuzz(func(t *testing.T, raw string) {
		if _, jkt, err := ParseProof(raw, "dpop+jwt"); err == nil && raw != good {
			t.Errorf("%q was taken for a proof of %s", raw, jkt)
		}
	})
}
