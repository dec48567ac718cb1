package mgmt

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

func payload(reason string) string { return "Payload validation error: '" + reason + "." }

const (
	longHint = ` (consider storing them in app_metadata or user_metadata. See "Users Metadata" in https://auth0.com/docs/api/v2/changes for more details)`
	kimBody  = `{"connection":"Users","email":"Kim@Example.test","password":"Correct-Horse-1","user_id":"67c6c217a1f0b3d2e4c58a90","user_metadata":{"lang":"fi"},"blocked":false}`
)

func TestCreateUser(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		h.call(all, "POST", "/users", kimBody).is(201, golden(h.T, "user_created.json"))
		h.call(all, "GET", "/users/auth0%7C67c6c217a1f0b3d2e4c58a90", "").is(200, golden(h.T, "user_created.json"))
		if len(h.mails) != 1 || h.mails[0] != "auth0|67c6c217a1f0b3d2e4c58a90 " {
			h.Errorf("verification mails: %q", h.mails)
		}
		h.call(all, "POST", "/users", `{"connection":"Users","email":"a@x.test","password":"Correct-Horse-1","verify_email":false}`).is(201, "")
		nulls := h.call(all, "POST", "/users", `{"connection":"Users","email":"n@x.test","password":"Correct-Horse-1","verify_email":false,"user_metadata":{"a":null,"b":{"c":null}},"app_metadata":{"d":null}}`).is(201, "")
		for _, got := range []answer{nulls, h.call(all, "GET", "/users/"+nulls.text("user_id"), "")} { // a key that is null is none, on the first level
			if _, there := got.get("user_metadata").(map[string]any)["a"]; there || encode(got.get("user_metadata")) != `{"b":{"c":null}}` || strings.Contains(encode(got.get("app_metadata")), `"d"`) {
				h.Errorf("metadata %v %v", got.get("user_metadata"), got.get("app_metadata"))
			}
		}
		h.call(all, "POST", "/users", `{"connection":"Users","email":"b@x.test","password":"Correct-Horse-1","email_verified":true}`).is(201, "")
		if len(h.mails) != 1 {
			h.Errorf("mails that nobody wanted: %q", h.mails)
		}
		h.call(all, "POST", "/users", kimBody).fails(409, "auth0_idp_error", "The user already exists.")
		h.call(all, "POST", "/users", strings.Replace(kimBody, "Kim@", "other@", 1)).fails(409, "auth0_idp_error", "The user already exists.")
	})
}

