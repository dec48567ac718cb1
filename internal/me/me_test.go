package me_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/server"
)

// What somebody can set up follows the tenant's switches and their database.
func TestFactors(t *testing.T) {
	each(t, func(w *world) {
		access := w.token("read:me:factors")
		types := func() string {
			var all []string
			for _, f := range w.call(access, "GET", "/factors", "").is(200, "").body["factors"].([]any) {
				m := f.(map[string]any)
				all = append(all, m["type"].(string)+" "+m["usage"].([]any)[0].(string))
			}
			return strings.Join(all, ", ")
		}
		w.same("at first", types(), "password primary, recovery-code secondary")
		w.factors("otp", "sms", "email", "push-notification", "webauthn-roaming", "webauthn-platform", "recovery-code")
		w.same("all", types(), "password primary, webauthn-platform secondary, webauthn-roaming secondary, totp secondary, phone secondary, email secondary, push-notification secondary, recovery-code secondary")
		w.factors("otp", "push-notification")
		w.settings(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = false })
		w.same("nobody brings notifications", types(), "password primary, totp secondary")
		w.options(func(o *stagedoor.ConnectionOptions) {
			o.Stored = map[string]json.RawMessage{"authentication_methods": json.RawMessage(`{"passkey":{"enabled":true},"password":{"enabled":false}}`)}
		})
		w.same("passkeys alone", types(), "passkey primary, totp secondary")
		w.logged()
	})
}

// The list has a person's own methods and nobody else's, with nothing masked.
func TestMethods(t *testing.T) {
	each(t, func(w *world) {
		other := w.person("bob@example.com")
		backed := true
		w.ok(w.st.AddAuthenticationMethods(t.Context(), other, []*stagedoor.AuthenticationMethod{{Type: "email", Email: "bob@other.example"}}, false))
		w.ok(w.st.AddAuthenticationMethods(t.Context(), w.user, []*stagedoor.AuthenticationMethod{
			{Type: "phone", PhoneNumber: "+4915123456789", Name: "Mine"},
			{Type: "totp", Secret: "JBSWY3DPEHPK3PXP"},
			{Type: "recovery-code", Secret: "x"},
			{Type: "passkey", KeyID: "a2V5", PublicKey: "cHVi", BackedUp: &backed, DeviceType: "multi_device", Transports: []string{"internal"}, RelyingParty: "localhost"},
			{Type: "push", Push: &stagedoor.PushDevice{Device: "dev_0123456789012345", Name: "Phone", Service: "inbox"}, Name: "Phone"},
			{Type: "duo"},
		}, false))
		access := w.token("read:me:authentication_methods")
		all := w.call(access, "GET", "/authentication-methods", "").is(200, "").body["authentication_methods"].([]any)
		var types []string
		for _, one := range all {
			m := one.(map[string]any)
			types = append(types, m["type"].(string))
			got := w.call(access, "GET", "/authentication-methods/"+strings.ReplaceAll(m["id"].(string), "|", "%7C"), "").is(200, "")
			if w.same("read", got.body, m); !strings.HasPrefix(m["id"].(string), m["type"].(string)+"|") {
				t.Errorf("%v", m)
			}
			switch m["type"] {
			case "phone":
				got.is(200, `{"phone_number":"+4915123456789","preferred_authentication_method":"sms","confirmed":true,"usage":["secondary"],"name":"Mine"}`)
			case "passkey":
				got.is(200, `{"key_id":"a2V5","public_key":"cHVi","credential_backed_up":true,"credential_device_type":"multi_device","transports":["internal"],"relying_party_id":"localhost","usage":["primary"],"identity_user_id":"`+w.user+`","confirmed":null}`)
			case "push-notification":
				got.is(200, `{"id":"push-notification|dev_0123456789012345","name":"Phone","key_id":null}`)
			case "password":
				got.is(200, `{"identity_user_id":"`+w.user+`","usage":["primary"],"confirmed":null}`)
			}
		}
		slices.Sort(types)
		w.same("types", strings.Join(types, " "), "passkey password phone push-notification recovery-code totp")
		w.same("of one type", len(w.call(access, "GET", "/authentication-methods?type=totp", "").body["authentication_methods"].([]any)), 1)
		w.same("of none", w.call(access, "GET", "/authentication-methods?type=email", "").text, `{"authentication_methods":[]}`)
		wrong := w.call(access, "GET", "/authentication-methods?type=carrier-pigeon", "").is(400, `{"title":"Validation Error"}`)
		if v := wrong.body["validation_errors"].([]any)[0].(map[string]any); v["source"] != "query" || v["field"] != "type" || v["pointer"] != "/type" {
			t.Errorf("%s", wrong.text)
		}
		theirs, err := w.st.AuthenticationMethods(t.Context(), other)
		w.ok(err)
		w.call(access, "GET", "/authentication-methods/"+theirs[0].ID, "").fails(404, "A0E-404-0002", "There is no such authentication method.")
		w.call(access, "GET", "/authentication-methods/password%7Cb3RoZXI", "").fails(404, "A0E-404-0002", "There is no such authentication method.")
		w.call(access, "GET", "/authentication-methods/%00", "").fails(400, "A0E-400-0001", "The id in the path cannot be read.")
	})
}

