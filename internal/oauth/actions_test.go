package oauth

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
)

// action deploys code and binds it to a trigger, behind what is bound there.
func (w *world) action(t *script.Trigger, name, code string, secrets ...string) string {
	w.Helper()
	ctx := context.Background()
	values := map[string]string{}
	for i := 0; i+1 < len(secrets); i += 2 {
		values[secrets[i]] = secrets[i+1]
	}
	a := &stagedoor.Action{
		Name: name, Sealed: stagedoor.SealSecrets(values), Status: stagedoor.ActionBuilt,
		Draft: stagedoor.ActionCode{Trigger: stagedoor.ActionTrigger{ID: t.ID, Version: t.Current()}, Code: code},
	}
	ok(w, w.st.CreateAction(ctx, a))
	_, _, err := w.st.DeployAction(ctx, a.ID, func(a *stagedoor.Action) (*stagedoor.ActionVersion, error) {
		return &stagedoor.ActionVersion{Body: a.Draft, Sealed: a.Sealed}, nil
	})
	ok(w, err)
	_, err = w.st.SetActionBindings(ctx, t.ID, func(old []stagedoor.ActionBinding, _ []stagedoor.Action) ([]stagedoor.ActionBinding, error) {
		return append(old, stagedoor.ActionBinding{Action: a.ID, DisplayName: name}), nil
	})
	ok(w, err)
	return a.ID
}

// postLogin is an action of one handler body.
func (w *world) postLogin(body string, secrets ...string) {
	w.Helper()
	all, err := w.st.Actions(context.Background())
	ok(w, err)
	w.action(script.PostLogin, fmt.Sprint("action ", len(all)+1), "exports.onExecutePostLogin = async (event, api) => {"+body+"};", secrets...)
}

func (w *world) noActions() {
	w.Helper()
	all, err := w.st.Actions(context.Background())
	ok(w, err)
	for _, a := range all {
		ok(w, w.st.DeleteAction(context.Background(), a.ID, true))
	}
}

func (w *world) hook(trigger, code string, secrets string) {
	w.Helper()
	ok(w, store.Hooks.Create(context.Background(), w.st, &stagedoor.Hook{Name: trigger, Trigger: trigger, Enabled: true, Script: code, Sealed: secrets}))
}

func TestActionClaims(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.rule(`function (user, context, callback) { context.idToken['https://mixtape.test/a'] = 'rule'; context.idToken['https://mixtape.test/b'] = 'rule'; context.accessToken['https://mixtape.test/c'] = 'rule'; callback(null, user, context); }`)
		w.postLogin(`
			api.idToken.setCustomClaim('https://mixtape.test/b', 'action');
			api.accessToken.setCustomClaim('https://mixtape.test/d', event.secrets.KEY);
			['sub', 'iss', 'aud', 'exp', 'roles', 'gty', 'https://auth0.com/x', 'urn:auth0:x', '__proto__'].forEach(n => { api.idToken.setCustomClaim(n, 'evil'); api.accessToken.setCustomClaim(n, 'evil'); });
			api.accessToken.removeScope('read:songs'); api.accessToken.addScope('edit:songs'); api.accessToken.addScope('bad scope'); api.accessToken.addScope('edit:songs');`, "KEY", "s3cret")
		b := w.browser()
		a := w.redeem(site, b.login(request(site, "audience", apiAudience, "scope", "openid email read:songs offline_access")).got().Get("code")).good()
		id, access := w.claims(a.IDToken), w.claims(a.AccessToken)
		has(t, "the ID token", id, "aud email email_verified exp https://mixtape.test/a https://mixtape.test/b iat iss sid sub")
		has(t, "the access token", access, "aud azp exp https://mixtape.test/c https://mixtape.test/d iat iss scope sub")
		same(t, "values", []any{id["https://mixtape.test/a"], id["https://mixtape.test/b"], access["https://mixtape.test/c"], access["https://mixtape.test/d"], id["sub"], access["scope"]},
			[]any{"rule", "action", "rule", "s3cret", ada, "openid email offline_access edit:songs"})
		// The exchange of a refresh token runs them too.
		r := w.refresh(site, a.RefreshToken).good()
		same(t, "refreshed", w.claims(r.AccessToken)["https://mixtape.test/d"], "s3cret")
	})
}