func TestCreateUserRefusals(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	with := func(more string) string {
		return `{"connection":"Users","email":"n@x.test","password":"Correct-Horse-1"` + more + `}`
	}
	big := strings.Repeat("x", 1<<20)
	for _, c := range []struct {
		body          string
		status        int
		code, message string
	}{
		{`{"email":"a@x.test"}`, 400, "invalid_body", payload(`Missing required property: connection'`)},
		{`{"connection":"nope","email":"a@x.test","password":"x"}`, 400, "inexistent_connection", "The connection does not exist."},
		{`{"connection":"Users","password":"Correct-Horse-1"}`, 400, "invalid_body", payload(`Missing required property: email'`)},
		{`{"connection":"Users","email":"a@x.test"}`, 400, "invalid_body", payload(`Missing required property: password'`)},
		{`{"connection":"Users","email":"a"}`, 400, "invalid_body", payload(`Object didn't pass validation for format email: a' on property email (The user's email)`)},
		{with(`,"colour":1,"b":2`), 400, "invalid_body", payload(`Additional properties not allowed: colour,b` + longHint + `'`)},
		{with(`,"username":"kim"`), 400, "invalid_body", "Cannot set username for connection without requires_username."},
		{with(`,"user_id":"a b"`), 400, "invalid_body", payload(`Object didn't pass validation for format nospace: a b' on property user_id (The external user's id provided by the identity provider)`)},
		{with(`,"name":""`), 400, "invalid_body", payload(`String is too short (0 chars), minimum 1' on property name (The user's full name)`)},
		{with(`,"blocked":"yes"`), 400, "invalid_body", payload(`Expected type boolean but found type string' on property blocked (Whether this user was blocked by an administrator)`)},
		{with(`,"user_metadata":[]`), 400, "invalid_body", payload(`Expected type object but found type array' on property user_metadata (Data related to the user that does not affect the application's core functionality)`)},
		{with(`,"user_metadata":{"a.b":1}`), 400, "invalid_body", payload(`Invalid key "a.b": keys must not contain . or $' on property user_metadata`)},
		{with(`,"app_metadata":{"email":1}`), 400, "invalid_body", payload(`Invalid key "email": the name is reserved' on property app_metadata`)},
		{with(`,"app_metadata":{"a":"\u0000"}`), 400, "invalid_body", payload(`Texts must not contain a NUL character' on property app_metadata.a`)},
		{with(`,"user_metadata":{"a":1}`)[:20], 400, "", "Invalid request payload JSON format"},
		{with(`,"name":"` + "\xff" + `"`), 400, "", "Invalid request payload JSON format"},
		{with(`,"user_metadata":{"a":"` + big + `"}`), 413, "payload_too_large", "user_metadata would be larger than the limit of 1048576 bytes."},
		{with(`,"user_metadata":{"a":"` + big + big + big + `"}`), 413, "", "Payload content length greater than maximum allowed: 3145728"},
		{`{"connection":"Users","email":"n@x.test","password":"short"}`, 400, "invalid_body", "PasswordStrengthError: Password is too weak"},
	} {
		h.call(all, "POST", "/users", c.body).fails(c.status, c.code, c.message)
	}
	form := http.Header{"Authorization": {"Bearer " + all}, "Content-Type": {"application/x-www-form-urlencoded"}}
	h.send("acme", "POST", "/users", "email=a", form).fails(415, "", "Unsupported Media Type: send application/json in UTF-8")
	if got := h.call(all, "GET", "/users", ""); got.body != "[]" {
		t.Errorf("refused, and yet there: %s", got.body)
	}
	// As curl sends JSON where nobody says what it is.
	made := h.send("acme", "POST", "/users", ` {"connection":"Users","email":"curl@x.test","password":"Correct-Horse-1","user_id":"curl"}`, form).is(201, "")
	h.send("acme", "PATCH", "/users/auth0|curl", `{"user_metadata":{"a":1}}`, form).is(200, "")
	h.send("acme", "PATCH", "/users/auth0|curl", `[]`, form).fails(400, "invalid_body", payload(`Expected type object but found type array'`))
	h.send("acme", "POST", "/users/auth0|curl/revoke-access", `{}`, form).is(202, "{}")
	for _, none := range []string{"", "  "} {
		h.send("acme", "POST", "/users/auth0|curl/revoke-access", none, form).fails(415, "", "Unsupported Media Type: send application/json in UTF-8")
	}
	h.send("acme", "PATCH", "/users/auth0|curl", strings.Repeat(" ", 4<<20)+`{}`, form).fails(413, "", "Payload content length greater than maximum allowed: 3145728")
	h.call(all, "DELETE", "/users/auth0|curl", "").is(204, "")
	if !strings.Contains(made.body, `"curl@x.test"`) {
		t.Errorf("%s", made.body)
	}
	h.call(all, "PATCH", "/connections/"+h.connectionID(), `{"options":{"requires_username":true}}`).is(200, "")
	h.call(all, "POST", "/users", with(``)).fails(400, "invalid_body", payload(`Missing required property: username'`))
	h.call(all, "POST", "/users", with(`,"username":"Kim"`)).is(201, "")
	h.call(all, "POST", "/users", `{"connection":"Users","email":"m@x.test","password":"Correct-Horse-1","username":"kIM"}`).
		fails(400, "auth0_idp_error", "The username provided is in use already.")
	h.call(all, "PATCH", "/connections/"+h.connectionID(), `{"enabled_clients":[]}`).is(200, "")
	h.call(all, "POST", "/users", with(``)).fails(400, "operation_not_supported", "Connection is disabled")
}

