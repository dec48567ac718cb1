package mgmt

import (
	"strings"
	"testing"
)

const samlIDs = `"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier","http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn","http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"`

const licence = `{"org.iso.18013.5.1.mDL":{"org.iso.18013.5.1":{"family_name":true}}}`

func TestDocuments(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		exchange := h.exchanger()
		for _, row := range []struct {
			path, key, prefix  string
			create, wrong, why string // wrong is refused, why is the message
			shown              string // members that are shown besides id and times
			patch, patched     string
			missing            string
			gone               int // status of deleting what is not there
		}{
			{
				"/event-streams", "eventStreams", "est_",
				`{"name":"s","destination":{"type":"webhook","configuration":{"webhook_endpoint":"https://x.test/","webhook_authorization":{"method":"bearer","token":"s3cret"}}}}`,
				`{"name":"s"}`, "Payload validation error: 'Missing required property: destination'.",
				`"name":"s","status":"enabled","subscriptions":[],"destination":{"type":"webhook","configuration":{"webhook_endpoint":"https://x.test/","webhook_authorization":{"method":"bearer"}}}`,
				`{"subscriptions":[{"event_type":"user.created"}],"status":"disabled"}`,
				`"name":"s","status":"disabled","subscriptions":[{"event_type":"user.created"}],"destination":{"type":"webhook","configuration":{"webhook_endpoint":"https://x.test/","webhook_authorization":{"method":"bearer"}}}`,
				"The requested stream does not exist.", 204,
			},
			{
				"/forms", "forms", "ap_", `{"name":"f","languages":{"primary":"en"}}`, `{}`, "Payload validation error: 'Missing required property: name'.",
				`"name":"f","languages":{"primary":"en"},"ending":{"resume_flow":true}`, `{"name":"g","languages":null}`, `"name":"g","ending":{"resume_flow":true}`, "Form not found", 404,
			},
			{
				"/flows", "flows", "af_", `{"name":"f"}`, `{"name":""}`, "Payload validation error: 'String is too short (0 chars), minimum 1' on property name.",
				`"name":"f"`, `{"name":"g","actions":[]}`, `"name":"g","actions":[]`, "Flow not found", 404,
			},
			{
				"/flows/vault/connections", "connections", "ac_", `{"name":"v","app_id":"HTTP","setup":{"token":"s3cret"}}`, `{"name":"v"}`, "Payload validation error: 'Missing required property: app_id'.",
				"", `{"name":"w"}`, "", "Connection not found", 404,
			},
			{
				"/self-service-profiles", "self_service_profiles", "ssp_", `{"name":"p","branding":{"colors":{"primary":"#334455"}}}`, `{"name":"p","allowed_strategies":["x"]}`, "",
				`"name":"p","branding":{"colors":{"primary":"#334455"}},"user_attributes":[],"allowed_strategies":[]`, `{"allowed_strategies":["oidc"],"branding":null}`, `"name":"p","user_attributes":[],"allowed_strategies":["oidc"]`, "Profile with ID: {id} not found", 204,
			},
			{
				"/connection-profiles", "connection_profiles", "cop_", `{"name":"c"}`, `{"name":"c","enabled_features":["x"]}`, "",
				`"name":"c"`, `{"enabled_features":["scim"]}`, `"name":"c","enabled_features":["scim"]`, "Connection profile not found.", 204,
			},
			{
				"/user-attribute-profiles", "user_attribute_profiles", "uap_", `{"name":"u","user_attributes":{"email":{"label":"Email","description":"Address","profile_required":true,"auth0_mapping":"email"}}}`, `{"name":"u","user_attributes":{}}`, "",
				`"name":"u","user_attributes":{"email":{"label":"Email","description":"Address","profile_required":true,"auth0_mapping":"email"}},"user_id":{"oidc_mapping":"sub","scim_mapping":"externalId","saml_mapping":[` + samlIDs + `]}`,
				`{"name":"v","user_id":{"scim_mapping":"userName"}}`, `"name":"v","user_attributes":{"email":{"label":"Email","description":"Address","profile_required":true,"auth0_mapping":"email"}},"user_id":{"oidc_mapping":"sub","scim_mapping":"userName","saml_mapping":[` + samlIDs + `]}`, "User attribute profile not found.", 204,
			},
			{
				"/token-exchange-profiles", "token_exchange_profiles", "tep_", `{"name":"tok","subject_token_type":"https://x.test/t","action_id":"` + exchange + `","type":"custom_authentication"}`,
				`{"name":"tok","subject_token_type":"https://x.test/t","action_id":"` + exchange + `","type":"other"}`, "Payload validation error: 'No enum match for: other' on property type (The type of the profile).",
				`"name":"tok","subject_token_type":"https://x.test/t","action_id":"` + exchange + `","type":"custom_authentication"`, `{"name":"new"}`,
				`"name":"new","subject_token_type":"https://x.test/t","action_id":"` + exchange + `","type":"custom_authentication"`, "Token exchange profile not found.", 204,
			},
			{
				"/rate-limit-policies", "rate_limit_policies", "rlp_", `{"resource":"oauth_authentication_api","consumer":"client","consumer_selector":"x","configuration":{"action":"allow"}}`,
				`{"resource":"other"}`, "", `"resource":"oauth_authentication_api","consumer":"client","consumer_selector":"x","configuration":{"action":"allow"}`,
				`{"configuration":{"action":"block","limit":5}}`, `"resource":"oauth_authentication_api","consumer":"client","consumer_selector":"x","configuration":{"action":"block","limit":5}`, "Rate limit policy not found.", 204,
			},
			{
				"/verifiable-credentials/verification/templates", "templates", "vct_",
				`{"name":"t","type":"mdl","dialect":"simplified/1.0","presentation":` + licence + `,"well_known_trusted_issuers":"aamva"}`,
				`{"name":1}`, "Payload validation error: 'Missing required property: type'.",
				`"name":"t","type":"mdl","dialect":"simplified/1.0","presentation":` + licence + `,"well_known_trusted_issuers":"aamva"`, `{"name":"u","version":1}`,
				`"name":"u","type":"mdl","dialect":"simplified/1.0","presentation":` + licence + `,"well_known_trusted_issuers":"aamva","version":1`, "Template not found.", 204,
			},
		} {
			got := h.call(bearer, "POST", row.path, row.create).is(201, "")
			id := got.text("id")
			if !strings.HasPrefix(id, row.prefix) || len(id) != len(row.prefix)+22 {
				h.Errorf("%s: id %s", row.path, id)
			}
			whole := func(members string) string {
				if members == "" {
					return ""
				}
				if row.path == "/connection-profiles" || row.path == "/user-attribute-profiles" { // the wire has no times there
					return `{"id":"` + id + `",` + members + `}`
				}
				return `{"id":"` + id + `","created_at":"2026-11-25T12:00:00.000Z","updated_at":"2026-11-25T12:00:00.000Z",` + members + `}`
			}
			got.is(201, whole(row.shown))
			one := h.call(bearer, "GET", row.path+"/"+id, "").is(200, whole(row.shown))
			item := one.body
			if row.path == "/forms" {
				item = whole(`"name":"f"`)
			}
			h.call(bearer, "GET", row.path+"?include_totals=true", "").is(200, `{"start":0,"limit":50,"total":1,"`+row.key+`":[`+item+`]}`)
			h.call(bearer, "GET", row.path+"?take=1", "").is(200, `{"`+row.key+`":[`+item+`]}`)
			if row.why == "" {
				h.call(bearer, "POST", row.path, row.wrong).is(400, "")
			} else {
				h.call(bearer, "POST", row.path, row.wrong).fails(400, "invalid_body", row.why)
			}
			h.call(bearer, "PATCH", row.path+"/"+id, row.patch).is(200, whole(row.patched))
			after := h.call(bearer, "GET", row.path+"/"+id, "").is(200, whole(row.patched))
			if strings.Contains(one.body+after.body, "null") { // typed clients cannot read it where the wire has a time
				h.Errorf("%s: %s", row.path, one.body)
			}
			if strings.Contains(one.body+after.body, "s3cret") {
				h.Errorf("%s shows a secret: %s", row.path, one.body)
			}
			h.callTo("other", h.machine("other"), "GET", row.path+"/"+id, "").fails(404, "", strings.Replace(row.missing, "{id}", id, 1))
			nobody := "x"
			if row.path == "/event-streams" {
				nobody = "est_0000000000000000000000"
			}
			h.call(bearer, "PATCH", row.path+"/"+nobody, row.patch).fails(404, "", strings.Replace(row.missing, "{id}", nobody, 1))
			h.call(bearer, "DELETE", row.path+"/"+id, "").is(204, "")
			h.call(bearer, "DELETE", row.path+"/"+id, "").is(row.gone, "")
			h.call(bearer, "GET", row.path+"/"+id, "").is(404, "")
		}
		for _, event := range h.logged("acme") {
			if strings.Contains(event, "s3cret") {
				h.Errorf("logged %s", event)
			}
		}
	})
}

