package mgmt

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
)

func TestAttackProtection(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		path := "/attack-protection/brute-force-protection"
		h.call(bearer, "GET", path, "").is(200, `{"enabled":true,"shields":["block","user_notification"],"mode":"count_per_identifier_and_ip","allowlist":[],"max_attempts":10}`)
		want := `{"enabled":true,"shields":["block"],"mode":"count_per_identifier","allowlist":["10.0.0.0/8","::1"],"max_attempts":3}`
		h.call(bearer, "PATCH", path, `{"shields":["block"],"mode":"count_per_identifier","allowlist":["10.0.0.0/8","::1"],"max_attempts":3}`).is(200, want)
		h.call(bearer, "GET", path, "").is(200, want)
		h.callTo("other", h.machine("other"), "GET", path, "").is(200, `{"enabled":true,"shields":["block","user_notification"],"mode":"count_per_identifier_and_ip","allowlist":[],"max_attempts":10}`)
		h.call(bearer, "PATCH", path, `{}`).fails(400, "invalid_body", "Payload validation error: 'Too few properties defined (0), minimum 1'.")
		h.call(bearer, "PATCH", path, `{"max_attempts":101}`).fails(400, "invalid_body", "Payload validation error: 'Value 101 is greater than maximum 100' on property max_attempts (Maximum number of unsuccessful attempts).")
		h.call(bearer, "PATCH", path, `{"shields":["nothing"]}`).is(400, "")
		h.call(bearer, "PATCH", path, `{"allowlist":["10.0.0.0/99"]}`).fails(400, "invalid_body", "Payload validation error: 'Object didn't pass validation for format ipv4-or-cidr-or-ipv6-or-cidr: 10.0.0.0/99' on property allowlist.")
		h.call(bearer, "PATCH", path, `{"enabled":false,"nonsense":1}`).is(400, "")
		h.call(bearer, "GET", path, "").is(200, want)

		path = "/attack-protection/suspicious-ip-throttling"
		h.call(bearer, "PATCH", path, `{"allowlist":["127.0.0.1"],"stage":{"pre-login":{"max_attempts":1,"rate":34560}}}`).is(200, `{"enabled":true,"shields":["admin_notification","block"],"allowlist":["127.0.0.1"],
			"stage":{"pre-login":{"max_attempts":1,"rate":34560},"pre-user-registration":{"max_attempts":50,"rate":1200},"pre-custom-token-exchange":{"max_attempts":10,"rate":600000}}}`)
		h.call(bearer, "GET", path, "").is(200, "")
		h.call(bearer, "PATCH", path, `{"stage":{"pre-login":{"max_attempts":2501}}}`).fails(400, "invalid_body", "Payload validation error: 'Value 2501 is greater than maximum 2500' on property stage.pre-login.max_attempts (Total number of attempts allowed).")
		h.call(bearer, "PATCH", path, `{"stage":{"pre-login":{"max_attempts":2500},"pre-user-registration":{"max_attempts":72000}}}`).is(200, "")

		h.call(bearer, "GET", "/attack-protection/bot-detection", "").is(200, `{"bot_detection_level":"medium","challenge_password_policy":"never","challenge_passwordless_policy":"never","challenge_password_reset_policy":"never","allowlist":[],"monitoring_mode_enabled":false}`)
		h.call(bearer, "PATCH", "/attack-protection/bot-detection", `{"bot_detection_level":"low","challenge_password_policy":"when_risky"}`).is(200, `{"bot_detection_level":"low","challenge_password_policy":"when_risky","challenge_passwordless_policy":"never","challenge_password_reset_policy":"never","allowlist":[],"monitoring_mode_enabled":false}`)
		h.call(bearer, "GET", "/attack-protection/breached-password-detection", "").is(200, `{"enabled":false,"shields":[],"admin_notification_frequency":[],"method":"standard","stage":{"pre-user-registration":{"shields":[]},"pre-change-password":{"shields":[]}}}`)
		h.call(bearer, "PATCH", "/attack-protection/breached-password-detection", `{"enabled":true,"stage":{"pre-change-password":{"shields":["block"]}}}`).is(200, `{"enabled":true,"shields":[],"admin_notification_frequency":[],"method":"standard","stage":{"pre-user-registration":{"shields":[]},"pre-change-password":{"shields":["block"]}}}`)
		h.call(bearer, "PATCH", "/attack-protection/captcha", `{"active_provider_id":"hcaptcha","hcaptcha":{"site_key":"k","secret":"s3cret"}}`).is(200, "")
		got := h.call(bearer, "GET", "/attack-protection/captcha", "").is(200, "")
		if got.text("active_provider_id") != "hcaptcha" || got.text("hcaptcha", "site_key") != "k" || strings.Contains(got.body, "s3cret") {
			h.Errorf("captcha: %s", got.body)
		}
		h.call(bearer, "GET", "/attack-protection/phone-provider-protection", "").is(200, `{"type":"none"}`)
		h.call(bearer, "PATCH", "/attack-protection/phone-provider-protection", `{"type":"exponential"}`).is(200, `{"type":"exponential"}`)
	})
}