func (h *house) connectionID() string {
	h.Helper()
	got := h.call(h.machine("acme"), "GET", "/connections?name=Users&include_totals=true", "")
	list, _ := got.get("connections").([]any)
	id, _ := list[0].(map[string]any)["id"].(string)
	return id
}

func TestMetadataSemantics(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		kim := h.user("kim", "")
		for _, path := range []string{"/users/" + kim, "/users/" + url.PathEscape(kim)} { // the bar raw and encoded
			h.call(all, "PATCH", path, `{"user_metadata":{}}`).is(200, "")
			for _, step := range []struct{ patch, want string }{
				{`{"a":1,"b":{"x":1,"y":2},"c":[1,2],"f":1.5,"n":-0.25,"t":true}`, `{"a":1,"b":{"x":1,"y":2},"c":[1,2],"f":1.5,"n":-0.25,"t":true}`},
				{`{"b":{"z":3},"c":[3]}`, `{"a":1,"b":{"z":3},"c":[3],"f":1.5,"n":-0.25,"t":true}`},
				{`{"a":null,"f":null,"n":null,"t":null}`, `{"b":{"z":3},"c":[3]}`},
				{`{"b":{"keep":null}}`, `{"b":{"keep":null},"c":[3]}`},
				{`{"missing":null}`, `{"b":{"keep":null},"c":[3]}`},
				{`{}`, `{}`},
				{`{"a":"<script>alert(1)</script>","ü":"😀"}`, `{"a":"<script>alert(1)</script>","ü":"😀"}`},
				{`null`, `{}`},
			} {
				got := h.call(all, "PATCH", path, `{"user_metadata":`+step.patch+`}`).is(200, "")
				answer{h.T, got.what, 200, nil, encode(got.get("user_metadata"))}.is(200, step.want)
			}
		}
		got := h.call(all, "PATCH", "/users/"+kim, `{"app_metadata":{"plan":"gold"},"user_metadata":{"a":1}}`).is(200, "")
		if got.text("app_metadata", "plan") != "gold" || got.get("user_metadata", "a") != 1.0 {
			h.Errorf("both at once: %s", got.body)
		}
		got = h.call(all, "PATCH", "/users/"+kim, `{"app_metadata":{},"user_metadata":{}}`).is(200, "")
		if strings.Contains(got.body, `"app_metadata"`) || !strings.Contains(got.body, `"user_metadata":{}`) {
			h.Errorf("cleared: %s", got.body)
		}
		h.call(all, "PATCH", "/users/"+kim, `{"user_metadata":{"a":1},"name":"Kim","app_metadata":{"b":{"c":null}}}`).is(200, "")
		got = h.call(all, "PATCH", "/users/"+kim, `{"user_metadata":{"d":2,"a":null},"nickname":"k"}`).is(200, "")
		if encode(got.get("user_metadata")) != `{"d":2}` || got.text("name") != "Kim" || got.text("nickname") != "k" {
			h.Errorf("together with root attributes: %s", got.body)
		}
	})
}

func TestDocumentsOwnBody(t *testing.T) {
	h := sqlite(t)
	kim := h.user("kim", `,"user_metadata":{"lang":"fi"}`)
	own := h.person("acme", kim, "update:current_user_metadata", "read:current_user")
	h.call(own, "PATCH", "/users/"+kim, `{"user_metadata": {"displayName": "J-vald3z"}`).fails(400, "", "Invalid request payload JSON format")
	if got := h.call(own, "GET", "/users/"+kim, ""); encode(got.get("user_metadata")) != `{"lang":"fi"}` {
		t.Errorf("changed: %s", got.body)
	}
	h.call(own, "PATCH", "/users/"+kim, `{"user_metadata": {"displayName": "J-vald3z"}}`).is(200, "")
}

