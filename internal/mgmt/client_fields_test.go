package mgmt

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
)

// certificate is a certificate of the tenant acme, PEM in a JSON string; public its key alone.
func (h *house) certificate(i int) string {
	h.Helper()
	b, err := json.Marshal(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tenantKeys(h.T)["acme"][i].CertDER})))
	h.ok(err)
	return string(b)
}

// Every member is accepted, returned as it was sent, kept through a patch of something else, and removed by null.
func TestClientMembers(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	for name, value := range map[string]string{
		"client_aliases": `["a"]`, "allowed_clients": `["b"]`, "sso": `true`, "cross_origin_loc": `"https://x.test/"`,
		"custom_login_page": `"page"`, "custom_login_page_preview": `"preview"`, "form_template": `"form"`,
		"encryption_key":                `{"cert":"c","pub":"p","subject":"s"}`,
		"token_exchange":                `{"allow_any_profile_of_type":["custom_authentication"]}`,
		"token_quota":                   `{"client_credentials":{"enforce":true,"per_day":100}}`,
		"oidc_logout":                   `{"backchannel_logout_initiators":{"mode":"custom","selected_initiators":["rp-logout"]},"backchannel_logout_session_metadata":{"include":true},"backchannel_logout_urls":["https://x.test/l"]}`,
		"session_transfer":              `{"allow_refresh_token":false,"allowed_authentication_methods":["cookie"],"can_create_session_transfer_token":true,"enforce_cascade_revocation":false,"enforce_device_binding":"asn","enforce_online_refresh_tokens":false}`,
		"organization_usage":            `"allow"`,
		"default_organization":          `{"flows":["client_credentials"],"organization_id":"org_abcdefghijklmnop"}`,
		"organization_require_behavior": `"pre_login_prompt"`, "organization_discovery_methods": `["email"]`,
		"mobile":              `{"android":{"app_package_name":"p","sha256_cert_fingerprints":["f"]},"ios":{"app_bundle_identifier":"b","team_id":"t"}}`,
		"native_social_login": `{"apple":{"enabled":true},"facebook":{"enabled":false}}`, "fedcm_login": `{"google":{"is_enabled":true}}`,
		"addons":                    `{"samlp":{"audience":"a","mappings":{"email":["x","y"]}},"wsfed":{}}`,
		"third_party_security_mode": `"strict"`, "redirection_policy": `"allow_always"`,
		"express_configuration":                `{"admin_login_domain":"a.test","connection_profile_id":"cop_1234567890123456789012","enable_client":true,"enable_organization":true,"initiate_login_uri_template":"https://x.test/{organization_name}","linked_clients":[{"client_id":"x"}],"okta_oin_client_id":"o","user_attribute_profile_id":"uap_1234567890123456789012"}`,
		"my_organization_configuration":        `{"allowed_strategies":["oidc"],"connection_deletion_behavior":"allow"}`,
		"async_approval_notification_channels": `["guardian-push"]`, "par_request_expiry": `60`,
		"skip_non_verifiable_callback_uri_confirmation_prompt": `true`, "require_pushed_authorization_requests": `true`,
		"require_proof_of_possession": `false`, "compliance_level": `"fapi2_sp_pkj_mtls"`, "signed_request_object": `{"required":true}`,
	} {
		path := "/clients/" + h.call(all, "POST", "/clients", `{"name":"x","`+name+`":`+value+`}`).is(201, "").text("client_id")
		for _, got := range []answer{h.call(all, "GET", path, ""), h.call(all, "PATCH", path, `{"description":"d"}`), h.call(all, "GET", path, "")} {
			if encode(got.get(name)) != value {
				t.Errorf("%s: %s, want %s", name, encode(got.get(name)), value)
			}
		}
		if got := h.call(all, "PATCH", path, `{"`+name+`":null}`).is(200, ""); got.get(name) != nil {
			t.Errorf("%s: null left %s", name, encode(got.get(name)))
		}
		h.call(all, "PATCH", path, `{"`+name+`":`+value+`}`).is(200, "")
	}
}

