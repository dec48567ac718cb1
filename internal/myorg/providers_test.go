package myorg_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// What members see of connections, and change: as much as the tenant lets them, and of no other organization's.
func TestLevels(t *testing.T) {
	each(t, func(w *world) {
		hidden, unset, readonly := w.provide(w.org, "hidden", "none"), w.provide(w.org, "unset", ""), w.provide(w.org, "readonly", "readonly")
		limited, full, theirs := w.provide(w.org, "limited", "limited"), w.provide(w.org, "full", "full"), w.provide(w.other, "theirs", "full")
		shared := w.provide(w.org, "shared", "full")
		w.ok(w.st.AddOrganizationConnection(t.Context(), w.other.ID, &stagedoor.OrganizationConnection{ConnectionID: shared, AccessLevel: "none", IsEnabled: true}))
		access := w.token()
		w.settle()
		all := w.call(access, "GET", "/identity-providers", "").is(200, "")
		names := strings.Fields(all.list("identity_providers", "name"))
		slices.Sort(names)
		w.same("listed", names, []string{"full", "limited", "readonly", "shared"})
		for _, text := range []string{"hush", "hidden", "inner", "token_endpoint"} {
			if strings.Contains(all.text, text) {
				t.Errorf("%s comes out: %s", text, all.text)
			}
		}
		seen := `{"options":{"type":"back_channel","client_id":"ours","discovery_url":"https://idp.test/.well-known/openid-configuration"},"attributes":[],"domains":[],"show_as_button":true,"is_enabled":true,"assign_membership_on_login":false,"strategy":"oidc"}`
		w.call(access, "GET", "/identity-providers/"+full, "").is(200, seen).is(200, `{"access_level":"full"}`)
		w.call(access, "GET", "/identity-providers/"+readonly, "").is(200, seen).is(200, `{"access_level":"readonly"}`)
		w.call(access, "GET", "/identity-providers/"+limited, "").is(200, `{"options":{},"attributes":[],"access_level":"limited"}`)

		const absent, notTheirs, serves = "The identity provider does not exist.", "The identity provider is not the organization's to change.", "The identity provider serves others than the organization."
		options := `{"options":{"type":"front_channel","client_id":"x","discovery_url":"https://evil.test/"}}`
		for _, id := range []string{hidden, unset, theirs, w.database().ID, "con_0123456789abcdef"} {
			path := "/identity-providers/" + id
			w.call(access, "GET", path, "").fails(404, "A0E-404-0002", absent)
			w.call(access, "PATCH", path, `{"is_enabled":false}`).fails(404, "A0E-404-0002", absent)
			for _, call := range []string{"DELETE ", "PUT /update-attributes", "POST /detach", "GET /provisioning", "POST /provisioning", "DELETE /provisioning", "PUT /provisioning/update-attributes", "GET /provisioning/scim-tokens", "DELETE /provisioning/scim-tokens/x", "DELETE /domains/acme.test"} {
				method, rest, _ := strings.Cut(call, " ")
				w.call(access, method, path+rest, "").fails(404, "A0E-404-0002", absent)
			}
			w.call(access, "POST", path+"/domains", `{"domain":"acme.test"}`).fails(404, "A0E-404-0002", absent)
			w.call(access, "POST", path+"/provisioning/scim-tokens", `{}`).fails(404, "A0E-404-0002", absent)
		}
		for id, why := range map[string]string{readonly: notTheirs, limited: notTheirs, shared: serves} {
			path := "/identity-providers/" + id
			w.call(access, "PATCH", path, options).fails(403, "A0E-403-0001", why)
			w.call(access, "PATCH", path, `{"display_name":"x"}`).fails(403, "A0E-403-0001", why)
			w.call(access, "PATCH", path, `{"assign_membership_on_login":true}`).fails(403, "A0E-403-0001", why)
			w.call(access, "DELETE", path, "").fails(403, "A0E-403-0001", why)
			w.call(access, "POST", path+"/detach", "").fails(403, "A0E-403-0001", why)
			w.call(access, "POST", path+"/provisioning", "").fails(403, "A0E-403-0001", why)
			w.call(access, "POST", path+"/domains", `{"domain":"acme.test"}`).fails(403, "A0E-403-0001", why)
		}
		w.call(access, "PATCH", "/identity-providers/"+readonly, `{"is_enabled":false}`).fails(403, "A0E-403-0001", notTheirs)
		w.call(access, "PATCH", "/identity-providers/"+limited, `{"is_enabled":false,"show_as_button":false}`).is(200, `{"is_enabled":false,"show_as_button":false,"name":"limited"}`)
		w.call(access, "PATCH", "/identity-providers/"+full, `{"display_name":"Ours","assign_membership_on_login":true}`).is(200, `{"display_name":"Ours","assign_membership_on_login":true,"access_level":"full"}`)
		w.call(access, "PATCH", "/identity-providers/"+full, `{"display_name":null}`).is(200, `{"display_name":null,"access_level":"full"}`)
		w.call(access, "PATCH", "/identity-providers/"+full, `{"organization_access_level":"full"}`).is(400, "")
	})
}