func TestConcurrentPatchers(t *testing.T) {
	each(t, func(h *house) {
		kim, all := h.user("kim", ""), h.machine("acme")
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				h.call(all, "PATCH", "/users/"+kim, fmt.Sprintf(`{"user_metadata":{"k%d":%d},"app_metadata":{"a%d":%d}}`, i, i, i, i)).is(200, "")
			})
		}
		wg.Wait()
		got := h.call(all, "GET", "/users/"+kim, "")
		for i := range 64 {
			if got.get("user_metadata", fmt.Sprintf("k%d", i)) != float64(i) || got.get("app_metadata", fmt.Sprintf("a%d", i)) != float64(i) {
				h.Errorf("key %d is lost", i)
			}
		}
	})
}

func TestMetadataLimit(t *testing.T) {
	each(t, func(h *house) {
		kim, all := h.user("kim", ""), h.machine("acme")
		big := strings.Repeat("x", 600<<10)
		h.call(all, "PATCH", "/users/"+kim, `{"user_metadata":{"a":"`+big+`"},"app_metadata":{"a":"`+big+`"}}`).is(200, "")
		h.call(all, "PATCH", "/users/"+kim, `{"user_metadata":{"b":"`+big+`"}}`).
			fails(413, "payload_too_large", "user_metadata would be larger than the limit of 1048576 bytes.")
		h.call(all, "PATCH", "/users/"+kim, `{"app_metadata":{"b":"`+big+`"},"name":"x"}`).
			fails(413, "payload_too_large", "app_metadata would be larger than the limit of 1048576 bytes.")
		got := h.call(all, "GET", "/users/"+kim, "")
		if got.get("user_metadata", "b") != nil || got.get("app_metadata", "b") != nil || got.text("name") == "x" {
			h.Error("refused, and yet there")
		}
		h.call(all, "PATCH", "/tenants/settings", `{"stagedoor":{"max_metadata_bytes":20}}`).is(200, "")
		lee := h.user("lee", "")
		h.call(all, "PATCH", "/users/"+lee, `{"user_metadata":{"a":"`+strings.Repeat("x", 12)+`"}}`).is(200, "")
		h.call(all, "PATCH", "/users/"+lee, `{"user_metadata":{"a":"`+strings.Repeat("x", 13)+`"}}`).
			fails(413, "payload_too_large", "user_metadata would be larger than the limit of 20 bytes.")
		h.call(all, "PATCH", "/users/"+lee, `{"app_metadata":{"a":"`+strings.Repeat("x", 12)+`"}}`).is(200, "")
		h.call(all, "PATCH", "/users/"+lee, `{"app_metadata":{"a":"`+strings.Repeat("x", 13)+`"}}`).
			fails(413, "payload_too_large", "app_metadata would be larger than the limit of 20 bytes.")
	})
}

