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

// ForRequest returns the connection that an authorization request signs people in through: see [Choice.First].
func ForRequest(ctx context.Context, st *store.Store, req *stagedoor.AuthorizationRequest) (*stagedoor.Connection, error) {
	c, err := Choose(ctx, st, req)
	if err != nil {
		return nil, err
	}
	return c.First()
}

// Choice are the connections by which an authorization request's people may sign in, as they were when it was made.
type Choice struct {
	req    *stagedoor.AuthorizationRequest
	known  bool // the request names no connection, or one that there is
	opened []stagedoor.Connection
	hidden map[string]bool // by the ids of connections: whether the request's organization shows no button for them; nil: it is for none
}

// Choose reads which connections are open to a request. One that the request names is the only one.
func Choose(ctx context.Context, st *store.Store, req *stagedoor.AuthorizationRequest) (*Choice, error) {
	all, err := st.Connections(ctx)
	if err != nil {
		return nil, err
	}
	c := &Choice{req: req, known: req.Connection == ""}
	open, err := c.openTo(ctx, st, all)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if names(req, &all[i]) {
			c.known = true
			if open(&all[i]) {
				c.opened = append(c.opened, all[i])
			}
		}
	}
	return c, nil
}

// First is the connection that people sign in through: the one that the request names if it does, else the first database that is open to it, else
// the first one of another kind, those that have a button before the others.
func (ch *Choice) First() (*stagedoor.Connection, error) {
	if !ch.known {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "the connection was not found")
	}
	var away, other *stagedoor.Connection // without a password; nobody can sign in here through other
	for i := range ch.opened {
		c := &ch.opened[i]
		switch {
		case c.ForLogin():
			return c, nil
		case c.Redirects() || c.SendsCodes():
			if away == nil || ch.hasButton(c) && !ch.hasButton(away) || ch.hides(away) && !ch.hides(c) {
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
	case ch.req.Connection != "":
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "the connection is not enabled")
	case ch.req.Organization != "":
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "no connections enabled for the organization")
	}
	return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "no connections enabled for the client")
}

// Shown tells whether the login page of a request shows anybody a way in; an error if its organization hides all that it has.
func (ch *Choice) Shown() error {
	c, err := ch.First()
	if err == nil && ch.hides(c) && ch.req.Connection == "" && ch.Home(ch.req.LoginHint) == nil {
		err = stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "no connections enabled for the organization are visible")
	}
	return err
}

// names tells whether a request leaves the connection open, or names it: by its own name or by one of its realms.
func names(req *stagedoor.AuthorizationRequest, c *stagedoor.Connection) bool {
	return req.Connection == "" || c.Name == req.Connection || slices.Contains(c.Realms, req.Connection)
}

// openTo tells which of all connections a request's people may sign in through: those of its organization if it is for one, else those that the client is
// enabled for. People of a client of somebody else come through connections of the domain, too, for nobody enables anything for one that registered
// itself, and through no others that merely their organization has enabled.
func (ch *Choice) openTo(ctx context.Context, st *store.Store, all []stagedoor.Connection) (func(*stagedoor.Connection) bool, error) {
	req := ch.req
	if req.Organization == "" {
		third := false
		var err error
		if slices.ContainsFunc(all, func(c stagedoor.Connection) bool { return c.IsDomainConnection && !c.EnabledFor(req.ClientID) }) {
			third, err = ofSomebodyElse(ctx, st, req.ClientID)
		}
		return func(c *stagedoor.Connection) bool { return c.EnabledFor(req.ClientID) || third && c.IsDomainConnection }, err
	}
	enabled, err := st.OrganizationConnections(ctx, req.Organization)
	ch.hidden = map[string]bool{}
	on := map[string]bool{}
	for _, oc := range enabled {
		ch.hidden[oc.ConnectionID], on[oc.ConnectionID] = !oc.ShowAsButton, oc.IsEnabled
	}
	reaches := func(c *stagedoor.Connection) bool { return c.IsDomainConnection || c.EnabledFor(req.ClientID) }
	third := false
	if err == nil && slices.ContainsFunc(all, func(c stagedoor.Connection) bool { return on[c.ID] && !reaches(&c) }) {
		third, err = ofSomebodyElse(ctx, st, req.ClientID)
	}
	return func(c *stagedoor.Connection) bool { return on[c.ID] && (!third || reaches(c)) }, err
}

// ofSomebodyElse tells whether a client, if there is one, is not the tenant's own.
func ofSomebodyElse(ctx context.Context, st *store.Store, id string) (bool, error) {
	client, err := st.Client(ctx, id)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return false, nil
	}
	return err == nil && !client.IsFirstParty && !client.Global, err
}

// Buttons are the connections by which the login page offers to go to a provider: those that have a button, and one that the request names.
func (ch *Choice) Buttons() []stagedoor.Connection {
	return ch.which(func(c *stagedoor.Connection) bool { return ch.hasButton(c) || ch.req.Connection != "" && c.Redirects() })
}

// hasButton tells whether the login page offers a connection. In a login for an organization it is the organization that says so of a company's.
func (ch *Choice) hasButton(c *stagedoor.Connection) bool {
	if ch.hidden == nil || stagedoor.StrategyType(c.Strategy) != "enterprise" {
		return c.HasButton()
	}
	return c.Redirects() && !ch.hides(c)
}

// hides tells whether the request's organization shows nobody the way to a company's connection: it is for those who are sent there, or know its name.
func (ch *Choice) hides(c *stagedoor.Connection) bool {
	return ch.hidden[c.ID] && stagedoor.StrategyType(c.Strategy) == "enterprise"
}

// Elsewhere are the connections by which people may go to a provider, whether or not there is a button.
func (ch *Choice) Elsewhere() []stagedoor.Connection {
	return ch.which((*stagedoor.Connection).Redirects)
}

// Named is the connection with the name, its own or one of its realms; nil if it is not open to the request.
func (ch *Choice) Named(name string) *stagedoor.Connection {
	asked := &stagedoor.AuthorizationRequest{Connection: name}
	for i := range ch.opened {
		if name != "" && names(asked, &ch.opened[i]) {
			return &ch.opened[i]
		}
	}
	return nil
}

// Databases are the connections by which people sign in here with a password.
func (ch *Choice) Databases() []stagedoor.Connection {
	return ch.which(func(c *stagedoor.Connection) bool { return c.ForLogin() && c.Passwords() })
}

// ByCode are the connections by which people may sign in with a code.
func (ch *Choice) ByCode() []stagedoor.Connection {
	return ch.which((*stagedoor.Connection).SendsCodes)
}

// Code is the connection by which people sign in with a code: the one with the name, or if that is empty, the one by which the code was sent.
func (ch *Choice) Code(name string, sent *stagedoor.CodeState) (*stagedoor.Connection, error) {
	all := ch.which(func(c *stagedoor.Connection) bool { return c.SendsCodes() || c.LoginCodes().On() })
	for _, c := range all {
		if c.Name == name || name == "" && sent != nil && c.ID == sent.Connection {
			return &c, nil
		}
	}
	return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "the connection is not enabled")
}

func (ch *Choice) which(of func(*stagedoor.Connection) bool) []stagedoor.Connection {
	out := make([]stagedoor.Connection, 0, len(ch.opened))
	for i := range ch.opened {
		if of(&ch.opened[i]) {
			out = append(out, ch.opened[i])
		}
	}
	return out
}

// ErrNoPassword is the answer where somebody gives a password for a connection that has none.
func ErrNoPassword() error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "people do not sign in with a password through this connection")
}
