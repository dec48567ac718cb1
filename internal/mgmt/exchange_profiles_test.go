package mgmt

import (
	"strings"
	"testing"
)

// exchanger makes an action that looks at tokens, and returns its id.
func (h *house) exchanger() string {
	h.Helper()
	return h.call(h.machine("acme"), "POST", "/actions/actions", `{"name":"exchange","supported_triggers":[{"id":"custom-token-exchange","version":"v1"}],
		"code":"exports.onExecuteCustomTokenExchange = async (event, api) => {};"}`).is(201, "").text("id")
}

// TestExchangeProfiles refuses profiles that no exchange could use.
func TestExchangeProfiles(t *testing.T) {
	each(t, func(h *house) {
		bearer, action := h.machine("acme"), h.exchanger()
		profile := func(kind, action string) string {
			return `{"name":"tok","subject_token_type":"` + kind + `","action_id":"` + action + `","type":"custom_authentication"}`
		}
		const path, taken = "/token-exchange-profiles", "There is a token exchange profile for the subject_token_type urn:acme:old already."
		first := h.call(bearer, "POST", path, profile("urn:acme:old", action)).is(201, "").text("id")
		h.call(bearer, "POST", path, profile("urn:acme:old", action)).fails(409, "token_exchange_profile_conflict", taken)
		second := h.call(bearer, "POST", path, profile("https://x.test/okta.com", action)).is(201, "").text("id")
		h.call(bearer, "PATCH", path+"/"+second, `{"subject_token_type":"urn:acme:old"}`).fails(409, "token_exchange_profile_conflict", taken)
		h.call(bearer, "PATCH", path+"/"+first, `{"name":"old","subject_token_type":"urn:acme:old"}`).is(200, "")
		h.call(bearer, "POST", path, profile("urn:acme:new", "none")).fails(400, "invalid_body", "Payload validation error: 'There is no such action' on property action_id.")
		login := strings.TrimPrefix(h.action("login", ""), "/actions/actions/")
		h.call(bearer, "POST", path, profile("urn:acme:new", login)).
			fails(400, "invalid_body", "Payload validation error: 'The action is not one of the trigger custom-token-exchange' on property action_id.")
		for _, kind := range []string{
			"urn:ietf:params:oauth:token-type:jwt", "URN:Auth0:mine", "urn:okta:x", "http://auth0.com/oauth/token-type/apple-authz-code", "https://OKTA.com:443/x", "https://x.auth0.com/y",
		} {
			h.call(bearer, "POST", path, profile(kind, action)).fails(400, "invalid_body", "Payload validation error: 'The namespace is reserved: "+kind+"' on property subject_token_type.")
			h.call(bearer, "PATCH", path+"/"+first, `{"subject_token_type":"`+kind+`"}`).is(400, "")
		}
		h.call(bearer, "DELETE", "/actions/actions/"+action, "").
			fails(409, "", "The action is used by the token exchange profile "+first+": change that first, or delete the action with force.")
		h.call(bearer, "DELETE", "/actions/actions/"+action+"?force=true", "").is(204, "")
		h.call(bearer, "GET", path, "").is(200, `{"limit":50,"start":0,"token_exchange_profiles":[],"total":0}`)
		h.call(bearer, "DELETE", path+"/"+first, "").is(204, "")
	})
}
