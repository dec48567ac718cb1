package mgmt

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/outbound"
)

// Every strategy can be created, read, patched and deleted as configuration; its options come back as they were sent.
func TestEveryStrategy(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	if len(strategies) != 55 {
		t.Errorf("%d strategies", len(strategies))
	}
	for name, s := range strategies {
		got := h.call(all, "POST", "/connections", `{"name":"c-`+name+`","strategy":"`+name+`","options":{"client_id":"id","upstream_params":{"screen_name":{"alias":"login_hint"}}}}`)
		if s.family == familyDatabase {
			got.fails(400, "invalid_body", payload(`Additional properties not allowed: client_id' on property options`))
			continue
		}
		path := "/connections/" + got.is(201, "").text("id")
		if got.text("options", "client_id") != "id" || encode(got.get("options", "upstream_params")) != `{"screen_name":{"alias":"login_hint"}}` || encode(got.get("realms")) != `["c-`+name+`"]` {
			t.Errorf("%s: %s", name, got.body)
		}
		if shown := got.get("show_as_button"); (shown != nil) != (s.family == familyEnterprise) {
			t.Errorf("%s: show_as_button %v", name, shown)
		}
		h.call(all, "GET", path, "").is(200, got.body)
		got = h.call(all, "PATCH", path, `{"options":{"client_id":"other","tokenURL":null}}`).is(200, "")
		if got.text("options", "client_id") != "other" || got.get("options", "upstream_params") != nil {
			t.Errorf("%s: options are replaced: %s", name, got.body)
		}
		h.call(all, "DELETE", path, "").is(202, "")
	}
}

func TestConnectionOptionsRefused(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	for body, reason := range map[string]string{
		`"oidc","options":{}`: `Missing required property: client_id' on property options`,
		`"oidc"`:              `Missing required property: client_id' on property options`,
		`"oidc","options":{"client_id":"x","type":"side_channel"}`:                    `No enum match for: side_channel' on property options.type (Connection type)`,
		`"okta","options":{"client_id":"x","connection_settings":{"pkce":"always"}}`:  `No enum match for: always' on property options.connection_settings.pkce`,
		`"samlp","options":{"signatureAlgorithm":"md5"}`:                              `No enum match for: md5' on property options.signatureAlgorithm`,
		`"waad","options":{"client_id":"x","userid_attribute":"upn"}`:                 `No enum match for: upn' on property options.userid_attribute`,
		`"sms","options":{"totp":{"length":3}}`:                                       `Value 3 is less than minimum 4' on property options.totp.length`,
		`"github","options":{"upstream_params":{"a":{"alias":"nope"}}}`:               `No enum match for: nope' on property options.upstream_params.a.alias`,
		`"github","options":[]`:                                                       `Expected type object but found type array' on property options (The connection's options)`,
		`"auth0","options":{"precedence":["email"]}`:                                  `Array is too short (1), minimum 3' on property options.precedence`,
		`"auth0","options":{"password_history":{"size":25}}`:                          `Value 25 is greater than maximum 24' on property options.password_history.size`,
		`"auth0","options":{"password_options":{"complexity":{"min_length":73}}}`:     `Value 73 is greater than maximum 72' on property options.password_options.complexity.min_length`,
		`"auth0","options":{"authentication_methods":{"password":{"enabled":"yes"}}}`: `Expected type boolean but found type string' on property options.authentication_methods.password.enabled`,
		`"auth0","metadata":{"a":1}`:                                                  `Expected type string but found type integer' on property metadata.a`,
	} {
		h.call(all, "POST", "/connections", `{"name":"c","strategy":`+body+`}`).fails(400, "invalid_body", payload(reason))
	}
	const nothingLeft = "authentication_methods leaves nothing to log in with: without password it takes passkey, or email_otp or phone_otp of an active identifier"
	identifier := func(attributes string) string {
		return `{"name":"c","strategy":"auth0","options":{` + attributes + `}}`
	}
	for body, message := range map[string]string{
		identifier(`"requires_username":true,"attributes":{"email":{"identifier":{"active":true}}}`):                                                                                          "Cannot set both options.attributes and options.requires_username",
		identifier(`"validation":{"username":{"min":1,"max":5}},"attributes":{"email":{"identifier":{"active":true}}}`):                                                                       "Cannot set both options.attributes and options.validation",
		identifier(`"attributes":{"email":{"identifier":{"active":false}}}`):                                                                                                                  "attributes must contain one active identifier",
		identifier(`"attributes":{"phone_number":{"identifier":{"active":true},"profile_required":true,"signup":{"status":"inactive"}}}`):                                                     "attribute phone_number must also be required on signup",
		identifier(`"attributes":{"email":{"identifier":{"active":true,"default_method":"phone_otp"}}}`):                                                                                      "the default_method of email must be password or email_otp",
		identifier(`"attributes":{"email":{"identifier":{"active":true,"default_method":"email_otp"}}},"authentication_methods":{"password":{"enabled":true},"email_otp":{"enabled":false}}`): "the default_method of email is switched off in authentication_methods",
		identifier(`"attributes":{"email":{"identifier":{"active":true},"unique":false}}`):                                                                                                    "cannot add non-unique email attribute",
		identifier(`"authentication_methods":{"password":{"enabled":false}}`):                                                                                                                 nothingLeft,
		identifier(`"attributes":{"email":{"identifier":{"active":true}}},"authentication_methods":{"password":{"enabled":false},"phone_otp":{"enabled":true}}`):                              nothingLeft,
		identifier(`"enabledDatabaseCustomization":true,"authentication_methods":{"password":{"enabled":false},"passkey":{"enabled":true}}`):                                                  nothingLeft,
	} {
		h.call(all, "POST", "/connections", body).fails(400, "invalid_body", message)
	}
	if got := h.call(all, "GET", "/connections?include_totals=true", ""); got.get("total") != 1.0 {
		t.Errorf("refused, and yet there: %s", got.body)
	}
}

