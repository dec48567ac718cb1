package mgmt

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
)

const (
	startNano  = `"2026-11-25T12:00:00.000000000Z"`
	noSuchUUID = "3d0f6a2e-9c41-4a58-8f63-0b7de1c9a412"
)

// action makes an action of acme and returns its path.
func (h *house) action(name, more string) string {
	h.Helper()
	if !strings.Contains(more, `"code"`) {
		more += `,"code":"exports.onExecutePostLogin = async (event, api) => {};"`
	}
	a := h.call(h.machine("acme"), "POST", "/actions/actions", `{"name":"`+name+`","supported_triggers":[{"id":"post-login","version":"v3"}]`+more+`}`)
	return "/actions/actions/" + a.is(201, "").text("id")
}

func TestActions(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		got := h.call(all, "POST", "/actions/actions", `{"name":"add-claims","supported_triggers":[{"id":"post-login"}],"code":"exports.onExecutePostLogin = async (event, api) => {};",
			"dependencies":[{"name":"lodash","version":"4.0.0","registry_url":"https://www.npmjs.com/package/lodash"}],"secrets":[{"name":"K","value":"hush-hush"}]}`)
		id := got.text("id")
		if len(id) != 36 || id[14] != '4' {
			h.Errorf("id %q", id)
		}
		want := func(status, more string) string {
			return `{"id":"` + id + `","name":"add-claims","supported_triggers":[{"id":"post-login","version":"v3"}],"created_at":` + startNano + `,"updated_at":` + startNano + `,
				"code":"exports.onExecutePostLogin = async (event, api) => {};","dependencies":[{"name":"lodash","version":"4.0.0","registry_url":"https://www.npmjs.com/package/lodash"}],
				"runtime":"node22","status":"` + status + `","secrets":[{"name":"K","updated_at":` + startNano + `}],"all_changes_deployed":` + more + `}`
		}
		got.is(201, want("pending", "false"))
		path := "/actions/actions/" + id
		h.call(all, "GET", path, "").is(200, want("built", "false"))
		h.call(all, "GET", "/actions/actions", "").is(200, `{"actions":[`+want("built", "false")+`],"total":1,"per_page":20}`)

		version := func(body, id string, number int, more string) string {
			return `{"id":"` + id + `","number":` + itoa(number) + `,` + more + `"status":"built","code":"` + body + `","dependencies":[{"name":"lodash","version":"4.0.0","registry_url":"https://www.npmjs.com/package/lodash"}],
				"runtime":"node22","secrets":[{"name":"K","updated_at":` + startNano + `}],"supported_triggers":[{"id":"post-login","version":"v3"}],"created_at":` + startNano + `,"updated_at":` + startNano + `}`
		}
		within := func(v string) string { // a version with its action
			return strings.TrimSuffix(v, "}") + `,"action":{"id":"` + id + `","name":"add-claims","supported_triggers":[{"id":"post-login","version":"v3"}],"created_at":` + startNano + `,
				"updated_at":` + startNano + `,"all_changes_deployed":false}}`
		}
		first := `exports.onExecutePostLogin = async (event, api) => {};`
		deployed := h.call(all, "POST", path+"/deploy", "")
		v1 := deployed.text("id")
		deployed.is(200, within(version(first, v1, 1, `"deployed":false,`)))
		current := func(v string, number int, code string) string {
			return `,"current_version":{"id":"` + v + `","code":"` + code + `","runtime":"node22","status":"BUILT","number":` + itoa(number) + `,"build_time":` + startNano + `,"created_at":` + startNano + `,"updated_at":` + startNano + `},
				"deployed_version":` + version(code, v, number, `"deployed":true,"built_at":`+startNano+`,`)
		}
		h.call(all, "GET", path, "").is(200, want("built", "true"+current(v1, 1, first)))

		// A change waits for its deployment; secrets that come without a value keep it.
		second := `exports.onExecutePostLogin = async (event, api) => { console.log(event.secrets.K) };`
		h.call(all, "PATCH", path, `{"code":"`+second+`","secrets":[{"name":"K","updated_at":"x"}]}`).is(200, "")
		changed := h.call(all, "GET", path, "").is(200, "")
		if changed.text("status") != "built" || changed.get("all_changes_deployed") != false || changed.text("deployed_version", "code") != first || changed.text("code") != second {
			h.Errorf("changed: %s", changed.body)
		}
		v2 := h.call(all, "POST", path+"/deploy", "").is(200, "").text("id")
		h.call(all, "GET", path+"/versions/"+v1, "").is(200, within(version(first, v1, 1, `"deployed":false,"built_at":`+startNano+`,`)))
		h.call(all, "GET", path+"/versions?page=0&per_page=1", "").is(200, `{"versions":[`+within(version(second, v2, 2, `"deployed":true,"built_at":`+startNano+`,`))+`],"total":2,"per_page":1}`)
		h.call(all, "GET", path+"/versions?page=2", "").is(200, `{"versions":[],"page":2,"per_page":20}`)

		// Rolling back copies an old version; the draft stays, or follows.
		back := h.call(all, "POST", path+"/versions/"+v1+"/deploy", "")
		back.is(200, within(version(first, back.text("id"), 3, `"deployed":false,`)))
		rolled := h.call(all, "GET", path, "")
		if rolled.text("code") != second || rolled.text("deployed_version", "code") != first || rolled.get("all_changes_deployed") != false || rolled.get("deployed_version", "number") != 3.0 {
			h.Errorf("rolled back: %s", rolled.body)
		}
		h.call(all, "POST", path+"/versions/"+v1+"/deploy", `{"update_draft":true}`).is(200, "")
		rolled = h.call(all, "GET", path, "")
		if rolled.text("code") != first || rolled.get("all_changes_deployed") != true || rolled.get("deployed_version", "number") != 4.0 {
			h.Errorf("rolled back with the draft: %s", rolled.body)
		}
		a, err := h.store("acme").Action(context.Background(), id)
		h.ok(err)
		if a.Sealed != `{"K":"hush-hush"}` {
			h.Errorf("secrets: %s", a.Sealed)
		}
		h.call(all, "PATCH", path, `{"secrets":[]}`).is(200, "")
		if a, err = h.store("acme").Action(context.Background(), id); err != nil || a.Sealed != "" || len(a.Draft.Secrets) != 0 {
			h.Errorf("cleared: %+v %v", a, err)
		}
		h.call(all, "DELETE", path, "").is(204, "")
		for _, c := range [][2]string{{"GET", ""}, {"PATCH", ""}, {"DELETE", ""}, {"POST", "/deploy"}, {"POST", "/test"}, {"GET", "/versions"}, {"GET", "/versions/x"}, {"POST", "/versions/x/deploy"}} {
			body := map[string]string{"PATCH": `{"name":"x"}`, "POST/test": `{"payload":{}}`}[c[0]+strings.TrimPrefix(c[1], "/versions/x")]
			if c[0] == "PATCH" {
				body = `{"name":"x"}`
			}
			h.call(all, c[0], path+c[1], body).is(404, `{"statusCode":404,"error":"Not Found","message":"That action does not exist."}`)
		}
		text := fmt.Sprint(h.logged("acme"))
		events := h.call(all, "GET", "/logs?per_page=100", "").is(200, "").body
		if strings.Contains(events, "hush-hush") || !strings.Contains(text, "sapi Deploy an action") {
			h.Errorf("log: %s", events)
		}
	})
}

