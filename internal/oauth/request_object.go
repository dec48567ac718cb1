package oauth

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Limits of a request object. Its life is bounded for clients that comply with FAPI (FAPI 1.0 Advanced 5.2.2-13).
const (
	objectSkew = 10 * time.Second
	objectLife = time.Hour
)

// errObject is the answer to a request object that does not hold (RFC 9101 section 7).
func errObject(why string) error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_request_object", "Invalid request object: %s", why)
}

// readObject verifies a request object of the client and returns the parameters that it holds (RFC 9101 section 6).
func readObject(r *http.Request, st *store.Store, client *stagedoor.Client, raw string) (url.Values, error) {
	if client.SignedRequestObject == nil || len(client.SignedRequestObject.Credentials) == 0 {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "request_not_supported", "The client has no keys for request objects.")
	}
	claims, err := verifyObject(st, client, raw)
	if err != nil {
		return nil, err
	}
	if err := checkObject(client, claims, web.Issuer(r), st.Clock().Now()); err != nil {
		return nil, err
	}
	return objectParams(claims)
}

// objectTypes are what the header of a request object may say that it is, in lower case. Anything else is a token for another purpose.
var objectTypes = []string{"", "jwt", "oauth-authz-req+jwt"}

// verifyObject tries the client's keys for request objects: the one that the header names, or all. The algorithm is the key's own.
func verifyObject(st *store.Store, client *stagedoor.Client, raw string) (jose.Claims, error) {
	now := st.Clock().Now()
	for i := range client.Credentials {
		cred := &client.Credentials[i]
		if cred.Type != "public_key" || cred.Expired(now) || !client.Signs(cred.Algorithm) || !slices.Contains(client.SignedRequestObject.Credentials, stagedoor.CredentialID{ID: cred.ID}) {
			continue
		}
		key, err := jose.ParsePublicPEM([]byte(cred.PEM))
		if err != nil {
			return jose.Claims{}, err
		}
		claims, err := jose.ParseObject(raw, now, func(h jose.Header) (string, any, error) {
			if h.KeyID != "" && h.KeyID != cred.KID {
				return "", nil, jose.ErrSignature
			}
			return cred.Algorithm, key.Key, nil
		})
		switch {
		case errors.Is(err, jose.ErrExpired) && !now.Before(claims.ExpiresAt.Add(objectSkew)):
			return claims, errObject("it has expired")
		case err == nil, errors.Is(err, jose.ErrExpired), errors.Is(err, jose.ErrNotYetValid): // how far is for checkObject to say
			return claims, nil
		case errors.Is(err, jose.ErrMalformed):
			return claims, errObject("it is not a signed token")
		}
	}
	return jose.Claims{}, errObject("no key of the client verifies it")
}

func checkObject(client *stagedoor.Client, claims jose.Claims, issuer string, now time.Time) error {
	id, _ := claims.Raw["client_id"].(string)
	strict := client.Complies("fapi")
	switch {
	case !slices.Contains(objectTypes, strings.ToLower(strings.TrimPrefix(claims.Header.Type, "application/"))):
		return errObject("typ must be oauth-authz-req+jwt")
	case claims.Issuer != client.ID || id != client.ID:
		return errObject("iss and client_id must be the client's")
	case claims.Subject == client.ID: // an assertion by which the client proves itself (RFC 9101 section 10.8)
		return errObject("sub must not be the client's")
	case !slices.Contains(claims.Audience, issuer):
		return errObject("aud must be " + issuer)
	case len(claims.ID) > maxJTI:
		return errObject("jti must have at most 64 characters")
	case claims.NotBefore.After(now.Add(objectSkew)) || claims.IssuedAt.After(now.Add(objectSkew)):
		return errObject("it is from the future")
	case strict && (claims.ExpiresAt.IsZero() || claims.NotBefore.IsZero() || claims.ExpiresAt.Sub(claims.NotBefore) > objectLife):
		return errObject("it needs nbf and exp, an hour apart at most")
	}
	for _, name := range []string{"request", "request_uri"} {
		if _, has := claims.Raw[name]; has {
			return errObject(name + " must not be in it")
		}
	}
	return nil
}

// ofTheObject are the claims that tell of the object itself.
var ofTheObject = []string{"iss", "aud", "exp", "nbf", "iat", "jti"}

// objectParams makes parameters of claims: texts as they are, numbers and truth values as their text, and what has parts as JSON.
func objectParams(claims jose.Claims) (url.Values, error) {
	out := url.Values{}
	for name, value := range claims.Raw {
		if slices.Contains(ofTheObject, name) {
			continue
		}
		text := ""
		switch v := value.(type) {
		case nil:
			continue
		case string:
			text = v
		case float64:
			text = strconv.FormatFloat(v, 'f', -1, 64)
		case bool:
			text = strconv.FormatBool(v)
		default:
			text = string(claims.Exactly(name))
		}
		if unreadable(name) || unreadable(text) {
			return nil, errObject("it holds text that cannot be read")
		}
		if text == "" && knownParams[name] { // as if it had been left out
			continue
		}
		out.Set(name, text)
	}
	return out, nil
}