// Whether addresses are unique is said when a connection is made.
func TestUniqueIsForGood(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		of := func(unique string) string {
			return `"options":{"attributes":{"username":{"identifier":{"active":true}},"email":{"identifier":{"active":false}` + unique + `}}}`
		}
		plain := "/connections/" + h.call(all, "POST", "/connections", `{"name":"plain","strategy":"auth0"}`).is(201, "").text("id")
		h.call(all, "PATCH", plain, "{"+of(`,"unique":false`)+"}").fails(400, "invalid_body", "cannot add non-unique email attribute")
		h.call(all, "PATCH", plain, "{"+of("")+"}").is(200, "")
		h.call(all, "PATCH", plain, "{"+of(`,"unique":false`)+"}").fails(400, "invalid_body", "cannot patch unique property on email attribute")
		shared := "/connections/" + h.call(all, "POST", "/connections", `{"name":"shared","strategy":"auth0",`+of(`,"unique":false`)+"}").is(201, "").text("id")
		h.call(all, "PATCH", shared, "{"+of("")+"}").fails(400, "invalid_body", "cannot patch unique property on email attribute")
		h.call(all, "PATCH", shared, "{"+of(`,"unique":false`)+"}").is(200, "")
		h.call(all, "PATCH", shared, `{"options":{}}`).is(200, "")
	})
}

func TestConnectionRealmsAndDomain(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		first := h.call(all, "POST", "/connections", `{"name":"a","strategy":"ad","realms":["r"],"is_domain_connection":true}`).is(201, "").text("id")
		h.call(all, "POST", "/connections", `{"name":"b","strategy":"ad","realms":["r"]}`).fails(409, "connection_conflict", "A connection with the same realm already exists")
		h.call(all, "POST", "/connections", `{"name":"b","strategy":"ad","is_domain_connection":true}`).fails(409, "connection_conflict", "There is already a domain connection: a")
		second := h.call(all, "POST", "/connections", `{"name":"b","strategy":"ad"}`).is(201, "").text("id")
		h.call(all, "PATCH", "/connections/"+second, `{"realms":["b","r"]}`).fails(409, "connection_conflict", "A connection with the same realm already exists")
		if got := h.call(all, "GET", "/connections/"+second, ""); encode(got.get("realms")) != `["b"]` {
			h.Errorf("a refused patch changed it: %s", got.body)
		}
		h.call(all, "GET", "/connections/"+first+"/status", "").fails(404, "", "Not Found")
		h.call(all, "GET", "/connections/"+h.connectionID()+"/status", "").is(200, `{}`)
	})
}

