package mgmt

import (
	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/web"
)

// joinIn is what of an organization's connection can be changed.
type joinIn struct {
	AssignMembershipOnLogin web.Opt[bool] `json:"assign_membership_on_login" schema:"notnull" doc:"When true, all users that log in with this connection will be automatically granted membership in the organization"`
	ShowAsButton            web.Opt[bool] `json:"show_as_button" schema:"notnull" doc:"Determines whether a connection should be displayed on this organization's login prompt"`
	IsSignupEnabled         web.Opt[bool] `json:"is_signup_enabled" schema:"notnull" doc:"Determines whether organization signup should be enabled for this organization connection"`
}

type connectionOf struct {
	ID string `json:"connection_id" schema:"required,min=1,max=50" doc:"ID of the connection"`
	joinIn
}

type changeEnabledIn struct {
	_ struct{} `schema:"min=1"`
	joinIn
}

// organizationConnectionIn is the newer form, which names the connection in the organization.
type organizationConnectionIn struct {
	Name        web.Opt[string] `json:"organization_connection_name" schema:"min=1,max=50" doc:"Name of the connection in the scope of this organization"`
	AccessLevel web.Opt[string] `json:"organization_access_level" schema:"enum=none|readonly|limited|full" doc:"Access level for the organization"`
	MemberLevel web.Opt[string] `json:"organization_member_access_level" schema:"enum=none|readonly|limited|full" doc:"Access level for members of the organization"`
	IsEnabled   web.Opt[bool]   `json:"is_enabled" doc:"Whether the connection is enabled for the organization"`
	joinIn
}

type createOrganizationConnectionIn struct {
	ID string `json:"connection_id" schema:"required,min=1,max=50" doc:"ID of the connection"`
	organizationConnectionIn
}

type changeOrganizationConnectionIn struct {
	_ struct{} `schema:"min=1"`
	organizationConnectionIn
}

func newOrganizationConnection(id string) *stagedoor.OrganizationConnection {
	return &stagedoor.OrganizationConnection{ConnectionID: id, ShowAsButton: true, IsEnabled: true}
}

// connectionFor returns the connection that shall be enabled.
func connectionFor(c *call, id string) (*stagedoor.Connection, error) {
	conn, err := c.store.Connection(c.ctx(), id)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, stagedoor.Errorf(stagedoor.NotFound, "", "No connection found by that id")
	}
	return conn, err
}

func (in *joinIn) apply(oc *stagedoor.OrganizationConnection, conn *stagedoor.Connection) error {
	in.AssignMembershipOnLogin.Into(&oc.AssignMembershipOnLogin)
	in.ShowAsButton.Into(&oc.ShowAsButton)
	in.IsSignupEnabled.Into(&oc.IsSignupEnabled)
	if oc.IsSignupEnabled && (!oc.AssignMembershipOnLogin || conn.Strategy != connection.StrategyDatabase) {
		return bad("invalid_body", "Only database connections with assign_membership_on_login = true support is_signup_enabled = true.")
	}
	return nil
}

func (in *organizationConnectionIn) apply(oc *stagedoor.OrganizationConnection, conn *stagedoor.Connection) error {
	in.Name.Into(&oc.Name)
	in.AccessLevel.Into(&oc.AccessLevel)
	in.MemberLevel.Into(&oc.MemberAccessLevel)
	if in.IsEnabled.Set {
		oc.IsEnabled = in.IsEnabled.Or(true)
	}
	return in.joinIn.apply(oc, conn)
}

// showEnabledConnection is the older form of an answer.
func showEnabledConnection(c *call, oc *stagedoor.OrganizationConnection) (any, error) {
	conn, err := c.store.Connection(c.ctx(), oc.ConnectionID)
	if err != nil {
		return nil, err
	}
	out := map[string]any{
		"connection_id": oc.ConnectionID, "assign_membership_on_login": oc.AssignMembershipOnLogin, "show_as_button": oc.ShowAsButton,
		"connection": map[string]any{"name": conn.Name, "strategy": conn.Strategy},
	}
	if conn.Strategy == connection.StrategyDatabase {
		out["is_signup_enabled"] = oc.IsSignupEnabled
	}
	return out, nil
}

// showOrganizationConnection is the newer form.
func showOrganizationConnection(c *call, oc *stagedoor.OrganizationConnection) (any, error) {
	shown, err := showEnabledConnection(c, oc)
	if err != nil {
		return nil, err
	}
	out, _ := shown.(map[string]any)
	out["is_enabled"] = oc.IsEnabled
	for name, value := range map[string]string{"organization_connection_name": oc.Name, "organization_access_level": oc.AccessLevel, "organization_member_access_level": oc.MemberAccessLevel} {
		if value != "" {
			out[name] = value
		}
	}
	return out, nil
}