// Where a client says something of session transfer, all of it is shown; what it has not said is as the provider for Terraform expects it.
func TestSessionTransferShowsItsDefaults(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	const bare = `{"allow_refresh_token":false,"allowed_authentication_methods":[],"can_create_session_transfer_token":false,"enforce_cascade_revocation":true,"enforce_device_binding":"ip","enforce_online_refresh_tokens":true}`
	with := func(from, to string) string { return strings.Replace(bare, from, to, 1) }
	for sent, want := range map[string]string{
		`{}`: bare,
		`{"can_create_session_transfer_token":true}`:                                         with(`"can_create_session_transfer_token":false`, `"can_create_session_transfer_token":true`),
		`{"allowed_authentication_methods":null,"enforce_device_binding":"none"}`:            with(`:"ip"`, `:"none"`),
		`{"enforce_cascade_revocation":false,"delegation":{"allow_delegated_access":false}}`: with(`"enforce_cascade_revocation":true`, `"delegation":{"allow_delegated_access":false},"enforce_cascade_revocation":false`),
	} {
		got := h.call(all, "POST", "/clients", `{"name":"x","session_transfer":`+sent+`}`).is(201, "")
		path := "/clients/" + got.text("client_id")
		for _, got := range []answer{got, h.call(all, "GET", path, ""), h.call(all, "PATCH", path, `{"session_transfer":{}}`).is(200, "")} {
			if shown := encode(got.get("session_transfer")); shown != canonical(t, want) {
				t.Errorf("%s: %s", sent, shown)
			}
		}
		want = strings.Replace(want, `"allowed_authentication_methods":[]`, `"allowed_authentication_methods":["query"]`, 1)
		if shown := encode(h.call(all, "PATCH", path, `{"session_transfer":{"allowed_authentication_methods":["query"]}}`).is(200, "").get("session_transfer")); shown != canonical(t, want) {
			t.Errorf("%s: patched %s", sent, shown)
		}
	}
	if got := h.call(all, "POST", "/clients", `{"name":"x"}`).is(201, ""); got.get("session_transfer") != nil {
		t.Errorf("without: %s", got.body)
	}
	h.call(all, "POST", "/clients", `{"name":"x","session_transfer":{"delegation":{"allow_delegated_access":true}}}`).
		fails(501, "not_supported", "A session in the name of somebody else (allow_delegated_access) is not supported by this server.")
}

// Lengths are counted in characters, as the wire does, in whatever script.
func TestMetadataIsCountedInCharacters(t *testing.T) {
	h := sqlite(t)
	all, long := h.machine("acme"), strings.Repeat("ü", 255)
	for _, c := range [][3]string{
		{"/clients", `{"name":"x","client_metadata":{"k":"`, "client_metadata"},
		{"/connections", `{"name":"x","strategy":"auth0","metadata":{"k":"`, "metadata"},
		{"/custom-domains", `{"domain":"id.x.test","type":"auth0_managed_certs","domain_metadata":{"k":"`, "domain_metadata"},
	} {
		h.call(all, "POST", c[0], c[1]+long+`ü"}}`).fails(400, "invalid_body", payload(`String is too long (256 chars), maximum 255' on property `+c[2]+`.k`))
		h.call(all, "POST", c[0], c[1]+long+`"}}`).is(201, "")
	}
	h.call(all, "PUT", "/rules-configs/"+strings.Repeat("%C3%BC", 127), `{"value":"v"}`).is(200, "")
}