// What custom scripts get is never shown, and stays what it is when what was shown is written back.
func TestConnectionSecrets(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		h.call(all, "POST", "/connections", `{"name":"g","strategy":"github","options":{"client_id":"id","client_secret":"top-secret-1"}}`).is(201, "")
		got := h.call(all, "POST", "/connections", `{"name":"d","strategy":"auth0","options":{"enabledDatabaseCustomization":true,"customScripts":{"login":"function login() {}"},"configuration":{"KEY":"top-secret-2"}}}`).is(201, "")
		path := "/connections/" + got.text("id")
		if shown := got.text("options", "configuration", "KEY"); !strings.HasPrefix(shown, "2.0$") || strings.Contains(got.body, "top-secret") {
			h.Errorf("configuration: %s", got.body)
		}
		options := encode(got.get("options"))
		h.call(all, "PATCH", path, `{"options":`+strings.Replace(options, `"KEY":`, `"NEW":"n","KEY":`, 1)+`}`).is(200, "")
		conn, err := h.store("acme").ConnectionByName(context.Background(), "d")
		h.ok(err)
		if string(conn.Options.Stored["configuration"]) != `{"KEY":"top-secret-2","NEW":"n"}` {
			h.Errorf("written back: %s", conn.Options.Stored["configuration"])
		}
		got = h.call(all, "POST", "/connections", `{"name":"o","strategy":"oauth2","options":{"client_id":"id","configuration":{"KEY":"top-secret-3"}}}`).is(201, "")
		h.call(all, "PATCH", "/connections/"+got.text("id"), `{"options":`+encode(got.get("options"))+`}`).is(200, "")
		conn, err = h.store("acme").ConnectionByName(context.Background(), "o")
		h.ok(err)
		if string(conn.Options.Stored["configuration"]) != `{"KEY":"top-secret-3"}` {
			h.Errorf("of a custom social connection, written back: %s", conn.Options.Stored["configuration"])
		}
		for _, wrong := range []string{`5`, `["x"]`, `{"KEY":1}`} {
			h.call(all, "POST", "/connections", `{"name":"w","strategy":"oauth2","options":{"client_id":"id","configuration":`+wrong+`}}`).is(400, "")
		}
		conn.Options.Stored["configuration"] = json.RawMessage(`5`) // kept before it was looked at
		_, err = h.store("acme").UpdateConnection(context.Background(), conn.ID, func(c *stagedoor.Connection) error { c.Options = conn.Options; return nil })
		h.ok(err)
		h.call(all, "GET", "/connections?name=o", "").is(200, "")
		if got := h.call(all, "GET", "/connections?name=g", ""); !strings.Contains(got.body, "top-secret-1") {
			h.Errorf("read: %s", got.body)
		}
	})
}

func TestPasswordOptionsAreFilled(t *testing.T) {
	h := sqlite(t)
	got := h.call(h.machine("acme"), "POST", "/connections", `{"name":"d","strategy":"auth0","options":{"password_options":{"history":{"active":true,"size":5},"dictionary":{"active":true,"custom":["forbidden1"]}}}}`).is(201, "")
	if encode(got.get("options", "password_options")) != `{"complexity":{"character_type_rule":"all","character_types":[],"identical_characters":"allow","max_length_exceeded":"error","min_length":15,"sequential_characters":"allow"},`+
		`"dictionary":{"active":true,"custom":["forbidden1"],"default":"en_100k"},"history":{"active":true,"size":5},`+
		`"profile_data":{"active":false,"blocked_fields":["name","username","nickname","email","phone_number","user_metadata.name","user_metadata.first","user_metadata.last"]}}` || got.get("options", "passwordPolicy") != nil {
		t.Errorf("%s", got.body)
	}
}

