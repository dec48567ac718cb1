package oauth

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

	// Limits of an assertion (Authentication API fact sheet 4.1).
	assertionLife = 5 * time.Minute
	assertionSkew = 10 * time.Second
	maxJTI        = 64 // characters
)

// assertionTypes are what an assertion may say that it is: nothing, or what none of our other tokens says (RFC 8725 section 3.11).
var assertionTypes = []string{"", "jwt", "client-authentication+jwt"}

// errAssertion is the answer to an assertion that does not hold. Why is for the person who set the client up; it tells nothing
// that only a key's owner may know.
func errAssertion(why string) error {
	return stagedoor.Errorf(stagedoor.Unauthorized, "invalid_client", "Invalid client assertion: %s", why)
}

// assertedClient authenticates a client by a JWT that it signed with one of its keys (RFC 7523 section 3).
func assertedClient(ctx context.Context, r *http.Request, st *store.Store, params map[string]string) (*stagedoor.Client, error) {
	if params["client_assertion_type"] != assertionType {
		return nil, invalid("Unknown client_assertion_type")
	}
	if _, _, basic := r.BasicAuth(); basic || params["client_secret"] != "" {
		return nil, invalid("The client is authenticated in two ways that differ.")
	}
	raw := params["client_assertion"]
	header, peeked, err := jose.Peek(raw)
	if err != nil {
		return nil, errAssertion("it is not a signed token")
	}
	if !slices.Contains(assertionTypes, strings.ToLower(header.Type)) {
		return nil, errAssertion("it is a token of another kind, " + stagedoor.Shorten(header.Type, 40))
	}
	id := peeked.Subject
	if peeked.Issuer != id || params["client_id"] != "" && params["client_id"] != id {
		return nil, errAssertion("iss, sub and client_id differ")
	}
	client, err := st.Client(ctx, id)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && !byKey(client) {
		return nil, errAssertion("the client does not authenticate with a key")
	}
	if err != nil {
		return nil, err
	}
	claims, err := verifyAssertion(st, client, raw, header)
	if err != nil {
		return nil, err
	}
	if err := checkAssertionAudience(claims, client, r); err != nil {
		return nil, err
	}
	if err := checkAssertion(claims, st.Clock().Now()); err != nil {
		return nil, err
	}
	fresh, err := st.UseAssertion(ctx, client.ID, claims.ID, claims.ExpiresAt.Add(assertionSkew))
	if err != nil {
		return nil, err
	}
	if !fresh {
		return nil, errAssertion("its jti was used before")
	}
	return client, nil
}

func byKey(c *stagedoor.Client) bool {
	return c.AuthenticationMethods != nil && c.AuthenticationMethods.PrivateKeyJWT != nil
}

// verifyAssertion tries the client's keys: the one that the header names, or all.
func verifyAssertion(st *store.Store, client *stagedoor.Client, raw string, header jose.Header) (jose.Claims, error) {
	now := st.Clock().Now()
	for i := range client.Credentials {
		cred := &client.Credentials[i]
		if !client.AuthenticationMethods.PrivateKeyJWT.Names(cred.ID) || cred.Expired(now) || !client.Signs(cred.Algorithm) || header.KeyID != "" && header.KeyID != cred.KID {
			continue
		}
		key, err := jose.ParsePublicPEM([]byte(cred.PEM))
		if err != nil {
			return jose.Claims{}, err
		}
		claims, err := jose.Parse(raw, now, func(jose.Header) (string, any, error) { return cred.Algorithm, key.Key, nil })
		switch {
		case errors.Is(err, jose.ErrExpired) && !now.Before(claims.ExpiresAt.Add(assertionSkew)):
			return claims, errAssertion("it has expired")
		case err == nil, errors.Is(err, jose.ErrExpired), errors.Is(err, jose.ErrNotYetValid): // how far is for checkAssertion to say
			return claims, nil
		}
	}
	return jose.Claims{}, errAssertion("no key of the client verifies it")
}

// checkAssertionAudience takes the issuer, the token endpoint, and the endpoint that was asked (RFC 9126 section 2, CIBA Core section 7.1). Of a client that keeps to FAPI 2.0 it
// takes the issuer alone, as a text: an assertion that is good in several places can be carried from one to the other (FAPI 2.0 Security Profile section 5.3.2.1).
func checkAssertionAudience(claims jose.Claims, client *stagedoor.Client, r *http.Request) error {
	issuer := web.Issuer(r)
	good := []string{issuer, issuer + "oauth/token", issuer + strings.TrimPrefix(r.URL.Path, "/")}
	if client.Complies("fapi2") {
		if _, isText := claims.Raw["aud"].(string); !isText {
			return errAssertion("aud must be a text, " + issuer)
		}
		good = good[:1]
	}
	if len(claims.Audience) != 1 || !slices.Contains(good, claims.Audience[0]) {
		return errAssertion("aud must be " + issuer)
	}
	return nil
}

func checkAssertion(claims jose.Claims, now time.Time) error {
	switch {
	case claims.ID == "" || len(claims.ID) > maxJTI:
		return errAssertion("jti must have 1 to 64 characters")
	case claims.ExpiresAt.After(now.Add(assertionLife + assertionSkew)):
		return errAssertion("it may live for five minutes at most")
	case claims.IssuedAt.After(now.Add(assertionSkew)) || claims.NotBefore.After(now.Add(assertionSkew)):
		return errAssertion("it is from the future")
	}
	return nil
}
