package mgmt

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/internal/web"
)

// TestTwoTenants tries every route with the other tenant's token, and with the other tenant's ids under one's own token: neither
// finds, shows or changes anything.
func TestTwoTenants(t *testing.T) {
	each(t, func(h *house) {
		ctx := context.Background()
		theirs := h.machine("other")
		to := func(method, path, body string) answer { return h.callTo("other", theirs, method, path, body) }
		made := func(path, body string) string {
			got := to("POST", path, body).is(201, "")
			for _, name := range []string{"user_id", "client_id", "id"} {
				if id := got.text(name); id != "" && (name != "client_id" || path == "/clients") {
					return id
				}
			}
			h.Fatalf("no id in %s", got.body)
			return ""
		}
		ids := map[string]string{
			"/users/{id}":            made("/users", `{"connection":"Users","email":"kim@x.test","password":"Correct-Horse-1","user_metadata":{"secret":"theirs"}}`),
			"/clients/{id}":          made("/clients", `{"name":"theirs"}`),
			"/connections/{id}":      made("/connections", `{"name":"theirs","strategy":"auth0"}`),
			"/resource-servers/{id}": made("/resource-servers", `{"identifier":"https://theirs.test/","scopes":[{"value":"a"}]}`),
			"/rules/{id}":            made("/rules", `{"name":"theirs","script":"function(){}"}`),
			"/client-grants/{id}":    made("/client-grants", `{"client_id":"web_other","audience":"https://theirs.test/","scope":[]}`),
		}
		ids["/clients/{client_id}"] = ids["/clients/{id}"]
		to("PUT", "/rules-configs/THEIRS", `{"value":"theirs"}`).is(200, "")
		ids["/rules-configs/{key}"] = "THEIRS"
		h.ok(h.store("other").AddGrant(ctx, ids["/users/{id}"], "web_other", "theirs", []string{"openid"}))
		grants, _, err := h.store("other").Grants(ctx, "", "", "", store.OrganizationQuery{PerPage: 10})
		h.ok(err)
		ids["/grants/{id}"] = grants[0].ID
		ids["/user-blocks/{id}"] = ids["/users/{id}"]
		list := to("GET", "/logs", "").is(200, "")
		ids["/logs/{id}"] = list.body[strings.Index(list.body, "9002"):][:57]
		before := h.snapshot("other")

		bodies := map[string]string{
			"PATCH /users/{id}": `{"user_metadata":{"mine":1}}`, "PATCH /clients/{id}": `{"name":"mine"}`, "PATCH /connections/{id}": `{"display_name":"mine"}`,
			"PATCH /connections/{id}/clients": `[{"client_id":"web_acme","status":true}]`, "PATCH /resource-servers/{id}": `{"name":"mine"}`,
			"PATCH /connections/{id}/directory-provisioning": `{}`, "PATCH /connections/{id}/scim-configuration": `{"user_id_attribute":"a","mapping":[]}`,
			"PUT /connections/{id}/directory-provisioning/synchronized-groups":    `{"groups":[]}`,
			"POST /connections/{id}/directory-provisioning/synchronized-groups":   `{"groups":[]}`,
			"DELETE /connections/{id}/directory-provisioning/synchronized-groups": `{"groups":[]}`,
			"POST /connections/{id}/scim-configuration/tokens":                    `{}`,
			"POST /clients/{client_id}/credentials":                               `{"credential_type":"cert_subject_dn","subject_dn":"CN=x"}`,
			"PATCH /clients/{client_id}/credentials/{credential_id}":              `{}`,
			"POST /users/{id}/authentication-methods":                             `{"type":"totp"}`,
			"POST /users/{id}/identities":                                         `{"provider":"auth0","user_id":"x"}`,
			"PATCH /rules/{id}":                                                   `{"enabled":false}`, "PATCH /client-grants/{id}": `{"scope":[]}`,
		}
		own := h.machine("acme")
		for _, r := range h.api.rows {
			pattern := r.pattern
			path := pattern
			for prefix, id := range ids {
				if strings.HasPrefix(pattern, prefix) {
					path = url.PathEscape(id)
					path = prefix[:strings.Index(prefix, "{")] + path + strings.TrimPrefix(pattern, prefix)
				}
			}
			body := bodies[r.method+" "+pattern]
			if body == "" && r.body != nil {
				body = encode(web.Sample(r.body.JSONSchema()))
			}
			if got := h.call(theirs, r.method, path, body); got.code != 401 {
				h.Errorf("%s %s with the other tenant's token: %d %s", r.method, path, got.code, got.body)
			}
			if path == pattern || strings.Contains(path, "{") || pattern == "/rules-configs/{key}" { // there is nothing of theirs to name
				continue
			}
			query := ""
			if pattern == "/connections/{id}/users" {
				query = "?email=kim%40x.test"
			}
			query += map[string]string{
				"/users/{id}/effective-roles/sources/groups":                "?role_id=x",
				"/users/{id}/effective-permissions":                         "?resource_server_identifier=x",
				"/users/{id}/effective-permissions/sources/effective-roles": "?resource_server_identifier=x&permission_name=x",
			}[pattern]
			got := h.call(own, r.method, path+query, body)
			want := got.code == 404
			if r.method == "DELETE" && pattern != "/connections/{id}/users" {
				want = want || got.code == 204 || got.code == 202 // of nothing
			}
			if pattern == "/users/{id}/logs" {
				want = got.code == 200 // what one did to that id oneself
			}
			if !want || strings.Contains(got.body, "theirs") || strings.Contains(got.body, "_other") {
				h.Errorf("%s %s: %d %s", r.method, path, got.code, got.body)
			}
		}
		h.call(own, "DELETE", "/grants?user_id="+url.QueryEscape(ids["/users/{id}"]), "").is(204, "")
		h.call(own, "DELETE", "/rules-configs/THEIRS", "").is(204, "")
		for _, path := range []string{"/users", "/users-by-email?email=kim%40x.test", "/clients", "/client-grants", "/connections", "/resource-servers", "/rules", "/rules-configs", "/logs", "/grants"} {
			if got := h.call(own, "GET", path, "").is(200, ""); strings.Contains(got.body, "theirs") || strings.Contains(got.body, "_other") {
				h.Errorf("%s shows the other tenant: %s", path, got.body)
			}
		}
		if after := h.snapshot("other"); after != before {
			h.Errorf("the other tenant changed:\n%s\n%s", before, after)
		}
	})
}

