package stagedoortest_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/stagedoortest"
)

// TestLogEventsTellWhoAsked: what the log says of a request tells where it came from, what sent it and to which host, whichever door it was made to.
func TestLogEventsTellWhoAsked(t *testing.T) {
	eachWorldWith(t, func(*stagedoortest.Options) {}, func(t *testing.T, w *world) {
		h := *w.a
		h.base, h.host = w.HTTPSURL, w.Domain
		h.want(204, h.api("DELETE", "/user-blocks?identifier=nobody@x.example", nil, nil))
		h.want(201, h.api("POST", "/users/"+url.PathEscape(h.user)+"/authentication-methods", map[string]any{"type": "totp", "name": "Phone", "totp_secret": "JBSWY3DPEHPK3PXP"}, nil))
		h.want(204, h.api("DELETE", "/users/"+url.PathEscape(h.user)+"/authentication-methods", nil, nil))
		domain := h.create("custom-domains", map[string]any{"domain": "login.nowhere.invalid", "type": "self_managed_certs"})
		h.want(200, h.api("POST", "/custom-domains/"+domain["custom_domain_id"].(string)+"/verify", nil, nil))
		h.create("branding/phone/providers", map[string]any{"name": "twilio", "configuration": map[string]any{"delivery_methods": []string{"text"}, "sid": "AC1", "default_from": "+1777"}, "credentials": map[string]any{"auth_token": "x"}})
		text := h.create("branding/phone/templates", map[string]any{"type": "otp_verify", "content": map[string]any{"from": "+1777", "body": map[string]any{"text": "{{ code }}"}}})
		h.settings(map[string]any{"stagedoor": map[string]any{"development_inbox": false}})
		h.want(202, h.api("POST", "/branding/phone/templates/"+text["id"].(string)+"/try", map[string]any{"to": "+4912345"}, nil))
		h.want(200, h.api("PATCH", "/clients/"+h.site, map[string]any{"addons": map[string]any{"samlp": map[string]any{"logout": map[string]any{"callback": "https://app.example/slo"}}}}, nil))
		w.status(w.Client, h.base+"/samlp/"+h.site+"/logout?SAMLRequest=x")

		var logs []map[string]any
		h.want(200, h.api("GET", "/logs?per_page=100", nil, &logs))
		seen := map[string]bool{"ublkdu": false, "gd_unenroll": false, "custom_domain_verification_failed": false, "gd_send_sms": false, "flo": false}
		for _, e := range logs {
			kind := strings.TrimSuffix(e["type"].(string), "_failure")
			if _, asked := seen[kind]; !asked {
				continue
			}
			seen[kind] = true
			agent, _ := e["user_agent"].(string)
			if e["ip"] != "127.0.0.1" || !strings.HasPrefix(agent, "Go-http-client") || e["hostname"] != "localhost" || e["security_context"] == nil {
				t.Errorf("%s: %v", kind, e)
			}
		}
		for kind, found := range seen {
			if !found {
				t.Errorf("no event %s", kind)
			}
		}
	})
}
