package mgmt

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/pipeline"
)

func TestAuthenticationMethods(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		ada := h.user("ada", "")
		path := "/users/" + ada + "/authentication-methods"
		const at = `"created_at":"2026-11-25T12:00:00.000Z"`
		mail := h.call(all, "POST", path, `{"type":"email","name":"Test","email":"chuck334@example.com"}`)
		id := mail.text("id")
		shown := `"id":"` + id + `","type":"email","name":"Test","email":"chuc****@exam*******",` + at
		if !regexp.MustCompile(`^email\|dev_[A-Za-z0-9]{16}$`).MatchString(id) {
			h.Errorf("id %q", id)
		}
		mail.is(201, `{`+shown+`}`)
		h.call(all, "GET", path+"?include_totals=true&per_page=50", "").is(200, `{"authenticators":[{`+shown+`,"confirmed":true}],"total":1,"start":0,"limit":50}`)
		h.call(all, "POST", path, `{"type":"email","email":"chuck334@example.com"}`).fails(409, "authentication_method_conflict", "The authentication method already exists.")
		one := path + "/" + strings.ReplaceAll(id, "|", "%7C")
		h.call(all, "GET", one, "").is(200, `{`+shown+`,"confirmed":true}`)
		h.call(all, "PATCH", one, `{"name":"Test2"}`).is(200, `{`+strings.Replace(shown, "Test", "Test2", 1)+`}`)
		h.call(all, "PATCH", one, `{"preferred_authentication_method":"sms"}`).
			fails(400, "invalid_body", "Payload validation error: 'Applies to phone authentication methods only' on property preferred_authentication_method.")
		h.call(all, "DELETE", one, "").is(204, "")
		for _, method := range []string{"GET", "PATCH", "DELETE"} {
			h.call(all, method, one, `{"name":"x"}`).fails(404, "inexistent_authentication_method", "The authentication method does not exist.")
		}

		totp := h.call(all, "POST", path, `{"type":"totp","totp_secret":"GEZDGNBVGY3TQOJQ"}`).is(201, "")
		made := h.call(all, "POST", path, `{"type":"totp"}`).is(201, "")
		if totp.text("totp_secret") != "GEZDGNBVGY3TQOJQ" || len(made.text("totp_secret")) != 32 {
			h.Errorf("%s %s", totp.body, made.body)
		}
		h.call(all, "POST", path, `{"type":"passkey","key_id":"a2V5PQ==","public_key":"p","relying_party_identifier":"x.test","credential_device_type":"multi_device","credential_backed_up":true,"transports":["usb"]}`).is(201, "")
		h.call(all, "POST", path, `{"type":"webauthn-roaming","key_id":"b3RoZXI","public_key":"p","relying_party_identifier":"x.test"}`).is(201, "")
		if list := h.call(all, "GET", path, "").is(200, ""); strings.Contains(list.body, "GEZDGNBV") || strings.Contains(list.body, "secret") || strings.Count(list.body, `"id"`) != 4 {
			h.Errorf("%s", list.body)
		}
		replaced := h.call(all, "PUT", path, `[{"type":"email","name":"MyEmail","email":"foo@example.com"},
			{"type":"phone","name":"MyPhone","phone_number":"+44207183875044","preferred_authentication_method":"voice"},{"type":"totp","totp_secret":"5HCWXIP2MJNSUBGYVUZFLRB2HWIGXR4SYJQXNBQ"}]`).is(200, "")
		for _, part := range []string{`"foo@example.com"`, `"+44207183875044"`, `"authentication_methods":[{"id":"voice|dev_`} {
			if !strings.Contains(replaced.body, part) {
				h.Errorf("no %s in %s", part, replaced.body)
			}
		}
		list := h.call(all, "GET", path, "").is(200, "")
		if strings.Count(list.body, "created_at") != 3 || !strings.Contains(list.body, `"****@exam*******"`) || !strings.Contains(list.body, `"XXXXXXXXXXX5044"`) || strings.Contains(list.body, "5HCW") {
			h.Errorf("%s", list.body)
		}
		h.call(all, "PUT", path, `[{"type":"totp","totp_secret":"AAAA"},{"type":"totp","totp_secret":"AAAA"}]`).fails(409, "authentication_method_conflict", "The authentication method already exists.")
		h.call(all, "GET", path, "").is(200, list.body)
		h.call(all, "DELETE", path, "").is(204, "")
		h.call(all, "GET", path, "").is(200, `[]`)
	})
}

