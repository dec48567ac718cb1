package mgmt

import (
	"strings"
	"testing"
)

func TestNetworkACLs(t *testing.T) {
	each(t, func(h *house) {
		bearer := h.machine("acme")
		rule := `"rule":{"action":{"block":true},"match":{"ipv4_cidrs":["203.0.113.0/24"]},"scope":"authentication"}`
		got := h.call(bearer, "POST", "/network-acls", `{"description":"bad","active":true,"priority":2,`+rule+`}`)
		id := got.text("id")
		times := `,"created_at":"2026-11-25T12:00:00.000Z","updated_at":"2026-11-25T12:00:00.000Z"`
		want := `{"id":"` + id + `","description":"bad","active":true,"priority":2,` + rule + times
		got.is(201, want+"}")
		h.call(bearer, "GET", "/network-acls/"+id, "").is(200, want+`,"tenant_id":"acme","deleted_at":null}`)
		h.call(bearer, "GET", "/network-acls", "").is(200, "["+want+"}]")
		h.call(bearer, "GET", "/network-acls?include_totals=true", "").is(200, `{"start":0,"limit":50,"total":1,"network_acls":[`+want+`}]}`)
		h.call(bearer, "PATCH", "/network-acls/"+id, `{"description":"worse"}`).is(200, `{"id":"`+id+`","description":"worse","active":true,"priority":2,`+rule+times+"}")
		h.call(bearer, "PUT", "/network-acls/"+id, `{"description":"off","active":false,"rule":{"action":{"redirect":true,"redirect_uri":"https://x.test/"},"not_match":{"geo_country_codes":["DE"]},"scope":"tenant"}}`).
			is(200, `{"id":"`+id+`","description":"off","active":false,"priority":50,"rule":{"action":{"redirect":true,"redirect_uri":"https://x.test/"},"not_match":{"geo_country_codes":["DE"]},"scope":"tenant"}`+times+"}")
		h.call(bearer, "PATCH", "/network-acls/"+id, `{"active":true}`).fails(501, "not_supported", "An active network access list with geo_country_codes, for which this server has no database of addresses (--geoip), is not supported by this server.")
		if got := h.call(bearer, "GET", "/network-acls/"+id, "").is(200, ""); got.get("active") != false {
			h.Errorf("a refused change came through: %s", got.body)
		}
		for _, row := range []struct{ body, message string }{
			{`{}`, "Payload validation error: 'Missing required property: description'."},
			{`{"description":"x","active":true,"rule":{"action":{},"match":{},"scope":"tenant"}}`, "Payload validation error: 'Exactly one of block, allow and redirect must be true, or log, alone or beside one of them' on property rule.action."},
			{`{"description":"x","active":true,"rule":{"action":{"block":true,"allow":true,"log":true},"match":{},"scope":"tenant"}}`, "Payload validation error: 'Exactly one of block, allow and redirect must be true, or log, alone or beside one of them' on property rule.action."},
			{`{"description":"x","active":true,"rule":{"action":{"block":true},"scope":"tenant"}}`, "Payload validation error: 'Missing required property: match' on property rule."},
			{`{"description":"x","active":true,"rule":{"action":{"redirect":true,"redirect_uri":"javascript:x"},"match":{},"scope":"tenant"}}`, "Payload validation error: 'Object didn't pass validation for format url: javascript:x' on property rule.action.redirect_uri."},
			{`{"description":"x","active":true,"rule":{"action":{"block":true},"match":{"ipv4_cidrs":["::1"]},"scope":"tenant"}}`, "Payload validation error: 'Object didn't pass validation for format cidr: ::1' on property rule.match.ipv4_cidrs."},
		} {
			h.call(bearer, "POST", "/network-acls", row.body).fails(400, "invalid_body", row.message)
		}
		for _, name := range strings.Fields("asns geo_country_codes geo_subdivision_codes ipv4_cidrs ipv6_cidrs connecting_ipv4_cidrs connecting_ipv6_cidrs ja3_fingerprints ja4_fingerprints user_agents hostnames auth0_managed") {
			for _, match := range []string{"match", "not_match"} {
				empty := `{"rule":{"action":{"block":true},"` + match + `":{"` + name + `":[]},"scope":"tenant"}}`
				h.call(bearer, "PATCH", "/network-acls/"+id, empty).fails(400, "invalid_body", "Payload validation error: 'Array is too short (0), minimum 1' on property rule."+match+"."+name+".")
			}
		}
		h.call(bearer, "GET", "/network-acls/x", "").fails(404, "", "NetworkACL with this ID was not found")
		h.callTo("other", h.machine("other"), "PATCH", "/network-acls/"+id, `{"active":false}`).is(404, "")
		h.call(bearer, "DELETE", "/network-acls/"+id, "").is(200, `{"code":204,"object":""}`)
		h.call(bearer, "GET", "/network-acls", "").is(200, "[]")
	})
}
