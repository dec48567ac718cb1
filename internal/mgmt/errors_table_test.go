package mgmt

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// TestErrorTable holds the answers of the Management API fact sheet 1.3, row by row, to the exact body. What callers may not do and what a
// token must be is in TestAuthenticationErrors and TestScopes, what the limits answer in TestRateLimit.
func TestErrorTable(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		made := func(method, path, body string, status int) answer {
			h.Helper()
			return h.call(all, method, path, body).is(status, "")
		}
		ada := h.user("ada", "")
		h.user("bob", "")
		made("POST", "/resource-servers", `{"identifier":"https://api.test/","scopes":[{"value":"a"}]}`, 201)
		made("POST", "/rules", `{"name":"first","script":"function(){}","order":7}`, 201)
		made("POST", "/client-grants", `{"client_id":"web_acme","audience":"https://api.test/","scope":["a"]}`, 201)
		made("POST", "/roles", `{"name":"reader"}`, 200)
		made("POST", "/organizations", `{"name":"lyric"}`, 201)
		made("POST", "/connections", `{"name":"Named","strategy":"auth0","enabled_clients":["web_acme"],"options":{"requires_username":true}}`, 201)
		made("POST", "/users", `{"connection":"Named","email":"nan@x.test","username":"nan","password":"Correct-Horse-1"}`, 201)
		made("POST", "/email-templates", `{"template":"verify_email","body":"x","from":"a@x.test","subject":"s","syntax":"liquid","enabled":true}`, 200)
		made("POST", "/connections", `{"name":"Off","strategy":"auth0"}`, 201)
		api := made("GET", "/resource-servers", "", 200).body
		system := api[strings.LastIndex(api[:strings.Index(api, "https://acme.test/api/v2/")], `"id":"`)+6:]
		system = system[:strings.Index(system, `"`)]
		role := made("GET", "/roles", "", 200).body
		role = role[strings.Index(role, `"id":"`)+6:]
		role = role[:strings.Index(role, `"`)]
		org := made("GET", "/organizations/name/lyric", "", 200).text("id")
		_, saml := h.connect("saml", "samlp")
		user := func(rest string) string { return `{"connection":"Users","password":"Correct-Horse-1"` + rest + `}` }
		const none = "00000000-0000-4000-8000-000000000000"

		for i, row := range []struct {
			method, path, body string
			status             int
			code, message      string
		}{
			// validation
			{"POST", "/users", `{}`, 400, "invalid_body", "Payload validation error: 'Missing required property: connection'."},
			{"POST", "/users", user(`,"email":"nobody"`), 400, "invalid_body", "Payload validation error: 'Object didn't pass validation for format email: nobody' on property email (The user's email)."},
			{"POST", "/users", user(`,"email":"n@x.test","nick":"n"`), 400, "invalid_body", `Payload validation error: 'Additional properties not allowed: nick (consider storing them in app_metadata or user_metadata. See "Users Metadata" in https://auth0.com/docs/api/v2/changes for more details)'.`},
			{"POST", "/users", user(`,"email":7`), 400, "invalid_body", "Payload validation error: 'Expected type string but found type integer' on property email (The user's email)."},
			{"PATCH", "/rules/rul_0000000000000000", `{"order":"1"}`, 400, "invalid_body", "Payload validation error: 'Expected type integer but found type string' on property order (Order that this rule should execute in relative to other rules)."},
			{"GET", "/users?page=20&per_page=51&search_engine=v3&include_totals=x", "", 400, "invalid_query_string", "Query validation error: 'Expected type boolean but found type string' on property include_totals (Return results inside an object that contains the total result count (true) or as a direct array of results (false, default))."},

			// not found
			{"GET", "/users/auth0%7Cnobody", "", 404, "inexistent_user", "The user does not exist."},
			{"PATCH", "/users/auth0%7Cnobody", `{"name":"n"}`, 404, "inexistent_user", "The user does not exist."},
			{"GET", "/clients/nobody", "", 404, "inexistent_client", "The client does not exist"},
			{"PATCH", "/clients/nobody", `{"name":"n"}`, 404, "inexistent_client", "The client does not exist"},
			{"PATCH", "/client-grants/cgr_0000000000000000", `{"scope":[]}`, 404, "inexistent_client_grant", "The grant does not exist."},
			{"GET", "/connections/con_0000000000000000", "", 404, "inexistent_connection", "The connection does not exist"},
			{"GET", "/resource-servers/nothing", "", 404, "inexistent_resource_server", "The resource server does not exist"},
			{"GET", "/rules/rul_0000000000000000", "", 404, "inexistent_rule", "The rule does not exist"},
			{"GET", "/roles/rol_0000000000000000", "", 404, "", "The role does not exist."},
			{"POST", "/roles/" + role + "/permissions", `{"permissions":[{"resource_server_identifier":"https://api.test/","permission_name":"b"}]}`, 404, "inexistent_resource_server_permission", "This permission does not exist: 'https://api.test/ - b'"},
			{"GET", "/organizations/org_0000000000000000", "", 404, "", "No organization found by that id or name"},
			{"GET", "/organizations/name/nothing", "", 404, "", "No organization found by that id or name"},
			{"GET", "/organizations/" + org + "/enabled_connections/con_0000000000000000", "", 404, "", "No connection found by that id"},
			{"GET", "/organizations/" + org + "/invitations/uinv_0000000000000000", "", 404, "inexistent_invitation", "The invitation does not exist."},
			{"GET", "/organizations/" + org + "/discovery-domains/orgdom_0000000000000000", "", 404, "", "No organization domain found by that id"},
			{"GET", "/actions/actions/" + none, "", 404, "", "That action does not exist."},
			{"GET", "/actions/executions/" + none, "", 404, "", "That execution does not exist."},
			{"GET", "/hooks/0000000000000000", "", 404, "HookDoesNotExist", "Error: Hook does not exist"},
			{"GET", "/emails/provider", "", 404, "inexistent_email_provider", "There is not a configured email provider"},
			{"GET", "/email-templates/blocked_account", "", 404, "inexistent_email_template", "The template does not exist."},
			{"GET", "/branding/templates/universal-login", "", 404, "inexistent_templates_universal_login", "Template does not exist."},
			{"GET", "/branding/themes/nothing", "", 404, "theme_not_found", "There was an error retrieving branding settings: invalid theme ID"},
			{"DELETE", "/branding/themes/nothing", "", 404, "theme_not_found", "There was an error deleting branding settings: invalid theme ID"},
			{"GET", "/custom-domains/cd_0000000000000000", "", 404, "inexistent_custom_domain", "The custom domain cd_0000000000000000 does not exist"},
			{"GET", "/log-streams/lst_0000000000000000", "", 404, "", "The log stream does not exist."},
			{"GET", "/flows/af_nothing", "", 404, "", "Flow not found"},
			{"GET", "/forms/ap_nothing", "", 404, "", "Form not found"},
			{"GET", "/flows/vault/connections/ac_nothing", "", 404, "", "Connection not found"},
			{"GET", "/event-streams/est_0000000000000000000000", "", 404, "", "The requested stream does not exist."},
			{"GET", "/token-exchange-profiles/tep_0000000000000000", "", 404, "", "Token exchange profile not found."},
			{"GET", "/user-attribute-profiles/uap_0000000000000000", "", 404, "", "User attribute profile not found."},
			{"GET", "/self-service-profiles/ssp_0000000000000000", "", 404, "", "Profile with ID: ssp_0000000000000000 not found"},
			{"GET", "/network-acls/acl_0000000000000000", "", 404, "", "NetworkACL with this ID was not found"},
			{"GET", "/branding/phone/providers/pro_0000000000000000", "", 404, "", "Notification Resource not found"},
			{"GET", saml + "/scim-configuration", "", 404, "", "Not Found"},
			{"GET", "/anomaly/blocks/ips/192.0.2.1", "", 404, "", "Not Found"},
			{"GET", "/nothing", "", 404, "", "Not Found"},

			// conflicts and special 400s
			{"POST", "/users", user(`,"email":"ada@x.test"`), 409, "auth0_idp_error", "The user already exists."},
			{"POST", "/users", user(`,"email":"a2@x.test","user_id":"ada"`), 409, "auth0_idp_error", "The user already exists."},
			{"POST", "/users", `{"connection":"Named","email":"n2@x.test","username":"nan","password":"Correct-Horse-1"}`, 400, "auth0_idp_error", "The username provided is in use already."},
			{"POST", "/users", user(`,"email":"n@x.test","username":"n"`), 400, "invalid_body", "Cannot set username for connection without requires_username."},
			{"POST", "/users", `{"connection":"Nothing","email":"n@x.test","password":"Correct-Horse-1"}`, 400, "inexistent_connection", "The connection does not exist."},
			{"POST", "/users", `{"connection":"Off","email":"n@x.test","password":"Correct-Horse-1"}`, 400, "operation_not_supported", "Connection is disabled"},
			{"POST", "/users", `{"connection":"Users","email":"n@x.test","password":"a"}`, 400, "invalid_body", "PasswordStrengthError: Password is too weak"},
			{"PATCH", "/users/" + strings.ReplaceAll(ada, "|", "%7C"), `{"password":"a"}`, 400, "invalid_body", "PasswordStrengthError: Password is too weak"},
			{"PATCH", "/users/" + strings.ReplaceAll(ada, "|", "%7C"), `{"email":"bob@x.test"}`, 400, "auth0_idp_error", "The specified new email already exists"},
			{"POST", "/client-grants", `{"client_id":"web_acme","audience":"https://api.test/","scope":[]}`, 409, "", "A client grant already exists between web_acme and https://api.test/"},
			{"POST", "/connections", `{"name":"Users","strategy":"auth0"}`, 409, "connection_conflict", "A connection with the same name already exists"},
			{"POST", "/rules", `{"name":"first","script":"function(){}"}`, 409, "rule_conflict", "A rule with the same name already exists"},
			{"POST", "/rules", `{"name":"second","script":"function(){}","order":7}`, 409, "rule_conflict", "A rule with the same order already exists"},
			{"POST", "/resource-servers", `{"identifier":"https://api.test/"}`, 409, "resource_server_conflict", "A resource server with the same identifier already exists"},
			{"POST", "/roles", `{"name":"reader"}`, 409, "", "The role already exists."},
			{"POST", "/organizations", `{"name":"lyric"}`, 409, "", "An organization with this name already exists."},
			{"POST", "/email-templates", `{"template":"verify_email","body":"x","from":"a@x.test","subject":"s","syntax":"liquid","enabled":true}`, 409, "", "Template verify_email already exists."},
			{"DELETE", "/resource-servers/" + system, "", 400, "", "System resource servers cannot be deleted."},
			{"PATCH", "/resource-servers/" + system, `{"name":"mine"}`, 400, "", "System resource servers cannot be patched."},
		} {
			got := h.call(all, row.method, row.path, row.body)
			got.what = strconv.Itoa(i) + " " + got.what
			if row.code == "" && got.code != http.StatusNotFound { // the sheet has not seen the code
				row.code = got.text("errorCode")
			}
			got.fails(row.status, row.code, row.message)
		}

		h.call(all, "POST", "/emails/provider", `{"name":"smtp","default_from_address":"a@x.test","credentials":{"smtp_host":"mail.x.test","smtp_port":25,"smtp_user":"u","smtp_pass":"p"}}`).is(201, "")
		h.call(all, "POST", "/emails/provider", `{"name":"smtp","default_from_address":"a@x.test","credentials":{"smtp_host":"mail.x.test","smtp_port":25,"smtp_user":"u","smtp_pass":"p"}}`).
			fails(409, "", "Email provider is already configured.")
		for _, settings := range []string{"PATCH /prompts/mfa-push", "PUT /guardian/factors/duo/settings", "PUT /guardian/factors/push-notification/providers/sns"} {
			method, path, _ := strings.Cut(settings, " ")
			h.call(all, method, path, "").is(200, "") // no body changes nothing
		}
		h.call(all, "GET", "/users?q="+strings.Repeat("a", maxQuery), "").is(414, "")
		h.call(all, "POST", "/rules", `{"name":"`+strings.Repeat("a", maxBody)+`"}`).is(413, "")
	})
}