func TestActionRefusals(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	for body, message := range map[string]string{
		`{}`:                                   "Payload validation error: 'Missing required property: name'.",
		`{"name":"a"}`:                         "Payload validation error: 'Missing required property: supported_triggers' (x",
		`{"name":"a","supported_triggers":[]}`: "Payload validation error: 'Array is too short (0), minimum 1' on property supported_triggers (The list of triggers that this action supports).",
		`{"name":"a","supported_triggers":[{"id":"post-login"},{"id":"post-login"}]}`:                                           "Payload validation error: 'Array is too long (2), maximum 1' on property supported_triggers (The list of triggers that this action supports).",
		`{"name":"a","supported_triggers":[{"id":"login"}]}`:                                                                    "Payload validation error: 'No enum match for: login' on property supported_triggers[0].id.",
		`{"name":"a","supported_triggers":[{"id":"post-login","version":"v9"}]}`:                                                "Payload validation error: 'No enum match for: v9' on property supported_triggers[0].version.",
		`{"name":"a","supported_triggers":[{"id":"post-login"}],"runtime":"node10"}`:                                            "Payload validation error: 'No enum match for: node10' on property runtime.",
		`{"name":"a","supported_triggers":[{"id":"post-login"}],"colour":1}`:                                                    "Payload validation error: 'Additional properties not allowed: colour'.",
		`{"name":"a","supported_triggers":[{"id":"post-login"}],"secrets":[{"name":"A","value":"1"},{"name":"A","value":"2"}]}`: "Payload validation error: 'There is another secret with the name A' on property secrets[1].name.",
		`{"name":"a","supported_triggers":[{"id":"post-login"}],"modules":[{"module_name":"x"}]}`:                               "Payload validation error: 'There is no such version of an action module' on property modules[0].",
	} {
		if strings.HasSuffix(message, "(x") {
			message = "Payload validation error: 'Missing required property: supported_triggers'."
		}
		h.call(all, "POST", "/actions/actions", body).fails(400, "invalid_body", message)
	}
	h.call(all, "GET", "/actions/actions?include_totals=true", "").fails(400, "invalid_query_string", "Query validation error: 'Additional properties not allowed: include_totals'.")
	h.call(all, "GET", "/actions/triggers/login/bindings", "").fails(400, "invalid_uri", "Path validation error: 'No enum match for: login' on property triggerId (An actions extensibility point).")
	h.call(all, "GET", "/actions/executions/M9IqRp9w", "").is(404, `{"statusCode":404,"error":"Not Found","message":"That execution does not exist."}`)

	path := h.action("first", "")
	h.call(all, "PATCH", path, `{}`).fails(400, "invalid_body", "Payload validation error: 'Too few properties defined (0), minimum 1'.")
	h.call(all, "PATCH", path, `{"deploy":true}`).fails(400, "invalid_body", "Payload validation error: 'Additional properties not allowed: deploy'.")
	h.call(all, "POST", "/actions/actions", `{"name":"first","supported_triggers":[{"id":"post-login"}]}`).fails(409, "", "An action with the same name already exists.")
	h.call(all, "GET", path+"/versions/"+noSuchUUID, "").fails(404, "", "That action version does not exist.")
	h.call(all, "POST", path+"/versions/"+noSuchUUID+"/deploy", `{}`).fails(404, "", "That action version does not exist.")

	// A draft that cannot be built says why, and cannot be deployed.
	broken := h.action("broken", `,"deploy":true,"code":"exports.onExecutePostLogin = async (event, api) => {\n  const a = ;\n};"`)
	got := h.call(all, "GET", broken, "").is(200, "")
	if got.text("status") != "failed" || got.get("deployed_version") != nil || !strings.Contains(encode(got.get("errors")), "SyntaxError") || !strings.Contains(encode(got.get("errors")), "line 2") {
		h.Errorf("broken: %s", got.body)
	}
	h.call(all, "POST", broken+"/deploy", "").is(400, `{"statusCode":400,"error":"Bad Request","message":"A draft must be in the 'built' state before it can be deployed."}`)
	h.call(all, "PATCH", broken, `{"code":"exports.onExecutePostLogin = async () => {};","dependencies":[{"name":"left-pad","version":"1.0.0"}]}`).is(200, "")
	if got = h.call(all, "GET", broken, ""); encode(got.get("errors")) != `[{"id":"unknown_module","msg":"Cannot find module 'left-pad@1.0.0': an operator can add it with \"stagedoor modules add left-pad@1.0.0\"","url":""}]` {
		h.Errorf("unknown module: %s", got.body)
	}
	h.call(all, "PATCH", broken, `{"dependencies":[]}`).is(200, "")
	h.call(all, "POST", broken+"/deploy", "").is(200, "")
	h.call(all, "PATCH", broken, `{"supported_triggers":[{"id":"post-change-password"}]}`).fails(400, "invalid_body", "Payload validation error: 'The trigger of an action that was deployed cannot be changed' on property supported_triggers.")
}

