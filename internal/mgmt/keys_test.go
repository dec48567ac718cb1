package mgmt

import (
	"context"
	"crypto/aes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
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
		if !strings.Contains(string(jwks), old) || strings.Count(string(jwks), `"kid"`) != 3 {
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

// wrapped wraps material for a public key as CKM_RSA_AES_KEY_WRAP.
func (h *house) wrapped(public string, material []byte) string {
	h.Helper()
	block, _ := pem.Decode([]byte(public))
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	h.ok(err)
	ephemeral := make([]byte, 32)
	rand.Read(ephemeral)
	head, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, parsed.(*rsa.PublicKey), ephemeral, nil)
	h.ok(err)
	cipher, err := aes.NewCipher(ephemeral)
	h.ok(err)
	n := len(material) / 8
	data := append([]byte{0xA6, 0x59, 0x59, 0xA6, 0, 0, 0, byte(len(material))}, material...)
	buf := append([]byte{}, data[:8]...)
	buf = append(buf, make([]byte, 8)...)
	for j := range 6 {
		for i := 1; i <= n; i++ {
			copy(buf[8:], data[8*i:8*i+8])
			cipher.Encrypt(buf, buf)
			buf[7] ^= byte(n*j + i)
			copy(data[8*i:], buf[8:])
		}
	}
	copy(data, buf[:8])
	return base64.StdEncoding.EncodeToString(append(head, data...))
}

// Whoever makes the first keys may break off between the two.
func TestEncryptionKeysHalfMade(t *testing.T) {
	each(t, func(h *house) {
		all, st := h.machine("acme"), h.store("acme")
		h.ok(store.TenantKeys.Create(context.Background(), st, &stagedoor.TenantKey{KID: environmentRoot + "-acme", Type: environmentRoot, State: keyActive, Material: "x"}))
		h.call(all, "POST", "/keys/encryption", `{"type":"tenant-encryption-key"}`).is(201, "")
		got := h.call(all, "GET", "/keys/encryption?include_totals=true", "").is(200, "")
		if got.get("total") != 3.0 {
			h.Errorf("%s", got.body)
		}
	})
}

func TestEncryptionKeys(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		keys := func() []map[string]any {
			var out struct{ Keys []map[string]any }
			h.ok(json.Unmarshal([]byte(h.call(all, "GET", "/keys/encryption?page=0&per_page=50&include_totals=true", "").is(200, "").body), &out))
			return out.Keys
		}
		before := keys()
		if len(before) != 2 || before[0]["type"] != "tenant-master-key" || before[0]["state"] != "active" || before[0]["parent_kid"] != before[1]["kid"] || before[1]["type"] != "environment-root-key" {
			h.Fatalf("%v", before)
		}
		got := h.call(all, "POST", "/keys/encryption", `{"type":"customer-provided-root-key"}`).is(201, "")
		kid := got.text("kid")
		const stamps = `"created_at":"2026-11-25T12:00:00.000Z","updated_at":"2026-11-25T12:00:00.000Z","parent_kid":null}`
		want := `{"kid":"` + kid + `","type":"customer-provided-root-key","state":"pre-activation",` + stamps
		got.is(201, want)
		path := "/keys/encryption/" + kid
		h.call(all, "GET", path, "").is(200, want)
		h.call(all, "POST", path, `{"wrapped_key":"AAAA"}`).fails(400, "operation_not_supported", "Create a wrapping key first.")
		wrapping := h.call(all, "POST", path+"/wrapping-key", "").is(201, "")
		if wrapping.text("algorithm") != "CKM_RSA_AES_KEY_WRAP" {
			h.Errorf("%s", wrapping.body)
		}
		h.call(all, "POST", path, `{"wrapped_key":"?"}`).fails(400, "invalid_body", payload(`Object didn't pass validation for format base64' on property wrapped_key`))
		const refused = `The key must be an AES-256 key, wrapped as CKM_RSA_AES_KEY_WRAP for the public wrapping key' on property wrapped_key`
		h.call(all, "POST", path, `{"wrapped_key":"AAAA"}`).fails(400, "invalid_body", payload(refused))
		h.call(all, "POST", path, `{"wrapped_key":"`+h.wrapped(wrapping.text("public_key"), make([]byte, 16))+`"}`).fails(400, "invalid_body", payload(refused))
		h.call(all, "GET", path, "").is(200, want)
		want = strings.Replace(want, "pre-activation", "active", 1)
		h.call(all, "POST", path, `{"wrapped_key":"`+h.wrapped(wrapping.text("public_key"), make([]byte, 32))+`"}`).is(201, want)
		const late = "Key material can only be given to a customer-provided-root-key in state pre-activation."
		h.call(all, "POST", path, `{"wrapped_key":"AAAA"}`).fails(400, "operation_not_supported", late)
		h.call(all, "POST", path+"/wrapping-key", "").fails(400, "operation_not_supported", late)

		h.call(all, "POST", "/keys/encryption/rekey", "").is(204, "")
		after := keys()
		if after[0]["type"] != "tenant-master-key" || after[0]["kid"] == before[0]["kid"] || after[0]["parent_kid"] != kid || after[2]["kid"] != before[0]["kid"] || after[2]["state"] != "destroyed" {
			h.Errorf("after rekey: %v", after)
		}
		if got := h.call(all, "POST", "/keys/encryption", `{"type":"tenant-encryption-key"}`).is(201, ""); got.text("parent_kid") != after[0]["kid"] || got.text("state") != "active" {
			h.Errorf("below the master key: %s", got.body)
		}
		h.call(all, "DELETE", path, "").is(204, "")
		h.call(all, "GET", path, "").is(200, strings.Replace(want, `"active"`, `"destroyed"`, 1))
		h.call(all, "DELETE", path, "").is(204, "")
		h.call(all, "DELETE", "/keys/encryption/nope", "").is(204, "")
		h.call(all, "GET", "/keys/encryption/nope", "").fails(404, "", "The encryption key does not exist.")
		h.call(all, "DELETE", "/keys/encryption/"+after[0]["kid"].(string), "").fails(400, "operation_not_supported", "This key is in use and cannot be deleted.")
		h.call(all, "POST", "/keys/encryption", `{"type":"tenant-master-key"}`).
			fails(400, "invalid_body", payload(`No enum match for: tenant-master-key' on property type (Type of the encryption key to be created)`))
	})
}

