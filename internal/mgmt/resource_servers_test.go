package mgmt

import (
	"context"
	"slices"
	"strings"
	"testing"
)

func TestResourceServerMembers(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	for name, value := range map[string]string{
		"allow_online_access": `true`, "consent_policy": `"transactional-authorization-with-mfa"`,
		"authorization_details": `[{"type":"payment"},{"type":"my custom type"}]`, "authorization_policy": `{"policy_id":"p"}`,
		"proof_of_possession":        `{"mechanism":"dpop","required":true,"required_for":"public_clients"}`,
		"subject_type_authorization": `{"anonymous_user":{"policy":"require_client_grant"},"client":{"policy":"deny_all"},"user":{"policy":"require_client_grant"}}`,
		"signing_alg":                `"PS256"`, "token_dialect": `"rfc9068_profile_authz"`, "enforce_policies": `true`, "allow_offline_access": `true`,
	} {
		path := "/resource-servers/" + h.call(all, "POST", "/resource-servers", `{"identifier":"urn:`+name+`","`+name+`":`+value+`}`).is(201, "").text("id")
		for _, got := range []answer{h.call(all, "GET", path, ""), h.call(all, "PATCH", path, `{"name":"n"}`), h.call(all, "GET", path, "")} {
			if encode(got.get(name)) != value {
				t.Errorf("%s: %s, want %s", name, encode(got.get(name)), value)
			}
		}
		h.call(all, "PATCH", path, `{"`+name+`":null}`).is(200, "")
	}
	for body, reason := range map[string]string{
		`"proof_of_possession":{"mechanism":"dpop"}`:                     `Missing required property: required' on property proof_of_possession`,
		`"subject_type_authorization":{"client":{"policy":"allow_all"}}`: `No enum match for: allow_all' on property subject_type_authorization.client.policy (Defines the client flows policy for the resource server)`,
		`"consent_policy":"none"`:                                        `No enum match for: none' on property consent_policy`,
		`"token_lifetime":2592001`:                                       `Value 2592001 is greater than maximum 2592000' on property token_lifetime (Expiration value (in seconds) for access tokens issued for this API from the token endpoint)`,
		`"signing_secret":"short"`:                                       `String is too short (5 chars), minimum 16' on property signing_secret (Secret used to sign tokens when using symmetric algorithms (HS256))`,
		`"name":"<x>"`:                                                   `String does not match pattern ^[^<>]+$: <x>' on property name (Friendly name for this resource server)`,
		`"token_encryption":{"format":"compact-nested-jwe","encryption_key":{"alg":"RSA-OAEP-256"}}`:           `Missing required property: pem' on property token_encryption.encryption_key`,
		`"token_encryption":{"format":"compact-nested-jwe","encryption_key":{"alg":"RSA-OAEP-256","pem":"x"}}`: `Object didn't pass validation for format pem' on property token_encryption.encryption_key.pem`,
		`"colour":1`: `Additional properties not allowed: colour'`,
	} {
		h.call(all, "POST", "/resource-servers", `{"identifier":"urn:x",`+body+`}`).fails(400, "invalid_body", payload(reason))
	}
	h.call(all, "POST", "/resource-servers", `{"identifier":"urn:x","signing_alg":"RS512"}`).fails(501, "not_supported", "The algorithm RS512 is not supported by this server.")
	h.call(all, "GET", "/resource-servers/urn:x", "").is(404, "")
}

// The key that tokens are encrypted with is never shown, and stays when what was shown is written back.
func TestTokenEncryptionKey(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	const shown = `{"encryption_key":{"alg":"RSA-OAEP-256","kid":"k","name":"n"},"format":"compact-nested-jwe"}`
	got := h.call(all, "POST", "/resource-servers", `{"identifier":"urn:e","token_encryption":`+strings.Replace(shown, `"kid"`, `"pem":`+h.certificate(0)+`,"kid"`, 1)+`}`).is(201, "")
	if encode(got.get("token_encryption")) != shown {
		t.Errorf("%s", got.body)
	}
	h.call(all, "PATCH", "/resource-servers/"+got.text("id"), `{"token_encryption":`+shown+`}`).is(200, "")
	rs, err := h.store("acme").ResourceServer(context.Background(), got.text("id"))
	h.ok(err)
	if !strings.HasPrefix(rs.TokenEncryption.Key.PEM, "-----BEGIN CERTIFICATE") {
		t.Errorf("%+v", rs.TokenEncryption)
	}
}

