package login_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/script"
)

// TestMailsThroughAnAction: all mails of a tenant whose provider is its own code go through the action; it can drop one, have it tried again,
// and fail.
func TestMailsThroughAnAction(t *testing.T) {
	each(t, func(w *world) {
		w.pipe.RetryAfter = time.Microsecond
		w.configure(func(s *stagedoor.TenantSettings) {
			s.Local.DevelopmentInbox, s.FriendlyName, s.SupportEmail = false, "Acme", "help@acme.test"
		})
		w.setting(stagedoor.SettingEmailProvider, `{"name":"custom","enabled":true,"default_from_address":"Acme <hi@acme.example>","credentials":{}}`)
		ask := func() {
			w.Helper()
			w.browser().json("/dbconnections/change_password", `{"client_id":"app","connection":"Users","email":"ada@example.com"}`).want(http.StatusOK)
			w.ok(w.door.Wait(w.Context()))
		}
		// Nothing is bound: the usual way, which has nowhere to go here.
		ask()
		if !strings.Contains(w.log.String(), "a mail was not sent") {
			w.Errorf("log %s", w.log.String())
		}
		w.action(script.CustomEmailProvider, `exports.onExecuteCustomEmailProvider = async (event, api) => {
			const n = event.notification;
			throw new Error([n.from, n.to, n.subject.length > 3, /ticket=/.test(n.text), n.html.length > 100, n.locale, n.message_type, event.user.user_id === undefined, event.user.email,
				event.client.client_id, event.tenant.id, event.tenant.friendly_name, event.tenant.support_email].join());
		};`)
		ask()
		w.logs(`"type":"actions_execution_failed"`, `hi@acme.example`, `ada@example.com,true,true,true,en,reset_email,false,ada@example.com,app,acme,Acme,help@acme.test`, `"type":"fn"`, "A mail could not be sent.", `"email_type":"reset_email"`, `"notification_type":"email"`, `"to":"ada@example.com"`)

		w.action(script.CustomEmailProvider, `exports.onExecuteCustomEmailProvider = async (event, api) => { api.notification.retry('busy'); api.notification.drop('not wanted'); };`)
		ask()
		w.logs("The message reset_email was dropped: not wanted")

		// It is tried again five times, and no more; a later call takes back an earlier one.
		w.action(script.CustomEmailProvider, `exports.onExecuteCustomEmailProvider = async (event, api) => {
			const n = Number((api.cache.get('n') || {value: '0'}).value) + 1;
			api.cache.set('n', String(n)); api.notification.drop('no'); api.notification.retry('try ' + n);
		};`)
		ask()
		w.logs(`"type":"fn"`, `"email_type":"`)
		if got := w.log.String(); !strings.Contains(got, "The message was tried too often: try 6") {
			w.Errorf("log %s", got)
		}
		w.action(script.CustomEmailProvider, `exports.onExecuteCustomEmailProvider = async (event, api) => {
			const n = Number(api.cache.get('n').value) + 1;
			api.cache.set('n', String(n));
			if (n < 9) api.notification.retry('again'); else throw new Error('ran ' + n + ' times');
		};`)
		ask()
		w.logs("ran 9 times")

		// A mail to who is no user, in no client's name: code that looks at both goes on.
		w.action(script.CustomEmailProvider, `exports.onExecuteCustomEmailProvider = async ({user, client}) => {
			throw new Error(JSON.stringify([user.user_id, user.email, user.email_verified, user.app_metadata.plan || 'none', client.client_id, client.metadata.team || 'no team']));
		};`)
		w.pipe.TellAdmin(w.Context(), pipeline.Visit{Store: w.st}, "News", "There is news.")
		w.ok(w.door.Wait(w.Context()))
		w.logs(`[\"\",\"help@acme.test\",false,\"none\",\"\",\"no team\"]`)

		// Where mails stay in the inbox they stay there.
		w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = true })
		ask()
		if len(w.mails()) != 1 {
			w.Error("no mail in the inbox")
		}
	})
}
