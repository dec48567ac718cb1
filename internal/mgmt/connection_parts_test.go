package mgmt

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

const epoch = "2026-11-25T12:00:00.000Z"

func (h *house) connect(name, strategy string) (id, path string) {
	h.Helper()
	id = h.call(h.machine("acme"), "POST", "/connections", `{"name":"`+name+`","strategy":"`+strategy+`","options":{"client_id":"x"}}`).is(201, "").text("id")
	return id, "/connections/" + id
}

func TestSCIM(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		id, path := h.connect("corp", "okta")
		config := path + "/scim-configuration"
		h.call(all, "GET", config, "").fails(404, "", "Not Found")
		unreadable := func(path, text string) string {
			return payload("No path of a SCIM attribute: " + text + "' on property " + path)
		}
		rows := `"mapping":[{"auth0":"name","scim":"displayName"},{"auth0":"email","scim":"emails[type eq"}]`
		h.call(all, "POST", config, "{"+rows+"}").fails(400, "invalid_body", unreadable("mapping[1].scim", "emails[type eq"))
		h.call(all, "POST", config, `{"user_id_attribute":"id]"}`).fails(400, "invalid_body", unreadable("user_id_attribute", "id]"))
		got := h.call(all, "POST", config, "").is(201, "")
		h.call(all, "PATCH", config, `{"user_id_attribute":"userName",`+rows+"}").fails(400, "invalid_body", unreadable("mapping[1].scim", "emails[type eq"))
		h.call(all, "PATCH", config, `{"user_id_attribute":"id]","mapping":[]}`).fails(400, "invalid_body", unreadable("user_id_attribute", "id]"))
		if got.text("user_id_attribute") != "externalId" || len(got.get("mapping").([]any)) != 32 {
			h.Errorf("defaults: %s", got.body)
		}
		h.call(all, "GET", config+"/default-mapping", "").is(200, `{"mapping":`+encode(got.get("mapping"))+`}`)
		h.call(all, "POST", config, `{}`).fails(409, "scim_configuration_conflict", "A SCIM configuration already exists for this connection.")
		want := `{"connection_id":"` + id + `","connection_name":"corp","strategy":"okta","tenant_name":"acme","user_id_attribute":"userName","mapping":[{"auth0":"email","scim":"email"}],"created_at":"` + epoch + `","updated_on":"` + epoch + `"}`
		h.call(all, "PATCH", config, `{"user_id_attribute":"userName","mapping":[{"auth0":"email","scim":"email"}]}`).is(200, want)
		h.call(all, "PATCH", config, `{"mapping":[]}`).fails(400, "invalid_body", payload(`Missing required property: user_id_attribute'`))
		h.call(all, "GET", config, "").is(200, want)
		h.call(all, "GET", "/connections-scim-configurations?take=50", "").is(200, `{"scim_configurations":[`+want+`]}`)

		token := h.call(all, "POST", config+"/tokens", `{"scopes":["get:users"],"token_lifetime":900}`).is(201, "")
		shown := `{"token_id":"` + token.text("token_id") + `","scopes":["get:users"],"created_at":"` + epoch + `","valid_until":"2026-11-25T12:15:00.000Z"}`
		if len(token.text("token")) < 40 {
			h.Errorf("%s", token.body)
		}
		h.call(all, "GET", config+"/tokens", "").is(200, "["+shown+"]")
		kept, err := store.SCIMConfigs.Get(context.Background(), h.store("acme"), id)
		h.ok(err)
		if text := encode(kept); strings.Contains(text, token.text("token")) || len(kept.Tokens[0].Hash) != 43 {
			h.Errorf("the token is kept: %s", text)
		}
		h.call(all, "POST", config+"/tokens", `{}`).is(201, "")
		h.call(all, "POST", config+"/tokens", `{}`).fails(400, "operation_not_supported", "A connection has at most 2 SCIM tokens.")
		h.call(all, "POST", config+"/tokens", `{"token_lifetime":10}`).
			fails(400, "invalid_body", payload(`Value 10 is less than minimum 900' on property token_lifetime (Lifetime of the token in seconds. Must be greater than 900)`))
		for range 2 {
			h.call(all, "DELETE", config+"/tokens/"+token.text("token_id"), "").is(204, "")
		}
		for range 2 {
			h.call(all, "DELETE", config, "").is(204, "")
		}
		h.call(all, "GET", config+"/tokens", "").fails(404, "", "Not Found")
		h.call(all, "DELETE", config+"/tokens/x", "").is(204, "")
		_, other := h.connect("hub", "github")
		h.call(all, "POST", other+"/scim-configuration", `{}`).fails(404, "", "This connection type does not support SCIM. Please see our documentation for the currently supported connection types: https://auth0.com/docs/authenticate/protocols/scim/configure-inbound-scim.")
		h.call(all, "POST", "/connections/con_0000000000000000/scim-configuration", `{}`).fails(404, "inexistent_connection", "The connection does not exist")
	})
}

