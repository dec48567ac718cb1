package jose

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// RandomToken returns n random bytes as base64url: authorization codes, refresh tokens, session ids. 32 bytes give 43
// characters. It cannot fail: the standard library ends the process if the system has no randomness.
func RandomToken(n int) string {
	b := make([]byte, n)
	rand.Read(b) //nolint:errcheck // documented never to return an error
	return base64.RawURLEncoding.EncodeToString(b)
}

// HashToken is the form in which an opaque token is stored: SHA-256, base64url, 43 characters. The tokens are random and long,
// so that nothing slower is needed; what a thief reads in the database opens nothing.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Equal compares two secrets in a time that tells neither where they differ nor how long the expected one is.
func Equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
