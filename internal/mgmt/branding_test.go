package mgmt

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
)

func TestBranding(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		h.call(bearer, "GET", "/branding", "").is(200, `{}`)
		whole := `{"colors":{"primary":"#ea5323","page_background":{"type":"linear-gradient","start":"#000000","end":"#ffffff","angle_deg":35}},"favicon_url":"https://x.test/favicon.ico","logo_url":"https://x.test/logo.png","font":{"url":"https://x.test/font.otf"}}`
		h.call(bearer, "PATCH", "/branding", whole).is(200, whole)
		h.call(bearer, "GET", "/branding", "").is(200, whole)
		h.call(bearer, "PATCH", "/branding", `{"colors":{"primary":null,"page_background":"#000000"},"favicon_url":null,"font":null}`).
			is(200, `{"colors":{"page_background":"#000000"},"logo_url":"https://x.test/logo.png"}`)
		h.call(bearer, "PATCH", "/branding", "").is(200, `{"colors":{"page_background":"#000000"},"logo_url":"https://x.test/logo.png"}`) // the Go SDK does so
		h.callTo("other", h.machine("other"), "GET", "/branding", "").is(200, `{}`)
		for body, message := range map[string]string{
			`{"logo_url":"http://x.test/a.png"}`:          "Payload validation error: 'Object didn't pass validation for format strict-https-uri-or-null: http://x.test/a.png' on property logo_url.",
			`{"font":{"url":"x"}}`:                        "Payload validation error: 'Object didn't pass validation for format strict-https-uri-or-null: x' on property font.url.",
			`{"colors":{"primary":"red"}}`:                "",
			`{"colors":{"page_background":"red"}}`:        "",
			`{"colors":{"page_background":{"type":"x"}}}`: "",
			`{"colors":{"page_background":1}}`:            "Payload validation error: 'Expected type string but found type integer' on property colors.page_background.",
			`{"logo":"x"}`:                                "Payload validation error: 'Additional properties not allowed: logo'.",
		} {
			if got := h.call(bearer, "PATCH", "/branding", body); message == "" {
				got.is(400, "")
			} else {
				got.fails(400, "invalid_body", message)
			}
		}
		h.call(bearer, "GET", "/branding", "").is(200, `{"colors":{"page_background":"#000000"},"logo_url":"https://x.test/logo.png"}`)
	})
}

const page0 = `<!DOCTYPE html><html><head>{%- auth0:head -%}</head><body>{%- auth0:widget -%}</body></html>`

func TestPageTemplate(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		const path = "/branding/templates/universal-login"
		h.call(bearer, "GET", path, "").fails(404, "inexistent_templates_universal_login", "Template does not exist.")
		quoted, _ := json.Marshal(page0)
		h.call(bearer, "PUT", path, string(quoted)).is(201, `{}`)
		h.call(bearer, "PUT", path, `{"template":`+string(quoted)+`}`).is(204, "")
		h.call(bearer, "GET", path, "").is(200, `{"body":`+string(quoted)+`}`)
		header := http.Header{"Authorization": {"Bearer " + bearer}, "Content-Type": {"text/html; charset=utf-8"}}
		h.send("acme", "PUT", path, page0+"<!-- raw -->", header).is(204, "")
		if got := h.call(bearer, "GET", path, "").text("body"); got != page0+"<!-- raw -->" {
			h.Errorf("raw: %s", got)
		}
		for _, wrong := range []string{`"<html>{%- auth0:head -%}</html>"`, `{"template":1}`, `{}`, `[]`, `"{% if %}{%- auth0:head -%}{%- auth0:widget -%}"`, `"` + strings.Repeat("x", 100<<10) + `{%- auth0:head -%}{%- auth0:widget -%}"`} {
			h.call(bearer, "PUT", path, wrong).is(400, "")
		}
		h.callTo("other", h.machine("other"), "GET", path, "").is(404, "")
		h.call(bearer, "DELETE", path, "").is(204, "")
		h.call(bearer, "GET", path, "").is(404, "")
		h.call(bearer, "PUT", path, string(quoted)).is(201, `{}`)
	})
}

const theme = `{"borders":{"button_border_radius":2,"button_border_weight":2,"buttons_style":"pill","input_border_radius":2,"input_border_weight":2,"inputs_style":"pill","show_widget_shadow":true,"widget_border_weight":2,"widget_corner_radius":2},
"colors":{"body_text":"#00FF00","error":"#00FF00","header":"#00FF00","icons":"#00FF00","input_background":"#00FF00","input_border":"#00FF00","input_filled_text":"#00FF00","input_labels_placeholders":"#00FF00","links_focused_components":"#00FF00","primary_button":"#00FF00","primary_button_label":"#00FF00","secondary_button_border":"#00FF00","secondary_button_label":"#00FF00","success":"#00FF00","widget_background":"#00FF00","widget_border":"#00FF00"},
"fonts":{"body_text":{"bold":true,"size":100},"buttons_text":{"bold":true,"size":100},"font_url":"https://x.test/font.woff","input_labels":{"bold":true,"size":100},"links":{"bold":true,"size":100},"links_style":"normal","reference_text_size":12,"subtitle":{"bold":true,"size":100},"title":{"bold":true,"size":100}},
"page_background":{"background_color":"#000000","background_image_url":"https://x.test/background.png","page_layout":"center"},
"widget":{"header_text_alignment":"center","logo_height":55,"logo_position":"center","logo_url":"https://x.test/logo.png","social_buttons_layout":"top"}`

