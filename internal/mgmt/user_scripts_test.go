package mgmt

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/script"
)

// bind makes code the action of a trigger.
func (h *house) bind(t *script.Trigger, name, code string) {
	h.Helper()
	all := h.machine("acme")
	h.call(all, "POST", "/actions/actions", `{"name":"`+name+`","supported_triggers":[{"id":"`+t.ID+`"}],"deploy":true,"code":`+encode(code)+`}`).is(201, "")
	h.call(all, "PATCH", "/actions/triggers/"+t.ID+"/bindings", `{"bindings":[{"ref":{"type":"action_name","value":"`+name+`"}}]}`).is(200, "")
}

func TestUsersMeetScripts(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		h.bind(script.PreUserRegistration, "before", `exports.onExecutePreUserRegistration = async (event, api) => {
			api.user.setAppMetadata('seen', [event.user.email, typeof event.client, typeof event.transaction, event.request.ip, (event.request.user_agent || '').length].join());
			if (event.user.email.startsWith('bad')) api.access.deny('not him', 'Sorry'); };`)
		h.bind(script.PostUserRegistration, "after", `exports.onExecutePostUserRegistration = async (event) => { throw new Error('made ' + event.user.user_id); };`)
		h.bind(script.PostChangePassword, "password", `exports.onExecutePostChangePassword = async (event) => { throw new Error('changed ' + event.user.user_id); };`)
		h.call(all, "POST", "/users", `{"connection":"Users","email":"bad@x.test","password":"Correct-Horse-1"}`).fails(400, "auth0_idp_error", "Sandbox error")
		if got := h.call(all, "GET", "/users-by-email?email=bad@x.test", "").body; strings.TrimSpace(got) != "[]" {
			h.Errorf("made all the same: %s", got)
		}
		got := h.call(all, "POST", "/users", `{"connection":"Users","email":"good@x.test","password":"Correct-Horse-1","user_id":"good"}`).is(201, "")
		if got.text("app_metadata", "seen") != "good@x.test,undefined,undefined,192.0.2.1,0" {
			h.Errorf("made: %s", got.body)
		}
		got = h.send("acme", "POST", "/users", `{"connection":"Users","email":"long@x.test","password":"Correct-Horse-1","user_id":"long"}`, http.Header{"Authorization": {"Bearer " + all}, "User-Agent": {strings.Repeat("x", 5000)}}).is(201, "")
		if got.text("app_metadata", "seen") != "long@x.test,undefined,undefined,192.0.2.1,1024" {
			h.Errorf("made: %s", got.body)
		}
		h.bind(script.PreUserRegistration, "body", `exports.onExecutePreUserRegistration = async (event, api) => { api.user.setAppMetadata('body', JSON.stringify(event.request.body)); };`)
		h.bind(script.PostUserRegistration, "afterwards", `exports.onExecutePostUserRegistration = async (event) => { throw new Error('sent ' + event.request.body.email + event.request.body.password); };`)
		got = h.call(all, "POST", "/users", `{"connection":"Users","email":"Body@x.test","password":"Correct-Horse-1","user_metadata":{"n":12345678901234567890}}`).is(201, "")
		if body := got.text("app_metadata", "body"); strings.Contains(body, "Correct") || !strings.Contains(body, `"email":"Body@x.test"`) || !strings.Contains(body, `"user_metadata":{"n":`) {
			h.Errorf("the body: %s", body)
		}
		h.call(all, "PATCH", "/users/auth0%7Cgood", `{"password":"Correct-Horse-2"}`).is(200, "")
		h.call(all, "PATCH", "/users/auth0%7Cgood", `{"name":"x"}`).is(200, "")
		h.ok(h.api.Pipeline.Wait(context.Background()))
		text := strings.Join(h.logged("acme"), "\n")
		for _, want := range []string{"actions_execution_failed made auth0|good", "actions_execution_failed sent Body@x.testundefined", "actions_execution_failed changed auth0|good"} {
			if strings.Count(text, want) != 1 {
				h.Errorf("no %q in\n%s", want, text)
			}
		}
	})
}
