package mgmt

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
)

func TestClients(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		got := h.call(all, "POST", "/clients", `{"name":"Mixtape"}`).is(201, "")
		id, secret := got.text("client_id"), got.text("client_secret")
		if len(id) != 32 || len(secret) != 64 {
			h.Fatalf("created: %s", got.body)
		}
		keys := encode(got.get("signing_keys"))
		if !strings.Contains(keys, "BEGIN CERTIFICATE") || !strings.Contains(keys, "BEGIN PKCS7") {
			h.Errorf("signing keys: %s", keys)
		}
		fill := strings.NewReplacer("CLIENT_ID", id, "CLIENT_SECRET", secret, `"SIGNING_KEYS"`, keys)
		want := fill.Replace(golden(h.T, "client_created.json"))
		got.is(201, want)
		path := "/clients/" + id
		h.call(all, "GET", path, "").is(200, want)
		if enabled := h.call(all, "GET", "/connections/"+h.connectionID()+"/clients", ""); !strings.Contains(enabled.body, id) {
			h.Errorf("a new client is enabled on the connections: %s", enabled.body)
		}

		h.call(all, "PATCH", path, `{"jwt_configuration":{"alg":"RS256"},"client_metadata":{"a":"1","b":"2"},"mobile":{"ios":{"team_id":"T"}},"addons":{"wsfed":{}},
			"callbacks":["https://a.test/cb","com.example.app://cb","https://{organization_name}.a.test/cb"]}`).is(200, "")
		got = h.call(all, "PATCH", path, `{"jwt_configuration":{"secret_encoded":false},"client_metadata":{"a":null,"c":"3"},"mobile":{"android":{"app_package_name":"p"}},"addons":null}`).is(200, "")
		for name, want := range map[string]string{
			"jwt_configuration": `{"alg":"RS256","lifetime_in_seconds":36000,"secret_encoded":false}`, "client_metadata": `{"b":"2","c":"3"}`,
			"mobile": `{"android":{"app_package_name":"p"},"ios":{"team_id":"T"}}`, "addons": `null`,
		} {
			if encode(got.get(name)) != want {
				h.Errorf("%s: %s, want %s", name, encode(got.get(name)), want)
			}
		}
		h.call(all, "PATCH", path, `{"refresh_token":{"rotation_type":"rotating","expiration_type":"expiring","leeway":5}}`).is(200, "")
		if got := h.call(all, "PATCH", path, `{"refresh_token":null,"callbacks":null}`).is(200, ""); got.text("refresh_token", "rotation_type") != "non-rotating" || got.get("callbacks") != nil {
			h.Errorf("cleared: %s", got.body)
		}
		rotated := h.call(all, "POST", path+"/rotate-secret", "").is(200, "").text("client_secret")
		if len(rotated) != 64 || rotated == secret {
			h.Errorf("rotated: %q", rotated)
		}
		h.call(all, "DELETE", path, "").is(204, "")
		h.call(all, "DELETE", path, "").is(204, "")
		for _, method := range []string{"GET", "PATCH"} {
			h.call(all, method, path, `{"name":"x"}`).fails(404, "inexistent_client", "The client does not exist")
		}
		h.call(all, "POST", path+"/rotate-secret", "").fails(404, "inexistent_client", "The client does not exist")
	})
}

func TestClientDefaultsByType(t *testing.T) {
	h := sqlite(t)
	got := h.call(h.machine("acme"), "POST", "/clients", `{"name":"x","app_type":"spa","jwt_configuration":{"alg":"RS256"}}`).is(201, "")
	if got.text("token_endpoint_auth_method") != "none" || encode(got.get("jwt_configuration")) != `{"alg":"RS256","secret_encoded":false}` ||
		got.get("refresh_token", "token_lifetime") != 31557600.0 || got.get("refresh_token", "idle_token_lifetime") != 2592000.0 {
		t.Errorf("%s", got.body)
	}
}

