package mgmt

import (
	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

// listEffectiveRoles lists the roles that count for a user, with where they have them from: direct, groups.
func (a *API) listEffectiveRoles(c *call, in web.Checkpoint) (any, error) {
	if _, err := c.store.User(c.ctx(), c.id()); err != nil {
		return nil, err
	}
	return c.effectiveRoles(in, c.id(), "")
}

func (a *API) listMemberEffectiveRoles(c *call, in web.Checkpoint) (any, error) {
	id, err := a.member(c)
	if err != nil {
		return nil, err
	}
	return c.effectiveRoles(in, id, c.id())
}

func (c *call) effectiveRoles(in web.Checkpoint, userID, orgID string) (any, error) {
	all, err := c.store.EffectiveRoles(c.ctx(), userID, orgID)
	if err != nil {
		return nil, err
	}
	return checkpointOf(in, "roles", all, func(r stagedoor.EffectiveRole) string { return r.ID }, func(r stagedoor.EffectiveRole) any {
		return map[string]any{"id": r.ID, "name": r.Name, "description": r.Description, "sources": r.Sources}
	})
}

// checkpointOf answers a page by checkpoint, also where none was asked for.
func checkpointOf[T any](in web.Checkpoint, key string, all []T, id func(T) string, show func(T) any) (any, error) {
	in.Take = web.Some(in.Take.Or(50))
	return pageOfSmall(web.Paging{}, in, key, all, id, show)
}

type roleSourceIn struct {
	web.Checkpoint
	RoleID string `json:"role_id" schema:"required" doc:"The role whose source groups are asked for"`
}

func (a *API) listRoleSources(c *call, in roleSourceIn) (any, error) {
	if _, err := c.store.User(c.ctx(), c.id()); err != nil {
		return nil, err
	}
	return c.roleSources(in, c.id(), "")
}

func (a *API) listMemberRoleSources(c *call, in roleSourceIn) (any, error) {
	id, err := a.member(c)
	if err != nil {
		return nil, err
	}
	return c.roleSources(in, id, c.id())
}

func (c *call) roleSources(in roleSourceIn, userID, orgID string) (any, error) {
	if _, err := c.store.Role(c.ctx(), in.RoleID); err != nil {
		return nil, err
	}
	all, err := c.store.GroupsGranting(c.ctx(), userID, orgID, in.RoleID)
	if err != nil {
		return nil, err
	}
	return checkpointOf(in.Checkpoint, "groups", all, func(g stagedoor.UserGroup) string { return g.ID }, c.showUserGroup)
}

type effectivePermissionsIn struct {
	web.Checkpoint
	API string `json:"resource_server_identifier" schema:"required" doc:"The API whose permissions are asked for"`
}

// listEffectivePermissions lists what a user may do at an API, with where they have it from: direct, roles.
func (a *API) listEffectivePermissions(c *call, in effectivePermissionsIn) (any, error) {
	if _, err := c.store.User(c.ctx(), c.id()); err != nil {
		return nil, err
	}
	api, err := c.store.ResourceServerByIdentifier(c.ctx(), in.API)
	if err != nil {
		return nil, err
	}
	held, err := c.store.EffectivePermissions(c.ctx(), c.id(), api.Identifier)
	if err != nil {
		return nil, err
	}
	show, err := showPermission(c)
	if err != nil {
		return nil, err
	}
	var all []map[string]any
	for _, p := range held {
		source := "direct"
		if p.Role != nil {
			source = "roles"
		}
		if len(all) > 0 && all[len(all)-1]["permission_name"] == p.Name {
			last := all[len(all)-1]
			if sources := last["sources"].([]string); sources[len(sources)-1] != source {
				last["sources"] = append(sources, source)
			}
			continue
		}
		shown := show(p.Permission)
		shown["sources"] = []string{source}
		all = append(all, shown)
	}
	return checkpointOf(in.Checkpoint, "permissions", all, func(p map[string]any) string { return p["permission_name"].(string) }, func(p map[string]any) any { return p })
}

type permissionSourceIn struct {
	web.Checkpoint
	API        string `json:"resource_server_identifier" schema:"required" doc:"The API that the permission is of"`
	Permission string `json:"permission_name" schema:"required" doc:"The permission whose source roles are asked for"`
}

func (a *API) listPermissionSources(c *call, in permissionSourceIn) (any, error) {
	if _, err := c.store.User(c.ctx(), c.id()); err != nil {
		return nil, err
	}
	held, err := c.store.EffectivePermissions(c.ctx(), c.id(), in.API)
	if err != nil {
		return nil, err
	}
	effective, err := c.store.EffectiveRoles(c.ctx(), c.id(), "")
	if err != nil {
		return nil, err
	}
	var granting []stagedoor.EffectiveRole
	for _, r := range effective {
		for _, p := range held {
			if p.Role != nil && p.Role.ID == r.ID && p.Name == in.Permission {
				granting = append(granting, r)
			}
		}
	}
	return checkpointOf(in.Checkpoint, "roles", granting, func(r stagedoor.EffectiveRole) string { return r.ID }, func(r stagedoor.EffectiveRole) any {
		return map[string]any{"id": r.ID, "name": r.Name, "description": r.Description, "sources": r.Sources}
	})
}
