package me_test

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

const (
	succeeded = "my_account_authentication_method_succeeded"
	failed    = "my_account_authentication_method_failed"
	gone      = "The auth_session is unknown, or it has expired."
)

// An authenticator app, set up by its first code. No recovery code comes with it: that is a method of its own.
func TestEnrollTOTP(t *testing.T) {
	each(t, func(w *world) {
		w.factors("otp", "recovery-code")
		access := w.token()
		begun := w.call(access, "POST", "/authentication-methods", `{"type":"totp"}`).is(202, "")
		secret := begun.get("manual_input_code")
		if uri, err := url.Parse(begun.get("barcode_uri")); err != nil || uri.Query().Get("secret") != secret || uri.Query().Get("issuer") != "Acme" {
			t.Errorf("%s", begun.text)
		}
		id := begun.get("id")
		if !strings.HasPrefix(id, "totp|dev_") || begun.header.Get("Location") != w.HTTPSURL+"/me/v1/authentication-methods/"+strings.Replace(id, "|", "%7C", 1) {
			t.Errorf("%s %v", begun.text, begun.header)
		}
		w.logged("gd_start_enroll", succeeded)
		w.same("nothing yet", len(w.call(access, "GET", "/authentication-methods?type=totp", "").body["authentication_methods"].([]any)), 0)
		w.verify(access, begun, `"otp_code":"000000"`).fails(400, "A0E-400-0001", "Invalid otp_code.")
		w.logged("gd_auth_failed", failed)
		w.verify(access, begun, "").is(400, `{"title":"Validation Error"}`)
		w.verify(access, begun, `"otp_code":"1","new_password":"x"`).is(400, `{"title":"Validation Error"}`)
		w.logged(failed, failed)
		got := w.verify(access, begun, `"otp_code":"`+w.otp(secret)+`"`).is(201, `{"id":"`+id+`","type":"totp","confirmed":true,"usage":["secondary"]}`)
		w.logged("gd_enrollment_complete", succeeded)
		if m := w.mails()[0]; !strings.Contains(m.Text, "a second step was added") {
			t.Errorf("mail %q", m.Text)
		}
		w.verify(access, begun, `"otp_code":"`+w.otp(secret)+`"`).fails(400, "A0E-400-0001", gone)
		all, err := w.st.AuthenticationMethods(t.Context(), w.user)
		w.ok(err)
		if len(all) != 1 || all[0].ID != id {
			t.Errorf("%+v", all)
		}
		recovery := w.call(access, "POST", "/authentication-methods", `{"type":"recovery-code"}`).is(202, "") // the token that set it up is none from before
		if len(recovery.get("recovery_code")) != 24 {
			t.Errorf("%s", recovery.text)
		}
		w.verify(access, recovery, "").is(201, `{"type":"recovery-code","confirmed":true}`)
		if _, err := mfa.Recover(t.Context(), w.st, w.user, recovery.get("recovery_code")); err != nil {
			t.Errorf("the code is worth nothing: %v", err)
		}
		w.call(access, "DELETE", "/authentication-methods/"+got.get("id"), "").is(204, "")
		w.call(access, "POST", "/authentication-methods", `{"type":"recovery-code"}`).fails(403, "A0E-403-0001", "A recovery code stands in for another factor: set one up first.")
		w.factors("recovery-code")
		w.call(access, "POST", "/authentication-methods", `{"type":"totp"}`).fails(403, "A0E-403-0001", "The factor totp is not enabled.")
	})
}

// Addresses and numbers, by the codes that are sent there.
func TestEnrollSent(t *testing.T) {
	each(t, func(w *world) {
		w.factors("sms", "email")
		access := w.token()
		mail := w.call(access, "POST", "/authentication-methods", `{"type":"email","email":"Ada@Private.example"}`).is(202, "")
		w.logged("gd_send_email", "gd_start_enroll", succeeded)
		w.verify(access, mail, `"otp_code":"000001"`).fails(400, "A0E-400-0001", "Invalid binding_code.")
		got := w.verify(access, mail, `"otp_code":"`+w.code()+`"`).is(201, `{"type":"email","email":"ada@private.example","confirmed":true}`)
		w.same("id", got.get("id"), mail.get("id"))

		w.call(access, "POST", "/authentication-methods", `{"type":"phone","phone_number":"nonsense"}`).is(400, `{"title":"Validation Error"}`)
		phone := w.call(access, "POST", "/authentication-methods", `{"type":"phone","phone_number":"+4915123456789","preferred_authentication_method":"voice"}`).is(202, "")
		w.verify(access, phone, `"otp_code":"`+w.code()+`"`).is(201, `{"type":"phone","phone_number":"+4915123456789","preferred_authentication_method":"voice"}`)
		again := w.call(access, "POST", "/authentication-methods", `{"type":"phone","phone_number":"+4915123456789"}`).is(202, "")
		w.verify(access, again, `"otp_code":"`+w.code()+`"`).is(409, "")

		late := w.call(access, "POST", "/authentication-methods", `{"type":"email","email":"late@example.com"}`).is(202, "")
		code := w.code()
		w.factors("sms")
		w.verify(access, late, `"otp_code":"`+code+`"`).fails(403, "A0E-403-0001", "The factor email is not enabled.")
		w.factors("sms", "email")
		w.pass(9 * time.Minute)
		w.verify(access, late, `"otp_code":"`+code+`"`).is(400, "")
	})
}

