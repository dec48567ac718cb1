package mgmt

import (
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// listRolesIn takes fields too, which the public document does not have: auth0-cli asks for them (terraform generate).
type listRolesIn struct {
	web.Paging
	web.Fields
	NameFilter string `json:"name_filter" doc:"Optional filter on name (case-insensitive)"`
	Type       string `json:"type" schema:"enum=tenant|organization" doc:"Optional filter on the type of role"`
	OwnerID    string `json:"owner_id" doc:"Optional filter on the organization that owns the role"`
}

func (a *API) listRoles(c *call, in listRolesIn) (any, error) {
	all, err := c.store.Roles(c.ctx())
	if err != nil {
		return nil, err
	}
	named := strings.ToLower(in.NameFilter)
	all = slices.DeleteFunc(all, func(r stagedoor.Role) bool {
		return !strings.Contains(strings.ToLower(r.Name), named) || in.Type != "" && r.Type != in.Type || in.OwnerID != "" && r.OwnerID != in.OwnerID
	})
	return listed(c, in.Paging, web.Checkpoint{}, "roles", all, func(r stagedoor.Role) string { return r.ID }, func(r stagedoor.Role) (any, error) { return in.Pick(r) })
}

// pageOf answers a page of what is small enough to be read whole.
func pageOf[T any](paging web.Paging, key string, all []T, show func(T) any) any {
	page := web.Cut(paging, all)
	shown := make([]any, len(page))
	for i, item := range page {
		shown[i] = show(item)
	}
	return web.Envelope(paging, key, shown, len(all))
}

type createRoleIn struct {
	Name        string `json:"name" schema:"required,min=1" doc:"Name of the role"`
	Description string `json:"description" doc:"Description of the role"`
	Type        string `json:"type" schema:"enum=tenant|organization" doc:"The type of role"`
	OwnerID     string `json:"owner_id" doc:"ID of the organization that owns the role"`
}

func (a *API) createRole(c *call, in createRoleIn) (any, error) {
	r := &stagedoor.Role{Name: in.Name, Description: in.Description, Type: in.Type, OwnerID: in.OwnerID}
	if r.Type == "" {
		r.Type = stagedoor.RoleOfTenant
	}
	if r.Type == stagedoor.RoleOfOrganization && r.OwnerID == "" {
		return nil, badProperty("", "Missing required property: owner_id")
	}
	if r.Type == stagedoor.RoleOfTenant && r.OwnerID != "" {
		return nil, bad("invalid_body", "A role with an owner_id must be of the type organization.")
	}
	return r, c.store.CreateRole(c.ctx(), r)
}

func (a *API) readRole(c *call) (any, error) { return c.store.Role(c.ctx(), c.id()) }

type updateRoleIn struct {
	Name        web.Opt[string] `json:"name" schema:"notnull,min=1" doc:"Name of this role"`
	Description web.Opt[string] `json:"description" schema:"notnull" doc:"Description of this role"`
}

func (a *API) updateRole(c *call, in updateRoleIn) (any, error) {
	return c.store.UpdateRole(c.ctx(), c.id(), func(r *stagedoor.Role) error {
		in.Name.Into(&r.Name)
		in.Description.Into(&r.Description)
		return nil
	})
}

func (a *API) deleteRole(c *call) (any, error) {
	return struct{}{}, c.store.DeleteRole(c.ctx(), c.id())
}

// permissionsIn is what adds permissions to roles and users and takes them away (Management API fact sheet 2.8).
type permissionsIn struct {
	Permissions []permissionIn `json:"permissions" schema:"required,min=1,max=1000" doc:"Array of resource_server_identifier, permission_name pairs"`
}

type permissionIn struct {
	API  string `json:"resource_server_identifier" schema:"required,min=1,max=600" doc:"Resource server (API) identifier that this permission is for"`
	Name string `json:"permission_name" schema:"required,min=1,max=280" doc:"Name of this permission"`
}

func (in *permissionsIn) all() []stagedoor.Permission {
	out := make([]stagedoor.Permission, len(in.Permissions))
	for i, p := range in.Permissions {
		out[i] = stagedoor.Permission{API: p.API, Name: p.Name}
	}
	return out
}

func (a *API) listRolePermissions(c *call, in web.Paging) (any, error) {
	if _, err := c.store.Role(c.ctx(), c.id()); err != nil {
		return nil, err
	}
	all, err := c.store.RolePermissions(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	show, err := showPermission(c)
	if err != nil {
		return nil, err
	}
	return pageOf(in, "permissions", all, func(p stagedoor.Permission) any { return show(p) }), nil
}

// showPermission returns the function that completes permissions by what their APIs say of them.
func showPermission(c *call) (func(stagedoor.Permission) map[string]any, error) {
	apis, err := c.store.ResourceServers(c.ctx())
	if err != nil {
		return nil, err
	}
	return func(p stagedoor.Permission) map[string]any {
		shown := map[string]any{"permission_name": p.Name, "resource_server_identifier": p.API, "description": "", "resource_server_name": ""}
		for _, api := range apis {
			if api.Identifier != p.API {
				continue
			}
			shown["resource_server_name"] = api.Name
			for _, scope := range api.Scopes {
				if scope.Value == p.Name {
					shown["description"] = scope.Description
				}
			}
		}
		return shown
	}, nil
}

func (a *API) addRolePermissions(c *call, in permissionsIn) (any, error) {
	return struct{}{}, c.store.AddRolePermissions(c.ctx(), c.id(), in.all())
}

func (a *API) removeRolePermissions(c *call, in permissionsIn) (any, error) {
	return nil, c.store.RemoveRolePermissions(c.ctx(), c.id(), in.all())
}

type listRoleUsersIn struct {
	web.Paging
	web.Checkpoint
}

func (a *API) listRoleUsers(c *call, in listRoleUsersIn) (any, error) {
	if _, err := c.store.Role(c.ctx(), c.id()); err != nil {
		return nil, err
	}
	q, err := organizationPage(in.Paging, in.Checkpoint)
	if err != nil {
		return nil, err
	}
	page, total, err := c.store.RoleUsers(c.ctx(), c.id(), q)
	if err != nil {
		return nil, err
	}
	return answerPage(in.Paging, q, "users", page, total, false, func(u store.RoleUser) store.Position { return store.Position{At: u.AddedAt, ID: u.UserID} }, showRoleUser)
}

func showRoleUser(u store.RoleUser) (any, error) {
	shown := map[string]any{"user_id": u.UserID}
	for name, value := range map[string]string{"email": u.Email, "name": u.Name, "picture": u.Picture} {
		if value != "" {
			shown[name] = value
		}
	}
	return shown, nil
}

type roleUsersIn struct {
	Users []string `json:"users" schema:"required,min=1,max=100" doc:"user_id's of the users to assign the role to"`
}

func (a *API) addRoleUsers(c *call, in roleUsersIn) (any, error) {
	return struct{}{}, c.store.AddRoleUsers(c.ctx(), c.id(), in.Users)
}
