package mgmt

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/script"
)

// TestRuleIsTried: over an example, over a stored user, with other code, alone and among the others; and nothing is changed.
func TestRuleIsTried(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		user := h.user("ada", `,"app_metadata":{"plan":"gold"}`)
		h.call(all, "PUT", "/rules-configs/PREFIX", `{"value":"plan "}`).is(200, "")
		id := h.call(all, "POST", "/rules", `{"name":"Plan","order":2,"enabled":false,"script":"function (user, context, callback) { console.log(configuration.PREFIX + user.app_metadata.plan, context.tenant, context.stats.loginsCount, global.kept); global.kept = 1; context.idToken['https://a.test/plan'] = user.app_metadata.plan; auth0.users.updateAppMetadata(user.user_id, {tried: true}); callback(null, user, context); setTimeout(() => console.log('late'), 10); }"}`).is(201, "").text("id")
		h.call(all, "POST", "/rules", `{"name":"Stop","order":3,"script":"function (user, context, callback) { callback(new UnauthorizedError('Closed')); }"}`).is(201, "")
		path := "/rules/" + id + "/try"

		got := h.call(all, "POST", path, `{}`).is(200, "")
		if got.text("outcome") != "continued" || encode(got.get("effects")) != `{"id_token_claims":{"https://a.test/plan":"free"}}` || len(got.get("metadata").([]any)) != 1 {
			t.Errorf("over the example: %s", got.body)
		}
		if lines := encode(got.get("console")); !strings.HasPrefix(lines, `[{"level":"log","script":"Plan","text":"plan free acme 3 `) ||
			!strings.HasSuffix(lines, `,{"late":true,"level":"log","script":"Plan","text":"late"}]`) {
			t.Errorf("console: %s", lines)
		}
		got = h.call(all, "POST", path, `{"user_id":"`+user+`","context":{"stats":{"loginsCount":1}},"configuration":{"PREFIX":"other "}}`).is(200, "")
		if lines := encode(got.get("console")); !strings.Contains(lines, "~configuration.PREFIX~gold acme 1 1") { // global is that of earlier tries
			t.Errorf("over a user: %s", lines)
		}
		got = h.call(all, "POST", path, `{"pipeline":true,"user":{"user_id":"x","app_metadata":{}}}`).is(200, "")
		if got.text("outcome") != "denied" || got.text("error", "code") != "unauthorized" || got.text("error", "script") != "Stop" {
			t.Errorf("among the others: %s", got.body)
		}
		got = h.call(all, "POST", path, `{"script":"function (user, context, callback) { callback(null","pipeline":false}`).is(200, "")
		if got.text("outcome") != "failed" || got.text("error", "kind") != "syntax" {
			t.Errorf("other code: %s", got.body)
		}
		if got := h.call(all, "GET", "/users/"+user+"?fields=app_metadata", ""); got.body != `{"app_metadata":{"plan":"gold"}}` {
			t.Errorf("the user was changed: %s", got.body)
		}
		h.call(all, "POST", path, `{"user_id":"`+user+`","write":true}`).is(200, "")
		if got := h.call(all, "GET", "/users/"+user+"?fields=app_metadata", ""); got.body != `{"app_metadata":{"plan":"gold","tried":true}}` {
			t.Errorf("the user was not changed: %s", got.body)
		}
	})
}

