package mgmt

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

const noOrganization = "No organization found by that id or name"

// org makes an organization of acme and returns its id.
func (h *house) org(name string) string {
	h.Helper()
	return h.call(h.machine("acme"), "POST", "/organizations", `{"name":"`+name+`","display_name":"The `+name+`"}`).is(201, "").text("id")
}

// A checkpoint that nobody was given is refused, whatever is in it: the databases do not take every byte.
func TestForeignCheckpoints(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		for _, from := range []string{"AA", "_w", "YQBi"} { // NUL, half a character, a NUL within
			for _, path := range []string{"/organizations", "/groups"} {
				h.call(all, "GET", path+"?take=5&from="+from, "").fails(400, "invalid_paging", "The checkpoint ID provided in the 'from' parameter has expired or is invalid, please remove the checkpoint ID and try again")
			}
		}
	})
}

func TestOrganizations(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		got := h.call(all, "POST", "/organizations", `{"name":"north","display_name":"North","branding":{"logo_url":"https://x.test/l.png",
			"colors":{"primary":"#123456","page_background":"#fff"}},"metadata":{"plan":"gold","seats":"7"},"token_quota":{"client_credentials":{"per_day":5}}}`).is(201, "")
		id := got.text("id")
		whole := `{"id":"` + id + `","name":"north","display_name":"North","branding":{"logo_url":"https://x.test/l.png",
			"colors":{"primary":"#123456","page_background":"#fff"}},"metadata":{"plan":"gold","seats":"7"},"token_quota":{"client_credentials":{"per_day":5}},"third_party_client_access":"block"}`
		if !strings.HasPrefix(id, "org_") || len(id) != 20 {
			h.Errorf("id %q", id)
		}
		got.is(201, whole)
		path := "/organizations/" + id
		h.call(all, "GET", path, "").is(200, whole)
		h.call(all, "GET", "/organizations/name/north", "").is(200, whole)
		h.call(h.machine("acme", "read:organizations_summary"), "GET", path, "").is(200, `{"id":"`+id+`","name":"north","display_name":"North"}`)

		h.call(all, "PATCH", path, `{"metadata":{"plan":"tin"},"branding":{"logo_url":"https://x.test/2.png"},"token_quota":null,"display_name":null}`).
			is(200, `{"id":"`+id+`","name":"north","branding":{"logo_url":"https://x.test/2.png"},"metadata":{"plan":"tin"},"third_party_client_access":"block"}`)
		h.call(all, "PATCH", path, `{"metadata":{"plan":"zinc","seats":null}}`).is(200, `{"id":"`+id+`","name":"north","branding":{"logo_url":"https://x.test/2.png"},"metadata":{"plan":"zinc"},"third_party_client_access":"block"}`)
		h.call(all, "PATCH", path, `{"metadata":{},"branding":null,"name":"south"}`).is(200, `{"id":"`+id+`","name":"south","third_party_client_access":"block"}`)
		h.call(all, "GET", "/organizations/name/north", "").fails(404, "", noOrganization)

		other := h.org("east")
		h.call(all, "POST", "/organizations", `{"name":"east"}`).fails(409, "", "An organization with this name already exists.")
		h.call(all, "PATCH", path, `{"name":"east"}`).fails(409, "", "An organization with this name already exists.")
		h.call(all, "GET", path, "").is(200, `{"id":"`+id+`","name":"south","third_party_client_access":"block"}`)

		h.call(all, "GET", "/organizations?sort=name:1&include_totals=true", "").
			is(200, `{"start":0,"limit":50,"total":2,"organizations":[{"id":"`+other+`","name":"east","display_name":"The east","third_party_client_access":"block"},{"id":"`+id+`","name":"south","third_party_client_access":"block"}]}`)
		h.call(all, "GET", "/organizations?sort=name:-1&per_page=1", "").is(200, `[{"id":"`+id+`","name":"south","third_party_client_access":"block"}]`)
		first := h.call(all, "GET", "/organizations?take=1&include_totals=true&per_page=50", "").is(200, "")
		second := h.call(all, "GET", "/organizations?take=1&from="+first.text("next"), "").is(200, "")
		third := h.call(all, "GET", "/organizations?take=1&from="+second.text("next"), "").is(200, `{"organizations":[]}`)
		if first.body == second.body || third.get("next") != nil {
			h.Errorf("checkpoints: %s %s", first.body, second.body)
		}
		h.call(all, "GET", "/organizations?page=20", "").fails(400, "invalid_paging", "You can only page through the first 1000 records. See https://auth0.com/docs/users/search/v3/view-search-results-by-page#limitation")
		h.call(all, "GET", "/organizations?take=1&from=%21", "").
			fails(400, "invalid_paging", "The checkpoint ID provided in the 'from' parameter has expired or is invalid, please remove the checkpoint ID and try again")

		h.call(all, "DELETE", path, "").is(204, "")
		for _, method := range []string{"GET", "DELETE", "PATCH"} {
			h.call(all, method, path, `{"name":"x"}`).fails(404, "", noOrganization)
		}
	})
}

