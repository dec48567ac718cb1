package jose

import (
	"encoding/json"
	"fmt"
	"time"
)

// maxNumericDate is the last second of the year 9999.
const maxNumericDate = 253402300799

// Claims are the registered claims of a token (RFC 7519 section 4.1, OpenID Connect Core 2), and all of them in Raw. A claim
// that is absent has its zero value; one of the wrong type makes the token malformed.
type Claims struct {
	Header          Header
	Issuer          string   // iss
	Subject         string   // sub
	Audience        []string // aud, also when it was a lone string
	ExpiresAt       time.Time
	IssuedAt        time.Time
	NotBefore       time.Time
	ID              string         // jti
	AuthorizedParty string         // azp
	Scope           string         // scope, separated by spaces
	Raw             map[string]any // every claim, numbers as float64

	members map[string]any // of the header
	payload []byte         // as it was signed
}

// Exactly is a claim as it stands in the token, with numbers that no float64 holds; nil if it is absent.
func (c *Claims) Exactly(name string) json.RawMessage { return c.Members()[name] }

// Members are all claims as they stand in the token.
func (c *Claims) Members() map[string]json.RawMessage {
	var all map[string]json.RawMessage
	_ = json.Unmarshal(c.payload, &all) // it was read before
	return all
}

func newClaims(header Header, raw map[string]any) (Claims, error) {
	c := Claims{Header: header, Raw: raw}
	for name, field := range map[string]*string{
		"iss": &c.Issuer, "sub": &c.Subject, "jti": &c.ID, "azp": &c.AuthorizedParty, "scope": &c.Scope,
	} {
		if err := text(raw, name, field); err != nil {
			return Claims{}, err
		}
	}
	for name, field := range map[string]*time.Time{"exp": &c.ExpiresAt, "iat": &c.IssuedAt, "nbf": &c.NotBefore} {
		if err := date(raw, name, field); err != nil {
			return Claims{}, err
		}
	}
	switch aud := raw["aud"].(type) {
	case nil:
	case string:
		c.Audience = []string{aud}
	case []any:
		for _, one := range aud {
			name, ok := one.(string)
			if !ok {
				return Claims{}, fmt.Errorf("%w: aud holds something else than text", ErrMalformed)
			}
			c.Audience = append(c.Audience, name)
		}
	default:
		return Claims{}, fmt.Errorf("%w: aud is neither text nor a list", ErrMalformed)
	}
	return c, nil
}

// mustExpire refuses claims without exp.
func (c *Claims) mustExpire() error {
	if c.ExpiresAt.IsZero() {
		return fmt.Errorf("%w: no exp", ErrMalformed)
	}
	return nil
}

// text copies a member that must be a string if it is there.
func text(members map[string]any, name string, into *string) error {
	value, found := members[name]
	if !found {
		return nil
	}
	s, ok := value.(string)
	if !ok {
		return fmt.Errorf("%w: %s is not text", ErrMalformed, name)
	}
	*into = s
	return nil
}

// date copies a member that must be a NumericDate if it is there: seconds since 1970, possibly with a fraction.
func date(members map[string]any, name string, into *time.Time) error {
	value, found := members[name]
	if !found {
		return nil
	}
	seconds, ok := value.(float64)
	if !ok || seconds < 0 || seconds > maxNumericDate {
		return fmt.Errorf("%w: %s is not a time", ErrMalformed, name)
	}
	*into = time.UnixMilli(int64(seconds * 1000)).UTC()
	return nil
}