// A secret that was given for one provider never goes to another.
func TestAttackSecretToAnotherProvider(t *testing.T) {
	each(t, func(w *world) {
		full := w.provide(w.org, "full", "full")
		access, path := w.token(), "/identity-providers/"+full
		w.call(access, "PATCH", path, `{"options":{"type":"back_channel","client_id":"ours","discovery_url":"https://evil.test/"}}`).is(400, `{"title":"Validation Error"}`)
		w.call(access, "PATCH", path, `{"options":{"discovery_url":"https://evil.test/"}}`).is(400, `{"title":"Validation Error"}`)
		for _, option := range []string{"token_endpoint", "issuer", "inner", "client_auth", "configuration", "domain_aliases"} {
			w.call(access, "PATCH", path, `{"options":{"type":"front_channel","client_id":"ours","discovery_url":"https://idp.test/","`+option+`":"x"}}`).is(400, `{"title":"Validation Error"}`)
		}
		address := w.issuer + "/.well-known/openid-configuration"
		w.call(access, "PATCH", path, `{"options":{"type":"front_channel","client_id":"mine","discovery_url":"`+address+`"}}`).is(200, `{"options":{"type":"front_channel","client_id":"mine","discovery_url":"`+address+`"}}`)
		c, err := w.st.Connection(t.Context(), full)
		w.ok(err)
		w.same("the secret", c.Options.Stored["client_secret"], nil)
		w.same("the endpoint", c.Option("token_endpoint"), "https://other.test/t")
		w.same("what the tenant has set", c.Option("inner"), "hidden")
	})
}