// Renaming and taking away: of what belongs to the token's person alone.
func TestChangeMethods(t *testing.T) {
	each(t, func(w *world) {
		w.factors("otp", "sms", "recovery-code")
		access := w.token()
		phone := &stagedoor.AuthenticationMethod{Type: "phone", PhoneNumber: "+4915123456789"}
		key := &stagedoor.AuthenticationMethod{Type: "passkey", KeyID: "a2V5", PublicKey: "cHVi"}
		recovery := &stagedoor.AuthenticationMethod{Type: "recovery-code", Secret: "x"}
		other := w.person("bob@example.com")
		theirs := &stagedoor.AuthenticationMethod{Type: "phone", PhoneNumber: "+4915123456780"}
		w.ok(w.st.AddAuthenticationMethods(t.Context(), w.user, []*stagedoor.AuthenticationMethod{phone, key, recovery}, false))
		w.ok(w.st.AddAuthenticationMethods(t.Context(), other, []*stagedoor.AuthenticationMethod{theirs}, false))
		path := func(id string) string { return "/authentication-methods/" + strings.ReplaceAll(id, "|", "%7C") }
		w.logged()
		w.pass(time.Second)
		const old = "The token is older than a second factor of the user's. Please log in again."
		w.pass(2 * time.Second)
		late := &stagedoor.AuthenticationMethod{Type: "totp", Secret: "JBSWY3DPEHPK3PXP"}
		w.ok(w.st.AddAuthenticationMethods(t.Context(), w.user, []*stagedoor.AuthenticationMethod{late}, false))
		w.call(access, "DELETE", path(late.ID), "").fails(401, "A0E-401-0003", old)
		w.call(access, "PATCH", path(phone.ID), `{"name":"x"}`).fails(401, "A0E-401-0003", old)
		w.call(access, "POST", "/authentication-methods", `{"type":"totp"}`).fails(401, "A0E-401-0003", old)
		w.logged("my_account_authentication_method_failed", "my_account_authentication_method_failed", "my_account_authentication_method_failed")

		w.pass(2 * time.Second)
		access = w.withFactor("JBSWY3DPEHPK3PXP")
		w.call(access, "PATCH", path(phone.ID), `{"name":"Mine","preferred_authentication_method":"voice"}`).is(200, `{"name":"Mine","preferred_authentication_method":"voice","phone_number":"+4915123456789"}`)
		w.call(access, "PATCH", path(late.ID), `{"preferred_authentication_method":"voice"}`).is(400, `{"title":"Validation Error"}`)
		w.call(access, "PATCH", path(key.ID), `{"name":"x"}`).is(400, `{"title":"Validation Error"}`)
		w.call(access, "PATCH", path(recovery.ID), `{"name":"x"}`).is(400, `{"title":"Validation Error"}`)
		w.call(access, "PATCH", path(theirs.ID), `{"name":"x"}`).fails(404, "A0E-404-0002", "There is no such authentication method.")
		w.call(access, "PATCH", path(phone.ID), `{"phone_number":"+1"}`).is(400, `{"title":"Validation Error"}`)
		w.logged("my_account_authentication_method_succeeded", "my_account_authentication_method_failed", "my_account_authentication_method_failed", "my_account_authentication_method_failed", "my_account_authentication_method_failed", "my_account_authentication_method_failed")

		w.call(access, "DELETE", path(theirs.ID), "").is(204, "")
		if all, err := w.st.AuthenticationMethods(t.Context(), other); err != nil || len(all) != 1 {
			t.Errorf("somebody else's: %v %v", all, err)
		}
		w.logged("my_account_authentication_method_succeeded")
		w.call(access, "DELETE", path(phone.ID), "").is(204, "")
		w.logged("gd_unenroll", "my_account_authentication_method_succeeded")
		if m := w.mails()[0]; !strings.Contains(m.Text, "removed") {
			t.Errorf("mail %q", m.Text)
		}
		list := w.call(access, "GET", "/authentication-methods?type=password", "").body["authentication_methods"].([]any)
		w.call(access, "DELETE", path(list[0].(map[string]any)["id"].(string)), "").fails(409, "A0E-409-0001", "A password cannot be taken away; it can be replaced.")
		w.options(func(o *stagedoor.ConnectionOptions) {
			o.Stored = map[string]json.RawMessage{"authentication_methods": json.RawMessage(`{"passkey":{"enabled":true},"password":{"enabled":false}}`)}
		})
		w.call(access, "DELETE", path(key.ID), "").fails(409, "A0E-409-0001", "This passkey is the only way into the account. Add another one first.")
		w.call(access, "DELETE", path(late.ID), "").is(204, "") // and with the last factor the code that stands in for it
		if all, err := w.st.AuthenticationMethods(t.Context(), w.user); err != nil || len(all) != 1 || all[0].Type != "passkey" {
			t.Errorf("left: %+v %v", all, err)
		}
	})
}

