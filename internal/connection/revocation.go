package connection

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Global Token Revocation (draft-parecki-oauth-global-token-revocation), as Okta speaks it: a provider says, to the server and not by a browser, that all that somebody
// has here is to end.

const (
	revocationType = "global-token-revocation+jwt" // typ of the token by which a provider proves that it is it
	revocationLife = time.Hour                     // how long such a token may live; Okta's live for five minutes
	maxRevocation  = 256                           // characters of its jti
)

// errRevocation is the answer to a request for which no provider of ours stands. Why is for the log: strangers learn nothing of the tenant's connections.
func errRevocation(why string) error {
	e := stagedoor.AsError(failed("The token is not valid", why))
	e.Kind, e.Code = stagedoor.Unauthorized, "invalid_token"
	return e
}

// revoker is how the provider of a connection proves such a request.
type revoker struct {
	issuer, subject string // iss and sub of its tokens
	keys            func(jose.Header) ([]jose.VerifyKey, error)
}

// revokerOf finds it out: providers of OpenID Connect are known by what their ID tokens are known by, and stand for the client that we are there; those of SAML sign with
// the key of their assertions, and the connection's options say how they call themselves and us.
func (o *Upstream) revokerOf(ctx context.Context, c *stagedoor.Connection) (*revoker, error) {
	r := &revoker{issuer: c.Option("global_token_revocation_jwt_iss"), subject: c.Option("global_token_revocation_jwt_sub")}
	switch c.Strategy {
	case stagedoor.StrategyOIDC, stagedoor.StrategyOkta:
		p, err := o.plan(ctx, c)
		if err != nil {
			return nil, err
		}
		r.issuer, r.subject = cmp.Or(r.issuer, p.issuer), cmp.Or(r.subject, p.clientID)
		r.keys = func(h jose.Header) ([]jose.VerifyKey, error) {
			keys, err := o.verifyKeys(ctx, p.keys, h)
			if err != nil {
				err = errRevocation(err.Error())
			}
			return keys, err
		}
	case stagedoor.StrategySAML:
		party, err := samlParty(c)
		if err != nil {
			return nil, err
		}
		r.keys = func(h jose.Header) (fit []jose.VerifyKey, err error) {
			for _, cert := range party.Certs {
				if k := (jose.VerifyKey{Key: cert.PublicKey}); k.Does(h.Algorithm) {
					fit = append(fit, k)
				}
			}
			if len(fit) == 0 {
				err = errRevocation("no certificate of the connection is for " + short(h.Algorithm))
			}
			return fit, err
		}
	}
	if r.keys == nil || r.issuer == "" || r.subject == "" {
		return nil, errRevocation("the connection does not say who may send such requests (global_token_revocation_jwt_iss, global_token_revocation_jwt_sub)")
	}
	return r, nil
}

// Revoking checks the token of a request to end all that somebody has, which came to the address at: the connection's provider has signed it, for this address, of now, and
// it is new.
func (o *Upstream) Revoking(ctx context.Context, st *store.Store, c *stagedoor.Connection, at, token string) error {
	header, _, err := jose.Peek(token)
	if err != nil {
		return errRevocation("it is no signed token")
	}
	if !strings.EqualFold(strings.TrimPrefix(header.Type, "application/"), revocationType) { // an ID token, say, which others have as well
		return errRevocation("its typ is " + short(header.Type))
	}
	if !slices.Contains(jose.Asymmetric, header.Algorithm) {
		return errRevocation("it is signed with " + short(header.Algorithm))
	}
	who, err := o.revokerOf(ctx, c)
	if err != nil {
		return err
	}
	keys, err := who.keys(header)
	if err != nil {
		return err
	}
	now := st.Clock().Now()
	claims, err := signedBy(token, header.Algorithm, keys, now)
	switch {
	case err != nil:
		return errRevocation(err.Error())
	case claims.Issuer != who.issuer:
		return errRevocation("its issuer is " + short(claims.Issuer))
	case claims.Subject != who.subject:
		return errRevocation("its sub is " + short(claims.Subject))
	case !slices.Equal(claims.Audience, []string{at}):
		return errRevocation("it is for " + short(strings.Join(claims.Audience, " ")))
	case claims.IssuedAt.After(now.Add(clockTolerance)) || claims.ExpiresAt.After(now.Add(revocationLife+clockTolerance)):
		return errRevocation("it was issued in the future, or lives for too long")
	case claims.ID == "" || len(claims.ID) > maxRevocation:
		return errRevocation("it has no jti, or too long a one")
	}
	fresh, err := st.UseProof(ctx, "revocation:"+c.ID+":"+jose.HashToken(claims.ID), claims.ExpiresAt.Add(clockTolerance))
	if err == nil && !fresh {
		err = errRevocation("it was used before")
	}
	return err
}

// Known is the user whom the provider of a connection calls by the id; NotFound if there is none.
func Known(ctx context.Context, st *store.Store, c *stagedoor.Connection, id string) (*stagedoor.User, error) {
	identity := IdentityOf(c, id)
	u, err := ownerOf(ctx, st, c, identity.FullID())
	if stagedoor.IsKind(err, stagedoor.Scripted) { // another connection's
		err = stagedoor.Errorf(stagedoor.NotFound, "inexistent_user", "The user does not exist.")
	}
	return u, err
}