func TestProfileTemplatesAndTexts(t *testing.T) {
	h := sqlite(t)
	bearer := h.machine("acme")
	for path, id := range map[string]string{"/user-attribute-profiles/templates": "auth0-generic", "/connection-profiles/templates": "enterprise"} {
		if got := h.call(bearer, "GET", path, "").is(200, ""); !strings.Contains(got.body, `"id":"`+id+`"`) {
			h.Errorf("%s: %s", path, got.body)
		}
		if got := h.call(bearer, "GET", path+"/"+id, "").is(200, ""); got.text("id") != id || got.get("template") == nil {
			h.Errorf("%s: %s", path, got.body)
		}
		h.call(bearer, "GET", path+"/none", "").is(404, "")
	}
	id := h.call(bearer, "POST", "/self-service-profiles", `{"name":"p"}`).is(201, "").text("id")
	path := "/self-service-profiles/" + id + "/custom-text/en/get-started"
	h.call(bearer, "GET", path, "").is(200, `{}`)
	h.call(bearer, "PUT", path, `{"introduction":"Welcome"}`).is(200, `{"introduction":"Welcome"}`)
	h.call(bearer, "GET", path, "").is(200, `{"introduction":"Welcome"}`)
	h.call(bearer, "PUT", path, `{"introduction":1}`).is(400, "")
	h.call(bearer, "PUT", path, `{"introduction":"`+strings.Repeat("x", 2001)+`"}`).is(400, "")
	h.call(bearer, "GET", "/self-service-profiles/"+id+"/custom-text/en/other", "").is(400, "")
	h.call(bearer, "GET", "/self-service-profiles/none/custom-text/en/get-started", "").is(404, "")
	other := h.call(bearer, "POST", "/self-service-profiles", `{"name":"other"}`).is(201, "").text("id")
	h.call(bearer, "PUT", "/self-service-profiles/"+other+"/custom-text/en/get-started", `{"introduction":"Hello"}`).is(200, "")
	h.call(bearer, "DELETE", "/self-service-profiles/"+id, "").is(204, "")
	for of, want := range map[string]int{id: 0, other: 1} {
		kept := map[string]any{}
		if h.ok(h.store("acme").Setting(h.Context(), "self_service_text/"+of+"/en/get-started", &kept)); len(kept) != want {
			h.Errorf("texts of %s: %v", of, kept)
		}
	}

	h.call(bearer, "GET", "/risk-assessments/settings", "").is(200, `{"enabled":false}`)
	h.call(bearer, "PATCH", "/risk-assessments/settings", `{"enabled":true}`).is(200, `{"enabled":true}`)
	h.call(bearer, "GET", "/risk-assessments/settings/new-device", "").is(200, `{"remember_for":30}`)
	h.call(bearer, "PATCH", "/risk-assessments/settings/new-device", `{"remember_for":366}`).is(400, "")
	h.call(bearer, "PATCH", "/risk-assessments/settings/new-device", `{"remember_for":7}`).is(200, `{"remember_for":7}`)
	h.call(bearer, "GET", "/supplemental-signals", "").is(200, `{"akamai_enabled":false}`)
	h.call(bearer, "PATCH", "/supplemental-signals", `{"akamai_enabled":true}`).is(200, `{"akamai_enabled":true}`)
}