// An API knows the client that stands for it.
func TestLinkedClient(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	id := h.call(all, "POST", "/resource-servers", `{"identifier":"https://linked.test/?a=1&b=2"}`).is(201, "").text("id")
	client := h.call(all, "POST", "/clients", `{"name":"x","app_type":"resource_server","resource_server_identifier":"https://linked.test/?a=1&b=2"}`).is(201, "").text("client_id")
	for _, got := range []answer{
		h.call(all, "GET", "/resource-servers/"+id, ""), h.call(all, "PATCH", "/resource-servers/"+id, `{"name":"n"}`),
	} {
		if got.text("client_id") != client {
			t.Errorf("%s", got.body)
		}
	}
	h.call(all, "DELETE", "/clients/"+client, "").is(204, "")
	if got := h.call(all, "GET", "/resource-servers/"+id, ""); got.get("client_id") != nil {
		t.Errorf("%s", got.body)
	}
}

func TestWellKnownAPIs(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	for identifier, name := range map[string]string{"urn:auth0:express-configure": "Okta OIN Express Configuration API", "https://acme.test/me/": "Auth0 My Account API", "https://acme.test/my-org/": "Auth0 My Organization API"} {
		got := h.call(all, "POST", "/resource-servers", `{"identifier":"`+identifier+`","name":"mine","authorization_policy":{"policy_id":"p"}}`).is(201, "")
		if got.text("name") != name || got.get("is_system") != true || got.text("authorization_policy", "policy_id") != "p" {
			t.Errorf("%s", got.body)
		}
		path := "/resource-servers/" + got.text("id")
		h.call(all, "PATCH", path, `{"name":"x"}`).fails(400, "operation_not_supported", "System resource servers cannot be patched.")
		h.call(all, "DELETE", path, "").is(204, "")
		h.call(all, "GET", path, "").is(404, "")
	}
}

// The My Account API has all its scopes; for whom it is, and whether its tokens are bound to a key, is for the tenant to say, and that it is for people alone is not.
func TestMyAccountAPI(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		h.call(all, "POST", "/resource-servers", `{"identifier":"http://acme.test/me/"}`).fails(400, "operation_not_supported", "The selected identifier is reserved.")
		api := h.call(all, "POST", "/resource-servers", `{"identifier":"https://acme.test/me/"}`).is(201, "")
		var scopes []string
		for _, s := range api.get("scopes").([]any) {
			scopes = append(scopes, s.(map[string]any)["value"].(string))
		}
		if len(scopes) != 8 || !slices.Contains(scopes, "read:me:factors") || !slices.Contains(scopes, "delete:me:connected_accounts") {
			h.Errorf("scopes %q", scopes)
		}
		path := "/resource-servers/" + api.text("id")
		h.call(all, "PATCH", path, `{"subject_type_authorization":{"user":{"policy":"allow_all"},"client":{"policy":"deny_all"}},"proof_of_possession":{"mechanism":"dpop","required":true},"authorization_policy":{"policy_id":"p"}}`).is(200, "")
		got := h.call(all, "GET", path, "").is(200, "")
		if got.text("subject_type_authorization", "user", "policy") != "allow_all" || got.text("proof_of_possession", "mechanism") != "dpop" || got.text("authorization_policy", "policy_id") != "p" {
			h.Errorf("%s", got.body)
		}
		for _, body := range []string{
			`{"subject_type_authorization":{"client":{"policy":"require_client_grant"}}}`, `{"subject_type_authorization":{"anonymous_user":{"policy":"require_client_grant"}}}`, `{"subject_type_authorization":null}`, `{"scopes":[]}`, `{"name":"mine"}`, `{"signing_alg":"HS256"}`,
		} {
			h.call(all, "PATCH", path, body).fails(400, "operation_not_supported", "System resource servers cannot be patched.")
		}
	})
}

// So with the My Organization API: it is for people, as far as their roles go, whatever the tenant says.
func TestMyOrganizationAPI(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		h.call(all, "POST", "/resource-servers", `{"identifier":"http://acme.test/my-org/"}`).fails(400, "operation_not_supported", "The selected identifier is reserved.")
		api := h.call(all, "POST", "/resource-servers", `{"identifier":"https://acme.test/my-org/","enforce_policies":false}`).is(201, "")
		if scopes := api.get("scopes").([]any); len(scopes) != 30 || api.get("enforce_policies") != true || api.get("token_lifetime") != 600.0 {
			h.Errorf("%d scopes: %s", len(scopes), api.body)
		}
		path := "/resource-servers/" + api.text("id")
		h.call(all, "PATCH", path, `{"subject_type_authorization":{"user":{"policy":"allow_all"},"client":{"policy":"deny_all"}}}`).is(200, "")
		for _, body := range []string{`{"subject_type_authorization":{"client":{"policy":"require_client_grant"}}}`, `{"enforce_policies":false}`, `{"scopes":[]}`} {
			h.call(all, "PATCH", path, body).fails(400, "operation_not_supported", "System resource servers cannot be patched.")
		}
	})
}