func TestClientVisibility(t *testing.T) {
	h := sqlite(t)
	_, err := h.store("acme").UpdateClient(context.Background(), "web_acme", func(c *stagedoor.Client) error {
		c.AppType = "regular_web"
		return nil
	})
	h.ok(err)
	for scopes, c := range map[string]struct{ shown, hidden []string }{
		"read:client_summary":     {[]string{"client_id", "name", "app_type"}, []string{"client_secret", "callbacks", "signing_keys"}},
		"read:clients":            {[]string{"client_id", "callbacks"}, []string{"client_secret", "signing_keys"}},
		"read:client_keys":        {[]string{"client_id", "callbacks", "client_secret", "signing_keys"}, nil},
		"read:client_credentials": {[]string{"client_id", "client_secret"}, []string{"callbacks"}},
	} {
		one := h.call(h.machine("acme", scopes), "GET", "/clients/web_acme", "").is(200, "")
		many := h.call(h.machine("acme", scopes), "GET", "/clients", "").is(200, "")
		for _, a := range []answer{one, many} {
			for _, name := range c.shown {
				if !strings.Contains(a.body, `"`+name+`":`) {
					t.Errorf("%s: %s is missing in %s", scopes, name, a.body)
				}
			}
			for _, name := range c.hidden {
				if strings.Contains(a.body, `"`+name+`":`) {
					t.Errorf("%s: %s is shown in %s", scopes, name, a.body)
				}
			}
		}
	}
	update := h.machine("acme", "update:clients")
	if got := h.call(update, "PATCH", "/clients/web_acme", `{"description":"d"}`).is(200, ""); got.get("client_secret") != nil {
		t.Errorf("secret shown: %s", got.body)
	}
	h.call(update, "PATCH", "/clients/web_acme", `{"client_secret":"0123456789abcdef"}`).
		fails(403, "insufficient_scope", "Insufficient scope, expected any of: update:client_keys")
	h.call(h.machine("acme", "update:client_keys"), "PATCH", "/clients/web_acme", `{"name":"x"}`).
		fails(403, "insufficient_scope", "Insufficient scope, expected any of: update:clients")
	h.call(h.machine("acme", "update:client_keys"), "PATCH", "/clients/web_acme", `{"client_secret":"0123456789abcdef"}`).is(200, "")
}

// How a client proves itself, and keys, take scopes of their own (Management API fact sheet 3.4).
func TestCredentialsOfClientsTakeTheirScopes(t *testing.T) {
	h := sqlite(t)
	const methods, key = `"client_authentication_methods":{"private_key_jwt":{"credentials":[]}}`, `"encryption_key":{"pub":"p","cert":"c","subject":"s"}`
	for _, c := range [][4]string{
		{"create:clients", "POST", `{"name":"x",` + methods + `}`, "create:client_credentials"},
		{"create:clients", "POST", `{"name":"x",` + key + `}`, "update:client_keys"},
		{"update:clients", "PATCH", `{` + methods + `}`, "update:client_credentials"},
		{"update:clients", "PATCH", `{"client_authentication_methods":null}`, "update:client_credentials"},
		{"update:clients", "PATCH", `{` + key + `}`, "update:client_keys"},
	} {
		path, status := "/clients", 201
		if c[1] == "PATCH" {
			path, status = "/clients/web_acme", 200
		}
		h.call(h.machine("acme", c[0]), c[1], path, c[2]).fails(403, "insufficient_scope", "Insufficient scope, expected any of: "+c[3])
		h.call(h.machine("acme", c[0], c[3]), c[1], path, c[2]).is(status, "")
	}
}

// A secret is told to who may read it, and to who has it made: not to who may make other clients, or could replace it.
func TestSecretsAreNotToldForAWrite(t *testing.T) {
	h := sqlite(t)
	for scopes, body := range map[string]string{"create:clients update:clients": `{"description":"d"}`, "update:client_keys": `{"client_secret":"another secret of the client"}`} {
		if got := h.call(h.machine("acme", scopes), "PATCH", "/clients/web_acme", body).is(200, ""); got.get("client_secret") != nil || got.get("signing_keys") != nil {
			t.Errorf("%s: %s", scopes, got.body)
		}
	}
	if got := h.call(h.machine("acme", "create:clients"), "POST", "/clients", `{"name":"x"}`).is(201, ""); len(got.text("client_secret")) != 64 {
		t.Errorf("created: %s", got.body)
	}
	if got := h.call(h.machine("acme", "update:client_keys"), "POST", "/clients/web_acme/rotate-secret", "").is(200, ""); len(got.text("client_secret")) != 64 {
		t.Errorf("rotated: %s", got.body)
	}
	if got := h.call(h.machine("acme", "update:clients read:client_keys"), "PATCH", "/clients/web_acme", `{"description":"e"}`).is(200, ""); got.text("client_secret") == "" {
		t.Errorf("read:client_keys: %s", got.body)
	}
}

