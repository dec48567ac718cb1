package script

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestCall has one row for each way in which scripts of connections are written and end (extensibility fact sheet 5.2 and 5.3).
func TestCall(t *testing.T) { eachRuntime(t, testCall) }

func testCall(t *testing.T, runtime string) {
	h := newHost(t, Config{Workers: 1, Node: installed().path, Runtime: always(runtime), Limits: Limits{CPU: 500 * time.Millisecond}})
	failed := func(kind, name, code, message string) *Failure {
		return &Failure{Rule: "Users login", Kind: kind, Name: name, Code: code, Message: message}
	}
	wrong := failed(KindCallback, ErrorWrongCredentials, "wrongusernameorpassword", "no")
	wrong.UserID, wrong.StatusCode = "ada", 400
	nobody := *wrong
	nobody.UserID = ""
	for name, c := range map[string]struct {
		source  string
		want    string // the result as JSON; "" for nothing
		failure *Failure
		line    string
	}{
		"named function expression": {source: `function login(user, password, callback) { callback(null, {user_id: user + password}); }`, want: `{"user_id":"adapw"}`},
		"anonymous":                 {source: "// mine\nfunction (u, p, cb) { return cb(null, 1); } // end", want: "1"},
		"semicolon":                 {source: `function (u, p, cb) { cb(null, 1); };`, want: "1"},
		"arrow":                     {source: `(u, p, cb) => cb(null, 1)`, want: "1"},
		"async":                     {source: `async function login(u, p, cb) { await null; cb(null, 1); }`, want: "1"},
		"exports":                   {source: `module.exports = function (u, p, cb) { cb(null, 1); };`, want: "1"},
		"byte-order mark":           {source: "\ufefffunction login(u, p, cb) { cb(null, 1); }", want: "1"},
		"strict":                    {source: `function login(u, p, cb) { 'use strict'; cb(null, 1); }`, want: "1"},
		"program":                   {source: "const bcrypt = require('lodash');\nfunction helper() { return 7; }\nfunction login(u, p, cb) { cb(null, helper()); }", want: "7"},
		"program, first function":   {source: "var factor = 3;\nfunction check(u, p, cb) { function login() {} cb(null, factor * twice(1)); }\nfunction twice(n) { return 2 * n; }", want: "6"},
		"program, variable":         {source: "// a function for the sake of it\nconst login = async (u, p, cb) => cb(null, 2);\nconst other = 1;", want: "2"},
		"program, names in texts":   {source: "var a = 'function login() {}'; function b(u, p, cb) { cb(null, a.length); }", want: "19"},
		"nothing":                   {source: `function login(u, p, cb) { cb(); }`},
		"null":                      {source: `function login(u, p, cb) { cb(null, null); }`},
		"undefined and false":       {source: `function login(u, p, cb) { cb(undefined, false); }`, want: "false"},
		"a function is nothing":     {source: `function login(u, p, cb) { cb(null, () => 1); }`},
		"twice":                     {source: `function login(u, p, cb) { cb(null, 1); cb(new Error('late')); }`, want: "1", line: "callback was called more than once; the first call stands"},
		"wrong password":            {source: `function login(u, p, cb) { cb(new WrongUsernameOrPasswordError(u, 'no')); }`, failure: wrong},
		"wrong user":                {source: `function login(u, p, cb) { cb(new WrongUsernameOrPasswordError('', 'no')); }`, failure: &nobody},
		"validation": {source: `function login(u, p, cb) { cb(new ValidationError('user_exists', 'there')); }`, failure: func() *Failure {
			f := failed(KindCallback, ErrorValidation, "user_exists", "there")
			f.StatusCode = 400
			return f
		}()},
		"unauthorized": {source: `function login(u, p, cb) { cb(new UnauthorizedError('not today')); }`, failure: func() *Failure {
			f := failed(KindCallback, ErrorUnauthorized, "unauthorized", "not today")
			f.StatusCode = 401
			return f
		}()},
		"text":              {source: `function login(u, p, cb) { cb('text'); }`, failure: failed(KindCallback, "Error", "", "text")},
		"thrown":            {source: `function login(u, p, cb) { throw new TypeError('a' + '\n' + 'b'); }`, failure: failed(KindException, "TypeError", "", "a b")},
		"rejected":          {source: `async function login(u, p, cb) { throw new WrongUsernameOrPasswordError(u, 'no'); }`, failure: wrong},
		"thrown later":      {source: `function login(u, p, cb) { setTimeout(() => { throw new Error('later'); }, 1); }`, failure: failed(KindException, "Error", "", "later")},
		"rejected and left": {source: `function login(u, p, cb) { Promise.reject(new TypeError('left')); setTimeout(cb, 5000); }`, failure: failed(KindException, "TypeError", "", "left")},
		"never":             {source: `function login(u, p, cb) { }`, failure: failed(KindTimeout, "", "access_denied", textTimeout)},
		"endless":           {source: `function login(u, p, cb) { for (;;); }`, failure: failed(KindTimeout, "", "access_denied", textBlocked)},
		"circular":          {source: `function login(u, p, cb) { const a = {}; a.a = a; cb(null, a); }`, failure: failed(KindException, "TypeError", "", "circular reference")},
		"hostile getter":    {source: `function login(u, p, cb) { cb(null, {get email() { throw new Error('getter'); }}); }`, failure: failed(KindException, "Error", "", "getter")},
		"no function":       {source: `'x'`, failure: failed(KindException, "Error", "", "The script is not a function")},
		"syntax":            {source: `function login( {`, failure: failed(KindSyntax, "", "access_denied", textLoading)},
		"too much memory":   {source: `function login(u, p, cb) { const a = []; for (;;) a.push('x'.repeat(1 << 20) + a.length); }`, failure: failed(KindMemory, "InternalError", "", textMemory)},
		"configuration":     {source: `function login(u, p, cb) { cb(null, configuration.KEY + typeof auth0 + typeof request.post + typeof _ + typeof Buffer); }`, want: `"valueundefinedfunctionfunctionfunction"`},
	} {
		if runtime == RuntimeNode {
			switch name {
			case "circular": // the engines have texts of their own
				c.failure.Message = "Converting circular structure to JSON     --> starting at object with constructor 'Object'     --- property 'a' closes the circle"
			case "too much memory": // TestHostile has what Node.js does
				continue
			}
		}
		t.Run(name, func(t *testing.T) {
			out, err := h.Call(t.Context(), CallRun{
				Tenant: "corpus", Connection: "Users", Operation: OperationNamed("login"), Source: c.source, Arguments: []any{"ada", "pw"},
				Configuration: map[string]string{"KEY": "value"},
			})
			if err != nil {
				t.Fatal(err)
			}
			if out.Failure != nil {
				out.Failure.Stack = ""
			}
			if string(out.Result) != c.want || !reflect.DeepEqual(out.Failure, c.failure) {
				t.Errorf("got %s %+v, want %s %+v; %v", out.Result, out.Failure, c.want, c.failure, out.Console)
			}
			if c.line != "" && (len(out.Console) != 1 || out.Console[0].Text != c.line || out.Console[0].Rule != "Users login") {
				t.Errorf("console: %+v", out.Console)
			}
		})
	}
}