// What the options of identity providers are completed with.
func TestConnectionCompletion(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	got := h.call(all, "POST", "/connections", `{"name":"o","strategy":"okta","options":{"client_id":"x","domain":"d.okta.test","token_endpoint":null,"issuer":"https://mine.test"}}`).is(201, "")
	for name, want := range map[string]string{
		"issuer": "https://mine.test", "token_endpoint": "https://d.okta.test/oauth2/v1/token", "jwks_uri": "https://d.okta.test/oauth2/v1/keys", "type": "back_channel",
	} {
		if got.text("options", name) != want {
			t.Errorf("okta %s: %q", name, got.text("options", name))
		}
	}
	if got.text("display_name") != "o" {
		t.Errorf("display_name: %s", got.body)
	}
	got = h.call(all, "POST", "/connections", `{"name":"s","strategy":"samlp","options":{"signInEndpoint":"https://i.test/","signingCert":`+h.certificate(0)+`}}`).is(201, "")
	if encode(got.get("options", "subject")) != `{"commonName":"acme.test"}` || got.text("options", "expires") != "2036-11-25T12:00:00.000Z" || len(got.get("options", "thumbprints").([]any)) != 1 {
		t.Errorf("samlp: %s", got.body)
	}
	got = h.call(all, "POST", "/connections", `{"name":"f","strategy":"adfs","options":{"fedMetadataXml":"<a><PassiveRequestorEndpoint><b><Address>https://adfs.test/wsfed</Address></b></PassiveRequestorEndpoint></a>"}}`).is(201, "")
	if got.text("options", "signInEndpoint") != "https://adfs.test/wsfed" {
		t.Errorf("adfs: %s", got.body)
	}
	got = h.call(all, "POST", "/connections", `{"name":"g","strategy":"google-oauth2","options":{"calendar":true}}`).is(201, "")
	if encode(got.get("options", "scope")) != `["profile","https://www.googleapis.com/auth/calendar","email"]` {
		t.Errorf("google: %s", got.body)
	}
}

// Discovery asks the issuer where the endpoints are not given, and nothing is created when it does not answer.
func TestConnectionDiscovery(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	issuer := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/.well-known/openid-configuration" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		json.NewEncoder(w).Encode(map[string]string{
			"issuer": "https://" + r.Host, "jwks_uri": "https://" + r.Host + "/keys", "authorization_endpoint": "https://" + r.Host + "/authorize",
		})
	}))
	defer issuer.Close()
	const refused = "could not be read: this server makes no outbound calls."
	body := `{"name":"o","strategy":"oidc","options":{"client_id":"x","issuer":"` + issuer.URL + `"}}`
	h.call(all, "POST", "/connections", body).fails(400, "operation_not_supported", "The document at "+issuer.URL+"/.well-known/openid-configuration "+refused)
	h.api.HTTP = outbound.New(outbound.Config{}) // as where nothing is allowed
	h.call(all, "POST", "/connections", body).fails(400, "operation_not_supported", "The document at "+issuer.URL+"/.well-known/openid-configuration could not be read: there was no answer, or its address is not public and the operator of this server has not allowed it (--outbound-allow).")
	h.api.HTTP = issuer.Client()
	got := h.call(all, "POST", "/connections", body).is(201, "")
	if got.text("options", "jwks_uri") != issuer.URL+"/keys" || got.text("options", "oidc_metadata", "issuer") != issuer.URL {
		t.Errorf("%s", got.body)
	}
	h.call(all, "PATCH", "/connections/"+got.text("id"), `{"options":{"client_id":"x","discovery_url":"`+issuer.URL+`/nothing"}}`).
		fails(400, "operation_not_supported", "The document at "+issuer.URL+"/nothing could not be read: the answer was 404.")
	if got := h.call(all, "GET", "/connections/"+got.text("id"), ""); got.text("options", "jwks_uri") != issuer.URL+"/keys" {
		t.Errorf("a refused patch changed it: %s", got.body)
	}
	h.call(all, "POST", "/connections", `{"name":"s","strategy":"samlp","options":{"metadataUrl":"`+issuer.URL+`/.well-known/openid-configuration"}}`).
		fails(400, "operation_not_supported", "The address "+issuer.URL+"/.well-known/openid-configuration does not answer with the metadata of an identity provider of SAML.")
	// In the clear to this machine alone.
	plain := httptest.NewServer(issuer.Config.Handler)
	defer plain.Close()
	h.call(all, "POST", "/connections", `{"name":"p","strategy":"oidc","options":{"client_id":"x","issuer":"`+plain.URL+`"}}`).is(201, "")
	h.call(all, "POST", "/connections", `{"name":"q","strategy":"oidc","options":{"client_id":"x","issuer":"http://issuer.example"}}`).
		fails(400, "operation_not_supported", "The document at http://issuer.example/.well-known/openid-configuration could not be read: it is not an https address.")
}

// A database with users cannot be turned into a custom one.
func TestCustomDatabaseSwitch(t *testing.T) {
	each(t, func(h *house) {
		h.user("kim", "")
		h.call(h.machine("acme"), "PATCH", "/connections/"+h.connectionID(), `{"options":{"enabledDatabaseCustomization":true}}`).
			fails(400, "operation_not_supported", `This database contains users. You cannot change "enabledDatabaseCustomization" setting.`)
		conn, err := h.store("acme").ConnectionByName(context.Background(), "Users")
		h.ok(err)
		if !conn.ForLogin() || slices.Contains([]string{"true"}, string(conn.Options.Stored["enabledDatabaseCustomization"])) {
			h.Errorf("a refused patch changed it: %+v", conn.Options)
		}
	})
}

