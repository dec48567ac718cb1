package mgmt

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store"
)

func TestHooks(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		const code = `function (user, context, callback) { callback(null, { user }); }`
		got := h.call(all, "POST", "/hooks", `{"name":"My Testing Hook!","script":"`+code+`","triggerId":"pre-user-registration"}`)
		id := got.text("id")
		if len(id) != 26 {
			h.Errorf("id %q", id)
		}
		hook := func(name, code string, enabled string) string {
			return `{"id":"` + id + `","name":"` + name + `","script":"` + code + `","dependencies":{},"triggerId":"pre-user-registration","enabled":` + enabled + `}`
		}
		got.is(201, hook("my-testing-hook", code, "false"))
		path := "/hooks/" + id
		h.call(all, "GET", path, "").is(200, hook("my-testing-hook", code, "false"))
		h.call(all, "GET", path+"?fields=id", "").is(200, `{"id":"`+id+`"}`)
		h.call(all, "GET", "/hooks?fields=id&include_fields=true&include_totals=true&per_page=50", "").is(200, `{"total":1,"start":0,"limit":50,"hooks":[{"id":"`+id+`"}]}`)
		const other = `module.exports = function (user, context, cb) { cb(); };`
		h.call(all, "PATCH", path, `{"script":"`+other+`","enabled":true}`).is(200, hook("my-testing-hook", other, "true"))
		h.call(all, "GET", "/hooks?enabled=true&triggerId=pre-user-registration", "").is(200, `[`+hook("my-testing-hook", other, "true")+`]`)
		h.call(all, "GET", "/hooks?enabled=false", "").is(200, `[]`)

		// Of two hooks of a trigger one is enabled.
		second := h.call(all, "POST", "/hooks", `{"name":"second","script":"`+other+`","triggerId":"pre-user-registration","enabled":true}`).is(201, "").text("id")
		h.call(all, "GET", path, "").is(200, hook("my-testing-hook", other, "false"))
		h.call(all, "PATCH", path, `{"enabled":true,"name":"Renamed Hook"}`).is(200, hook("renamed-hook", other, "true"))
		if h.call(all, "GET", "/hooks/"+second, "").get("enabled") != false {
			h.Error("two hooks are enabled")
		}

		// Secrets.
		secrets := path + "/secrets"
		h.call(all, "GET", secrets, "").is(200, `{}`)
		h.call(all, "POST", secrets, `{"SECRET1":"hush-hush-1","SECRET2":"hush-hush-2"}`).is(201, `{}`)
		h.call(all, "PATCH", secrets, `{"SECRET1":"hush-hush-3"}`).is(201, `{}`)
		h.call(all, "GET", secrets, "").is(200, `{"SECRET1":"_VALUE_NOT_SHOWN_","SECRET2":"_VALUE_NOT_SHOWN_"}`)
		stored, err := store.Hooks.Get(context.Background(), h.store("acme"), id)
		h.ok(err)
		if stored.Sealed != `{"SECRET1":"hush-hush-3","SECRET2":"hush-hush-2"}` {
			h.Errorf("sealed: %s", stored.Sealed)
		}
		h.call(all, "DELETE", secrets, `["SECRET2","unknown"]`).is(204, "")
		h.call(all, "GET", secrets, "").is(200, `{"SECRET1":"_VALUE_NOT_SHOWN_"}`)
		h.call(all, "POST", secrets, `{}`).fails(400, "invalid_body", "Payload validation error: 'Too few properties defined (0), minimum 1'.")
		h.call(all, "POST", secrets, `{"A":1}`).fails(400, "invalid_body", "Payload validation error: 'Expected type string but found type integer' on property A.")
		var many []string
		for i := range 20 {
			many = append(many, `"N`+itoa(i)+`":"v"`)
		}
		h.call(all, "POST", secrets, "{"+strings.Join(many, ",")+"}").fails(400, "invalid_body", "Payload validation error: 'Too many properties defined (21), maximum 20'.")
		h.call(all, "GET", secrets, "").is(200, `{"SECRET1":"_VALUE_NOT_SHOWN_"}`)
		if events := h.call(all, "GET", "/logs?per_page=100", "").body; strings.Contains(events, "hush-hush") || !strings.Contains(events, "SECRET1") {
			h.Errorf("log: %s", events)
		}

		h.call(all, "POST", "/hooks", `{"name":"second","script":"`+other+`","triggerId":"post-change-password"}`).fails(409, "hook_conflict", "A hook with the same name already exists")
		for body, message := range map[string]string{
			`{"name":"x","script":"x"}`:                                                                        `'Missing required property: triggerId'.`,
			`{"name":"x","script":"x","triggerId":"post-login"}`:                                               `'No enum match for: post-login' on property triggerId (Execution stage of this hook).`,
			`{"name":"-x","script":"x","triggerId":"post-change-password"}`:                                    `'String does not match pattern ^[^-\s]([^<>]*[^-\s])?$: -x' on property name (Name of this hook).`,
			`{"name":"x","script":"1","triggerId":"post-change-password","dependencies":{"left-pad":"1.0.0"}}`: `'Cannot find module 'left-pad@1.0.0': an operator can add it with "stagedoor modules add left-pad@1.0.0"' on property dependencies.`,
		} {
			h.call(all, "POST", "/hooks", body).fails(400, "invalid_body", "Payload validation error: "+message)
		}
		if got := h.call(all, "PATCH", path, `{"script":"function ("}`); got.code != 400 || !strings.Contains(got.body, "SyntaxError") {
			h.Errorf("broken: %s", got.body)
		}
		h.call(all, "PATCH", path, `{"triggerId":"post-change-password"}`).fails(400, "invalid_body", "Payload validation error: 'Additional properties not allowed: triggerId'.")
		h.call(all, "GET", path, "").is(200, hook("renamed-hook", other, "true"))
		h.call(all, "DELETE", path, "").is(204, "")
		gone := `{"statusCode":404,"error":"Not Found","message":"Error: Hook does not exist","errorCode":"HookDoesNotExist"}`
		for _, c := range [][3]string{{"GET", "", ""}, {"DELETE", "", ""}, {"PATCH", "", `{"enabled":true}`}, {"GET", "/secrets", ""}, {"POST", "/secrets", `{"a":"b"}`}, {"PATCH", "/secrets", `{"a":"b"}`}, {"DELETE", "/secrets", `["a"]`}} {
			h.call(all, c[0], path+c[1], c[2]).is(404, gone)
		}
	})
}

// TestTwoHooksAreNeverEnabled: whoever enables one of a trigger in the place of another leaves no moment in which both are.
func TestTwoHooksAreNeverEnabled(t *testing.T) {
	each(t, func(h *house) {
		bearer, st := h.machine("acme"), h.store("acme")
		var ids []string
		for _, name := range []string{"one", "two"} {
			ids = append(ids, h.call(bearer, "POST", "/hooks", `{"name":"`+name+`","triggerId":"post-change-password","script":"module.exports = (user, context, cb) => cb()"}`).is(201, "").text("id"))
		}
		ctx, stop := context.WithCancel(h.Context())
		var watching sync.WaitGroup
		watching.Go(func() {
			for ctx.Err() == nil {
				all, err := store.Hooks.All(h.Context(), st)
				if err != nil {
					h.Error(err)
					return
				}
				if len(all) == 2 && all[0].Enabled && all[1].Enabled {
					h.Error("both are enabled")
					return
				}
			}
		})
		for i := range 100 {
			h.call(bearer, "PATCH", "/hooks/"+ids[i%2], `{"enabled":true}`).is(200, "")
		}
		stop()
		watching.Wait()
	})
}