// TestBlockedCodes: who is kept out by wrong codes, from one network or from all together, is listed, and let in again.
func TestBlockedCodes(t *testing.T) {
	each(t, func(h *house) {
		ctx, st, bearer := context.Background(), h.store("acme"), h.machine("acme")
		id := h.user("kim", "")
		conn, err := st.ConnectionByName(ctx, "Users")
		h.ok(err)
		attempt := guard.Attempt{Store: st, Connection: conn, Identifier: "KIM@x.test", IP: "203.0.113.9", Code: true}
		block := func() {
			for range 10 {
				_, err := guard.Failed(ctx, attempt)
				h.ok(err)
			}
		}
		lists := func(want string) {
			for _, path := range []string{"/user-blocks/" + id, "/user-blocks?identifier=kim%40x.test", "/user-blocks/" + id + "?consider_brute_force_enablement=true"} {
				h.call(bearer, "GET", path, "").is(200, `{"blocked_for":[`+want+`]}`)
			}
		}
		const one, all = `{"identifier":"kim@x.test","ip":"203.0.113.9","connection":"Users"}`, `{"identifier":"kim@x.test"}`
		block()
		lists(one)
		attempt.Code = false
		block() // of passwords, too: it is one place
		lists(one)
		attempt.Code = true
		for range 200 {
			h.ok(guard.Guess(ctx, attempt))
		}
		if err := guard.Guess(ctx, attempt); !stagedoor.HasCode(err, "too_many_attempts") {
			h.Errorf("one more: %v", err)
		}
		lists(one + "," + all)
		h.call(bearer, "DELETE", "/user-blocks/"+id, "").is(204, "")
		lists("")
		h.ok(guard.Guess(ctx, attempt))
		for range 199 {
			h.ok(guard.Guess(ctx, attempt))
		}
		lists(all)
		h.call(bearer, "DELETE", "/user-blocks?identifier=kim%40x.test", "").is(204, "")
		lists("")
		h.ok(guard.Guess(ctx, attempt))
	})
}

