package mgmt

import (
	"strings"
	"testing"
)

// What the Terraform provider and the deploy tool send and read, as recorded between them and the service that we follow.

func TestTerraformReadsAndWrites(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")

		api := h.call(all, "POST", "/resource-servers", `{"name":"Online","identifier":"https://online.example.com","allow_online_access":true,"allow_online_access_with_ephemeral_sessions":true}`).is(201, "")
		if got := encode(api.get("subject_type_authorization")); got != `{"client":{"policy":"require_client_grant"},"user":{"policy":"allow_all"}}` {
			h.Errorf("policies that were not set: %s", got)
		}
		path := "/resource-servers/" + api.text("id")
		for _, id := range []string{"https:%2F%2Fonline.example.com", "https:%252F%252Fonline.example.com"} {
			if got := h.call(all, "GET", "/resource-servers/"+id, "").is(200, ""); got.text("id") != api.text("id") {
				h.Errorf("by %s: %s", id, got.body)
			}
		}
		changed := h.call(all, "PATCH", path, `{"allow_online_access_with_ephemeral_sessions":false,"subject_type_authorization":{"user":{"policy":"deny_all"}}}`).is(200, "")
		if got := encode(changed.get("subject_type_authorization")); got != `{"client":{"policy":"require_client_grant"},"user":{"policy":"deny_all"}}` || changed.get("allow_online_access_with_ephemeral_sessions") != false {
			h.Errorf("after a change: %s", changed.body)
		}

		client := h.call(all, "POST", "/clients", `{"name":"Jag","identity_assertion_authorization_grant":{"active":true}}`).is(201, "")
		if encode(client.get("identity_assertion_authorization_grant")) != `{"active":true}` {
			h.Errorf("client: %s", client.body)
		}

		_, conn := h.connect("corp", "google-apps")
		for body, want := range map[string]string{`{"status":"enabled"}`: `{"status":"enabled"}`, `{"status":"disabled"}`: `{"status":"disabled"}`, `null`: `null`} {
			got := h.call(all, "PATCH", conn, `{"cross_app_access_resource_app":`+body+`}`).is(200, "")
			if encode(got.get("cross_app_access_resource_app")) != want {
				h.Errorf("cross_app_access_resource_app %s: %s", body, got.body)
			}
		}
		h.call(all, "PATCH", conn, `{"cross_app_access_resource_app":{"status":"on"}}`).is(400, "")
	})
}

func TestAClientWithKeysShowsNoSecret(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		client := h.call(all, "POST", "/clients", `{"name":"Keys","app_type":"non_interactive"}`).is(201, "")
		path := "/clients/" + client.text("client_id")
		cred := h.call(all, "POST", path+"/credentials", `{"credential_type":"public_key","pem":`+h.certificate(0)+`}`).is(201, "")
		changed := h.call(all, "PATCH", path, `{"token_endpoint_auth_method":null,"client_authentication_methods":{"private_key_jwt":{"credentials":[{"id":"`+cred.text("id")+`"}]}}}`).is(200, "")
		for _, shown := range []answer{changed, h.call(all, "GET", path, "").is(200, "")} {
			if shown.get("client_secret") != nil {
				h.Errorf("a client that has keys: %s", shown.body)
			}
		}
		back := h.call(all, "PATCH", path, `{"token_endpoint_auth_method":"client_secret_post","client_authentication_methods":null}`).is(200, "")
		if back.text("client_secret") != client.text("client_secret") {
			h.Errorf("the secret again: %s", back.body)
		}
	})
}

func TestConnectionsAsTerraformReadsThem(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		id, path := h.connect("corp", "oidc")
		if got := h.call(all, "GET", path+"?fields=strategy,name&include_fields=true", "").is(200, ""); got.text("id") != id || got.get("options") != nil {
			h.Errorf("some fields: %s", got.body)
		}
		rotated := h.call(all, "POST", path+"/keys/rotate", "").is(201, "")
		if rotated.text("algorithm") != "RS256" || rotated.text("key_use") != "signing" || rotated.get("next") != true || rotated.text("fingerprint") == "" {
			h.Errorf("the new key: %s", rotated.body)
		}
		h.call(all, "PATCH", path, `{"cross_app_access_requesting_app":{"active":true}}`).is(200, "")
		h.call(all, "POST", "/connections", `{"name":"people","strategy":"auth0","cross_app_access_requesting_app":{"active":true}}`).
			fails(400, "operation_not_supported", "Cross App Access Requesting App is not supported for this connection.")

		domain := h.call(all, "POST", "/custom-domains", `{"domain":"login.example.org","type":"self_managed_certs"}`).is(201, "")
		if !strings.Contains(domain.body, `"custom_client_ip_header":null`) || domain.get("tls_policy") != nil {
			h.Errorf("a domain with certificates of one's own: %s", domain.body)
		}
	})
}