func TestClientRefusals(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	h.ok(h.store("acme").CreateClient(context.Background(), &stagedoor.Client{ID: "global", Name: "All Applications", Global: true}))
	h.call(all, "DELETE", "/clients/global", "").fails(400, "operation_not_supported", "Global client cannot be deleted.")
	for body, reason := range map[string]string{
		`{}`:                              `Missing required property: name'`,
		`{"name":"<b>"}`:                  `String does not match pattern ^[^<>]+$: <b>' on property name (Name of this client (min length: 1 character, does not allow < or >))`,
		`{"name":"x","colour":1}`:         `Additional properties not allowed: colour'`,
		`{"name":"x","client_id":"mine"}`: `Additional properties not allowed: client_id'`,
		`{"name":"x","callbacks":["javascript:alert(1)"]}`:          `Object didn't pass validation for format url: javascript:alert(1)' on property callbacks[0]`,
		`{"name":"x","callbacks":["/relative"]}`:                    `Object didn't pass validation for format url: /relative' on property callbacks[0]`,
		`{"name":"x","grant_types":["magic"]}`:                      `No enum match for: magic' on property grant_types[0]`,
		`{"name":"x","addons":[]}`:                                  `Expected type object but found type array' on property addons`,
		`{"name":"x","sso":"yes"}`:                                  `Expected type boolean but found type string' on property sso (Applies only to SSO clients and determines whether Auth0 will handle Single Sign On or whether the Identity Provider will)`,
		`{"name":"x","initiate_login_uri":"http://a.test"}`:         `Object didn't pass validation for format absolute-https-uri-or-empty: http://a.test' on property initiate_login_uri`,
		`{"name":"x","refresh_token":{"rotation_type":"rotating"}}`: `Missing required property: expiration_type' on property refresh_token`,
		`{"name":"x","client_metadata":{"a":1}}`:                    `Expected type string but found type integer' on property client_metadata.a`,
	} {
		h.call(all, "POST", "/clients", body).fails(400, "invalid_body", payload(reason))
	}
	if got := h.call(all, "POST", "/clients", `{"name":"x","jwt_configuration":{"alg":"RS512"}}`); got.code != 501 || got.text("errorCode") != "not_supported" {
		t.Errorf("RS512: %d %s", got.code, got.body)
	}
	if got := h.call(all, "GET", "/clients?is_global=false&include_totals=true", ""); got.get("total") != 1.0 {
		t.Errorf("refused, and yet there: %s", got.body)
	}
}

func TestListPaging(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		for i := range 5 {
			h.call(all, "POST", "/clients", fmt.Sprintf(`{"name":"c%d","app_type":"native"}`, i)).is(201, "")
		}
		got := h.call(all, "GET", "/clients?app_type=native,spa&per_page=2&page=1&fields=name&include_totals=true", "").is(200, "")
		if got.get("start") != 2.0 || got.get("limit") != 2.0 || got.get("total") != 5.0 || len(got.get("clients").([]any)) != 2 || got.header.Get("Link") != "" {
			h.Errorf("offset: %s", got.body)
		}
		got = h.call(all, "GET", "/clients?app_type=native&per_page=2&page=1", "").is(200, "")
		if link := got.header.Get("Link"); !strings.Contains(link, `page=2&per_page=2>; rel="next"`) || !strings.Contains(link, `rel="first"`) || !strings.Contains(link, `rel="last"`) {
			h.Errorf("link: %s", link)
		}
		var seen []string
		for from, pages := "", 0; pages < 4; pages++ {
			got := h.call(all, "GET", "/clients?app_type=native&include_totals=true&page=0&per_page=1&take=2&from="+url.QueryEscape(from), "").is(200, "")
			for _, c := range got.get("clients").([]any) {
				seen = append(seen, c.(map[string]any)["client_id"].(string))
			}
			if from = got.text("next"); from == "" {
				break
			}
		}
		if slices.Sort(seen); len(slices.Compact(seen)) != 5 {
			h.Errorf("checkpoint: %v", seen)
		}
		h.call(all, "GET", "/clients?from=bm9uZQ", "").fails(400, "invalid_paging", "The checkpoint ID provided in the 'from' parameter has expired or is invalid, please remove the checkpoint ID and try again")
		h.call(all, "GET", "/clients?per_page=101", "").is(400, "")
		h.call(all, "GET", "/clients?is_global=maybe", "").is(400, "")
		h.call(all, "GET", "/clients?q=name:x", "").is(200, "[]")
		h.call(all, "GET", "/clients?q=name:(", "").is(400, "")
	})
}