func TestActionsAreFiltered(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	h.action("a", `,"deploy":true`)
	h.action("b", "")
	h.call(all, "POST", "/actions/actions", `{"name":"c","supported_triggers":[{"id":"credentials-exchange","version":"v2"}],"code":"","runtime":"node18-actions","deploy":true}`).is(201, "")
	for query, want := range map[string]string{
		"": "a b c", "triggerId=post-login": "a b", "actionName=b": "b", "deployed=true": "a c", "deployed=false": "b", "installed=true": "", "installed=false": "a b c",
		"triggerId=post-login&deployed=true": "a", "per_page=1&page=1": "b", "triggerId=x": "",
	} {
		got := h.call(all, "GET", "/actions/actions?"+query, "").is(200, "")
		var names []string
		for _, one := range got.get("actions").([]any) {
			names = append(names, one.(map[string]any)["name"].(string))
		}
		if strings.Join(names, " ") != want {
			t.Errorf("%s: %s, want %s", query, names, want)
		}
		if len(names) == 0 && encode(got.get()) != `{"actions":[],"per_page":20}` {
			t.Errorf("%s: %s", query, got.body)
		}
	}
}

func TestActionBindings(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		const at = "/actions/triggers/post-login/bindings"
		a, b, draft := h.action("a", `,"deploy":true,"secrets":[{"name":"K","value":"1"}]`), h.action("b", `,"deploy":true`), h.action("draft", "")
		id := func(path string) string { return strings.TrimPrefix(path, "/actions/actions/") }
		h.call(all, "GET", at+"?page=0&per_page=50", "").is(200, `{"bindings":[],"per_page":50}`)
		got := h.call(all, "PATCH", at, `{"bindings":[{"ref":{"type":"action_name","value":"a"},"display_name":"My A"},{"ref":{"type":"action_id","value":"`+id(b)+`"}}]}`).is(200, "")
		bindings := got.get("bindings").([]any)
		first, second := bindings[0].(map[string]any), bindings[1].(map[string]any)
		deployed := h.call(all, "GET", a, "").is(200, "")
		want := `{"id":"` + first["id"].(string) + `","trigger_id":"post-login","display_name":"My A","created_at":` + startNano + `,"updated_at":` + startNano + `,"action":{"id":"` + id(a) + `","name":"a",
			"supported_triggers":[{"id":"post-login","version":"v3"}],"all_changes_deployed":false,"created_at":` + startNano + `,"updated_at":` + startNano + `,
			"current_version":` + encode(deployed.get("current_version")) + `,"deployed_version":` + encode(deployed.get("deployed_version")) + `}}`
		if canonical(h.T, encode(first)) != canonical(h.T, want) || second["display_name"] != "b" {
			h.Errorf("bindings: %s\nwant first %s", got.body, want)
		}
		h.call(all, "GET", at, "").is(200, `{"bindings":`+encode(bindings)+`,"total":2,"per_page":20}`)

		// The order is that of the list; a binding keeps its id.
		again := h.call(all, "PATCH", at, `{"bindings":[{"ref":{"type":"binding_id","value":"`+second["id"].(string)+`"},"display_name":"","secrets":[{"name":"EXTRA","value":"hush-hush"}]},{"ref":{"type":"action_id","value":"`+id(a)+`"}}]}`).
			is(200, "").get("bindings").([]any)
		if again[0].(map[string]any)["id"] != second["id"] || again[1].(map[string]any)["id"] != first["id"] || again[1].(map[string]any)["display_name"] != "My A" ||
			encode(again[0].(map[string]any)["secrets"]) != `[{"name":"EXTRA","updated_at":`+startNano+`}]` {
			h.Errorf("reordered: %s", encode(again))
		}
		h.call(all, "DELETE", a, "").fails(409, "", "The action is bound to a trigger: remove its bindings first, or delete it with force.")

		// What cannot be bound changes nothing.
		before := h.call(all, "GET", at, "").body
		h.call(all, "POST", "/actions/actions", `{"name":"other","supported_triggers":[{"id":"post-change-password"}],"code":"","deploy":true}`).is(201, "")
		for ref, message := range map[string]string{
			`{"type":"action_name","value":"draft"}`:             "'The action must be deployed before it can be bound' on property bindings[1].ref.value.",
			`{"type":"action_id","value":"` + id(draft) + `"}`:   "'The action must be deployed before it can be bound' on property bindings[1].ref.value.",
			`{"type":"action_name","value":"other"}`:             "'The action is for the trigger post-change-password' on property bindings[1].ref.value.",
			`{"type":"action_name","value":"nobody"}`:            "'There is no such action' on property bindings[1].ref.value.",
			`{"type":"binding_id","value":"` + noSuchUUID + `"}`: "'There is no such binding' on property bindings[1].ref.value.",
			`{"type":"action_name","value":"a"}`:                 "'The action is bound twice' on property bindings[1].",
			`{"type":"name","value":"a"}`:                        "'No enum match for: name' on property bindings[1].ref.type (How the action is being referred to).",
		} {
			h.call(all, "PATCH", at, `{"bindings":[{"ref":{"type":"action_name","value":"a"}},{"ref":`+ref+`}]}`).fails(400, "invalid_body", "Payload validation error: "+message)
		}
		many := strings.Repeat(`{"ref":{"type":"action_name","value":"a"}},`, 21)
		h.call(all, "PATCH", at, `{"bindings":[`+strings.TrimSuffix(many, ",")+`]}`).fails(400, "invalid_body", "Payload validation error: 'Array is too long (21), maximum 20' on property bindings.")
		h.call(all, "GET", at, "").is(200, before)

		h.call(all, "DELETE", b+"?force=true", "").is(204, "")
		if left := h.call(all, "GET", at, "").get("bindings").([]any); len(left) != 1 {
			h.Errorf("left: %s", encode(left))
		}
		h.call(all, "PATCH", at, `{"bindings":[]}`).is(200, `{"bindings":[]}`)
		h.call(all, "DELETE", a, "").is(204, "")
		if events := h.call(all, "GET", "/logs?per_page=100", "").body; strings.Contains(events, "hush-hush") {
			h.Errorf("log: %s", events)
		}
	})
}

