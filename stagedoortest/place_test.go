package stagedoortest_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/geoip/geoiptest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// TestPlaces: what databases of addresses know of a request is there for rules, actions, logs, sessions, people and network access lists.
func TestPlaces(t *testing.T) {
	const berlin, paris = "203.0.113.9", "198.51.100.7"
	files := []string{geoiptest.Cities(t), geoiptest.Networks(t)}
	eachWorldWith(t, func(o *stagedoortest.Options) {
		o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		o.Configure = func(c *config.Config) { c.GeoIP = files }
	}, func(t *testing.T, w *world) {
		h := w.a
		b := h.browser()
		b.from = berlin
		b.login(h.request())

		const geoip = `city_name:Berlin continent_code:EU country_code:DE country_code3:DEU country_name:Germany latitude:52.52 longitude:13.4 ` +
			`subdivision_code:BE subdivision_name:Land Berlin time_zone:Europe/Berlin`
		const rule = `context.idToken['https://x.example/said'] = context.request.geoip; callback(null, user, context);`
		if got := fmt.Sprint(h.said(b, rule)); got != "map["+geoip+"]" {
			t.Errorf("a rule sees %s", got)
		}
		nobody := h.browser()
		nobody.login(h.request())
		if got := fmt.Sprint(h.said(nobody, rule)); got != "map[]" { // not undefined: rules look into it
			t.Errorf("of an address that is not known a rule sees %s", got)
		}

		action := h.create("actions/actions", map[string]any{
			"name": "Where", "supported_triggers": []map[string]any{{"id": "post-login", "version": "v3"}},
			"code": `exports.onExecutePostLogin = async (event, api) => { const r = event.request;
				api.idToken.setCustomClaim('https://x.example/said', [r.asn, r.geoip.cityName, r.geoip.countryCode3, r.geoip.latitude, event.session.device.initial_asn, event.session.device.last_asn]); };`,
		})
		h.want(200, h.api("POST", "/actions/actions/"+action["id"].(string)+"/deploy", nil, nil))
		h.want(200, h.api("PATCH", "/actions/triggers/post-login/bindings", map[string]any{"bindings": []map[string]any{
			{"ref": map[string]any{"type": "action_id", "value": action["id"]}, "display_name": "Where"},
		}}, nil))
		b.from = "203.0.113.200" // another network of the same city
		if got := fmt.Sprint(h.said(b, "callback(null, user, context);")); got != "[64501 Berlin DEU 52.52 64500 64501]" && got != "[64501 Berlin DEU 52.52 64500 64500]" {
			t.Errorf("an action sees %s", got)
		}

		var logs []struct {
			Type, IP string
			Location map[string]any `json:"location_info"`
		}
		h.want(200, h.api("GET", "/logs?per_page=50", nil, &logs))
		seen := map[string]string{}
		for _, e := range logs {
			if e.Type == "s" {
				seen[e.IP] = fmt.Sprint(e.Location)
			}
		}
		if seen[berlin] != "map["+geoip+"]" || seen["127.0.0.1"] != "map[]" {
			t.Errorf("logs tell %v", seen)
		}

		var sessions struct {
			Sessions []struct {
				Device map[string]any `json:"device"`
			} `json:"sessions"`
		}
		h.want(200, h.api("GET", "/users/"+h.user+"/sessions", nil, &sessions))
		networks := map[any]bool{}
		for _, s := range sessions.Sessions {
			networks[s.Device["initial_asn"]] = true
		}
		if !networks["64500"] || !networks[""] {
			t.Errorf("sessions began in networks %v", networks)
		}

		h.settings(map[string]any{"enabled_locales": []string{"en", "de"}, "stagedoor": map[string]any{"account": map[string]any{"client_id": h.site}}})
		if page := b.get("/account", "Accept-Language", "de").body; !strings.Contains(page, "Berlin, Deutschland") {
			t.Errorf("people do not see where they signed in: %s", page)
		}

		if got := b.get("/user/geoloc/country", "Accept-Language", "ja").body; strings.TrimSpace(got) != `{"country_code":"DE"}` {
			t.Errorf("Lock gets %s", got)
		}

		acl := func(match string) {
			t.Helper()
			var old []map[string]any
			h.api("GET", "/network-acls", nil, &old)
			for _, a := range old {
				h.want(200, h.api("DELETE", "/network-acls/"+a["id"].(string), nil, nil))
			}
			kind, list, _ := strings.Cut(match, " ")
			criterion, values, _ := strings.Cut(list, " ")
			var value any = strings.Fields(values)
			if criterion == "asns" {
				value = []int{64500}
			}
			h.create("network-acls", map[string]any{"description": match, "active": true, "priority": 1, "rule": map[string]any{
				"action": map[string]any{"block": true}, kind: map[string]any{criterion: value}, "scope": "authentication",
			}})
		}
		const us = "2001:db8:1::5"
		for match, blocked := range map[string]string{
			"match geo_country_codes FR US": paris + " " + us, "not_match geo_country_codes DE": paris + " " + us + " 192.0.2.1",
			"match geo_subdivision_codes US-NY DE-BB": us, "match asns 64500": berlin,
		} {
			acl(match)
			for _, ip := range []string{berlin, paris, us, "192.0.2.1"} {
				want := 200
				if strings.Contains(" "+blocked+" ", " "+ip+" ") {
					want = 403
				}
				if got := w.send("GET", h.base+discovery, "", "X-Forwarded-For", ip); got.StatusCode != want {
					t.Errorf("%s: %s gets %d, want %d", match, ip, got.StatusCode, want)
				}
			}
		}
	})
}