// snapshot is all that a tenant has.
func (h *house) snapshot(tenant string) string {
	h.Helper()
	var b strings.Builder
	for _, path := range []string{"/users", "/clients", "/client-grants", "/connections", "/resource-servers", "/rules", "/rules-configs", "/grants", "/tenants/settings"} {
		fmt.Fprintln(&b, h.callTo(tenant, h.machine(tenant), "GET", path, "").is(200, "").body)
	}
	return b.String()
}

func TestLogs(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		kim := h.user("kim", "")
		h.call(all, "PATCH", "/users/"+kim, `{"password":"Sup3r-Secret-Horse"}`).is(200, "")
		h.call(all, "PATCH", "/users/"+kim, `{"email":"x"}`).is(400, "")
		h.call(h.machine("acme", "read:users"), "DELETE", "/users/"+kim, "").is(403, "")
		h.call("", "DELETE", "/users/"+kim, "").is(401, "")
		h.call(all, "GET", "/users/"+kim, "").is(200, "")
		h.call(all, "POST", "/connections/x/directory-provisioning/synchronizations", "").is(501, "")
		h.call(all, "PUT", "/rules-configs/K", `{"value":"c0nfig-secret"}`).is(200, "")
		want := []string{"sapi Set rules config for a given key", "fapi Delete a User", "fapi Update a User", "sapi Update a User", "sapi Create a User"}
		if got := h.logged("acme"); encode(got) != encode(want) {
			h.Errorf("logged %q, want %q", got, want)
		}
		logs := h.call(all, "GET", "/logs", "").is(200, "")
		for _, secret := range []string{"Sup3r-Secret", "Correct-Horse", "c0nfig-secret", "eyJ"} {
			if strings.Contains(logs.body, secret) {
				h.Errorf("%s is in the log: %s", secret, logs.body)
			}
		}
		if !strings.Contains(logs.body, `"password":"*****"`) {
			h.Errorf("masked: %s", logs.body)
		}
		if found := h.call(all, "GET", "/logs?q=type:fapi&search_engine=v3&page=0&per_page=1&sort=date:-1", "").is(200, ""); !strings.Contains(found.body, "Delete a User") { // auth0-cli
			h.Errorf("found: %s", found.body)
		}
		oldest := h.call(all, "GET", "/logs?sort=date:1&per_page=1&include_totals=true", "").is(200, "")
		if oldest.get("total") != 5.0 || oldest.get("length") != 1.0 || oldest.get("start") != 0.0 {
			h.Errorf("envelope: %s", oldest.body)
		}
		first, _ := oldest.get("logs").([]any)[0].(map[string]any)
		id, _ := first["log_id"].(string)
		one := h.call(all, "GET", "/logs/"+id, "").is(200, "")
		one.is(200, strings.ReplaceAll(golden(h.T, "log_created_user.json"), "LOG_ID", id))
		h.call(all, "GET", "/logs/900", "").fails(404, "", "Log not found")

		after := h.call(all, "GET", "/logs?from="+id+"&take=2&page=3&q=ignored", "").is(200, "")
		if link := after.header.Get("Link"); strings.Count(after.body, `"_id"`) != 2 || !strings.Contains(link, `rel="next"`) || strings.Contains(after.body, `"_id":"`+id+`"`) {
			h.Errorf("checkpoint: %s %s", link, after.body)
		}
		last := "9009" + id[4:] // of an event that is not there
		if got := h.call(all, "GET", "/logs?from="+last+"&take=2", "").is(200, "[]"); !strings.Contains(got.header.Get("Link"), "from="+last+"&take=2") {
			h.Errorf("an empty page leads to the same place: %v", got.header)
		}
		for _, wrong := range []string{"zzz", "900", "1" + id, id + "x", id[3:], "bm9uZQ"} {
			h.call(all, "GET", "/logs?take=5&from="+wrong, "").
				fails(400, "invalid_paging", "The checkpoint ID provided in the 'from' parameter has expired or is invalid, please remove the checkpoint ID and try again")
		}
		own := h.call(all, "GET", "/users/"+kim+"/logs?include_totals=true", "").is(200, "")
		if own.get("length") != 3.0 {
			h.Errorf("the user's log: %s", own.body)
		}
		h.call(all, "GET", "/logs?page=100&per_page=100", "").is(200, "[]")
		h.call(all, "GET", "/logs?fields=type&sort=date:1&per_page=1", "").is(200, `[{"_id":"`+id+`","type":"sapi"}]`)
	})
}