// Where a database has no passwords the API makes users without one, and no ticket to choose one; the last other method stays.
func TestConnectionWithoutPasswords(t *testing.T) {
	each(t, func(h *house) {
		all, conn := h.machine("acme"), "/connections/"+h.connectionID()
		h.call(all, "POST", "/users", `{"connection":"Users","email":"kim@x.test"}`).fails(400, "invalid_body", payload("Missing required property: password'"))
		h.call(all, "PATCH", conn, `{"options":{"authentication_methods":{"password":{"api_behavior":"optional"}}}}`).is(200, "")
		h.call(all, "POST", "/users", `{"connection":"Users","email":"lee@x.test"}`).is(201, "")
		h.call(all, "PATCH", conn, `{"options":{"authentication_methods":{"password":{"enabled":false},"email_otp":{"enabled":true}}}}`).is(200, "")
		id := h.call(all, "POST", "/users", `{"connection":"Users","email":"kim@x.test"}`).is(201, "").text("user_id")
		h.call(all, "POST", "/tickets/password-change", `{"user_id":"`+id+`"}`).fails(400, "operation_not_supported", "The connection does not support changing passwords.")
		h.call(all, "PATCH", conn, `{"options":{"attributes":{"phone_number":{"identifier":{"active":true}}}}}`).fails(400, "invalid_body",
			"authentication_methods leaves nothing to log in with: without password it takes passkey, or email_otp or phone_otp of an active identifier")
	})
}

func TestForLogin(t *testing.T) {
	for body, want := range map[string]bool{
		`{"strategy":"auth0"}`: true, `{"strategy":"oidc"}`: false, `{"strategy":"auth0","authentication":{"active":false}}`: false,
		`{"strategy":"auth0","options":{"enabledDatabaseCustomization":true}}`:                    true,
		`{"strategy":"auth0","options":{"enabledDatabaseCustomization":true,"import_mode":true}}`: true,
	} {
		var c stagedoor.Connection
		if err := json.Unmarshal([]byte(body), &c); err != nil || c.ForLogin() != want {
			t.Errorf("%s: %v %v", body, c.ForLogin(), err)
		}
	}
}

// The rules of a database for new passwords hold when users are made and when their passwords are changed.
func TestPasswordRules(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		path := "/connections/" + h.connectionID()
		h.call(all, "PATCH", path, `{"options":{"passwordPolicy":"low","password_history":{"enable":true,"size":2},"password_no_personal_info":{"enable":true},"password_dictionary":{"enable":true,"dictionary":["Mixtape-2026"]}}}`).is(200, "")
		create := func(secret string) answer {
			return h.call(all, "POST", "/users", `{"connection":"Users","user_id":"kim","email":"kimberly@x.test","password":"`+secret+`"}`)
		}
		patch := func(secret string) answer {
			return h.call(all, "PATCH", "/users/auth0|kim", `{"connection":"Users","password":"`+secret+`"}`)
		}
		const common, personal, reused = "PasswordDictionaryError: Password is too common", "PasswordNoUserInfoError: Password contains user information", "PasswordHistoryError: Password has previously been used"
		create("password").fails(400, "invalid_body", common)
		create("mixtape-2026").fails(400, "invalid_body", common)
		create("Kimberly-1-x").fails(400, "invalid_body", personal)
		create("One-Word-1").is(201, "")
		patch("baseball").fails(400, "invalid_body", common)
		patch("kimberly-1-x").fails(400, "invalid_body", personal)
		patch("One-Word-1").fails(400, "invalid_body", reused)
		patch("Two-Word-1").is(200, "")
		patch("One-Word-1").fails(400, "invalid_body", reused)
		patch("Tree-Word-1").is(200, "")
		patch("One-Word-1").is(200, "") // two are remembered, this was the third
		if kept, err := h.store("acme").PasswordHistory(context.Background(), "auth0|kim", 9); err != nil || len(kept) != 1 {
			h.Errorf("%v: %d hashes are kept", err, len(kept))
		}

		h.call(all, "PATCH", path, `{"options":{"password_options":{"complexity":{"min_length":5,"identical_characters":"block","sequential_characters":"block"},"dictionary":{"active":true,"custom":["forbidden1"]},"profile_data":{"active":true,"blocked_fields":["email"]},"history":{"active":true,"size":1}}}}`).is(200, "")
		for secret, message := range map[string]string{
			"baaad-x": "PasswordStrengthError: Password is too weak", "xx-abc-x": "PasswordStrengthError: Password is too weak", "shrt": "PasswordStrengthError: Password is too weak",
			"Forbidden1": common, "I-kimberly-I": personal, "One-Word-1": reused,
		} {
			patch(secret).fails(400, "invalid_body", message)
		}
		h.call(all, "PATCH", path, `{"options":{"passwordPolicy":"low"}}`).is(200, "")
		patch("One-Word-1").is(200, "")
		if kept, err := h.store("acme").PasswordHistory(context.Background(), "auth0|kim", 9); err != nil || len(kept) != 0 {
			h.Errorf("%v: %d hashes are kept though nobody asks for them", err, len(kept))
		}
	})
}

