package script

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// recordedRules use all that makes one run differ from another: time, chance, answers in any order, races with timers, secrets, what is
// left on global.
var recordedRules = []Rule{
	{ID: "rul_1", Name: "clock and chance", Source: `function (user, context, callback) {
		const crypto = require('crypto');
		global.logins = (global.logins || 0) + 1;
		console.log('login', global.logins, 'of', user.email, new Date());
		Object.assign(context.idToken, {
			'https://t/at': Date.now(), 'https://t/iso': new Date().toISOString(),
			'https://t/dice': Math.floor(Math.random() * 6), 'https://t/bytes': crypto.randomBytes(9).toString('hex'),
			'https://t/now': performance.now(), 'https://t/n': global.logins,
			'https://t/mac': crypto.createHmac('sha256', configuration.KEY).update(user.user_id).digest('base64'),
		});
		callback(null, user, context);
	}`},
	{ID: "rul_2", Name: "races", Source: `async function (user, context, callback) {
		const seen = [], get = path => fetch(configuration.API + path, {headers: {authorization: 'Bearer ' + configuration.TOKEN}})
			.then(r => r.text()).then(t => { seen.push(path + '=' + t + '@' + Date.now()); });
		const first = await Promise.race([get('/a').then(() => 'a'), get('/b').then(() => 'b'), new Promise(done => setTimeout(done, 3, 'timer'))]);
		const interval = setInterval(() => seen.push('tick ' + performance.now()), 2);
		await Promise.all([get('/c'), get('/d'), new Promise(done => setTimeout(done, 5))]);
		clearInterval(interval);
		console.log(first, configuration.TOKEN, seen.join(' '));
		context.idToken['https://t/seen'] = seen;
		context.idToken['https://t/first'] = first;
		callback(null, user, context);
	}`},
	{ID: "rul_3", Name: "tokens and metadata", Source: `async function (user, context, callback) {
		const json = {'content-type': 'application/json'};
		const {access_token: token} = await fetch(configuration.API + '/oauth/token', {method: 'POST', headers: json, body: JSON.stringify({
			client_id: 'c', client_secret: configuration.TOKEN, password: 'pa55' + 'word'})}).then(r => r.json());
		const me = await fetch(configuration.API + '/me?access_token=' + token, {headers: {authorization: 'Bearer ' + token}}).then(r => r.json());
		await auth0.users.updateAppMetadata(user.user_id, {seen: Date.now(), copy: token});
		console.log('the token is', token, 'and mine', auth0.accessToken);
		context.accessToken['https://t/me'] = me;
		setTimeout(() => console.log('afterwards'), 1);
		callback(null, user, context);
	}`},
}

// packagesRule uses packages that take the time and random numbers, some while they are loaded.
const packagesRule = `function (user, context, callback) {
	const uuid = require('uuid'), moment = require('moment'), _ = require('lodash'), request = require('request');
	context.idToken['https://t/packages'] = [moment().add(1, 'day').format(), uuid.v4(), uuid.v1(), _.sample([1, 2, 3, 4, 5, 6, 7, 8]), _.now(), _.uniqueId(),
		require('jsonwebtoken').sign({sub: user.user_id}, configuration.KEY, {expiresIn: '1h'}), require('bcrypt').genSaltSync(4)];
	require('zlib').gzip(user.user_id, (error, zipped) => { context.idToken['https://t/zipped'] = [zipped.toString('base64'), Date.now(), require('crypto').randomInt(1e9)]; });
	request(configuration.API + '/x', (error, response, body) => { context.idToken['https://t/x'] = body; callback(error, user, context); });
}`