func TestCustomSigningKeys(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		h.call(all, "GET", "/keys/custom-signing", "").fails(404, "", "No custom signing keys found.")
		const key = `{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"k","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
		h.call(all, "PUT", "/keys/custom-signing", `{"keys":[`+key+`]}`).is(200, `{"keys":[`+key+`]}`)
		h.call(all, "GET", "/keys/custom-signing", "").is(200, `{"keys":[`+key+`]}`)
		for _, bad := range []string{
			`{"kty":"oct","k":"c2VjcmV0"}`, strings.Replace(key, `"x":`, `"d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE","x":`, 1),
			strings.Replace(key, `"sig"`, `"enc"`, 1), strings.Replace(key, `"ES256"`, `"RS256"`, 1), `{}`,
		} {
			h.call(all, "PUT", "/keys/custom-signing", `{"keys":[`+bad+`]}`).fails(400, "invalid_body", payload(`Object didn't pass validation for format public-jwk' on property keys[0]`))
		}
		h.call(all, "GET", "/keys/custom-signing", "").is(200, `{"keys":[`+key+`]}`)
		h.call(all, "DELETE", "/keys/custom-signing", "").is(204, "")
		h.call(all, "DELETE", "/keys/custom-signing", "").is(204, "")
	})
}

func TestDeviceCredentials(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		kim, lee := h.user("kim", ""), h.user("lee", "")
		mine := h.person("acme", kim, "create:current_user_device_credentials", "delete:current_user_device_credentials")
		const body = `{"device_name":"phone","type":"public_key","value":"AAAA","device_id":"d1","client_id":"web_acme"}`
		got := h.call(mine, "POST", "/device-credentials", body).is(201, "")
		id := got.text("id")
		if !strings.HasPrefix(id, "dcr_") || len(id) != 20 {
			h.Errorf("%s", got.body)
		}
		want := `{"id":"` + id + `","device_name":"phone","device_id":"d1","type":"public_key","user_id":"auth0|kim","client_id":"web_acme"}`
		h.call(all, "GET", "/device-credentials?user_id=auth0%7Ckim&client_id=web_acme", "").is(200, "["+want+"]")
		until := time.Now().Add(time.Hour)
		for id, rotating := range map[string]bool{"rt_1": false, "rt_2": true, "rt_3": true} {
			h.ok(h.store("acme").CreateRefreshToken(h.Context(), "token "+id, &stagedoor.RefreshToken{ID: id, FamilyID: id, UserID: kim, ClientID: "app", ExpiresAt: until, Rotating: rotating, InitialUserAgent: "phone"}))
		}
		shown := func(id, kind string) string {
			return `{"id":"` + id + `","device_name":"phone","type":"` + kind + `","user_id":"auth0|kim","client_id":"app"}`
		}
		const of = "/device-credentials?user_id=auth0%7Ckim"
		h.call(all, "GET", of+"&type=refresh_token", "").is(200, "["+shown("rt_1", "refresh_token")+"]")
		h.call(all, "GET", of+"&per_page=5", "").is(200, "["+shown("rt_1", "refresh_token")+"]")
		h.call(all, "GET", of+"&type=rotating_refresh_token&include_totals=true&per_page=1&page=1", "").
			is(200, `{"start":1,"limit":1,"total":2,"device_credentials":[`+shown("rt_3", "rotating_refresh_token")+"]}")
		h.call(all, "GET", of+"&type=rotating_refresh_token&client_id=other", "").is(200, "[]")
		h.call(all, "GET", of, "").is(200, "["+want+","+shown("rt_1", "refresh_token")+","+shown("rt_2", "rotating_refresh_token")+","+shown("rt_3", "rotating_refresh_token")+"]")
		h.call(all, "GET", "/device-credentials?type=refresh_token", "").is(400, "")
		h.call(h.person("acme", lee, "delete:current_user_device_credentials"), "DELETE", "/device-credentials/rt_1", "").is(204, "")
		h.call(mine, "DELETE", "/device-credentials/rt_2", "").is(204, "")
		h.call(all, "DELETE", "/device-credentials/rt_3", "").is(204, "")
		h.call(all, "GET", of, "").is(200, "["+want+","+shown("rt_1", "refresh_token")+"]")
		h.call(all, "DELETE", "/device-credentials/rt_1", "").is(204, "")
		h.call(all, "GET", "/device-credentials?client_id=web_acme&include_totals=true&fields=id", "").is(200, `{"start":0,"limit":50,"total":1,"device_credentials":[{"id":"`+id+`"}]}`)
		h.call(all, "GET", "/device-credentials?user_id=auth0%7Clee", "").is(200, "[]")
		h.call(all, "GET", "/device-credentials?client_id=web_acme&include_totals=true&per_page=1&page=1", "").is(200, `{"start":1,"limit":1,"total":1,"device_credentials":[]}`)
		h.call(all, "GET", "/device-credentials?user_id=auth0%7Ckim&type=refresh_token", "").is(200, "[]")
		h.call(mine, "POST", "/device-credentials", body).fails(409, "device_credential_conflict", "There is already a credential for this device.")
		h.call(mine, "POST", "/device-credentials", strings.Replace(body, "public_key", "refresh_token", 1)).
			fails(400, "invalid_body", payload(`No enum match for: refresh_token' on property type (Type of credential)`))
		h.call(mine, "POST", "/device-credentials", strings.Replace(body, "web_acme", "nobody", 1)).fails(404, "inexistent_client", "The client does not exist")
		h.call(all, "POST", "/device-credentials", body).fails(403, "insufficient_scope", "Insufficient scope, expected any of: create:current_user_device_credentials")
		h.call(h.machine("acme", "create:current_user_device_credentials"), "POST", "/device-credentials", body).
			fails(403, "insufficient_scope", "Insufficient scope, expected any of: create:current_user_device_credentials")
		h.call(all, "GET", "/device-credentials", "").is(200, "["+want+"]")
		h.call(mine, "GET", "/device-credentials", "").fails(403, "insufficient_scope", "Insufficient scope, expected any of: read:device_credentials")

		h.call(h.person("acme", lee, "delete:current_user_device_credentials"), "DELETE", "/device-credentials/"+id, "").is(204, "")
		h.call(all, "GET", "/device-credentials?user_id=auth0%7Ckim", "").is(200, "["+want+"]")
		h.call(mine, "DELETE", "/device-credentials/"+id, "").is(204, "")
		h.call(all, "GET", "/device-credentials?user_id=auth0%7Ckim", "").is(200, "[]")
		h.call(mine, "POST", "/device-credentials", body).is(201, "")
		h.call(all, "DELETE", "/users/"+kim, "").is(204, "")
		h.call(all, "GET", "/device-credentials?user_id=auth0%7Ckim", "").is(200, "[]")
	})
}