// TestTriedRulesMayWhatTheCallerMay and no more.
func TestTriedRulesMayWhatTheCallerMay(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	user := h.user("ada", "")
	id := h.call(all, "POST", "/rules", `{"name":"Token","script":"function (user, context, callback) { console.log(Buffer.from(auth0.accessToken).toString('hex')); callback(); }"}`).is(201, "").text("id")
	path := "/rules/" + id + "/try"
	h.call(h.machine("acme", "read:rules"), "POST", path, `{}`).fails(403, "insufficient_scope", "Insufficient scope, expected any of: update:rules")
	h.call(h.machine("acme", "update:rules"), "POST", path, `{"write":true}`).fails(403, "insufficient_scope", "Insufficient scope, expected any of: update:users")
	h.call(h.machine("acme", "update:rules"), "POST", path, `{"user_id":"`+user+`"}`).fails(403, "insufficient_scope", "Insufficient scope, expected any of: read:users")
	h.callTo("other", h.machine("other"), "POST", path, `{}`).fails(404, "inexistent_rule", "The rule does not exist")
	h.call(all, "POST", "/rules/rul_0000000000000000/try", `{}`).fails(404, "inexistent_rule", "The rule does not exist")
	h.call(all, "POST", path, `{"user_id":"auth0|nobody"}`).fails(404, "inexistent_user", "The user does not exist.")
	h.call(all, "POST", path, `{"user_id":"`+user+`","user":{}}`).is(400, "")
	h.call(all, "POST", path, `{"stubs":["nonsense"]}`).is(400, "")
	for scopes, want := range map[string]string{
		"update:rules": "example-access-token", "update:rules read:users": "read:users", "update:rules update:users read:users": "read:users",
		"update:rules update:users read:users write": "read:users update:users",
	} {
		body := `{}`
		if given, ok := strings.CutSuffix(scopes, " write"); ok {
			scopes, body = given, `{"write":true}`
		}
		got := h.call(h.machine("acme", strings.Fields(scopes)...), "POST", path, body).is(200, "")
		raw, err := hex.DecodeString(got.get("console").([]any)[0].(map[string]any)["text"].(string)) // as it is, it would be masked
		h.ok(err)
		token := string(raw)
		if parts := strings.Split(token, "."); len(parts) == 3 {
			claims, err := base64.RawURLEncoding.DecodeString(parts[1])
			h.ok(err)
			var c struct{ Scope string }
			h.ok(json.Unmarshal(claims, &c))
			token = c.Scope
		}
		if token != want {
			t.Errorf("a caller with %s: %q, want %q", scopes, token, want)
		}
	}
}

// TestTriedRulesCallOutWhenAskedTo: stubs answer, the rest is refused unless the caller says otherwise.
func TestTriedRulesCallOutWhenAskedTo(t *testing.T) {
	h := sqlite(t)
	h.api.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 201, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	})}
	all := h.machine("acme")
	id := h.call(all, "POST", "/rules", `{"name":"Calls","script":"function (user, context, callback) { require('request').get('https://a.test/x', (e, r, body) => { console.log(e ? e.code : r.statusCode + body); callback(); }); }"}`).is(201, "").text("id")
	for body, want := range map[string]string{
		`{}`: "ECONNREFUSED", `{"live":true}`: "201",
		`{"live":true,"stubs":["GET https://a.test/*\n200\n\nhere"]}`: "200here",
	} {
		got := h.call(all, "POST", "/rules/"+id+"/try", body).is(200, "")
		if lines := encode(got.get("console")); !strings.Contains(lines, `"text":"`+want+`"`) {
			t.Errorf("%s: %s", body, lines)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestTestsOfActionsLeaveNothing: neither on global nor in api.cache of the tenant's logins; and they may be cut short.
func TestTestsOfActionsLeaveNothing(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	path := h.action("leaves", `,"code":"exports.onExecutePostLogin = async (event, api) => { global.left = 1; api.cache.set('left', 'x'); if (event.waits) await new Promise(done => setTimeout(done, 5000)); };"`)
	h.call(all, "POST", path+"/test", `{"payload":{}}`).is(200, "")
	if got := h.call(all, "POST", path+"/test", `{"payload":{"waits":true},"timeoutMs":50}`).is(200, ""); got.text("payload", "error", "message") != "The action took longer than timeoutMs" {
		t.Errorf("cut short: %s", got.body)
	}
	out, err := scripts.Trigger(context.Background(), script.TriggerRun{Tenant: "acme", Trigger: script.PostLogin, Event: json.RawMessage(`{}`), Scripts: []script.Script{{
		Name: "looks", Source: `exports.onExecutePostLogin = async (event, api) => console.log(String(global.left), String(api.cache.get('left')));`,
	}}})
	if err != nil || len(out.Console) != 1 || out.Console[0].Text != "undefined undefined" {
		t.Errorf("%v %+v", err, out)
	}
}