func TestTriggers(t *testing.T) {
	h := sqlite(t)
	got := h.call(h.machine("acme"), "GET", "/actions/triggers", "").is(200, "")
	all := got.get("triggers").([]any)
	current := map[string]string{}
	for _, one := range all {
		v := one.(map[string]any)
		if v["status"] == "CURRENT" {
			current[v["id"].(string)] = v["version"].(string)
		}
		h.call(h.machine("acme"), "GET", "/actions/triggers/"+v["id"].(string)+"/bindings", "").is(200, `{"bindings":[],"per_page":20}`)
	}
	if encode(current) != `{"credentials-exchange":"v2","custom-email-provider":"v1","custom-phone-provider":"v1","custom-token-exchange":"v1","event-stream":"v1","login-post-identifier":"v1",`+
		`"mcp-tool":"v1","password-hash-migration":"v1","password-reset-post-challenge":"v1","post-change-password":"v2","post-login":"v3","post-user-registration":"v2",`+
		`"pre-user-registration":"v2","send-phone-message":"v2","signup-post-identifier":"v1"}` {
		t.Errorf("current: %s", encode(current))
	}
	if encode(all[2]) != `{"binding_policy":"trigger-bound","compatible_triggers":[{"id":"post-login","version":"v2"}],"default_runtime":"node22","id":"post-login","runtimes":["node22","node18","node16","node12"],"status":"CURRENT","version":"v3"}` {
		t.Errorf("post-login: %s", encode(all[2]))
	}
}

