package mgmt

import (
	"context"
	"net/url"
	"testing"

	"github.com/stagedoor/stagedoor"
)

const noGroup = "The group does not exist."

// group makes a group of a connection with members; nobody can do so through the API.
func (h *house) group(connection, name string, members ...string) string {
	h.Helper()
	g := &stagedoor.Group{Name: name, ExternalID: "ext " + name, ConnectionID: connection}
	h.ok(h.store("acme").CreateGroup(context.Background(), g, members))
	return g.ID
}

func TestGroups(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		con, _ := h.connect("corp", "okta")
		for _, id := range []string{"okta|corp|ada", "okta|corp|bob"} {
			h.ok(h.store("acme").CreateUser(context.Background(), &stagedoor.User{ID: id, Connection: "corp"}, ""))
		}
		ada := "/users/" + url.PathEscape("okta|corp|ada")
		team := h.group(con, "Team", "okta|corp|ada", "okta|corp|bob")
		other := h.group(con, "Other")
		shown := func(id, name, more string) string {
			return `{"id":"` + id + `","name":"` + name + `","external_id":"ext ` + name + `","connection_id":"` + con + `","tenant_name":"acme","created_at":"` + epoch + `","updated_at":"` + epoch + `"` + more + `}`
		}
		h.call(all, "GET", "/groups/"+team, "").is(200, shown(team, "Team", ""))
		h.call(all, "GET", "/groups/nobody", "").fails(404, "inexistent_group", noGroup)
		h.call(all, "GET", "/groups?name=Team", "").is(200, "["+shown(team, "Team", "")+"]")
		h.call(all, "GET", "/groups?search=TH&include_totals=true&fields=name", "").is(200, `{"start":0,"limit":50,"total":1,"groups":[{"name":"Other"}]}`)
		if got := h.call(all, "GET", "/groups?take=1&connection_id="+con, "").is(200, ""); got.text("next") == "" || len(got.get("groups").([]any)) != 1 {
			h.Errorf("a page: %s", got.body)
		}
		h.call(all, "GET", "/groups/"+team+"/members?take=1", "").is(200, `{"members":[{"id":"okta|corp|ada","member_type":"user","type":"connection","connection_id":"`+con+`","created_at":"`+epoch+`"}],"next":"MTc5NTYwODAwMDAwMCBva3RhfGNvcnB8YWRh"}`)
		h.call(all, "GET", "/groups/"+team+"/members?take=1&fields=id", "").is(200, `{"members":[{"id":"okta|corp|ada"}],"next":"MTc5NTYwODAwMDAwMCBva3RhfGNvcnB8YWRh"}`)
		h.call(all, "GET", "/groups/"+team+"/members?from=MTc5NTYwODAwMDAwMCBva3RhfGNvcnB8YWRh", "").is(200, `{"members":[{"id":"okta|corp|bob","member_type":"user","type":"connection","connection_id":"`+con+`","created_at":"`+epoch+`"}]}`)
		h.call(all, "GET", ada+"/groups", "").is(200, "["+shown(team, "Team", `,"membership_created_at":"`+epoch+`"`)+"]")

		h.library("")
		reader, writer := h.role("reader"), h.role("writer")
		h.call(all, "POST", "/roles/"+reader+"/permissions", permits("read")).is(201, "")
		h.call(all, "POST", "/groups/"+team+"/roles", `{"roles":["`+reader+`"]}`).is(204, "")
		h.call(all, "POST", "/groups/"+team+"/roles", `{"roles":["rol_nobody"]}`).fails(404, "", noRole)
		h.call(all, "GET", "/groups/"+team+"/roles", "").is(200, `[{"id":"`+reader+`","name":"reader","type":"tenant"}]`)
		h.call(all, "POST", "/roles/"+reader+"/groups", `{"groups":["`+other+`"]}`).is(204, "")
		h.call(all, "DELETE", "/roles/"+reader+"/groups", `{"groups":["`+team+`"]}`).is(204, "")
		h.call(all, "GET", "/roles/"+reader+"/groups", "").is(200, "["+shown(other, "Other", "")+"]")
		h.call(all, "POST", "/roles/"+reader+"/groups", `{"groups":["`+team+`","`+other+`"]}`).is(204, "")
		h.call(all, "POST", ada+"/roles", `{"roles":["`+reader+`","`+writer+`"]}`).is(204, "")
		h.call(all, "GET", ada+"/effective-roles", "").is(200, `{"roles":[{"id":"`+reader+`","name":"reader","description":"","sources":["direct","groups"]},{"id":"`+writer+`","name":"writer","description":"","sources":["direct"]}]}`)
		h.call(all, "GET", ada+"/effective-roles/sources/groups?role_id="+reader, "").is(200, `{"groups":[`+shown(team, "Team", `,"membership_created_at":"`+epoch+`"`)+`]}`)
		h.call(all, "GET", ada+"/effective-roles/sources/groups?role_id="+writer, "").is(200, `{"groups":[]}`)
		h.call(all, "GET", ada+"/effective-permissions?resource_server_identifier=lib", "").is(200, `{"permissions":[{"permission_name":"read","resource_server_identifier":"lib","resource_server_name":"Library","description":"Read books","sources":["roles"]}]}`)
		h.call(all, "GET", ada+"/effective-permissions/sources/effective-roles?resource_server_identifier=lib&permission_name=read", "").
			is(200, `{"roles":[{"id":"`+reader+`","name":"reader","description":"","sources":["direct","groups"]}]}`)
		h.call(all, "DELETE", "/groups/"+team+"/roles", `{"roles":["`+reader+`"]}`).is(204, "")
		h.call(all, "GET", "/groups/"+team+"/roles?take=5", "").is(200, `{"roles":[]}`)

		org := h.call(all, "POST", "/organizations", `{"name":"club"}`).is(201, "").text("id")
		in := "/organizations/" + org
		h.call(all, "POST", in+"/groups/"+team+"/roles", `{"roles":["`+writer+`"]}`).is(204, "")
		h.call(all, "POST", in+"/groups/nobody/roles", `{"roles":["`+writer+`"]}`).fails(404, "inexistent_group", noGroup)
		h.call(all, "GET", in+"/groups/"+team+"/roles", "").is(200, `[{"id":"`+writer+`","name":"writer","type":"tenant"}]`)
		h.call(all, "GET", in+"/groups", "").is(200, "["+shown(team, "Team", "")+"]")
		h.call(all, "GET", in+"/roles/"+writer+"/groups", "").is(200, "["+shown(team, "Team", "")+"]")
		h.call(all, "GET", in+"/roles/"+reader+"/groups", "").is(200, "[]")
		member := in + "/members/" + url.PathEscape("okta|corp|bob")
		h.call(all, "GET", member+"/effective-roles", "").is(200, `{"roles":[{"id":"`+writer+`","name":"writer","description":"","sources":["groups"]}]}`)
		h.call(all, "GET", member+"/effective-roles/sources/groups?role_id="+writer, "").is(200, `{"groups":[`+shown(team, "Team", `,"membership_created_at":"`+epoch+`"`)+`]}`)
		h.call(all, "DELETE", in+"/groups/"+team+"/roles", `{"roles":["`+writer+`"]}`).is(204, "")
		h.call(all, "GET", in+"/groups", "").is(200, "[]")

		h.call(all, "DELETE", "/groups/"+team, "").is(204, "")
		h.call(all, "DELETE", "/groups/"+team, "").fails(404, "inexistent_group", noGroup)
	})
}
