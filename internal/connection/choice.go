package connection

import (
	"context"
	"errors"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// ErrNotForLogin is within the error for a connection that is enabled but that nobody can sign in through.
var ErrNotForLogin = errors.New("connection: not for login")

// ForClient returns the connection that a client signs people in through, whatever their organization: see ForRequest.
func ForClient(ctx context.Context, st *store.Store, clientID, name string) (*stagedoor.Connection, error) {
	return ForRequest(ctx, st, &stagedoor.AuthorizationRequest{ClientID: clientID, Connection: name})
}

// ForRequest returns the connection that an authorization request signs people in through: the one that it names if it does, else the first
// database that is open to it, else the first one of another kind, those that have a button before the others.
func ForRequest(ctx context.Context, st *store.Store, req *stagedoor.AuthorizationRequest) (*stagedoor.Connection, error) {
	all, err := st.Connections(ctx)
	if err != nil {
		return nil, err
	}
	if req.Connection != "" && !slices.ContainsFunc(all, func(c stagedoor.Connection) bool { return names(req, &c) }) {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "the connection was not found")
	}
	open, err := openTo(ctx, st, all, req)
	if err != nil {
		return nil, err
	}
	var away, other *stagedoor.Connection // without a password; nobody can sign in here through other
	for i := range all {
		c := &all[i]
		switch {
		case !open(c) || !names(req, c):
		case c.ForLogin():
			return c, nil
		case c.Redirects() || c.SendsCodes():
			if away == nil || c.HasButton() && !away.HasButton() {
				away = c
			}
		case other == nil:
			other = c
		}
	}
	switch {
	case away != nil:
		return away, nil
	case other != nil:
		e := stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "the connection %s (%s) cannot be used to log in: this server keeps it as configuration only", other.Name, other.Strategy)
		e.Err = ErrNotForLogin
		return nil, e
	case req.Connection != "":
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "the connection is not enabled")
	case req.Organization != "":
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "no connections enabled for the organization")
	}
	return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "no connections enabled for the client")
}

// names tells whether a request leaves the connection open, or names it: by its own name or by one of its realms.
func names(req *stagedoor.AuthorizationRequest, c *stagedoor.Connection) bool {
	return req.Connection == "" || c.Name == req.Connection || slices.Contains(c.Realms, req.Connection)
}

// openTo tells which of all connections a request's people may sign in through: those of its organization if it is for one, whatever the client's own
// are; else those that the client is enabled for, and, if it is somebody else's, those of the domain, for nobody enables anything for a client that
// registered itself.
func openTo(ctx context.Context, st *store.Store, all []stagedoor.Connection, req *stagedoor.AuthorizationRequest) (func(*stagedoor.Connection) bool, error) {
	if req.Organization != "" {
		enabled, err := st.OrganizationConnections(ctx, req.Organization)
		return func(c *stagedoor.Connection) bool {
			return slices.ContainsFunc(enabled, func(oc stagedoor.OrganizationConnection) bool { return oc.ConnectionID == c.ID && oc.IsEnabled })
		}, err
	}
	third := false
	if slices.ContainsFunc(all, func(c stagedoor.Connection) bool { return c.IsDomainConnection && !c.EnabledFor(req.ClientID) }) {
		client, err := st.Client(ctx, req.ClientID)
		if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
			return nil, err
		}
		third = err == nil && !client.IsFirstParty && !client.Global
	}
	return func(c *stagedoor.Connection) bool { return c.EnabledFor(req.ClientID) || third && c.IsDomainConnection }, nil
}

// Buttons returns the connections by which the login page of an authorization request offers to go to a provider. One that the request names
// is the only one.
func Buttons(ctx context.Context, st *store.Store, req *stagedoor.AuthorizationRequest) ([]stagedoor.Connection, error) {
	return among(ctx, st, req, func(c *stagedoor.Connection) bool { return c.HasButton() || req.Connection != "" && c.Redirects() })
}

// Elsewhere returns the connections by which an authorization request's people may go to a provider, whether or not there is a button.
func Elsewhere(ctx context.Context, st *store.Store, req *stagedoor.AuthorizationRequest) ([]stagedoor.Connection, error) {
	return among(ctx, st, req, (*stagedoor.Connection).Redirects)
}

// ByCode returns the connections by which an authorization request's people may sign in with a code.
func ByCode(ctx context.Context, st *store.Store, req *stagedoor.AuthorizationRequest) ([]stagedoor.Connection, error) {
	return among(ctx, st, req, (*stagedoor.Connection).SendsCodes)
}

// among returns those of the connections that are open to a request which are of the kind. One that the request names is the only one.
func among(ctx context.Context, st *store.Store, req *stagedoor.AuthorizationRequest, of func(*stagedoor.Connection) bool) ([]stagedoor.Connection, error) {
	all, err := st.Connections(ctx)
	if err != nil {
		return nil, err
	}
	open, err := openTo(ctx, st, all, req)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(c stagedoor.Connection) bool { return !names(req, &c) || !of(&c) || !open(&c) }), nil
}

// ErrNoPassword is the answer where somebody gives a password for a connection that has none.
func ErrNoPassword() error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "people do not sign in with a password through this connection")
}
