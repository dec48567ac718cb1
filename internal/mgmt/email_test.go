package mgmt

import (
	"errors"
	"strings"
	"testing"
)

func TestEmailProvider(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		const all = "/emails/provider?fields=name%2Cenabled%2Cdefault_from_address%2Ccredentials%2Csettings&include_fields=true"
		h.call(bearer, "GET", "/emails/provider", "").fails(404, "inexistent_email_provider", "There is not a configured email provider")
		h.call(bearer, "PATCH", "/emails/provider", `{}`).fails(400, "invalid_body", payload(`Too few properties defined (0), minimum 1'`))
		h.call(bearer, "PATCH", "/emails/provider", `{"enabled":false}`).fails(404, "inexistent_email_provider", "There is not a configured email provider")
		h.call(bearer, "DELETE", "/emails/provider", "").is(204, "")
		smtp := `{"name":"smtp","enabled":true,"default_from_address":"no-reply@x.test","credentials":{"smtp_host":"smtp.x.test","smtp_port":587,"smtp_user":"user","smtp_pass":"s3cret-pass"}}`
		shown := `{"name":"smtp","enabled":true,"default_from_address":"no-reply@x.test","credentials":{"smtp_host":"smtp.x.test","smtp_port":587,"smtp_user":"user"}}`
		h.call(bearer, "POST", "/emails/provider", smtp).is(201, shown)
		h.call(bearer, "POST", "/emails/provider", smtp).fails(409, "", "Email provider is already configured.")
		h.call(bearer, "GET", "/emails/provider", "").is(200, `{"name":"smtp","enabled":true,"default_from_address":"no-reply@x.test"}`)
		h.call(bearer, "GET", all, "").is(200, shown)
		h.callTo("other", h.machine("other"), "GET", "/emails/provider", "").is(404, "")

		h.call(bearer, "PATCH", "/emails/provider", `{"enabled":false,"credentials":{"smtp_host":"smtp.x.test","smtp_port":587,"smtp_user":"user"},"settings":{}}`).
			is(200, `{"name":"smtp","enabled":false,"default_from_address":"no-reply@x.test","credentials":{"smtp_host":"smtp.x.test","smtp_port":587,"smtp_user":"user"},"settings":{}}`)
		h.kept("s3cret-pass") // what tools write back has no secret
		h.call(bearer, "PATCH", "/emails/provider", `{"credentials":{"smtp_host":"evil.test","smtp_port":587,"smtp_user":"user"},"settings":null,"default_from_address":null}`).
			is(200, `{"name":"smtp","enabled":false,"credentials":{"smtp_host":"evil.test","smtp_port":587,"smtp_user":"user"}}`)
		if got := h.provider(); strings.Contains(got, "s3cret") {
			h.Errorf("the secret went with the credentials to another server: %s", got)
		}
		h.call(bearer, "PATCH", "/emails/provider", `{"name":"mailgun"}`).
			fails(400, "invalid_body", "Payload validation error: 'Missing required property: api_key' on property credentials.")
		h.call(bearer, "PATCH", "/emails/provider", `{"name":"mailgun","credentials":{"api_key":"s3cret","domain":"x.test","region":"eu"}}`).
			is(200, `{"name":"mailgun","enabled":false,"credentials":{"domain":"x.test","region":"eu"}}`)
		h.call(bearer, "PATCH", "/emails/provider", `{"credentials":{"domain":"x.test","region":null}}`).fails(400, "invalid_body", "Payload validation error: 'Missing required property: api_key' on property credentials.")
		h.call(bearer, "PATCH", "/emails/provider", `{"credentials":{"api_key":"s3cret","domain":"x.test","region":null}}`).is(200, `{"name":"mailgun","enabled":false,"credentials":{"domain":"x.test"}}`)
		h.call(bearer, "PATCH", "/emails/provider", `{"credentials":{"domain":"x.test","region":null}}`).is(200, `{"name":"mailgun","enabled":false,"credentials":{"domain":"x.test"}}`)
		h.call(bearer, "PATCH", "/emails/provider", `{"credentials":{"api_key":"s3cret","domain":"x.test","region":"us"}}`).
			fails(400, "invalid_body", "Payload validation error: 'No enum match for: us' on property credentials.region.")
		h.kept("s3cret")
		h.call(bearer, "PATCH", "/emails/provider", `{"name":"sendgrid","credentials":{"api_key":"s3cret"}}`).is(200, "")
		h.call(bearer, "PATCH", "/emails/provider", `{"name":"mandrill"}`).
			fails(400, "invalid_body", "Payload validation error: 'Missing required property: api_key' on property credentials.")
		h.kept(`"name":"sendgrid"`)
		h.call(bearer, "PATCH", "/emails/provider", `{"name":"custom"}`).is(200, `{"name":"custom","enabled":false,"credentials":{}}`)
		if got := h.provider(); strings.Contains(got, "s3cret") {
			h.Errorf("the secret went to another provider: %s", got)
		}
		h.call(bearer, "DELETE", "/emails/provider", "").is(204, "")
		h.call(bearer, "GET", all, "").is(404, "")
		for body, message := range map[string]string{
			`{"name":"post","credentials":{}}`:                                   "Payload validation error: 'No enum match for: post' on property name (Name of the email provider).",
			`{"name":"smtp"}`:                                                    "Payload validation error: 'Missing required property: credentials'.",
			`{"name":"smtp","credentials":{"smtp_host":"x"}}`:                    "Payload validation error: 'Missing required property: smtp_port' on property credentials.",
			`{"name":"smtp","credentials":{"smtp_host":"x","smtp_port":0}}`:      "Payload validation error: 'Not a port: 0' on property credentials.smtp_port.",
			`{"name":"smtp","credentials":{"smtp_host":"x","smtp_port":65536}}`:  "Payload validation error: 'Not a port: 65536' on property credentials.smtp_port.",
			`{"name":"smtp","credentials":{"smtp_host":"x","smtp_port":"25"}}`:   "Payload validation error: 'Expected type integer but found type string' on property credentials.smtp_port.",
			`{"name":"sendgrid","credentials":{"api_key":""}}`:                   "Payload validation error: 'Missing required property: api_key' on property credentials.",
			`{"name":"custom","credentials":{"x":"y"}}`:                          "Payload validation error: 'Additional properties not allowed: x' on property credentials.",
			`{"name":"custom","credentials":{},"default_from_address":"nobody"}`: "Payload validation error: 'Object didn't pass validation for format email: nobody' on property default_from_address.",
			`{"name":"custom","credentials":{},"settings":[]}`:                   "Payload validation error: 'Expected type object but found type array' on property settings.",
		} {
			h.call(bearer, "POST", "/emails/provider", body).fails(400, "invalid_body", message)
		}
		for name, row := range map[string][2]string{
			"mandrill": {`{"api_key":"s3cret"}`, `{}`}, "sendgrid": {`{"api_key":"s3cret"}`, `{}`}, "resend": {`{"api_key":"s3cret"}`, `{}`},
			"sparkpost": {`{"api_key":"s3cret","region":"eu"}`, `{"region":"eu"}`},
			"ses":       {`{"accessKeyId":"s3cret","secretAccessKey":"s3cret","region":"eu-west-1"}`, `{"region":"eu-west-1"}`},
			"azure_cs":  {`{"connectionString":"endpoint=https://x.test;accesskey=s3cret"}`, `{}`},
			"ms365":     {`{"tenantId":"s3cret","clientId":"s3cret","clientSecret":"s3cret"}`, `{}`}, "custom": {`{}`, `{}`},
		} {
			h.call(bearer, "POST", "/emails/provider", `{"name":"`+name+`","credentials":`+row[0]+`}`).
				is(201, `{"name":"`+name+`","enabled":true,"credentials":`+row[1]+`}`)
			h.call(bearer, "DELETE", "/emails/provider", "").is(204, "")
		}
		if logs := h.call(bearer, "GET", "/logs?per_page=100", "").is(200, ""); strings.Contains(logs.body, "s3cret") {
			h.Error("the log tells a secret")
		}
	})
}