func TestClientGrants(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		h.call(all, "POST", "/resource-servers", `{"identifier":"https://api.test/","scopes":[{"value":"read:a"},{"value":"read:b"}]}`).is(201, "")
		body := `{"client_id":"web_acme","audience":"https://api.test/","scope":["read:a"]}`
		id := h.call(all, "POST", "/client-grants", body).is(201, "").text("id")
		want := `{"id":"` + id + `","client_id":"web_acme","audience":"https://api.test/","scope":["read:a"]}`
		h.call(all, "GET", "/client-grants/"+id, "").is(200, want)
		h.call(all, "GET", "/client-grants?audience="+url.QueryEscape("https://api.test/"), "").is(200, "["+want+"]")
		h.call(all, "GET", "/client-grants?client_id=nobody", "").is(200, "[]")
		if got := h.call(all, "POST", "/client-grants", body); got.code != 409 || got.text("message") != "A client grant already exists between web_acme and https://api.test/" {
			h.Errorf("twice: %s", got.body)
		}
		h.call(all, "PATCH", "/client-grants/"+id, `{"scope":["read:b"]}`).is(200, strings.Replace(want, "read:a", "read:b", 1))
		h.call(all, "PATCH", "/client-grants/"+id, `{"scope":[]}`).is(200, strings.Replace(want, `"read:a"`, "", 1))
		h.call(all, "PATCH", "/client-grants/"+id, `{"scope":["delete:world"]}`).is(200, strings.Replace(want, "read:a", "delete:world", 1)) // observed
		h.call(all, "PATCH", "/client-grants/"+id, `{"audience":"x"}`).fails(400, "invalid_body", payload(`Additional properties not allowed: audience'`))
		for _, path := range []string{"/clients/web_acme", "/tenants/settings", "/branding", "/prompts"} {
			h.call(all, "PATCH", path, `{}`).fails(400, "invalid_body", payload(`Too few properties defined (0), minimum 1'`))
		}
		h.call(all, "PATCH", "/client-grants/"+id, `{}`).fails(400, "invalid_body", payload(`Too few properties defined (0), minimum 1'`))
		h.call(all, "POST", "/client-grants", `{"client_id":"nobody","audience":"https://api.test/","scope":[]}`).fails(404, "inexistent_client", "The client does not exist")
		h.call(all, "POST", "/client-grants", `{"client_id":"web_acme","audience":"nope","scope":[]}`).fails(404, "inexistent_resource_server", "The resource server does not exist")
		h.call(all, "POST", "/client-grants", `{"client_id":"web_acme","audience":"https://api.test/"}`).fails(400, "invalid_body", payload(`Missing required property: scope'`))
		h.call(all, "POST", "/client-grants", `{"client_id":"web_acme","audience":"https://acme.test/api/v2/","scope":["read:users"]}`).is(201, "")
		visitors := h.call(all, "POST", "/client-grants", `{"client_id":"web_acme","audience":"https://api.test/","scope":["read:a"],"subject_type":"anonymous_user"}`).is(201, "").text("id")
		h.call(all, "GET", "/client-grants?subject_type=anonymous_user&client_id=web_acme", "").is(200, `[{"id":"`+visitors+`","client_id":"web_acme","audience":"https://api.test/","scope":["read:a"],"subject_type":"anonymous_user"}]`)
		h.call(all, "PATCH", "/client-grants/"+visitors, `{"organization_usage":"allow"}`).fails(400, "validation_error", "Organizations are for grants with subject_type client.")
		h.call(all, "DELETE", "/client-grants/"+visitors, "").is(204, "")
		h.call(all, "DELETE", "/client-grants/"+id, "").is(204, "")
		h.call(all, "DELETE", "/client-grants/"+id, "").is(204, "")
		h.call(all, "GET", "/client-grants/"+id, "").fails(404, "inexistent_client_grant", "The grant does not exist.")
		h.call(all, "PATCH", "/client-grants/"+id, `{"scope":[]}`).fails(404, "inexistent_client_grant", "The grant does not exist.")
	})
}

