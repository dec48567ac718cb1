package script

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestLogsHoldNoSecrets: nothing that a run leaves for a log or for its caller holds a setting, a secret, a token or a password.
func TestLogsHoldNoSecrets(t *testing.T) {
	for _, runtime := range runtimes(t) {
		t.Run(runtime, func(t *testing.T) {
			h := newHost(t, Config{Workers: 1, Runtime: always(runtime), HTTP: &http.Client{Transport: answers{}}})
			logsOfRules(t, h)
			logsOfTriggers(t, h)
			logsOfConnections(t, h)
		})
	}
}

// hidden looks for secrets in what a run says, and for what must be there all the same.
func hidden(t *testing.T, said any, secrets []string, there ...string) {
	t.Helper()
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(said); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, secret := range secrets {
		if at := strings.Index(text, secret); at >= 0 {
			t.Errorf("%s is told: …%s…", secret, text[max(0, at-100):min(len(text), at+len(secret)+100)])
		}
	}
	for _, part := range there {
		if !strings.Contains(text, part) {
			t.Errorf("%s is not told: %s", part, text)
		}
	}
}

func logsOfRules(t *testing.T, h *Host) {
	const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJydWxlcyJ9.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
	run := maskedRun(token)
	secrets := append([]string{"c2lnbmF0dXJl", "provider-token", " 81734", `"81734`, "81734&"}, maskedSecrets...)
	out, err := h.Rules(t.Context(), run)
	if err != nil || out.Failure == nil {
		t.Fatal(err, out.Failure)
	}
	hidden(t, []any{out.Console, out.Failure}, secrets, "bad ~configuration.API_KEY~ ~masked~", "~configuration.PIN~", "plan: 'gold'", "debug: 'true'", "logins: 1", "x81734")
	// What comes after the outcome; tokens of the person; a message that is cut.
	var mu sync.Mutex
	var late []Line
	done := make(chan struct{})
	run.User = json.RawMessage(`{"user_id":"auth0|1","identities":[{"access_token":"of-the-provider-token"}]}`)
	run.Late = func(l Line) {
		mu.Lock()
		defer mu.Unlock()
		late = append(late, l)
	}
	run.Done = func() { close(done) }
	run.Rules = rule(`console.log(configuration, auth0.accessToken, user);
		setTimeout(() => console.log('late', configuration.API_KEY, auth0.accessToken), 5);
		callback(new UnauthorizedError('x'.repeat(1015) + configuration.API_KEY));`)
	if out, err = h.Rules(t.Context(), run); err != nil || out.Failure == nil {
		t.Fatal(err, out.Failure)
	}
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("the run did not end")
	}
	mu.Lock()
	defer mu.Unlock()
	hidden(t, []any{out.Console, out.Failure}, append(secrets, "sesame"), "~configuration.API~", "~configuration.LINES~", "auth0|1", "'gold'")
	hidden(t, late, secrets, "late ~configuration.API_KEY~ ~masked~")
}

