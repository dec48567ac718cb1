package pipeline

import (
	"context"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
)

// Revocation is a provider's request to end all that somebody has here.
type Revocation struct {
	Connection string // its name
	At         string // address that was asked
	Token      string // by which the provider proves itself

	Issuer, Subject string // whom it is about (iss_sub of RFC 9493; without an issuer, opaque)
	Email           string // or their address, as the provider has told it
}

// Revoke does what the provider of a connection asks for: the sessions of the person end, which clients are told of, their refresh tokens, and what has begun and waits. They
// may come again, by the provider that lets them. The event, which the caller writes, is completed with connection and user.
func (p *Pipeline) Revoke(ctx context.Context, v Visit, r Revocation, e *stagedoor.LogEvent) error {
	err := p.revoke(ctx, v, r, e)
	if err != nil {
		e.Description = describe(err)
	}
	return err
}

func (p *Pipeline) revoke(ctx context.Context, v Visit, r Revocation, e *stagedoor.LogEvent) error {
	if err := guard.Signer(ctx, v.Store, v.IP); err != nil {
		return err
	}
	conn, err := v.Store.ConnectionByName(ctx, r.Connection)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && (p.Upstream == nil || !conn.Redirects()) {
		return stagedoor.Errorf(stagedoor.Unauthorized, "invalid_token", "The token is not valid") // of names that nobody should learn
	}
	if err != nil {
		return err
	}
	e.Connection, e.ConnID, e.Strategy = conn.Name, conn.ID, conn.Strategy
	if err := p.Upstream.Revoking(ctx, v.Store, conn, r.At, r.Token); err != nil {
		return err
	}
	if err := guard.Signed(ctx, v.Store, v.IP); err != nil {
		return err
	}
	users, err := p.meantBy(ctx, v, conn, r)
	if err != nil {
		return err
	}
	for _, id := range users {
		if err := v.Store.EndAccess(ctx, id, stagedoor.LogoutByProvider); err != nil {
			return err
		}
		e.UserID = id
		if u, err := v.Store.User(ctx, id); err == nil {
			e.UserName = u.Shown()
		}
	}
	return nil
}

// meantBy are the ids of the users whom a request is about: of those who come by the connection, the one that the provider knows by this id. A provider to which users are provisioned
// may know ours; then the issuer is ours, too. One of SAML may call somebody by their NameID, where another attribute is what they are known by here: their sessions tell.
func (p *Pipeline) meantBy(ctx context.Context, v Visit, conn *stagedoor.Connection, r Revocation) ([]string, error) {
	if r.Email != "" {
		return withAddress(ctx, v.Store, conn, r.Email)
	}
	u, err := connection.Known(ctx, v.Store, conn, r.Subject)
	if stagedoor.IsKind(err, stagedoor.NotFound) && token.IsIssuer(v.Store.Tenant(), r.Issuer) {
		if u, err = v.Store.User(ctx, r.Subject); err == nil && !slices.ContainsFunc(u.Identities, func(i stagedoor.Identity) bool { return i.Connection == conn.Name }) {
			err = stagedoor.Errorf(stagedoor.NotFound, "inexistent_user", "The user does not exist.")
		}
	}
	if err == nil {
		return []string{u.ID}, nil
	}
	if !stagedoor.IsKind(err, stagedoor.NotFound) || conn.Strategy != stagedoor.StrategySAML {
		return nil, err
	}
	ended, gone := v.Store.EndCameBy(ctx, conn.ID, r.Subject, nil)
	if gone != nil {
		return nil, gone
	}
	if len(ended) == 0 {
		return nil, err
	}
	var ids []string
	for i := range ended {
		if !slices.Contains(ids, ended[i].UserID) {
			ids = append(ids, ended[i].UserID)
		}
	}
	return ids, nil
}

// withAddress is the id of the one user who comes by a connection with an address. Where there are several the provider has to say which of them it means: it calls each
// something else.
func withAddress(ctx context.Context, st *store.Store, conn *stagedoor.Connection, address string) ([]string, error) {
	all, err := st.UsersByEmail(ctx, strings.ToLower(strings.TrimSpace(address)))
	if err != nil {
		return nil, err
	}
	var ids []string
	for i := range all {
		if all[i].Connection == conn.Name {
			ids = append(ids, all[i].ID)
		}
	}
	switch len(ids) {
	case 0:
		return nil, stagedoor.Errorf(stagedoor.NotFound, "inexistent_user", "The user does not exist.")
	case 1:
		return ids, nil
	}
	return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "Several users of the connection have the address: the subject must have the format iss_sub.")
}