func TestMask(t *testing.T) {
	body := `{"a":[{"client_secret":"x"}],"options":{"configuration":{"K":"v"}},"password":"p","value":"v"}`
	if got := encode(bodyForLog(&row{pattern: "/clients"}, []byte(body))); got != `{"a":[{"client_secret":"*****"}],"options":{"configuration":"*****"},"password":"*****","value":"v"}` {
		t.Errorf("%s", got)
	}
	for name, masked := range map[string]bool{
		"twilio_token": true, "consumerSecret": true, "smtp_pass": true, "decryptionKey": true, "signing_key": true, "sasKey": true, "storageAccessKey": true, "httpAuthorization": true,
		"servicePassword": true, "X-Api-Key": true, "custom-password": true, "connectionString": true, "Authorization": true, "Proxy-Authorization": true, "cookie": true,
		"link_with": true, "signing_keys": true, "credentials": true, "skey": true, "p12": true, "serverCredentials": true, "httpCustomHeaders": true, "setup": true, "headerValue": true,
		"client_authentication_methods": true, "customHeaders": true, "sumoSourceAddress": true, "passphrase": true, "private_key": true, "datadogApiKey": true, "accountKey": true,
		"master_key": true, "segmentWriteKey": true, "server_key": true, "encryption_key": true, "client_secret": true, "splunkToken": true, "new_password": true,
		"token_endpoint_auth_method": false, "passwordPolicy": false, "public_key": false, "site_key": false, "favourite_key": false, "token_lifetime": false, "authorization_details": false,
	} {
		if got := encode(bodyForLog(&row{}, []byte(`{"options":{"`+name+`":"v"}}`))); strings.Contains(got, `"v"`) == masked {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := encode(bodyForLog(&row{}, []byte(strings.Repeat("x", maxLoggedBody+1)))); got != `{"omitted":"16385 bytes"}` {
		t.Errorf("%s", got)
	}
	for levels, want := range map[int]string{web.MaxDepth: strings.Repeat("[", web.MaxDepth) + strings.Repeat("]", web.MaxDepth), web.MaxDepth + 1: `{"omitted":"nested too deeply"}`} {
		if got := encode(bodyForLog(&row{}, []byte(strings.Repeat("[", levels)+strings.Repeat("]", levels)))); got != want {
			t.Errorf("%d levels: %s", levels, got)
		}
	}
}

func TestInternalErrorsTellNothing(t *testing.T) {
	h := sqlite(t)
	st := h.store("acme")
	bearer := h.machine("acme")
	h.call(bearer, "GET", "/users", "").is(200, "")
	h.ok(h.db.Close())
	h.api.Log = nil
	h.api = New(h.api.Deps)
	r := httptest.NewRequest("GET", "https://acme.test/api/v2/users", nil)
	r.Header.Set("Authorization", "Bearer "+bearer)
	h.serve(r, st, "").is(500, `{"statusCode":500,"error":"Internal Server Error","message":"Internal error"}`)
}

func TestSearchThatTakesTooLong(t *testing.T) {
	tooShort := func(o *store.Options) { o.SearchLimit = time.Nanosecond }
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		for path, text := range map[string]string{
			"/logs?q=type%3As": "while looking for log events. Narrow it: ask for an exact value or a prefix, or leave out include_totals.",
			"/users?q=user_metadata.a%3Ab": `while looking for the page. Narrow it: ask for an exact value or a prefix, or leave out include_totals. ` +
				`What costs most is user_metadata.a = text "b": add a condition that fewer users satisfy.`,
			"/users?per_page=0&include_totals=true&q=user_metadata.a%3Ab+AND+NOT+name%3A%2Aabc%2A": `while counting the total (include_totals). Narrow it: ask for an exact value or a prefix, or leave out include_totals. ` +
				`What costs most is name like "*abc*": a wildcard at the beginning is looked for in every value of the field; ask for how the value begins, or add a condition that few users satisfy.`,
		} {
			h.call(h.machine("acme"), "GET", path, "").fails(503, "search_timeout", "The search took longer than 1ns "+text)
		}
	}, storetest.WithClock(func() time.Time { return start }), tooShort)
}

func TestKinds(t *testing.T) {
	for kind := stagedoor.Internal; kind <= stagedoor.Unavailable; kind++ {
		if status, body := envelope(stagedoor.Errorf(kind, "code", "text")); status < 400 || body["statusCode"] != status || body["error"] == "" {
			t.Errorf("kind %d: %d %v", kind, status, body)
		}
	}
}