// A device, which an app sets up meanwhile.
func TestEnrollPush(t *testing.T) {
	each(t, func(w *world) {
		w.factors("push-notification")
		access := w.token()
		begun := w.call(access, "POST", "/authentication-methods", `{"type":"push-notification"}`).is(202, "")
		uri, err := url.Parse(begun.get("barcode_uri"))
		w.ok(err)
		w.verify(access, begun, "").is(400, "")
		w.logged("gd_start_enroll", succeeded, failed)
		w.ok(mfa.AnswerFromInbox(t.Context(), w.st, uri.Query().Get("enrollment_tx_id"), true))
		got := w.verify(access, begun, "").is(201, `{"type":"push-notification","confirmed":true,"name":"Development inbox"}`)
		w.call(access, "GET", "/authentication-methods/"+got.get("id"), "").is(200, `{"type":"push-notification"}`)
		w.call(access, "PATCH", "/authentication-methods/"+got.get("id"), `{"name":"Mine"}`).is(200, `{"name":"Mine"}`)
		w.call(access, "DELETE", "/authentication-methods/"+got.get("id"), "").is(204, "")
	})
}

// Passkeys and keys: made on our pages, or on those of the client.
func TestEnrollKeys(t *testing.T) {
	each(t, func(w *world) {
		w.factors("webauthn-roaming")
		access := w.token()
		w.call(access, "POST", "/authentication-methods", `{"type":"passkey"}`).fails(403, "A0E-403-0001", "The factor passkey is not enabled.")
		w.options(func(o *stagedoor.ConnectionOptions) {
			o.Stored = map[string]json.RawMessage{"authentication_methods": json.RawMessage(`{"passkey":{"enabled":true}}`)}
		})
		_, err := w.st.UpdateClient(t.Context(), w.client.ID, func(c *stagedoor.Client) error {
			c.WebOrigins = append(c.WebOrigins, "https://localhost:4711")
			return nil
		})
		w.ok(err)
		made := func(begun *answer, at string) string {
			auth := virtualwebauthn.NewAuthenticator()
			options, err := json.Marshal(begun.body["authn_params_public_key"])
			w.ok(err)
			o, err := virtualwebauthn.ParseAttestationOptions(string(options))
			w.ok(err)
			return `"authn_response":` + virtualwebauthn.CreateAttestationResponse(virtualwebauthn.RelyingParty{ID: "localhost", Origin: at}, auth, ecKey(), *o)
		}
		begun := w.call(access, "POST", "/authentication-methods", `{"type":"passkey","use_exclude_credentials":true}`).is(202, `{"id":null}`)
		if !strings.HasSuffix(begun.header.Get("Location"), "/authentication-methods/passkey%7Cnew") {
			t.Errorf("%v", begun.header)
		}
		w.verify(access, begun, made(begun, "https://evil.test")).fails(400, "A0E-400-0001", "The key could not be verified.")
		w.verify(access, begun, made(begun, "https://localhost:4711")).fails(400, "A0E-400-0001", gone) // the challenge is used up
		w.logged(failed, succeeded, "gd_webauthn_enrollment_failed", failed, failed)
		begun = w.call(access, "POST", "/authentication-methods", `{"type":"passkey"}`).is(202, "")
		got := w.verify(access, begun, made(begun, "https://localhost:4711")).is(201, `{"type":"passkey","usage":["primary"],"relying_party_id":"localhost","identity_user_id":"`+w.user+`"}`)
		if key, err := base64.StdEncoding.DecodeString(got.get("public_key")); err != nil || len(key) < 70 || got.get("key_id") == "" || got.get("user_handle") == "" { // apps on iOS read no other base64
			t.Errorf("%s", got.text)
		}
		w.call(access, "GET", "/authentication-methods/"+got.get("id"), "").is(200, `{"type":"passkey"}`)
		w.logged(succeeded, "gd_enrollment_complete", succeeded)
		w.call(access, "POST", "/authentication-methods", `{"type":"passkey","connection":"Elsewhere"}`).is(400, `{"title":"Validation Error"}`)
		w.call(access, "POST", "/authentication-methods", `{"type":"passkey","identity_user_id":"auth0|x"}`).is(400, `{"title":"Validation Error"}`)
		w.call(access, "POST", "/authentication-methods", `{"type":"passkey","connection":"Username-Password-Authentication","identity_user_id":"`+w.user+`"}`).is(202, "")

		begun = w.call(access, "POST", "/authentication-methods", `{"type":"webauthn-roaming"}`).is(202, "")
		w.verify(access, begun, made(begun, w.HTTPSURL)).is(201, `{"type":"webauthn-roaming","confirmed":true,"id":"`+begun.get("id")+`"}`)
		w.call(access, "POST", "/authentication-methods", `{"type":"webauthn-platform"}`).fails(403, "A0E-403-0001", "The factor webauthn-platform is not enabled.")
	})
}

