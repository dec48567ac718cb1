package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // by name
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// A Signer signs tokens with one key, one algorithm and one typ. It is safe for concurrent use and made to be kept.
type Signer struct {
	header string // encoded, with its full stop
	sum    func(input []byte) ([]byte, error)
}

// NewSigner makes a signer. The key is an *rsa.PrivateKey (RS256, PS256), a P-256 *ecdsa.PrivateKey (ES256), the bytes of
// a shared secret (HS256), or what goes with another algorithm of those that fits knows. An empty kid or typ is left out of the header.
func NewSigner(alg, kid string, key any, typ string) (*Signer, error) {
	public := key
	if private, ok := key.(crypto.Signer); ok {
		public = private.Public()
	}
	if err := fits(alg, public); err != nil {
		return nil, err
	}
	members := map[string]string{"alg": alg}
	if kid != "" {
		members["kid"] = kid
	}
	if typ != "" {
		members["typ"] = typ
	}
	header, err := json.Marshal(members)
	if err != nil {
		return nil, fmt.Errorf("jose: encode header: %w", err)
	}
	sum, err := signature(alg, key)
	if err != nil {
		return nil, err
	}
	return &Signer{base64.RawURLEncoding.EncodeToString(header) + ".", sum}, nil
}

// signature is how an algorithm signs with a key that fits it (RFC 7518 section 3, RFC 8037). It is the standard library's: go-jose makes and encodes
// the header twice for each token, which costs as much as half a signature of ES256.
func signature(alg string, key any) (func([]byte) ([]byte, error), error) {
	hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[alg[min(len(alg), 2):]]
	digest := func(input []byte) []byte {
		h := hash.New()
		h.Write(input)
		return h.Sum(nil)
	}
	switch key := key.(type) {
	case []byte:
		return func(input []byte) ([]byte, error) {
			mac := hmac.New(hash.New, key)
			mac.Write(input)
			return mac.Sum(nil), nil
		}, nil
	case ed25519.PrivateKey:
		return func(input []byte) ([]byte, error) { return ed25519.Sign(key, input), nil }, nil
	case *rsa.PrivateKey:
		if alg[0] == 'P' {
			options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
			return func(input []byte) ([]byte, error) { return rsa.SignPSS(rand.Reader, key, hash, digest(input), options) }, nil
		}
		return func(input []byte) ([]byte, error) { return rsa.SignPKCS1v15(rand.Reader, key, hash, digest(input)) }, nil
	case *ecdsa.PrivateKey:
		size := (key.Curve.Params().BitSize + 7) / 8 // of each of the two numbers
		return func(input []byte) ([]byte, error) {
			r, s, err := ecdsa.Sign(rand.Reader, key, digest(input))
			if err != nil {
				return nil, err
			}
			out := make([]byte, 2*size)
			r.FillBytes(out[:size])
			s.FillBytes(out[size:])
			return out, nil
		}, nil
	}
	return nil, fmt.Errorf("jose: a %T cannot sign", key)
}

// Sign encodes claims as JSON, which must give an object, and returns the signed token in compact form (RFC 7515 section 7.1).
func (s *Signer) Sign(claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("jose: encode claims: %w", err)
	}
	if len(payload) == 0 || payload[0] != '{' {
		return "", errors.New("jose: claims must be a JSON object")
	}
	const most = 700 // characters of a signature with RSA 4096, and the full stop before it
	out := make([]byte, 0, len(s.header)+base64.RawURLEncoding.EncodedLen(len(payload))+most)
	out = base64.RawURLEncoding.AppendEncode(append(out, s.header...), payload)
	sum, err := s.sum(out)
	if err != nil {
		return "", fmt.Errorf("jose: sign: %w", err)
	}
	return string(base64.RawURLEncoding.AppendEncode(append(out, '.'), sum)), nil
}

// padded lengthens a short HMAC secret with zero bytes, because go-jose refuses secrets below the hash size and old clients
// have them. HMAC itself pads with zeros up to its block, so that the signature is the same bit for bit (RFC 2104 section 2).
func padded(secret []byte) []byte {
	if len(secret) >= sha256.Size {
		return secret
	}
	out := make([]byte, sha256.Size)
	copy(out, secret)
	return out
}