func TestActionsRunInTheOrderOfTheirBindings(t *testing.T) {
	w := newWorld(t)
	w.rule(`function (user, context, callback) { console.log('rule'); callback(null, user, context); }`)
	w.postLogin(`console.log('one', event.user.app_metadata.seen); api.user.setAppMetadata('seen', 1); api.user.setUserMetadata('theme', 'dark'); api.user.setUserMetadata('displayName', null)`)
	w.postLogin(`console.log('two', event.user.app_metadata.seen, JSON.stringify(event.user.user_metadata)); api.user.setAppMetadata('seen', 2)`)
	w.browser().login(request(site)).got()
	e := w.events()
	text, _ := json.Marshal(e[len(e)-1].Details["console"])
	same(t, "console", string(text), `[{"level":"log","rule":"rule 1","text":"rule"},{"action":"action 1","level":"log","text":"one undefined"},{"action":"action 2","level":"log","text":"two 1 {\"theme\":\"dark\"}"}]`)
	u := w.user(ada)
	same(t, "user_metadata", u.UserMetadata, map[string]any{"theme": "dark"})
	same(t, "app_metadata", u.AppMetadata, map[string]any{"plan": "gold", "roles": []string{"editor"}, "seen": 2})

	// The run has a record, which the login's event names.
	details, _ := json.Marshal(e[len(e)-1].Details["actions"])
	var named struct{ Executions []string }
	ok(t, json.Unmarshal(details, &named))
	if len(named.Executions) != 1 {
		t.Fatalf("executions: %s", details)
	}
	x, err := w.st.ActionExecution(t.Context(), named.Executions[0])
	ok(t, err)
	if x.Trigger != "post-login" || x.Status != "final" || len(x.Results) != 2 || x.Results[1].Name != "action 2" || x.Results[1].Error != nil {
		t.Errorf("record: %+v", x)
	}
}

func TestActionRefuses(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ body, text, failed string }{
		{`api.access.deny('Members & <friends> only'); api.user.setUserMetadata('kept', 1)`, "Members & <friends> only", ""},
		{`api.validation.error('too_young', 'Come back later')`, "Come back later", ""},
		{`throw new Error('thrown')`, "thrown", "action_error"},
		{`throw 'just text'`, "just text", "action_error"},
		{`for (;;) {}`, "Blocked event loop.", "action_timeout"},
		{`await new Promise(() => {})`, "Request to Webtask exceeded allowed execution time", "action_timeout"},
		{`api.redirect.sendUserTo('javascript:1')`, "api.redirect.sendUserTo needs an http or https URL", "action_error"},
		{`api.idToken.setCustomClaim('https://a.test/big', 'x'.repeat(103000))`, "Custom claims exceed the limit of 102400 bytes.", ""},
		{`api.user.setAppMetadata('a.b', 1)`, `Payload validation error: 'Invalid key "a.b": keys must not contain . or $' on property app_metadata.`, ""},
	} {
		w.noActions()
		w.postLogin("console.log('seen'); " + c.body)
		w.postLogin("console.log('never')")
		if !strings.Contains(c.body, "big") && !strings.Contains(c.body, "a.b") {
			w.postLogin("throw new Error('nor this')")
		}
		w.events()
		b := w.browser()
		b.login(request(spa)).fails("access_denied", c.text)
		text, _ := json.Marshal(w.events())
		if !strings.Contains(string(text), `"type":"f"`) || !strings.Contains(string(text), "seen") || strings.Contains(string(text), "nor this") {
			t.Errorf("%s: %s", c.body, text)
		}
		if c.failed != "" && (!strings.Contains(string(text), "actions_execution_failed") || !strings.Contains(string(text), `"error_class":"`+c.failed+`"`) || !strings.Contains(string(text), `"action_name":"action 1"`)) {
			t.Errorf("%s: %s", c.body, text)
		}
	}
	same(t, "metadata of a denied login", w.user(ada).UserMetadata, map[string]any{"displayName": "Countess", "kept": 1})
}