func TestCreateProvider(t *testing.T) {
	each(t, func(w *world) {
		access := w.token()
		const saml = `"strategy":"samlp","options":{"signInEndpoint":"https://idp.test/sso","cert":"x","signSAMLRequest":false}`
		w.settle()
		w.call(access, "POST", "/identity-providers", `{"name":"Staff",`+saml+`}`).is(409, `{"title":"Configuration issue"}`)
		w.profiles("none")
		w.claim("acme.test", true)
		w.claim("unproved.test", false)
		w.logged("idp_failed", "domain_succeeded", "domain_succeeded", "domain_succeeded")
		for body, field := range map[string]string{
			`{"name":"Staff","strategy":"waad","options":{}}`: "strategy", `{"name":"Staff","strategy":"auth0","options":{}}`: "strategy", `{"name":"no name",` + saml + `}`: "name",
			`{"name":"Staff",` + saml + `,"domains":["unproved.test"]}`: "domain", `{"name":"Staff",` + saml + `,"domains":["other.test"]}`: "domain", `{"name":"Staff","strategy":"samlp"}`: "options",
			`{"name":"Staff",` + saml + `,"show_as_button":true}`: "show_as_button", `{"name":"Staff",` + saml + `,"assign_membership_on_login":false}`: "assign_membership_on_login",
			`{"name":"Staff","strategy":"okta","options":{"domain":"evil.test/path?","client_id":"x","client_secret":"y"}}`:                                              "options.domain",
			`{"name":"Staff","strategy":"adfs","options":{"adfs_server":"evil.test/path?"}}`:                                                                             "options.adfs_server",
			`{"name":"Staff","strategy":"samlp","options":{"signSAMLRequest":false}}`:                                                                                    "options",
			`{"name":"Staff","strategy":"samlp","options":{"signInEndpoint":"javascript:alert(1)","cert":"x","signSAMLRequest":false}}`:                                  "options.signInEndpoint",
			`{"name":"Staff","strategy":"samlp","options":{"signInEndpoint":"https://idp.test/sso","cert":"x","signSAMLRequest":false,"icon_url":"http://x.test/"}}`:     "options.icon_url",
			`{"name":"Staff","strategy":"samlp","options":{"signInEndpoint":"https://idp.test/sso","cert":"x","signSAMLRequest":false,"idpInitiated":{"enabled":true}}}`: "options",
			`{"name":"Staff","strategy":"adfs","options":{"adfs_server":"a.test","fedMetadataXml":"<x/>"}}`:                                                              "options",
		} {
			got := w.call(access, "POST", "/identity-providers", body).is(400, `{"title":"Validation Error"}`)
			if v, _ := got.body["validation_errors"].([]any)[0].(map[string]any)["field"].(string); v != field {
				t.Errorf("%s: %s", body, got.text)
			}
		}
		w.logged(strings.Fields(strings.Repeat("idp_failed ", 15))...)
		got := w.call(access, "POST", "/identity-providers", `{"name":"Staff","display_name":"Our staff","domains":["ACME.test"],`+saml+`}`).is(201, `{
			"name":"Staff","display_name":"Our staff","strategy":"samlp","access_level":"full","is_enabled":true,"show_as_button":false,"assign_membership_on_login":true,"domains":["acme.test"],
			"options":{"signInEndpoint":"https://idp.test/sso","cert":"x","signSAMLRequest":false},
			"attributes":[{"user_attribute":"email","label":"Email","description":"Address","is_required":true,"is_extra":false,"is_missing":false,"sso_field":["urn:mail"]}]}`)
		id := got.get("id")
		w.call(access, "GET", "/identity-providers/"+id, "").is(200, `{"name":"Staff"}`)
		w.logged("idp_succeeded")
		c, err := w.st.Connection(t.Context(), id)
		w.ok(err)
		w.same("its name", c.Name, "acme-"+strings.ReplaceAll(w.org.ID, "_", "-")+"-Staff")
		w.same("its clients", c.EnabledClients, []string{})
		w.call(access, "POST", "/identity-providers", `{"name":"Staff",`+saml+`}`).is(409, `{"title":"Duplicate Resource"}`)

		adfs := w.call(access, "POST", "/identity-providers", `{"name":"Fed","strategy":"adfs","options":{"adfs_server":"adfs.test"}}`).is(201, `{"options":{"adfs_server":"adfs.test"}}`)
		c, err = w.st.Connection(t.Context(), adfs.get("id"))
		w.ok(err)
		w.same("whose addresses are theirs is not theirs to say", c.Option("should_trust_email_verified_connection"), "never_set_emails_as_verified")

		w.call(access, "PUT", "/identity-providers/"+id+"/update-attributes", "").is(200, `{"name":"Staff"}`)
		w.call(access, "PUT", "/identity-providers/"+adfs.get("id")+"/update-attributes", "").is(400, "")
		w.call(access, "POST", "/identity-providers/"+id+"/domains", `{"domain":"acme.test"}`).fails(409, "A0E-409-0003", "The identity provider has the domain already.")
		w.call(access, "POST", "/identity-providers/"+id+"/domains", `{"domain":"unproved.test"}`).is(400, `{"title":"Validation Error"}`)
		w.call(access, "DELETE", "/identity-providers/"+id+"/domains/acme.test", "").is(204, "")
		w.call(access, "DELETE", "/identity-providers/"+id+"/domains/acme.test", "").is(404, "")
		w.call(access, "POST", "/identity-providers/"+id+"/domains", `{"domain":"acme.test"}`).is(201, `{"domain":"acme.test"}`)

		w.ok(w.st.CreateUser(t.Context(), &stagedoor.User{ID: "samlp|x|1", Connection: "acme-" + strings.ReplaceAll(w.org.ID, "_", "-") + "-Staff", Email: "x@acme.test"}, ""))
		w.call(access, "DELETE", "/identity-providers/"+id, "").fails(400, "A0E-400-0001", "The identity provider has users.")
		w.configure(`{"allowed_strategies":["samlp"],"connection_deletion_behavior":"allow"}`)
		w.call(access, "DELETE", "/identity-providers/"+id, "").is(204, "")
		w.call(access, "GET", "/identity-providers/"+id, "").is(404, "")
		w.call(access, "POST", "/identity-providers/"+adfs.get("id")+"/detach", "").is(204, "")
		w.call(access, "GET", "/identity-providers/"+adfs.get("id"), "").is(404, "")
		_, err = w.st.Connection(t.Context(), adfs.get("id"))
		w.ok(err)
	})
}

