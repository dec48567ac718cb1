package mgmt

import (
	"context"
	"strings"
	"testing"
)

// scripted is the body of a database whose scripts write down in app_metadata.calls, by way of global, what they were asked.
func scripted(more string) string {
	const note = `const note = (...what) => { global.calls = (global.calls || []).concat([what]); };`
	script := func(name, text string) string { return `"` + name + `":` + encode(note+"\n"+text) }
	return `{"options":{"enabledDatabaseCustomization":true,` + more + `"configuration":{"ID":"77"},"customScripts":{` + strings.Join([]string{
		script("login", `function login(email, password, callback) { note('login', email); callback(null, {id: configuration.ID, email: global.email || email, nickname: 'from there', app_metadata: {calls: global.calls}}); }`),
		script("get_user", `function getUser(email, callback) { note('get_user', email); callback(null, email.startsWith('there') ? {id: 1, email} : null); }`),
		script("create", `function create(user, callback) { note('create', user); callback(user.email.startsWith('bad') ? new ValidationError('bad', 'not him') : null); }`),
		script("change_password", `function changePassword(email, secret, callback) { callback(null, secret !== 'Refused-Horse-1'); }`),
		script("change_email", `function changeEmail(email, to, verified, callback) { global.email = to; callback(email.startsWith('odd') || to.startsWith('no') ? new Error('no such move') : null, verified); }`),
		script("change_phone_number", `function changePhoneNumber(number, to, verified, callback) { callback(to === number || to.endsWith('0') ? new Error('no such phone') : null, verified || to.endsWith('1')); }`),
		script("delete", `function remove(id, callback) { callback(id === '77' && !global.let ? new Error('still needed: ' + id) : null); }`),
	}, ",") + `}}}`
}

// hasCode is fails for a message that holds words.
func (a answer) hasCode(status int, code, words string) {
	a.Helper()
	if a.code != status || a.text("errorCode") != code || !strings.Contains(a.text("message"), words) {
		a.Errorf("%s\n got %d %s", a.what, a.code, a.body)
	}
}

// TestConformance24UsersOfScripts: users of a database of scripts are made, changed and deleted through the scripts, which get ids without prefix.
func TestConformance24UsersOfScripts(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		h.call(all, "POST", "/connections", `{"name":"Old","strategy":"auth0","enabled_clients":["web_acme"]}`).is(201, "")
		conn, err := h.store("acme").ConnectionByName(context.Background(), "Old")
		h.ok(err)
		path := "/connections/" + conn.ID
		h.call(all, "PATCH", path, scripted("")).is(200, "")
		create := func(email string) answer {
			return h.call(all, "POST", "/users", `{"connection":"Old","email":"`+email+`","password":"Correct-Horse-1","given_name":"Kim","app_metadata":{"a":1},"verify_email":false}`)
		}
		create("there@x.test").fails(409, "auth0_idp_error", "The user already exists.")
		create("bad@x.test").fails(400, "auth0_idp_error", "not him")
		made := create("odd@x.test").is(201, "")
		if made.text("user_id") != "auth0|77" || made.text("nickname") != "from there" {
			h.Errorf("%s", made.body)
		}
		for _, want := range []string{`["get_user","odd@x.test"]`, `"given_name":"Kim"`, `"connection":"Old"`, `"password":"Correct-Horse-1"`, `"tenant":"acme"`, `["login","odd@x.test"]`, `"a":1`} {
			if !strings.Contains(strings.ReplaceAll(made.body, ": ", ":"), want) {
				h.Errorf("no %s in %s", want, made.body)
			}
		}
		const user = "/users/auth0%7C77"
		h.call(all, "PATCH", user, `{"email":"new@x.test"}`).fails(400, "auth0_idp_error", "no such move")
		h.call(all, "PATCH", user, `{"email":"there@x.test"}`).fails(400, "auth0_idp_error", "The specified new email already exists")
		h.call(all, "PATCH", user, `{"phone_number":"+49151230"}`).fails(400, "auth0_idp_error", "no such phone")
		h.call(all, "PATCH", user, `{"phone_number":"+49151232"}`).fails(400, "auth0_idp_error", "The script change_phone_number did not find the user, or changed nothing.")
		if got := h.call(all, "PATCH", user, `{"phone_number":"+49151231"}`).is(200, ""); got.text("phone_number") != "+49151231" {
			h.Errorf("%s", got.body)
		}
		h.call(all, "PATCH", user, `{"phone_number":"+49151231","phone_verified":true}`).is(200, "") // the same one: nobody is asked
		h.call(all, "PATCH", user, `{"password":"Refused-Horse-1"}`).fails(400, "auth0_idp_error", "The script change_password did not find the user, or changed nothing.")
		if got := h.call(all, "PATCH", user, `{"password":"Other-Horse-2"}`).is(200, ""); got.text("last_password_reset") == "" {
			h.Errorf("%s", got.body)
		}
		h.call(all, "PATCH", user, `{"nickname":"mine"}`).hasCode(400, "operation_not_supported", "")
		h.call(all, "DELETE", user, "").fails(400, "auth0_idp_error", "still needed: 77")
		h.call(all, "GET", user, "").is(200, "")
		// With the lazy migration everything but the look is the server's own.
		other := strings.ReplaceAll(scripted(`"import_mode":true,`), "Old", "Import")
		h.call(all, "POST", "/connections", `{"name":"Import","strategy":"auth0","enabled_clients":["web_acme"],`+other[1:]).is(201, "")
		h.call(all, "POST", "/users", `{"connection":"Import","user_id":"i","email":"there@x.test","password":"Correct-Horse-1"}`).fails(409, "auth0_idp_error", "The user already exists.")
		h.call(all, "POST", "/users", `{"connection":"Import","user_id":"i","email":"odd@x.test","password":"Correct-Horse-1"}`).is(201, "")
		h.call(all, "PATCH", "/users/auth0%7Ci", `{"email":"new@x.test"}`).is(200, "")
		h.call(all, "PATCH", "/users/auth0%7Ci", `{"nickname":"mine"}`).is(200, "")
		h.call(all, "DELETE", "/users/auth0%7Ci", "").is(204, "")
	})
}

