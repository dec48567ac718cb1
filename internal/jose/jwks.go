package jose

import (
	"crypto/sha1" //nolint:gosec // x5t is defined as SHA-1 (RFC 7517 section 4.8) and protects nothing
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// JWKS returns the public key set document of keys, in their order: kty, use, n, e (or crv, x, y), kid, x5t, x5c and alg of
// each. No private member can get into it.
func JWKS(keys ...*Key) ([]byte, error) { return keySet(true, keys) }

// BareJWKS is JWKS of keys that do not say which algorithm they are for.
func BareJWKS(keys ...*Key) ([]byte, error) { return keySet(false, keys) }

func keySet(algorithms bool, keys []*Key) ([]byte, error) {
	set := jose.JSONWebKeySet{Keys: make([]jose.JSONWebKey, 0, len(keys))}
	for _, k := range keys {
		algorithm := ""
		if algorithms {
			algorithm = k.Algorithm
		}
		sum := sha1.Sum(k.Cert.Raw) //nolint:gosec // see above
		set.Keys = append(set.Keys, jose.JSONWebKey{
			Key:                       k.Private.Public(),
			KeyID:                     k.KID,
			Use:                       "sig",
			Algorithm:                 algorithm,
			Certificates:              []*x509.Certificate{k.Cert},
			CertificateThumbprintSHA1: sum[:],
		})
	}
	out, err := json.Marshal(set)
	if err != nil {
		return nil, fmt.Errorf("jose: encode key set: %w", err)
	}
	return out, nil
}

// HalfHash is the value of at_hash for an access token, and of c_hash for a code: the left half of its SHA-256, base64url.
// It serves every algorithm whose name ends in 256 (OpenID Connect Core 3.1.3.6 and 3.3.2.11).
func HalfHash(value string) string {
	sum := sha256.Sum256([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum[:sha256.Size/2])
}
