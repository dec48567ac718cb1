package jose

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// A VerifyKey is a public key of somebody else's key set.
type VerifyKey struct {
	KID       string // may be empty
	Algorithm string // empty: any that the key can do
	Key       any    // as Parse takes it
}

// maxKeys bounds how many keys of a set are looked at.
const maxKeys = 100

// ParseKeySet reads the key set of another server (RFC 7517 section 5) and returns its public signing keys. Keys that are not for signing, of
// an unknown kind, too small or private are passed over, as section 5 says; a set without any other is an error.
func ParseKeySet(data []byte) ([]VerifyKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, fmt.Errorf("jose: read key set: %w", err)
	}
	var out []VerifyKey
	for _, raw := range set.Keys[:min(len(set.Keys), maxKeys)] {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) != nil || !key.IsPublic() || !key.Valid() || key.Use != "" && key.Use != "sig" {
			continue
		}
		p := PublicPEM{Key: key.Key}
		if !p.DoesAny() || key.Algorithm != "" && !p.Does(key.Algorithm) {
			continue
		}
		out = append(out, VerifyKey{KID: key.KeyID, Algorithm: key.Algorithm, Key: key.Key})
	}
	if len(out) == 0 {
		return nil, errors.New("jose: the key set holds no key that verifies signatures")
	}
	return out, nil
}

// Asymmetric are the algorithms whose signatures another server may make: shared secrets and "none" are not among them.
var Asymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// DoesAny tells whether the key can verify what some asymmetric algorithm signs.
func (p *PublicPEM) DoesAny() bool {
	for _, alg := range Asymmetric {
		if p.Does(alg) {
			return true
		}
	}
	return false
}

// Does tells whether what the algorithm signs can be verified with the key.
func (k *VerifyKey) Does(alg string) bool {
	p := PublicPEM{Key: k.Key}
	return (k.Algorithm == "" || k.Algorithm == alg) && p.Does(alg)
}
