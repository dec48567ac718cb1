package jose

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// MaxTokenSize is the largest token that is looked at, in bytes.
const MaxTokenSize = 64 << 10

// Why a token is refused. Errors of Parse wrap one of these, unless they come from the caller's key function.
var (
	ErrMalformed   = errors.New("jose: malformed token")        // not a signed JWT, or one that breaks the rules
	ErrAlgorithm   = errors.New("jose: algorithm not expected") // the header names another algorithm than the key record
	ErrSignature   = errors.New("jose: wrong signature")
	ErrExpired     = errors.New("jose: token expired")
	ErrNotYetValid = errors.New("jose: token not valid yet")
)

// A Header is what a token says of itself. Nothing in it is to be trusted before Parse has returned without error.
type Header struct {
	Algorithm string
	KeyID     string
	Type      string
}

// A KeyFunc finds the key that verifies a token: the algorithm of the key record and an *rsa.PublicKey, an *ecdsa.PublicKey
// or the bytes of a shared secret, or an HS512Secret. Its errors come back from Parse, wrapped.
type KeyFunc func(Header) (alg string, key any, err error)

// Parse verifies a token in compact form and returns its claims. The algorithm is the one that keys returns; a header that
// names another is refused, which stops key confusion and "none". A token needs exp; it is expired from that second on, and
// not valid before nbf. For leeway pass another now.
//
// With ErrExpired and ErrNotYetValid the signature was right and the claims are returned too, for callers such as logout,
// which take an old ID token as a hint. Issuer and audience are for the caller to check.
func Parse(token string, now time.Time, keys KeyFunc) (Claims, error) {
	return parse(token, now, keys, true)
}

// ParseObject is Parse for tokens that need no exp, such as request objects (RFC 9101 section 4). One that they have counts.
func ParseObject(token string, now time.Time, keys KeyFunc) (Claims, error) {
	return parse(token, now, keys, false)
}

func parse(token string, now time.Time, keys KeyFunc, expires bool) (Claims, error) {
	header, claims, err := split(token)
	if err == nil && expires {
		err = claims.mustExpire()
	}
	if err != nil {
		return Claims{}, err
	}
	alg, key, err := keys(header)
	if err != nil {
		return Claims{}, fmt.Errorf("jose: find key: %w", err)
	}
	if err := fits(alg, key); err != nil {
		return Claims{}, err
	}
	if header.Algorithm != alg {
		return Claims{}, fmt.Errorf("%w: %q instead of %q", ErrAlgorithm, header.Algorithm, alg)
	}
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		return Claims{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if _, err := signed.Verify(padded(key)); err != nil {
		return Claims{}, ErrSignature
	}
	switch {
	case !claims.ExpiresAt.IsZero() && !now.Before(claims.ExpiresAt):
		return claims, ErrExpired
	case now.Before(claims.NotBefore):
		return claims, ErrNotYetValid
	}
	return claims, nil
}

// Peek returns what a token claims WITHOUT verifying it. It serves where the key depends on a claim, such as the client in an
// HS256 ID token: find the key by it, then call Parse. What Peek returns must decide nothing else.
func Peek(token string) (Header, Claims, error) {
	header, claims, err := split(token)
	if err == nil {
		err = claims.mustExpire()
	}
	return header, claims, err
}

// split takes a token apart, strictly: three parts, canonical base64url, one value for each member.
func split(token string) (Header, Claims, error) {
	if len(token) > MaxTokenSize {
		return Header{}, Claims{}, fmt.Errorf("%w: more than %d bytes", ErrMalformed, MaxTokenSize)
	}
	parts := strings.SplitN(token, ".", 4)
	if len(parts) != 3 {
		return Header{}, Claims{}, fmt.Errorf("%w: not three parts", ErrMalformed)
	}
	var members map[string]any
	if _, err := decode(parts[0], &members); err != nil {
		return Header{}, Claims{}, fmt.Errorf("%w: header: %w", ErrMalformed, err)
	}
	for _, name := range []string{"crit", "b64", "zip"} { // extensions that change how the rest is read; we have none
		if _, found := members[name]; found {
			return Header{}, Claims{}, fmt.Errorf("%w: header %q is not supported", ErrMalformed, name)
		}
	}
	var header Header
	for name, field := range map[string]*string{"alg": &header.Algorithm, "kid": &header.KeyID, "typ": &header.Type} {
		if err := text(members, name, field); err != nil {
			return Header{}, Claims{}, err
		}
	}
	if header.Algorithm == "" || strings.EqualFold(header.Algorithm, "none") {
		return Header{}, Claims{}, fmt.Errorf("%w: not signed", ErrMalformed)
	}
	var raw map[string]any
	payload, err := decode(parts[1], &raw)
	if err != nil {
		return Header{}, Claims{}, fmt.Errorf("%w: payload: %w", ErrMalformed, err)
	}
	if _, err := strict.DecodeString(parts[2]); err != nil || strings.ContainsAny(parts[2], "\r\n") {
		return Header{}, Claims{}, fmt.Errorf("%w: signature is not base64url", ErrMalformed)
	}
	claims, err := newClaims(header, raw)
	claims.members, claims.payload = members, payload
	return header, claims, err
}

// strict refuses bits behind the last byte, so that one token has one spelling.
var strict = base64.RawURLEncoding.Strict()

// decode reads one part into a map, and returns its text. The decoder is go-jose's: it minds case and refuses doubled members at every depth.
func decode(part string, into *map[string]any) ([]byte, error) {
	if strings.ContainsAny(part, "\r\n") { // the standard decoder would skip them
		return nil, errors.New("line break")
	}
	data, err := strict.DecodeString(part)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return nil, err
	}
	if *into == nil {
		return nil, errors.New("null")
	}
	return data, nil
}