// ecKey makes a key. Those with a leading zero in a coordinate are made again: what plays the key in tests writes them too short.
func ecKey() virtualwebauthn.Credential {
	for {
		c := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
		if k, err := x509.ParsePKCS8PrivateKey(c.Key.Data); err == nil {
			if p := k.(*ecdsa.PrivateKey); p.X.BitLen() > 248 && p.Y.BitLen() > 248 { //nolint:staticcheck // the coordinates themselves
				return c
			}
		}
	}
}

// The password: what is asked of it, and another one.
func TestPassword(t *testing.T) {
	each(t, func(w *world) {
		access := w.token()
		begun := w.call(access, "POST", "/authentication-methods", `{"type":"password"}`).is(202, `{"id":"password|new","policy":{
			"complexity":{"min_length":8,"character_types":["lowercase","uppercase","number","special"],"character_type_rule":"three_of_four","identical_characters":"allow","sequential_characters":"allow","max_length_exceeded":"error"},
			"dictionary":{"active":false,"default":"en_10k"},"history":{"active":false,"size":0},"profile_data":{"active":false,"blocked_fields":[]}}}`)
		weak := w.verify(access, begun, `"new_password":"weak"`).is(400, `{"title":"Validation Error"}`)
		if v := weak.body["validation_errors"].([]any)[0].(map[string]any); v["pointer"] != "/new_password" || !strings.Contains(v["detail"].(string), "PasswordStrengthError") {
			t.Errorf("%s", weak.text)
		}
		w.logged(succeeded, failed)
		session := w.signIn("ada@example.com", word, "openid offline_access read:me:factors")
		got := w.verify(access, begun, `"new_password":"Another-Engine-2"`).is(201, `{"type":"password","usage":["primary"],"identity_user_id":"`+w.user+`"}`)
		if got.get("last_password_reset") == "" || !strings.HasPrefix(got.get("id"), "password|") {
			t.Errorf("%s", got.text)
		}
		w.logged("scp", succeeded)
		w.verify(access, begun, `"new_password":"A-Third-Engine-3"`).fails(400, "A0E-400-0001", gone)
		if w.signIn("ada@example.com", "A-Third-Engine-3")["error"] == nil {
			t.Error("an auth_session has changed the password twice")
		}
		if w.signIn("ada@example.com", word)["error"] == nil || w.signIn("ada@example.com", "Another-Engine-2")["access_token"] == nil {
			t.Error("the password is not the new one")
		}
		var refreshed map[string]any
		w.JSON(t, "POST", w.HTTPSURL+"/oauth/token", "", map[string]any{"grant_type": "refresh_token", "client_id": w.client.ID, "refresh_token": session["refresh_token"]}, &refreshed)
		if session["refresh_token"] == nil || refreshed["error"] != "invalid_grant" {
			t.Errorf("sessions of before: %v %v", session, refreshed)
		}
		if m := w.mails()[0]; !strings.Contains(strings.ToLower(m.Text), "password") {
			t.Errorf("mail %q", m.Text)
		}
		w.options(func(o *stagedoor.ConnectionOptions) {
			o.PasswordOptions = &stagedoor.PasswordOptions{}
			o.PasswordOptions.Complexity.MinLength, o.PasswordOptions.Complexity.CharacterTypes, o.PasswordOptions.Complexity.SequentialChars = 12, []string{"number"}, "block"
			o.PasswordOptions.History.Active, o.PasswordOptions.History.Size = true, 3
			o.PasswordOptions.ProfileData.Active, o.PasswordOptions.ProfileData.BlockedFields = true, []string{"email"}
			o.PasswordOptions.Dictionary.Active, o.PasswordOptions.Dictionary.Default = true, "en_100k"
		})
		w.call(access, "POST", "/authentication-methods", `{"type":"password"}`).is(202, `{"policy":{
			"complexity":{"min_length":12,"character_types":["number"],"character_type_rule":"all","identical_characters":"allow","sequential_characters":"block","max_length_exceeded":"error"},
			"dictionary":{"active":true,"default":"en_100k"},"history":{"active":true,"size":3},"profile_data":{"active":true,"blocked_fields":["email"]}}}`)
		w.options(func(o *stagedoor.ConnectionOptions) {
			o.Stored = map[string]json.RawMessage{"authentication_methods": json.RawMessage(`{"passkey":{"enabled":true},"password":{"enabled":false}}`)}
		})
		w.call(access, "POST", "/authentication-methods", `{"type":"password"}`).fails(403, "A0E-403-0001", "The user has no password here.")
	})
}