// The newer attributes say the same of usernames as requires_username and validation.
func TestUsernameAttribute(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	path := "/connections/" + h.connectionID()
	create := func(username string) answer {
		return h.call(all, "POST", "/users", `{"connection":"Users","email":"`+username+`@x.test","username":"`+username+`","password":"Correct-Horse-1","user_id":"`+username+`"}`)
	}
	if got := create("kim"); got.code != 400 {
		t.Errorf("a username that nobody wants: %d", got.code)
	}
	h.call(all, "PATCH", path, `{"options":{"attributes":{"email":{"identifier":{"active":true}},"username":{"identifier":{"active":true},"signup":{"status":"optional"},"validation":{"min_length":3,"max_length":5}}}}}`).is(200, "")
	create("kim").is(201, "")
	h.user("nameless", "")
	if got := create("kimberly"); got.code != 400 {
		t.Errorf("too long: %d %s", got.code, got.body)
	}
	h.call(all, "PATCH", "/users/auth0|kim", `{"connection":"Users","username":"ki"}`).is(400, "")
	h.call(all, "PATCH", path, `{"options":{"attributes":{"username":{"identifier":{"active":true},"signup":{"status":"required"}}}}}`).is(200, "")
	h.call(all, "POST", "/users", `{"connection":"Users","email":"a@x.test","password":"Correct-Horse-1"}`).is(400, "")
}

// An action that could not check passwords is refused where a connection names it.
func TestConnectionCustomHash(t *testing.T) {
	h := sqlite(t)
	bearer := h.machine("acme")
	action := func(trigger string) string {
		return h.call(bearer, "POST", "/actions/actions", `{"name":"`+trigger+`","supported_triggers":[{"id":"`+trigger+`"}],"code":"exports.a = 1;"}`).is(201, "").text("id")
	}
	options := func(id string) string { return `"options":{"custom_password_hash":{"action_id":"` + id + `"}}}` }
	property := func(reason string) string {
		return "Payload validation error: '" + reason + "' on property options.custom_password_hash.action_id."
	}
	right, other := action("password-hash-migration"), action("post-login")
	const create = `{"name":"Old","strategy":"auth0",`
	h.call(bearer, "POST", "/connections", create+options("nowhere")).fails(400, "invalid_body", property("There is no such action"))
	at := "/connections/" + h.call(bearer, "POST", "/connections", create+options(right)).is(201, "").text("id")
	h.call(bearer, "PATCH", at, `{`+options(other)).fails(400, "invalid_body", property("The action is not one of the trigger password-hash-migration"))
	if got := h.call(bearer, "GET", at, "").is(200, ""); !strings.Contains(string(got.body), `"action_id":"`+right+`"`) {
		h.Errorf("%s", got.body)
	}
	h.call(bearer, "DELETE", "/actions/actions/"+right, "").
		fails(409, "", "The action is used by the connection "+strings.TrimPrefix(at, "/connections/")+": change that first, or delete the action with force.")
	h.call(bearer, "PATCH", at, `{"options":{"custom_password_hash":null}}`).is(200, "")
	h.call(bearer, "DELETE", "/actions/actions/"+right, "").is(204, "")
	h.call(bearer, "PATCH", at, `{"options":{"custom_password_hash":{"action_id":7}}}`).fails(400, "invalid_body", property("Expected type string but found type integer"))
}