// At the token endpoint a denial is a 500, whatever one may think of it: that is the wire.
func TestActionRefusesARefresh(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		login := func() string {
			w.noActions()
			return w.redeem(site, w.browser().login(request(site, "scope", "openid offline_access")).got().Get("code")).good().RefreshToken
		}
		refreshed := func(body string, status int, code, text string) string {
			t.Helper()
			token := login()
			w.postLogin(body)
			a := w.refresh(site, token)
			var got struct {
				Code string `json:"error"`
				Text string `json:"error_description"`
			}
			ok(t, json.Unmarshal(a.Body.Bytes(), &got))
			if a.Code != status || got.Code != code || got.Text != text {
				t.Errorf("%s: %d %s", body, a.Code, a.Body)
			}
			w.noActions()
			return token
		}
		token := refreshed(`api.access.deny('Not today')`, 500, "access_denied", "Not today")
		w.refresh(site, token).good() // it stays good
		refreshed(`throw new Error('broken')`, 500, "access_denied", "broken")
		token = refreshed(`console.log(event.refresh_token.client_id, event.transaction.protocol); api.refreshToken.revoke('stolen')`, 403, "access_denied", "stolen")
		if a := w.refresh(site, token); a.Code != 403 || !strings.Contains(a.Body.String(), "Unknown or invalid refresh token.") {
			t.Errorf("after revocation: %d %s", a.Code, a.Body)
		}
		text, _ := json.Marshal(w.events())
		if !strings.Contains(string(text), `"type":"srrt"`) {
			t.Errorf("log: %s", text)
		}
		token = refreshed(`api.session.revoke('over')`, 500, "access_denied", "over")
		if a := w.refresh(site, token); a.Code != 403 {
			t.Errorf("after the session's revocation: %d %s", a.Code, a.Body)
		}
		token = refreshed(`api.session.revoke('over', {preserveRefreshTokens: true})`, 500, "access_denied", "over")
		w.refresh(site, token).good()
	})
}

func TestActionEndsASession(t *testing.T) {
	w := newWorld(t)
	w.postLogin(`api.session.revoke('over')`)
	b := w.browser()
	b.login(request(spa)).fails("access_denied", "over")
	w.noActions()
	b.authorize(request(spa, "prompt", "none")).fails("login_required", "Login required")
}

