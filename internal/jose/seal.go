package jose

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// sealVersion begins every sealed text: AES-256-GCM with a random 96-bit nonce in front.
const sealVersion = "s1"

// ErrSealed means that a sealed text cannot be opened: damaged, moved to another place, or sealed under a key that is gone.
var ErrSealed = errors.New("jose: sealed value cannot be opened")

// A MasterKey is the 32 bytes of AES-256 under which secrets are sealed.
type MasterKey [32]byte

// String keeps a master key out of logs.
func (MasterKey) String() string { return "MasterKey(hidden)" }

// GoString keeps a master key out of logs printed with %#v.
func (k MasterKey) GoString() string { return k.String() }

// id names a master key without telling it: 48 bits of a hash.
func (k MasterKey) id() string {
	sum := sha256.Sum256(append([]byte("stagedoor master key id\x00"), k[:]...))
	return base64.RawURLEncoding.EncodeToString(sum[:6])
}

// A Sealer encrypts small secrets for the database: signing keys, client secrets, settings of scripts. It is safe for
// concurrent use. The sealed text is "s1.<id of the master key>.<nonce, ciphertext and tag in base64url>".
type Sealer struct {
	current string
	keys    map[string]cipher.AEAD
}

// NewSealer makes a sealer that seals under the first key and opens what any of them sealed. To rotate, put a new key first
// and seal again what IsCurrent denies.
func NewSealer(keys ...MasterKey) (*Sealer, error) {
	if len(keys) == 0 {
		return nil, errors.New("jose: a sealer needs a master key")
	}
	s := &Sealer{current: keys[0].id(), keys: map[string]cipher.AEAD{}}
	for _, key := range keys {
		block, err := aes.NewCipher(key[:])
		if err != nil {
			return nil, fmt.Errorf("jose: make cipher: %w", err)
		}
		if s.keys[key.id()], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, fmt.Errorf("jose: make cipher: %w", err)
		}
	}
	return s, nil
}

// Seal encrypts plain and binds it to aad, the place it belongs to (see Place). Who copies a sealed value into another row,
// tenant or column gets ErrSealed.
func (s *Sealer) Seal(plain, aad []byte) string {
	prefix := sealVersion + "." + s.current + "."
	sealed := s.keys[s.current].Seal(nil, nil, plain, bound(prefix, aad))
	return prefix + base64.RawURLEncoding.EncodeToString(sealed)
}

// Open decrypts what Seal made. The error is ErrSealed and does not tell which of its reasons it was.
func (s *Sealer) Open(sealed string, aad []byte) ([]byte, error) {
	parts := strings.Split(sealed, ".")
	if len(parts) != 3 || parts[0] != sealVersion {
		return nil, ErrSealed
	}
	key, found := s.keys[parts[1]]
	if !found {
		return nil, ErrSealed
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return nil, ErrSealed
	}
	plain, err := key.Open(nil, nil, data, bound(parts[0]+"."+parts[1]+".", aad))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// IsCurrent tells whether sealed was made under the first master key.
func (s *Sealer) IsCurrent(sealed string) bool {
	return strings.HasPrefix(sealed, sealVersion+"."+s.current+".")
}

// Place names where a sealed value belongs, usually tenant, table and id. Each part carries its length, so that ("ab", "c") and
// ("a", "bc") are two places.
func Place(parts ...string) []byte {
	var out []byte
	for _, part := range parts {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part))) //nolint:gosec // names are short
		out = append(out, part...)
	}
	return out
}

func bound(prefix string, aad []byte) []byte {
	return append([]byte(prefix), aad...)
}
