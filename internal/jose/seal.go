package jose

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
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

// ID names a master key without telling it: 8 letters for 48 bits of a hash. Each sealed value begins with the ID of its key.
func (k MasterKey) ID() string {
	sum := sha256.Sum256(append([]byte("stagedoor master key id\x00"), k[:]...))
	return base64.RawURLEncoding.EncodeToString(sum[:6])
}

// A Sealer encrypts small secrets for the database: signing keys, client secrets, settings of scripts. It is safe for
// concurrent use. The sealed text is "s1.<id of the master key>.<nonce, ciphertext and tag in base64url>".
type Sealer struct {
	Log *slog.Logger // says what becomes of the file while it is followed; nil says nothing

	ring   atomic.Pointer[keyRing]
	file   string                    // where the keys come from; empty: they stay
	looked atomic.Int64              // when the file was looked at, in Unix nanoseconds
	failed atomic.Pointer[fileStamp] // of the file that could not be read, which is said once
}

// A keyRing is the keys at one moment.
type keyRing struct {
	current string
	keys    map[string]cipher.AEAD
	stamp   fileStamp
}

// NewSealer makes a sealer that seals under the first key and opens what any of them sealed.
func NewSealer(keys ...MasterKey) (*Sealer, error) {
	s := &Sealer{}
	return s, s.use(keys, fileStamp{})
}

func (s *Sealer) use(keys []MasterKey, stamp fileStamp) error {
	if len(keys) == 0 {
		return errors.New("jose: a sealer needs a master key")
	}
	ring := &keyRing{current: keys[0].ID(), keys: map[string]cipher.AEAD{}, stamp: stamp}
	for _, key := range keys {
		block, err := aes.NewCipher(key[:])
		if err != nil {
			return fmt.Errorf("jose: make cipher: %w", err)
		}
		if ring.keys[key.ID()], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return fmt.Errorf("jose: make cipher: %w", err)
		}
	}
	s.ring.Store(ring)
	return nil
}

// Seal encrypts plain and binds it to aad, the place it belongs to (see Place). Who copies a sealed value into another row,
// tenant or column gets ErrSealed.
func (s *Sealer) Seal(plain, aad []byte) string {
	s.look(lookEvery)
	ring := s.ring.Load()
	prefix := sealVersion + "." + ring.current + "."
	sealed := ring.keys[ring.current].Seal(nil, nil, plain, bound(prefix, aad))
	return prefix + base64.RawURLEncoding.EncodeToString(sealed)
}

// Open decrypts what Seal made. The error is ErrSealed and does not tell which of its reasons it was.
func (s *Sealer) Open(sealed string, aad []byte) ([]byte, error) {
	parts := strings.Split(sealed, ".")
	if len(parts) != 3 || parts[0] != sealVersion {
		return nil, ErrSealed
	}
	key, found := s.ring.Load().keys[parts[1]]
	if !found { // another server may have a newer key already
		s.look(lookAgain)
		if key, found = s.ring.Load().keys[parts[1]]; !found {
			return nil, ErrSealed
		}
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
	return strings.HasPrefix(sealed, sealVersion+"."+s.Current()+".")
}

// Current is the ID of the key that seals.
func (s *Sealer) Current() string {
	s.look(lookEvery)
	return s.ring.Load().current
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