func TestPatchUserRefusals(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	kim := h.user("kim", `,"given_name":"Kim"`)
	h.user("lee", "")
	for _, c := range []struct {
		body          string
		code, message string
	}{
		{`{"password":"Correct-Horse-2","email":"a@x.test"}`, "operation_not_supported", "Cannot update password and email simultaneously"},
		{`{"password":"Correct-Horse-2","email_verified":true}`, "operation_not_supported", "Cannot update password and email_verified simultaneously"},
		{`{"username":"k","email":"a@x.test"}`, "operation_not_supported", "Cannot update username and email simultaneously"},
		{`{"username":"k","email_verified":true}`, "operation_not_supported", "Cannot update username and email_verified simultaneously"},
		{`{"username":"k","password":"Correct-Horse-2"}`, "operation_not_supported", "Cannot update username and password simultaneously"},
		{`{"username":"k"}`, "operation_not_supported", "Cannot set username for connection without requires_username."},
		{`{"email":null}`, "operation_not_supported", "The following user attributes cannot be removed: email."},
		{`{"password":null,"name":"x"}`, "operation_not_supported", "The following user attributes cannot be removed: password."},
		{`{"email":"LEE@x.test"}`, "auth0_idp_error", "The specified new email already exists"},
		{`{"password":"weak"}`, "invalid_body", "PasswordStrengthError: Password is too weak"},
		{`{"connection":"nope","name":"x"}`, "inexistent_connection", "The connection does not exist."},
		{`{"picture":""}`, "invalid_body", payload(`Object didn't pass validation for format uri: ' on property picture (URL to picture, photo, or avatar of this user)`)},
		{`{"user_id":"x","foo":1}`, "invalid_body", payload(`Additional properties not allowed: user_id,foo` + longHint + `'`)},
		{`{"blocked":null}`, "invalid_body", payload(`Expected type boolean but found type null' on property blocked (Whether this user was blocked by an administrator)`)},
		{`{"user_metadata":"x"}`, "invalid_body", payload(`Expected type object but found type string' on property user_metadata (Data related to the user that does not affect the application's core functionality)`)},
		{`{"user_metadata":{"a":1,"a":2}}`, "invalid_body", payload(`Duplicate property: a' on property user_metadata`)},
		{`{"user_metadata":{"$a":1}}`, "invalid_body", payload(`Invalid key "$a": keys must not contain . or $' on property user_metadata`)},
	} {
		h.call(all, "PATCH", "/users/"+kim, c.body).fails(400, c.code, c.message)
	}
	for _, method := range []string{"GET", "PATCH"} {
		for _, body := range []string{`{"user_metadata":{"a":1}}`, `{"name":"x"}`, `{}`} {
			h.call(all, method, "/users/auth0|nobody", body).fails(404, "inexistent_user", "The user does not exist.")
		}
	}
	h.call(all, "GET", "/users/a%00b", "").fails(400, "invalid_uri", "Path validation error: 'Texts must be valid Unicode without NUL characters' on property id.")
	h.call(all, "GET", "/users/a%ff", "").is(400, "")
	h.call(all, "GET", "/users/x?foo=1", "").fails(400, "invalid_query_string", "Query validation error: 'Additional properties not allowed: foo'.")
	h.call(all, "PATCH", "/users/x?foo=1", "{}").fails(400, "invalid_query_string", "Query validation error: 'Additional properties not allowed: foo'.")
	if got := h.call(all, "GET", "/users/"+kim, ""); got.text("given_name") != "Kim" || got.text("email") != "kim@x.test" || got.get("user_metadata") != nil {
		t.Errorf("changed: %s", got.body)
	}
}

func TestPatchUser(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		kim := h.user("kim", `,"email_verified":true,"given_name":"Kim"`)
		path := "/users/" + kim
		if got := h.call(all, "PATCH", path, `{"email":"KIM2@x.test","verify_email":true,"client_id":"web_acme"}`).is(200, ""); got.text("email") != "kim2@x.test" || got.get("email_verified") != false {
			h.Errorf("email: %s", got.body)
		}
		if len(h.mails) != 1 || h.mails[0] != kim+" web_acme" {
			h.Errorf("mails: %q", h.mails)
		}
		if got := h.call(all, "PATCH", path, `{"email":"kim3@x.test","email_verified":true}`).is(200, ""); got.get("email_verified") != true {
			h.Errorf("email and email_verified: %s", got.body)
		}
		if got := h.call(all, "PATCH", path, `{"given_name":null,"family_name":"Lee","blocked":true,"picture":"https://x.test/a.png"}`).is(200, ""); got.get("given_name") != nil ||
			got.get("blocked") != true || got.text("picture") != "https://x.test/a.png" {
			h.Errorf("root attributes: %s", got.body)
		}
		if got := h.call(all, "PATCH", path, `{"phone_number":"+4912345","phone_verified":true}`).is(200, ""); got.get("phone_verified") != true {
			h.Errorf("phone: %s", got.body)
		}
		if got := h.call(all, "PATCH", path, `{"password":"Another-Horse-2","user_metadata":{"x":1}}`).is(200, ""); got.text("last_password_reset") == "" || got.get("user_metadata", "x") != 1.0 {
			h.Errorf("password: %s", got.body)
		}
		h.call(all, "DELETE", path, "").is(204, "")
		h.call(all, "DELETE", path, "").is(204, "")
		h.call(all, "GET", path, "").is(404, "")
		h.call(all, "PATCH", path, `{"user_metadata":{"a":1}}`).is(404, "")
	})
}