// The last second factor takes the recovery code along, whichever way it goes; and people hear of what was taken away, not of nothing.
func TestLastFactorTakesTheRecoveryCode(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		ada := h.user("ada", "")
		told := 0
		h.api.Pipeline.TellFactor = func(context.Context, pipeline.Visit, *stagedoor.User, string) { told++ }
		path := "/users/" + ada
		ways := map[string]func(method string){
			"method": func(m string) {
				h.call(all, "DELETE", path+"/authentication-methods/"+strings.ReplaceAll(m, "|", "%7C"), "").is(204, "")
			},
			"methods": func(string) { h.call(all, "DELETE", path+"/authentication-methods", "").is(204, "") },
			"enrollment": func(m string) {
				h.call(all, "DELETE", "/guardian/enrollments/"+strings.Split(m, "|")[1], "").is(204, "")
			},
			"provider": func(string) { h.call(all, "DELETE", path+"/multifactor/google-authenticator", "").is(204, "") },
		}
		for name, take := range ways {
			m := h.call(all, "POST", path+"/authentication-methods", `{"type":"totp"}`).is(201, "").text("id")
			h.call(all, "POST", path+"/recovery-code-regeneration", "").is(200, "")
			told = 0
			take(m)
			if left := h.call(all, "GET", path+"/authentication-methods", "").body; strings.TrimSpace(left) != "[]" || told != 1 {
				h.Errorf("%s: left %s, told %d times", name, left, told)
			}
		}
		told = 0
		ways["methods"]("")
		ways["provider"]("")
		if told != 0 {
			h.Errorf("told %d times that nothing was removed", told)
		}
	})
}

// Whose second factors are replaced hears of it as of any that is taken away, and so does the tenant's log; not where all are there again.
func TestReplacedFactorsAreTold(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	path := "/users/" + h.user("ada", "") + "/authentication-methods"
	told := 0
	h.api.Pipeline.TellFactor = func(context.Context, pipeline.Visit, *stagedoor.User, string) { told++ }
	for i, step := range []struct {
		body string
		want int
	}{
		{`[{"type":"phone","phone_number":"+15550100"}]`, 0},
		{`[{"type":"phone","phone_number":"+15550100","name":"Mine"},{"type":"totp"}]`, 0},
		{`[{"type":"phone","phone_number":"+15550100"},{"type":"totp"}]`, 1}, // another app
		{`[{"type":"totp"}]`, 2},
		{`[]`, 3},
		{`[]`, 3},
	} {
		h.call(all, "PUT", path, step.body).is(200, "")
		if n := strings.Count(strings.Join(h.logged("acme"), "\n"), "gd_unenroll "); told != step.want || n != step.want {
			t.Errorf("step %d: told %d times, %d events, want %d", i, told, n, step.want)
		}
	}
	h.call(all, "POST", "/users/auth0%7Cada/recovery-code-regeneration", "").is(200, "")
	if h.call(all, "PUT", path, `[]`).is(200, `[]`); told != 3 {
		t.Errorf("told %d times that a recovery code went", told)
	}
}

func TestAuthenticationMethodRefusals(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	path := "/users/" + h.user("ada", "") + "/authentication-methods"
	for body, reason := range map[string]string{
		`{}`:                                      `'Missing required property: type'.`,
		`{"type":"phone"}`:                        `'Missing required property: phone_number'.`,
		`{"type":"email"}`:                        `'Missing required property: email'.`,
		`{"type":"passkey","key_id":"k"}`:         `'Missing required property: public_key'.`,
		`{"type":"totp","totp_secret":"1"}`:       `'String is not base32' on property totp_secret.`,
		`{"type":"totp","phone_number":"+15550"}`: `'Applies to phone authentication methods only' on property phone_number.`,
		`{"type":"push"}`:                         `'No enum match for: push' on property type (The type of authentication method).`,
	} {
		h.call(all, "POST", path, body).fails(400, "invalid_body", "Payload validation error: "+reason)
	}
	h.call(all, "PUT", path, `[{"type":"passkey"}]`).is(400, "")
	h.call(all, "PUT", path, `{}`).is(400, "")
	nobody := "/users/auth0%7Cnobody"
	for _, call := range [][3]string{
		{"GET", "/authentication-methods"},
		{"POST", "/authentication-methods", `{"type":"totp"}`},
		{"PUT", "/authentication-methods", `[]`},
		{"DELETE", "/authentication-methods"},
		{"GET", "/authentication-methods/x"},
		{"PATCH", "/authentication-methods/x", `{}`},
		{"DELETE", "/authentication-methods/x"},
		{"DELETE", "/authenticators"},
		{"GET", "/enrollments"},
		{"DELETE", "/multifactor/duo"},
		{"DELETE", "/multifactor/google-authenticator"},
		{"POST", "/multifactor/actions/invalidate-remember-browser"},
		{"POST", "/recovery-code-regeneration"},
		{"GET", "/connected-accounts"},
		{"GET", "/federated-connections-tokensets"},
		{"DELETE", "/federated-connections-tokensets/x"},
		{"POST", "/risk-assessments/clear", `{"connection":"Users","assessors":["new-device"]}`},
	} {
		h.call(all, call[0], nobody+call[1], call[2]).fails(404, "inexistent_user", noUser)
	}
}