// Attack: a token from before a factor was set up changes what there is, because another one has set the factor up. The one that did goes on.
func TestAttackTokenBesideTheOneThatEnrols(t *testing.T) {
	each(t, func(w *world) {
		w.factors("otp")
		other := w.token()
		w.pass(2 * time.Second) // those of one second are one
		own := w.token()
		w.pass(2 * time.Second)
		begun := w.call(own, "POST", "/authentication-methods", `{"type":"totp"}`).is(202, "")
		made := w.verify(own, begun, `"otp_code":"`+w.otp(begun.get("manual_input_code"))+`"`).is(201, "")
		path := "/authentication-methods/" + strings.ReplaceAll(made.get("id"), "|", "%7C")
		for _, method := range []string{"PATCH", "DELETE"} {
			w.call(other, method, path, map[string]string{"PATCH": `{"name":"x"}`}[method]).fails(401, "A0E-401-0003", "The token is older than a second factor of the user's. Please log in again.")
		}
		w.call(own, "PATCH", path, `{"name":"Mine"}`).is(200, `{"name":"Mine"}`)
		w.call(own, "DELETE", path, "").is(204, "")
	})
}

// An auth_session is its person's, and its client's, for what it was begun for.
func TestAttackAuthSession(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.factors("otp", "email")
	access := w.token()
	begun := w.call(access, "POST", "/authentication-methods", `{"type":"totp"}`).is(202, "")
	proof := `"otp_code":"` + w.otp(begun.get("manual_input_code")) + `"`
	w.person("eve@example.com")
	got := w.signIn("eve@example.com", word)
	eve := got["access_token"].(string)
	w.verify(eve, begun, proof).fails(400, "A0E-400-0001", gone)
	first := w.client
	w.client = w.program("other")
	other := w.token()
	w.client = first
	w.verify(other, begun, proof).fails(400, "A0E-400-0001", gone)
	elsewhere := *begun
	elsewhere.header = begun.header.Clone()
	elsewhere.header.Set("Location", strings.Replace(begun.header.Get("Location"), "totp%7Cdev_", "totp%7Cdev_x", 1))
	w.verify(access, &elsewhere, proof).fails(400, "A0E-400-0001", gone)
	w.call(access, "POST", "/authentication-methods/x/verify", `{"auth_session":"`+strings.Repeat("x", 200)+`"}`).fails(400, "A0E-400-0001", gone)
	w.verify(w.token("read:me:authentication_methods"), begun, proof).is(403, `{"title":"Insufficient Scope"}`)

	// Codes are tried ten times, whatever is begun anew.
	for range 10 {
		again := w.call(access, "POST", "/authentication-methods", `{"type":"totp"}`).is(202, "")
		w.verify(access, again, `"otp_code":"000000"`)
	}
	again := w.call(access, "POST", "/authentication-methods", `{"type":"totp"}`).is(202, "")
	w.verify(access, again, `"otp_code":"`+w.otp(again.get("manual_input_code"))+`"`).is(429, "")

	// Nobody has codes sent without end, wherever they go.
	sent := 0
	for range 14 {
		if w.call(access, "POST", "/authentication-methods", `{"type":"email","email":"a@victim.example"}`).status == 202 {
			sent++
		}
	}
	w.same("sent", sent, 10)
	w.pass(11 * time.Minute)
	access = w.token()
	w.verify(access, begun, proof).fails(400, "A0E-400-0001", gone)
}