// An organization has at most ten connections; what there is no room for is not left behind. What it has made it cannot detach to make more without end.
func TestManyProviders(t *testing.T) {
	each(t, func(w *world) {
		w.profiles("optional")
		access := w.token()
		const saml = `,"strategy":"samlp","options":{"signInEndpoint":"https://idp.test/sso","cert":"x","signSAMLRequest":false}}`
		for i := range 9 {
			w.call(access, "POST", "/identity-providers", `{"name":"A`+asJSON(i)+`"`+saml).is(201, "")
		}
		before, err := w.st.Connections(t.Context())
		w.ok(err)
		w.call(access, "POST", "/identity-providers", `{"name":"B"`+saml).is(403, "")
		after, err := w.st.Connections(t.Context())
		w.ok(err)
		w.same("left behind", len(after), len(before))
		for i := range 41 {
			w.ok(w.st.CreateConnection(t.Context(), &stagedoor.Connection{Name: "old" + asJSON(i), Strategy: "samlp", Metadata: map[string]string{"my_organization": w.org.ID}}))
		}
		w.call(access, "POST", "/identity-providers", `{"name":"C"`+saml).fails(403, "A0E-403-0001", "The organization has made too many identity providers.")
	})
}

// claim claims a domain, and proves it.
func (w *world) claim(name string, prove bool) string {
	w.Helper()
	access := w.token()
	got := w.call(access, "POST", "/domains", `{"domain":"`+name+`"}`).is(201, `{"status":"pending","domain":"`+name+`","org_id":"`+w.org.ID+`"}`)
	if prove {
		w.dns[got.get("verification_host")] = []string{"other", got.get("verification_txt")}
		w.call(access, "POST", "/domains/"+got.get("id")+"/verify", "").is(202, `{"status":"verified"}`)
	}
	return got.get("id")
}

