package mgmt

import (
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/script"
)

// TestPhoneMessagesThroughScripts: where the phone provider is the tenant's own code, its action sends the message; codes of a second factor
// go through send-phone-message where there is no provider.
func TestPhoneMessagesThroughScripts(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		tem := h.call(all, "POST", "/branding/phone/templates", `{"type":"otp_verify","content":{"from":"+1777","body":{"text":"Code {{ code }}","voice":"The code is {{ code }}"}}}`).is(201, "").text("id")
		const sent = `{"code":202,"message":"Test notification successfully sent for processing"}`
		try := func(path, more string) string {
			h.Helper()
			before := len(h.logged("acme"))
			h.call(all, "POST", path+"/try", `{"to":"+4912345"`+more+`}`).is(202, sent)
			after := h.logged("acme") // newest first
			return strings.Join(after[:len(after)-before], "\n")
		}
		template := "/branding/phone/templates/" + tem

		// Without a provider.
		h.call(all, "POST", template+"/try", `{"to":"+4912345"}`).fails(400, "no_phone_provider", "There is no phone provider that could send the message.")
		h.bind(script.SendPhoneMessage, "send", `exports.onExecuteSendPhoneMessage = async (event) => { throw new Error(JSON.stringify(event.message_options)); };`)
		if got := try(template, ""); !strings.Contains(got, "gd_send_sms_failure") || !strings.Contains(got, `{"action":"second-factor-authentication","code":"123456","message_type":"sms","recipient":"+4912345","text":"Code 123456"}`) {
			h.Errorf("log %s", got)
		}
		h.call(all, "POST", "/hooks", `{"name":"send","triggerId":"send-phone-message","enabled":true,"script":`+encode(`module.exports = function (recipient, text, context, cb) {
			cb(new SendPhoneMessageError([recipient, text, context.message_type, context.action, context.code].join('|'), 'friendly')); };`)+`}`).is(201, "")
		if got := try(template, `,"delivery_method":"voice"`); !strings.Contains(got, `+4912345|The code is 123456|voice|second-factor-authentication|123456`) || strings.Contains(got, "actions_execution_failed") {
			h.Errorf("log %s", got)
		}

		// Through the tenant's own code.
		pro := "/branding/phone/providers/" + h.call(all, "POST", "/branding/phone/providers", `{"name":"custom","configuration":{"delivery_methods":["text","voice"]},"credentials":{}}`).is(201, "").text("id")
		h.call(all, "POST", pro+"/try", `{"to":"+4912345"}`).fails(400, "no_phone_provider", "No action is bound to custom-phone-provider.")
		h.bind(script.CustomPhoneProvider, "phone", `exports.onExecuteCustomPhoneProvider = async (event, api) => {
			const n = event.notification;
			if (n.as_text.startsWith('This is')) return api.notification.drop('only a test');
			if (n.delivery_method === 'text') return;
			throw new Error([n.recipient, n.as_voice, n.code, n.from, n.message_type, event.tenant.id, event.user.phone_number, event.client.name].join('|'));
		};`)
		if got := try(pro, ""); !strings.Contains(got, "fn The message otp_verify was dropped: only a test") {
			h.Errorf("log %s", got)
		}
		if got := try(template, ""); !strings.Contains(got, "gd_send_sms Message to a phone sent") {
			h.Errorf("log %s", got)
		}
		if got := try(template, `,"delivery_method":"voice"`); !strings.Contains(got, "gd_send_sms_failure") || !strings.Contains(got, "+4912345|The code is 123456|123456|+1777|otp_verify|acme|+4912345|") {
			h.Errorf("log %s", got)
		}
	})
}