// withFactor is a token of who has given their second factor.
func (w *world) withFactor(secret string) string {
	w.Helper()
	first := w.signIn("ada@example.com", word)
	waits, _ := first["mfa_token"].(string)
	w.pass(30 * time.Second)
	var got map[string]any
	w.JSON(w.T, "POST", w.HTTPSURL+"/oauth/token", "", map[string]string{
		"grant_type": "http://auth0.com/oauth/grant-type/mfa-otp", "client_id": w.client.ID, "mfa_token": waits, "otp": w.otp(secret),
	}, &got)
	access, _ := got["access_token"].(string)
	if access == "" {
		w.Fatalf("no token: %v %v", first, got)
	}
	return access
}

// Who may call at all.
func TestBearer(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	access := w.token("read:me:factors")
	const not = "The token is not an access token for the My Account API."
	w.call("", "GET", "/factors", "").fails(401, "A0E-401-0002", "Missing authorization header")
	w.call("x", "GET", "/factors", "").fails(401, "A0E-401-0003", not)
	w.call(access[:len(access)-4]+"AAAA", "GET", "/factors", "").fails(401, "A0E-401-0003", not)
	w.call(w.ManagementToken(t), "GET", "/factors", "").fails(401, "A0E-401-0003", not)
	var plain map[string]any // by another domain of the tenant's, as SDKs build the audience
	w.JSON(t, "POST", w.HTTPURL+"/oauth/token", "", map[string]string{
		"grant_type": "http://auth0.com/oauth/grant-type/password-realm", "realm": "Username-Password-Authentication", "client_id": w.client.ID, "username": "ada@example.com", "password": word,
		"audience": w.HTTPURL + "/me/", "scope": "read:me:factors",
	}, &plain)
	if status := w.JSON(t, "GET", w.HTTPURL+"/me/v1/factors", plain["access_token"].(string), nil, nil); status != http.StatusOK {
		t.Errorf("by http: %d", status)
	}
	w.call(strings.Repeat("a", 20000), "GET", "/factors", "").fails(401, "A0E-401-0003", not)
	w.call(access, "GET", "/factors", "", "Authorization", "DPoP "+access).is(401, "")
	w.call(access, "GET", "/authentication-methods", "").fails(403, "A0E-403-0002", "The token lacks the scope read:me:authentication_methods.").is(403, `{"title":"Insufficient Scope"}`)
	w.call(access, "GET", "/nothing", "").is(404, `{"title":"Not Found"}`)
	w.call(access, "PUT", "/factors", "").is(404, "")
	for _, path := range []string{"/consents", "/consents/cns_1", "/organizations"} {
		w.call(access, "GET", path, "").is(501, `{"title":"Not Supported"}`)
		w.call("", "GET", path, "").is(401, "")
	}
	h := w.call(access, "GET", "/factors", "").is(200, "").header
	if h.Get("X-RateLimit-Limit") == "" || h.Get("Cache-Control") != "no-store" || !strings.HasPrefix(h.Get("Content-Type"), "application/json") {
		t.Errorf("%v", h)
	}
	_, err := w.st.UpdateUser(t.Context(), w.user, func(u *stagedoor.User) error { u.Blocked = new(true); return nil })
	w.ok(err)
	w.call(access, "GET", "/factors", "").fails(401, "A0E-401-0003", not)
	_, err = w.st.UpdateUser(t.Context(), w.user, func(u *stagedoor.User) error { u.Blocked = nil; return nil })
	w.ok(err)
	w.pass(10*time.Minute + time.Second)
	w.call(access, "GET", "/factors", "").fails(401, "A0E-401-0003", "The token is expired.")
	access = w.token("read:me:factors")
	api, err := w.st.ResourceServerByIdentifier(t.Context(), token.MyAccountAudience(w.st.Tenant()))
	w.ok(err)
	w.ok(w.st.DeleteResourceServer(t.Context(), api.ID))
	w.call(access, "GET", "/factors", "").is(404, `{"title":"Not Found"}`)
}