func TestDomains(t *testing.T) {
	each(t, func(w *world) {
		w.profiles("optional")
		access := w.token()
		w.settle()
		id := w.claim("acme.test", false)
		w.call(access, "POST", "/domains/"+id+"/verify", "").is(202, `{"status":"failed"}`)
		got := w.call(access, "GET", "/domains/"+id, "").is(200, `{"status":"pending","verification_host":"_ss-verification.`+w.org.ID+`.acme.test"}`)
		w.call(access, "POST", "/domains", `{"domain":"Acme.TEST"}`).is(409, `{"title":"Duplicate Resource"}`)
		for _, body := range []string{`{"domain":"localhost"}`, `{"domain":"a b.test"}`, `{"domain":"acme.test","status":"verified"}`, `{}`} {
			w.call(access, "POST", "/domains", body).is(400, `{"title":"Validation Error"}`)
		}
		w.dns[got.get("verification_host")] = []string{got.get("verification_txt")}
		w.call(access, "POST", "/domains/"+id+"/verify", "").is(202, `{"status":"verified"}`)
		w.logged(strings.Fields("domain_succeeded domain_succeeded" + strings.Repeat(" domain_failed", 5) + " domain_succeeded")...)
		found, err := w.st.OrganizationsByDomain(t.Context(), "acme.test")
		w.ok(err)
		w.same("found by it", len(found), 1)

		theirs := &stagedoor.DiscoveryDomain{OrganizationID: w.other.ID, Domain: "umbrella.test", Status: "verified"}
		w.ok(w.st.CreateDiscoveryDomain(t.Context(), theirs))
		for _, call := range []string{"GET ", "DELETE ", "POST /verify", "GET /identity-providers"} {
			method, rest, _ := strings.Cut(call, " ")
			w.call(access, method, "/domains/"+theirs.ID+rest, "").fails(404, "A0E-404-0002", "The domain does not exist.")
		}
		second := w.claim("acme2.test", false)
		first := w.call(access, "GET", "/domains?take=1", "").is(200, "")
		rest := w.call(access, "GET", "/domains?take=1&from="+first.get("next"), "").is(200, `{"next":null}`)
		both := strings.Fields(first.list("organization_domains", "id") + " " + rest.list("organization_domains", "id"))
		slices.Sort(both)
		want := []string{id, second}
		slices.Sort(want)
		w.same("listed", both, want)

		provider := w.call(access, "POST", "/identity-providers", `{"name":"Staff","domains":["acme.test"],"strategy":"samlp","options":{"signInEndpoint":"https://idp.test/sso","cert":"x","signSAMLRequest":false}}`).is(201, "").get("id")
		w.call(access, "GET", "/domains/"+id+"/identity-providers", "").is(200, `{"identity_providers":[{"id":"`+provider+`","name":"Staff"}]}`)
		w.call(w.token("read:my_org:domains"), "GET", "/domains/"+id+"/identity-providers", "").is(403, "")
		w.call(access, "DELETE", "/domains/"+id, "").is(204, "")
		w.call(access, "GET", "/identity-providers/"+provider, "").is(200, `{"domains":[]}`)
	})
}

func TestProvisioning(t *testing.T) {
	each(t, func(w *world) {
		w.profiles("optional")
		access := w.token()
		id := w.call(access, "POST", "/identity-providers", `{"name":"Staff","strategy":"samlp","options":{"signInEndpoint":"https://idp.test/sso","cert":"x","signSAMLRequest":false}}`).is(201, "").get("id")
		path := "/identity-providers/" + id + "/provisioning"
		w.settle()
		w.call(access, "GET", path, "").fails(404, "A0E-404-0002", "The provisioning configuration does not exist.")
		w.call(access, "POST", path+"/scim-tokens", `{}`).is(404, "")
		shown := `{"identity_provider_id":"` + id + `","strategy":"samlp","method":"scim","user_id_attribute":"externalId","attributes":[
			{"user_attribute":"email","label":"Email","description":"Address","is_required":true,"is_extra":false,"is_missing":false,"provisioning_field":"emails[primary eq true].value"},
			{"user_attribute":"blocked","is_required":false,"is_extra":true,"is_missing":false,"provisioning_field":"active"}]}`
		w.call(access, "POST", path, "").is(201, shown)
		w.call(access, "POST", path, "").is(409, "")
		w.call(access, "PUT", path+"/update-attributes", "").is(200, shown)
		w.call(access, "GET", path, "").is(200, shown)
		w.call(access, "POST", path+"/scim-tokens", `{"token_lifetime":900}`).is(400, "")
		made := w.call(access, "POST", path+"/scim-tokens", `{"token_lifetime":901}`).is(201, "")
		if made.get("token") == "" || made.get("valid_until") == "" {
			t.Errorf("%s", made.text)
		}
		listed := w.call(access, "GET", path+"/scim-tokens", "").is(200, "")
		if strings.Contains(listed.text, made.get("token")) || listed.list("scim_tokens", "token_id") != made.get("token_id") {
			t.Errorf("%s", listed.text)
		}
		w.call(access, "DELETE", path+"/scim-tokens/tok_0123456789abcdef", "").fails(404, "A0E-404-0002", "The token does not exist.")
		w.call(access, "DELETE", path+"/scim-tokens/"+made.get("token_id"), "").is(204, "")
		w.call(access, "DELETE", path, "").is(204, "")
		w.call(access, "DELETE", path, "").is(404, "")
		w.logged(strings.Fields("idp_failed idp_succeeded idp_failed idp_succeeded idp_failed idp_succeeded idp_failed idp_succeeded idp_succeeded idp_failed")...)
		logs, err := json.Marshal(w.call(access, "GET", path, "").text)
		w.ok(err)
		if strings.Contains(string(logs), made.get("token")) {
			t.Error("the token is in the log")
		}
		other := w.call(access, "POST", "/identity-providers", `{"name":"Fed","strategy":"adfs","options":{"adfs_server":"adfs.test"}}`).is(201, "").get("id")
		w.call(access, "POST", "/identity-providers/"+other+"/provisioning", "").fails(400, "A0E-400-0001", "Identity providers of the strategy adfs have no provisioning here.")
	})
}

