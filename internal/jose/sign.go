package jose

import (
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// A Signer signs tokens with one key, one algorithm and one typ. It is safe for concurrent use and made to be kept.
type Signer struct {
	signer jose.Signer
}

// NewSigner makes a signer. The key is an *rsa.PrivateKey (RS256, PS256), a P-256 *ecdsa.PrivateKey (ES256), or the bytes of
// a shared secret (HS256), or an HS512Secret. An empty kid or typ is left out of the header.
func NewSigner(alg, kid string, key any, typ string) (*Signer, error) {
	public := key
	if private, ok := key.(crypto.Signer); ok {
		public = private.Public()
	}
	if err := fits(alg, public); err != nil {
		return nil, err
	}
	key = padded(key)
	options := &jose.SignerOptions{}
	if kid != "" {
		options.WithHeader("kid", kid)
	}
	if typ != "" {
		options.WithType(jose.ContentType(typ))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key}, options)
	if err != nil {
		return nil, fmt.Errorf("jose: make signer: %w", err)
	}
	return &Signer{signer}, nil
}

// Sign encodes claims as JSON, which must give an object, and returns the signed token in compact form.
func (s *Signer) Sign(claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("jose: encode claims: %w", err)
	}
	if len(payload) == 0 || payload[0] != '{' {
		return "", errors.New("jose: claims must be a JSON object")
	}
	signed, err := s.signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("jose: sign: %w", err)
	}
	return signed.CompactSerialize()
}

// padded lengthens a short HMAC secret with zero bytes, because go-jose refuses secrets below the hash size and old clients
// have them. HMAC itself pads with zeros up to its block, so that the signature is the same bit for bit (RFC 2104 section 2).
// Other keys stay as they are.
func padded(key any) any {
	switch key := key.(type) {
	case []byte:
		return atLeast(key, sha256.Size)
	case HS512Secret:
		return atLeast(key, sha512.Size)
	}
	return key
}

func atLeast(secret []byte, size int) []byte {
	if len(secret) >= size {
		return secret
	}
	out := make([]byte, size)
	copy(out, secret)
	return out
}
