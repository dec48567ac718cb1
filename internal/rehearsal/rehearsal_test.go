package rehearsal

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stagedoor/stagedoor/internal/outbound"
	"github.com/stagedoor/stagedoor/internal/script"
)

func stage(t *testing.T) *Stage {
	s := Open(Config{})
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func stubs(t *testing.T, texts ...string) []Stub {
	t.Helper()
	var out []Stub
	for _, text := range texts {
		s, err := ParseStub("a stub", text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// TestExamples: there is one of everything that runs, and scripts that do nothing continue over it.
func TestExamples(t *testing.T) {
	s := stage(t)
	for _, trigger := range script.Triggers {
		if !trigger.Runs {
			continue
		}
		plays := []Play{{Kind: Action, Trigger: trigger.ID, Scripts: []Script{{"a", "exports." + trigger.Handler + " = async (event, api) => { if (!event.tenant && !event.message) throw new Error('no tenant'); };"}}}}
		if trigger.Hook != nil {
			plays = append(plays, Play{Kind: Hook, Trigger: trigger.ID, Scripts: []Script{{"h", "module.exports = function (...args) { if (!args[0]) throw new Error('nothing'); args.pop()(null, {}); }"}}})
		}
		for _, p := range plays {
			r, err := s.Rehearse(t.Context(), p)
			if err != nil || r.Outcome != Continued {
				t.Errorf("%s at %s: %v %+v", p.Kind, trigger.ID, err, r.Error)
			}
		}
	}
}

// TestConnectionsScripts: every operation has an example with the arguments that it takes.
func TestConnectionsScripts(t *testing.T) {
	s := stage(t)
	for _, o := range script.Operations {
		p := Play{Kind: kindOf(o), Configuration: map[string]string{"K": "v"}, Scripts: []Script{{"s", `function s(...all) {
			const callback = all.pop();
			callback(null, {user_id: '1', of: all, k: configuration.K});
		}`}}}
		r, err := s.Rehearse(t.Context(), p)
		of, _ := value(r.Result).(map[string]any)
		given, _ := of["of"].([]any)
		want := len(o.Arguments)
		if o.Context {
			want++
		}
		if err != nil || r.Outcome != Continued || of["k"] != "v" || len(given) != want {
			t.Errorf("%s: %v %s", p.Kind, err, compact(r))
		}
	}
	r, err := s.Rehearse(t.Context(), Play{Kind: "database_get_user", Scripts: []Script{{"s", "function s(email, callback) { console.log(email); callback(null); }"}}})
	if err != nil || string(r.Result) != "null" || r.Console[0].Script != "s" {
		t.Errorf("nobody: %v %s", err, compact(r))
	}
	r, err = s.Rehearse(t.Context(), Play{Kind: "database-login", Scripts: []Script{{"s", "function s(email, password, callback) { callback(new WrongUsernameOrPasswordError(email, 'no')); }"}}})
	if err != nil || r.Outcome != Denied || r.Error.UserID != "ada@example.com" || r.Error.Name != "WrongUsernameOrPasswordError" {
		t.Errorf("a refusal: %v %s", err, compact(r))
	}
	if _, err = s.Rehearse(t.Context(), Play{Kind: "database-login", Event: json.RawMessage(`{"arguments":[]}`), Scripts: []Script{{"s", "function s() {}"}}}); err == nil {
		t.Error("no arguments are accepted")
	}
}

// TestExamplesAreWhole: scripts of tenants read without a question what every login has, or every login of a tenant that measures its risk.
func TestExamplesAreWhole(t *testing.T) {
	s := stage(t)
	for name, source := range map[string]string{
		"action": `exports.onExecutePostLogin = async (event, api) => api.idToken.setCustomClaim('https://x.example/a',
			[event.transaction?.acr_values.includes('x'), event.transaction.locale.length, event.authentication.riskAssessment.assessments.NewDevice.confidence]);`,
		"rule": `function rule(user, context, callback) {
			context.idToken['https://x.example/a'] = [context.request.query.scope.split(' ').length > 9, 2, context.riskAssessment.assessments.NewDevice.confidence];
			callback(null, user, context);
		}`,
	} {
		r, err := s.Rehearse(t.Context(), Play{Scripts: []Script{{name, source}}})
		if err != nil || r.Outcome != Continued || !strings.Contains(compact(r.Effects), `[false,2,"high"]`) {
			t.Errorf("%s: %v %s", name, err, compact(r))
		}
	}
}

// TestRedirectAndBack: an action that sends the person elsewhere suspends the run, and goes on with its other handler.
func TestRedirectAndBack(t *testing.T) {
	s := stage(t)
	p := Play{Roles: []Role{{ID: "rol_1", Name: "Editor"}}, Scripts: []Script{{"a", `exports.onExecutePostLogin = async (event, api) => {
		const {roles} = await api.roles.getUserEffectiveRoles();
		api.redirect.sendUserTo('https://terms.example/', {query: {role: roles[0].name}});
	};
	exports.onContinuePostLogin = async (event, api) => api.idToken.setCustomClaim('https://acme.example/back', true);`}}}
	r, err := s.Rehearse(t.Context(), p)
	if err != nil || r.Outcome != Continued || !strings.Contains(compact(r.Effects), `"query":{"role":"Editor"},"url":"https://terms.example/"`) {
		t.Errorf("out: %v %s", err, compact(r))
	}
	p.Resume = true
	if r, err = s.Rehearse(t.Context(), p); err != nil || compact(r.Effects) != `{"id_token_claims":{"https://acme.example/back":true}}` {
		t.Errorf("back: %v %s", err, compact(r))
	}
}

// TestGroups: api.groups answers from the play.
func TestGroups(t *testing.T) {
	s := stage(t)
	p := Play{Groups: []Group{{ID: "grp_1", Name: "Team", ConnectionID: "con_1"}, {ID: "grp_2", Name: "Other"}}, Scripts: []Script{{"a", `exports.onExecutePostLogin = async (event, api) => {
		const first = await api.groups.getUserGroups({take: 1}), rest = await api.groups.getUserGroups({from: first.next});
		const within = await api.groups.hasGroupMembership(['grp_9', 'grp_2']), without = await api.groups.hasGroupMembership(['Team']);
		api.idToken.setCustomClaim('https://acme.example/groups', [first.groups[0].name, rest.groups[0].name, rest.next, within, without]);
		await api.groups.getUserGroups({take: 0}).catch(e => api.idToken.setCustomClaim('https://acme.example/take', e.message));
	};`}}}
	r, err := s.Rehearse(t.Context(), p)
	if err != nil || compact(r.Effects) != `{"id_token_claims":{"https://acme.example/groups":["Team","Other",null,true,false],"https://acme.example/take":"api.groups: take must be a number from 1 to 100"}}` {
		t.Errorf("%v %s", err, compact(r))
	}
	if r, err = s.Rehearse(t.Context(), Play{Scripts: p.Scripts}); err != nil || r.Outcome == Continued && !strings.Contains(compact(r), "undefined") {
		t.Errorf("without groups: %v %s", err, compact(r))
	}
}

func TestGuess(t *testing.T) {
	for source, want := range map[string]string{
		"function (user, context, callback) {}":                                  "rule ",
		"exports.onExecutePostLogin = async () => {}":                            "action post-login",
		"module.exports.onExecutePreUserRegistration = async () => {}":           "action pre-user-registration",
		"module.exports = { async onExecuteCredentialsExchange(event, api) {} }": "action credentials-exchange",
		"module.exports = function (user, context, cb) {}":                       "hook ",
		"function (client, scope, audience, context, cb) { cb(); }":              "rule ", // looks like one: --kind says otherwise
		"// of old\nfunction login(email, password, callback) {}":                "database-login ",
		"function login(user, context, callback) {}":                             "rule ",
		"async function getByEmail(email, cb) {}":                                "database-get-user ",
		"function create(user, callback) {}":                                     "database-create ",
		"function remove(user, context, callback) {}":                            "rule ",
		"function fetchUserProfile(accessToken, context, callback) {}":           "fetch-user-profile ",
		"function getByEmail(a) {}":                                              "rule ",
	} {
		if kind, trigger := Guess(source); kind+" "+trigger != want {
			t.Errorf("%s: %s %s, want %s", source, kind, trigger, want)
		}
	}
}

// TestNothingIsLeftForTheNext: neither global, nor api.cache, nor what was called and said.
func TestNothingIsLeftForTheNext(t *testing.T) {
	s := stage(t)
	p := Play{Kind: Action, Trigger: "post-login", Scripts: []Script{{"a", `exports.onExecutePostLogin = async (event, api) => {
		console.log(String(global.kept), String(api.cache.get('k')));
		global.kept = 1;
		api.cache.set('k', 'v');
	};`}}}
	for range 2 {
		r, err := s.Rehearse(t.Context(), p)
		if err != nil || len(r.Console) != 1 || r.Console[0].Text != "undefined undefined" {
			t.Fatalf("%v %+v", err, r)
		}
	}
}

// TestWrites: a later write sees the earlier one, users other than the play's own are not there, and late writes count.
func TestWrites(t *testing.T) {
	s := stage(t)
	r, err := s.Rehearse(t.Context(), Play{
		User: json.RawMessage(`{"user_id":"auth0|1","app_metadata":{"a":1,"b":2}}`),
		Scripts: []Script{{"r", `async function r(user, context, callback) {
			const one = await auth0.users.updateAppMetadata('auth0|1', {a: null, c: 3});
			const two = await auth0.users.updateUserMetadata('auth0|1', {lang: 'en'});
			console.log(JSON.stringify([one.app_metadata, two.app_metadata, two.user_metadata]));
			await auth0.users.updateAppMetadata('auth0|2', {a: 1}).catch(e => console.log(e.message));
			await auth0.users.updateAppMetadata('auth0|1', {'a.b': 1}).catch(e => console.log(e.message));
			callback(null);
			setTimeout(() => auth0.users.updateAppMetadata('auth0|1', {late: true}), 20);
		}`}},
	})
	if err != nil || r.Outcome != Continued {
		t.Fatalf("%v %+v", err, r)
	}
	if want := `[{"b":2,"c":3},{"b":2,"c":3},{"lang":"en"}]`; len(r.Console) != 3 || r.Console[0].Text != want || r.Console[1].Text != "The user does not exist." {
		t.Errorf("console: %+v", r.Console)
	}
	if len(r.Metadata) != 3 || string(r.Metadata[2].Patch) != `{"late":true}` {
		t.Errorf("writes: %s", compact(r.Metadata))
	}
}

func TestStubs(t *testing.T) {
	all := stubs(t,
		"GET https://api.example/a*\n200 after 1ms\ncontent-type: text/plain\nx-two: 1\nx-two: 2\n\nfirst\n",
		"* https://api.example/a\n404\n\nsecond",
		"POST https://api.example/q?x=*\n204",
		"GET https://broken.example/*\nrefuse", "GET https://reset.example/*\nreset", "GET https://hangs.example/*\nhang")
	r, err := stage(t).Rehearse(t.Context(), Play{Stubs: all, Scripts: []Script{{"r", `async function r(user, context, callback) {
		const request = require('request');
		const call = options => new Promise(done => request(options, (e, res, body) => { console.log(e ? e.code : res.statusCode + ' ' + body + ' ' + (res.headers['x-two'] || '')); done(); }));
		await call('https://api.example/a?any=1');
		await call('https://api.example/a');
		await call('https://api.example/a');
		await call({url: 'https://api.example/q?x=1', method: 'POST', json: {k: 'v'}, headers: {authorization: 'Bearer s3cret'}});
		await call({url: 'https://api.example/q', method: 'POST'});
		await call('https://broken.example/'); await call('https://reset.example/'); await call({url: 'https://hangs.example/', timeout: 20});
		callback(null);
	}`}}})
	if err != nil || r.Outcome != Continued {
		t.Fatalf("%v %+v", err, r.Error)
	}
	var got []string
	for _, l := range r.Console {
		got = append(got, l.Text)
	}
	want := "200 first 1, 2|404 second |404 second |204 undefined |ECONNREFUSED|ECONNREFUSED|ECONNRESET|ESOCKETTIMEDOUT"
	if text := strings.Join(got, "|"); text != want {
		t.Errorf("answers: %s, want %s", text, want)
	}
	if c := r.HTTP[3]; c.Body != `{"k":"v"}` || c.Headers["authorization"] != "(hidden)" || c.Stub != "a stub" {
		t.Errorf("call: %+v", c)
	}
}

func TestParseStubRefuses(t *testing.T) {
	for text, says := range map[string]string{
		"": "line 1", "GET": "line 1", "GET nowhere\n200": "line 1", "GET https://a.example/": "line 2", "GET https://a.example/\n999": "line 2",
		"GET https://a.example/\n200 after soon": "line 2", "GET https://a.example/\n200\nno header": "line 3",
	} {
		if _, err := ParseStub("x.http", text); err == nil || !strings.Contains(err.Error(), "x.http, "+says) {
			t.Errorf("%q: %v", text, err)
		}
	}
	_, err := ReadStubs(fstest.MapFS{"a.http": {Data: []byte("GET https://a.example/\n200")}, ".hidden": {Data: []byte("x")}, "b.http": {Data: []byte("x")}})
	if err == nil || !strings.Contains(err.Error(), "b.http, line 1") {
		t.Errorf("a directory: %v", err)
	}
}

// TestLiveCalls go out only when they may, and not to private addresses.
func TestLiveCalls(t *testing.T) {
	s := stage(t)
	s.outside.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
	})
	rule := []Script{{"r", `function r(user, context, callback) { require('request')('https://live.example/', (e, res) => { console.log(e ? e.code : res.statusCode); callback(null); }); }`}}
	for live, want := range map[bool]string{true: "200", false: "ECONNREFUSED"} {
		r, err := s.Rehearse(t.Context(), Play{Live: live, Scripts: rule})
		if err != nil || len(r.Console) != 1 || r.Console[0].Text != want {
			t.Errorf("live %v: %v %+v", live, err, r.Console)
		}
	}
	// A database's client is told what lets it out.
	sockets := []Script{{"s", `function s(user, context, callback) { require('net').connect(3306, 'db.example').on('error', e => { console.log(e.code, e.message); callback(null); }); }`}}
	if r, err := s.Rehearse(t.Context(), Play{Scripts: sockets}); err != nil || len(r.Console) != 1 || !strings.Contains(r.Console[0].Text, "ECONNREFUSED") || !strings.Contains(r.Console[0].Text, "--http-live") {
		t.Errorf("a connection: %v %+v", err, r.Console)
	}
	guarded := stage(t)
	r, err := guarded.Rehearse(t.Context(), Play{Live: true, Scripts: []Script{{"r", `function r(user, context, callback) { require('request')('http://127.0.0.1:9/', e => { console.log(e.code); callback(null); }); }`}}})
	if err != nil || len(r.HTTP) != 1 || !strings.Contains(r.HTTP[0].Error, "not public") {
		t.Errorf("a private address: %v %+v", err, r.HTTP)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestDifferences(t *testing.T) {
	for _, c := range []struct {
		want, got string
		part      bool
		paths     string
	}{
		{`{"a":1,"b":{"c":[1,2]}}`, `{"a":1,"b":{"c":[1,3]}}`, false, "b.c[1]"},
		{`{"a":1}`, `{"a":1,"b":2}`, false, "b"},
		{`{"a":1}`, `{"a":1,"b":2}`, true, ""},
		{`{"a":null}`, `{}`, true, ""},
		{`{"a":null}`, `{"a":1}`, true, "a"},
		{`{"https://x.example/y":1}`, `{}`, true, `["https://x.example/y"]`},
		{`[1]`, `[1,2]`, true, ""},
	} {
		var paths []string
		for _, d := range differences("", value([]byte(c.want)), value([]byte(c.got)), c.part) {
			paths = append(paths, d.Path)
		}
		if strings.Join(paths, " ") != c.paths {
			t.Errorf("%s and %s: %q, want %q", c.want, c.got, paths, c.paths)
		}
	}
}

func TestPrintSteersNoTerminal(t *testing.T) {
	var b strings.Builder
	Print(&b, Play{}, Result{Outcome: Failed, Error: &Error{Message: "a\x1b[2Jb\nc", Script: "s", Kind: "exception"}, Console: []Line{{"s", "log", "\x07x\ty", false}}}, nil)
	if strings.ContainsAny(b.String(), "\x1b\x07") || !strings.Contains(b.String(), "a[2Jb c (exception in s)") {
		t.Errorf("%q", b.String())
	}
	b.Reset()
	Print(&b, Play{}, Result{Outcome: Continued}, Colours)
	if !strings.HasPrefix(b.String(), "\x1b[32mcontinued\x1b[0m") {
		t.Errorf("%q", b.String())
	}
}

// TestNothingElseGoesOut: a play that is not live reaches nobody by a socket either, nor asks for names.
func TestNothingElseGoesOut(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	s := Open(Config{Outbound: outbound.Config{AllowPrivate: true}})
	defer s.Close()
	source := fmt.Sprintf(`function r(user, context, callback) {
		const socket = require('net').connect(%d, '127.0.0.1');
		socket.on('connect', () => ask('connected')); socket.on('error', e => ask(e.code));
		function ask(said) { require('dns').lookup('localhost', e => { console.log(said, e ? e.code : 'found'); callback(null); }); }
	}`, listener.Addr().(*net.TCPAddr).Port)
	for live, want := range map[bool]string{false: "ECONNREFUSED EREFUSED", true: "connected found"} {
		r, err := s.Rehearse(t.Context(), Play{Live: live, Scripts: []Script{{"r", source}}})
		if err != nil || len(r.Console) != 1 || r.Console[0].Text != want {
			t.Errorf("live %v: %v %+v, want %s", live, err, r.Console, want)
		}
	}
}