// provider is what is kept of the provider of acme.
func (h *house) provider() string {
	h.Helper()
	kept := map[string]any{}
	h.ok(h.store("acme").Setting(h.Context(), "emails/provider", &kept))
	return encode(kept)
}

func (h *house) kept(text string) {
	h.Helper()
	if got := h.provider(); !strings.Contains(got, text) {
		h.Errorf("%s is not kept in %s", text, got)
	}
}

// A template is tried by a mail, about somebody made up; what it fails at is said.
func TestEmailTemplateTried(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme", "create:email_templates", "update:email_templates")
		try := func(name, body string) answer { return h.call(bearer, "POST", "/email-templates/"+name+"/try", body) }
		try("verify_email", `{"to":"Ada@example.com"}`).fails(404, "inexistent_email_template", "The template does not exist.")
		h.call(bearer, "POST", "/email-templates", `{"template":"blocked_account","body":"x","from":"","subject":"","syntax":"liquid","enabled":true}`).is(200, "")
		try("blocked_account", `{"to":"ada@example.com"}`).fails(400, "no_email_provider", "There is nobody who could send the mail: the tenant has no e-mail provider that is switched on, and the server no mail server.")
		h.call(h.machine("acme"), "POST", "/emails/provider", `{"name":"sendgrid","credentials":{"api_key":"s3cret"}}`).is(201, "")
		for name, body := range map[string]string{
			"verify_email": "<p>{{ user.name }} {{ url }} {{ application.name }}</p>", "change_password": "{{ code }}", "user_invitation": "{{ organization.display_name }} {{ inviter.name }}",
			"account_changed": "{{ change }}", "welcome_email": "{{ email }}",
		} {
			h.call(bearer, "POST", "/email-templates", `{"template":"`+name+`","body":`+encode(body)+`,"from":"","subject":"","syntax":"liquid","enabled":false}`).is(200, "")
			try(name, `{"to":"Ada@example.com"}`).is(202, `{"code":202,"message":"Test notification successfully sent for processing"}`)
			got := h.sent[len(h.sent)-1]
			want := map[string]string{
				"verify_email": "<p>Ada Example https://acme.test/ Your application</p>", "change_password": "123456", "user_invitation": "Your organization Ada Example", "account_changed": "email", "welcome_email": "ada@example.com",
			}
			if got.To != "ada@example.com" || got.HTML != want[name] || got.Subject == "" {
				h.Errorf("%s: %+v", name, got)
			}
		}
		h.call(bearer, "PATCH", "/email-templates/verify_email", `{"body":"{{ user.name | divided_by: 0 }}"}`).is(200, "")
		if got := try("verify_email", `{"to":"ada@example.com"}`).is(400, ""); got.text("errorCode") != "invalid_template" {
			h.Errorf("%v", got)
		}
		try("welcome_email", `{"to":"nobody"}`).fails(400, "invalid_body", payload(`Object didn't pass validation for format email: nobody' on property to`))
		try("nothing", `{"to":"ada@example.com"}`).is(400, "")
		h.refusing = errors.New("relay.internal is down")
		try("welcome_email", `{"to":"ada@example.com"}`).fails(400, "email_provider_error", "The mail could not be sent. The log of the server says why.")
		if logged := strings.Join(h.logged("acme"), "\n"); !strings.Contains(logged, "fn A mail could not be sent.") || strings.Contains(logged, "relay.internal") {
			h.Errorf("logged %s", logged)
		}
		h.call(h.machine("acme", "read:email_templates"), "POST", "/email-templates/welcome_email/try", `{"to":"ada@example.com"}`).is(403, "")
	})
}

