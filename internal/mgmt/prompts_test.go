package mgmt

import (
	"strings"
	"testing"
)

func TestPrompts(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		h.call(bearer, "GET", "/prompts", "").is(200, `{"universal_login_experience":"new","identifier_first":false,"webauthn_platform_first_factor":false}`)
		changed := `{"universal_login_experience":"classic","identifier_first":true,"webauthn_platform_first_factor":true}`
		h.call(bearer, "PATCH", "/prompts", changed).is(200, changed)
		h.call(bearer, "PATCH", "/prompts", `{"identifier_first":null}`).is(200, `{"universal_login_experience":"classic","identifier_first":false,"webauthn_platform_first_factor":true}`)
		h.call(bearer, "PATCH", "/prompts", `{"universal_login_experience":"old"}`).
			fails(400, "invalid_body", `Payload validation error: 'No enum match for: old' on property universal_login_experience (Which login experience to use. Can be "new" or "classic").`)
		h.call(bearer, "GET", "/prompts/mfa-push", "").is(200, `{}`)
		h.call(bearer, "PATCH", "/prompts/mfa-push", `{"app_name":"Guard","apple_app_link":"https://x.test/a"}`).is(200, `{"app_name":"Guard","apple_app_link":"https://x.test/a"}`)
		h.callTo("other", h.machine("other"), "GET", "/prompts/mfa-push", "").is(200, `{}`)
	})
}

// The texts of a tenant have an end together; what is there is kept, can be replaced by less, and taken away.
func TestCustomTextHasAnEnd(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		long := `{"login":{"title":"` + strings.Repeat("a", maxBody-100) + `"}}`
		for _, language := range strings.Fields("en de fr it") {
			h.call(bearer, "PUT", "/prompts/login/custom-text/"+language, long).is(200, "")
		}
		h.call(bearer, "PUT", "/prompts/signup/custom-text/en", long).
			fails(400, "invalid_body", "The custom texts of all prompts and languages may have 4194304 bytes together.")
		h.call(bearer, "GET", "/prompts/signup/custom-text/en", "").is(200, `{}`)
		h.call(bearer, "PUT", "/prompts/login/custom-text/it", `{}`).is(200, `{}`)
		h.call(bearer, "PUT", "/prompts/signup/custom-text/en", long).is(200, "")
	})
}

func TestCustomText(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		const path = "/prompts/login/custom-text/en"
		h.call(bearer, "GET", path, "").is(200, `{}`)
		h.call(bearer, "PUT", path, `{"login":{"title":"Welcome","unknownKey":"kept"}}`).is(200, `{"login":{"title":"Welcome","unknownKey":"kept"}}`)
		h.call(bearer, "PUT", "/prompts/login/custom-text/pt-BR", `{"login":{"title":"Olá"}}`).is(200, `{"login":{"title":"Olá"}}`)
		h.call(bearer, "GET", path, "").is(200, `{"login":{"title":"Welcome","unknownKey":"kept"}}`)
		h.callTo("other", h.machine("other"), "GET", path, "").is(200, `{}`)
		h.call(bearer, "PUT", path, `{"login":{"title":1}}`).is(400, "")
		h.call(bearer, "PUT", path, `{"login":"x"}`).is(400, "")
		h.call(bearer, "PUT", path, `[]`).is(400, "")
		h.call(bearer, "GET", "/prompts/nothing/custom-text/en", "").fails(400, "invalid_uri", "Path validation error: 'No enum match for: nothing' on property prompt (Name of the prompt).")
		h.call(bearer, "GET", "/prompts/login/custom-text/xx", "").fails(400, "invalid_uri", "Path validation error: 'No enum match for: xx' on property language (Language of the custom texts).")
		h.call(bearer, "PUT", path, `{}`).is(200, `{}`)
		h.call(bearer, "GET", path, "").is(200, `{}`)
		h.call(bearer, "GET", "/prompts/login/custom-text/pt-BR", "").is(200, `{"login":{"title":"Olá"}}`)

		const partials = "/prompts/signup/partials"
		h.call(bearer, "GET", partials, "").is(200, `{}`)
		h.call(bearer, "PUT", partials, `{"signup":{"form-content-start":"<div>x</div>"},"other":{}}`).is(200, `{"signup":{"form-content-start":"<div>x</div>"}}`)
		h.call(bearer, "GET", partials, "").is(200, `{"signup":{"form-content-start":"<div>x</div>"}}`)
		h.call(bearer, "PUT", partials, `{"signup":{"form-content-start":"{% if %}"}}`).is(400, "")
		h.call(bearer, "PUT", partials, `{"signup":{"form-content-start":1}}`).is(400, "")
		h.call(bearer, "PUT", "/prompts/logout/partials", `{}`).is(400, "")
		h.call(bearer, "PUT", partials, `{"signup":{}}`).is(200, `{}`)
		h.call(bearer, "GET", partials, "").is(200, `{}`)
	})
}