func TestConnections(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		got := h.call(all, "POST", "/connections", `{"name":"More-Users","strategy":"auth0","enabled_clients":["web_acme"]}`).is(201, "")
		id := got.text("id")
		got.is(201, strings.Replace(golden(h.T, "connection_created.json"), "CONNECTION_ID", id, 1))
		path := "/connections/" + id
		h.call(all, "GET", path, "").is(200, got.body)
		h.call(all, "GET", "/connections?name=More-Users&strategy=auth0&strategy=oidc&fields=name", "").is(200, `[{"name":"More-Users","is_domain_connection":false}]`)
		h.call(all, "GET", "/connections?strategy=oidc&take=50&include_totals=true", "").is(200, `{"connections":[]}`)

		got = h.call(all, "PATCH", path, `{"options":{"passwordPolicy":"low","attributes":{"email":{"identifier":{"active":true}}}},"display_name":"More","metadata":{"a":"b"},"show_as_button":false}`).is(200, "")
		if encode(got.get("options")) != `{"attributes":{"email":{"identifier":{"active":true},"unique":true,"verification_method":"link"}},`+
			`"authentication_methods":{"passkey":{"enabled":false},"password":{"api_behavior":"required","enabled":true,"signup_behavior":"allow"}},`+
			`"brute_force_protection":true,"passkey_options":{"challenge_ui":"both","local_enrollment_enabled":true,"progressive_enrollment_enabled":true},"passwordPolicy":"low"}` ||
			got.text("display_name") != "More" || got.get("show_as_button") != false {
			h.Errorf("options are replaced as a whole: %s", got.body)
		}
		second := h.call(all, "POST", "/clients", `{"name":"second"}`).text("client_id")
		h.call(all, "PATCH", path+"/clients", `[{"client_id":"`+second+`","status":true},{"client_id":"web_acme","status":false}]`).is(204, "")
		h.call(all, "GET", path+"/clients", "").is(200, `{"clients":[{"client_id":"`+second+`"}]}`)
		if got := h.call(all, "GET", path, ""); encode(got.get("enabled_clients")) != `["`+second+`"]` {
			h.Errorf("both views: %s", got.body)
		}
		h.call(all, "PATCH", path+"/clients", `[]`).fails(400, "invalid_body", payload(`Array is too short (0), minimum 1'`))
		h.call(all, "PATCH", path+"/clients", `[{"client_id":"x"}]`).fails(400, "invalid_body", payload(`Missing required property: status' on property [0]`))
		h.call(all, "PATCH", path+"/clients", `[{"client_id":"web_other","status":true}]`).fails(400, "inexistent_client", "The client does not exist: web_other")

		h.call(all, "POST", "/connections", `{"name":"More-Users","strategy":"auth0"}`).fails(409, "connection_conflict", "A connection with the same name already exists")
		h.call(all, "POST", "/connections", `{"name":"g","strategy":"nope"}`).fails(400, "invalid_body", payload(`No enum match for: nope' on property strategy`))
		h.call(all, "POST", "/connections", `{"name":"-x","strategy":"auth0"}`).is(400, "")
		h.call(all, "POST", "/connections", `{"name":"c","strategy":"auth0","options":{"colour":1}}`).is(400, "")
		h.call(all, "PATCH", path, `{"name":"renamed"}`).fails(400, "invalid_body", payload(`Additional properties not allowed: name'`))
		h.call(all, "PATCH", path, `{"options":{"attributes":{},"requires_username":true}}`).fails(400, "invalid_body", "Cannot set both options.attributes and options.requires_username")
		h.call(all, "GET", "/connections/short", "").fails(400, "invalid_uri", "Path validation error: 'String does not match pattern ^con_[A-Za-z0-9]{16}$: short' on property id (The id of the connection).")
		for _, c := range [][2]string{{"GET", ""}, {"PATCH", `{"display_name":"x"}`}} {
			h.call(all, c[0], "/connections/con_0000000000000000", c[1]).fails(404, "inexistent_connection", "The connection does not exist")
		}
		h.call(all, "POST", "/users", `{"connection":"More-Users","email":"a@x.test","password":"Correct-Horse-1","user_id":"a"}`).is(201, "")
		h.call(all, "DELETE", path+"/users?email=B%40x.test", "").is(204, "")
		h.call(all, "GET", "/users/auth0|a", "").is(200, "")
		h.call(all, "DELETE", path+"/users?email=A%40x.test", "").is(204, "")
		h.call(all, "GET", "/users/auth0|a", "").is(404, "")
		h.call(all, "DELETE", path+"/users", "").is(400, "")
		shared := h.call(all, "POST", "/connections", `{"name":"shared","strategy":"github","options":{"client_id":"x","client_secret":"y"}}`).is(201, "").text("id")
		h.call(all, "DELETE", "/connections/"+shared+"/users?email=a%40x.test", "").fails(400, "operation_not_supported", "Users of a connection of the strategy github cannot be deleted by their address.")
		h.call(all, "DELETE", path, "").is(202, `{"deleted_at":"2026-11-25T12:00:00.000Z"}`)
		h.call(all, "DELETE", path, "").is(204, "")
	})
}