// Scopes may be granted before the API defines them: who writes both down says no order.
func TestScopesAreGrantedBeforeTheyAreDefined(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		client := h.call(all, "POST", "/clients", `{"name":"Machine","app_type":"non_interactive"}`).is(201, "").text("client_id")
		h.call(all, "POST", "/resource-servers", `{"name":"Travel","identifier":"https://travel.test/"}`).is(201, "")
		made := h.call(all, "POST", "/client-grants", `{"client_id":"`+client+`","audience":"https://travel.test/","scope":["create:trip"]}`).is(201, "")
		if encode(made.get("scope")) != `["create:trip"]` {
			h.Errorf("the grant: %s", made.body)
		}
	})
}

func TestSAMLOptionsComeFromMetadata(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		metadata := func(host string) string {
			return `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://` + host + `"><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` +
				`<SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://` + host + `/out"/>` +
				`<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://` + host + `/in"/></IDPSSODescriptor></EntityDescriptor>`
		}
		holds := func(got answer, in, out string) {
			h.Helper()
			options := got.get("options").(map[string]any)
			if options["signInEndpoint"] != in || options["signOutEndpoint"] != out {
				h.Errorf("options: %s", got.body)
			}
		}
		made := h.call(all, "POST", "/connections", `{"name":"saml","strategy":"samlp","options":{"metadataXml":`+encode(metadata("one.test"))+`}}`).is(201, "")
		holds(made, "https://one.test/in", "https://one.test/out")
		path := "/connections/" + made.text("id")
		// A tool sends back what it read, with newer metadata.
		echoed := h.call(all, "PATCH", path, `{"options":{"metadataXml":`+encode(metadata("two.test"))+`,"signInEndpoint":"https://one.test/in","signOutEndpoint":"https://one.test/out"}}`).is(200, "")
		holds(echoed, "https://two.test/in", "https://two.test/out")
		own := h.call(all, "PATCH", path, `{"options":{"metadataXml":`+encode(metadata("two.test"))+`,"signInEndpoint":"https://own.test/in"}}`).is(200, "")
		holds(own, "https://own.test/in", "https://two.test/out")
	})
}

// TestSAMLAddressOfTheBinding: metadata name an address for each binding, and requests go to that of the one that the connection speaks.
func TestSAMLAddressOfTheBinding(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		const post, redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
		metadata := `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.test"><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` +
			`<SingleSignOnService Binding="` + redirect + `" Location="https://idp.test/redirect"/><SingleSignOnService Binding="` + post + `" Location="https://idp.test/post"/></IDPSSODescriptor></EntityDescriptor>`
		options := func(binding, more string) string {
			return `"options":{"metadataXml":` + encode(metadata) + `,"protocolBinding":"` + binding + `"` + more + `}`
		}
		holds := func(got answer, in string) {
			h.Helper()
			if got.text("options", "signInEndpoint") != in {
				h.Errorf("options: %s", got.body)
			}
		}
		made := h.call(all, "POST", "/connections", `{"name":"posts","strategy":"samlp",`+options(post, "")+`}`).is(201, "")
		holds(made, "https://idp.test/post")
		path := "/connections/" + made.text("id")
		// A tool sends back the address that it read, with the other binding.
		holds(h.call(all, "PATCH", path, `{`+options(redirect, `,"signInEndpoint":"https://idp.test/post"`)+`}`).is(200, ""), "https://idp.test/redirect")
		holds(h.call(all, "PATCH", path, `{`+options(post, `,"signInEndpoint":"https://own.test/in"`)+`}`).is(200, ""), "https://own.test/in")
		// Where the metadata have no such address, the one that they have is taken.
		metadata = strings.Replace(metadata, post, "urn:oasis:names:tc:SAML:2.0:bindings:SOAP", 1)
		holds(h.call(all, "POST", "/connections", `{"name":"redirects","strategy":"samlp",`+options(post, "")+`}`).is(201, ""), "https://idp.test/redirect")
	})
}

func TestPhoneTemplatesAreLiquid(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		made := h.call(all, "POST", "/branding/phone/templates", `{"type":"change_password","content":{"from":"+1000","body":{"text":"Changed"}}}`).is(201, "")
		if got := encode(made.get("content")); got != `{"body":{"text":"Changed"},"from":"+1000","syntax":"liquid"}` {
			h.Errorf("content: %s", got)
		}
		h.call(all, "POST", "/branding/phone/providers", `{"name":"twilio","configuration":{"sid":"sid1","delivery_methods":["text"]},"credentials":{"auth_token":"a"}}`).
			fails(400, "", "Bad Operation on Notification Resource: configuration has neither default_from nor mssid.")
	})
}

