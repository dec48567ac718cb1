package mgmt

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/jose"
)

func (h *house) signingKeys() []map[string]any {
	h.Helper()
	got := h.call(h.machine("acme"), "GET", "/keys/signing", "").is(200, "")
	if strings.Contains(got.body, "PRIVATE") {
		h.Errorf("%s", got.body)
	}
	var keys []map[string]any
	h.ok(json.Unmarshal([]byte(got.body), &keys))
	return keys
}

// Rotation makes the next key sign; what the one before signed is good until it is revoked, and then no longer.
func TestSigningKeys(t *testing.T) {
	each(t, func(h *house) {
		before := h.signingKeys()
		if len(before) != 2 || before[0]["current"] != true || before[0]["current_since"] != "2026-11-25T12:00:00.000Z" || before[1]["next"] != true || before[0]["revoked"] != false {
			h.Fatalf("%v", before)
		}
		old, next := before[0]["kid"].(string), before[1]["kid"].(string)
		all := h.machine("acme") // signed by old
		h.call(all, "PUT", "/keys/signing/"+old+"/revoke", "").fails(400, "operation_not_supported", "Only a previous signing key can be revoked.")
		h.call(all, "PUT", "/keys/signing/nope/revoke", "").fails(404, "", "The signing key does not exist.")
		h.call(all, "GET", "/keys/signing/nope", "").fails(404, "", "The signing key does not exist.")
		got := h.call(all, "POST", "/keys/signing/rotate", "").is(201, "")
		if got.text("kid") != next || !strings.HasPrefix(got.text("cert"), "-----BEGIN CERTIFICATE") {
			h.Errorf("rotated: %s", got.body)
		}
		after := h.signingKeys() // the old token still verifies
		if len(after) != 3 || after[0]["kid"] != next || after[1]["next"] != true || after[2]["kid"] != old || after[2]["previous"] != true || after[2]["current_until"] == nil {
			h.Errorf("after: %v", after)
		}
		// What is signed now is signed by the next key.
		stored, err := h.store("acme").SigningKeys(context.Background())
		h.ok(err)
		for _, k := range stored {
			if k.KID == next {
				key, err := jose.ParseKey(k.KID, jose.RS256, k.Private)
				h.ok(err)
				h.signers["acme"], err = key.Signer("at+jwt")
				h.ok(err)
			}
		}
		fresh := h.machine("acme")
		h.call(fresh, "GET", "/keys/signing/"+old, "").is(200, "")
		jwks, err := h.api.Keys.JWKS(context.Background(), h.store("acme"))
		h.ok(err)
		if !strings.Contains(string(jwks), old) || strings.Count(string(jwks), `"kid"`) != 6 {
			h.Errorf("key set: %s", jwks)
		}
		got = h.call(fresh, "PUT", "/keys/signing/"+old+"/revoke", "").is(200, "")
		if got.text("kid") != old || got.text("revoked_at") == "" {
			h.Errorf("revoked: %s", got.body)
		}
		h.call(fresh, "PUT", "/keys/signing/"+old+"/revoke", "").is(200, got.body)
		if shown := h.call(fresh, "GET", "/keys/signing/"+old, ""); shown.get("revoked") != true || shown.text("revoked_at") != got.text("revoked_at") {
			h.Errorf("revoked: %s", shown.body)
		}
		if got := h.call(all, "GET", "/keys/signing", ""); got.code != 401 || got.text("message") != "Invalid signature received for JSON Web Token validation" {
			h.Errorf("a token of a revoked key: %d %s", got.code, got.body)
		}
		if jwks, err = h.api.Keys.JWKS(context.Background(), h.store("acme")); err != nil || strings.Contains(string(jwks), old) {
			h.Errorf("key set: %v %s", err, jwks)
		}
		if other, err := h.store("other").SigningKeys(context.Background()); err != nil || len(other) != 2 || other[0].State != "current" {
			h.Errorf("another tenant's keys: %v %v", err, other)
		}
	})
}