// TestBlockedNetwork: an IPv6 address is blocked, and unblocked, with its network.
func TestBlockedNetwork(t *testing.T) {
	each(t, func(h *house) {
		ctx, st, bearer := context.Background(), h.store("acme"), h.machine("acme")
		h.user("kim", "")
		conn, err := st.ConnectionByName(ctx, "Users")
		h.ok(err)
		h.call(bearer, "PATCH", "/attack-protection/suspicious-ip-throttling", `{"stage":{"pre-login":{"max_attempts":10,"rate":864000}}}`).is(200, "")
		for i := range 10 {
			_, err := guard.Failed(ctx, guard.Attempt{Store: st, Connection: conn, Identifier: "kim@x.test", IP: fmt.Sprintf("2001:db8:77:1::%x", i+1)})
			h.ok(err)
		}
		h.call(bearer, "GET", "/user-blocks?identifier=kim%40x.test", "").is(200, `{"blocked_for":[{"identifier":"kim@x.test","ip":"2001:db8:77:1::","connection":"Users"}]}`)
		const path = "/anomaly/blocks/ips/"
		h.call(bearer, "GET", path+"2001:db8:77:1:abcd::1", "").is(200, "")
		h.call(bearer, "GET", path+"2001:db8:77:2::1", "").is(404, "")
		h.call(bearer, "DELETE", path+"2001:db8:77:1::", "").is(204, "") // as /user-blocks shows it
		h.call(bearer, "GET", path+"2001:db8:77:1::1", "").is(404, "")
		h.call(bearer, "DELETE", "/user-blocks?identifier=kim%40x.test", "").is(204, "")
		h.call(bearer, "GET", "/user-blocks?identifier=kim%40x.test", "").is(200, `{"blocked_for":[]}`)
	})
}

// Somebody whom another server sends may have neither address nor username nor number: nothing of theirs is counted, and nothing to lift is no error.
func TestUserBlocksOfNobodyWeKnowByName(t *testing.T) {
	h := sqlite(t)
	h.conn("github", "git", `{}`)
	h.ok(h.store("acme").CreateUser(t.Context(), &stagedoor.User{ID: "github|42", Connection: "git"}, ""))
	h.call(h.machine("acme"), "GET", "/user-blocks/github%7C42", "").is(200, `{"blocked_for":[]}`)
	h.call(h.machine("acme"), "DELETE", "/user-blocks/github%7C42", "").is(204, "")
}

func TestUserBlocks(t *testing.T) {
	each(t, func(h *house) {
		ctx, st, bearer := context.Background(), h.store("acme"), h.machine("acme")
		id := h.user("kim", "")
		conn, err := st.ConnectionByName(ctx, "Users")
		h.ok(err)
		block := func() {
			for range 10 {
				_, err := guard.Failed(ctx, guard.Attempt{Store: st, Connection: conn, Identifier: "KIM@x.test", IP: "203.0.113.9"})
				h.ok(err)
			}
		}
		h.call(bearer, "GET", "/user-blocks/"+id, "").is(200, `{"blocked_for":[]}`)
		block()
		want := `{"blocked_for":[{"identifier":"kim@x.test","ip":"203.0.113.9","connection":"Users"}]}`
		h.call(bearer, "GET", "/user-blocks/"+id, "").is(200, want)
		h.call(bearer, "GET", "/user-blocks?identifier=kim%40x.test&consider_brute_force_enablement=true", "").is(200, want)
		h.call(bearer, "DELETE", "/user-blocks/"+id, "").is(204, "")
		h.call(bearer, "GET", "/user-blocks?identifier=kim%40x.test", "").is(200, `{"blocked_for":[]}`)
		block()
		h.callTo("other", h.machine("other"), "DELETE", "/user-blocks?identifier=kim%40x.test", "").is(204, "")
		h.call(bearer, "GET", "/user-blocks/"+id, "").is(200, want)
		_, err = st.UpdateConnection(ctx, conn.ID, func(c *stagedoor.Connection) error { c.Options.BruteForceProtection = new(false); return nil })
		h.ok(err)
		h.call(bearer, "GET", "/user-blocks/"+id+"?consider_brute_force_enablement=true", "").is(200, `{"blocked_for":[]}`)
		h.call(bearer, "DELETE", "/user-blocks?identifier=kim%40x.test", "").is(204, "")
		h.call(bearer, "GET", "/user-blocks/"+id, "").is(200, `{"blocked_for":[]}`)
		block()
		h.call(bearer, "PATCH", "/users/"+id, `{"password":"Correct-Horse-2"}`).is(200, "")
		h.call(bearer, "GET", "/user-blocks/"+id, "").is(200, `{"blocked_for":[]}`)

		h.call(bearer, "GET", "/user-blocks/auth0%7Cnobody", "").fails(404, "inexistent_user", "The user does not exist.")
		h.call(bearer, "DELETE", "/user-blocks/auth0%7Cnobody", "").fails(404, "inexistent_user", "The user does not exist.")
		h.call(bearer, "GET", "/user-blocks", "").fails(400, "invalid_query_string", "Query validation error: 'Missing required property: identifier'.")
	})
}