func TestEnrollments(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		ada := h.user("ada", "")
		path := "/users/" + ada
		own := h.person("acme", ada, "read:current_user")
		h.call(own, "GET", path+"/enrollments", "").is(200, `[]`)
		h.call(all, "POST", path+"/authentication-methods", `{"type":"phone","name":"Mine","phone_number":"+15550100"}`).is(201, "")
		got := h.call(own, "GET", path+"/enrollments", "").is(200, "")
		if !regexp.MustCompile(`^\[\{"auth_method":"sms","enrolled_at":"2026-11-25T12:00:00.000Z","id":"dev_[A-Za-z0-9]{16}","identifier":"XXXXX0100","name":"Mine","phone_number":"XXXXX0100","status":"confirmed","type":"sms"\}\]\s*$`).MatchString(got.body) {
			h.Errorf("%s", got.body)
		}
		device := regexp.MustCompile(`dev_\w{16}`).FindString(got.body)
		one := "/guardian/enrollments/" + device
		h.call(all, "GET", one, "").is(200, strings.Trim(strings.TrimSpace(got.body), "[]"))
		h.callTo("other", h.machine("other"), "DELETE", one, "").fails(404, "enrollment_not_found", "Enrollment not found")
		h.call(all, "DELETE", one, "").is(204, "")
		h.call(all, "GET", one, "").fails(404, "enrollment_not_found", "Enrollment not found")
		h.call(all, "POST", path+"/authentication-methods", `{"type":"phone","name":"Mine","phone_number":"+15550100"}`).is(201, "")
		h.call(all, "POST", path+"/authentication-methods", `{"type":"totp"}`).is(201, "")
		h.call(all, "DELETE", path+"/multifactor/duo", "").is(204, "")
		h.call(all, "DELETE", path+"/multifactor/google-authenticator", "").is(204, "")
		h.call(all, "DELETE", path+"/multifactor/other", "").fails(400, "invalid_uri", "Path validation error: 'No enum match for: other' on property provider.")
		if list := h.call(all, "GET", path+"/authentication-methods", ""); strings.Contains(list.body, "totp") || !strings.Contains(list.body, "phone") {
			h.Errorf("%s", list.body)
		}
		first := h.call(all, "POST", path+"/recovery-code-regeneration", `{}`).is(200, "").text("recovery_code")
		second := h.call(all, "POST", path+"/recovery-code-regeneration", `{}`).is(200, "").text("recovery_code")
		if !regexp.MustCompile(`^[A-Z0-9]{24}$`).MatchString(first) || first == second {
			h.Errorf("codes %q %q", first, second)
		}
		methods, err := h.store("acme").AuthenticationMethods(context.Background(), ada)
		h.ok(err)
		if len(methods) != 2 {
			h.Errorf("%v", methods)
		}
		h.call(all, "DELETE", path+"/authenticators", "").is(204, "")
		h.call(all, "GET", path+"/authentication-methods", "").is(200, `[]`)
		if n := strings.Count(strings.Join(h.logged("acme"), "\n"), "gd_unenroll "); n != 3 {
			h.Errorf("%d events gd_unenroll: %v", n, h.logged("acme"))
		}
		h.call(all, "POST", path+"/multifactor/actions/invalidate-remember-browser", "").is(204, "")
		h.call(all, "GET", path+"/connected-accounts?take=50", "").is(200, `{"connected_accounts":[]}`)
		h.call(all, "GET", path+"/federated-connections-tokensets", "").is(200, `[]`)
		h.call(all, "DELETE", path+"/federated-connections-tokensets/none", "").is(204, "")
		h.call(all, "POST", path+"/risk-assessments/clear", `{"connection":"Users","assessors":["new-device"]}`).is(204, "")
	})
}

