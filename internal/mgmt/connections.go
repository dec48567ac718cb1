package mgmt

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

var connectionID = regexp.MustCompile(`^con_[A-Za-z0-9]{16}$`)

// connectionID returns the id in the path, which must look like one.
func (c *call) connectionID() (string, error) {
	if id := c.id(); !connectionID.MatchString(id) {
		return "", (&web.Violation{
			Reason: "String does not match pattern " + connectionID.String() + ": " + id, Path: "id",
			Doc: "The id of the connection",
		}).URI()
	}
	return c.id(), nil
}

type listConnectionsIn struct {
	web.Paging
	web.Checkpoint
	web.Fields
	Strategy []string `json:"strategy" doc:"Provide strategies to only retrieve connections with such strategies"`
	Name     string   `json:"name" doc:"Provide the name of the connection to retrieve"`
}

func (a *API) listConnections(c *call, in listConnectionsIn) (any, error) {
	for i, name := range in.Strategy {
		if strategies[name].family == "" {
			return nil, (&web.Violation{Path: "strategy[" + itoa(i) + "]", Reason: "No enum match for: " + name}).Query()
		}
	}
	show := func(conn stagedoor.Connection) (any, error) {
		return a.showConnection(c, &conn, in.Fields, "is_domain_connection")
	}
	if len(in.Strategy) == 0 && in.Name == "" {
		return listedPages(c, in.Paging, in.Checkpoint, "connections", c.store.ConnectionPages(), show)
	}
	all, err := c.store.Connections(c.ctx())
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(conn stagedoor.Connection) bool {
		return len(in.Strategy) > 0 && !slices.Contains(in.Strategy, conn.Strategy) || in.Name != "" && conn.Name != in.Name
	})
	return listed(c, in.Paging, in.Checkpoint, "connections", all, func(conn stagedoor.Connection) string { return conn.ID }, show)
}

// showConnection is a connection as the wire has it: the values that custom scripts get are never shown. Members in always are
// shown whatever fields were asked for.
func (a *API) showConnection(_ *call, conn *stagedoor.Connection, fields web.Fields, always ...string) (any, error) {
	if raw := conn.Options.Stored["configuration"]; raw != nil {
		var values map[string]any
		if json.Unmarshal(raw, &values) != nil {
			values = nil // not even that it was something else is shown
		}
		for name := range values {
			values[name] = "2.0$" + stagedoor.NewToken()
		}
		hidden, err := json.Marshal(values)
		if err != nil {
			return nil, err
		}
		shown := *conn
		shown.Options.Stored = maps.Clone(conn.Options.Stored)
		shown.Options.Stored["configuration"] = hidden
		conn = &shown
	}
	return fields.Pick(conn, always...)
}

func (a *API) readConnection(c *call, in web.Fields) (any, error) {
	conn, err := c.connection()
	if err != nil {
		return nil, err
	}
	return a.showConnection(c, conn, in, "id")
}

func (a *API) createConnection(c *call, in createConnectionIn) (any, error) {
	if strategies[in.Strategy].family == "" {
		return nil, badProperty("strategy", "No enum match for: "+in.Strategy)
	}
	if err := in.check(c); err != nil {
		return nil, err
	}
	if err := a.discover(c.ctx(), in.Strategy, in.Options.Value); err != nil {
		return nil, err
	}
	if err := a.checkScripts(c.ctx(), in.Strategy, in.Options.Value); err != nil {
		return nil, err
	}
	if err := checkCustomHash(c, in.Strategy, in.Options.Value); err != nil {
		return nil, err
	}
	conn := newConnection(in.Name, in.Strategy)
	if err := in.copyTo(conn, true); err != nil {
		return nil, err
	}
	if err := c.store.CreateConnection(c.ctx(), conn); err != nil {
		return nil, err
	}
	return a.showConnection(c, conn, web.Fields{})
}

func (a *API) updateConnection(c *call, in updateConnectionIn) (any, error) {
	before, err := c.connection()
	if err != nil {
		return nil, err
	}
	if err := in.check(c); err != nil {
		return nil, err
	}
	if err := a.discover(c.ctx(), before.Strategy, in.Options.Value); err != nil {
		return nil, err
	}
	if err := a.checkScripts(c.ctx(), before.Strategy, in.Options.Value); err != nil {
		return nil, err
	}
	if err := checkCustomHash(c, before.Strategy, in.Options.Value); err != nil {
		return nil, err
	}
	conn, err := c.store.ConfigureConnection(c.ctx(), before.ID, func(conn *stagedoor.Connection) error {
		return in.copyTo(conn, false)
	})
	if err != nil {
		return nil, err
	}
	return a.showConnection(c, conn, web.Fields{})
}

