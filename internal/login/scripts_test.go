package login_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// action makes code the only action of a trigger.
func (w *world) action(t *script.Trigger, code string) {
	w.Helper()
	id := w.deployed(t, code)
	_, err := w.st.SetActionBindings(w.Context(), t.ID, func([]stagedoor.ActionBinding, []stagedoor.Action) ([]stagedoor.ActionBinding, error) {
		return []stagedoor.ActionBinding{{Action: id}}, nil
	})
	w.ok(err)
}

// deployed puts an action in force, bound to nothing, and returns its id.
func (w *world) deployed(t *script.Trigger, code string) string {
	w.Helper()
	a := &stagedoor.Action{Name: stagedoor.NewUUID(), Status: stagedoor.ActionBuilt, Draft: stagedoor.ActionCode{Trigger: stagedoor.ActionTrigger{ID: t.ID, Version: t.Current()}, Code: code}}
	w.ok(w.st.CreateAction(w.Context(), a))
	_, _, err := w.st.DeployAction(w.Context(), a.ID, func(a *stagedoor.Action) (*stagedoor.ActionVersion, error) {
		return &stagedoor.ActionVersion{Body: a.Draft}, nil
	})
	w.ok(err)
	return a.ID
}

func (w *world) hook(t *script.Trigger, code string) {
	w.Helper()
	h := &stagedoor.Hook{Name: stagedoor.NewUUID(), Trigger: t.ID, Script: code, Sealed: `{"KEY":"of mine"}`}
	w.ok(store.Hooks.Create(w.Context(), w.st, h))
	w.ok(w.st.EnableHook(w.Context(), h))
}

// logged returns the tenant's log as text, once everything in the background is done.
func (w *world) logged() string {
	w.Helper()
	w.ok(w.pipe.Wait(w.Context()))
	all, _, err := w.st.Logs(w.Context(), store.LogQuery{PerPage: 1000})
	w.ok(err)
	b, err := json.Marshal(all)
	w.ok(err)
	return string(b)
}

func (w *world) logs(words ...string) {
	w.Helper()
	text := w.logged()
	for _, word := range words {
		if !strings.Contains(text, word) {
			w.Errorf("no %s in the log %s", word, text)
		}
	}
}

func TestSignupIsRefusedByScripts(t *testing.T) {
	each(t, func(w *world) {
		w.configure(func(s *stagedoor.TenantSettings) { s.Local.MaxMetadataBytes = 1000 })
		b := w.browser()
		body := `{"client_id":"app","connection":"Users","email":"New@example.com","password":"` + good + `","user_metadata":{"color":"red"}}`
		w.action(script.PreUserRegistration, `exports.onExecutePreUserRegistration = async (event, api) => {
			if (JSON.stringify(event).includes('Correct')) throw new Error('the password is there');
			api.access.deny('not ' + event.user.email + ' ' + event.client.client_id + ' ' + event.connection.name + ' ' + event.user.user_metadata.color, 'Please use your <work> address.');
		};`)
		const reason = "not new@example.com app Users red"
		refused := `"name":"InternalExtensibilityError","statusCode":400}` + "\n"
		b.json(signupPath, body).want(http.StatusBadRequest).is(strings.TrimSuffix(`{"code":"extensibility_error","description":"`+reason+`","friendly_message":"Please use your <work> address.","fromSandbox":true,"message":"`+reason+`",`+refused, "\n"))
		page := b.begin("screen_hint", "signup")
		b.submit(page, "email", "new@example.com", "password", good).want(http.StatusBadRequest).says("Please use your <work> address.")
		if w.found("new@example.com") != nil {
			w.Fatal("signed up all the same")
		}
		w.logs(`"type":"fs"`, "PreUserRegistrationError on pre-user-registration: "+reason)
		// A weak password is refused before any script is asked.
		b.json(signupPath, strings.Replace(body, good, "weak", 1)).want(http.StatusBadRequest)

		for code, want := range map[string]string{
			`throw new Error('broken')`:                       `{"code":"extensibility_error","description":"broken","fromSandbox":true,"message":"broken",` + refused,
			`for (;;) {}`:                                     `{"code":"extensibility_error","description":"Blocked event loop.","fromSandbox":true,"message":"Blocked event loop.",` + refused,
			`api.user.setAppMetadata('email', 'x')`:           `"message":"Payload validation error`,
			`api.user.setUserMetadata('x', 'x'.repeat(2000))`: `"message":"user_metadata would be larger than its limit."`,
		} {
			w.action(script.PreUserRegistration, `exports.onExecutePreUserRegistration = async (event, api) => {`+code+`};`)
			if r := b.json(signupPath, body).want(http.StatusBadRequest); !strings.Contains(r.body+"\n", want) {
				w.Errorf("%s: %s", code, r.body)
			}
		}
		b.submit(page, "email", "new@example.com", "password", good).want(http.StatusBadRequest).says("Something went wrong. Please try again.")
		if w.found("new@example.com") != nil {
			w.Fatal("signed up all the same")
		}
		w.logs("actions_execution_failed", "action_timeout")
	})
}