// upstream answers after a while that differs.
func upstream(t testing.TB) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
		if r.URL.Path == "/oauth/token" {
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"access_token":"upstream-token-%d","expires_in":60}`, rand.Uint64())
			return
		}
		w.Header().Set("Set-Cookie", fmt.Sprintf("session=%d-very-secret", rand.Uint64()))
		_, _ = fmt.Fprintf(w, `%d`, rand.IntN(1000))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// recordings are those of a host, as they come.
type recordings struct {
	mu  sync.Mutex
	all []Recording
}

func (r *recordings) policy(context.Context, string, string) Policy {
	return Policy{Record: func(rec Recording) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all = append(r.all, rec)
	}}
}

func (r *recordings) take(t *testing.T, n int) []Recording {
	t.Helper()
	var all []Recording
	eventually(t, fmt.Sprintf("%d recordings", n), func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.all) < n {
			return false
		}
		all, r.all = r.all, nil
		return true
	})
	return all
}

func TestReplayOfAThousandLogins(t *testing.T) {
	for _, runtime := range runtimes(t) {
		t.Run(runtime, func(t *testing.T) {
			count, packages := 1000, 30
			if testing.Short() {
				count, packages = 40, 3
			}
			replayed(t, runtime, recordedRules, count)
			replayed(t, runtime, append([]Rule{{Name: "packages", Source: packagesRule}}, recordedRules...), packages)
		})
	}
}

func replayed(t *testing.T, runtime string, rules []Rule, count int) {
	t.Helper()
	var kept recordings
	h := newHost(t, Config{Workers: 2, Runtime: always(runtime), HTTP: http.DefaultClient, Policy: kept.policy})
	settings := map[string]string{"API": upstream(t), "KEY": "the key of the MAC", "TOKEN": "sesame-of-the-api"}
	run := Run{
		Tenant: "t", Rules: rules, Configuration: settings, Context: json.RawMessage(`{"idToken":{},"accessToken":{},"clientID":"c","stats":{"z":1,"a":2.50}}`),
		AccessToken: func(context.Context) (string, error) {
			return fmt.Sprintf("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJydWxlcyJ9.%032d", rand.Uint64()), nil
		},
		UpdateMetadata: func(_ context.Context, id, _ string, _ json.RawMessage) (json.RawMessage, error) {
			return json.Marshal(map[string]string{"user_id": id})
		},
	}
	restore := func(mask string) (string, bool) {
		value, ok := settings[strings.TrimSuffix(strings.TrimPrefix(mask, "~configuration."), "~")]
		return value, ok
	}
	began := time.Now()
	var work sync.WaitGroup
	for worker := range 4 {
		work.Go(func() {
			for i := worker; i < count; i += 4 {
				own := run
				own.User = json.RawMessage(fmt.Sprintf(`{"user_id":"auth0|%d","email":"user%d@example.com","identities":[{"access_token":"of-the-provider-%d"}]}`, i, i, i))
				out, err := h.Rules(t.Context(), own)
				if err != nil || out.Failure != nil {
					t.Errorf("login %d: %v %+v", i, err, out.Failure)
					return
				}
			}
		})
	}
	work.Wait()
	if t.Failed() {
		return
	}
	took := time.Since(began)
	began = time.Now()
	all := kept.take(t, count)
	for worker := range 4 {
		work.Go(func() {
			for i := worker; i < count; i += 4 {
				replay(t, h, all[i], restore)
			}
		})
	}
	work.Wait()
	if text, err := json.Marshal(all[0]); err == nil {
		noSecrets(t, text)
	}
	t.Logf("%d logins recorded in %v, replayed byte for byte in %v", count, took.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
}

// replay repeats a recording that has been written and read.
func replay(t *testing.T, h *Host, rec Recording, restore func(string) (string, bool)) {
	t.Helper()
	text, err := json.Marshal(rec)
	if err != nil {
		t.Error(err)
		return
	}
	var read Recording
	if err := json.Unmarshal(text, &read); err != nil {
		t.Error(err)
		return
	}
	again, err := h.Replay(t.Context(), &read, nil, restore)
	if err != nil {
		t.Error(err)
		return
	}
	if !read.Same(again) {
		a, _ := read.transcript()
		b, _ := again.transcript()
		t.Errorf("differs: %.1000v\n%.1000s\n%.1000s", read.Differences(again), a, b)
	}
}

// noSecrets looks for what must not be in a recording, also inside of bodies.
func noSecrets(t *testing.T, text []byte) {
	t.Helper()
	var rec Recording
	if err := json.Unmarshal(text, &rec); err != nil {
		t.Fatal(err)
	}
	for _, c := range rec.Calls {
		var body struct{ Body string }
		_ = json.Unmarshal(c.Params, &body)
		b, _ := base64.StdEncoding.DecodeString(body.Body)
		text = append(text, b...)
		_ = json.Unmarshal(c.Result, &body)
		b, _ = base64.StdEncoding.DecodeString(body.Body)
		text = append(text, b...)
	}
	for _, secret := range []string{"the key of the MAC", "sesame-of-the-api", "pa55word", "upstream-token", "very-secret", "of-the-provider", `.00000000`} {
		if at := strings.Index(string(text), secret); at >= 0 {
			t.Errorf("%q is in the recording: …%s…", secret, text[max(0, at-80):at+len(secret)])
		}
	}
	if !strings.Contains(string(text), "~configuration.TOKEN~") {
		t.Error("no mask is in the recording")
	}
}

func TestReplayWithOtherCode(t *testing.T) {
	var kept recordings
	h := newHost(t, Config{Workers: 1, Policy: kept.policy})
	if _, err := h.Rules(t.Context(), simple("t", `console.log('one'); context.idToken.a = 1; context.idToken.b = Math.random(); callback(null, user, context);`)); err != nil {
		t.Fatal(err)
	}
	rec := kept.take(t, 1)[0]
	changed := rule(`console.log('two'); context.idToken.a = 2; context.idToken.b = Math.random(); require('request')('http://new.example/x?key=1', function (e) { context.idToken.c = e.code; callback(null, user, context); });`)[0].Source
	again, err := h.Replay(t.Context(), &rec, map[string]string{"it": changed}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, d := range rec.Differences(again) {
		got[d.What] = d.Before + " > " + d.After
	}
	for what, want := range map[string]string{"id token: a": "1 > 2", "id token: c": ` > "ENOTRECORDED"`, "console line 1": "it log: one > it log: two"} {
		if got[what] != want {
			t.Errorf("%s: got %q, want %q", what, got[what], want)
		}
	}
	if _, ok := got["id token: b"]; ok {
		t.Error("the random numbers differ")
	}
	if _, err := h.Replay(t.Context(), &rec, map[string]string{"another": changed}, nil); err == nil {
		t.Error("a script that the run does not have was replaced")
	}
}

// TestReplayOfFailures: what is repeated fails as it did.
func TestReplayOfFailures(t *testing.T) {
	for _, runtime := range runtimes(t) {
		t.Run(runtime, func(t *testing.T) { replayFailures(t, runtime) })
	}
}

func replayFailures(t *testing.T, runtime string) {
	var kept recordings
	limits := Limits{Wall: 2 * time.Second, CPU: 400 * time.Millisecond, Memory: 16 << 20} // more than a busy machine takes for what is not to run out of it
	h := newHost(t, Config{Workers: 1, Runtime: always(runtime), Limits: limits, HTTP: http.DefaultClient, Policy: kept.policy})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(silent.Close)
	for _, body := range []string{
		`callback(new UnauthorizedError('No ' + Math.random()));`, `throw new Error('at ' + Date.now());`, `for (;;) {}`, `setTimeout(callback, 10000);`,
		`require('request')('` + silent.URL + `', callback);`, `var a = []; for (;;) a.push('x'.repeat(1 << 20) + a.length);`, `syntax error`,
		`setTimeout(function () { throw new Error('late ' + Date.now()); }, 20);`,
		`Promise.reject(new Error('left ' + Date.now())); setTimeout(callback, 1000, null, user, context);`,
		`setTimeout(function () { Promise.reject(new Error('later')); setTimeout(callback, 500, null, user, context); }, 20);`,
		`require('request')('` + silent.URL + `', callback); setTimeout(function () { Promise.reject(new Error('beside a call ' + Date.now())); }, 20);`,
		`var end = Date.now() + 50; while (Date.now() < end); callback(new Error(String(Date.now())));`,
	} {
		eventually(t, "there is a worker in time", func() bool { // a run for which there is none does not begin
			out, err := h.Rules(t.Context(), simple("t", body))
			if err != nil {
				t.Fatal(err)
			}
			return out.Failure == nil || out.Failure.Kind != KindBusy
		})
		t.Log(body)
		rec := kept.take(t, 1)[0]
		if !rec.Failed || rec.Failure() == nil {
			t.Errorf("%s: %+v", body, rec.Failure())
		}
		again, err := h.Replay(t.Context(), &rec, nil, nil)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if strings.HasPrefix(body, "var a = []") { // whether memory or time runs out first is the machine's doing
			for _, f := range []*Failure{rec.Failure(), again.Failure()} {
				if f == nil || f.Kind != KindMemory && f.Kind != KindTimeout {
					t.Errorf("%s: %+v", body, f)
				}
			}
			continue
		}
		if !rec.Same(again) {
			t.Errorf("%s: %+v", body, rec.Differences(again))
		}
	}
}

// TestRecordingsMaskKeysOfDuo: a secret key that a script hands over is in no recording, wherever the script has it from; the caller gets it.
func TestRecordingsMaskKeysOfDuo(t *testing.T) {
	key := strings.Repeat("k", 40)
	for _, runtime := range runtimes(t) {
		t.Run(runtime, func(t *testing.T) {
			var kept recordings
			h := newHost(t, Config{Workers: 1, Runtime: always(runtime), Policy: kept.policy})
			rules, err := h.Rules(t.Context(), Run{
				Tenant: "t", User: json.RawMessage(`{"user_id":"auth0|1"}`), Context: json.RawMessage(`{"idToken":{},"accessToken":{}}`),
				Rules: []Rule{{Name: "duo", Source: `function (user, context, callback) { context.multifactor = {provider: 'duo', skey: 'k'.repeat(40)}; callback(null, user, context); }`}},
			})
			if err != nil || !strings.Contains(string(rules.Context), key) {
				t.Fatal(err, rules)
			}
			out, err := h.Trigger(t.Context(), TriggerRun{
				Tenant: "t", Trigger: PostLogin, Event: json.RawMessage(`{"user":{"user_id":"auth0|1"}}`),
				Scripts: []Script{{Name: "duo", Source: `exports.onExecutePostLogin = async (event, api) => { api.multifactor.enable('duo', {providerOptions: {skey: 'k'.repeat(40)}}); };`}},
			})
			if err != nil || out.Effects.Factor == nil || out.Effects.Factor.Duo.SKey != key {
				t.Fatal(err, out)
			}
			for _, rec := range kept.take(t, 2) {
				if text, _ := json.Marshal(rec); strings.Contains(string(text), key) || !strings.Contains(string(text), "~masked.") {
					t.Errorf("recorded %s", text)
				}
			}
		})
	}
}
