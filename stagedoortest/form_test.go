package stagedoortest_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// TestFormOverTheManagementAPI makes a form and its flow as tools do, and fills it in, each step at another server where there are two. The flow
// changes the user by the tenant's own Management API, and may do there what its client was granted.
func TestFormOverTheManagementAPI(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t, kind)
			a := w.a
			other := a
			if kind == storetest.Postgres {
				other = a.at(stagedoortest.New(t, stagedoortest.Options{Beside: w.Server}))
			}
			grant := a.create("client-grants", map[string]any{"client_id": a.site, "audience": a.mgmt, "scope": []string{"read:users"}})
			vault := a.create("flows/vault/connections", map[string]any{"name": "API", "app_id": "AUTH0", "setup": map[string]any{
				"type": "OAUTH_APP", "client_id": a.site, "client_secret": a.secret, "domain": w.Domain,
			}})
			flow := a.create("flows", map[string]any{"name": "Keep", "actions": []any{
				map[string]any{"id": "get", "type": "AUTH0", "action": "GET_USER", "params": map[string]any{"connection_id": vault["id"], "user_id": "{{context.user.user_id}}"}},
				map[string]any{"id": "set", "type": "AUTH0", "action": "UPDATE_USER", "params": map[string]any{
					"connection_id": vault["id"], "user_id": "{{actions.get.user_id}}", "changes": map[string]any{"app_metadata": map[string]any{"company": "{{fields.company}}"}},
				}},
			}})
			form := a.create("forms", map[string]any{
				"name": "Company", "start": map[string]any{"next_node": "one"}, "ending": map[string]any{"resume_flow": true},
				"nodes": []any{
					map[string]any{"id": "one", "type": "STEP", "config": map[string]any{"next_node": "keep", "components": []any{
						map[string]any{"id": "company", "category": "FIELD", "type": "TEXT", "label": "Company", "required": true},
						map[string]any{"id": "n", "category": "BLOCK", "type": "NEXT_BUTTON", "config": map[string]any{"text": "Continue"}},
					}}},
					map[string]any{"id": "keep", "type": "FLOW", "config": map[string]any{"flow_id": flow["id"], "next_node": "$ending"}},
				},
			})
			action := a.create("actions/actions", map[string]any{
				"name": "Ask", "supported_triggers": []any{map[string]any{"id": "post-login", "version": "v3"}},
				"code": `exports.onExecutePostLogin = async (event, api) => api.prompt.render('` + form["id"].(string) + `');
					exports.onContinuePostLogin = async (event, api) => api.idToken.setCustomClaim('https://x.example/company', event.user.app_metadata.company + ' of ' + event.prompt.fields.company);`,
			})
			for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
				if a.api("POST", "/actions/actions/"+action["id"].(string)+"/deploy", nil, nil) < 300 {
					break
				} else if time.Now().After(deadline) {
					t.Fatal("the action cannot be deployed")
				}
			}
			a.want(200, a.api("PATCH", "/actions/triggers/post-login/bindings", map[string]any{"bindings": []any{map[string]any{"ref": map[string]any{"type": "action_id", "value": action["id"]}, "display_name": "Ask"}}}, nil))

			b := a.browser()
			to := b.signIn(b.begin(a.request())).Header.Get("Location")
			if !strings.HasPrefix(to, "/u/form?") {
				t.Fatalf("sent to %q", to)
			}
			press := func(who *browser, p *page) string {
				sent := who.post(p.action, p.fill("press", "next", "field-company", "Acme"))
				if sent.StatusCode != 303 {
					t.Fatalf("%d %s", sent.StatusCode, sent.body)
				}
				return sent.Header.Get("Location")
			}
			// The client may read users and no more: nothing changes, and the person stays.
			if to = press(b.at(other), b.show(to)); !strings.HasPrefix(to, "/u/form?") {
				t.Fatalf("sent to %q", to)
			}
			p := b.show(to)
			if p.StatusCode != 400 || !strings.Contains(p.body, "This did not work") {
				t.Fatalf("%d %s", p.StatusCode, p.body)
			}
			a.want(200, a.api("PATCH", "/client-grants/"+grant["id"].(string), map[string]any{"scope": []string{"read:users", "update:users"}}, nil))
			to = press(b, b.at(other).show(to))
			got := w.callback(b.at(other).get(to))
			claims := struct {
				Company string `json:"https://x.example/company"`
			}{}
			raw, err := base64.RawURLEncoding.DecodeString(strings.Split(a.redeem(got.Get("code")).ID, ".")[1])
			if err == nil {
				err = json.Unmarshal(raw, &claims)
			}
			if err != nil || claims.Company != "Acme of Acme" {
				t.Errorf("%v %+v", err, claims)
			}
			if kept := w.rows("SELECT sealed FROM pending_factors"); len(kept) != 0 {
				t.Errorf("%d answers are kept once the action had them", len(kept))
			}
			for _, secret := range []string{a.secret} {
				if strings.Contains(w.log.String(), secret) || strings.Contains(a.dump(), secret) {
					t.Error("the secret of the connection is in the log, or in the database as it is")
				}
			}
		})
	}
}