func TestOrganizationRefusals(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	many := make([]string, 26)
	for i := range many {
		many[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	for body, reason := range map[string]string{
		`{}`:               `Missing required property: name'`,
		`{"name":"North"}`: `String does not match pattern ^[a-z0-9][a-z0-9_-]*$: North' on property name (The name of this organization)`,
		`{"name":"-n"}`:    `String does not match pattern ^[a-z0-9][a-z0-9_-]*$: -n' on property name (The name of this organization)`,
		`{"name":"` + strings.Repeat("n", 51) + `"}`:                                    `String is too long (51 chars), maximum 50' on property name (The name of this organization)`,
		`{"name":"n","colour":1}`:                                                       `Additional properties not allowed: colour'`,
		`{"name":"n","metadata":{` + strings.Join(many, ",") + `}}`:                     `Too many properties defined (26), maximum 25' on property metadata (Metadata associated with the organization, in the form of an object with string values)`,
		`{"name":"n","metadata":{"k":"` + strings.Repeat("v", 256) + `"}}`:              `String is too long (256 chars), maximum 255' on property metadata.k`,
		`{"name":"n","branding":{"colors":{"primary":"#fff"}}}`:                         `Missing required property: page_background' on property branding.colors (Color scheme used to customize the login pages)`,
		`{"name":"n","branding":{"colors":{"primary":"red","page_background":"#fff"}}}`: `String does not match pattern ^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$: red' on property branding.colors.primary (HEX Color for primary elements)`,
		`{"name":"n","display_name":""}`:                                                `String is too short (0 chars), minimum 1' on property display_name (Friendly name of this organization)`,
	} {
		h.call(all, "POST", "/organizations", body).fails(400, "invalid_body", "Payload validation error: '"+reason+".")
	}
	id := h.org("north")
	h.call(all, "PATCH", "/organizations/"+id, `{}`).fails(400, "invalid_body", "Payload validation error: 'Too few properties defined (0), minimum 1'.")
	h.call(h.machine("acme", "create:organizations"), "POST", "/organizations", `{"name":"n","enabled_connections":[{"connection_id":"con_x"}]}`).
		fails(403, "insufficient_scope", "Insufficient scope, expected any of: create:organization_connections")
	h.call(all, "POST", "/organizations", `{"name":"n","enabled_connections":[{"connection_id":"con_x"}]}`).fails(404, "", "No connection found by that id")
	h.call(all, "GET", "/organizations/name/n", "").fails(404, "", noOrganization)
	h.call(all, "GET", "/organizations?sort=display_name:1", "").fails(400, "invalid_query_string", "Query validation error: 'No enum match for: display_name' on property sort.")
	h.call(all, "GET", "/organizations?sort=colour:1", "").fails(400, "invalid_query_string", "Query validation error: 'No enum match for: colour' on property sort.")
	for _, path := range []string{"enabled_connections", "connections", "members", "invitations", "client-grants", "discovery-domains", "clients"} {
		h.call(all, "GET", "/organizations/org_none/"+path, "").fails(404, "", noOrganization)
	}
	for path, body := range map[string]string{
		"enabled_connections": `{"connection_id":"con_x"}`, "connections": `{"connection_id":"con_x"}`, "members": `{"members":["a"]}`,
		"invitations": `{"inviter":{"name":"a"},"invitee":{"email":"a@x.test"},"client_id":"web_acme"}`, "client-grants": `{"grant_id":"cgr_x"}`,
		"discovery-domains": `{"domain":"x.test"}`, "clients": `{"clients":[{"client_id":"web_acme"}]}`,
	} {
		h.call(all, "POST", "/organizations/org_none/"+path, body).fails(404, "", noOrganization)
	}
}

func TestOrganizationConnections(t *testing.T) {
	each(t, func(h *house) {
		all, users := h.machine("acme"), h.connectionID()
		name := `"connection":{"name":"Users","strategy":"auth0"}`
		got := h.call(all, "POST", "/organizations", `{"name":"west","enabled_connections":[{"connection_id":"`+users+`","assign_membership_on_login":true,"is_signup_enabled":true}]}`).is(201, "")
		if canonical(h.T, encode(got.get("enabled_connections"))) != canonical(h.T, `[{"connection_id":"`+users+`","assign_membership_on_login":true,"is_signup_enabled":true,"show_as_button":true,`+name+`}]`) {
			h.Errorf("created with connections: %s", got.body)
		}
		org := "/organizations/" + h.org("north")
		path := org + "/enabled_connections"
		one := `{"connection_id":"` + users + `","assign_membership_on_login":true,"show_as_button":true,"is_signup_enabled":false,` + name + `}`
		h.call(all, "POST", path, `{"connection_id":"`+users+`","assign_membership_on_login":true}`).is(201, one)
		h.call(all, "POST", path, `{"connection_id":"`+users+`"}`).fails(409, "", "The connection is already enabled for this organization.")
		h.call(all, "GET", path+"/"+users, "").is(200, one)
		h.call(all, "GET", path, "").is(200, "["+one+"]")
		h.call(all, "GET", path+"?include_totals=true&per_page=50", "").is(200, `{"enabled_connections":[`+one+`],"start":0,"limit":1,"total":1}`)
		h.call(all, "PATCH", path+"/"+users, `{"assign_membership_on_login":false,"is_signup_enabled":true}`).
			fails(400, "invalid_body", "Only database connections with assign_membership_on_login = true support is_signup_enabled = true.")
		h.call(all, "GET", path+"/"+users, "").is(200, one)
		h.call(all, "PATCH", path+"/"+users, `{"show_as_button":false}`).is(200, strings.Replace(one, `"show_as_button":true`, `"show_as_button":false`, 1))
		h.call(all, "DELETE", path+"/"+users, "").is(204, "")
		h.call(all, "GET", path+"/"+users, "").fails(404, "", "No connection found by that id")
		h.call(all, "PATCH", path+"/"+users, `{"show_as_button":true}`).fails(404, "", "No connection found by that id")
		h.call(all, "POST", path, `{"connection_id":"con_none"}`).fails(404, "", "No connection found by that id")

		path = org + "/connections"
		newer := `{"connection_id":"` + users + `","assign_membership_on_login":false,"show_as_button":true,"is_signup_enabled":false,"is_enabled":true,"organization_connection_name":"Staff","organization_access_level":"full",` + name + `}`
		h.call(all, "POST", path, `{"connection_id":"`+users+`","organization_connection_name":"Staff","organization_access_level":"full"}`).is(201, newer)
		h.call(all, "GET", path+"/"+users, "").is(200, newer)
		h.call(all, "GET", path+"?is_enabled=false", "").is(200, "[]")
		h.call(all, "GET", path+"?include_totals=true", "").is(200, `{"connections":[`+newer+`],"start":0,"limit":50,"total":1}`)
		h.call(all, "PATCH", path+"/"+users, `{"is_enabled":false}`).is(200, strings.Replace(newer, `"is_enabled":true`, `"is_enabled":false`, 1))
		h.call(all, "DELETE", path+"/"+users, "").is(204, "")
		h.call(all, "GET", path, "").is(200, "[]")

		for i := range 11 {
			conn := h.call(all, "POST", "/connections", fmt.Sprintf(`{"name":"db-%d","strategy":"auth0"}`, i)).is(201, "").text("id")
			a := h.call(all, "POST", path, `{"connection_id":"`+conn+`"}`)
			if i < 10 {
				a.is(201, "")
			} else {
				a.fails(403, "too_many_entities", "You reached the limit of entities of this type for this tenant.")
			}
		}
	})
}

func TestOrganizationMembers(t *testing.T) {
	each(t, func(h *house) {
		all, org := h.machine("acme"), h.org("north")
		path := "/organizations/" + org + "/members"
		ids := []string{h.user("a", ""), h.user("b", ""), h.user("c", "")}
		h.call(all, "POST", path, `{"members":["`+ids[0]+`","auth0|none"]}`).fails(404, "inexistent_user", "The user does not exist.")
		h.call(all, "GET", path+"?include_totals=true", "").is(200, `{"start":0,"limit":50,"total":0,"members":[]}`)
		h.call(all, "POST", path, `{"members":["`+strings.Join(ids, `","`)+`"]}`).is(204, "")
		h.call(all, "POST", path, `{"members":["`+ids[0]+`"],"unknown":1}`).is(204, "")
		got := h.call(all, "GET", path+"?include_totals=true&per_page=1", "").is(200, "")
		if got.get("total") != 3.0 || !strings.Contains(got.body, `"user_id":"auth0|a"`) || !strings.Contains(got.body, `"email":"a@x.test"`) || strings.Contains(got.body, "roles") {
			h.Errorf("members: %s", got.body)
		}
		h.call(all, "GET", path+"?fields=user_id,roles&per_page=1", "").is(200, `[{"user_id":"auth0|a","roles":[]}]`)
		h.call(all, "GET", path+"?fields=password", "").fails(400, "invalid_query_string", "Query validation error: 'Must be a comma separated list of the following values: user_id,email,picture,name,roles' on property fields (Comma-separated list of fields to include or exclude (based on value provided for include_fields) in the result. Leave empty to retrieve all fields).")
		page := h.call(all, "GET", path+"?take=2", "").is(200, "")
		page = h.call(all, "GET", path+"?take=2&from="+page.text("next"), "").is(200, "")
		if page.text("next") == "" {
			h.Error("a page that holds a member names no next one")
		}
		h.call(all, "GET", path+"?take=2&from="+page.text("next"), "").is(200, `{"members":[]}`)
		first := h.call(all, "GET", path+"?take=1", "").is(200, "")
		h.call(all, "DELETE", path, `{"members":["`+first.get("members").([]any)[0].(map[string]any)["user_id"].(string)+`"]}`).is(204, "")
		if rest := h.call(all, "GET", path+"?take=2&from="+first.text("next"), "").is(200, ""); len(rest.get("members").([]any)) == 0 {
			h.Error("who has gone since took those behind along")
		}
		h.call(all, "POST", path, `{"members":["`+ids[0]+`"]}`).is(204, "")
		h.call(all, "GET", path+"?page=10&per_page=100", "").fails(400, "invalid_paging", "You can only page through the first 1000 records. See https://auth0.com/docs/users/search/v3/view-search-results-by-page#limitation")

		second := h.org("east")
		h.call(all, "POST", "/organizations/"+second+"/members", `{"members":["`+ids[0]+`"]}`).is(204, "")
		h.call(all, "GET", "/users/auth0%7Ca/organizations?include_totals=true", "").
			is(200, `{"start":0,"limit":50,"total":2,"organizations":[{"id":"`+second+`","name":"east","display_name":"The east","third_party_client_access":"block"},{"id":"`+org+`","name":"north","display_name":"The north","third_party_client_access":"block"}]}`)
		h.call(all, "GET", "/users/auth0%7Cnone/organizations", "").fails(404, "inexistent_user", "The user does not exist.")
		h.call(all, "DELETE", path, `{"members":["`+ids[0]+`","`+ids[1]+`"]}`).is(204, "")
		h.call(all, "DELETE", "/users/auth0%7Cc", "").is(204, "")
		h.call(all, "GET", path, "").is(200, "[]")
		h.call(all, "POST", path, `{"members":[]}`).fails(400, "invalid_body", "Payload validation error: 'Array is too short (0), minimum 1' on property members (List of user IDs to add to the organization as members).")
	})
}

func TestMemberRoles(t *testing.T) {
	each(t, func(h *house) {
		all, org, other := h.machine("acme"), h.org("north"), h.org("south")
		user := h.user("a", "")
		role := func(body string) string { return h.call(all, "POST", "/roles", body).is(200, "").text("id") }
		guide, owned, foreign := role(`{"name":"Guide"}`), role(`{"name":"Own","type":"organization","owner_id":"`+org+`"}`), role(`{"name":"Own","type":"organization","owner_id":"`+other+`"}`)
		path := "/organizations/" + org + "/members/auth0%7Ca/roles"
		h.call(all, "POST", path, `{"roles":["`+guide+`","rol_none"]}`).fails(404, "", "The role does not exist.")
		h.call(all, "POST", path, `{"roles":["`+guide+`","`+foreign+`"]}`).fails(400, "operation_not_supported", "The role belongs to another organization.")
		h.call(all, "GET", path, "").is(200, "[]")
		h.call(all, "POST", path, `{"roles":["`+guide+`","`+owned+`"]}`).is(204, "") // before the membership, as on the wire
		byRole := "/organizations/" + org + "/roles/" + guide + "/members"
		h.call(all, "GET", byRole, "").is(200, "[]")
		h.call(all, "POST", "/organizations/"+org+"/members", `{"members":["`+user+`"]}`).is(204, "")
		got := h.call(all, "GET", path+"?include_totals=true&per_page=50", "").is(200, "")
		if got.get("total") != 2.0 || !strings.Contains(got.body, `"name":"Guide"`) {
			h.Errorf("roles: %s", got.body)
		}
		h.call(all, "GET", "/organizations/"+org+"/members?fields=user_id,roles", "").
			is(200, `[{"user_id":"auth0|a","roles":[{"id":"`+guide+`","name":"Guide"},{"id":"`+owned+`","name":"Own"}]}]`)
		h.call(all, "GET", byRole+"?fields=user_id&include_totals=true", "").is(200, `{"start":0,"limit":50,"total":1,"members":[{"user_id":"auth0|a"}]}`)
		h.call(all, "GET", "/organizations/"+org+"/roles/rol_none/members", "").fails(404, "", "The role does not exist.")
		h.call(all, "GET", "/users/auth0%7Ca/roles", "").is(200, "[]")
		h.call(all, "DELETE", path, `{"roles":["`+guide+`"]}`).is(204, "")
		h.call(all, "DELETE", path, `{"roles":["rol_none"]}`).fails(404, "", "The role does not exist.")
		h.call(all, "GET", byRole, "").is(200, "[]")
		h.call(all, "POST", path, `{"roles":["`+guide+`"]}`).is(204, "")
		h.call(all, "DELETE", "/organizations/"+org+"/members", `{"members":["`+user+`"]}`).is(204, "")
		h.call(all, "GET", path, "").is(200, "[]")
		h.call(all, "GET", "/organizations/"+org+"/members/auth0%7Cnone/roles", "").fails(404, "inexistent_user", "The user does not exist.")
		h.call(all, "POST", "/organizations/org_none/members/auth0%7Ca/roles", `{"roles":["`+guide+`"]}`).fails(404, "", noOrganization)

		many := []string{}
		for i := range 51 {
			many = append(many, role(fmt.Sprintf(`{"name":"Role %d"}`, i)))
		}
		h.call(all, "POST", path, `{"roles":["`+strings.Join(many[:50], `","`)+`"]}`).is(204, "")
		h.call(all, "POST", path, `{"roles":["`+many[50]+`"]}`).fails(403, "too_many_entities", "You reached the limit of entities of this type for this tenant.")
		h.call(all, "DELETE", "/roles/"+many[0], "").is(200, "")
		if got := h.call(all, "GET", path+"?include_totals=true", "").get("total"); got != 49.0 {
			h.Errorf("%v roles after one was deleted", got)
		}

		h.call(all, "PATCH", "/clients/web_acme", `{"organization_usage":"allow","initiate_login_uri":"https://app.test/login"}`).is(200, "")
		invite := `{"inviter":{"name":"Ada"},"invitee":{"email":"b@x.test"},"client_id":"web_acme","roles":["%s"]}`
		h.call(all, "POST", "/organizations/"+org+"/invitations", fmt.Sprintf(invite, "rol_none")).fails(404, "", "The role does not exist.")
		h.call(all, "POST", "/organizations/"+org+"/invitations", fmt.Sprintf(invite, foreign)).fails(400, "operation_not_supported", "The role belongs to another organization.")
		v := h.call(all, "POST", "/organizations/"+org+"/invitations", fmt.Sprintf(invite, guide)).is(201, "")
		if encode(v.get("roles")) != `["`+guide+`"]` {
			h.Errorf("invitation: %s", v.body)
		}
	})
}

func TestDiscoveryDomains(t *testing.T) {
	each(t, func(h *house) {
		all, org := h.machine("acme"), h.org("north")
		path := "/organizations/" + org + "/discovery-domains"
		got := h.call(all, "POST", path, `{"domain":"North.Example"}`).is(201, "")
		id, txt := got.text("id"), got.text("verification_txt")
		one := `{"id":"` + id + `","domain":"north.example","status":"pending","verification_host":"_ss-verification.` + org + `.north.example","verification_txt":"` + txt + `","use_for_organization_discovery":true}`
		if !strings.HasPrefix(id, "ord_") || len(txt) != 32 {
			h.Errorf("created: %s", got.body)
		}
		got.is(201, one)
		h.call(all, "GET", path+"/"+id, "").is(200, one)
		h.call(all, "GET", path+"/name/north.example", "").is(200, one)
		h.call(all, "GET", path+"?take=50", "").is(200, `{"domains":[`+one+`]}`)
		h.call(all, "POST", path, `{"domain":"north.example"}`).fails(409, "", "An organization domain with this name already exists.")
		h.call(all, "POST", path, `{"domain":"no domain"}`).fails(400, "invalid_body", "Payload validation error: 'Object didn't pass validation for format domain: no domain' on property domain.")
		h.call(all, "PATCH", path+"/"+id, `{"status":"verified"}`).is(200, strings.Replace(one, "pending", "verified", 1))
		found, err := h.store("acme").OrganizationsByDomain(h.Context(), "north.example")
		h.ok(err)
		if len(found) != 1 || found[0].ID != org {
			h.Errorf("found by domain: %v", found)
		}
		h.call(all, "PATCH", path+"/"+id, `{"status":"maybe"}`).fails(400, "invalid_body", "Payload validation error: 'No enum match for: maybe' on property status (The verification status of the discovery domain).")
		h.call(all, "DELETE", path+"/"+id, "").is(204, "")
		h.call(all, "DELETE", path+"/"+id, "").is(204, "")
		h.call(all, "GET", path+"/"+id, "").fails(404, "", "No organization domain found by that id")
		h.call(all, "GET", path+"/name/north.example", "").fails(404, "", "No organization domain found by that id")
		h.call(all, "GET", "/organizations/org_none/discovery-domains/"+id, "").fails(404, "", noOrganization)
	})
}

func TestOrganizationGrants(t *testing.T) {
	each(t, func(h *house) {
		all, org := h.machine("acme"), h.org("north")
		path := "/organizations/" + org + "/client-grants"
		h.call(all, "POST", "/resource-servers", `{"name":"API","identifier":"https://api.test/","scopes":[{"value":"read:x"}]}`).is(201, "")
		grant := func(more string) string {
			return h.call(all, "POST", "/client-grants", `{"client_id":"web_acme","audience":"https://api.test/","scope":["read:x"]`+more+`}`).is(201, "").text("id")
		}
		denied := grant("")
		h.call(all, "POST", path, `{"grant_id":"`+denied+`"}`).fails(400, "invalid_body", "The client grant does not allow organizations. Set its organization_usage to allow or require.")
		h.call(all, "PATCH", "/client-grants/"+denied, `{"organization_usage":"allow","allow_any_organization":false}`).is(200, "")
		h.call(all, "POST", path, `{"grant_id":"`+denied+`"}`).
			is(201, `{"id":"`+denied+`","grant_id":"`+denied+`","client_id":"web_acme","audience":"https://api.test/","scope":["read:x"],"organization_usage":"allow","allow_any_organization":false}`)
		got := h.call(all, "GET", path+"?include_totals=true&grant_ids="+denied+"&audience="+url.QueryEscape("https://api.test/"), "").is(200, "")
		if got.get("total") != 1.0 || !strings.Contains(got.body, `"organization_usage":"allow"`) {
			h.Errorf("grants: %s", got.body)
		}
		h.call(all, "GET", path+"?client_id=other", "").is(200, "[]")
		if got := h.call(all, "GET", "/clients?fields=client_id&q=client_grant.organization_id:"+org, "").is(200, ""); !strings.Contains(got.body, "web_acme") {
			h.Errorf("clients of the organization: %s", got.body)
		}
		h.call(all, "GET", "/clients?take=50&q=client_grant.organization_id%3Aorg_none", "").is(200, `{"clients":[]}`)
		h.call(all, "GET", "/client-grants/"+denied+"/organizations", "").is(200, `[{"id":"`+org+`","name":"north","display_name":"The north","third_party_client_access":"block"}]`)
		h.call(all, "GET", "/client-grants/"+denied+"/organizations?take=5", "").is(200, `{"organizations":[{"id":"`+org+`","name":"north","display_name":"The north","third_party_client_access":"block"}]}`)
		h.call(all, "GET", "/client-grants/cgr_none/organizations", "").fails(404, "inexistent_client_grant", "The grant does not exist.")
		h.call(all, "POST", path, `{"grant_id":"cgr_none"}`).fails(404, "inexistent_client_grant", "The grant does not exist.")
		h.call(all, "DELETE", path+"/"+denied, "").is(204, "")
		h.call(all, "GET", path, "").is(200, "[]")
	})
}

func TestOrganizationClients(t *testing.T) {
	each(t, func(h *house) {
		all, org := h.machine("acme"), h.org("north")
		path := "/organizations/" + org + "/clients"
		h.call(all, "PATCH", "/clients/web_acme", `{"organization_usage":"require"}`).is(200, "")
		one := `{"client_id":"web_acme","use_for_member_access":true,"client":{"name":"web","is_first_party":true,"organization_usage":"require",
			"grant_types":["authorization_code","implicit","refresh_token","client_credentials"]}}`
		h.call(all, "POST", path, `{"clients":[{"client_id":"web_acme","use_for_member_access":true}]}`).is(201, "["+one+"]")
		h.call(all, "GET", path+"/web_acme", "").is(200, one)
		h.call(all, "GET", path+"?take=50", "").is(200, `{"clients":[`+one+`]}`)
		h.call(all, "PATCH", path+"/web_acme", `{"use_for_member_access":false}`).is(200, strings.Replace(one, "true", "false", 1))
		h.call(all, "POST", path, `{"clients":[{"client_id":"web_acme"}]}`).fails(409, "", "The client is already associated with this organization.")
		h.call(all, "POST", path, `{"clients":[{"client_id":"none"}]}`).fails(404, "inexistent_client", "The client does not exist")
		h.call(all, "DELETE", path, `{"clients":["web_acme"]}`).is(204, "")
		h.call(all, "GET", path+"/web_acme", "").fails(404, "", "No client found by that id")
	})
}

func TestInvitations(t *testing.T) {
	each(t, func(h *house) {
		all, org := h.machine("acme"), h.org("north")
		path := "/organizations/" + org + "/invitations"
		asked := `{"inviter":{"name":"Ada"},"invitee":{"email":"Bob@X.test"},"client_id":"web_acme"`
		h.call(all, "POST", path, asked+"}").fails(400, "invalid_body", "The specified client_id (web_acme) does not allow organizations.")
		h.call(all, "PATCH", "/clients/web_acme", `{"organization_usage":"allow"}`).is(200, "")
		h.call(all, "POST", path, asked+"}").fails(400, "invalid_body", "A default login route is required to generate the invitation url.")
		h.call(all, "PATCH", "/clients/web_acme", `{"initiate_login_uri":"https://app.test/login?x=1"}`).is(200, "")
		h.call(all, "PATCH", "/tenants/settings", `{"stagedoor":{"max_metadata_bytes":2048}}`).is(200, "")
		for _, wrong := range []string{`,"roles":["rol_nobodysrole0000"]}`, `,"user_metadata":{"a":"` + strings.Repeat("x", 3000) + `"}}`} { // what could not be given, or kept
			if got := h.call(all, "POST", path, asked+wrong); got.code/100 != 4 {
				h.Errorf("%.60s: %d %s", wrong, got.code, got.body)
			}
		}
		got := h.call(all, "POST", path, asked+`,"user_metadata":{"a":1},"app_metadata":{"b":2},"ttl_sec":60}`).is(201, "")
		id, ticket := got.text("id"), got.text("ticket_id")
		one := `{"id":"` + id + `","organization_id":"` + org + `","client_id":"web_acme","inviter":{"name":"Ada"},"invitee":{"email":"bob@x.test"},"ticket_id":"` + ticket + `",
			"invitation_url":"https://app.test/login?x=1&invitation=` + ticket + `&organization=` + org + `&organization_name=north","user_metadata":{"a":1},"app_metadata":{"b":2},
			"created_at":"2026-11-25T12:00:00.000Z","expires_at":"2026-11-25T12:01:00.000Z"}`
		if !strings.HasPrefix(id, "uinv_") || len(ticket) != 32 {
			h.Errorf("created: %s", got.body)
		}
		got.is(201, one)
		if len(h.invited) != 1 || !strings.HasPrefix(h.invited[0], "bob@x.test https://app.test/login?x=1&invitation="+ticket) {
			h.Errorf("mails: %v", h.invited)
		}
		h.call(all, "GET", path+"/"+id, "").is(200, one)
		h.call(all, "GET", path+"?include_totals=true&per_page=50", "").is(200, `{"invitations":[`+one+`],"start":0,"limit":1}`)
		h.call(all, "GET", path+"?fields=id&sort=created_at:1", "").is(200, `[{"id":"`+id+`"}]`)
		quiet := h.call(all, "POST", path, asked+`,"send_invitation_email":false}`).is(201, "")
		if quiet.text("expires_at") != stagedoor.FormatTime(start.Add(7*24*time.Hour)) || len(h.invited) != 1 {
			h.Errorf("without a mail: %s %v", quiet.body, h.invited)
		}
		first := h.call(all, "GET", path+"?fields=id&sort=created_at:1&per_page=1", "").is(200, "").body
		second := h.call(all, "GET", path+"?fields=id&sort=created_at:1&per_page=1&page=1", "").is(200, "").body
		if both := first + second; strings.Count(both, `"id"`) != 2 || !strings.Contains(both, id) || !strings.Contains(both, quiet.text("id")) {
			h.Errorf("pages: %s %s", first, second)
		}
		h.call(all, "DELETE", path+"/"+id, "").is(204, "")
		h.call(all, "GET", path+"/"+id, "").fails(404, "inexistent_invitation", "The invitation does not exist.")
		h.call(all, "DELETE", path+"/"+id, "").fails(404, "inexistent_invitation", "The invitation does not exist.")
		for body, reason := range map[string]string{
			`{"invitee":{"email":"a@x.test"},"client_id":"web_acme"}`:          `Missing required property: inviter'`,
			`{"inviter":{"name":"A"},"invitee":{"email":"a"},"client_id":"c"}`: `Object didn't pass validation for format email: a' on property invitee.email (The invitee's email)`,
			asked + `,"ttl_sec":2592001}`:                                      `Value 2592001 is greater than maximum 2592000' on property ttl_sec (Number of seconds for which the invitation is valid before expiration)`,
		} {
			h.call(all, "POST", path, body).fails(400, "invalid_body", "Payload validation error: '"+reason+".")
		}
		h.call(all, "POST", path, strings.Replace(asked, "web_acme", "none", 1)+"}").fails(404, "inexistent_client", "The client does not exist")
		h.call(all, "POST", path, asked+`,"connection_id":"con_none"}`).fails(404, "", "No connection found by that id")
		list, err := h.store("acme").Invitations(h.Context(), org, false, offsetPage(web.Paging{}))
		h.ok(err)
		if len(list) != 1 || list[0].Ticket != quiet.text("ticket_id") {
			h.Errorf("kept: %+v", list)
		}
	})
}
