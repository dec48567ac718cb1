package script

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
)

// maskedSettings are the settings of maskedRule.
var maskedSettings = map[string]string{
	"API": "http://api.example", "API_KEY": "sesame-of-the-api", "PIN": "81734", "PLAN": "gold", "DEBUG": "true", "N": "1", "ODD": `ke"y (1)&é`,
	"LINES": "first line of the secret\nsecond line, also secret\n-----\n}",
}

// maskedRule puts secrets into all places from which they could be read, in forms that they can be recognized in, and prints objects that
// inspection breaks by their length.
const maskedRule = `async function (user, context, callback) {
	const b64 = text => Buffer.from(text).toString('base64'), {API, API_KEY, PIN, PLAN, DEBUG, N, ODD, LINES} = configuration;
	const get = (path, options) => fetch(API + path, options).then(r => r.json());
	const {access_token: t, id_token: jwt} = await get('/token', {method: 'POST', headers: {authorization: 'Basic ' + b64('svc:' + API_KEY)}, body: new URLSearchParams({key: API_KEY, odd: ODD})});
	const me = await get('/me?pin=' + PIN + '&odd=' + encodeURIComponent(ODD), {headers: {authorization: 'Bearer ' + t, 'x-pin': PIN}});
	await get('/hard', {headers: {authorization: 'Basic ' + b64('svc:' + ['hard', 'coded', 'one'].join('-')), 'x-api-key': 'another-' + 'hard-coded-one'}});
	await get('/form', {method: 'POST', body: new URLSearchParams({code: t, grant: 'x'}), headers: {authorization: 'Bearer ' + jwt}});
	console.log('calling', {headers: {Authorization: 'Bearer ' + auth0.accessToken}});
	console.log('got', {access_token: t, expires_in: 86400}, {id_token: jwt, token_type: 'Bearer'});
	console.log('Basic ' + b64('svc:' + API_KEY), b64('me:' + t), b64('svc:hard-coded-one'), API_KEY, [PIN], {PIN: Number(PIN)}, 'x' + PIN + '.');
	console.log({plan: PLAN, debug: DEBUG, n: N, member: user.plan, echo: me.echo, logins: 1});
	console.log(LINES.split('\n')[1], '|', {LINES}, JSON.stringify(ODD), ODD);
	context.idToken['https://t/plan'] = [PLAN, DEBUG, N, PIN];
	context.idToken['https://t/echo'] = [me.echo, t];
	callback(new UnauthorizedError('bad ' + API_KEY + ' ' + t));
}`

// maskedSecrets are what may be nowhere in a recording of it.
var maskedSecrets = []string{
	"sesame-of-the-api", base64.StdEncoding.EncodeToString([]byte("svc:sesame-of-the-api")), "opaque-upstream-token", base64.StdEncoding.EncodeToString([]byte("me:opaque-upstream-token-"))[:30],
	"81734\"", "81734&", "another-hard-coded-one\"", "ke%22y", "second line, also secret", ".0000000000000000", "key (1)",
}

// answers is the other side of maskedRule.
type answers struct{}

func (answers) RoundTrip(r *http.Request) (*http.Response, error) {
	body := map[string]string{
		"/token": `{"access_token":"opaque-upstream-token-` + strings.Repeat("y", 25) + `","id_token":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1cHN0cmVhbSJ9.` + strings.Repeat("0", 43) + `"}`,
		"/me":    `{"echo":"sesame-of-the-api","pin":"81734"}`, "/hard": `{}`, "/form": `{}`,
	}[r.URL.Path]
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func maskedRun(accessToken string) Run {
	return Run{
		Tenant: "t", Rules: []Rule{{ID: "rul_1", Name: "masked", Source: maskedRule}}, Configuration: maskedSettings,
		User: json.RawMessage(`{"user_id":"auth0|1","plan":"gold"}`), Context: json.RawMessage(`{"idToken":{},"accessToken":{}}`),
		AccessToken: func(context.Context) (string, error) { return accessToken, nil },
	}
}

func maskedSetting(mask string) (string, bool) {
	value, ok := maskedSettings[strings.TrimSuffix(strings.TrimPrefix(mask, "~configuration."), "~")]
	return value, ok
}

// TestRecordingsMaskAlike: no secret can be read in a recording, whatever form it has, and the run does the same again, byte for byte.
func TestRecordingsMaskAlike(t *testing.T) {
	for _, runtime := range runtimes(t) {
		for name, token := range map[string]string{"JWT": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJydWxlcyJ9." + strings.Repeat("0", 342), "opaque": "opaque-upstream-token-of-the-server"} {
			t.Run(runtime+" "+name, func(t *testing.T) {
				var kept recordings
				h := newHost(t, Config{Workers: 1, Runtime: always(runtime), HTTP: &http.Client{Transport: answers{}}, Policy: kept.policy})
				if out, err := h.Rules(t.Context(), maskedRun(token)); err != nil || out.Failure == nil || out.Failure.Kind != KindCallback {
					t.Fatal(err, out.Failure)
				}
				rec := kept.take(t, 1)[0]
				rec.Scripts[0].Source = "" // is kept as it is
				text := said(t, rec)
				for _, secret := range maskedSecrets {
					if at := strings.Index(text, secret); at >= 0 {
						t.Errorf("%s is in the recording: …%s…", secret, text[max(0, at-80):min(len(text), at+len(secret)+80)])
					}
				}
				for _, plain := range []string{`plan: 'gold'`, `debug: 'true'`, `logins: 1`, `x81734`, `-----`} {
					if !strings.Contains(text, plain) {
						t.Errorf("%s is not in the recording", plain)
					}
				}
				rec.Scripts[0].Source = maskedRule
				replay(t, h, rec, maskedSetting)
			})
		}
	}
}

// said is all that a recording says, with the bodies of calls as they are.
func said(t *testing.T, rec Recording) string {
	t.Helper()
	var text strings.Builder
	add := func(raw json.RawMessage) {
		rewriteJSON(raw, func(name, value string) string {
			text.WriteString(name + ": \"" + value + "\"\n")
			if body, err := base64.StdEncoding.DecodeString(value); err == nil && name == "body" {
				text.Write(append(body, '\n'))
			}
			return value
		})
	}
	for _, c := range rec.Calls {
		add(c.Params)
		add(c.Result)
	}
	for _, line := range rec.Console {
		text.WriteString(line.Text + "\n")
	}
	add(rec.Start)
	add(rec.Outcome)
	return text.String()
}

// TestReplayOfEarlierRecordings: what was recorded when masks were shorter, and knew less, does the same again.
func TestReplayOfEarlierRecordings(t *testing.T) {
	for _, runtime := range runtimes(t) {
		text, err := os.ReadFile("testdata/recording-before-" + runtime + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var rec Recording
		if err := json.Unmarshal(text, &rec); err != nil {
			t.Fatal(err)
		}
		replay(t, newHost(t, Config{Workers: 1, Runtime: always(runtime)}), rec, maskedSetting)
	}
}