func TestClientGrantMembers(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		h.call(all, "POST", "/resource-servers", `{"identifier":"urn:api","scopes":[{"value":"read:a"}]}`).is(201, "")
		client := h.call(all, "POST", "/client-grants", `{"client_id":"web_acme","audience":"urn:api","scope":["read:a"],"organization_usage":"allow","allow_any_organization":true,"subject_type":"client"}`).is(201, "")
		client.is(201, `{"id":"`+client.text("id")+`","client_id":"web_acme","audience":"urn:api","scope":["read:a"],"organization_usage":"allow","allow_any_organization":true,"subject_type":"client"}`)
		user := h.call(all, "POST", "/client-grants", `{"client_id":"web_acme","audience":"urn:api","scope":["read:a"],"subject_type":"user","authorization_details_types":["payment"]}`).is(201, "")
		want := `{"id":"` + user.text("id") + `","client_id":"web_acme","audience":"urn:api","scope":["read:a"],"subject_type":"user","authorization_details_types":["payment"]}`
		user.is(201, want)
		h.call(all, "GET", "/client-grants?subject_type=user", "").is(200, "["+want+"]")
		h.call(all, "GET", "/client-grants?subject_type=client&audience=urn:api", "").is(200, "["+client.body+"]")
		h.call(all, "GET", "/client-grants?allow_any_organization=true", "").is(200, "["+client.body+"]")
		h.call(all, "PATCH", "/client-grants/"+user.text("id"), `{"authorization_details_types":[]}`).is(200, strings.Replace(want, `"payment"`, "", 1))
		h.call(all, "PATCH", "/client-grants/"+user.text("id"), `{"organization_usage":"allow"}`).fails(400, "validation_error", "Organizations are for grants with subject_type client.")
		h.call(all, "PATCH", "/client-grants/"+client.text("id"), `{"allow_any_organization":null,"organization_usage":null,"allow_all_scopes":true}`).
			is(200, `{"id":"`+client.text("id")+`","client_id":"web_acme","audience":"urn:api","scope":["read:a"],"subject_type":"client","allow_all_scopes":true}`)

		third := h.call(all, "POST", "/client-grants", `{"default_for":"third_party_clients","audience":"urn:api","scope":[]}`).is(201, "")
		h.call(all, "GET", "/client-grants?default_for=third_party_clients", "").is(200, `[{"id":"`+third.text("id")+`","audience":"urn:api","scope":[],"default_for":"third_party_clients"}]`)
		h.call(all, "POST", "/client-grants", `{"default_for":"third_party_clients","client_id":"web_acme","audience":"urn:api","scope":[]}`).
			fails(400, "invalid_body", "client_id and default_for cannot be set at the same time.")
		h.call(all, "POST", "/client-grants", `{"audience":"urn:api","scope":[]}`).fails(400, "invalid_body", payload(`Missing required property: client_id'`))
		express := h.call(all, "POST", "/clients", `{"name":"x","app_type":"express_configuration"}`).text("client_id")
		h.call(all, "POST", "/client-grants", `{"client_id":"`+express+`","audience":"urn:api","scope":[]}`).fails(400, "validation_error", "Client of type express_configuration cannot be used")
		if got := h.call(all, "GET", "/client-grants?take=2", ""); len(got.get("client_grants").([]any)) != 2 || got.text("next") == "" {
			h.Errorf("by checkpoint: %s", got.body)
		}
	})
}

// Clients can be found by their grants.
func TestClientsByGrant(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	h.call(all, "POST", "/resource-servers", `{"identifier":"urn:api"}`).is(201, "")
	grant := h.call(all, "POST", "/client-grants", `{"client_id":"web_acme","audience":"urn:api","scope":[],"organization_usage":"allow"}`).is(201, "").text("id")
	org := h.call(all, "POST", "/organizations", `{"name":"org"}`).is(201, "").text("id")
	const none = `{"clients":[]}`
	h.call(all, "GET", "/clients?take=5&q=client_grant.organization_id:"+org, "").is(200, none)
	h.call(all, "GET", "/clients?take=5&q=client_grant.allow_any_organization:true", "").is(200, none)
	h.call(all, "POST", "/organizations/"+org+"/client-grants", `{"grant_id":"`+grant+`"}`).is(201, "")
	h.call(all, "PATCH", "/client-grants/"+grant, `{"allow_any_organization":true}`).is(200, "")
	const found = `{"clients":[{"client_id":"web_acme","tenant":"acme"}]}`
	h.call(all, "GET", "/clients?take=5&fields=client_id&q=client_grant.organization_id:"+org, "").is(200, found)
	h.call(all, "GET", "/clients?take=5&fields=client_id&q=client_grant.allow_any_organization:true", "").is(200, found)
}
