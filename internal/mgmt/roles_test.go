package mgmt

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stagedoor/stagedoor"
)

const noRole = "The role does not exist."

// role makes a role of acme and returns its id.
func (h *house) role(name string) string {
	h.Helper()
	return h.call(h.machine("acme"), "POST", "/roles", `{"name":"`+name+`"}`).is(200, "").text("id")
}

// library makes the API "lib" of acme with the scopes read and write, and more of the API as it is sent.
func (h *house) library(more string) string {
	h.Helper()
	return h.call(h.machine("acme"), "POST", "/resource-servers", `{"name":"Library","identifier":"lib","scopes":[{"value":"read","description":"Read books"},{"value":"write"}]`+more+`}`).
		is(201, "").text("id")
}

// permits is the body that names permissions of the library.
func permits(names ...string) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = `{"resource_server_identifier":"lib","permission_name":"` + name + `"}`
	}
	return `{"permissions":[` + strings.Join(all, ",") + `]}`
}

func TestRoles(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		got := h.call(all, "POST", "/roles", `{"name":"Editor","description":"Edits lists"}`)
		id := got.text("id")
		whole := `{"id":"` + id + `","name":"Editor","description":"Edits lists","type":"tenant"}`
		if !strings.HasPrefix(id, "rol_") || len(id) != 20 {
			h.Errorf("id %q", id)
		}
		got.is(200, whole)
		path := "/roles/" + id
		h.call(all, "GET", path, "").is(200, whole)
		h.call(all, "POST", "/roles", `{"name":"Editor"}`).fails(409, "", "The role already exists.")
		other := h.role("Admin")
		h.call(all, "PATCH", path, `{"name":"Admin"}`).fails(409, "", "The role already exists.")
		h.call(all, "PATCH", path, `{"description":"Edits"}`).is(200, `{"id":"`+id+`","name":"Editor","description":"Edits","type":"tenant"}`)
		edited := `{"id":"` + id + `","name":"Writer","description":"Edits","type":"tenant"}`
		h.call(all, "PATCH", path, `{"name":"Writer"}`).is(200, edited)

		admin := `{"id":"` + other + `","name":"Admin","type":"tenant"}`
		h.call(all, "GET", "/roles?type=tenant&per_page=100&page=0&include_totals=true", "").is(200, `{"start":0,"limit":100,"total":2,"roles":[`+admin+`,`+edited+`]}`)
		h.call(all, "GET", "/roles?per_page=1&page=1", "").is(200, `[`+edited+`]`)
		h.call(all, "GET", "/roles?fields=id,name&include_fields=true&page=1&per_page=1&include_totals=true", "").is(200, `{"start":1,"limit":1,"total":2,"roles":[{"id":"`+id+`","name":"Writer"}]}`) // auth0-cli
		h.call(all, "GET", "/roles?name_filter=WRIT", "").is(200, `[`+edited+`]`)

		h.call(all, "DELETE", path, "").is(200, `{}`)
		for _, method := range []string{"GET", "DELETE", "PATCH"} {
			h.call(all, method, path, `{"name":"x"}`).fails(404, "", noRole)
		}
	})
}

func TestRolesOfOrganizations(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		north, south := h.org("north"), h.org("south")
		id := h.call(all, "POST", "/roles", `{"name":"Guide","type":"organization","owner_id":"`+north+`"}`).is(200, "").text("id")
		whole := `{"id":"` + id + `","name":"Guide","type":"organization","owner_id":"` + north + `"}`
		h.call(all, "GET", "/roles/"+id, "").is(200, whole)
		h.role("Guide")
		h.call(all, "POST", "/roles", `{"name":"Guide","type":"organization","owner_id":"`+south+`"}`).is(200, "")
		h.call(all, "POST", "/roles", `{"name":"Guide","type":"organization","owner_id":"`+south+`"}`).fails(409, "", "The role already exists.")
		h.call(all, "GET", "/roles?type=organization&owner_id="+north, "").is(200, `[`+whole+`]`)
		h.call(all, "POST", "/roles", `{"name":"x","type":"organization","owner_id":"org_none"}`).fails(404, "", noOrganization)
		h.call(all, "POST", "/roles", `{"name":"x","type":"organization"}`).fails(400, "invalid_body", "Payload validation error: 'Missing required property: owner_id'.")
		h.call(all, "POST", "/roles", `{"name":"x","owner_id":"`+north+`"}`).fails(400, "invalid_body", "A role with an owner_id must be of the type organization.")
		h.call(all, "POST", "/users/"+h.user("ada", "")+"/roles", `{"roles":["`+id+`"]}`).
			fails(400, "operation_not_supported", "A role of an organization can be assigned to its members only.")
		h.call(all, "DELETE", "/organizations/"+north, "").is(204, "")
		h.call(all, "GET", "/roles/"+id, "").fails(404, "", noRole)
	})
}