func TestListUsers(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		h.call(all, "GET", "/users", "").is(200, `[]`)
		h.call(all, "GET", "/users?include_totals=true", "").is(200, `{"start":0,"limit":50,"length":0,"total":0,"users":[]}`)
		for _, name := range []string{"ann", "bob", "cat"} {
			h.user(name, "")
		}
		for query, want := range map[string]string{
			"fields=user_id&sort=email:1":                                `[{"user_id":"auth0|ann"},{"user_id":"auth0|bob"},{"user_id":"auth0|cat"}]`,
			"fields=user_id&sort=email:-1&per_page=1":                    `[{"user_id":"auth0|cat"}]`,
			"fields=user_id&sort=email:1&per_page=2&page=1":              `[{"user_id":"auth0|cat"}]`,
			"fields=user_id&page=7":                                      `[]`,
			"fields=user_id,email&per_page=1&sort=user_id:1":             `[{"user_id":"auth0|ann","email":"ann@x.test"}]`,
			"fields=user_id&per_page=1&sort=email:1&search_engine=v3":    `[{"user_id":"auth0|ann"}]`,
			"fields=user_id&per_page=1&sort=email:1&include_totals=true": `{"start":0,"limit":1,"length":1,"total":3,"users":[{"user_id":"auth0|ann"}]}`,
			"fields=identities,created_at,updated_at,picture,name,nickname,email,email_verified&include_fields=false&sort=email:1": `[{"user_id":"auth0|ann"},{"user_id":"auth0|bob"},{"user_id":"auth0|cat"}]`,
		} {
			h.call(all, "GET", "/users?"+query, "").is(200, want)
		}
		h.call(all, "GET", "/users?search_engine=v1", "").fails(400, "invalid_query_string", "You are not allowed to use search_engine=v1.")
		h.call(all, "GET", "/users?search_engine=v2", "").fails(400, "invalid_query_string", "You are not allowed to use search_engine=v2. Use search_engine=v3 instead.")
		h.call(all, "GET", "/users?sort=user_metadata.a:1", "").fails(400, "invalid_query_string", "Query validation error: 'No enum match for: user_metadata.a' on property sort.")
		h.call(all, "GET", "/users?colour=1", "").fails(400, "invalid_query_string", "Query validation error: 'Additional properties not allowed: colour'.")
		h.call(all, "GET", "/users-by-email?email=ann%40x.test&fields=user_id", "").is(200, `[{"user_id":"auth0|ann"}]`)
		h.call(all, "GET", "/users-by-email?email=Ann%40x.test", "").is(200, `[]`)
		h.call(all, "GET", "/users-by-email", "").fails(400, "invalid_query_string", "Query validation error: 'Missing required property: email'.")
	})
}

// TestEstimatedTotalsSayThatTheyAre: and those that were counted do not.
func TestEstimatedTotalsSayThatTheyAre(t *testing.T) {
	for want, total := range map[string]store.Total{
		`{"length":0,"limit":50,"start":0,"total":0,"users":[]}`:                                                {},
		`{"length":0,"limit":50,"start":0,"total":48500,"total_estimated":true,"total_margin":2100,"users":[]}`: {Count: 48500, Estimated: true, Margin: 2100},
	} {
		if got, err := json.Marshal(usersWithTotal(web.Paging{}, []any{}, 0, total)); err != nil || string(got) != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
}
