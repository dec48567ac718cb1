package mgmt

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/token"
)

// linkIn is either what a machine sends, or what a person sends with their own token (Management API fact sheet 2.7).
type linkIn struct {
	Provider     string          `json:"provider" schema:"min=1" doc:"Identity provider of the secondary user account being linked"`
	UserID       json.RawMessage `json:"user_id" doc:"user_id of the secondary user account being linked"`
	ConnectionID string          `json:"connection_id" pattern:"^con_[A-Za-z0-9]{16}$" doc:"connection_id of the secondary user account being linked when more than one auth0 database provider exists"`
	LinkWith     string          `json:"link_with" schema:"min=1" doc:"JWT for the secondary account being linked. If sending this parameter, provider, user_id, and connection_id must not be sent"`
}

func (a *API) linkIdentity(c *call, in linkIn) (any, error) {
	var i stagedoor.Identity
	var known bool
	var err error
	switch {
	case in.LinkWith != "" && (in.Provider != "" || len(in.UserID) > 0 || in.ConnectionID != ""):
		return nil, bad("invalid_body", "link_with cannot be sent together with provider, user_id or connection_id.")
	case in.LinkWith != "":
		i, err = a.linkedWith(c, in.LinkWith)
	case c.caller.person:
		return nil, badProperty("", "Missing required property: link_with")
	default:
		i, known, err = in.named(c)
	}
	if err != nil {
		return nil, err
	}
	if _, err := c.store.User(c.ctx(), c.id()); err != nil {
		return nil, err
	}
	u, err := c.store.LinkIdentity(c.ctx(), c.id(), i, known)
	if err != nil {
		return nil, err
	}
	return u.WireIdentities(), nil
}

// named is the identity that a machine names. known tells that it may be one that never signed in here: the provider knows it.
func (in *linkIn) named(c *call) (i stagedoor.Identity, known bool, err error) {
	if in.Provider == "" {
		return i, false, badProperty("", "Missing required property: provider")
	}
	id, err := in.bareID()
	if err != nil {
		return i, false, err
	}
	i = stagedoor.Identity{Provider: in.Provider, UserID: strings.TrimPrefix(id, in.Provider+"|")}
	all, err := c.store.Connections(c.ctx())
	if err != nil {
		return i, false, err
	}
	at := slices.IndexFunc(all, func(conn stagedoor.Connection) bool {
		return conn.Strategy == in.Provider && (in.ConnectionID == "" || conn.ID == in.ConnectionID)
	})
	if at < 0 {
		return i, false, bad("operation_not_supported", "The provider/connection is not configured.")
	}
	i.IsSocial = strategies[in.Provider].family == familySocial
	if in.ConnectionID != "" {
		i.Connection = all[at].Name
	}
	return i, in.Provider != connection.StrategyDatabase, nil
}

// bareID reads the user_id, which few providers have as a number.
func (in *linkIn) bareID() (string, error) {
	var text string
	if json.Unmarshal(in.UserID, &text) == nil && text != "" {
		return text, nil
	}
	var number int64
	if json.Unmarshal(in.UserID, &number) == nil && number != 0 {
		return strconv.FormatInt(number, 10), nil
	}
	if len(in.UserID) == 0 {
		return "", badProperty("", "Missing required property: user_id")
	}
	return "", badProperty("user_id", "Expected type string but found another type")
}

// linkedWith is the identity of the person whose ID token it is: signed by the tenant with RS256, of one of its issuers, and made
// for the client that the caller comes from.
func (a *API) linkedWith(c *call, raw string) (i stagedoor.Identity, err error) {
	refuse := func(text string) (stagedoor.Identity, error) { return i, bad("invalid_body", "JWT (link_with) "+text) }
	header, _, err := jose.Peek(raw)
	if err != nil {
		return refuse("is not a valid JWT.")
	}
	if header.Algorithm != jose.RS256 {
		return refuse("must have an alg of RS256.")
	}
	claims, err := a.Keys.Parse(c.ctx(), c.store, raw, a.Clock.Now())
	switch {
	case errors.Is(err, jose.ErrExpired):
		return refuse("has expired.")
	case errors.Is(err, jose.ErrSignature), errors.Is(err, jose.ErrMalformed), errors.Is(err, jose.ErrAlgorithm), errors.Is(err, jose.ErrNotYetValid):
		return refuse("has an invalid signature.")
	case err != nil:
		return i, err
	case !token.IsIssuer(c.store.Tenant(), claims.Issuer):
		return refuse("must have the same iss as the access token.")
	case c.caller.clientID == "" || len(claims.Audience) != 1 || claims.Audience[0] != c.caller.clientID:
		return refuse("must have an aud that is the azp of the access token.")
	case claims.Subject == "":
		return refuse("must have a sub.")
	}
	u, err := c.store.User(c.ctx(), claims.Subject)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && len(u.Identities) == 0 {
		return i, bad("operation_not_supported", "Provided secondary account not found.")
	}
	if err != nil {
		return i, err
	}
	before, err := outlived(c, claims, raw, u)
	switch {
	case err != nil:
		return i, err
	case before:
		return refuse("is from before the access of its user ended.")
	}
	return u.Identities[0], nil
}

// outlived tells whether an ID token is of somebody who is blocked, or from before their access ended: whoever found out a password would take the account by it after the password was
// replaced. A token of a conformant client does not say how often that had happened; that the password was another one its time tells, to the second.
func outlived(c *call, claims jose.Claims, raw string, u *stagedoor.User) (bool, error) {
	client, err := c.store.Client(c.ctx(), c.caller.clientID)
	switch {
	case stagedoor.IsKind(err, stagedoor.NotFound):
		return true, nil
	case err != nil:
		return false, err
	case u.IsBlocked() || claims.IssuedAt.Before(u.LastPasswordReset.Truncate(time.Second)):
		return true, nil
	case client.OIDCConformant:
		return false, nil
	}
	return token.FromBefore(c.ctx(), c.store, claims, raw, u)
}

// unlinkIdentity answers what remains, also where there was nothing to unlink. Whoever has the identity is somebody else from then on, so that what came by it ends.
func (a *API) unlinkIdentity(c *call) (any, error) {
	provider, id := c.r.PathValue("provider"), c.r.PathValue("user_id")
	before, err := c.store.User(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	u, err := c.store.UnlinkIdentity(c.ctx(), c.id(), provider, id)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(before.Identities, func(i stagedoor.Identity) bool { return i.Provider == provider && i.UserID == id })
	if at > 0 {
		ctx := context.WithoutCancel(c.ctx())
		err = c.store.EndAccessBy(ctx, u.ID, before.Identities[at].Connection, "")
		if err == nil && c.caller.person {
			err = token.GoOn(ctx, c.store, c.caller.raw, c.caller.ended+1, c.caller.expires) // by this
		}
	}
	return u.WireIdentities(), err
}