func TestEmailTemplates(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		h.call(bearer, "GET", "/email-templates/verify_email", "").fails(404, "inexistent_email_template", "The template does not exist.")
		h.call(bearer, "PATCH", "/email-templates/verify_email", `{"enabled":false}`).fails(404, "inexistent_email_template", "The template does not exist.")
		whole := `{"template":"verify_email","body":"<p>{{ url }}</p>","from":"me@x.test","resultUrl":"https://x.test/done","subject":"Hi","syntax":"liquid","enabled":true,"includeEmailInRedirect":true}`
		h.call(bearer, "PUT", "/email-templates/verify_email", whole).fails(404, "inexistent_email_template", "The template does not exist.")
		h.call(bearer, "POST", "/email-templates", whole).is(200, whole)
		h.call(bearer, "POST", "/email-templates", whole).fails(409, "", "Template verify_email already exists.")
		h.call(bearer, "GET", "/email-templates/verify_email", "").is(200, whole)
		h.call(bearer, "GET", "/email-templates/verify_email?fields=subject", "").is(200, `{"subject":"Hi"}`)
		h.callTo("other", h.machine("other"), "GET", "/email-templates/verify_email", "").is(404, "")
		h.call(bearer, "PATCH", "/email-templates/verify_email", `{"enabled":false,"urlLifetimeInSeconds":60,"resultUrl":null}`).
			is(200, `{"template":"verify_email","body":"<p>{{ url }}</p>","from":"me@x.test","subject":"Hi","syntax":"liquid","enabled":false,"includeEmailInRedirect":true,"urlLifetimeInSeconds":60}`)
		replaced := `{"template":"verify_email","body":"x","from":"","subject":"Ho","syntax":"liquid","enabled":true}`
		h.call(bearer, "PUT", "/email-templates/verify_email", replaced).is(200, replaced)
		for body, message := range map[string]string{
			`{"body":"x"}`:                                                   "Payload validation error: 'Missing required property: template'.",
			`{"template":"nothing"}`:                                         "Payload validation error: 'No enum match for: nothing' on property template (Template name).",
			`{"template":"welcome_email","body":"x"}`:                        "Payload validation error: 'Missing required property: from'.",
			`{"template":"welcome_email","extra":true}`:                      "Payload validation error: 'Additional properties not allowed: extra'.",
			strings.Replace(whole, "{{ url }}", "{% if %}", 1):               "",
			strings.Replace(whole, "{{ url }}", "{% include 'x' %}", 1):      "",
			strings.Replace(whole, "https://x.test/done", "javascript:x", 1): "Payload validation error: 'Object didn't pass validation for format url: javascript:x' on property resultUrl.",
		} {
			if got := h.call(bearer, "POST", "/email-templates", body); message == "" {
				got.is(400, "")
			} else {
				got.fails(400, "invalid_body", message)
			}
		}
		h.call(bearer, "GET", "/email-templates/nothing", "").is(400, "")
		for _, name := range []string{
			"verify_email_by_code", "auth_email_by_code", "reset_email", "reset_email_by_code", "welcome_email", "blocked_account", "stolen_credentials",
			"enrollment_email", "mfa_oob_code", "user_invitation", "change_password", "password_reset", "async_approval",
			"account_code", "account_changed", "account_deleted",
		} {
			h.call(bearer, "GET", "/email-templates/"+name, "").is(404, "")
			h.call(bearer, "POST", "/email-templates", strings.Replace(whole, "verify_email", name, 1)).is(200, "")
			h.call(bearer, "GET", "/email-templates/"+name, "").is(200, strings.Replace(whole, "verify_email", name, 1))
		}
	})
}