func TestEnrollmentTickets(t *testing.T) {
	each(t, func(h *house) {
		const path = "/guardian/enrollments/ticket"
		all, ada := h.machine("acme"), h.user("ada", "")
		h.mails = nil
		call := func(body string) answer { return h.call(all, "POST", path, body) }
		h.call(h.machine("acme", "read:users"), "POST", path, `{"user_id":"`+ada+`"}`).is(403, "")
		call(`{}`).fails(400, "invalid_body", "Payload validation error: 'Missing required property: user_id'.")
		call(`{"user_id":"auth0|nobody"}`).fails(404, "inexistent_user", "The user does not exist.")
		call(`{"user_id":"`+ada+`","factor":"smoke"}`).is(400, "")
		for factor, want := range map[string]string{"phone": "phone", "email": "email", "push-notification": "otp"} { // notifications reach nobody
			got := call(`{"user_id":"`+ada+`","factor":"`+factor+`"}`).is(200, "")
			if t, err := h.store("acme").Ticket(context.Background(), got.text("ticket_id"), stagedoor.TicketEnrollment); err != nil || t.Factor != want {
				h.Errorf("%s: %+v %v", factor, t, err)
			}
		}
		const webhook = "/guardian/factors/push-notification/providers/webhook"
		h.call(all, "GET", webhook, "").is(200, `{"url":null}`)
		h.call(all, "PUT", webhook, `{"url":"ftp://push.test/","secret":"0123456789abcdef"}`).is(400, "")
		h.call(all, "PUT", webhook, `{"url":"https://push.test/"}`).fails(400, "invalid_body", "Payload validation error: 'Missing required property: secret'.")
		h.call(all, "PUT", webhook, `{"url":"https://push.test/","secret":"0123456789abcdef"}`).is(200, `{"url":"https://push.test/"}`)
		id := call(`{"user_id":"`+ada+`","factor":"push-notification"}`).is(200, "").text("ticket_id")
		if t, err := h.store("acme").Ticket(context.Background(), id, stagedoor.TicketEnrollment); err != nil || t.Factor != "push-notification" {
			h.Errorf("%+v %v", t, err)
		}
		h.call(all, "PUT", webhook, `{"url":null}`).is(200, `{"url":null}`)
		got := call(`{"user_id":"`+ada+`","factor":"otp"}`).is(200, "")
		if url, id := got.text("ticket_url"), got.text("ticket_id"); url != "https://acme.test/u/mfa-enroll?ticket="+id || len(id) != 43 {
			h.Errorf("%s", got.body)
		}
		if len(h.mails) != 0 {
			h.Errorf("mails %v", h.mails)
		}
		got = call(`{"user_id":"`+ada+`","send_mail":true,"email":"ada@home.test","email_locale":"de","factor":"push-notification"}`).is(200, "")
		if want := ada + " ada@home.test de " + got.text("ticket_url") + " 120h0m0s"; len(h.mails) != 1 || h.mails[0] != want {
			h.Errorf("mails %v, want %s", h.mails, want)
		}
		t, err := h.store("acme").Ticket(context.Background(), got.text("ticket_id"), stagedoor.TicketEnrollment)
		h.ok(err)
		if t.UserID != ada || t.Another || t.Lang != "de" {
			h.Errorf("%+v", t)
		}
		h.call(all, "POST", "/users/"+ada+"/authentication-methods", `{"type":"totp"}`).is(201, "")
		call(`{"user_id":"`+ada+`"}`).fails(409, "already_enrolled", "User is already enrolled.")
		call(`{"user_id":"`+ada+`","allow_multiple_enrollments":true}`).is(200, "")
		other := h.machine("other")
		h.callTo("other", other, "POST", path, `{"user_id":"`+ada+`"}`).fails(404, "inexistent_user", "The user does not exist.")
		for _, event := range h.logged("acme") {
			if strings.Contains(event, got.text("ticket_id")) {
				h.Errorf("logged %s", event)
			}
		}
	})
}