// TestKeptDocumentsAreLookedAt: what has no effect here is held to its shape all the same, so that a mistake is told by the tool that makes it.
func TestKeptDocumentsAreLookedAt(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	for _, row := range [][2]string{
		{"/forms", `{"name":"f","nodes":5}`},
		{"/forms", `{"name":"f","start":[]}`},
		{"/flows", `{"name":"f","actions":{}}`},
		{"/flows/vault/connections", `{"name":"v","app_id":"OTHER"}`},
		{"/flows/vault/connections", `{"name":"v","app_id":"HTTP","setup":"x"}`},
		{"/self-service-profiles", `{"name":"p","user_attributes":[{"name":"a"}]}`},
		{"/self-service-profiles", `{"name":"p","branding":"x"}`},
		{"/self-service-profiles", `{"name":"p","branding":{"logo_url":"http://x.test/a.png"}}`},
		{"/self-service-profiles", `{"name":"p","branding":{"colors":{}}}`},
		{"/organizations", `{"name":"o","token_quota":{"per_day":1}}`},
		{"/organizations", `{"name":"o","token_quota":{"client_credentials":{"per_day":0}}}`},
		{"/clients", `{"name":"c","session_transfer":{"delegation":5}}`},
		{"/clients", `{"name":"c","session_transfer":{"delegation":{"enforce_device_binding":"x"}}}`},
		{"/clients", `{"name":"c","jwt_configuration":{"scopes":"x"}}`},
		{"/connection-profiles", `{"name":"c","organization":{"show_as_button":"yes"}}`},
		{"/connection-profiles", `{"name":"c","strategy_overrides":{"oidc":{"enabled_features":["x"]}}}`},
		{"/user-attribute-profiles", `{"name":"u","user_attributes":{"email":{"label":"Email"}}}`},
		{"/user-attribute-profiles", `{"name":"u","user_attributes":{"email":{"label":"a","description":"b","profile_required":true,"auth0_mapping":"email","saml_mapping":[]}}}`},
		{"/user-attribute-profiles", `{"name":"u","user_id":{"strategy_overrides":{"oidc":{"scim_mapping":5}}},"user_attributes":{"email":{"label":"a","description":"b","profile_required":true,"auth0_mapping":"email"}}}`},
		{"/rate-limit-policies", `{"resource":"oauth_authentication_api","consumer":"client","consumer_selector":"x","configuration":{"action":"block"}}`},
		{"/rate-limit-policies", `{"resource":"oauth_authentication_api","consumer":"client","consumer_selector":"x","configuration":{"action":"redirect","limit":1}}`},
		{"/verifiable-credentials/verification/templates", `{"name":"t","type":"mdl","dialect":"other","presentation":` + licence + `,"well_known_trusted_issuers":"aamva"}`},
		{"/event-streams", `{"name":"s","destination":{"type":"eventbridge","configuration":{"aws_account_id":"123456789012"}}}`},
		{"/event-streams", `{"name":"s","destination":{"type":"eventbridge","configuration":{"aws_account_id":"123456789012","aws_region":"mars"}}}`},
		{"/event-streams", `{"name":"s","subscriptions":[],"destination":{"type":"eventbridge","configuration":{"aws_account_id":"123456789012","aws_region":"eu-west-1"}}}`},
	} {
		h.call(all, "POST", row[0], row[1]).is(400, "")
	}
	h.call(all, "PATCH", "/tenants/settings", `{"support_email":"nobody"}`).is(400, "")
	h.call(all, "PATCH", "/prompts/login/screen/login/rendering", `{"filters":{"clients":["web"]}}`).is(400, "")
	h.call(all, "PATCH", "/prompts/login/screen/login/rendering", `{"filters":{"match_type":"includes_any","clients":[{"id":"web"},{"metadata":{"a":"b"}}]}}`).is(200, "")
	stream := h.call(all, "POST", "/event-streams", `{"name":"s","destination":{"type":"eventbridge","configuration":{"aws_account_id":"123456789012","aws_region":"us-gov-east-1","aws_partner_event_source":"x"}}}`).is(201, "")
	h.call(all, "PATCH", "/event-streams/"+stream.text("id"), `{"name":"t"}`).is(200, "")
}

// TestHydratedDocuments: a question for more than is shown is none that is refused.
func TestHydratedDocuments(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	form := h.call(all, "POST", "/forms", `{"name":"f"}`).is(201, "")
	h.call(all, "GET", "/forms/"+form.text("id")+"?hydrate=flow_count&hydrate=links", "").is(200, form.body)
	slow := h.call(all, "POST", "/flows", `{"name":"a"}`).is(201, "")
	fast := h.call(all, "POST", "/flows", `{"name":"b","synchronous":true}`).is(201, "")
	h.call(all, "GET", "/flows/"+slow.text("id")+"?hydrate=form_count", "").is(200, slow.body)
	h.call(all, "GET", "/flows?synchronous=true", "").is(200, "["+fast.body+"]")
	h.call(all, "GET", "/flows?synchronous=false", "").is(200, "["+slow.body+"]")
}
