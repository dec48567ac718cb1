package mgmt

import (
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
)

type listClientGrantsIn struct {
	web.Paging
	web.Checkpoint
	Audience             string        `json:"audience" doc:"Optional filter on audience"`
	ClientID             string        `json:"client_id" doc:"Optional filter on client_id"`
	AllowAnyOrganization web.Opt[bool] `json:"allow_any_organization" schema:"notnull" doc:"Optional filter on allow_any_organization"`
	SubjectType          string        `json:"subject_type" schema:"enum=client|user|anonymous_user" doc:"The type of application access the client grant allows"`
	DefaultFor           string        `json:"default_for" schema:"enum=third_party_clients" doc:"Optional filter on default_for"`
}

func (in *listClientGrantsIn) leavesOut(g stagedoor.ClientGrant) bool {
	any := g.AllowAnyOrganization != nil && *g.AllowAnyOrganization
	return in.Audience != "" && g.Audience != in.Audience || in.ClientID != "" && g.ClientID != in.ClientID ||
		in.DefaultFor != "" && g.DefaultFor != in.DefaultFor || in.AllowAnyOrganization.Set && any != in.AllowAnyOrganization.Value ||
		in.SubjectType != "" && g.Subject() != in.SubjectType
}

func (a *API) listClientGrants(c *call, in listClientGrantsIn) (any, error) {
	show := func(g stagedoor.ClientGrant) (any, error) { return g, nil }
	if in.Audience == "" && in.ClientID == "" && in.DefaultFor == "" && !in.AllowAnyOrganization.Set && in.SubjectType == "" {
		return listedPages(c, in.Paging, in.Checkpoint, "client_grants", c.store.ClientGrantPages(), show)
	}
	all, err := c.store.ClientGrants(c.ctx())
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, in.leavesOut)
	return listed(c, in.Paging, in.Checkpoint, "client_grants", all, func(g stagedoor.ClientGrant) string { return g.ID }, show)
}

func (a *API) readClientGrant(c *call) (any, error) { return c.store.ClientGrant(c.ctx(), c.id()) }

// clientGrantIn is what of a client grant can be changed.
type clientGrantIn struct {
	Scope                     web.Opt[[]string] `json:"scope" schema:"max=1000,unique" doc:"Scopes allowed for this client grant"`
	OrganizationUsage         web.Opt[string]   `json:"organization_usage" schema:"enum=deny|allow|require" doc:"Controls how organizations may be used with this grant"`
	AllowAnyOrganization      web.Opt[bool]     `json:"allow_any_organization" doc:"Controls allowing any organization to be used with this grant"`
	AuthorizationDetailsTypes web.Opt[[]string] `json:"authorization_details_types" schema:"max=10,unique" doc:"Types of authorization_details allowed for this client grant"`
	AllowAllScopes            web.Opt[bool]     `json:"allow_all_scopes" doc:"If enabled, all scopes configured on the resource server are allowed for this grant"`
}

type createClientGrantIn struct {
	ClientID    string `json:"client_id" schema:"min=1,max=255" doc:"ID of the client"`
	Audience    string `json:"audience" schema:"required,min=1,max=600" doc:"The audience (API identifier) of this client grant"`
	SubjectType string `json:"subject_type" schema:"enum=client|user|anonymous_user" doc:"The type of application access the client grant allows"`
	DefaultFor  string `json:"default_for" schema:"enum=third_party_clients" doc:"Applies this client grant as the default for all clients in the specified group"`
	clientGrantIn
}

// apply copies what was sent to the grant of an API. Scopes that the API does not define, or not yet, are kept (observed).
func (in *clientGrantIn) apply(g *stagedoor.ClientGrant) error {
	if in.Scope.Set {
		g.Scope = append([]string{}, in.Scope.Value...)
	}
	in.OrganizationUsage.Into(&g.OrganizationUsage)
	copyFlag(in.AllowAnyOrganization, &g.AllowAnyOrganization)
	copyFlag(in.AllowAllScopes, &g.AllowAllScopes)
	in.AuthorizationDetailsTypes.Into(&g.AuthorizationDetailsTypes)
	if g.Subject() != stagedoor.SubjectClient && (in.OrganizationUsage.Has() || in.AllowAnyOrganization.Value) {
		return bad("validation_error", "Organizations are for grants with subject_type client.")
	}
	return nil
}

func (a *API) createClientGrant(c *call, in createClientGrantIn) (any, error) {
	switch {
	case in.ClientID == "" && in.DefaultFor == "":
		return nil, badProperty("", "Missing required property: client_id")
	case in.ClientID != "" && in.DefaultFor != "":
		return nil, bad("invalid_body", "client_id and default_for cannot be set at the same time.")
	case !in.Scope.Has() && !in.AllowAllScopes.Value:
		return nil, badProperty("", "Missing required property: scope")
	}
	if in.ClientID != "" {
		cl, err := c.store.Client(c.ctx(), in.ClientID)
		if err != nil {
			return nil, err
		}
		if cl.AppType == "express_configuration" {
			return nil, bad("validation_error", "Client of type express_configuration cannot be used")
		}
	}
	rs, err := token.ResourceServer(c.ctx(), c.store, in.Audience)
	if err != nil {
		return nil, err
	}
	g := &stagedoor.ClientGrant{ClientID: in.ClientID, Audience: rs.Identifier, Scope: []string{}, SubjectType: in.SubjectType, DefaultFor: in.DefaultFor}
	if err := in.apply(g); err != nil {
		return nil, err
	}
	return g, c.store.CreateClientGrant(c.ctx(), g)
}

type updateClientGrantIn struct {
	_ struct{} `schema:"min=1"`
	clientGrantIn
}

func (a *API) updateClientGrant(c *call, in updateClientGrantIn) (any, error) {
	return c.store.UpdateClientGrant(c.ctx(), c.id(), in.apply)
}

func (a *API) deleteClientGrant(c *call) (any, error) {
	return nil, c.store.DeleteClientGrant(c.ctx(), c.id())
}
