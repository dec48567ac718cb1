package mgmt

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/geoip"
	"github.com/stagedoor/stagedoor/internal/geoip/geoiptest"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

func TestCaptchaPolicies(t *testing.T) {
	places, err := geoip.Open([]string{geoiptest.Cities(t)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHouse(t, db)
		bearer := h.machine("acme")
		const path = "/attack-protection/captcha/policies"
		h.call(bearer, "GET", path, "").is(200, "[]")
		got := h.call(bearer, "POST", path, `{"name":"Abroad","description":"d","priority":2,"match":{"geo_country_codes":["FR","US"]},
			"action":{"active_provider_id":"hcaptcha","hcaptcha":{"site_key":"k","secret":"s3cret"},"recaptcha_enterprise":{"site_key":"k","project_id":"p","api_key":"s3cret"}}}`)
		id := got.text("id")
		times := `,"created_at":"2026-11-25T12:00:00.000Z","updated_at":"2026-11-25T12:00:00.000Z"}`
		rest := `"action":{"active_provider_id":"hcaptcha","hcaptcha":{"site_key":"k"},"recaptcha_enterprise":{"site_key":"k","project_id":"p"}}` + times
		abroad := `{"id":"` + id + `","name":"Abroad","description":"d","priority":2,"match":{"geo_country_codes":["FR","US"]},` + rest
		got.is(201, abroad)
		h.call(bearer, "GET", path+"/"+id, "").is(200, abroad)
		home := h.call(bearer, "POST", path, `{"name":"Home","priority":1,"match":{"geo_country_codes":["DE"]},"action":{}}`).is(201, "").text("id")
		h.call(bearer, "GET", path, "").is(200, `[{"id":"`+home+`","name":"Home","priority":1,"match":{"geo_country_codes":["DE"]},"action":{}`+times+`,`+abroad+`]`)
		h.call(bearer, "PATCH", path+"/"+id, `{"description":null,"match":{"geo_country_codes":["FR"]}}`).
			is(200, `{"id":"`+id+`","name":"Abroad","priority":2,"match":{"geo_country_codes":["FR"]},`+rest)

		kept := func() string {
			t.Helper()
			p, err := store.CaptchaPolicies.Get(t.Context(), h.store("acme"), id)
			if err != nil {
				t.Fatal(err)
			}
			return p.Action
		}
		h.call(bearer, "PATCH", path+"/"+id, `{"action":{"hcaptcha":{"site_key":"other"}}}`).is(200, "")
		if kept() != `{"hcaptcha":{"secret":"s3cret","site_key":"other"}}` {
			t.Errorf("kept %s", kept())
		}
		h.call(bearer, "PATCH", path+"/"+id, `{"action":{"recaptcha_enterprise":{"site_key":"k","project_id":"p"}}}`).fails(400, "invalid_body", "Payload validation error: 'Missing required property: api_key' on property action.recaptcha_enterprise.")
		for _, row := range []struct {
			body    string
			status  int
			message string
		}{
			{`{"name":"x","priority":2,"match":{"geo_country_codes":["FR"]},"action":{}}`, 409, "There is a captcha policy with the priority 2 already."},
			{`{"name":"x","priority":3,"match":{},"action":{}}`, 400, "Payload validation error: 'Exactly one of auth0_managed and geo_country_codes must be specified' on property match."},
			{`{"name":"x","priority":3,"match":{"geo_country_codes":["FR"],"auth0_managed":["x"]},"action":{}}`, 400, "Payload validation error: 'Exactly one of auth0_managed and geo_country_codes must be specified' on property match."},
			{`{"name":"x","priority":3,"match":{"auth0_managed":["x"]},"action":{}}`, 501, "A captcha policy with auth0_managed, which this server cannot tell of a request, is not supported by this server."},
			{`{"name":"x","priority":3,"match":{"geo_country_codes":["FR"]},"action":{"hcaptcha":{"site_key":"k"}}}`, 400, "Payload validation error: 'Missing required property: secret' on property action.hcaptcha."},
		} {
			h.call(bearer, "POST", path, row.body).fails(row.status, map[int]string{400: "invalid_body", 409: "captcha_policy_conflict", 501: "not_supported"}[row.status], row.message)
		}
		h.call(bearer, "PATCH", path+"/"+id, `{"priority":1}`).is(409, "")
		h.callTo("other", h.machine("other"), "GET", path+"/"+id, "").is(404, "")
		h.callTo("other", h.machine("other"), "GET", path, "").is(200, "[]")
		events, _, err := h.store("acme").Logs(t.Context(), store.LogQuery{PerPage: 100})
		h.ok(err)
		if logged, err := json.Marshal(events); err != nil || !strings.Contains(string(logged), "Abroad") || strings.Contains(string(logged), "s3cret") {
			t.Errorf("log %s", logged)
		}
		h.call(bearer, "DELETE", path+"/"+id, "").is(204, "")
		h.call(bearer, "DELETE", path+"/"+id, "").fails(404, "inexistent_captcha_policy", "The captcha policy does not exist.")
		h.call(bearer, "PATCH", path+"/"+id, `{"priority":9}`).is(404, "")
	}, storetest.WithClock(func() time.Time { return start }), func(o *store.Options) { o.Places = places })
}

// TestCaptchaPolicyWithoutPlaces: what this server cannot tell is refused, rather than kept and never met.
func TestCaptchaPolicyWithoutPlaces(t *testing.T) {
	h := sqlite(t)
	h.call(h.machine("acme"), "POST", "/attack-protection/captcha/policies", `{"name":"x","priority":3,"match":{"geo_country_codes":["FR"]},"action":{}}`).
		fails(501, "not_supported", "A captcha policy with geo_country_codes, for which this server has no database of addresses (--geoip), is not supported by this server.")
}