// Where the profile has no prefix, an organization takes no name that others of the tenant may want.
func TestNamesWithoutPrefix(t *testing.T) {
	each(t, func(w *world) {
		var bare struct{ ID string }
		w.manage("POST", "/connection-profiles", map[string]any{"name": "bare"}, &bare)
		w.configure(`{"allowed_strategies":["samlp"],"connection_deletion_behavior":"allow_if_empty","connection_profile_id":"` + bare.ID + `"}`)
		got := w.call(w.token(), "POST", "/identity-providers", `{"name":"google-oauth2","strategy":"samlp","options":{"signInEndpoint":"https://idp.test/sso","cert":"x","signSAMLRequest":false}}`).is(201, "")
		c, err := w.st.Connection(t.Context(), got.get("id"))
		w.ok(err)
		w.same("its name", c.Name, strings.ReplaceAll(w.org.ID, "_", "-")+"-google-oauth2")
	})
}

// One organization does not use up what the tenant may configure.
func TestAttackLargeProviders(t *testing.T) {
	each(t, func(w *world) {
		w.profiles("optional")
		access := w.token()
		body := func(name string, size int) string {
			options := `"options":{"signInEndpoint":"https://idp.test/sso","cert":"` + strings.Repeat("x", size) + `","signSAMLRequest":false}`
			if name == "" {
				return "{" + options + "}"
			}
			return `{"name":"` + name + `","strategy":"samlp",` + options + "}"
		}
		const why = "The identity providers that the organization has made are too large together."
		var last string
		for i := 0; ; i++ {
			a := w.call(access, "POST", "/identity-providers", body("p"+asJSON(i), 65_000))
			if a.status != 201 {
				a.fails(403, "A0E-403-0001", why)
				break
			}
			last = a.get("id")
			if w.call(access, "POST", "/identity-providers/"+last+"/detach", "").is(204, ""); i > 20 {
				t.Fatal("there is no end")
			}
		}
		small := w.call(access, "POST", "/identity-providers", body("small", 100)).is(201, "").get("id")
		w.call(access, "PATCH", "/identity-providers/"+small, body("", 65_000)).fails(403, "A0E-403-0001", why)
		w.call(access, "PATCH", "/identity-providers/"+small, body("", 200)).is(200, "")
	})
}

