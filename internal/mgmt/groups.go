package mgmt

import (
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// shownGroup is a group as the wire has it (object shapes, section 3). Provisioners make groups; nobody makes one here.
type shownGroup struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	ExternalID   string `json:"external_id,omitempty"`
	ConnectionID string `json:"connection_id"`
	TenantName   string `json:"tenant_name"`
	CreatedAt    string `json:"created_at"`
	UpdatedAt    string `json:"updated_at"`
	MemberSince  string `json:"membership_created_at,omitempty"` // of the user whose groups these are
}

func (c *call) showGroup(g *stagedoor.Group) shownGroup {
	return shownGroup{g.ID, g.Name, g.ExternalID, g.ConnectionID, c.store.Tenant().ID, stagedoor.FormatTime(g.CreatedAt), stagedoor.FormatTime(g.UpdatedAt), ""}
}

func (c *call) showUserGroup(g stagedoor.UserGroup) any {
	shown := c.showGroup(&g.Group)
	shown.MemberSince = stagedoor.FormatTime(time.UnixMilli(g.AddedAt))
	return shown
}

type listGroupsIn struct {
	web.Paging
	web.Checkpoint
	web.Fields
	ConnectionID string `json:"connection_id" doc:"Filter groups by connection ID"`
	Name         string `json:"name" doc:"Filter groups by name"`
	ExternalID   string `json:"external_id" doc:"Filter groups by external ID"`
	Search       string `json:"search" schema:"max=256" doc:"Filter groups by a part of their name"`
}

func (a *API) listGroups(c *call, in listGroupsIn) (any, error) {
	return c.groups(store.GroupQuery{ConnectionID: in.ConnectionID, Name: in.Name, ExternalID: in.ExternalID, Search: in.Search}, in.Paging, in.Checkpoint, in.Fields)
}

// groups answers a page of groups.
func (c *call) groups(in store.GroupQuery, paging web.Paging, at web.Checkpoint, fields web.Fields) (any, error) {
	q, err := organizationPage(paging, at)
	if err != nil {
		return nil, err
	}
	in.OrganizationQuery = q
	page, total, err := c.store.Groups(c.ctx(), in)
	if err != nil {
		return nil, err
	}
	return answerPage(paging, q, "groups", page, total, false, func(g stagedoor.Group) store.Position { return store.Position{At: g.CreatedAt.UnixMilli(), ID: g.ID} },
		func(g stagedoor.Group) (any, error) { return fields.Pick(c.showGroup(&g)) })
}

