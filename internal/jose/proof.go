package jose

import (
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// ProofAlgorithms are those that proofs of possession may be signed with.
var ProofAlgorithms = []string{ES256, "ES384", RS256, PS256}

// maxRSA is the largest RSA key that a token may bring along, in bits: verifying with larger ones costs the server more than it costs the sender.
const maxRSA = 4096

// ParseProof verifies a token that brings the key along that it is signed with, and returns its claims and the key's thumbprint with SHA-256
// (RFC 7638). It proves that the sender has the private key, and nothing else: that the key is the right one, and what the claims say, is for
// the caller to check (RFC 9449 section 4.3). A shared secret, a private key and the algorithm none are refused, and a header of another typ.
func ParseProof(token, typ string) (Claims, string, error) {
	header, claims, err := split(token)
	if err != nil {
		return Claims{}, "", err
	}
	if header.Type != typ {
		return Claims{}, "", fmt.Errorf("%w: typ is not %s", ErrMalformed, typ)
	}
	if !slices.Contains(ProofAlgorithms, header.Algorithm) {
		return Claims{}, "", fmt.Errorf("%w: %q", ErrAlgorithm, header.Algorithm)
	}
	key, err := headerKey(header, claims.members)
	if err != nil {
		return Claims{}, "", fmt.Errorf("%w: jwk: %w", ErrMalformed, err)
	}
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(header.Algorithm)})
	if err != nil {
		return Claims{}, "", fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if _, err := signed.Verify(key.Key); err != nil {
		return Claims{}, "", ErrSignature
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return Claims{}, "", fmt.Errorf("%w: jwk: %w", ErrMalformed, err)
	}
	return claims, base64.RawURLEncoding.EncodeToString(sum), nil
}

// headerKey reads the public key in a header.
func headerKey(h Header, header map[string]any) (*jose.JSONWebKey, error) {
	members, ok := header["jwk"].(map[string]any)
	if !ok {
		return nil, errors.New("missing")
	}
	raw, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	key := new(jose.JSONWebKey)
	if err := json.Unmarshal(raw, key); err != nil {
		return nil, errors.New("not a key")
	}
	if !key.IsPublic() || !key.Valid() {
		return nil, errors.New("not a public key")
	}
	if public, ok := key.Key.(*rsa.PublicKey); ok && (public.N.BitLen() < minRSA || public.N.BitLen() > maxRSA) {
		return nil, errors.New("the RSA key is too small or too large")
	}
	return key, fits(h.Algorithm, key.Key)
}