func TestGroupsOfADirectoryTellTheirNames(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		_, conn := h.connect("corp", "google-apps")
		h.call(all, "POST", conn+"/directory-provisioning", `{"synchronize_groups":"selected"}`).is(201, "")
		groups := conn + "/directory-provisioning/synchronized-groups"
		h.call(all, "PUT", groups, `{"groups":[{"id":"g1","name":"Engineering","email":"engineering@example.com","direct_members_count":7},{"id":"g2"}]}`).is(204, "")
		h.call(all, "GET", groups+"?take=50", "").is(200, `{"groups":[{"id":"g1","name":"Engineering","email":"engineering@example.com","direct_members_count":7},{"id":"g2"}]}`)
		h.call(all, "POST", groups, `{"groups":[{"id":"g1","name":"Platform","direct_members_count":0},{"id":"g3","name":"Platform East"}]}`).is(204, "")
		h.call(all, "GET", groups+"?q=name:Platform*&take=50", "").is(200, `{"groups":[{"id":"g1","name":"Platform","direct_members_count":0},{"id":"g3","name":"Platform East"}]}`)
		h.call(all, "GET", groups+"?q=name:nobody*&take=50", "").is(200, `{"groups":[]}`)
		h.call(all, "GET", groups+"?q=size:1", "").is(400, "")
		h.call(all, "POST", groups, `{"groups":[{"id":"g1","email":""}]}`).is(400, "")
		h.call(all, "DELETE", groups, `{"groups":[{"id":"g1"}]}`).is(204, "")
		h.call(all, "GET", groups, "").is(200, `{"groups":[{"id":"g2"},{"id":"g3","name":"Platform East"}]}`)
	})
}

func TestListsAreNarrowed(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		for _, domain := range []string{"login.one.example", "login.two.example", "id.example"} {
			h.call(all, "POST", "/custom-domains", `{"domain":"`+domain+`","type":"self_managed_certs"}`).is(201, "")
		}
		found := h.call(all, "GET", "/custom-domains?q=domain:login*&take=100&fields=domain&sort=domain:1", "").is(200, "")
		if encode(found.get("custom_domains")) != `[{"domain":"login.one.example"},{"domain":"login.two.example"}]` {
			h.Errorf("custom domains: %s", found.body)
		}
		h.call(all, "GET", "/custom-domains?q=status:ready", "").is(200, `[]`)
		h.call(all, "GET", "/custom-domains?q=owner:me", "").is(400, "")

		for _, consumer := range []string{"default", "client_metadata:tier=gold"} {
			h.call(all, "POST", "/rate-limit-policies", `{"resource":"oauth_authentication_api","consumer":"client","consumer_selector":"`+consumer+`","configuration":{"action":"block","limit":100}}`).is(201, "")
		}
		for query, want := range map[string]int{"resource=oauth_authentication_api": 2, "resource=other": 0, "consumer_selector=default": 1, "consumer=client&take=1": 1} {
			got := h.call(all, "GET", "/rate-limit-policies?"+query, "").is(200, "")
			if list, _ := got.get("rate_limit_policies").([]any); len(list) != want {
				h.Errorf("%s: %s", query, got.body)
			}
		}

		client := h.call(all, "POST", "/clients", `{"name":"Shop"}`).is(201, "").text("client_id")
		with := h.call(all, "POST", "/organizations", `{"name":"with"}`).is(201, "").text("id")
		h.call(all, "POST", "/organizations", `{"name":"without"}`).is(201, "")
		h.call(all, "POST", "/organizations/"+with+"/clients", `{"clients":[{"client_id":"`+client+`","use_for_member_access":true}]}`).is(201, "")
		list, _ := h.call(all, "GET", "/organizations?take=50&sort=name:1&include_client_association_for="+client, "").is(200, "").get("organizations").([]any)
		for _, o := range list {
			o := o.(map[string]any) //nolint:errcheck // an organization
			if want := map[string]string{"with": `{"use_for_member_access":true}`, "without": `null`}[o["name"].(string)]; want != "" && encode(o["client"]) != want {
				h.Errorf("%s: %s", o["name"], encode(o["client"]))
			}
		}
	})
}

// What the vendor's command line tool sends.
func TestCommandLineToolWrites(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		action := h.call(all, "POST", "/actions/actions", `{"name":"a","supported_triggers":[{"id":"post-login","version":"v3"}],"code":"exports.onExecutePostLogin = () => {}","runtime":""}`).is(201, "")
		if runtime := action.text("runtime"); runtime != "node22" {
			h.Errorf("runtime %q", runtime)
		}
		template := h.call(all, "POST", "/email-templates", `{"template":"welcome_email","body":"b","from":"a@x.test","subject":"s","syntax":"liquid","enabled":true,"resultUrl":"travel0.com"}`).is(200, "")
		if template.text("resultUrl") != "travel0.com" {
			h.Errorf("template: %s", template.body)
		}
		h.call(all, "PATCH", "/email-templates/welcome_email", `{"resultUrl":"java script:"}`).is(400, "")
		for i := range 2 {
			h.call(all, "POST", "/log-streams", `{"name":"s`+itoa(i)+`","type":"http","sink":{"httpEndpoint":"https://x.test/l"}}`).is(200, "")
		}
		if got := h.call(all, "GET", "/log-streams?per_page=1&page=1", "").is(200, ""); strings.Count(got.body, `"id"`) != 1 {
			h.Errorf("a page of log streams: %s", got.body)
		}
		for _, method := range []string{"GET", "DELETE"} { // then it asks by identifier
			h.call(all, method, "/user-blocks/kim%40x.test", "").hasCode(400, "invalid_uri", "format user-id: kim@x.test")
		}
		h.call(all, "GET", "/connections?strategy[0]=auth0&strategy[1]=sms", "").is(200, "")
	})
}