func TestDirectoryProvisioning(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		id, path := h.connect("g", "google-apps")
		config := path + "/directory-provisioning"
		h.call(all, "GET", config, "").fails(404, "", "Not Found")
		got := h.call(all, "POST", config, "").is(201, "")
		h.call(all, "GET", config+"/default-mapping", "").is(200, `{"mapping":`+encode(got.get("mapping"))+`}`)
		if got.get("synchronize_automatically") != false || got.text("synchronize_groups") != "off" {
			h.Errorf("defaults: %s", got.body)
		}
		h.call(all, "PATCH", config, "null").is(200, got.body)
		h.call(all, "POST", config, `null`).fails(409, "directory_provisioning_conflict", "A directory provisioning configuration already exists for this connection.")
		want := `{"connection_id":"` + id + `","connection_name":"g","strategy":"google-apps","mapping":[{"auth0":"email","idp":"primaryEmail"}],"synchronize_automatically":true,"synchronize_groups":"selected","created_at":"` + epoch + `","updated_at":"` + epoch + `"}`
		h.call(all, "PATCH", config, `{"mapping":[{"auth0":"email","idp":"primaryEmail"}],"synchronize_automatically":true,"synchronize_groups":"selected"}`).is(200, want)
		h.call(all, "GET", config, "").is(200, want)
		h.call(all, "GET", "/connections-directory-provisionings?take=50", "").is(200, `{"directory_provisionings":[`+want+`]}`)
		groups := config + "/synchronized-groups"
		h.call(all, "GET", groups, "").is(200, `{"groups":[]}`)
		h.call(all, "PUT", groups, `{"groups":[{"id":"a"},{"id":"b"},{"id":"a"}]}`).is(204, "")
		h.call(all, "POST", groups, `{"groups":[{"id":"c"},{"id":"b"}]}`).is(204, "")
		h.call(all, "DELETE", groups, `{"groups":[{"id":"a"}]}`).is(204, "")
		h.call(all, "GET", groups, "").is(200, `{"groups":[{"id":"b"},{"id":"c"}]}`)
		h.call(all, "PUT", groups, `{}`).fails(400, "invalid_body", payload(`Missing required property: groups'`))
		h.call(all, "PATCH", config, `{"synchronize_groups":"some"}`).fails(400, "invalid_body", payload(`No enum match for: some' on property synchronize_groups (Which groups are synchronized)`))
		h.call(all, "DELETE", config, "").is(204, "")
		h.call(all, "PUT", groups, `{"groups":[]}`).fails(404, "", "Not Found")
		_, other := h.connect("hub", "github")
		h.call(all, "POST", other+"/directory-provisioning", `{}`).fails(400, "operation_not_supported", "Directory provisioning is not supported for connections of strategy github.")
	})
}