func TestResourceServers(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		got := h.call(all, "POST", "/resource-servers", `{"identifier":"https://api.test/v1","name":"API","scopes":[{"value":"read:a","description":"Read"}]}`).is(201, "")
		id := got.text("id")
		want := `{"id":"` + id + `","name":"API","identifier":"https://api.test/v1","scopes":[{"value":"read:a","description":"Read"}],"signing_alg":"RS256",
			"allow_offline_access":false,"token_lifetime":86400,"token_lifetime_for_web":7200,"skip_consent_for_verifiable_first_party_clients":false,"subject_type_authorization":{"user":{"policy":"allow_all"},"client":{"policy":"require_client_grant"}}}`
		got.is(201, want)
		for _, path := range []string{id, "https%3A%2F%2Fapi.test%2Fv1"} {
			h.call(all, "GET", "/resource-servers/"+path, "").is(200, want)
		}
		h.call(all, "PATCH", "/resource-servers/https%3A%2F%2Fapi.test%2Fv1", `{"scopes":[{"value":"read:b"}],"enforce_policies":true,"subject_type_authorization":{"user":{"policy":"allow_all"}}}`).is(200, "")
		got = h.call(all, "PATCH", "/resource-servers/"+id, `{"signing_alg":"HS256","token_lifetime":60}`).is(200, "")
		if len(got.text("signing_secret")) != 64 || got.get("token_lifetime_for_web") != 60.0 || encode(got.get("scopes")) != `[{"value":"read:b"}]` {
			h.Errorf("patched: %s", got.body)
		}
		if got = h.call(all, "PATCH", "/resource-servers/"+id, `{"signing_alg":"RS256"}`); got.get("signing_secret") != nil {
			h.Errorf("secret is left: %s", got.body)
		}
		h.call(all, "PATCH", "/resource-servers/"+id, `{"token_lifetime_for_web":61}`).fails(400, "invalid_body", "token_lifetime_for_web must be lower than or equal to token_lifetime.")
		h.call(all, "PATCH", "/resource-servers/"+id, `{"identifier":"x"}`).fails(400, "invalid_body", payload(`Additional properties not allowed: identifier'`))
		h.call(all, "PATCH", "/resource-servers/"+id, `{"token_encryption":{"format":"compact-nested-jwe"}}`).
			fails(400, "invalid_body", payload(`Missing required property: encryption_key' on property token_encryption`))
		h.call(all, "POST", "/resource-servers", `{"identifier":"https://api.test/v1"}`).fails(409, "resource_server_conflict", "A resource server with the same identifier already exists")
		h.call(all, "POST", "/resource-servers", `{"identifier":"https://acme.test/api/v2/"}`).fails(400, "operation_not_supported", "The selected identifier is reserved.")
		h.call(all, "POST", "/resource-servers", `{"identifier":"x","scopes":[{"value":"a"},{"value":"a"}]}`).is(400, "")

		got = h.call(all, "GET", "/resource-servers/https%3A%2F%2Facme.test%2Fapi%2Fv2%2F", "").is(200, "")
		system := "/resource-servers/" + got.text("id")
		if got.text("name") != "Auth0 Management API" || got.get("is_system") != true || len(got.get("scopes").([]any)) != len(ManagementScopes()) {
			h.Errorf("system API: %d scopes, %.300s", len(got.get("scopes").([]any)), got.body)
		}
		h.call(all, "DELETE", system, "").fails(400, "operation_not_supported", "System resource servers cannot be deleted.")
		h.call(all, "PATCH", system, `{"name":"x"}`).fails(400, "operation_not_supported", "System resource servers cannot be patched.")
		h.call(all, "PATCH", system, `{"token_lifetime":3600,"skip_consent_for_verifiable_first_party_clients":true}`).is(200, "")
		h.call(all, "GET", "/resource-servers?include_totals=true&fields=identifier&identifiers="+url.QueryEscape("https://api.test/v1"), "").
			is(200, `{"start":0,"limit":50,"total":1,"resource_servers":[{"identifier":"https://api.test/v1"}]}`)
		h.call(all, "DELETE", "/resource-servers/"+id, "").is(204, "")
		h.call(all, "DELETE", "/resource-servers/"+id, "").is(204, "")
		h.call(all, "GET", "/resource-servers/"+id, "").fails(404, "inexistent_resource_server", "The resource server does not exist")
	})
}

func TestRules(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		rule := func(name, more string) string {
			return `{"name":"` + name + `","script":"function (user, context, callback) { callback(null, user, context); }"` + more + `}`
		}
		one := h.call(all, "POST", "/rules", rule("one", "")).is(201, "")
		id := one.text("id")
		one.is(201, `{"id":"`+id+`","name":"one","script":"function (user, context, callback) { callback(null, user, context); }","order":1,"enabled":true,"stage":"login_success"}`)
		two := h.call(all, "POST", "/rules", rule("two", `,"enabled":false,"order":7`)).is(201, "").text("id")
		h.call(all, "POST", "/rules", rule("three", "")).is(201, "")
		h.call(all, "GET", "/rules?fields=name,order", "").is(200, `[{"name":"one","order":1},{"name":"two","order":7},{"name":"three","order":8}]`)
		h.call(all, "GET", "/rules?enabled=false&fields=name&include_totals=true", "").is(200, `{"start":0,"limit":50,"total":1,"rules":[{"name":"two"}]}`)
		h.call(all, "GET", "/rules?stage=login_success&enabled=false&fields=name", "").is(200, `[{"name":"two"}]`)
		h.call(all, "GET", "/rules?stage=login_failure", "").is(200, `[]`)
		h.call(all, "GET", "/rules?stage=other", "").fails(400, "invalid_query_string", "Query validation error: 'No enum match for: other' on property stage (Optional filter on the stage of a rule).")
		h.call(all, "POST", "/rules", rule("one", "")).fails(409, "rule_conflict", "A rule with the same name already exists")
		h.call(all, "POST", "/rules", rule("four", `,"order":7`)).fails(409, "rule_conflict", "A rule with the same order already exists")
		h.call(all, "PATCH", "/rules/"+id, `{"order":7}`).fails(409, "rule_conflict", "A rule with the same order already exists")
		h.call(all, "PATCH", "/rules/"+id, `{"name":"two"}`).fails(409, "rule_conflict", "A rule with the same name already exists")
		h.call(all, "PATCH", "/rules/"+two, `{"order":0,"enabled":true,"name":"second"}`).is(200, "")
		h.call(all, "POST", "/rules", rule("five", `,"stage":"login_success"`)).is(201, "") // the deploy tool always names it
		six := h.call(all, "POST", "/rules", rule("six", `,"stage":"login_failure"`)).is(201, "").text("id")
		h.call(all, "GET", "/rules/"+six+"?fields=stage", "").is(200, `{"stage":"login_failure"}`)
		h.call(all, "POST", "/rules", rule("seven", `,"stage":"later"`)).is(400, "")
		h.call(all, "PATCH", "/rules/"+two, `{"stage":"login_success"}`).is(400, "")
		h.call(all, "POST", "/rules", `{"name":"-bad-","script":"x"}`).is(400, "")
		h.call(all, "POST", "/rules", `{"name":"bad"}`).fails(400, "invalid_body", payload(`Missing required property: script'`))
		h.call(all, "POST", "/rules", `{"name":"bad","script":"alert("}`).fails(400, "invalid_body", payload(`unexpected token at line 1' on property script`))
		h.call(all, "PATCH", "/rules/"+id, `{"script":"alert("}`).fails(400, "invalid_body", payload(`unexpected token at line 1' on property script`))
		h.call(all, "PATCH", "/rules/"+id, `{}`).fails(400, "invalid_body", payload(`Too few properties defined (0), minimum 1'`))
		h.call(all, "GET", "/rules/"+id, "").is(200, "")
		h.call(all, "DELETE", "/rules/"+id, "").is(204, "")
		h.call(all, "DELETE", "/rules/"+id, "").is(204, "")
		h.call(all, "GET", "/rules/"+id, "").fails(404, "inexistent_rule", "The rule does not exist")
		h.call(all, "PATCH", "/rules/"+id, `{"enabled":true}`).fails(404, "inexistent_rule", "The rule does not exist")

		h.call(all, "GET", "/rules-configs", "").is(200, `[]`)
		h.call(all, "PUT", "/rules-configs/KEY", `{"value":"s3cret-value"}`).is(200, `{"key":"KEY","value":"s3cret-value"}`)
		h.call(all, "PUT", "/rules-configs/A", `{"value":""}`).is(200, "")
		h.call(all, "GET", "/rules-configs", "").is(200, `[{"key":"A"},{"key":"KEY"}]`)
		h.call(all, "GET", "/rules-configs?include_totals=true&per_page=50", "").is(200, `[{"key":"A"},{"key":"KEY"}]`) // go-auth0 asks so
		h.call(all, "PUT", "/rules-configs/"+strings.Repeat("k", 128), `{"value":"v"}`).is(400, "")
		h.call(all, "PUT", "/rules-configs/KEY", `{}`).fails(400, "invalid_body", payload(`Missing required property: value'`))
		h.call(all, "DELETE", "/rules-configs/KEY", "").is(204, "")
		h.call(all, "GET", "/rules-configs", "").is(200, `[{"key":"A"}]`)
	})
}

