package mgmt

import (
	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

func (a *API) listUserRoles(c *call, in web.Paging) (any, error) {
	if _, err := c.store.User(c.ctx(), c.id()); err != nil {
		return nil, err
	}
	all, err := c.store.UserRoles(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	return pageOf(in, "roles", all, func(r stagedoor.Role) any { return r }), nil
}

type userRolesIn struct {
	Roles []string `json:"roles" schema:"required,min=1,max=50" doc:"List of roles IDs to associate with the user"`
}

func (a *API) addUserRoles(c *call, in userRolesIn) (any, error) {
	return nil, c.store.AddUserRoles(c.ctx(), c.id(), in.Roles)
}

func (a *API) removeUserRoles(c *call, in userRolesIn) (any, error) {
	return nil, c.store.RemoveUserRoles(c.ctx(), c.id(), in.Roles)
}

// listUserPermissions shows each permission once, with all ways on which the user got it.
func (a *API) listUserPermissions(c *call, in web.Paging) (any, error) {
	if _, err := c.store.User(c.ctx(), c.id()); err != nil {
		return nil, err
	}
	held, err := c.store.UserPermissions(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	show, err := showPermission(c)
	if err != nil {
		return nil, err
	}
	var all []map[string]any
	for i, p := range held {
		source := map[string]any{"source_id": "", "source_name": "", "source_type": "DIRECT"}
		if p.Role != nil {
			source = map[string]any{"source_id": p.Role.ID, "source_name": p.Role.Name, "source_type": "ROLE"}
		}
		if i > 0 && held[i-1].Permission == p.Permission {
			last := all[len(all)-1]
			last["sources"] = append(last["sources"].([]any), source)
			continue
		}
		shown := show(p.Permission)
		shown["sources"] = []any{source}
		all = append(all, shown)
	}
	return pageOf(in, "permissions", all, func(m map[string]any) any { return m }), nil
}

func (a *API) addUserPermissions(c *call, in permissionsIn) (any, error) {
	return struct{}{}, c.store.AddUserPermissions(c.ctx(), c.id(), in.all())
}

func (a *API) removeUserPermissions(c *call, in permissionsIn) (any, error) {
	return nil, c.store.RemoveUserPermissions(c.ctx(), c.id(), in.all())
}