func logsOfTriggers(t *testing.T, h *Host) {
	secrets := []string{"sesame-of-the-action", "sesame-of-the-module", "sesame-of-the-hook", "c2VzYW1l"}
	run := func(code string) TriggerOutcome {
		t.Helper()
		out, err := h.Trigger(t.Context(), TriggerRun{
			Tenant: "t", Trigger: PostLogin, Event: json.RawMessage(`{"user":{"user_id":"auth0|1"}}`), Scripts: []Script{{
				ID: "act", Name: "act", Source: "exports.onExecutePostLogin = async (event, api) => { const m = require('actions:shared'); " + code + " };",
				Secrets: map[string]string{"KEY": "sesame-of-the-action", "PLAN": "gold"},
				Modules: []Module{{Name: "shared", Source: "module.exports = actions.secrets.KEY;", Secrets: map[string]string{"KEY": "sesame-of-the-module"}}},
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	out := run(`console.log(event.secrets, m, btoa(event.secrets.KEY)); throw new Error('bad ' + event.secrets.KEY + m);`)
	hidden(t, out, secrets, "bad ~secrets.act.KEY~~secrets.shared.KEY~", "PLAN: 'gold'")
	if f := out.Failure; f == nil || f.Stack == "" || len(out.Results) != 1 || out.Results[0].Failure.Message != f.Message {
		t.Errorf("%+v", out)
	}
	out = run(`api.access.deny('no ' + event.secrets.KEY);`)
	hidden(t, out, secrets, "no ~secrets.act.KEY~")
	out = run(`api.idToken.setCustomClaim('https://t/key', event.secrets.KEY); api.user.setUserMetadata('key', m);`)
	if string(out.Effects.IDClaims["https://t/key"]) != `"sesame-of-the-action"` || string(out.Effects.UserMetadata["key"]) != `"sesame-of-the-module"` {
		t.Errorf("what scripts ask for was changed: %+v", out.Effects)
	}
	message, err := h.Trigger(t.Context(), TriggerRun{
		Tenant: "t", Trigger: CustomEmailProvider, Event: json.RawMessage(`{}`), Scripts: []Script{{
			Name: "mail", Source: `exports.onExecuteCustomEmailProvider = async (event, api) => { api.notification.drop('not with ' + event.secrets.KEY); };`,
			Secrets: map[string]string{"KEY": "sesame-of-the-action"},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	hidden(t, message, secrets, "not with ~secrets.mail.KEY~")
	hook, err := h.Trigger(t.Context(), TriggerRun{
		Tenant: "t", Trigger: CredentialsExchange, Hook: true, Event: json.RawMessage(`{"arguments":[{"id":"c"},["s"],"a"],"context":{"webtask":{}}}`), Scripts: []Script{{
			Name: "hook", Source: `module.exports = function (client, scope, audience, context, cb) { console.log(context.webtask.secrets); cb(new Error('bad ' + context.webtask.secrets.KEY)); };`,
			Secrets: map[string]string{"KEY": "sesame-of-the-hook"},
		}},
	})
	if err != nil || hook.Failure == nil {
		t.Fatal(err, hook)
	}
	hidden(t, hook, secrets, "bad ~secrets.hook.KEY~")
}

func logsOfConnections(t *testing.T, h *Host) {
	secrets := []string{"sesame-of-the-database", "Correct-Horse-1", "Q29ycmVjdC1Ib3JzZS0x", "opaque-token-of-the-provider"}
	call := func(operation, source string, arguments ...any) CallOutcome {
		t.Helper()
		out, err := h.Call(t.Context(), CallRun{
			Tenant: "t", Connection: "Users", Operation: OperationNamed(operation), Source: source, Arguments: arguments,
			Configuration: map[string]string{"KEY": "sesame-of-the-database"}, Context: map[string]any{},
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	out := call("login", `function login(email, password, context, callback) {
		console.log(email, password, configuration, Buffer.from(password).toString('base64'));
		callback(new ValidationError('bad_key', 'bad ' + configuration.KEY + ' for ' + password));
	}`, "ada@example.com", "Correct-Horse-1")
	hidden(t, out, secrets, "bad ~secrets.Users.KEY~ for ~password~", "ada@example.com", "bad_key")
	// Codes and ids are read by machines: no password changes what they say.
	out = call("login", `function login(email, password, context, callback) { callback(new ValidationError('user_exists', 'There is ' + email)); }`, "ada@example.com", "user_exists")
	if out.Failure == nil || out.Failure.Code != "user_exists" {
		t.Errorf("%+v", out.Failure)
	}
	out = call("login", `function login(email, password, context, callback) { callback(new WrongUsernameOrPasswordError(email, 'no')); }`, "ada@example.com", "ada@example.com")
	if out.Failure == nil || out.Failure.UserID != "ada@example.com" {
		t.Errorf("%+v", out.Failure)
	}
	hidden(t, call("login", `function login(email, password, context, callback) { console.log([password]); callback(null, {password}); }`, "ada@example.com", "abcd").Console, []string{"abcd"}, "~password~")
	out = call(FetchUserProfile, `function (accessToken, context, callback) { console.log(accessToken); callback(new Error('no profile for ' + accessToken)); }`, "opaque-token-of-the-provider")
	hidden(t, out, secrets, "no profile for ~masked~")
}

// TestNothingToMask: where scripts say nothing, no masks are made.
func TestNothingToMask(t *testing.T) {
	h := newHost(t, Config{Workers: 1})
	j := newJob(h, t.Context(), KindRules, maskedRun(""))
	if out := j.result(result{User: json.RawMessage(`{}`), Context: json.RawMessage(`{}`)}); out.Failure != nil || j.veil.mask != nil {
		t.Errorf("%+v %+v", out.Failure, j.veil.mask)
	}
}

// TestMaskingIsBounded: what scripts print without an end, and what they call secret without an end, costs little.
func TestMaskingIsBounded(t *testing.T) {
	var v veil
	for range 1000 {
		v.hear("http", make(json.RawMessage, 1<<10))
	}
	if v.size > maxHeard {
		t.Errorf("%d bytes of calls are kept", v.size)
	}
	var body strings.Builder
	body.WriteString("{")
	for i := range 20000 {
		body.WriteString(`"token":"secret-` + strings.Repeat("y", i%50) + `-` + string(rune('a'+i%26)) + newSeed() + `",`)
	}
	body.WriteString(`"x":1}`)
	m := newMasker(start{Seed: newSeed(), Configuration: maskedSettings}, forLogs)
	began := time.Now()
	m.json(json.RawMessage(body.String()))
	t.Logf("learned in %v", time.Since(began))
	text := m.text(strings.Repeat("sesame-of-the-api eyJhbGci ?token=x "+newSeed()+" ", 10000))
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
	if len(m.order) > maxSecrets+len(maskedSettings)*10 || strings.Contains(text, "sesame") {
		t.Errorf("%d secrets are looked for", len(m.order))
	}
	var kept recordings
	h := newHost(t, Config{Workers: 1, Policy: kept.policy})
	run := simple("t", `context.idToken = {list: Array.from({length: 5000}, (_, i) => ({token: 'a-secret-' + i}))}; callback(null, user, context);`)
	for range 2 {
		if out, err := h.Rules(context.Background(), run); err != nil || out.Failure != nil {
			t.Fatal(err, out.Failure)
		}
		run.Rules = rule(`callback(null, user, context);`)
	}
	if rec := kept.take(t, 1); len(rec) != 1 || strings.Contains(string(rec[0].Outcome), "a-secret") {
		t.Errorf("a run with more secrets than are looked for was recorded: %.300s", rec[0].Outcome)
	}
}