func (a *API) deleteConnection(c *call) (any, error) {
	conn, err := c.connection()
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return outcome{status: http.StatusNoContent}, nil
	}
	if err != nil {
		return nil, err
	}
	if err := c.store.DeleteConnection(c.ctx(), conn.ID); err != nil {
		return nil, err
	}
	return map[string]string{"deleted_at": stagedoor.FormatTime(a.Clock.Now())}, nil
}

// connectionStatus tells whether the connector of a directory is online. None is ever connected here.
func (a *API) connectionStatus(c *call) (any, error) {
	conn, err := c.connection()
	if err != nil {
		return nil, err
	}
	if conn.Strategy == "ad" || conn.Strategy == "auth0-adldap" {
		return nil, stagedoor.Errorf(stagedoor.NotFound, "", "Not Found")
	}
	return map[string]any{}, nil
}

type connectionClientsIn struct {
	From string       `json:"from" schema:"max=1000" doc:"Optional Id from which to start selection"`
	Take web.Opt[int] `json:"take" schema:"notnull,min=1,max=1000" doc:"Number of results per page. Defaults to 50"`
}

// connection returns the connection that the path names.
func (c *call) connection() (*stagedoor.Connection, error) {
	id, err := c.connectionID()
	if err != nil {
		return nil, err
	}
	return c.store.Connection(c.ctx(), id)
}

// connectionClient is one client in the list of those that a connection is enabled for.
type connectionClient struct {
	ClientID string `json:"client_id"`
}

func (a *API) listConnectionClients(c *call, in connectionClientsIn) (any, error) {
	conn, err := c.connection()
	if err != nil {
		return nil, err
	}
	all := make([]connectionClient, len(conn.EnabledClients))
	for i, clientID := range conn.EnabledClients {
		all[i].ClientID = clientID
	}
	page, next, v := web.After(web.Checkpoint{From: in.From, Take: in.Take}, all, func(cc connectionClient) string { return cc.ClientID })
	if v != nil {
		return nil, bad("invalid_paging", v.Reason)
	}
	return web.CheckpointEnvelope("clients", page, next), nil
}

type connectionClientStatus struct {
	ClientID string `json:"client_id" schema:"required,min=1,max=255" doc:"The client_id of the client to be enabled or disabled"`
	Status   bool   `json:"status" schema:"required" doc:"Whether the connection is enabled for this client_id or not"`
}

func (a *API) setConnectionClients(c *call, in []connectionClientStatus) (any, error) {
	id, err := c.connectionID()
	if err != nil {
		return nil, err
	}
	switch {
	case len(in) == 0:
		return nil, badProperty("", "Array is too short (0), minimum 1")
	case len(in) > 50:
		return nil, badProperty("", "Array is too long ("+itoa(len(in))+"), maximum 50")
	}
	var enabled []string
	for _, item := range in {
		if item.Status {
			enabled = append(enabled, item.ClientID)
		}
	}
	if err := knownClients(c, enabled); err != nil {
		return nil, err
	}
	_, err = c.store.UpdateConnection(c.ctx(), id, func(conn *stagedoor.Connection) error {
		for _, item := range in {
			at := slices.Index(conn.EnabledClients, item.ClientID)
			switch {
			case item.Status && at < 0:
				conn.EnabledClients = append(conn.EnabledClients, item.ClientID)
			case !item.Status && at >= 0:
				conn.EnabledClients = slices.Delete(conn.EnabledClients, at, at+1)
			}
		}
		return nil
	})
	return nil, err
}

// knownClients refuses ids that no client of the tenant has.
func knownClients(c *call, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	called, err := c.store.ClientNames(c.ctx(), ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, there := called[id]; !there {
			return bad("inexistent_client", "The client does not exist: "+bounded(id, 100))
		}
	}
	return nil
}

type deleteConnectionUserIn struct {
	Email string `json:"email" schema:"required,min=1,max=1000" doc:"The email of the user to delete"`
}

func (a *API) deleteConnectionUser(c *call, in deleteConnectionUserIn) (any, error) {
	conn, err := c.connection()
	if err != nil {
		return nil, err
	}
	if conn.Redirects() { // several may have the address there
		return nil, bad("operation_not_supported", "Users of a connection of the strategy "+conn.Strategy+" cannot be deleted by their address.")
	}
	u, err := c.store.UserByIdentifier(c.ctx(), conn.Name, in.Email)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && !strings.EqualFold(u.Email, in.Email) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return nil, a.removeUser(c, u)
}