// TestAttackTokenOfAnotherAPI: what the tenant's key has signed for something else, or is from another name of ours, is no good here, whatever scopes it holds.
func TestAttackTokenOfAnotherAPI(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	const scope = "read:me:factors"
	w.ok(w.st.CreateResourceServer(t.Context(), &stagedoor.ResourceServer{
		Name: "Songs", Identifier: "https://songs.example/", SigningAlgorithm: jose.RS256, TokenLifetime: 600, Scopes: []stagedoor.APIScope{{Value: scope}},
	}))
	var got map[string]any
	w.JSON(t, "POST", w.HTTPSURL+"/oauth/token", "", map[string]string{
		"grant_type": "http://auth0.com/oauth/grant-type/password-realm", "realm": server.DefaultConnection, "client_id": w.client.ID, "username": "ada@example.com", "password": word,
		"audience": "https://songs.example/", "scope": scope,
	}, &got)
	w.call(got["access_token"].(string), "GET", "/factors", "").is(401, "")

	audience := token.MyAccountAudience(w.st.Tenant())
	issuer := strings.TrimSuffix(audience, "me/")
	minter := &token.Minter{Keys: &token.Keys{}}
	w.ok(w.st.BlacklistToken(t.Context(), stagedoor.BlacklistedToken{Audience: audience, JTI: "ended"}))
	for _, c := range []struct {
		name, value string
		status      int
	}{
		{"jti", "other", 200},
		{"jti", "ended", 401},
		{"iss", "https://other.example/", 401},
		{"aud", "https://songs.example/", 401},
		{"aud", issuer + "userinfo", 401},
		{"azp", "nobody", 401},
		{"sub", "auth0|nobody", 401},
		{"scope", "read:me:authentication_methods", 403},
	} {
		claims := map[string]any{"iss": issuer, "aud": audience, "sub": w.user, "azp": w.client.ID, "scope": scope, "exp": w.clock().Add(time.Minute).Unix()}
		claims[c.name] = c.value
		raw, err := minter.Sign(t.Context(), w.st, jose.RS256, claims)
		w.ok(err)
		if a := w.call(raw, "GET", "/factors", ""); a.status != c.status {
			t.Errorf("%s %s: %d %s", c.name, c.value, a.status, a.text)
		}
	}
}