// A domain that is given up while an identity provider with it is written does not stay with that: the provider may take its time to describe itself.
func TestAttackDomainGivenUpMeanwhile(t *testing.T) {
	each(t, func(w *world) {
		w.profiles("optional")
		access := w.token()
		options := `"options":{"type":"front_channel","client_id":"x","discovery_url":"` + w.issuer + `/.well-known/openid-configuration"}`
		status := 0
		giveUp := func() (whenAsked func()) {
			id := w.claim("acme.test", true)
			return func() { status = w.call(access, "DELETE", "/domains/"+id, "").status }
		}
		w.asked = giveUp()
		made := w.call(access, "POST", "/identity-providers", `{"name":"Staff","strategy":"oidc","domains":["ACME.test"],`+options+`}`).is(201, `{"domains":[]}`)
		w.same("given up", status, 204)
		path := "/identity-providers/" + made.get("id")
		whenAsked := giveUp()
		w.call(access, "POST", path+"/domains", `{"domain":"acme.test"}`).is(201, "")
		w.claim("kept.test", true)
		w.call(access, "POST", path+"/domains", `{"domain":"kept.test"}`).is(201, "")
		status, w.asked = 0, func() {
			w.asked = nil
			whenAsked()
		}
		w.call(access, "PATCH", path, `{`+options+`}`).is(200, `{"domains":["kept.test"]}`)
		w.same("given up", status, 204)
	})
}

// What others change of a connection while its provider describes itself stays, and what its members sent is written on top of that.
func TestProviderChangedMeanwhile(t *testing.T) {
	each(t, func(w *world) {
		w.profiles("optional")
		access := w.token()
		w.claim("acme.test", true)
		options := `{"options":{"type":"front_channel","client_id":"%","discovery_url":"` + w.issuer + `/.well-known/openid-configuration"}`
		made := w.call(access, "POST", "/identity-providers", strings.Replace(options, "{", `{"name":"Staff","strategy":"oidc",`, 1)+"}").is(201, "")
		path, others := "/identity-providers/"+made.get("id"), 0
		write := func() {
			_, err := w.st.UpdateConnection(t.Context(), made.get("id"), func(c *stagedoor.Connection) error {
				others++
				c.Options.Stored["upstream_params"] = json.RawMessage(`{"n":{"value":"` + asJSON(others) + `"}}`)
				return nil
			})
			w.ok(err)
		}
		w.asked = func() {
			w.asked = nil
			write()
			w.call(access, "POST", path+"/domains", `{"domain":"acme.test"}`).is(201, "")
		}
		w.call(access, "PATCH", path, strings.Replace(options, "%", "new", 1)+"}").is(200, `{"domains":["acme.test"]}`)
		conn, err := w.st.Connection(t.Context(), made.get("id"))
		w.ok(err)
		if conn.Option("client_id") != "new" || !strings.Contains(string(conn.Options.Stored["upstream_params"]), `"1"`) {
			t.Errorf("%s", conn.Options.Stored)
		}
		w.asked = write
		w.call(access, "PATCH", path, strings.Replace(options, "%", "never", 1)+"}").fails(409, "A0E-409-0003", "The identity provider was changed by somebody else meanwhile.")
		conn, err = w.st.Connection(t.Context(), made.get("id"))
		w.ok(err)
		if conn.Option("client_id") != "new" || others != 4 {
			t.Errorf("%s %d", conn.Options.Stored, others)
		}
	})
}

// An identity provider that an organization has given up gets nobody in: its tokens of provisioning end, the tenant's way to see it does not.
func TestAttackProvisioningAfterDetaching(t *testing.T) {
	each(t, func(w *world) {
		w.profiles("optional")
		access := w.token()
		id := w.call(access, "POST", "/identity-providers", `{"name":"Staff","strategy":"samlp","options":{"signInEndpoint":"https://idp.test/sso","cert":"x","signSAMLRequest":false}}`).is(201, "").get("id")
		path := "/identity-providers/" + id
		w.call(access, "POST", path+"/provisioning", "").is(201, "")
		w.call(access, "POST", path+"/provisioning/scim-tokens", `{}`).is(201, "")
		w.call(access, "POST", path+"/detach", "").is(204, "")
		s, err := store.SCIMConfigs.Get(t.Context(), w.st, id)
		w.ok(err)
		w.same("tokens", len(s.Tokens), 0)
		other := w.call(access, "POST", "/identity-providers", `{"name":"Plain","strategy":"adfs","options":{"adfs_server":"adfs.test"}}`).is(201, "").get("id")
		w.call(access, "POST", "/identity-providers/"+other+"/detach", "").is(204, "")
	})
}