func TestActionIsTried(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	h.call(all, "POST", "/actions/modules", `{"name":"plans","code":"exports.plan = () => actions.secrets.PLAN;","secrets":[{"name":"PLAN","value":"gold"}],"publish":true}`).is(201, "")
	path := h.action("tried", `,"secrets":[{"name":"K","value":"of mine"}],"modules":[{"module_name":"plans"}],"code":"exports.onExecutePostLogin = async (event, api) => { console.log(event.secrets.K, event.user.email); api.idToken.setCustomClaim('https://a.test/plan', require('actions:plans').plan()); api.accessToken.addScope('x'); api.user.setAppMetadata('a', null); if (event.user.deny) api.access.deny('no'); };"`)
	got := h.call(all, "POST", path+"/test", `{"payload":{"event":{"user":{"email":"a@b.test","deny":true}}}}`).is(200, "")
	if encode(got.get("payload", "effects")) != `{"app_metadata":{"a":null},"denied":{"code":"access_denied","message":"","reason":"no"},"id_token_claims":{"https://a.test/plan":"gold"},"scopes":[{"op":"add","scopes":["x"]}]}` ||
		got.text("payload", "logs") != "~secrets.tried.K~ a@b.test\n" || got.get("payload", "stats", "action_duration_ms") == nil {
		t.Errorf("tried: %s", got.body)
	}
	got = h.call(all, "POST", path+"/test", `{"payload":{"user":null}}`).is(200, "")
	if got.text("payload", "error", "name") != "TypeError" || got.text("payload", "error", "message") == "" {
		t.Errorf("failed: %s", got.body)
	}
	h.call(all, "POST", path+"/test", `{}`).fails(400, "invalid_body", "Payload validation error: 'Missing required property: payload'.")
	other := h.call(all, "POST", "/actions/actions", `{"name":"later","supported_triggers":[{"id":"mcp-tool"}],"code":""}`).is(201, "").text("id")
	h.call(all, "POST", "/actions/actions/"+other+"/test", `{"payload":{}}`).fails(501, "not_supported", "Running actions of the trigger mcp-tool is not supported by this server.")
	// Nothing was recorded or changed: there was no login.
	if _, err := h.store("acme").ActionExecution(context.Background(), "x"); !stagedoor.IsKind(err, stagedoor.NotFound) {
		t.Error(err)
	}
}