// Pages of the token's client may call, and those of others read nothing.
func TestCrossOrigin(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	other := w.program("other")
	_, err := w.st.UpdateClient(t.Context(), other.ID, func(c *stagedoor.Client) error {
		c.WebOrigins, c.Callbacks = []string{"https://other.test"}, nil
		return nil
	})
	w.ok(err)
	access := w.token("read:me:factors")
	allowed := func(a *answer) string { return a.header.Get("Access-Control-Allow-Origin") }
	pre := w.call("", "OPTIONS", "/authentication-methods", "", "Origin", origin, "Access-Control-Request-Method", "POST")
	if pre.status != http.StatusNoContent || allowed(pre) != origin || !strings.Contains(pre.header.Get("Access-Control-Allow-Headers"), "DPoP") || !strings.Contains(pre.header.Get("Access-Control-Allow-Methods"), "PATCH") {
		t.Errorf("%d %v", pre.status, pre.header)
	}
	if got := w.call("", "OPTIONS", "/factors", "", "Origin", "https://evil.test", "Access-Control-Request-Method", "GET"); allowed(got) != "" {
		t.Errorf("%v", got.header)
	}
	got := w.call(access, "GET", "/factors", "", "Origin", origin)
	if allowed(got) != origin || !strings.Contains(got.header.Get("Access-Control-Expose-Headers"), "Location") || got.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%v", got.header)
	}
	if got := w.call(access, "GET", "/factors", "", "Origin", "https://other.test"); allowed(got) != "" {
		t.Errorf("a page of another client: %v", got.header)
	}
	if got := w.call("", "GET", "/factors", "", "Origin", origin); allowed(got) != origin { // who is told to log in again
		t.Errorf("%v", got.header)
	}
}

