package mgmt

import (
	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

// rolesOfMember are the roles of a member as a list of members shows them.
func (a *API) rolesOfMember(c *call, userID string) (any, error) {
	all, err := c.store.MemberRoles(c.ctx(), c.id(), userID)
	shown := make([]map[string]string, len(all))
	for i, r := range all {
		shown[i] = map[string]string{"id": r.ID, "name": r.Name}
	}
	return shown, err
}

// member returns the id of the user in the path, who must be there. That they are a member is not asked, as on the wire.
func (a *API) member(c *call) (string, error) {
	if _, err := a.organization(c); err != nil {
		return "", err
	}
	u, err := c.store.User(c.ctx(), c.r.PathValue("user_id"))
	if err != nil {
		return "", err
	}
	return u.ID, nil
}

func (a *API) listMemberRoles(c *call, in web.Paging) (any, error) {
	id, err := a.member(c)
	if err != nil {
		return nil, err
	}
	all, err := c.store.MemberRoles(c.ctx(), c.id(), id)
	if err != nil {
		return nil, err
	}
	return pageOf(in, "roles", all, func(r stagedoor.Role) any { return r }), nil
}

type memberRolesIn struct {
	Roles []string `json:"roles" schema:"required,min=1,max=50" doc:"List of roles IDs to associated with the user"`
}

func (a *API) addMemberRoles(c *call, in memberRolesIn) (any, error) {
	id, err := a.member(c)
	if err != nil {
		return nil, err
	}
	return nil, c.store.AddMemberRoles(c.ctx(), c.id(), id, in.Roles)
}

func (a *API) removeMemberRoles(c *call, in memberRolesIn) (any, error) {
	id, err := a.member(c)
	if err != nil {
		return nil, err
	}
	return nil, c.store.RemoveMemberRoles(c.ctx(), c.id(), id, in.Roles)
}

func (a *API) listRoleMembers(c *call, in listMembersIn) (any, error) {
	id := c.r.PathValue("role_id")
	if _, err := c.store.Role(c.ctx(), id); err != nil {
		return nil, err
	}
	return a.members(c, in, id)
}