func TestConnectionKeys(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		_, path := h.connect("corp", "oidc")
		keys := func() []map[string]any {
			var out []map[string]any
			got := h.call(all, "GET", path+"/keys", "").is(200, "")
			if strings.Contains(got.body, "PRIVATE") {
				h.Error("a private key is shown")
			}
			h.ok(json.Unmarshal([]byte(got.body), &out))
			return out
		}
		before := keys()
		if len(before) != 2 || before[0]["current"] != true || before[0]["subject_dn"] != "/CN=corp" || before[0]["key_use"] != "signing" || before[0]["current_since"] != epoch || before[1]["next"] != true {
			h.Errorf("%v", before)
		}
		h.call(all, "POST", path+"/keys", "").fails(409, "connection_keys_conflict", "The connection already has keys.")
		rotated := h.call(all, "POST", path+"/keys/rotate", "").is(201, "")
		after := keys()
		if len(after) != 3 || after[0]["kid"] != before[1]["kid"] || after[1]["kid"] != rotated.text("kid") || after[2]["kid"] != before[0]["kid"] || after[2]["previous"] != true {
			h.Errorf("%v", after)
		}
		h.call(all, "POST", path+"/keys/rotate", "").is(201, "")
		if after := keys(); len(after) != 3 {
			h.Errorf("%d keys", len(after))
		}
		_, saml := h.connect("s", "samlp")
		h.call(all, "POST", saml+"/keys", "null").is(201, "")
		_, other := h.connect("other", "oidc")
		h.call(all, "POST", other+"/keys", `{"signing_alg":"ES384"}`).is(501, "")
		if made := h.call(all, "POST", other+"/keys", `{"signing_alg":"ES256"}`).is(201, ""); strings.Count(made.body, `"algorithm":"ES256"`) != 2 {
			h.Error(made.body)
		}
		next := h.call(all, "POST", other+"/keys/rotate", `{"signing_alg":"PS256"}`).is(201, "")
		if next.text("algorithm") != "PS256" || next.get("next") != true || next.text("fingerprint") == "" || next.text("thumbprint") == "" || next.text("pkcs") == "" {
			h.Error(next.body)
		}
		_, hub := h.connect("hub", "github")
		h.call(all, "GET", hub+"/keys", "").fails(400, "operation_not_supported", "Connections of strategy github have no keys.")
	})
}

// What belongs to a connection goes with it.
func TestConnectionPartsGo(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		_, path := h.connect("corp", "okta")
		h.call(all, "POST", path+"/scim-configuration", `{}`).is(201, "")
		h.call(all, "GET", path+"/keys", "").is(200, "")
		h.call(all, "DELETE", path, "").is(202, "")
		h.call(all, "GET", "/connections-scim-configurations", "").is(200, `{"scim_configurations":[]}`)
		if kept, err := store.ConnectionKeys.All(context.Background(), h.store("acme")); err != nil || len(kept) != 0 {
			h.Errorf("%v %v", err, kept)
		}
	})
}