// What an action sees, and what it never sees.
func TestActionEvent(t *testing.T) {
	w := newWorld(t)
	w.rule(`function (user, context, callback) { callback(null, user, context); }`)
	rules, err := w.st.Rules(t.Context())
	ok(t, err)
	w.postLogin(`event.ran = api.rules.wasExecuted('`+rules[0].ID+`') + ' ' + api.rules.wasExecuted('rul_other'); console.log(Buffer.from(JSON.stringify(event)).toString('hex'))`, "KEY", "of mine") // without masks
	seen := func() (map[string]any, string) {
		t.Helper()
		e := w.events()
		line, err := hex.DecodeString(e[len(e)-1].Details["console"].([]any)[0].(map[string]any)["text"].(string))
		ok(t, err)
		var v map[string]any
		ok(t, json.Unmarshal(line, &v))
		return v, string(line)
	}
	dig := func(v any, path string) any {
		for _, name := range strings.Split(path, ".") {
			m, _ := v.(map[string]any)
			v = m[name]
		}
		return v
	}
	b := w.browser()
	a := b.login(request(site, "scope", "openid offline_access", "login_hint", "x", "ext-party", "1", "client_secret", "hush-hush", "password", "hush-hush", "ui_locales", "de en", "audience", apiAudience))
	v, text := seen()
	for path, want := range map[string]any{
		"tenant.id": "acme", "client.client_id": site, "client.name": "Regular web", "connection.name": "Users", "connection.strategy": "auth0", "stats.logins_count": 1,
		"request.ip": "192.0.2.7", "request.hostname": "acme.test", "request.method": "GET", "request.user_agent": "test browser", "request.query.ext-party": "1",
		"user.user_id": ada, "user.email": adaMail, "user.app_metadata.plan": "gold", "user.plan": nil, "user.logins_count": nil, "user.last_ip": nil, "secrets.KEY": "of mine",
		"transaction.protocol": "oidc-basic-profile", "transaction.redirect_uri": callback, "transaction.requested_scopes": []string{"openid", "offline_access"},
		"transaction.response_type": []string{"code"}, "transaction.login_hint": "x", "transaction.state": "st+a/te=", "transaction.ui_locales": []string{"de", "en"},
		"transaction.metadata": map[string]any{}, "resource_server.identifier": apiAudience, "session.user_id": ada, "session.cookie.mode": "persistent",
		"authorization.roles": []string{}, "ran": "true false", "organization": nil, "refresh_token": nil, "configuration": map[string]any{},
		"transaction.locale": "en", "transaction.acr_values": []string{}, "request.language": "en", "custom_domain": nil, "client.metadata": map[string]any{},
	} {
		same(t, path, dig(v, path), want)
	}
	methods, _ := dig(v, "authentication.methods").([]any)
	if len(methods) != 1 || dig(methods[0], "name") != "pwd" || dig(methods[0], "timestamp") != "2026-03-01T12:00:00.000Z" {
		t.Errorf("methods: %v", methods)
	}
	for _, cookie := range b.cookies {
		text = strings.ReplaceAll(text, cookie.Value, "SECRET")
	}
	for _, word := range []string{adaWord, "hush-hush", "$argon2", "SECRET", secret(site)} {
		if strings.Contains(text, word) {
			t.Errorf("an action sees %s", word)
		}
	}
	tokens := w.redeem(site, a.got().Get("code")).good()
	w.refresh(site, tokens.RefreshToken, "ext-x", "1").good()
	v, text = seen()
	for path, want := range map[string]any{
		"transaction.protocol": "oauth2-refresh-token", "request.method": "POST", "request.body.ext-x": "1", "refresh_token.client_id": site, "refresh_token.user_id": ada,
		"session.user_id": ada, "request.body.client_secret": nil, "refresh_token.device.initial_ip": "192.0.2.7", "request.language": "en",
	} {
		same(t, path, dig(v, path), want)
	}
	if strings.Contains(text, tokens.RefreshToken) || strings.Contains(text, secret(site)) {
		t.Error("an action sees a secret of a token request")
	}
}

func TestActionModulesAreRequired(t *testing.T) {
	w := newWorld(t)
	m := &stagedoor.ActionModule{Name: "plans", Code: "exports.plan = () => actions.secrets.PLAN;", Sealed: `{"PLAN":"gold"}`}
	ok(t, store.ActionModules.Create(t.Context(), w.st, m))
	_, v, err := w.st.PublishActionModule(t.Context(), m.ID)
	ok(t, err)
	id := w.action(script.PostLogin, "uses", "exports.onExecutePostLogin = async (event, api) => api.idToken.setCustomClaim('https://a.test/plan', require('actions:plans').plan());")
	_, _, err = w.st.DeployAction(t.Context(), id, func(a *stagedoor.Action) (*stagedoor.ActionVersion, error) {
		a.Draft.Modules = []stagedoor.ActionModuleUse{{ModuleID: m.ID, ModuleName: "plans", VersionID: v.ID, VersionNumber: 1}}
		return &stagedoor.ActionVersion{Body: a.Draft}, nil
	})
	ok(t, err)
	a := w.redeem(site, w.browser().login(request(site)).got().Get("code")).good()
	same(t, "claim", w.claims(a.IDToken)["https://a.test/plan"], "gold")
}

// TestActionsSeeTheDomain: actions of every trigger know under which domain of the tenant's own they were called.
func TestActionsSeeTheDomain(t *testing.T) {
	w := newWorld(t)
	ok(t, w.st.SetDomains(t.Context(), []string{"acme.test", "id.acme.test"}))
	ok(t, store.CustomDomains.Create(t.Context(), w.st, &stagedoor.CustomDomain{Domain: "id.acme.test", Status: stagedoor.DomainReady, Metadata: map[string]string{"brand": "two"}}))
	w.action(script.CredentialsExchange, "m2m", `exports.onExecuteCredentialsExchange = async (event, api) => { api.accessToken.setCustomClaim('https://a.test/domain', event.custom_domain); };`)
	own := map[string]any{"domain": "id.acme.test", "domain_metadata": map[string]any{"brand": "two"}}
	for host, want := range map[string]any{"acme.test": nil, "id.acme.test": own} {
		w.host = host
		same(t, host, w.claims(w.token(values(machineForm("audience", apiAudience)...)).good().AccessToken)["https://a.test/domain"], want)
	}
}