func TestRoleRefusals(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	h.library("")
	for body, reason := range map[string]string{
		`{}`:                         `Missing required property: name'`,
		`{"name":""}`:                `String is too short (0 chars), minimum 1' on property name (Name of the role)`,
		`{"name":"x","colour":1}`:    `Additional properties not allowed: colour'`,
		`{"name":"x","type":"team"}`: `No enum match for: team' on property type (The type of role)`,
	} {
		h.call(all, "POST", "/roles", body).fails(400, "invalid_body", "Payload validation error: '"+reason+".")
	}
	h.call(all, "GET", "/roles?colour=1", "").fails(400, "invalid_query_string", "Query validation error: 'Additional properties not allowed: colour'.")
	h.call(h.machine("acme", "read:users"), "GET", "/users/auth0%7Cada/roles", "").fails(403, "insufficient_scope", "Insufficient scope, expected any of: read:roles,read:role_members")
	ada, role := h.user("ada", ""), h.role("Editor")
	for _, path := range []string{"/roles/" + role, "/users/" + ada} {
		for _, method := range []string{"POST", "DELETE"} {
			h.call(all, method, path+"/permissions", permits("read", "burn")).
				fails(404, "inexistent_resource_server_permission", "This permission does not exist: 'lib - burn'")
			h.call(all, method, path+"/permissions", `{"permissions":[{"resource_server_identifier":"none","permission_name":"read"}]}`).
				fails(404, "inexistent_resource_server_permission", "This permission does not exist: 'none - read'")
			h.call(all, method, path+"/permissions", `{"permissions":[]}`).
				fails(400, "invalid_body", "Payload validation error: 'Array is too short (0), minimum 1' on property permissions (Array of resource_server_identifier, permission_name pairs).")
		}
		h.call(all, "GET", path+"/permissions", "").is(200, `[]`)
	}
	for _, call := range []struct{ method, path, body string }{
		{"GET", "/permissions", ""},
		{"POST", "/permissions", permits("read")},
		{"DELETE", "/permissions", permits("read")},
		{"GET", "/users", ""},
		{"POST", "/users", `{"users":["` + ada + `"]}`},
	} {
		h.call(all, call.method, "/roles/rol_none"+call.path, call.body).fails(404, "", noRole)
	}
	for _, call := range []struct{ method, path, body string }{
		{"GET", "/permissions", ""},
		{"POST", "/permissions", permits("read")},
		{"DELETE", "/permissions", permits("read")},
		{"GET", "/roles", ""},
		{"POST", "/roles", `{"roles":["` + role + `"]}`},
		{"DELETE", "/roles", `{"roles":["` + role + `"]}`},
	} {
		h.call(all, call.method, "/users/auth0%7Cnobody"+call.path, call.body).fails(404, "inexistent_user", "The user does not exist.")
	}
	h.call(all, "POST", "/users/"+ada+"/roles", `{"roles":["`+role+`","rol_none"]}`).fails(404, "", noRole)
	h.call(all, "DELETE", "/users/"+ada+"/roles", `{"roles":["rol_none"]}`).fails(404, "", noRole)
	h.call(all, "POST", "/roles/"+role+"/users", `{"users":["`+ada+`","auth0|nobody"]}`).fails(404, "inexistent_user", "The user does not exist.")
	h.call(all, "GET", "/users/"+ada+"/roles", "").is(200, `[]`)
	h.call(all, "POST", "/users/"+ada+"/roles", `{"roles":[]}`).
		fails(400, "invalid_body", "Payload validation error: 'Array is too short (0), minimum 1' on property roles (List of roles IDs to associate with the user).")
}

