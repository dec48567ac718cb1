package script

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestReplayOfConnectionScripts: scripts of databases and fetchUserProfile are recorded without the passwords and tokens that they get, and
// do the same again.
func TestReplayOfConnectionScripts(t *testing.T) {
	for _, runtime := range runtimes(t) {
		t.Run(runtime, func(t *testing.T) { replayCalls(t, runtime) })
	}
}

func replayCalls(t *testing.T, runtime string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		user, _, _ := r.BasicAuth()
		_, _ = fmt.Fprintf(w, `{"user_id":7,"email":"ada@example.com","echo":%q,"as":%q}`, body, user)
	}))
	defer server.Close()
	var kept recordings
	h := newHost(t, Config{Workers: 1, Runtime: always(runtime), HTTP: http.DefaultClient, Policy: kept.policy})
	const password, token = "Correct-Horse-1", "opaque-upstream-token-0815"
	settings := map[string]string{"API": server.URL, "KEY": "key-of-the-api"}
	call := func(operation string, context any, source string, arguments ...any) CallOutcome {
		t.Helper()
		out, err := h.Call(t.Context(), CallRun{
			Tenant: "t", Connection: "Users", Operation: OperationNamed(operation), Source: source, Arguments: arguments, Context: context, Configuration: settings,
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	check := func(user string, failed bool) {
		t.Helper()
		rec := kept.take(t, 1)[0]
		text, err := json.Marshal(rec)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{password, token, settings["KEY"], "Q29ycmVjdC1Ib3JzZS0x", "436f72726563742d486f7273652d31", "155ba8e102f3beb97892c3400b65031c"} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s is in the recording: %s", secret, text)
			}
		}
		if rec.Kind != KindConnections || rec.Failed != failed || rec.Found() != user || len(rec.Timings()) != 1 {
			t.Errorf("%s %s, failed %v, of %q, %v", rec.Kind, rec.Trigger, rec.Failed, rec.Found(), rec.Timings())
		}
		again, err := h.Replay(t.Context(), &rec, nil, func(mask string) (string, bool) {
			for name, value := range settings {
				if mask == SecretMask("Users", name) {
					return value, true
				}
			}
			return "", false
		})
		if err != nil {
			t.Fatal(err)
		}
		if !rec.Same(again) {
			t.Errorf("%s: %+v", rec.Trigger, rec.Differences(again))
		}
	}
	login := `function login(email, password, callback) {
		const crypto = require('crypto'), request = require('request');
		console.log('login of', email, 'with', password, Buffer.from(password).toString('base64'), crypto.createHash('md5').update(password).digest('hex'), Math.random());
		request.post({url: configuration.API + '/login?pwd=' + encodeURIComponent(password), auth: {user: email, pass: password}, headers: {'x-api-key': configuration.KEY},
			json: {name: email, pw: password, digest: crypto.createHash('sha256').update(password).digest('hex'), hex: Buffer.from(password).toString('hex')}}, function (error, response, body) {
			if (error) return callback(error);
			callback(null, body);
		});
	}`
	if out := call("login", nil, login, "ada@example.com", password); out.Failure != nil || !strings.Contains(string(out.Result), password) {
		t.Fatalf("%+v", out)
	}
	check("auth0|7", false)
	call("login", nil, `function login(email, password, callback) { callback(new WrongUsernameOrPasswordError(email, 'not ' + password)); }`, "ada@example.com", password)
	check("", false) // nothing went wrong with the script
	call("create", map[string]any{}, `function create(user, context, callback) { throw new Error('no ' + user.email + user.password); }`, map[string]any{"email": "ada@example.com", "password": password})
	check("", true)
	call("delete", nil, `function remove(id, callback) { callback(null); }`, "7")
	check("auth0|7", false)
	call(FetchUserProfile, map[string]any{"access_token": token, "options": map[string]any{"client_secret": "a-secret-of-ours"}}, `async function (accessToken, context, callback) {
		const me = await fetch(configuration.API + '/me', {headers: {authorization: 'Bearer ' + accessToken}}).then(r => r.json());
		callback(null, {user_id: me.user_id, same: accessToken === context.access_token});
	}`, token)
	check("", false)
	// A password that is too short to be looked for: nothing is kept.
	call("login", nil, login, "ada@example.com", "short")
	call("get_user", nil, `function getByEmail(email, callback) { callback(null, {id: 'x', email}); }`, "ada@example.com")
	check("auth0|x", false)
}

// Passwords and hashes are all that an action of password-hash-migration works with: its runs are not recorded.
func TestHashMigrationsAreNotRecorded(t *testing.T) {
	var kept recordings
	h := newHost(t, Config{Workers: 1, Runtime: always(RuntimeEmbedded), Policy: kept.policy})
	for _, trigger := range []*Trigger{PasswordHashMigration, PostLogin} {
		out, err := h.Trigger(t.Context(), TriggerRun{
			Tenant: "t", Trigger: trigger, Event: json.RawMessage(`{"plaintext_password":"Correct-Horse-1","custom_password_hash":{"hash":{"value":"Correct-Horse-1"}}}`),
			Scripts: []Script{{ID: "a", Name: "a", Source: "exports." + trigger.Handler + " = async (event, api) => { if (event.plaintext_password === event.custom_password_hash.hash.value && api.password) api.password.accept(); };"}},
		})
		if err != nil || out.Failure != nil {
			t.Fatal(out.Failure, err)
		}
	}
	if rec := kept.take(t, 1)[0]; rec.Trigger != PostLogin.ID {
		t.Errorf("recorded: %s", rec.Trigger)
	}
}