func TestClientMembersRefused(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	for body, reason := range map[string]string{
		`"organization_usage":"maybe"`:                        `No enum match for: maybe' on property organization_usage (Defines how to proceed during an authentication transaction with regards to an organization)`,
		`"token_quota":{}`:                                    `Missing required property: client_credentials' on property token_quota`,
		`"mobile":{"windows":{}}`:                             `Additional properties not allowed: windows' on property mobile`,
		`"addons":{"mine":{}}`:                                `Additional properties not allowed: mine' on property addons`,
		`"default_organization":{"flows":[]}`:                 `Missing required property: organization_id' on property default_organization`,
		`"session_transfer":{"enforce_device_binding":"mac"}`: `No enum match for: mac' on property session_transfer.enforce_device_binding`,
		`"par_request_expiry":5`:                              `Value 5 is less than minimum 10' on property par_request_expiry (Specifies how long, in seconds, a Pushed Authorization Request URI remains valid)`,
		`"compliance_level":"fapi9"`:                          `No enum match for: fapi9' on property compliance_level (Defines the compliance level for this client)`,
		`"client_authentication_methods":{}`:                  `Too few properties defined (0), minimum 1' on property client_authentication_methods`,
		`"token_vault_privileged_access":{"ip_allowlist":[]}`: `Missing required property: credentials' on property token_vault_privileged_access`,
		`"token_vault_privileged_access":{"credentials":[],"ip_allowlist":["nowhere"],"grants":[{"connection":"c","scopes":[]}]}`:              `Object didn't pass validation for format ip-or-cidr: nowhere' on property token_vault_privileged_access.ip_allowlist[0]`,
		`"refresh_token":{"rotation_type":"rotating","expiration_type":"expiring","policies":[{"scope":[]}]}`:                                  `Missing required property: audience' on property refresh_token.policies[0]`,
		`"my_organization_configuration":{"allowed_strategies":[],"connection_deletion_behavior":"allow","connection_profile_id":"cop_WRONG"}`: `String does not match pattern ^cop_[A-Za-z0-9]{22}$: cop_WRONG' on property my_organization_configuration.connection_profile_id (The connection profile ID that this client should validate against)`,
	} {
		h.call(all, "POST", "/clients", `{"name":"x",`+body+`}`).fails(400, "invalid_body", payload(reason))
	}
	if got := h.call(all, "GET", "/clients?include_totals=true", ""); got.get("total") != 1.0 {
		t.Errorf("refused, and yet there: %s", got.text("total"))
	}
}

// What a client is by its type (observed).
func TestClientTypes(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	got := h.call(all, "POST", "/clients", `{"name":"x","app_type":"resource_server","resource_server_identifier":"https://api.test/"}`).is(201, "")
	if encode(got.get("grant_types")) != `[]` || got.get("oidc_conformant") != true || got.text("jwt_configuration", "alg") != "RS256" {
		t.Errorf("resource_server: %s", got.body)
	}
	got = h.call(all, "POST", "/clients", `{"name":"x","app_type":"express_configuration"}`).is(201, "")
	if encode(got.get("client_authentication_methods")) != `{"private_key_jwt":{"credentials":[]}}` || got.text("organization_usage") != "require" {
		t.Errorf("express_configuration: %s", got.body)
	}
	got = h.call(all, "POST", "/clients", `{"name":"x","refresh_token":{"rotation_type":"rotating","expiration_type":"expiring"}}`).is(201, "")
	if encode(got.get("refresh_token")) != `{"expiration_type":"expiring","idle_token_lifetime":1296000,"infinite_idle_token_lifetime":false,"infinite_token_lifetime":false,"leeway":0,"rotation_type":"rotating","token_lifetime":2592000}` {
		t.Errorf("expiring: %s", encode(got.get("refresh_token")))
	}
	h.call(all, "POST", "/clients", `{"name":"w","oidc_backchannel_logout":{"backchannel_logout_urls":["https://x.test/l"],"backchannel_logout_initiators":{"mode":"all"}}}`).is(201, "")
	got = h.call(all, "POST", "/clients", `{"name":"x","oidc_backchannel_logout":{"backchannel_logout_urls":["https://x.test/l"]}}`).is(201, "")
	for _, name := range []string{"oidc_logout", "oidc_backchannel_logout"} {
		if encode(got.get(name)) != `{"backchannel_logout_urls":["https://x.test/l"]}` {
			t.Errorf("%s: %s", name, encode(got.get(name)))
		}
	}
}