// showConnectionOf is the older or the newer form of an answer.
type showConnectionOf func(*call, *stagedoor.OrganizationConnection) (any, error)

func (a *API) listEnabledConnections(c *call, in web.Paging) (any, error) {
	if _, err := a.organization(c); err != nil {
		return nil, err
	}
	all, err := c.store.OrganizationConnections(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	shown, err := showAll(web.Cut(in, all), func(oc stagedoor.OrganizationConnection) (any, error) { return showEnabledConnection(c, &oc) })
	if err != nil || !in.IncludeTotals {
		return shown, err
	}
	return map[string]any{"enabled_connections": shown, "start": in.Start(), "limit": len(shown), "total": len(all)}, nil // limit: as seen on the wire
}

type listOrganizationConnectionsIn struct {
	web.Paging
	IsEnabled web.Opt[bool] `json:"is_enabled" schema:"notnull" doc:"Filter connections by enabled status"`
}

func (a *API) listOrganizationConnections(c *call, in listOrganizationConnectionsIn) (any, error) {
	if _, err := a.organization(c); err != nil {
		return nil, err
	}
	all, err := c.store.OrganizationConnections(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	kept := []stagedoor.OrganizationConnection{}
	for _, oc := range all {
		if !in.IsEnabled.Set || oc.IsEnabled == in.IsEnabled.Value {
			kept = append(kept, oc)
		}
	}
	return listed(c, in.Paging, web.Checkpoint{}, "connections", kept, func(oc stagedoor.OrganizationConnection) string { return oc.ConnectionID },
		func(oc stagedoor.OrganizationConnection) (any, error) { return showOrganizationConnection(c, &oc) })
}

func (a *API) addOrganizationConnection(c *call, id string, apply func(*stagedoor.OrganizationConnection, *stagedoor.Connection) error, show showConnectionOf) (any, error) {
	if _, err := a.organization(c); err != nil {
		return nil, err
	}
	conn, err := connectionFor(c, id)
	if err != nil {
		return nil, err
	}
	oc := newOrganizationConnection(conn.ID)
	if err := apply(oc, conn); err != nil {
		return nil, err
	}
	if err := c.store.AddOrganizationConnection(c.ctx(), c.id(), oc); err != nil {
		return nil, err
	}
	return show(c, oc)
}

func (a *API) addEnabledConnection(c *call, in connectionOf) (any, error) {
	return a.addOrganizationConnection(c, in.ID, in.apply, showEnabledConnection)
}

func (a *API) createOrganizationConnection(c *call, in createOrganizationConnectionIn) (any, error) {
	return a.addOrganizationConnection(c, in.ID, in.apply, showOrganizationConnection)
}

// oneConnection reads one connection of an organization and shows it.
func (a *API) oneConnection(show showConnectionOf) func(*call) (any, error) {
	return func(c *call) (any, error) {
		if _, err := a.organization(c); err != nil {
			return nil, err
		}
		oc, err := c.store.OrganizationConnection(c.ctx(), c.id(), c.r.PathValue("connection_id"))
		if err != nil {
			return nil, err
		}
		return show(c, oc)
	}
}

func (a *API) changeConnection(c *call, apply func(*stagedoor.OrganizationConnection, *stagedoor.Connection) error, show showConnectionOf) (any, error) {
	id := c.r.PathValue("connection_id")
	if _, err := a.organization(c); err != nil {
		return nil, err
	}
	conn, err := connectionFor(c, id)
	if err != nil {
		return nil, err
	}
	oc, err := c.store.UpdateOrganizationConnection(c.ctx(), c.id(), id, func(oc *stagedoor.OrganizationConnection) error { return apply(oc, conn) })
	if err != nil {
		return nil, err
	}
	return show(c, oc)
}

func (a *API) updateEnabledConnection(c *call, in changeEnabledIn) (any, error) {
	return a.changeConnection(c, in.apply, showEnabledConnection)
}

func (a *API) updateOrganizationConnection(c *call, in changeOrganizationConnectionIn) (any, error) {
	return a.changeConnection(c, in.apply, showOrganizationConnection)
}

func (a *API) removeOrganizationConnection(c *call) (any, error) {
	return nil, c.store.RemoveOrganizationConnection(c.ctx(), c.id(), c.r.PathValue("connection_id"))
}