func TestClientMetadataDocument(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	var doc map[string]any
	site := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { json.NewEncoder(w).Encode(doc) }))
	defer site.Close()
	address := site.URL + "/client.json"
	body := `{"external_client_id":"` + address + `"}`
	h.call(all, "POST", "/clients/cimd/preview", body).fails(400, "operation_not_supported", "The document at "+address+" could not be read: this server makes no outbound calls.")
	h.api.HTTP = site.Client()
	doc = map[string]any{"client_id": address, "client_name": "App", "redirect_uris": []string{"https://app.test/cb"}, "grant_types": []string{"authorization_code", "refresh_token"}}
	fields := `{"external_client_id":"` + address + `","name":"App","app_type":"regular_web","callbacks":["https://app.test/cb"],"grant_types":["authorization_code","refresh_token"],"token_endpoint_auth_method":"none"}`
	stranger := &stagedoor.Client{ID: address, Name: "App", TokenEndpointAuthMethod: "none", Stored: map[string]json.RawMessage{ // came by itself: nobody has registered it
		"external_client_id": json.RawMessage(`"` + address + `"`), "external_metadata_type": json.RawMessage(`"cimd"`), "external_metadata_created_by": json.RawMessage(`"client"`),
	}}
	if err := h.store("acme").RegisterClient(context.Background(), stranger, 100); err != nil {
		t.Fatal(err)
	}
	h.call(all, "POST", "/clients/cimd/preview", body).is(200, `{"validation":{"valid":true,"violations":[],"warnings":[]},"mapped_fields":`+fields+`}`)
	id := h.call(all, "POST", "/clients/cimd/register", body).is(201, "").text("client_id")
	got := h.call(all, "GET", "/clients/"+id, "").is(200, "")
	for name, want := range map[string]string{
		"name": `"App"`, "is_first_party": `false`, "oidc_conformant": `true`, "jwt_configuration": `{"alg":"RS256","lifetime_in_seconds":3600,"secret_encoded":false}`,
		"external_client_id": `"` + address + `"`, "external_metadata_type": `"cimd"`, "external_metadata_created_by": `"admin"`, "token_endpoint_auth_method": `"none"`,
	} {
		if encode(got.get(name)) != want {
			t.Errorf("%s: %s", name, encode(got.get(name)))
		}
	}
	if !strings.HasPrefix(id, "tpc_") || len(id) != 26 {
		t.Error(id)
	}
	if stranger, err := h.store("acme").Client(context.Background(), address); err != nil || !stranger.FromDocument() {
		t.Errorf("a stranger's client became a registered one: %+v %v", stranger, err)
	}
	h.call(all, "DELETE", "/clients/"+url.PathEscape(address), "").is(204, "")
	declined := func() bool {
		_, err := store.DeclinedClients.ByName(context.Background(), h.store("acme"), address)
		return err == nil
	}
	if !declined() {
		t.Error("a client that was taken out comes back by itself")
	}
	doc["client_name"] = "App 2"
	if got := h.call(all, "POST", "/clients/cimd/register", body).is(200, ""); got.text("client_id") != id {
		t.Errorf("again: %s", got.body)
	}
	if declined() {
		t.Error("a client that is registered is kept out")
	}
	h.call(all, "GET", "/clients?external_client_id="+address+"&fields=name", "").is(200, `[{"name":"App 2","tenant":"acme"}]`)
	h.call(h.machine("acme", "create:clients"), "POST", "/clients/cimd/register", body).fails(403, "insufficient_scope", "Insufficient scope, expected any of: update:clients")

	doc["client_id"], doc["redirect_uris"] = "https://else.test/", []string{"javascript:alert(1)"}
	doc["client_secret"], doc["token_endpoint_auth_method"] = "s", "client_secret_post"
	got = h.call(all, "POST", "/clients/cimd/preview", body).is(200, "")
	if encode(got.get("validation")) != `{"valid":false,"violations":["client_id must be the address of the document","redirect_uris holds something that is no address: javascript:alert(1)","client_secret must not be there","token_endpoint_auth_method must be none"],"warnings":[]}` {
		t.Errorf("%s", got.body)
	}
	h.call(all, "POST", "/clients/cimd/register", body).fails(400, "validation_error", "The client metadata document is not valid: client_id must be the address of the document")
	doc = map[string]any{"client_id": address, "client_name": strings.Repeat("n", 256), "redirect_uris": slices.Repeat([]string{"https://app.test/cb"}, 201)}
	got = h.call(all, "POST", "/clients/cimd/preview", body).is(200, "")
	if encode(got.get("validation", "violations")) != `["client_name is longer than 255 bytes or holds \u003c or \u003e","redirect_uris has more than 200 entries"]` {
		t.Errorf("%s", got.body)
	}
	h.call(all, "POST", "/clients/cimd/preview", `{"external_client_id":"http://plain.test/x"}`).
		fails(400, "invalid_body", payload(`Object didn't pass validation for format absolute-https-uri-with-path: http://plain.test/x' on property external_client_id`))
	var cl *stagedoor.Client
	cl, err := h.store("acme").Client(context.Background(), id)
	if err != nil || cl.Name != "App 2" {
		t.Errorf("a refused registration changed it: %v %+v", err, cl)
	}
}