func TestThemes(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		h.call(bearer, "GET", "/branding/themes/default", "").fails(404, "theme_not_found", "There was an error retrieving branding settings: invalid theme ID")
		created := h.call(bearer, "POST", "/branding/themes", theme+`}`).is(200, "")
		id := created.text("themeId")
		created.is(200, theme+`,"displayName":"","themeId":"`+id+`"}`)
		if len(id) != 32 {
			h.Errorf("id %s", id)
		}
		h.call(bearer, "POST", "/branding/themes", theme+`,"displayName":"second"}`).is(200, "")
		h.call(bearer, "GET", "/branding/themes/default", "").is(200, created.body)
		h.call(bearer, "GET", "/branding/themes/"+id, "").is(200, created.body)
		h.callTo("other", h.machine("other"), "GET", "/branding/themes/"+id, "").is(404, "")
		changed := theme + `,"displayName":"Mine","identifiers":{"login_display":"unified"}`
		h.call(bearer, "PATCH", "/branding/themes/"+id, changed+`}`).is(200, changed+`,"themeId":"`+id+`"}`)
		h.call(bearer, "PATCH", "/branding/themes/"+id, `{"displayName":"x"}`).fails(400, "invalid_body", "Payload validation error: 'Missing required property: borders'.")
		h.call(bearer, "POST", "/branding/themes", strings.Replace(theme, `"pill"`, `"round"`, 1)+"}").
			fails(400, "invalid_body", "Payload validation error: 'No enum match for: round' on property borders.buttons_style (Buttons style).")
		h.call(bearer, "POST", "/branding/themes", strings.Replace(theme, `https://x.test/logo`, `http://x.test/logo`, 1)+"}").is(400, "")
		h.call(bearer, "DELETE", "/branding/themes/"+id, "").is(204, "")
		h.call(bearer, "GET", "/branding/themes/"+id, "").fails(404, "theme_not_found", "There was an error retrieving branding settings: invalid theme ID")
		h.call(bearer, "PATCH", "/branding/themes/"+id, theme+"}").fails(404, "theme_not_found", "There was an error updating branding settings: invalid theme ID")
		h.call(bearer, "DELETE", "/branding/themes/"+id, "").fails(404, "theme_not_found", "There was an error deleting branding settings: invalid theme ID")
	})
}

// postman answers what a provider of phone messages would, and keeps what it was sent.
type postman struct {
	status int
	sent   []string
}

func (p *postman) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	user, password, _ := r.BasicAuth()
	p.sent = append(p.sent, r.URL.String()+" "+user+" "+password+" "+string(body))
	return &http.Response{StatusCode: p.status, Body: io.NopCloser(strings.NewReader("{}")), Header: http.Header{}}, nil
}

