package script

import (
	"context"
	"encoding/json"
	"testing"
)

// Whoever looks for a fault reads in which lines of theirs it was, and nothing of what runs their scripts.
func TestStacksAreTheScripts(t *testing.T) {
	runtime := ""
	h := newHost(t, Config{Workers: 1, Runtime: func(context.Context, string) (string, error) { return runtime, nil }})
	for name, c := range map[string]struct{ source, embedded, node string }{
		"thrown": {
			"function rule(user, context, callback) {\n  [1].forEach(function each() { user.none.at.all; });\n}",
			"TypeError: cannot read property 'at' of undefined\n    at each (<eval>:2:42)\n    at forEach (native)\n    at rule (<eval>:2:14)",
			"TypeError: Cannot read properties of undefined (reading 'at')\n    at each (script.js:2:43)\n    at Array.forEach (<anonymous>)\n    at rule (script.js:2:7)",
		},
		"later": {
			"function rule(user, context, callback) {\n  setTimeout(function then() { throw new Error('late'); }, 1);\n}",
			"Error: late\n    at then (<eval>:2:47)", "Error: late\n    at then (script.js:2:38)",
		},
		"rejected": {
			"async function rule(user, context, callback) {\n  await null;\n  throw new RangeError('late');\n}",
			"RangeError: late\n    at rule (<eval>:3:23)", "RangeError: late\n    at rule (script.js:3:9)",
		},
		"called back": {
			"function rule(user, context, callback) {\n  callback(new Error('no'));\n}",
			"Error: no\n    at rule (<eval>:2:21)", "Error: no\n    at rule (script.js:2:12)",
		},
		"no error":     {"function rule(user, context, callback) { callback('no'); }", "", ""},
		"unauthorized": {"function rule(user, context, callback) { callback(new UnauthorizedError('no')); }", "", ""},
		"no strings":   {"function rule(user, context, callback) { String.prototype.split = () => { throw 1; }; throw new Error('odd'); }", "", ""},
		"odd strings":  {"function rule(user, context, callback) { Array.prototype.join = () => 1n; throw new Error('odd'); }", "1", "1"},
	} {
		for _, runtime = range []string{RuntimeEmbedded, RuntimeNode} {
			out, err := h.Rules(t.Context(), Run{
				Tenant: "t", User: json.RawMessage(`{"user_id":"auth0|1"}`), Context: json.RawMessage(`{}`),
				Rules: []Rule{{Name: "r", Source: c.source}},
			})
			want := c.embedded
			if runtime == RuntimeNode {
				want = c.node
			}
			if err != nil || out.Failure == nil || out.Failure.Stack != want {
				t.Errorf("%s, %s: %+v %v", name, runtime, out.Failure, err)
			}
		}
	}
	runtime = RuntimeEmbedded
	out, err := h.Trigger(t.Context(), TriggerRun{Tenant: "t", Trigger: PostLogin, Event: json.RawMessage(`{"user":{}}`), Scripts: []Script{{
		ID: "a", Name: "a", Source: "exports.onExecutePostLogin = async function act(event) {\n  event.user.none.at;\n};",
	}}})
	if want := "TypeError: cannot read property 'at' of undefined\n    at act (<eval>:2:18)"; err != nil || out.Failure == nil || out.Failure.Stack != want {
		t.Errorf("action: %+v %v", out.Failure, err)
	}
	for name, want := range map[string]string{
		RuntimeEmbedded: "TypeError: cannot read property 'at' of undefined\n    at login (<eval>:2:16)", RuntimeNode: "TypeError: Cannot read properties of undefined (reading 'at')\n    at login (script.js:2:17)",
	} {
		runtime = name
		out, err := h.Call(t.Context(), CallRun{
			Tenant: "t", Connection: "Users", Operation: OperationNamed("login"), Arguments: []any{"ada", "pw"}, Source: "function login(email, password, callback) {\n  password.none.at;\n}",
		})
		if err != nil || out.Failure == nil || out.Failure.Stack != want {
			t.Errorf("script of a connection, %s: %+v %v", name, out.Failure, err)
		}
	}
}