func TestCredentialsExchange(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.client(machine, func(c *stagedoor.Client) { c.Metadata = map[string]string{"team": "blue"} })
		ask := func(more ...string) *tokenAnswer {
			return w.token(values(append([]string{"grant_type", "client_credentials", "client_id", machine, "client_secret", secret(machine), "audience", apiAudience}, more...)...))
		}
		w.hook("credentials-exchange", `module.exports = function (client, scope, audience, context, cb) {
			console.log('hook', JSON.stringify([client, scope, audience, context.webtask.secrets]));
			var access_token = {scope: scope.concat('hooked')}; access_token['https://a.test/hook'] = client.metadata.team; access_token.plain = 1; cb(null, access_token); };`, `{"K":"v"}`)
		w.action(script.CredentialsExchange, "m2m", `exports.onExecuteCredentialsExchange = async (event, api) => {
			api.accessToken.setCustomClaim('https://a.test/action', event.accessToken.scope.join() + Object.keys(event.accessToken.customClaims).join() + event.client.metadata.team);
			api.accessToken.setCustomClaim('sub', 'evil');
			api.transaction.removeTargetScope('edit:songs');
			if (event.request.body.deny) api.access.deny(event.request.body.deny, 'Denied by action');
			if (event.request.body.fail) throw new Error('broken'); };`)
		a := ask("scope", "read:songs edit:songs").good()
		c := w.claims(a.AccessToken)
		same(t, "token", []any{a.Scope, c["scope"], c["sub"], c["https://a.test/hook"], c["https://a.test/action"], c["plain"]},
			[]any{"read:songs hooked", "read:songs hooked", machine + "@clients", "blue", "read:songs,edit:songs,hookedhttps://a.test/hookblue", nil})
		text, _ := json.Marshal(w.events())
		if !strings.Contains(string(text), `"type":"seccft"`) || !strings.Contains(string(text), `executions`) {
			t.Errorf("log: %s", text)
		}
		for _, c := range []struct {
			pair   [2]string
			status int
			code   string
			text   string
		}{
			{[2]string{"deny", "invalid_scope"}, 400, "invalid_scope", "Denied by action"},
			{[2]string{"deny", "invalid_request"}, 400, "invalid_request", "Denied by action"},
			{[2]string{"deny", "server_error"}, 500, "server_error", "Denied by action"},
			{[2]string{"fail", "1"}, 500, "server_error", "broken"},
		} {
			a := ask(c.pair[:]...)
			same(t, c.pair[1], []any{a.Code, a.Body.String()}, []any{c.status, `{"error":"` + c.code + `","error_description":"` + c.text + `"}`})
		}
		w.noActions()
		hooks, err := store.Hooks.All(t.Context(), w.st)
		ok(t, err)
		for _, c := range []struct {
			code   string
			status int
			body   string
		}{
			{`cb(new InvalidScopeError('no such scope'))`, 400, `{"error":"invalid_scope","error_description":"no such scope"}`},
			{`cb(new InvalidRequestError('bad'))`, 400, `{"error":"invalid_request","error_description":"bad"}`},
			{`cb(new ServerError('down'))`, 500, `{"error":"server_error","error_description":"down"}`},
			{`cb(new Error('plain'))`, 500, `{"error":"server_error","error_description":"plain"}`},
			{`for (;;) {}`, 500, `{"error":"server_error","error_description":"Blocked event loop."}`},
		} {
			_, err := store.Hooks.Update(t.Context(), w.st, hooks[0].ID, func(h *stagedoor.Hook) error {
				h.Script = "module.exports = function (client, scope, audience, context, cb) {" + c.code + "};"
				return nil
			})
			ok(t, err)
			a := ask()
			same(t, c.code, []any{a.Code, a.Body.String()}, []any{c.status, c.body})
		}
	})
}