func TestPermissions(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		api := h.library("")
		ada, bob := h.user("ada", ""), h.user("bob", "")
		editor, admin := h.role("Editor"), h.role("Admin")
		read := `"permission_name":"read","description":"Read books","resource_server_name":"Library","resource_server_identifier":"lib"`
		write := `"permission_name":"write","description":"","resource_server_name":"Library","resource_server_identifier":"lib"`
		h.call(all, "POST", "/roles/"+editor+"/permissions", permits("write", "read", "read")).is(201, `{}`)
		h.call(all, "POST", "/roles/"+admin+"/permissions", permits("read")).is(201, `{}`)
		h.call(all, "GET", "/roles/"+editor+"/permissions?include_totals=true&per_page=1", "").is(200, `{"start":0,"limit":1,"total":2,"permissions":[{`+read+`}]}`)

		h.call(all, "POST", "/users/"+ada+"/roles", `{"roles":["`+editor+`","`+admin+`"]}`).is(204, "")
		h.call(all, "POST", "/roles/"+editor+"/users", `{"users":["`+bob+`","`+ada+`"]}`).is(200, `{}`)
		h.call(all, "GET", "/users/"+ada+"/roles?include_totals=true", "").
			is(200, `{"start":0,"limit":50,"total":2,"roles":[{"id":"`+admin+`","name":"Admin","type":"tenant"},{"id":"`+editor+`","name":"Editor","type":"tenant"}]}`)
		shown := func(id string) string {
			u := h.call(all, "GET", "/users/"+id, "")
			return `{"user_id":"` + id + `","email":"` + u.text("email") + `","name":"` + u.text("name") + `","picture":"` + u.text("picture") + `"}`
		}
		h.call(all, "GET", "/roles/"+editor+"/users?include_totals=true", "").is(200, `{"start":0,"limit":50,"total":2,"users":[`+shown(bob)+`,`+shown(ada)+`]}`)
		first := h.call(all, "GET", "/roles/"+editor+"/users?take=1&include_totals=true&per_page=50", "").is(200, "")
		second := h.call(all, "GET", "/roles/"+editor+"/users?take=1&from="+first.text("next"), "").is(200, "")
		if !strings.Contains(first.body, bob) || !strings.Contains(second.body, ada) {
			h.Errorf("%s\n%s", first.body, second.body)
		}

		h.call(all, "POST", "/users/"+ada+"/permissions", permits("read")).is(201, `{}`)
		h.call(all, "GET", "/users/"+ada+"/permissions?include_totals=true&per_page=1", "").fits(`{"start":0,"limit":1,"total":2,"permissions":[{`+read+`,"sources":[
			{"source_id":"","source_name":"","source_type":"DIRECT"},ADMIN,EDITOR]}]}`, map[string]string{
			"ADMIN":  `{"source_id":"` + admin + `","source_name":"Admin","source_type":"ROLE"}`,
			"EDITOR": `{"source_id":"` + editor + `","source_name":"Editor","source_type":"ROLE"}`,
		})
		h.call(all, "DELETE", "/users/"+ada+"/roles", `{"roles":["`+admin+`"]}`).is(204, "")
		h.call(all, "DELETE", "/users/"+ada+"/permissions", permits("read", "write")).is(204, "")
		h.call(all, "DELETE", "/roles/"+editor+"/permissions", permits("read")).is(204, "")
		left := `[{` + write + `,"sources":[{"source_id":"` + editor + `","source_name":"Editor","source_type":"ROLE"}]}]`
		h.call(all, "GET", "/users/"+ada+"/permissions", "").is(200, left)

		h.call(all, "POST", "/users/"+ada+"/permissions", permits("write")).is(201, `{}`)
		h.call(all, "PATCH", "/resource-servers/"+api, `{"scopes":[{"value":"read"}]}`).is(200, "")
		h.call(all, "GET", "/users/"+ada+"/permissions", "").is(200, `[]`)
		h.call(all, "GET", "/roles/"+editor+"/permissions", "").is(200, `[]`)
		h.call(all, "POST", "/users/"+ada+"/permissions", permits("read")).is(201, `{}`)
		h.call(all, "DELETE", "/resource-servers/"+api, "").is(204, "")
		h.call(all, "GET", "/users/"+ada+"/permissions", "").is(200, `[]`)
		h.call(all, "DELETE", "/roles/"+editor, "").is(200, `{}`)
		h.call(all, "GET", "/users/"+ada+"/roles", "").is(200, `[]`)
		h.call(all, "DELETE", "/users/"+bob, "").is(204, "")
	})
}

// fits is is(200) for a body in which two texts may stand in either order.
func (a answer) fits(body string, marks map[string]string) {
	a.Helper()
	one, two := body, strings.NewReplacer("ADMIN", "EDITOR", "EDITOR", "ADMIN").Replace(body)
	for mark, text := range marks {
		one, two = strings.ReplaceAll(one, mark, text), strings.ReplaceAll(two, mark, text)
	}
	if got := canonical(a.T, a.body); got != canonical(a.T, one) && got != canonical(a.T, two) {
		a.Errorf("%s\n got %d %s\nwant %s", a.what, a.code, a.body, one)
	}
}

func TestRoleLimits(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		ada := h.user("ada", "")
		ctx, st := t.Context(), h.store("acme")
		ids := make([]string, 52)
		for i := range ids {
			r := &stagedoor.Role{Name: fmt.Sprintf("Role %d", i), Type: "tenant"}
			h.ok(st.CreateRole(ctx, r))
			ids[i] = r.ID
		}
		h.call(all, "POST", "/users/"+ada+"/roles", `{"roles":["`+strings.Join(ids[:49], `","`)+`"]}`).is(204, "")
		var wg sync.WaitGroup
		codes := make([]int, 3)
		for i := range codes { // three want the one place that is left
			wg.Go(func() { codes[i] = h.call(all, "POST", "/users/"+ada+"/roles", `{"roles":["`+ids[49+i]+`"]}`).code })
		}
		wg.Wait()
		if codes[0]+codes[1]+codes[2] != 204+403+403 {
			h.Errorf("answers %v", codes)
		}
		if got := h.call(all, "GET", "/users/"+ada+"/roles?include_totals=true", "").get("total"); got != 50.0 {
			h.Errorf("%v roles", got)
		}
		h.call(all, "POST", "/users/"+ada+"/roles", `{"roles":["`+ids[50]+`","`+ids[51]+`","`+ids[49]+`"]}`).
			fails(403, "too_many_entities", "You reached the limit of entities of this type for this tenant.")
	})
}