func TestTenantSettings(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		h.call(all, "GET", "/tenants/settings", "").is(200, golden(h.T, "tenant_settings.json"))
		got := h.call(all, "PATCH", "/tenants/settings", `{"friendly_name":"Acme","flags":{"enable_sso":true},"session_lifetime":1.5,"idle_session_lifetime_in_minutes":30,
			"error_page":{"url":"https://acme.test/error","show_log_link":true},"session_cookie":{"mode":"non-persistent"},"support_email":"","change_password":{"enabled":false,"html":"x"}}`).is(200, "")
		for path, want := range map[string]string{
			"friendly_name": `"Acme"`, "session_lifetime": "1.5", "idle_session_lifetime": "0.5",
			"error_page": `{"show_log_link":true,"url":"https://acme.test/error"}`, "change_password": `{"enabled":false,"html":"x"}`, "stagedoor": "null",
		} {
			if encode(got.get(path)) != want {
				h.Errorf("%s: %s, want %s", path, encode(got.get(path)), want)
			}
		}
		if flags := got.get("flags").(map[string]any); len(flags) != 13 || flags["enable_sso"] != true || flags["enable_client_connections"] != true || flags["remove_alg_from_jwks"] != false {
			h.Errorf("flags: %v", flags)
		}
		h.call(all, "GET", "/tenants/settings", "").is(200, got.body)
		if got := h.call(all, "PATCH", "/tenants/settings", `{"error_page":null,"change_password":null,"session_cookie":null}`).is(200, ""); got.get("error_page") != nil || got.get("change_password") != nil {
			h.Errorf("cleared: %s", got.body)
		}
		h.call(all, "GET", "/tenants/settings?fields=friendly_name", "").is(200, `{"friendly_name":"Acme"}`)
		for body, reason := range map[string]string{
			`{"flags":{"magic":true}}`:                 `Additional properties not allowed: magic' on property flags`,
			`{"stagedoor":{"colour":true}}`:            `Additional properties not allowed: colour' on property stagedoor`,
			`{"stagedoor":{"max_metadata_bytes":-1}}`:  `Value -1 is less than minimum 0' on property stagedoor.max_metadata_bytes`,
			`{"stagedoor":{"script_runtime":"deno"}}`:  `No enum match for: deno' on property stagedoor.script_runtime`,
			`{"flags":{"enable_sso":"x"}}`:             `Expected type boolean but found type string' on property flags.enable_sso`,
			`{"enabled_locales":["xx"]}`:               `No enum match for: xx' on property enabled_locales[0]`,
			`{"enabled_locales":[]}`:                   `Array is too short (0), minimum 1' on property enabled_locales`,
			`{"default_redirection_uri":"http://a.b"}`: `Object didn't pass validation for format absolute-uri-or-empty: http://a.b' on property default_redirection_uri`,
			`{"picture_url":"javascript:1"}`:           `Object didn't pass validation for format absolute-uri-or-empty: javascript:1' on property picture_url`,
		} {
			h.call(all, "PATCH", "/tenants/settings", body).fails(400, "invalid_body", payload(reason))
		}
		for _, address := range []string{"http://localhost:3000/", "http://127.0.0.1:3000", "https://app.test/start"} {
			if got := h.call(all, "PATCH", "/tenants/settings", `{"default_redirection_uri":"`+address+`"}`).is(200, ""); got.get("default_redirection_uri") != address {
				h.Errorf("%s: %s", address, got.body)
			}
		}
		for _, runtime := range []string{"embedded", "node", "auto"} {
			got := h.call(all, "PATCH", "/tenants/settings", `{"stagedoor":{"script_runtime":"`+runtime+`"}}`).is(200, "")
			if encode(got.get("stagedoor", "script_runtime")) != `"`+runtime+`"` {
				h.Errorf("%s: %s", runtime, got.body)
			}
		}
		h.api.NodeError = func() error { return errors.New("Node.js is not installed on this server") }
		h.call(all, "PATCH", "/tenants/settings", `{"stagedoor":{"script_runtime":"node"}}`).fails(400, "invalid_body", payload(`Node.js is not installed on this server' on property stagedoor.script_runtime`))
		if got := h.call(all, "GET", "/tenants/settings", "").is(200, ""); encode(got.get("stagedoor", "script_runtime")) != `"auto"` {
			h.Errorf("after a refusal: %s", got.body)
		}
	})
}

