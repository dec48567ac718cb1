package mgmt

import (
	"strings"
	"testing"
)

// A credential has one spelling, and one person: a passkey says whose it is.
func TestKeyIDs(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		ada, bob := "/users/"+h.user("ada", "")+"/authentication-methods", "/users/"+h.user("bob", "")+"/authentication-methods"
		key := func(id string) string {
			return `{"type":"passkey","key_id":"` + id + `","public_key":"p","relying_party_identifier":"x.test"}`
		}
		if got := h.call(all, "POST", ada, key("-_-_+A==")).is(201, ""); got.text("key_id") != "-_-_-A" {
			h.Errorf("%s", got.body)
		}
		h.call(all, "POST", bob, key("+/+/+A")).fails(409, "authentication_method_conflict", "The authentication method already exists.")
		h.call(all, "POST", bob, strings.Replace(key("-_-_-A"), "passkey", "webauthn-roaming", 1)).fails(409, "authentication_method_conflict", "The authentication method already exists.")
		h.call(all, "POST", bob, key("not base64")).fails(400, "invalid_body", "Payload validation error: 'String is not base64url' on property key_id.")
		h.call(all, "POST", bob, key("b3RoZXI")).is(201, "")
		_, userID, err := h.store("acme").KeyOwner(h.Context(), "-_-_-A")
		h.ok(err)
		if !strings.Contains(ada, strings.ReplaceAll(userID, "|", "%7C")) && !strings.Contains(ada, userID) {
			h.Errorf("the key is %s's", userID)
		}
	})
}

// The secret of a gateway that says it is base64 must be: else messages would be signed with something else.
func TestGatewaySecret(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		create := func(name, secret string, base64 string) answer {
			return h.call(all, "POST", "/connections", `{"strategy":"sms","name":"`+name+`","options":{"provider":"sms_gateway","gateway_url":"https://sms.test/","gateway_authentication":{"method":"bearer","subject":"s","audience":"a","secret":"`+secret+`","secret_base64_encoded":`+base64+`}}}`)
		}
		create("one", "not base64!", "true").fails(400, "invalid_body", "Payload validation error: 'String is not base64' on property options.gateway_authentication.secret.")
		create("two", "not base64!", "false").is(201, "")
		create("three", "c2VjcmV0", "true").is(201, "")
	})
}