// The tenant's limit of one person, and what does not fit.
func TestLimits(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	access := w.token()
	for body, status := range map[string]int{
		`{"type":"totp"`: 400, `[]`: 400, `{}`: 400, `{"type":"sms"}`: 400, `{"type":"totp","more":1}`: 400, `{"type":"totp","type":"phone"}`: 400, `{"type":"phone"}`: 400,
		`{"type":"email","email":"x"}`: 400, `{"type":"totp","email":"a@example.com"}`: 400, `{"type":"phone","phone_number":"` + strings.Repeat("1", 100) + `"}`: 400,
		`{"type":"email","email":"a\u0000@example.com"}`: 400, strings.Repeat(" ", 70<<10): 413, `{"type":"totp","more":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `}`: 400,
	} {
		if got := w.call(access, "POST", "/authentication-methods", body); got.status != status || got.body["type"] == nil {
			t.Errorf("%.60s: %d %s", body, got.status, got.text)
		}
	}
	w.call(access, "POST", "/authentication-methods", "type=totp", "Content-Type", "application/x-www-form-urlencoded").is(415, "")
	w.settings(func(s *stagedoor.TenantSettings) { s.Local.ManagementRate, s.Local.ManagementBurst = 1, 2 })
	var last *answer
	for range 3 {
		last = w.call(access, "GET", "/factors", "")
	}
	last.fails(429, "A0E-429-0003", "Too many requests.")
	if last.header.Get("Retry-After") == "" || last.header.Get("X-RateLimit-Remaining") != "0" {
		t.Errorf("%v", last.header)
	}
}

// Whoever has found out a password has tokens for the tenant's own APIs, too. They change how the person signs in, so that they end with all other access: a new password, a block, or the
// person's own word would be worth nothing otherwise.
func TestAttackTokenFromBefore(t *testing.T) {
	each(t, func(w *world) {
		admin, path := w.ManagementToken(w.T), w.HTTPSURL+"/api/v2/users/"+w.user
		own := func(secret string) string {
			var got map[string]any
			w.JSON(w.T, "POST", w.HTTPSURL+"/oauth/token", "", map[string]string{
				"grant_type": "http://auth0.com/oauth/grant-type/password-realm", "realm": server.DefaultConnection, "client_id": w.client.ID, "username": "ada@example.com", "password": secret,
				"audience": w.HTTPSURL + "/api/v2/", "scope": "read:current_user update:current_user_metadata update:current_user_identities",
			}, &got)
			access, _ := got["access_token"].(string)
			return access
		}
		manage := func(access string, want int) {
			w.Helper()
			if status := w.JSON(w.T, "GET", path, access, nil, nil); status != want {
				w.Errorf("the Management API: %d, wanted %d", status, want)
			}
		}
		const not = "The token is from before all access of the user ended. Please log in again."
		secret := word
		for name, end := range map[string]func() int{
			"another password": func() int {
				secret += "!"
				return w.JSON(w.T, "PATCH", path, admin, map[string]any{"password": secret, "connection": server.DefaultConnection}, nil)
			},
			"all access revoked": func() int {
				return w.JSON(w.T, "POST", path+"/revoke-access", admin, map[string]any{}, nil)
			},
			"blocked for a while": func() int {
				w.JSON(w.T, "PATCH", path, admin, map[string]any{"blocked": true}, nil)
				return w.JSON(w.T, "PATCH", path, admin, map[string]any{"blocked": false}, nil)
			},
		} {
			got := w.signIn("ada@example.com", secret)
			access, _ := got["access_token"].(string)
			managing := own(secret)
			begun := w.call(access, "POST", "/authentication-methods", `{"type":"password"}`).is(202, "")
			manage(managing, 200)
			if status := end(); status/100 != 2 {
				w.Fatalf("%s: %d", name, status)
			}
			w.call(access, "POST", "/authentication-methods", `{"type":"password"}`).fails(401, "A0E-401-0003", not)
			w.verify(access, begun, `"new_password":"Mallory-Engine-2"`).fails(401, "A0E-401-0003", not)
			manage(managing, 401)
			got = w.signIn("ada@example.com", secret)
			access, _ = got["access_token"].(string)
			w.call(access, "GET", "/factors", "").is(200, "")
			manage(own(secret), 200)
		}

		access, _ := w.signIn("ada@example.com", secret)["access_token"].(string)
		other, _ := w.signIn("ada@example.com", secret, "read:me:factors")["access_token"].(string)
		begun := w.call(access, "POST", "/authentication-methods", `{"type":"password"}`).is(202, "")
		w.verify(access, begun, `"new_password":"Another-Engine-2"`).is(201, "")
		w.call(access, "GET", "/factors", "").is(200, "") // who did it goes on
		w.call(other, "GET", "/factors", "").fails(401, "A0E-401-0003", not)
		if status := w.JSON(w.T, "POST", path+"/revoke-access", admin, map[string]any{}, nil); status/100 != 2 {
			w.Fatal(status)
		}
		w.call(access, "GET", "/factors", "").fails(401, "A0E-401-0003", not)
	})
}