func TestGrants(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		kim, lee := h.user("kim", ""), h.user("lee", "")
		ctx := context.Background()
		for _, user := range []string{kim, lee} {
			for _, audience := range []string{"a", "b"} {
				h.ok(h.store("acme").AddGrant(ctx, user, "web_acme", audience, []string{"openid"}))
			}
		}
		got := h.call(all, "GET", "/grants?include_totals=true&user_id="+url.QueryEscape(kim)+"&audience=a", "").is(200, "")
		list := got.get("grants").([]any)
		if len(list) != 1 || encode(list[0].(map[string]any)["clientID"]) != `"web_acme"` {
			h.Fatalf("%s", got.body)
		}
		var ids []string
		for page := range 3 {
			got := h.call(all, "GET", "/grants?client_id=web_acme&include_totals=true&per_page=2&page="+itoa(page), "").is(200, "")
			if got.get("start") != float64(2*page) || got.get("limit") != 2.0 || got.get("total") != 4.0 {
				h.Errorf("page %d: %s", page, got.body)
			}
			for _, g := range got.get("grants").([]any) {
				ids = append(ids, g.(map[string]any)["id"].(string))
			}
		}
		if len(ids) != 4 || !slices.IsSorted(ids) {
			h.Errorf("page by page: %v", ids)
		}
		h.call(all, "GET", "/grants?per_page=2&page=9", "").is(200, "[]")
		h.call(all, "DELETE", "/grants/"+list[0].(map[string]any)["id"].(string)+"?user_id="+url.QueryEscape(kim), "").is(204, "")
		h.call(all, "DELETE", "/grants", "").is(400, "")
		if got := h.call(all, "GET", "/grants?include_totals=true", ""); got.get("total") != 3.0 {
			h.Errorf("%s", got.body)
		}
		h.call(all, "DELETE", "/grants?user_id="+url.QueryEscape(lee), "").is(204, "")
		if got := h.call(all, "GET", "/grants?include_totals=true", ""); got.get("total") != 1.0 {
			h.Errorf("%s", got.body)
		}
	})
}

func TestAccountSettings(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	for body, want := range map[string]string{
		`{"account":{"client_id":"c1","parts":["sessions"],"metadata_keys":["theme"]}}`: `{"client_id":"c1","metadata_keys":["theme"],"parts":["sessions"]}`,
		`{"account":{"client_id":"c2"}}`:                                                `{"client_id":"c2"}`, // it replaces what was there
		`{"account":null}`:                                                              `null`,
		`{"account":{"client_id":""}}`:                                                  `null`,
	} {
		if got := h.call(all, "PATCH", "/tenants/settings", `{"stagedoor":`+body+`}`).is(200, ""); encode(got.get("stagedoor", "account")) != want {
			t.Errorf("%s: %s", body, got.body)
		}
	}
	h.call(all, "PATCH", "/tenants/settings", `{"stagedoor":{"account":{"client_id":"c","parts":["everything"]}}}`).fails(400, "invalid_body", payload(`No enum match for: everything' on property stagedoor.account.parts[0]`))
}