func TestClientCredentials(t *testing.T) {
	each(t, func(h *house) {
		all, cert := h.machine("acme"), h.certificate(0)
		got := h.call(all, "POST", "/clients", `{"name":"x","jwt_configuration":{"alg":"PS256"},"client_authentication_methods":{"private_key_jwt":{"credentials":[
			{"name":"first","credential_type":"public_key","alg":"PS256","pem":`+cert+`,"parse_expiry_from_cert":true}]}}}`).is(201, "")
		path := "/clients/" + got.text("client_id")
		listed := h.call(all, "GET", path+"/credentials?include_totals=true&per_page=50", "").is(200, "")
		var creds []map[string]any
		h.ok(json.Unmarshal([]byte(listed.body), &creds))
		first := creds[0]["id"].(string)
		kid, _ := creds[0]["kid"].(string)
		want := `{"id":"` + first + `","name":"first","credential_type":"public_key","kid":"` + kid + `","alg":"PS256","created_at":"2026-11-25T12:00:00.000Z","updated_at":"2026-11-25T12:00:00.000Z","expires_at":"2036-11-25T12:00:00.000Z"}`
		listed.is(200, "["+want+"]")
		if len(first) != 27 || len(kid) != 43 || encode(got.get("client_authentication_methods")) != `{"private_key_jwt":{"credentials":[`+canonical(h.T, want)+`]}}` {
			h.Errorf("created: %s", encode(got.get("client_authentication_methods")))
		}
		got = h.call(all, "GET", path, "")
		if encode(got.get("client_authentication_methods")) != `{"private_key_jwt":{"credentials":[{"id":"`+first+`"}]}}` || strings.Contains(got.body, "thumbprint") {
			h.Errorf("read: %s", got.body)
		}
		h.call(all, "GET", path+"/credentials/"+first, "").is(200, want)
		h.call(all, "PATCH", path+"/credentials/"+first, `{"expires_at":"2026-12-01T00:00:00Z"}`).is(200, strings.Replace(want, "2036-11-25T12:00:00", "2026-12-01T00:00:00", 1))
		h.call(all, "PATCH", path+"/credentials/"+first, `{}`).fails(400, "invalid_body", payload(`Too few properties defined (0), minimum 1'`))
		h.call(all, "PATCH", path+"/credentials/"+first, `{"name":"x"}`).fails(400, "invalid_body", payload(`Additional properties not allowed: name'`))
		h.call(all, "DELETE", path+"/credentials/"+first, "").fails(400, "operation_not_supported", "The credential is in use by the client.")

		h.call(all, "POST", path+"/credentials", `{"credential_type":"public_key","pem":`+cert+`}`).fails(409, "credential_conflict", "A credential with the same kid already exists")
		second := h.call(all, "POST", path+"/credentials", `{"credential_type":"x509_cert","pem":`+cert+`}`).is(201, "")
		if len(second.text("thumbprint_sha256")) != 43 || second.text("expires_at") != "2036-11-25T12:00:00.000Z" || second.get("kid") != nil {
			h.Errorf("certificate: %s", second.body)
		}
		if got := h.call(all, "POST", path+"/credentials", `{"credential_type":"cert_subject_dn","pem":`+cert+`}`).is(201, ""); got.text("subject_dn") != "CN=acme.test" {
			h.Errorf("subject: %s", got.body)
		}
		h.call(all, "POST", path+"/credentials", `{"credential_type":"cert_subject_dn","subject_dn":"CN=x"}`).is(201, "")
		for body, reason := range map[string]string{
			`{}`:                               `Missing required property: credential_type'`,
			`{"credential_type":"public_key"}`: `Missing required property: pem'`,
			`{"credential_type":"password"}`:   `No enum match for: password' on property credential_type (The type of credential)`,
			`{"credential_type":"public_key","pem":"nope"}`:                                `Object didn't pass validation for format pem' on property pem`,
			`{"credential_type":"public_key","kid":"short"}`:                               `String is too short (5 chars), minimum 10' on property kid (Optional kid (Key ID), used to uniquely identify the credential)`,
			`{"credential_type":"public_key","pem":` + cert + `,"expires_at":"yesterday"}`: `Object didn't pass validation for format date-time: yesterday' on property expires_at`,
		} {
			h.call(all, "POST", path+"/credentials", body).fails(400, "invalid_body", payload(reason))
		}
		h.call(all, "PATCH", path, `{"client_authentication_methods":{"self_signed_tls_client_auth":{"credentials":[{"id":"`+second.text("id")+`"}]}}}`).is(200, "")
		h.call(all, "PATCH", path, `{"client_authentication_methods":{"private_key_jwt":{"credentials":[{"id":"cred_nope"}]}}}`).
			fails(400, "invalid_body", payload(`The credential does not exist: cred_nope' on property client_authentication_methods.private_key_jwt.credentials[0].id`))
		h.call(all, "PATCH", path, `{"client_authentication_methods":{"private_key_jwt":{"credentials":[{"credential_type":"public_key","pem":`+cert+`}]}}}`).
			fails(400, "invalid_body", payload(`Missing required property: id' on property client_authentication_methods.private_key_jwt.credentials[0]`))
		h.call(all, "PATCH", path, `{"token_endpoint_auth_method":"client_secret_post"}`).
			fails(400, "invalid_body", payload(`client_authentication_methods and token_endpoint_auth_method cannot be set at the same time'`))
		h.call(all, "PATCH", path, `{"client_authentication_methods":null,"token_endpoint_auth_method":"client_secret_post"}`).is(200, "")
		h.call(all, "DELETE", path+"/credentials/"+first, "").is(204, "")
		h.call(all, "DELETE", path+"/credentials/"+first, "").is(204, "")
		h.call(all, "GET", path+"/credentials/"+first, "").fails(404, "inexistent_client_credential", "The credential does not exist.")
		h.call(all, "GET", "/clients/nobody/credentials", "").fails(404, "inexistent_client", "The client does not exist")
		h.call(all, "POST", "/clients", `{"name":"x","jwt_configuration":{"alg":"HS256"},"client_authentication_methods":{"private_key_jwt":{"credentials":[]}}}`).
			fails(400, "invalid_body", payload(`Clients that authenticate with keys need an asymmetric algorithm, not HS256' on property jwt_configuration.alg`))

		cl, err := h.store("acme").Client(context.Background(), got.text("client_id"))
		h.ok(err)
		if len(cl.Credentials) != 3 {
			h.Errorf("%d credentials are left", len(cl.Credentials))
		}
	})
}