// A block of the address that a linked identity has of its own is one of the user.
func TestUserBlocksOfLinkedIdentities(t *testing.T) {
	each(t, func(h *house) {
		ctx, st, bearer := context.Background(), h.store("acme"), h.machine("acme")
		ada, work := h.user("ada", ""), h.user("work", "")
		h.call(bearer, "POST", "/users/"+ada+"/identities", `{"provider":"auth0","user_id":"`+strings.TrimPrefix(work, "auth0|")+`"}`).is(201, "")
		conn, err := st.ConnectionByName(ctx, "Users")
		h.ok(err)
		for range 10 {
			_, err := guard.Failed(ctx, guard.Attempt{Store: st, Connection: conn, Identifier: "work@x.test", IP: "203.0.113.9"})
			h.ok(err)
		}
		h.call(bearer, "GET", "/user-blocks/"+ada, "").is(200, `{"blocked_for":[{"identifier":"work@x.test","ip":"203.0.113.9","connection":"Users"}]}`)
		h.call(bearer, "DELETE", "/user-blocks/"+ada, "").is(204, "")
		h.call(bearer, "GET", "/user-blocks?identifier=work%40x.test", "").is(200, `{"blocked_for":[]}`)
		h.call(bearer, "GET", "/user-blocks/"+ada, "").is(200, `{"blocked_for":[]}`)
	})
}

func TestBlockedAddresses(t *testing.T) {
	each(t, func(h *house) {
		ctx, st, bearer := context.Background(), h.store("acme"), h.machine("acme")
		conn, err := st.ConnectionByName(ctx, "Users")
		h.ok(err)
		h.call(bearer, "GET", "/anomaly/blocks/ips/203.0.113.9", "").fails(404, "", "Not Found")
		for range 100 {
			_, err := guard.Failed(ctx, guard.Attempt{Store: st, Connection: conn, Identifier: "x", IP: "203.0.113.9"})
			h.ok(err)
		}
		h.call(bearer, "GET", "/anomaly/blocks/ips/203.0.113.9", "").is(200, `{}`)
		h.call(bearer, "GET", "/anomaly/blocks/ips/203.0.113.10", "").is(404, "")
		h.call(bearer, "DELETE", "/anomaly/blocks/ips/203.0.113.9", "").is(204, "")
		h.call(bearer, "GET", "/anomaly/blocks/ips/203.0.113.9", "").is(404, "")
		h.call(bearer, "GET", "/anomaly/blocks/ips/nonsense", "").fails(400, "invalid_uri", "Path validation error: 'Object didn't pass validation for format ip-address: nonsense' on property id (IP address to check).")
	})
}