// TestCallContext: the context stands before the callback, and only where it is given; each operation has its own arguments.
func TestCallContext(t *testing.T) { eachRuntime(t, testCallContext) }

func testCallContext(t *testing.T, runtime string) {
	h := newHost(t, Config{Workers: 1, Node: installed().path, Runtime: always(runtime)})
	const echo = `function (...all) { all.pop()(null, all); }`
	for _, o := range Operations {
		var arguments []any
		for range o.Arguments {
			arguments = append(arguments, true)
		}
		for _, with := range []any{nil, map[string]any{"organization": map[string]any{"id": "org_1"}}} {
			out, err := h.Call(t.Context(), CallRun{Tenant: "a", Operation: o, Source: echo, Arguments: arguments, Context: with})
			want := arguments
			if with != nil {
				want = append(append([]any{}, arguments...), with)
			}
			if text, _ := json.Marshal(want); err != nil || string(out.Result) != string(text) {
				t.Errorf("%s: %s, want %s (%v)", o.Name, out.Result, text, err)
			}
		}
		if _, err := h.Call(t.Context(), CallRun{Tenant: "a", Operation: o, Source: echo}); err == nil {
			t.Errorf("%s: too few arguments were taken", o.Name)
		}
		if OperationNamed(o.Name) != o {
			t.Errorf("%s is not found by its name", o.Name)
		}
	}
	if OperationNamed("hash") != nil {
		t.Error("an operation that there is not")
	}
}

// TestCallSharesGlobals: scripts of a connection see what rules of the tenant left on global, and no other tenant's (extensibility
// fact sheet 5.5).
func TestCallSharesGlobals(t *testing.T) { eachRuntime(t, testCallSharesGlobals) }

func testCallSharesGlobals(t *testing.T, runtime string) {
	h := newHost(t, Config{Workers: 1, Node: installed().path, Runtime: always(runtime)})
	rule := Run{Tenant: "a", User: json.RawMessage(`{}`), Context: json.RawMessage(`{}`), Rules: []Rule{{Source: `function (u, c, cb) { global.pool = 'of a'; cb(); }`}}}
	if _, err := h.Rules(t.Context(), rule); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{{"a", `"of a"`}, {"b", `"none"`}} { // in this order: the one worker goes over to the other tenant
		tenant, want := c[0], c[1]
		out, err := h.Call(t.Context(), CallRun{Tenant: tenant, Operation: OperationNamed("get_user"), Arguments: []any{"x"}, Source: `function (e, cb) { cb(null, global.pool || 'none'); }`})
		if err != nil || string(out.Result) != want {
			t.Errorf("%s: %s %v", tenant, out.Result, err)
		}
	}
}

func TestCallReachesOut(t *testing.T) { eachRuntime(t, testCallReachesOut) }

func testCallReachesOut(t *testing.T, runtime string) {
	out := &outside{replies: map[string]string{"POST https://users.example/check": "200\n\n{\"id\":7}"}}
	h := newHost(t, Config{Workers: 1, HTTP: &http.Client{Transport: out}, Node: installed().path, Runtime: always(runtime)})
	got, err := h.Call(t.Context(), CallRun{Tenant: "a", Connection: "Users", Operation: OperationNamed("login"), Arguments: []any{"ada", "pw"}, Source: `
		function login(email, password, callback) {
			request.post({url: 'https://users.example/check', json: {email, password}}, (err, res, body) => callback(err, {user_id: body.id}));
		}`})
	if err != nil || string(got.Result) != `{"user_id":7}` || len(got.Calls) != 1 || got.Calls[0].URL != "https://users.example/check" {
		t.Errorf("%v %s %+v %+v", err, got.Result, got.Failure, got.Calls)
	}
}

func TestCheckCall(t *testing.T) {
	h := newHost(t, Config{Workers: 1})
	for source, want := range map[string]string{
		`function login(u, p, cb) {}`: "", "function a() {}\nfunction login(u, p, cb) {}": "", `function (u, cb) {};`: "", "": "",
		"function login(u, p, cb) {\n  return cb(;\n}": "line 2", "const a = 1;\nfunction login(u, p, cb) {\n  const b = ;\n}": "line 3",
	} {
		err := h.CheckCall(context.Background(), source)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", source, err)
		}
	}
}
