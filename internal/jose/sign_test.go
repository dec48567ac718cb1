package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// TestSignersAgree: what is signed here, go-jose verifies, and where an algorithm gives one signature only, go-jose gives the same token.
func TestSignersAgree(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve := func(c elliptic.Curve) any {
		key, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{"sub": "a&b<c>", "n": 1}
	for alg, key := range map[string]any{
		"RS256": private, "RS384": private, "RS512": private, "PS256": private, "PS384": private, "PS512": private, "ES256": curve(elliptic.P256()),
		"ES384": curve(elliptic.P384()), "ES512": curve(elliptic.P521()), "EdDSA": edwards, "HS256": []byte("a secret of thirty-two characters"),
	} {
		for _, typ := range []string{"", "JWT", "at+jwt"} {
			for range 8 { // numbers that begin with zeros come now and then
				s, err := NewSigner(alg, "kid", key, typ)
				if err != nil {
					t.Fatalf("%s: %v", alg, err)
				}
				got, err := s.Sign(claims)
				if err != nil {
					t.Fatalf("%s: %v", alg, err)
				}
				public := key
				if p, is := key.(crypto.Signer); is {
					public = p.Public()
				}
				signed, err := jose.ParseSigned(got, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
				if err != nil {
					t.Fatalf("%s: %v", alg, err)
				}
				if _, err := signed.Verify(public); err != nil {
					t.Fatalf("%s: %v", alg, err)
				}
				options := (&jose.SignerOptions{}).WithHeader("kid", "kid")
				if typ != "" {
					options.WithType(jose.ContentType(typ))
				}
				other, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key}, options)
				if err != nil {
					t.Fatal(err)
				}
				again, err := other.Sign([]byte(`{"n":1,"sub":"a\u0026b\u003cc\u003e"}`))
				if err != nil {
					t.Fatal(err)
				}
				if want, _ := again.CompactSerialize(); slices.Contains([]string{"RS256", "RS384", "RS512", "EdDSA", "HS256"}, alg) && got != want {
					t.Errorf("%s %q: %s instead of %s", alg, typ, got, want)
				}
			}
		}
	}
	if _, err := NewSigner("ES256", "", private, ""); err == nil {
		t.Error("an RSA key signs ES256")
	}
	if _, err := NewSigner("none", "", []byte("x"), ""); err == nil {
		t.Error("none signs")
	}
}