func (a *API) readGroup(c *call) (any, error) {
	g, err := c.store.Group(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	return c.showGroup(g), nil
}

func (a *API) deleteGroup(c *call) (any, error) { return nil, c.store.DeleteGroup(c.ctx(), c.id()) }

type listGroupMembersIn struct {
	web.Checkpoint
	web.Fields
}

func (a *API) listGroupMembers(c *call, in listGroupMembersIn) (any, error) {
	g, err := c.store.Group(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	q, err := organizationPage(web.Paging{}, web.Checkpoint{From: in.From, Take: web.Some(in.Take.Or(50))})
	if err != nil {
		return nil, err
	}
	page, err := c.store.GroupMembers(c.ctx(), g.ID, q)
	if err != nil {
		return nil, err
	}
	place := func(m stagedoor.GroupMember) store.Position { return store.Position{At: m.AddedAt, ID: m.UserID} }
	return answerPage(web.Paging{}, q, "members", page, 0, false, place, func(m stagedoor.GroupMember) (any, error) {
		return in.Pick(map[string]any{
			"id": m.UserID, "member_type": "user", "type": "connection", "connection_id": g.ConnectionID, "created_at": stagedoor.FormatTime(time.UnixMilli(m.AddedAt)),
		})
	})
}

// groupRoles are the roles of a group: of the path's organization, where it names one.
func (c *call) groupRoles() (groupID, orgID string, err error) {
	groupID, orgID = c.id(), c.r.PathValue("organization_id")
	if orgID != "" {
		groupID = c.r.PathValue("group_id")
		if _, err := c.store.Organization(c.ctx(), orgID); err != nil {
			return "", "", err
		}
	}
	_, err = c.store.Group(c.ctx(), groupID)
	return groupID, orgID, err
}

type listGroupRolesIn struct {
	web.Paging
	web.Checkpoint
}

// pageOfSmall answers a page, by offset or by checkpoint, of what is small enough to be read whole.
func pageOfSmall[T any](paging web.Paging, at web.Checkpoint, key string, all []T, id func(T) string, show func(T) any) (any, error) {
	if !at.Asked() {
		return pageOf(paging, key, all, show), nil
	}
	page, next, v := web.After(at, all, id)
	if v != nil {
		return nil, bad("invalid_paging", v.Reason)
	}
	shown := make([]any, len(page))
	for i := range page {
		shown[i] = show(page[i])
	}
	return web.CheckpointEnvelope(key, shown, next), nil
}

func (a *API) listGroupRoles(c *call, in listGroupRolesIn) (any, error) {
	groupID, orgID, err := c.groupRoles()
	if err != nil {
		return nil, err
	}
	all, err := c.store.GroupRoles(c.ctx(), groupID, orgID)
	if err != nil {
		return nil, err
	}
	return pageOfSmall(in.Paging, in.Checkpoint, "roles", all, func(r stagedoor.Role) string { return r.ID }, func(r stagedoor.Role) any { return r })
}

type groupRolesIn struct {
	Roles []string `json:"roles" schema:"required,min=1,max=50" doc:"Array of role IDs"`
}

func (a *API) addGroupRoles(c *call, in groupRolesIn) (any, error) {
	groupID, orgID, err := c.groupRoles()
	if err != nil {
		return nil, err
	}
	return nil, c.store.AddGroupRoles(c.ctx(), groupID, orgID, in.Roles)
}

func (a *API) removeGroupRoles(c *call, in groupRolesIn) (any, error) {
	groupID, orgID, err := c.groupRoles()
	if err != nil {
		return nil, err
	}
	return nil, c.store.RemoveGroupRoles(c.ctx(), groupID, orgID, in.Roles)
}

type listOfGroupsIn struct {
	web.Paging
	web.Checkpoint
	web.Fields
}

func (a *API) listRoleGroups(c *call, in listOfGroupsIn) (any, error) {
	if _, err := c.store.Role(c.ctx(), c.id()); err != nil {
		return nil, err
	}
	return c.groups(store.GroupQuery{RoleID: c.id()}, in.Paging, in.Checkpoint, in.Fields)
}

type roleGroupsIn struct {
	Groups []string `json:"groups" schema:"required,min=1,max=50" doc:"Array of group IDs"`
}

func (a *API) addRoleGroups(c *call, in roleGroupsIn) (any, error) {
	if _, err := c.store.Role(c.ctx(), c.id()); err != nil {
		return nil, err
	}
	return nil, c.store.AddRoleGroups(c.ctx(), c.id(), in.Groups)
}

func (a *API) removeRoleGroups(c *call, in roleGroupsIn) (any, error) {
	if _, err := c.store.Role(c.ctx(), c.id()); err != nil {
		return nil, err
	}
	return nil, c.store.RemoveRoleGroups(c.ctx(), c.id(), in.Groups)
}

// listOrganizationGroups lists the groups that have roles in the organization, or the role that the path names.
func (a *API) listOrganizationGroups(c *call, in listOfGroupsIn) (any, error) {
	orgID, roleID := c.r.PathValue("organization_id"), c.r.PathValue("role_id")
	if _, err := c.store.Organization(c.ctx(), orgID); err != nil {
		return nil, err
	}
	if roleID != "" {
		if _, err := c.store.Role(c.ctx(), roleID); err != nil {
			return nil, err
		}
	}
	return c.groups(store.GroupQuery{OrganizationID: orgID, RoleID: roleID}, in.Paging, in.Checkpoint, in.Fields)
}

func (a *API) listUserGroups(c *call, in listOfGroupsIn) (any, error) {
	if _, err := c.store.User(c.ctx(), c.id()); err != nil {
		return nil, err
	}
	all, err := c.store.UserGroups(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	return c.userGroups(in, all)
}

func (c *call) userGroups(in listOfGroupsIn, all []stagedoor.UserGroup) (any, error) {
	var wrong error
	out, err := pageOfSmall(in.Paging, in.Checkpoint, "groups", all, func(g stagedoor.UserGroup) string { return g.ID }, func(g stagedoor.UserGroup) any {
		shown, err := in.Fields.Pick(c.showUserGroup(g))
		if err != nil {
			wrong = err
		}
		return shown
	})
	if wrong != nil {
		return nil, wrong
	}
	return out, err
}
