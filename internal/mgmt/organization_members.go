package mgmt

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// memberFields are what a list of members can hold.
var memberFields = []string{"user_id", "email", "picture", "name", "roles"}

type listMembersIn struct {
	web.Paging
	web.Checkpoint
	web.Fields
}

func (a *API) listMembers(c *call, in listMembersIn) (any, error) { return a.members(c, in, "") }

// members lists the members of an organization, those that have a role there if one is named.
func (a *API) members(c *call, in listMembersIn, roleID string) (any, error) {
	for _, name := range in.Names {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(memberFields, name) {
			return nil, (&web.Violation{
				Path: "fields", Doc: "Comma-separated list of fields to include or exclude (based on value provided for include_fields) in the result. Leave empty to retrieve all fields",
				Reason: "Must be a comma separated list of the following values: " + strings.Join(memberFields, ","),
			}).Query()
		}
	}
	if _, err := a.organization(c); err != nil {
		return nil, err
	}
	q, err := organizationPage(in.Paging, in.Checkpoint)
	if err != nil {
		return nil, err
	}
	page, total, err := c.store.Members(c.ctx(), c.id(), roleID, q)
	if err != nil {
		return nil, err
	}
	withRoles := in.Include.Or(true) && slices.ContainsFunc(in.Names, func(name string) bool { return strings.TrimSpace(name) == "roles" })
	return answerPage(in.Paging, q, "members", page, total, true, func(m stagedoor.Membership) store.Position { return store.Position{At: m.AddedAt, ID: m.UserID} },
		func(m stagedoor.Membership) (any, error) {
			shown := map[string]any{"user_id": m.UserID}
			for name, value := range map[string]string{"email": m.Email, "name": m.Name, "picture": m.Picture} {
				if value != "" {
					shown[name] = value
				}
			}
			if withRoles {
				roles, err := a.rolesOfMember(c, m.UserID)
				if err != nil {
					return nil, err
				}
				shown["roles"] = roles
			}
			return in.Pick(shown)
		})
}

type membersIn struct {
	Members []string                   `json:"members" schema:"required,min=1,max=100" doc:"List of user IDs to add to the organization as members"`
	Rest    map[string]json.RawMessage `schema:"rest"`
}

func (a *API) addMembers(c *call, in membersIn) (any, error) {
	return nil, c.store.AddMembers(c.ctx(), c.id(), in.Members)
}

func (a *API) removeMembers(c *call, in membersIn) (any, error) {
	return nil, c.store.RemoveMembers(c.ctx(), c.id(), in.Members)
}
