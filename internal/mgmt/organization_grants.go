package mgmt

import (
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

type listOrganizationGrantsIn struct {
	web.Paging
	Audience string   `json:"audience" doc:"Optional filter on audience of the client grant"`
	ClientID string   `json:"client_id" doc:"Optional filter on client_id of the client grant"`
	GrantIDs []string `json:"grant_ids" doc:"Optional filter on the ID of the client grant"`
}

func (a *API) listOrganizationGrants(c *call, in listOrganizationGrantsIn) (any, error) {
	if _, err := a.organization(c); err != nil {
		return nil, err
	}
	all, err := c.store.OrganizationGrants(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(g stagedoor.ClientGrant) bool {
		return in.Audience != "" && g.Audience != in.Audience || in.ClientID != "" && g.ClientID != in.ClientID ||
			len(in.GrantIDs) > 0 && !slices.Contains(in.GrantIDs, g.ID)
	})
	return listed(c, in.Paging, web.Checkpoint{}, "client_grants", all, func(g stagedoor.ClientGrant) string { return g.ID },
		func(g stagedoor.ClientGrant) (any, error) { return g, nil })
}

type addOrganizationGrantIn struct {
	GrantID string `json:"grant_id" schema:"required,min=1,max=50" doc:"A Client Grant ID to add to the organization"`
}

func (a *API) addOrganizationGrant(c *call, in addOrganizationGrantIn) (any, error) {
	if _, err := a.organization(c); err != nil {
		return nil, err
	}
	g, err := c.store.ClientGrant(c.ctx(), in.GrantID)
	if err != nil {
		return nil, err
	}
	if g.OrganizationUsage != stagedoor.OrganizationsAllow && g.OrganizationUsage != stagedoor.OrganizationsRequire {
		return nil, bad("invalid_body", "The client grant does not allow organizations. Set its organization_usage to allow or require.")
	}
	if err := c.store.AddOrganizationGrant(c.ctx(), c.id(), g.ID); err != nil {
		return nil, err
	}
	out := map[string]any{
		"id": g.ID, "grant_id": g.ID, "client_id": g.ClientID, "audience": g.Audience, "scope": g.Scope, "organization_usage": g.OrganizationUsage,
		"allow_any_organization": g.AllowAnyOrganization != nil && *g.AllowAnyOrganization,
	}
	return out, nil
}

func (a *API) removeOrganizationGrant(c *call) (any, error) {
	return nil, c.store.RemoveOrganizationGrant(c.ctx(), c.id(), c.r.PathValue("grant_id"))
}

// showOrganizationClient is a client of an organization, with what tools want to know of the client.
func showOrganizationClient(c *call, oc *stagedoor.OrganizationClient) (any, error) {
	client, err := c.store.Client(c.ctx(), oc.ClientID)
	if err != nil {
		return nil, err
	}
	of := map[string]any{"name": client.Name, "is_first_party": client.IsFirstParty, "grant_types": client.GrantTypes}
	if usage := client.OrganizationUse(); usage != "" {
		of["organization_usage"] = usage
	}
	return map[string]any{"client_id": oc.ClientID, "use_for_member_access": oc.UseForMemberAccess, "client": of}, nil
}

type listOrganizationClientsIn struct {
	web.Paging // sent by tools, and without meaning here
	web.Checkpoint
}

func (a *API) listOrganizationClients(c *call, in listOrganizationClientsIn) (any, error) {
	if _, err := a.organization(c); err != nil {
		return nil, err
	}
	all, err := c.store.OrganizationClients(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	if !in.Asked() {
		in.Take = web.Some(50)
	}
	return listed(c, in.Paging, in.Checkpoint, "clients", all, func(oc stagedoor.OrganizationClient) string { return oc.ClientID },
		func(oc stagedoor.OrganizationClient) (any, error) { return showOrganizationClient(c, &oc) })
}

type addOrganizationClientsIn struct {
	Clients []organizationClientIn `json:"clients" schema:"required,min=1,max=50" doc:"Clients to associate with the organization"`
}

type organizationClientIn struct {
	ClientID           string `json:"client_id" schema:"required,min=1,max=255" doc:"ID of the client"`
	UseForMemberAccess bool   `json:"use_for_member_access" doc:"Whether members of the organization use the client"`
}

func (a *API) addOrganizationClients(c *call, in addOrganizationClientsIn) (any, error) {
	all := make([]stagedoor.OrganizationClient, len(in.Clients))
	for i, one := range in.Clients {
		if _, err := c.store.Client(c.ctx(), one.ClientID); err != nil {
			return nil, err
		}
		all[i] = stagedoor.OrganizationClient(one)
	}
	if err := c.store.AddOrganizationClients(c.ctx(), c.id(), all); err != nil {
		return nil, err
	}
	return showAll(all, func(oc stagedoor.OrganizationClient) (any, error) { return showOrganizationClient(c, &oc) })
}

type removeOrganizationClientsIn struct {
	Clients []string `json:"clients" schema:"required,min=1,max=50" doc:"IDs of the clients to remove"`
}

func (a *API) removeOrganizationClients(c *call, in removeOrganizationClientsIn) (any, error) {
	return nil, c.store.RemoveOrganizationClients(c.ctx(), c.id(), in.Clients)
}

func (a *API) readOrganizationClient(c *call) (any, error) {
	if _, err := a.organization(c); err != nil {
		return nil, err
	}
	oc, err := c.store.OrganizationClient(c.ctx(), c.id(), c.r.PathValue("client_id"))
	if err != nil {
		return nil, err
	}
	return showOrganizationClient(c, oc)
}

type updateOrganizationClientIn struct {
	UseForMemberAccess bool `json:"use_for_member_access" schema:"required" doc:"Whether members of the organization use the client"`
}

func (a *API) updateOrganizationClient(c *call, in updateOrganizationClientIn) (any, error) {
	oc, err := c.store.UpdateOrganizationClient(c.ctx(), c.id(), c.r.PathValue("client_id"), func(oc *stagedoor.OrganizationClient) error {
		oc.UseForMemberAccess = in.UseForMemberAccess
		return nil
	})
	if err != nil {
		return nil, err
	}
	return showOrganizationClient(c, oc)
}