func TestPhone(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		post := &postman{status: 201}
		h.api.HTTP = &http.Client{Transport: post}
		const none = "Notification Resource not found"
		for _, path := range []string{"/branding/phone/providers/pro_x", "/branding/phone/templates/tem_x"} {
			h.call(bearer, "GET", path, "").fails(404, "", none)
			h.call(bearer, "PATCH", path, `{"disabled":true}`).fails(404, "", none)
			h.call(bearer, "DELETE", path, "").fails(404, "", none)
			h.call(bearer, "POST", path+"/try", `{"to":"+4912345"}`).fails(404, "", none)
		}
		h.call(bearer, "GET", "/branding/phone/providers", "").is(200, `{"providers":[]}`)
		got := h.call(bearer, "POST", "/branding/phone/templates", `{"type":"otp_verify","disabled":false,"content":{"syntax":"liquid","from":"+1000","body":{"text":"{{ code }} {% if user.city %}x{% endif %}","voice":"v"}}}`).is(201, "")
		tem := got.text("id")
		times := `"created_at":"2026-11-25T12:00:00.000Z","updated_at":"2026-11-25T12:00:00.000Z"`
		same := `{"id":"` + tem + `","tenant":"acme.test","channel":"phone","customizable":true,"type":"otp_verify",` + times
		got.is(201, same+`,"disabled":false,"content":{"syntax":"liquid","from":"+1000","body":{"text":"{{ code }} {% if user.city %}x{% endif %}","voice":"v"}}}`)
		h.call(bearer, "POST", "/branding/phone/templates", `{"type":"otp_verify"}`).fails(409, "", "There is a template of the type otp_verify already.")
		h.call(bearer, "POST", "/branding/phone/templates", `{"type":"otp_enroll","content":{"body":{"text":"{% if %}"}}}`).is(400, "")
		h.call(bearer, "POST", "/branding/phone/templates", `{"type":"other"}`).is(400, "")
		h.call(bearer, "POST", "/branding/phone/templates/"+tem+"/try", `{"to":"+4912345"}`).fails(400, "no_phone_provider", "There is no phone provider that could send the message.")
		h.call(bearer, "POST", "/branding/phone/providers", `{"name":"twilio","configuration":{"delivery_methods":["text"]},"credentials":{}}`).
			fails(400, "invalid_body", "Payload validation error: 'Missing required property: sid' on property configuration.")
		got = h.call(bearer, "POST", "/branding/phone/providers", `{"name":"twilio","configuration":{"sid":"AC1","default_from":"+1999","delivery_methods":["text"]},"credentials":{"auth_token":"s3cret"}}`).is(201, "")
		pro := got.text("id")
		shown := `{"id":"` + pro + `","tenant":"acme.test","name":"twilio","channel":"phone","disabled":false,"configuration":{"sid":"AC1","default_from":"+1999","delivery_methods":["text"]},` + times + `}`
		got.is(201, shown)
		h.call(bearer, "GET", "/branding/phone/providers/"+pro, "").is(200, shown)
		h.call(bearer, "GET", "/branding/phone/providers?disabled=false", "").is(200, `{"providers":[`+shown+`]}`)
		h.call(bearer, "GET", "/branding/phone/providers?disabled=true", "").is(200, `{"providers":[]}`)

		sent := `{"code":202,"message":"Test notification successfully sent for processing"}`
		h.call(bearer, "POST", "/branding/phone/templates/"+tem+"/try", `{"to":"+4912345","delivery_method":"text"}`).is(202, sent)
		post.status = 401
		h.call(bearer, "POST", "/branding/phone/providers/"+pro+"/try", `{"to":"+4912345"}`).is(202, sent)
		h.call(bearer, "POST", "/branding/phone/providers/"+pro+"/try", `{"to":"+4912345","delivery_method":"voice"}`).is(501, "")
		if want := `["https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json AC1 s3cret Body=123456+&From=%2B1000&To=%2B4912345","https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json AC1 s3cret Body=This+is+a+test+message.&From=%2B1999&To=%2B4912345"]`; encodeAny(post.sent) != want {
			h.Errorf("sent %s", encodeAny(post.sent))
		}
		if logged := strings.Join(h.logged("acme"), "\n"); !strings.Contains(logged, "gd_send_sms Message to a phone sent") || !strings.Contains(logged, "gd_send_sms_failure The message to a phone could not be sent: the provider answered 401") || strings.Contains(logged, "s3cret") {
			h.Errorf("logged %s", logged)
		}
		_, err := h.store("acme").UpdateSettings(h.Context(), func(s *stagedoor.TenantSettings) error {
			s.Local.DevelopmentInbox = true
			return nil
		})
		h.ok(err)
		h.call(bearer, "POST", "/branding/phone/templates/"+tem+"/try", `{"to":"+4912345"}`).is(202, sent)
		mails, err := h.store("acme").Mails(h.Context())
		h.ok(err)
		if len(mails) != 1 || mails[0].To != "+4912345" || mails[0].Text != "123456 " || len(post.sent) != 2 {
			h.Errorf("inbox: %+v", mails)
		}

		h.call(bearer, "PATCH", "/branding/phone/providers/"+pro, `{"name":"custom","disabled":true,"configuration":{"delivery_methods":["voice"]},"credentials":{}}`).
			is(200, `{"id":"`+pro+`","tenant":"acme.test","name":"custom","channel":"phone","disabled":true,"configuration":{"delivery_methods":["voice"]},`+times+`}`)
		h.call(bearer, "PATCH", "/branding/phone/providers/"+pro, `{}`).fails(400, "invalid_body", payload(`Too few properties defined (0), minimum 1'`))
		h.call(bearer, "DELETE", "/branding/phone/providers/"+pro, "").is(204, "")
		h.call(bearer, "PATCH", "/branding/phone/templates/"+tem, `{"disabled":true,"content":{"body":{"voice":"w"}}}`).
			is(200, same+`,"disabled":true,"content":{"syntax":"liquid","from":"+1000","body":{"text":"{{ code }} {% if user.city %}x{% endif %}","voice":"w"}}}`)
		reset := h.call(bearer, "PATCH", "/branding/phone/templates/"+tem+"/reset", "").is(200, "")
		h.call(bearer, "GET", "/branding/phone/templates/"+tem, "").is(200, reset.body)
		if reset.get("content", "from") != "+1000" || reset.text("content", "body", "text") != "{{ code | escape }} is your verification code for {{ friendly_name | escape }}" {
			h.Errorf("reset: %s", reset.body)
		}
		h.call(bearer, "GET", "/branding/phone/templates", "").is(200, `{"templates":[`+reset.body+`]}`)
		h.call(bearer, "DELETE", "/branding/phone/templates/"+tem, "").is(204, "")
	})
}

func encodeAny(v any) string {
	b := &strings.Builder{}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return strings.TrimSpace(b.String())
}