// A token on the blacklist is refused, others of its audience are not.
func TestBlacklist(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		bad := h.sign("acme", map[string]any{"jti": "bad"})
		h.call(bad, "GET", "/clients", "").is(200, "")
		h.call(all, "POST", "/blacklists/tokens", `{"aud":"https://acme.test/api/v2/","jti":"bad"}`).is(204, "")
		h.call(all, "POST", "/blacklists/tokens", `{"aud":"https://acme.test/api/v2/","jti":"bad"}`).is(204, "")
		h.call(all, "GET", "/blacklists/tokens?aud=https%3A%2F%2Facme.test%2Fapi%2Fv2%2F&include_totals=true&per_page=50", "").is(200, `[{"aud":"https://acme.test/api/v2/","jti":"bad"}]`)
		h.call(all, "GET", "/blacklists/tokens?aud=other", "").is(200, "[]")
		h.call(all, "POST", "/blacklists/tokens", `{"aud":"a","jti":"worse"}`).is(204, "")
		h.call(all, "GET", "/blacklists/tokens?per_page=1", "").is(200, `[{"aud":"a","jti":"worse"}]`)
		h.call(all, "GET", "/blacklists/tokens?per_page=1&page=1", "").is(200, `[{"aud":"https://acme.test/api/v2/","jti":"bad"}]`)
		h.call(all, "GET", "/blacklists/tokens?per_page=1&page=2", "").is(200, "[]")
		if got := h.call(bad, "GET", "/clients", ""); got.code != 401 || got.text("message") != "Invalid token" {
			h.Errorf("%d %s", got.code, got.body)
		}
		h.call(h.sign("acme", map[string]any{"jti": "good"}), "GET", "/clients", "").is(200, "")
		h.call(all, "POST", "/blacklists/tokens", `{"aud":"x"}`).fails(400, "invalid_body", payload(`Missing required property: jti'`))
	})
}
