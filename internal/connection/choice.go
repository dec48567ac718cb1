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

// ForClient returns the connection that a client signs people in through: the one called name if it is given, else the first
// database that is enabled, else the first one of another kind.
func ForClient(ctx context.Context, st *store.Store, clientID, name string) (*stagedoor.Connection, error) {
	all, err := st.Connections(ctx)
	if err != nil {
		return nil, err
	}
	found := slices.IndexFunc(all, func(c stagedoor.Connection) bool { return c.Name == name || slices.Contains(c.Realms, name) })
	if name != "" && found < 0 {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "the connection was not found")
	}
	open, err := openTo(ctx, st, all, clientID)
	if err != nil {
		return nil, err
	}
	var social, other *stagedoor.Connection // enabled; through other nobody can sign in here
	better := func(c *stagedoor.Connection) bool { return social == nil || c.HasButton() && !social.HasButton() }
	for i := range all {
		c := &all[i]
		switch {
		case !open(c) || name != "" && i != found:
		case c.ForLogin():
			return c, nil
		case c.Redirects() || c.SendsCodes():
			if better(c) {
				social = c
			}
		case other == nil:
			other = c
		}
	}
	if social != nil {
		return social, nil
	}
	if other != nil {
		e := stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "the connection %s (%s) cannot be used to log in: this server keeps it as configuration only", other.Name, other.Strategy)
		e.Err = ErrNotForLogin
		return nil, e
	}
	if name != "" {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "the connection is not enabled")
	}
	return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "no connections enabled for the client")
}

// openTo tells which of the connections the client may sign people in through: those that it is enabled for, and, if it is somebody else's, those of
// the domain, for nobody enables anything for a client that registered itself.
func openTo(ctx context.Context, st *store.Store, all []stagedoor.Connection, clientID string) (func(*stagedoor.Connection) bool, error) {
	third := false
	if slices.ContainsFunc(all, func(c stagedoor.Connection) bool { return c.IsDomainConnection && !c.EnabledFor(clientID) }) {
		client, err := st.Client(ctx, clientID)
		if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
			return nil, err
		}
		third = err == nil && !client.IsFirstParty && !client.Global
	}
	return func(c *stagedoor.Connection) bool { return c.EnabledFor(clientID) || third && c.IsDomainConnection }, nil
}

// ForRequest returns the connection that an authorization request signs people in through: one of its organization's if it is
// for one, whatever the client's own connections are, else ForClient.
func ForRequest(ctx context.Context, st *store.Store, req *stagedoor.AuthorizationRequest) (*stagedoor.Connection, error) {
	if req.Organization == "" {
		return ForClient(ctx, st, req.ClientID, req.Connection)
	}
	enabled, err := st.OrganizationConnections(ctx, req.Organization)
	if err != nil {
		return nil, err
	}
	all, err := st.Connections(ctx)
	if err != nil {
		return nil, err
	}
	known := req.Connection == ""
	var social *stagedoor.Connection
	for i := range all {
		c := &all[i]
		named := req.Connection == "" || c.Name == req.Connection || slices.Contains(c.Realms, req.Connection)
		known = known || named
		if !named || !isEnabled(enabled, c) {
			continue
		}
		if c.ForLogin() {
			return c, nil
		}
		if (c.Redirects() || c.SendsCodes()) && social == nil {
			social = c
		}
	}
	if social != nil {
		return social, nil
	}
	switch {
	case !known:
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "the connection was not found")
	case req.Connection != "":
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "the connection is not enabled")
	}
	return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "no connections enabled for the organization")
}

func isEnabled(enabled []stagedoor.OrganizationConnection, c *stagedoor.Connection) bool {
	return slices.ContainsFunc(enabled, func(oc stagedoor.OrganizationConnection) bool { return oc.ConnectionID == c.ID && oc.IsEnabled })
}

// Buttons returns the connections by which the login page of an authorization request offers to go to a provider. One that the request names
// is the only one.
func Buttons(ctx context.Context, st *store.Store, req *stagedoor.AuthorizationRequest) ([]stagedoor.Connection, error) {
	all, err := Elsewhere(ctx, st, req)
	return slices.DeleteFunc(all, func(c stagedoor.Connection) bool { return req.Connection == "" && !c.HasButton() }), err
}

// Elsewhere returns the connections by which an authorization request's people may go to a provider, whether or not there is a button.
func Elsewhere(ctx context.Context, st *store.Store, req *stagedoor.AuthorizationRequest) ([]stagedoor.Connection, error) {
	all, err := st.Connections(ctx)
	if err != nil {
		return nil, err
	}
	var enabled []stagedoor.OrganizationConnection
	if req.Organization != "" {
		if enabled, err = st.OrganizationConnections(ctx, req.Organization); err != nil {
			return nil, err
		}
	}
	open, err := openTo(ctx, st, all, req.ClientID)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(c stagedoor.Connection) bool {
		may := open(&c)
		if req.Organization != "" {
			may = isEnabled(enabled, &c)
		}
		named := c.Name == req.Connection || slices.Contains(c.Realms, req.Connection)
		return !may || !c.Redirects() || req.Connection != "" && !named
	}), nil
}

// ByCode returns the connections by which an authorization request's people may sign in with a code. One that the request names is the
// only one.
func ByCode(ctx context.Context, st *store.Store, req *stagedoor.AuthorizationRequest) ([]stagedoor.Connection, error) {
	all, err := st.Connections(ctx)
	if err != nil {
		return nil, err
	}
	var enabled []stagedoor.OrganizationConnection
	if req.Organization != "" {
		if enabled, err = st.OrganizationConnections(ctx, req.Organization); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(all, func(c stagedoor.Connection) bool {
		may := c.EnabledFor(req.ClientID)
		if req.Organization != "" {
			may = isEnabled(enabled, &c)
		}
		named := c.Name == req.Connection || slices.Contains(c.Realms, req.Connection)
		return !may || !c.SendsCodes() || req.Connection != "" && !named
	}), nil
}

// ErrNoPassword is the answer where somebody gives a password for a connection that has none.
func ErrNoPassword() error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "people do not sign in with a password through this connection")
}