func TestActionModules(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		got := h.call(all, "POST", "/actions/modules", `{"name":"plans","code":"exports.a = 1;","dependencies":[{"name":"lodash","version":"4.0.0"}],"secrets":[{"name":"K","value":"hush-hush"}]}`)
		id := got.text("id")
		module := func(code string, published bool, number int, latest string) string {
			return fmt.Sprintf(`{"id":"%s","name":"plans","code":"%s","dependencies":[{"name":"lodash","version":"4.0.0"}],"secrets":[{"name":"K","updated_at":%s}],"actions_using_module_total":0,
				"all_changes_published":%t,"latest_version_number":%d,"created_at":%s,"updated_at":%s%s}`, id, code, startNano, published, number, startNano, startNano, latest)
		}
		version := func(v, code string, number int) string {
			return fmt.Sprintf(`{"id":"%s","module_id":"%s","version_number":%d,"code":"%s","dependencies":[{"name":"lodash","version":"4.0.0"}],"secrets":[{"name":"K","updated_at":%s}],"created_at":%s}`, v, id, number, code, startNano, startNano)
		}
		got.is(201, module("exports.a = 1;", false, 0, ""))
		path := "/actions/modules/" + id
		published := h.call(all, "POST", path+"/versions", "")
		v1 := published.text("id")
		published.is(200, version(v1, "exports.a = 1;", 1))
		h.call(all, "POST", path+"/versions", "").fails(409, "", "No draft version is available to publish.")
		h.call(all, "GET", path, "").is(200, module("exports.a = 1;", true, 1, `,"latest_version":`+version(v1, "exports.a = 1;", 1)))
		h.call(all, "PATCH", path, `{"code":"exports.a = 2;"}`).is(200, module("exports.a = 2;", false, 1, `,"latest_version":`+version(v1, "exports.a = 1;", 1)))
		v2 := h.call(all, "POST", path+"/versions", "").is(200, "").text("id")
		h.call(all, "GET", path+"/versions", "").is(200, `{"versions":[`+version(v2, "exports.a = 2;", 2)+`,`+version(v1, "exports.a = 1;", 1)+`],"total":2,"per_page":20}`)
		h.call(all, "GET", path+"/versions/"+v1, "").is(200, version(v1, "exports.a = 1;", 1))
		h.call(all, "POST", path+"/rollback", `{"module_version_id":"`+v1+`"}`).is(200, module("exports.a = 1;", false, 2, `,"latest_version":`+version(v2, "exports.a = 2;", 2)))
		h.call(all, "POST", path+"/rollback", `{"module_version_id":"`+v2+`"}`).is(200, module("exports.a = 2;", true, 2, `,"latest_version":`+version(v2, "exports.a = 2;", 2)))
		h.call(all, "POST", path+"/versions", "").is(409, "")
		h.call(all, "POST", path+"/rollback", `{"module_version_id":"`+v1+`"}`).is(200, "")
		h.call(all, "GET", "/actions/modules", "").is(200, `{"modules":[`+h.call(all, "GET", path, "").body+`],"total":1,"per_page":20}`)

		// An action pins a version; a module in use stays.
		user := h.action("user", `,"modules":[{"module_id":"`+id+`","module_version_number":1}]`)
		if uses := encode(h.call(all, "GET", user, "").get("modules")); canonical(h.T, uses) != canonical(h.T, `[{"module_id":"`+id+`","module_name":"plans","module_version_id":"`+v1+`","module_version_number":1}]`) {
			h.Errorf("uses: %s", uses)
		}
		actionID := strings.TrimPrefix(user, "/actions/actions/")
		h.call(all, "GET", path+"/actions", "").is(200, `{"actions":[{"action_id":"`+actionID+`","action_name":"user","module_version_id":"`+v1+`","module_version_number":1,"supported_triggers":[{"id":"post-login","version":"v3"}]}],"total":1,"per_page":20}`)
		h.call(all, "DELETE", path, "").fails(412, "", "The action module is used by 1 actions and cannot be deleted.")
		h.call(all, "DELETE", user, "").is(204, "")
		h.call(all, "POST", "/actions/modules", `{"name":"plans","code":""}`).fails(409, "", "An action module with the same name already exists.")
		h.call(all, "PATCH", path, `{"name":"x"}`).fails(400, "invalid_body", "Payload validation error: 'Additional properties not allowed: name'.")
		if got := h.call(all, "PATCH", path, `{"code":"const ;"}`); got.code != 400 || !strings.Contains(got.body, "SyntaxError") {
			h.Errorf("broken: %s", got.body)
		}
		h.call(all, "GET", path+"/versions/"+noSuchUUID, "").fails(404, "", "That action module version does not exist.")
		h.call(all, "DELETE", path, "").is(204, "")
		h.call(all, "POST", "/actions/actions", `{"name":"late","supported_triggers":[{"id":"post-login"}],"modules":[{"module_name":"plans"}]}`).
			fails(400, "invalid_body", "Payload validation error: 'There is no such version of an action module' on property modules[0].")
		for _, c := range [][2]string{{"GET", ""}, {"DELETE", ""}, {"PATCH", ""}, {"GET", "/actions"}, {"GET", "/versions"}, {"POST", "/versions"}, {"POST", "/rollback"}} {
			body := map[string]string{"PATCH": `{"code":""}`, "POST/rollback": `{"module_version_id":"x"}`}[c[0]+strings.TrimPrefix(c[1], "/x")]
			h.call(all, c[0], path+c[1], body).fails(404, "", "That action module does not exist.")
		}
		if events := h.call(all, "GET", "/logs?per_page=100", "").body; strings.Contains(events, "hush-hush") {
			h.Errorf("log: %s", events)
		}
	})
}

func TestActionExecution(t *testing.T) {
	h := sqlite(t)
	h.ok(h.store("acme").SaveActionExecution(context.Background(), &stagedoor.ActionExecution{
		ID: "exe1", Trigger: script.PostLogin.ID, Status: "partial", CreatedAt: start, UpdatedAt: start,
		Results: []stagedoor.ActionExecutionResult{
			{Name: "one", StartedAt: start, EndedAt: start},
			{Name: "two", StartedAt: start, EndedAt: start, Error: &stagedoor.ActionError{ID: "action_error", Message: "boom"}},
		},
	}))
	h.call(h.machine("acme"), "GET", "/actions/executions/exe1", "").is(200, `{"id":"exe1","trigger_id":"post-login","status":"partial","created_at":`+startNano+`,"updated_at":`+startNano+`,
		"results":[{"action_name":"one","started_at":`+startNano+`,"ended_at":`+startNano+`},{"action_name":"two","started_at":`+startNano+`,"ended_at":`+startNano+`,"error":{"id":"action_error","msg":"boom","url":""}}]}`)
	h.call(h.machine("acme"), "GET", "/actions/executions/exe2", "").fails(404, "", "That execution does not exist.")
}