// Scripts that are no JavaScript are refused where they would run.
func TestScriptsOfConnectionsAreChecked(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		const broken = `"customScripts":{"login":"function login(user, password, callback) {\n  callback(null,;\n}"}`
		body := func(name, options string) string {
			return `{"name":"` + name + `","strategy":"auth0","options":{` + options + `}}`
		}
		h.call(all, "POST", "/connections", body("Broken", `"enabledDatabaseCustomization":true,`+broken)).hasCode(400, "invalid_body", "customScripts.login")
		h.call(all, "POST", "/connections", body("Broken", broken)).is(201, "")
		h.call(all, "POST", "/connections", body("Empty", `"enabledDatabaseCustomization":true,"customScripts":{"login":"","get_user":"function helper() {}\nfunction getUser(a, b) {}"}`)).is(201, "")
		h.call(all, "POST", "/connections", `{"name":"social","strategy":"oauth2","options":{"scripts":{"fetchUserProfile":"function ("}}}`).hasCode(400, "invalid_body", "scripts.fetchUserProfile")
	})
}

// Tokens of a provider are shown with a scope of their own, and to nobody else.
func TestTokensOfProviders(t *testing.T) {
	each(t, func(h *house) {
		id := h.user("kim", "")
		h.ok(h.store("acme").SetIdentityTokens(context.Background(), id, id, map[string]any{"access_token": "of the provider", "expires_in": 60}))
		path := "/users/auth0%7Ckim"
		if got := h.call(h.machine("acme", "read:users", "read:user_idp_tokens"), "GET", path, ""); !strings.Contains(got.body, `"access_token":"of the provider"`) {
			h.Errorf("%s", got.body)
		}
		for _, other := range []answer{
			h.call(h.machine("acme", "read:users"), "GET", path, ""), h.call(h.machine("acme"), "GET", "/users", ""),
			h.call(h.machine("acme"), "GET", "/users-by-email?email=kim@x.test", ""), h.call(h.person("acme", id, "read:current_user"), "GET", path, ""),
		} {
			if other.code != 200 || strings.Contains(other.body, "of the provider") {
				h.Errorf("%s: %d %s", other.what, other.code, other.body)
			}
		}
	})
}