func TestTokenVault(t *testing.T) {
	h := sqlite(t)
	all, cert := h.machine("acme"), h.certificate(0)
	const name = "token_vault_privileged_access"
	got := h.call(all, "POST", "/clients", `{"name":"x","`+name+`":{"credentials":[{"credential_type":"public_key","pem":`+cert+`}],"ip_allowlist":["10.0.0.0/8"],"grants":[{"connection":"c","scopes":["openid"]}]}}`).is(201, "")
	path := "/clients/" + got.text("client_id")
	got = h.call(all, "GET", path, "")
	vault := encode(got.get(name))
	if !strings.HasPrefix(vault, `{"credentials":[{"id":"cred_`) || !strings.HasSuffix(vault, `"grants":[{"connection":"c","scopes":["openid"]}],"ip_allowlist":["10.0.0.0/8"]}`) {
		t.Errorf("%s", vault)
	}
	h.call(all, "PATCH", path, `{"`+name+`":`+strings.Replace(vault, `[{"connection":"c","scopes":["openid"]}]`, "[]", 1)+`}`).is(200, "")
	h.call(all, "PATCH", path, `{"`+name+`":{"credentials":[],"ip_allowlist":[]}}`).fails(400, "invalid_body", payload(`Missing required property: grants' on property `+name))
	if got := h.call(all, "PATCH", path, `{"`+name+`":null}`).is(200, ""); got.get(name) != nil {
		t.Errorf("cleared: %s", got.body)
	}
}

func TestConnectionsOfAClient(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	id := h.call(all, "POST", "/connections", `{"name":"g","strategy":"google-oauth2","enabled_clients":["web_acme"]}`).is(201, "").text("id")
	h.call(all, "GET", "/clients/web_acme/connections?take=50&strategy=google-oauth2&fields=id", "").is(200, `{"connections":[{"id":"`+id+`"}]}`)
	h.call(all, "GET", "/clients/nobody/connections", "").fails(404, "inexistent_client", "The client does not exist")
	h.call(h.machine("acme", "read:connections", "read:client_summary"), "GET", "/clients/web_acme/connections", "").is(200, "")
	h.call(h.machine("acme", "read:connections"), "GET", "/clients/web_acme/connections", "").
		fails(403, "insufficient_scope", "Insufficient scope, expected any of: read:clients,read:client_summary")
}

// TestGrantTypes gives a client every grant that the token endpoint knows.
func TestGrantTypes(t *testing.T) {
	h := sqlite(t)
	for _, grant := range []string{
		"authorization_code", "implicit", "refresh_token", "client_credentials", "password", "http://auth0.com/oauth/grant-type/password-realm",
		"http://auth0.com/oauth/grant-type/mfa-otp", "http://auth0.com/oauth/grant-type/mfa-oob", "http://auth0.com/oauth/grant-type/mfa-recovery-code",
		"http://auth0.com/oauth/grant-type/passwordless/otp", "urn:okta:params:oauth:grant-type:webauthn", "urn:ietf:params:oauth:grant-type:device_code",
		"urn:openid:params:grant-type:ciba", "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token",
	} {
		h.call(h.machine("acme"), "POST", "/clients", `{"name":"x","grant_types":["`+grant+`"]}`).is(201, "")
	}
}