func TestRendering(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		const path = "/prompts/signup/screen/signup/rendering"
		h.call(bearer, "GET", path, "").is(200, `{"tenant":"acme.test","prompt":"signup","screen":"signup","rendering_mode":"standard","context_configuration":[],"default_head_tags_disabled":false,"head_tags":[],"filters":null,"use_page_template":false}`)
		sent := `{"rendering_mode":"advanced","context_configuration":["branding.settings"],"head_tags":[{"tag":"script","content":"","attributes":{"src":"https://x.test/a.js","async":true,"integrity":["sha512-x"]}}],"filters":{"match_type":"includes_any","clients":[{"id":"x"},{"metadata":{"a":"b"}}]}`
		h.call(bearer, "PATCH", path, sent+`}`).is(200, sent+`}`)
		shown := sent + `,"prompt":"signup","screen":"signup","default_head_tags_disabled":false,"use_page_template":false`
		h.call(bearer, "GET", path, "").is(200, shown+`,"tenant":"acme.test"}`)
		bulk := `{"configs":[{"prompt":"login","screen":"login","rendering_mode":"advanced"},{"prompt":"login-id","screen":"login-id","use_page_template":true}]}`
		h.call(bearer, "PATCH", "/prompts/rendering", bulk).is(200, bulk)
		h.call(bearer, "GET", "/prompts/rendering?prompt=signup&include_totals=true", "").is(200, `{"start":0,"limit":50,"total":1,"configs":[`+shown+`}]}`)
		h.call(bearer, "GET", "/prompts/rendering?rendering_mode=advanced&fields=prompt", "").is(200, `{"configs":[{"prompt":"login"},{"prompt":"signup"}]}`)
		h.call(bearer, "PATCH", "/prompts/rendering", `{"configs":[{"prompt":"signup","screen":"x"},{"prompt":"none","screen":"x"}]}`).
			fails(400, "invalid_body", "Payload validation error: 'No enum match for: none' on property configs[1].prompt.")
		h.call(bearer, "GET", "/prompts/rendering?screen=x", "").is(200, `{"configs":[]}`)
		h.call(bearer, "PATCH", path, `{"rendering_mode":"other"}`).is(400, "")
		h.call(bearer, "PATCH", path, `{"head_tags":[{"tag":"title","content":"{% if %}"}]}`).hasCode(400, "invalid_body", "head_tags[0].content")
		h.call(bearer, "PATCH", "/prompts/rendering", `{"configs":[{"prompt":"login","screen":"login","head_tags":[{"tag":"script","attributes":{"src":"{% for %}","defer":true}}]}]}`).
			hasCode(400, "invalid_body", "configs[0].head_tags[0].attributes.src")
		h.callTo("other", h.machine("other"), "GET", "/prompts/rendering", "").is(200, `{"configs":[]}`)
	})
}