func TestSignupRunsScripts(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		body := `{"client_id":"app","connection":"Users","email":"New@example.com","password":"` + good + `","user_metadata":{"color":"red"}}`
		w.hook(script.PreUserRegistration, `module.exports = function (user, context, cb) {
			cb(null, {user: {app_metadata: {hook: [user.tenant, user.email, user.emailVerified, user.password.length, context.connection.name, context.webtask.secrets.KEY].join()}}}); };`)
		w.action(script.PreUserRegistration, `exports.onExecutePreUserRegistration = async (event, api) => {
			console.log('action registers ' + event.user.email);
			api.user.setAppMetadata('action', event.user.app_metadata.hook.length); api.user.setUserMetadata('color', 'blue'); };`)
		w.hook(script.PostUserRegistration, `module.exports = function (user, context, cb) { cb(new Error('hook saw ' + user.id.length + user.email + user.password)); };`)
		w.action(script.PostUserRegistration, `exports.onExecutePostUserRegistration = async (event) => { throw new Error('action saw ' + event.user.user_id.slice(0, 6) + event.user.user_metadata.color + event.request.ip); };`)
		b.json(signupPath, body).want(http.StatusOK)
		u := w.found("new@example.com")
		if string(u.AppMetadata["hook"]) != `"acme,new@example.com,false,15,Users,of mine"` || string(u.AppMetadata["action"]) != "43" || string(u.UserMetadata["color"]) != `"blue"` {
			w.Errorf("signed up as %s %s", u.AppMetadata, u.UserMetadata)
		}
		w.logs(`"type":"ss"`, "action registers new@example.com", `"actions":{"executions":["`, `"type":"fpurh"`, "hook saw 24new@example.comundefined", `"type":"actions_execution_failed"`, "action saw auth0|blue")

		// On the hosted page too; a hook refuses with a text for people.
		w.hook(script.PreUserRegistration, `module.exports = function (user, context, cb) { console.log('refusing ' + user.email); cb(new PreUserRegistrationError('log ' + context.renderLanguage, 'Not ' + user.email)); };`)
		b.submit(b.begin("screen_hint", "signup"), "email", "page@example.com", "password", good).want(http.StatusBadRequest).says("Not page@example.com")
		w.logs("PreUserRegistrationError on pre-user-registration: log en", "refusing page@example.com")
	})
}

// TestSignupShowsItsLogin: scripts see what the login asks for that a sign-up is part of; a sign-up of its own is part of none.
func TestSignupShowsItsLogin(t *testing.T) {
	each(t, func(w *world) {
		w.action(script.PreUserRegistration, `exports.onExecutePreUserRegistration = async (event, api) => {
			const t = event.transaction;
			if (t) console.log('before: ' + [t.protocol, t.redirect_uri, t.locale, t.state, t.requested_scopes.includes('openid'), t.acr_values.length, t.ui_locales].join());
			else api.access.deny('no login');
		};`)
		w.action(script.PostUserRegistration, `exports.onExecutePostUserRegistration = async (event) => { throw new Error('after: ' + event.transaction.redirect_uri); };`)
		b := w.browser()
		b.submit(b.begin("screen_hint", "signup", "ui_locales", "de en"), "email", "new@example.com", "password", good).want(http.StatusSeeOther)
		w.logs("before: oidc-basic-profile,https://app.example/callback,en,", ",true,0,de,en", "after: https://app.example/callback")
		b.json(signupPath, `{"client_id":"app","connection":"Users","email":"own@example.com","password":"`+good+`"}`).want(http.StatusBadRequest).says("no login")
	})
}