func TestGuardian(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		h.call(bearer, "PUT", "/guardian/factors/otp", `{"enabled":true}`).is(200, `{"enabled":true}`)
		h.call(bearer, "GET", "/guardian/factors", "").is(200, `[{"name":"sms","enabled":false,"trial_expired":false},{"name":"push-notification","enabled":false,"trial_expired":false},
			{"name":"otp","enabled":true,"trial_expired":false},{"name":"email","enabled":false,"trial_expired":false},{"name":"duo","enabled":false,"trial_expired":false},
			{"name":"webauthn-roaming","enabled":false,"trial_expired":false},{"name":"webauthn-platform","enabled":false,"trial_expired":false},{"name":"recovery-code","enabled":true,"trial_expired":false}]`)
		h.call(bearer, "PUT", "/guardian/factors/smoke", `{"enabled":true}`).is(400, "")
		h.call(bearer, "PUT", "/guardian/factors/otp", `{}`).fails(400, "invalid_body", "Payload validation error: 'Missing required property: enabled'.")

		h.call(bearer, "GET", "/guardian/policies", "").is(200, `[]`)
		h.call(bearer, "PUT", "/guardian/policies", `["all-applications"]`).is(200, `["all-applications"]`)
		h.call(bearer, "GET", "/guardian/policies", "").is(200, `["all-applications"]`)
		h.call(bearer, "PUT", "/guardian/policies", `["some"]`).is(400, "")
		h.call(bearer, "PUT", "/guardian/policies", `{}`).fails(400, "invalid_body", "Payload validation error: 'Expected type array but found type object'.")

		h.call(bearer, "GET", "/guardian/factors/sms/templates", "").is(204, "")
		h.call(bearer, "GET", "/guardian/factors/phone/templates", "").is(200, `{"enrollment_message":"{{code}} is your code to add this phone to {{tenant.friendly_name}}",
			"verification_message":"{{code}} is your verification code for {{tenant.friendly_name}}"}`)
		h.call(bearer, "GET", "/guardian/factors/sms/templates", "").is(204, "") // reading sets nothing
		texts := `{"enrollment_message":"Your code: {{code}}","verification_message":"{{code}}"}`
		h.call(bearer, "PUT", "/guardian/factors/phone/templates", texts).is(200, texts)
		h.call(bearer, "GET", "/guardian/factors/sms/templates", "").is(200, texts)
		h.call(bearer, "GET", "/guardian/factors/phone/templates", "").is(200, texts)
		h.call(bearer, "PUT", "/guardian/factors/sms/templates", "").is(204, "")
		h.call(bearer, "GET", "/guardian/factors/sms/templates", "").is(204, "")
		h.call(bearer, "PUT", "/guardian/factors/sms/templates", `{}`).is(400, "")
		h.call(bearer, "PUT", "/guardian/factors/sms/templates", texts).is(200, texts)

		twilio := `{"from":"123","auth_token":"t","sid":"s","messaging_service_sid":null}`
		h.call(bearer, "PUT", "/guardian/factors/sms/providers/twilio", twilio).is(200, twilio)
		h.call(bearer, "GET", "/guardian/factors/phone/providers/twilio", "").is(200, twilio)
		h.call(bearer, "PUT", "/guardian/factors/phone/providers/twilio", `{"sid":"x"}`).is(200, `{"from":null,"auth_token":null,"sid":"x","messaging_service_sid":null}`)
		h.call(bearer, "GET", "/guardian/factors/sms/providers/twilio", "").is(200, "")
		for _, event := range h.logged("acme") {
			if strings.Contains(event, "auth_token") {
				h.Errorf("logged %s", event)
			}
		}

		for _, row := range []struct{ path, fresh, set, shown string }{
			{"phone/message-types", `{"message_types":[]}`, `{"message_types":["voice"]}`, `{"message_types":["voice"]}`},
			{"phone/selected-provider", `{"provider":"auth0"}`, `{"provider":"twilio"}`, `{"provider":"twilio"}`},
			{"sms/selected-provider", `{"provider":"twilio"}`, `{"provider":"auth0"}`, `{"provider":"auth0"}`},
			{"push-notification/selected-provider", `{"provider":"guardian"}`, `{"provider":"direct"}`, `{"provider":"direct"}`},
			{"push-notification/providers/apns", `{"sandbox":false,"bundle_id":null,"enabled":false}`, `{"sandbox":true,"bundle_id":"b","p12":"x"}`, `{"sandbox":true,"bundle_id":"b","enabled":false}`},
			{"push-notification/providers/fcm", "", `{"server_key":"x"}`, `{}`},
			{"push-notification/providers/fcmv1", "", `{"server_credentials":"x"}`, `{}`},
			{"push-notification/providers/sns", "", `{"aws_region":"r"}`, `{"aws_region":"r","aws_access_key_id":null,"aws_secret_access_key":null,"sns_apns_platform_application_arn":null,"sns_gcm_platform_application_arn":null}`},
			{"duo/settings", `{}`, `{"ikey":"i","skey":"s","host":"h"}`, `{"ikey":"i","skey":"s","host":"h"}`},
			{"email/settings", `{"otp_length":6,"otp_expiration_time":300}`, `{"otp_length":10,"otp_expiration_time":3600}`, `{"otp_length":10,"otp_expiration_time":3600}`},
			{"phone/settings", `{"otp_length":6,"otp_expiration_time":300}`, `{"otp_length":4,"otp_expiration_time":30}`, `{"otp_length":4,"otp_expiration_time":30}`},
			{"webauthn-roaming/settings", `{"userVerification":"preferred","overrideRelyingParty":false}`, `{"userVerification":"required","overrideRelyingParty":false}`, `{"userVerification":"required","overrideRelyingParty":false}`},
			{"webauthn-platform/settings", `{"overrideRelyingParty":false}`, `{"overrideRelyingParty":true,"relyingPartyIdentifier":"x.test"}`, `{"overrideRelyingParty":true,"relyingPartyIdentifier":"x.test"}`},
		} {
			path := "/guardian/factors/" + row.path
			if row.fresh != "" {
				h.call(bearer, "GET", path, "").is(200, row.fresh)
			}
			h.call(bearer, "PUT", path, row.set).is(200, row.shown)
			if row.fresh != "" {
				h.call(bearer, "GET", path, "").is(200, row.shown)
			}
			if strings.Contains(path, "providers/") || strings.Contains(path, "duo") {
				h.call(bearer, "PATCH", path, row.set).is(200, row.shown)
			}
		}
		h.call(bearer, "GET", "/guardian/factors/push-notification/providers/sns", "").is(200, "")
		for _, bad := range []string{`{"otp_length":6}`, `{"otp_length":3,"otp_expiration_time":300}`, `{"otp_length":11,"otp_expiration_time":300}`, `{"otp_length":6,"otp_expiration_time":29}`} {
			h.call(bearer, "PUT", "/guardian/factors/email/settings", bad).is(400, "")
		}
		h.call(bearer, "GET", "/guardian/settings", "").is(200,
			`{"display_remember_me_checkbox":true,"remember_me_default_value":false,"mfa_session_inactivity_timeout":604800,"mfa_session_overall_timeout":2592000}`)
		const remembering = `{"display_remember_me_checkbox":false,"remember_me_default_value":true,"mfa_session_inactivity_timeout":3600,"mfa_session_overall_timeout":7776000}`
		h.call(bearer, "PUT", "/guardian/settings", remembering).is(200, remembering)
		for _, bad := range []string{
			`{"display_remember_me_checkbox":true,"remember_me_default_value":true,"mfa_session_inactivity_timeout":7200}`,
			`{"display_remember_me_checkbox":true,"remember_me_default_value":true,"mfa_session_inactivity_timeout":7200,"mfa_session_overall_timeout":3600}`,
			`{"display_remember_me_checkbox":true,"remember_me_default_value":true,"mfa_session_inactivity_timeout":3599,"mfa_session_overall_timeout":3600}`,
			`{"display_remember_me_checkbox":true,"remember_me_default_value":true,"mfa_session_inactivity_timeout":3600,"mfa_session_overall_timeout":7776001}`,
		} {
			h.call(bearer, "PUT", "/guardian/settings", bad).is(400, "")
		}
		h.call(bearer, "GET", "/guardian/settings", "").is(200, remembering)
	})
}
