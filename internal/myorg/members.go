package myorg

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

type listMembersIn struct {
	web.Checkpoint
	web.Fields
}

func (d *Door) listMembers(c *call, in listMembersIn) (any, error) {
	q, err := positions(in.Checkpoint)
	if err != nil {
		return nil, err
	}
	all, _, err := c.Store.Members(c.Ctx(), c.org.ID, "", q)
	if err != nil {
		return nil, err
	}
	shown := make([]any, 0, len(all))
	for _, m := range all {
		u, err := c.Store.User(c.Ctx(), m.UserID)
		if stagedoor.IsKind(err, stagedoor.NotFound) { // gone since
			continue
		}
		if err != nil {
			return nil, err
		}
		one, err := c.showMember(u, in.Fields)
		if err != nil {
			return nil, err
		}
		shown = append(shown, one)
	}
	next := ""
	if len(all) == q.Take {
		last := all[len(all)-1]
		next = store.Position{At: last.AddedAt, ID: last.UserID}.String()
	}
	return web.CheckpointEnvelope("members", shown, next), nil
}

// showMember is a member as this API has them: what the tenant keeps of them besides is not the organization's to know.
func (c *call) showMember(u *stagedoor.User, fields web.Fields) (any, error) {
	out := map[string]any{"user_id": u.ID, "created_at": stagedoor.FormatTime(u.CreatedAt), "updated_at": stagedoor.FormatTime(u.LastChange())}
	for name, value := range map[string]string{
		"email": u.Email, "name": u.Name, "nickname": u.Nickname, "given_name": u.GivenName, "family_name": u.FamilyName, "phone_number": u.PhoneNumber,
	} {
		if value != "" {
			out[name] = value
		}
	}
	if !u.LastLogin.Equal(time.Time{}) {
		out["last_login"] = stagedoor.FormatTime(u.LastLogin)
	}
	if c.Has("read:my_org:member_roles") {
		roles, err := c.Store.MemberRoles(c.Ctx(), c.org.ID, u.ID)
		if err != nil {
			return nil, err
		}
		shown := make([]any, len(roles))
		for i, r := range roles {
			shown[i] = showRole(r)
		}
		out["roles"] = shown
	}
	return fields.Pick(out)
}

// member is the member that an id names. Who is none is not there, whether the tenant knows them or not.
func (c *call) member(id string) (*stagedoor.User, error) {
	if is, err := c.Store.IsMember(c.Ctx(), c.org.ID, id); err != nil {
		return nil, err
	} else if !is {
		return nil, missing("member")
	}
	return c.Store.User(c.Ctx(), id)
}

func (d *Door) readMember(c *call, in web.Fields) (any, error) {
	u, err := c.member(c.R.PathValue("user_id"))
	if err != nil {
		return nil, err
	}
	return c.showMember(u, in)
}

type membersIn struct {
	Members []string `json:"members" schema:"required,min=1,max=1" doc:"Ids of those whose membership ends"`
}

func (d *Door) removeMembers(c *call, in membersIn) (any, error) {
	for _, id := range in.Members {
		if _, err := c.member(id); err != nil {
			return nil, err
		}
	}
	_, err := d.manage(c, "DELETE", "/members", map[string]any{"members": in.Members})
	return nil, err
}

func showRole(r stagedoor.Role) any {
	out := map[string]any{"id": r.ID, "name": r.Name}
	if r.Description != "" {
		out["description"] = r.Description
	}
	return out
}

func idOfRole(r stagedoor.Role) string { return r.ID }

func (d *Door) listMemberRoles(c *call, in web.Checkpoint) (any, error) {
	u, err := c.member(c.R.PathValue("user_id"))
	if err != nil {
		return nil, err
	}
	all, err := c.Store.MemberRoles(c.Ctx(), c.org.ID, u.ID)
	if err != nil {
		return nil, err
	}
	return page("roles", in, all, idOfRole, showRole)
}

type rolesIn struct {
	IDs []string `json:"role_ids" schema:"required,min=1,max=10" doc:"Ids of roles"`
}

func (d *Door) addMemberRoles(c *call, in rolesIn) (any, error) {
	return d.changeMemberRoles(c, "POST", in.IDs)
}

func (d *Door) removeMemberRoles(c *call, in rolesIn) (any, error) {
	return d.changeMemberRoles(c, "DELETE", in.IDs)
}

func (d *Door) changeMemberRoles(c *call, method string, ids []string) (any, error) {
	u, err := c.member(c.R.PathValue("user_id"))
	if err != nil {
		return nil, err
	}
	if err := c.ownRoles(ids); err != nil {
		return nil, err
	}
	_, err = d.manage(c, method, "/members/"+url.PathEscape(u.ID)+"/roles", map[string]any{"roles": ids})
	return nil, err
}

// ownRoles refuses roles that are not the organization's own: those of the tenant may permit more than its members are to give each other, so that nobody but the tenant gives them.
func (c *call) ownRoles(ids []string) error {
	for _, id := range ids {
		r, err := c.Store.Role(c.Ctx(), id)
		if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && r.OwnerID != c.org.ID {
			return missing("role")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

type listRolesIn struct {
	web.Checkpoint
	Name string `json:"name" schema:"max=300" doc:"Part of the name"`
}

func (d *Door) listRoles(c *call, in listRolesIn) (any, error) {
	all, err := c.Store.Roles(c.Ctx())
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(r stagedoor.Role) bool {
		return r.OwnerID != c.org.ID || !strings.Contains(strings.ToLower(r.Name), strings.ToLower(in.Name))
	})
	return page("roles", in.Checkpoint, all, idOfRole, showRole)
}