// TestSignupShowsItsVisitor: scripts see what the person was before, where the client brings it along, and keep what they want of it.
func TestSignupShowsItsVisitor(t *testing.T) {
	each(t, func(w *world) {
		w.action(script.PreUserRegistration, `exports.onExecutePreUserRegistration = async (event, api) => {
			if (!event.anonymous_session) api.access.deny('no visitor');
			else api.user.setAppMetadata('visitor', [event.anonymous_session.user_id, event.anonymous_session.metadata.cart].join());
		};`)
		_, err := w.st.UpdateClient(w.Context(), "app", func(c *stagedoor.Client) error {
			c.Stored = map[string]json.RawMessage{"anonymous_sessions": json.RawMessage(`{"active":true}`)}
			return nil
		})
		w.ok(err)
		v := stagedoor.NewAnonymousSession(w.st.Clock().Now(), time.Hour, json.RawMessage(`{"cart":"c1"}`))
		ticket, err := w.st.AnonymousTicket(&stagedoor.AnonymousTicket{ID: "t", Session: *v, ClientID: "app", ExpiresAt: w.st.Clock().Now().Add(time.Minute)})
		w.ok(err)
		b := w.browser()
		b.submit(b.begin("screen_hint", "signup", "anon_transfer_token", ticket), "email", "new@example.com", "password", good).want(http.StatusSeeOther)
		if got := string(w.found("new@example.com").AppMetadata["visitor"]); got != `"`+v.Subject+`,c1"` {
			w.Errorf("signed up as %s", got)
		}
		other := w.browser()
		other.submit(other.begin("screen_hint", "signup", "anon_transfer_token", ticket), "email", "two@example.com", "password", good).want(http.StatusBadRequest)
		w.logs("no visitor")
	})
}

// TestSignupShowsItsBody: scripts see what was sent, with what the tenant's own fields of the page hold, and no password.
func TestSignupShowsItsBody(t *testing.T) {
	each(t, func(w *world) {
		w.action(script.PreUserRegistration, `exports.onExecutePreUserRegistration = async (event, api) => {
			const body = event.request.body;
			if (JSON.stringify(body).includes('Correct')) throw new Error('the password is there');
			api.access.deny(JSON.stringify(Object.keys(body).sort().map(name => [name, body[name]])));
		};`)
		b := w.browser()
		r := b.json(signupPath, `{"client_id":"app","connection":"Users","email":"New@example.com","password":"`+good+`","user_metadata":{"color":"red"},"terms":true}`).want(http.StatusBadRequest)
		r.says(`[[\"client_id\",\"app\"],[\"connection\",\"Users\"],[\"email\",\"New@example.com\"],[\"terms\",true],[\"user_metadata\",{\"color\":\"red\"}]]`)
		b.submit(b.begin("screen_hint", "signup"), "email", "new@example.com", "password", good, "ulp-terms", "yes", "other", "x").want(http.StatusBadRequest)
		w.logs(`[[\"email\",\"new@example.com\"],[\"ulp-terms\",\"yes\"]]`)
	})
}

func TestNewPasswordRunsScripts(t *testing.T) {
	each(t, func(w *world) {
		w.hook(script.PostChangePassword, `module.exports = function (user, context, cb) { cb(new Error('hook saw ' + user.email + context.connection.name + typeof user.last_password_reset + user.password)); };`)
		w.action(script.PostChangePassword, `exports.onExecutePostChangePassword = async (event) => { throw new Error('action saw ' + event.user.email + event.connection.name + typeof event.user.last_password_reset); };`)
		b := w.browser()
		page := b.get(b.forget())
		b.submit(page, "password", "Another-Horse-2").want(http.StatusOK)
		if !w.signsIn("Another-Horse-2") {
			w.Error("the password was not changed")
		}
		w.logs(`"type":"scp"`, `"type":"fcph"`, "hook saw ada@example.comUsersstringundefined", `"type":"actions_execution_failed"`, "action saw ada@example.comUsersstring")
	})
}

// What nobody waits for holds nobody up, whatever it does.
func TestScriptsAfterwardsHoldNobodyUp(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.action(script.PostUserRegistration, `exports.onExecutePostUserRegistration = async () => { for (;;) {} };`)
	b := w.browser()
	b.json(signupPath, `{"client_id":"app","connection":"Users","email":"new@example.com","password":"`+good+`"}`).want(http.StatusOK)
	if b.finish(b.submit(b.begin(), "username", "new@example.com", "password", good)).Get("code") == "" {
		t.Error("no login meanwhile")
	}
	w.logs(`"error_class":"action_timeout"`)
}
