package oauth

import (
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
)

func machineForm(more ...string) []string {
	return append([]string{"grant_type", "client_credentials", "client_id", machine, "client_secret", secret(machine), "audience", apiAudience}, more...)
}

func TestClientCredentials(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		a := w.token(values(machineForm()...)).good()
		same(t, "answer", []any{a.Scope, a.ExpiresIn, a.IDToken, a.RefreshToken}, []any{"read:songs edit:songs", 86400, "", ""})
		claims := w.claims(a.AccessToken)
		has(t, "the token", claims, "aud azp exp gty iat iss scope sub")
		same(t, "claims", []any{claims["aud"], claims["azp"], claims["gty"], claims["sub"], claims["scope"], claims["iss"]},
			[]any{apiAudience, machine, "client-credentials", machine + "@clients", "read:songs edit:songs", "https://acme.test/"})
		w.wantLog("seccft")
		same(t, "narrower", w.token(values(machineForm("scope", "edit:songs edit:songs")...)).good().Scope, "edit:songs")
		w.api(func(rs *stagedoor.ResourceServer) { rs.TokenDialect = "access_token_authz" })
		same(t, "permissions", w.claims(w.token(values(machineForm("scope", "edit:songs")...)).good().AccessToken)["permissions"], []string{"edit:songs"})
	})
}

// Rules are for people: a machine's token runs none.
func TestClientCredentialsRunNoRules(t *testing.T) {
	w := newWorld(t)
	w.rule(`function (user, context, callback) { callback(new Error('no')); }`)
	w.token(values(machineForm()...)).good()
}

func TestClientCredentialsRefused(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		more       []string
		status     int
		code, text string
	}{
		"wrong secret":     {[]string{"client_secret", "wrong"}, 401, "access_denied", "Unauthorized"},
		"no secret":        {[]string{"client_secret", "-"}, 401, "access_denied", "Unauthorized"},
		"empty secret":     {[]string{"client_secret", ""}, 401, "access_denied", "Unauthorized"},
		"unknown client":   {[]string{"client_id", "nobody"}, 401, "access_denied", "Unauthorized"},
		"no client":        {[]string{"client_id", "-"}, 400, "invalid_request", "Missing required parameter: client_id"},
		"unknown audience": {[]string{"audience", "https://nowhere.test/"}, 403, "access_denied", "Service not found: https://nowhere.test/"},
		"userinfo":         {[]string{"audience", "https://acme.test/userinfo"}, 403, "access_denied", "Service not found: https://acme.test/userinfo"},
		"no audience":      {[]string{"audience", "-"}, 403, "access_denied", "Non-global clients are not allowed access to APIv1"},
		"no grant": {
			[]string{"audience", "https://acme.test/api/v2/"},
			403, "access_denied",
			`Client is not authorized to access "https://acme.test/api/v2/". You need to create a "client-grant" associated to this API. See: https://auth0.com/docs/api/v2#!/Client_Grants/post_client_grants`,
		},
		"scope":           {[]string{"scope", "read:songs fly:moon burn:songs"}, 403, "access_denied", "Client has not been granted scopes: fly:moon burn:songs"},
		"no grant type":   {[]string{"grant_type", "-"}, 400, "invalid_request", "Missing required parameter: grant_type"},
		"unknown grant":   {[]string{"grant_type", "magic"}, 403, "unsupported_grant_type", "Unsupported grant type: magic"},
		"grant forbidden": {[]string{"grant_type", "refresh_token", "refresh_token", "x"}, 403, "unauthorized_client", "Grant type 'refresh_token' not allowed for the client."},
		"public client":   {[]string{"client_id", spa, "client_secret", "-"}, 403, "unauthorized_client", "Grant type 'client_credentials' not allowed for the client."},
	} {
		a := w.token(values(machineForm(c.more...)...))
		a.bad(c.status, c.code, c.text)
		if (a.ErrorURI != "") != (c.code == "unauthorized_client") {
			t.Errorf("%s: %s", name, a.Body)
		}
	}
	a := w.token(values(machineForm("client_secret", "wrong")...))
	same(t, "the body, byte for byte", a.Body.String(), `{"error":"access_denied","error_description":"Unauthorized"}`)
	ok(t, w.st.CreateClientGrant(t.Context(), &stagedoor.ClientGrant{ClientID: machine, Audience: "https://acme.test/api/v2/", Scope: []string{"read:users"}}))
	same(t, "management", w.token(values(machineForm("audience", "https://acme.test/api/v2/")...)).good().Scope, "read:users")
	w.settings(func(s *stagedoor.TenantSettings) { s.DefaultAudience = apiAudience })
	same(t, "the default audience", w.claims(w.token(values(machineForm("audience", "-")...)).good().AccessToken)["aud"], apiAudience)
}

func TestTokenBodies(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		send := func(contentType, authorization, body string) *tokenAnswer {
			t.Helper()
			r := newRequest("POST", "/oauth/token?grant_type=nonsense&client_id=nobody", body)
			if contentType != "" {
				r.Header.Set("Content-Type", contentType)
			}
			if authorization != "" {
				r.Header.Set("Authorization", authorization)
			}
			return w.read(w.browser().do(r))
		}
		const form, js = "application/x-www-form-urlencoded", "application/json"
		full := `{"grant_type":"client_credentials","client_id":"machine","client_secret":"` + secret(machine) + `","audience":"` + apiAudience + `"`
		rest := "grant_type=client_credentials&audience=" + apiAudience
		send(js, "", full+`}`).good()
		send("Application/JSON; charset=utf-8", "", "  "+full+`,"extra":{"a":[1,{"b":null}]},"number":12,"nothing":null} `).good()
		send(form+"; charset=UTF-8", basic(machine, secret(machine)), rest+"&unknown=x&auth0Client=y").good()
		send(form, basic(machine, secret(machine)), rest+"&client_id=machine").good()
		send(js, basic(machine, secret(machine)), `{"grant_type":"client_credentials","audience":"`+apiAudience+`"}`).good()

		const malformed, notForm = "The request body is not a valid JSON object.", "The request body is not a valid form."
		const unread, kinds = "The request body cannot be read.", "The content type must be application/x-www-form-urlencoded or application/json."
		for _, c := range []struct {
			contentType, body, text string
			status                  int
		}{
			{js, full, malformed, 400},
			{js, full + `,}`, malformed, 400},
			{js, full + `}}`, malformed, 400},
			{js, full + `} x`, malformed, 400},
			{js, `[` + full + `}]`, malformed, 400},
			{js, `"x"`, malformed, 400},
			{js, `null`, malformed, 400},
			{js, ``, malformed, 400},
			{js, full + `,"client_id":"machine"}`, "Duplicate parameter: client_id", 400},
			{js, full + `,"client_i\u0064":"x"}`, "Duplicate parameter: client_id", 400},
			{js, full + `,"client_secret":["x"]}`, "Duplicate parameter: client_secret", 400},
			{js, `{"client_secret":["x"],` + full[1:] + `}`, "Duplicate parameter: client_secret", 400},
			{js, full + `,"x":"a\u0000b"}`, unread, 400},
			{js, full + ",\"x\":\"\xff\"}", unread, 400},
			{js, full + `,"deep":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, malformed, 400},
			{js, full + `,"x":"` + strings.Repeat("x", maxForm) + `"}`, "The request body is larger than 65536 bytes.", 413},
			{form, rest + "&x=" + strings.Repeat("x", maxForm), "The request body is larger than 65536 bytes.", 413},
			{form, rest + "&grant_type=refresh_token", "Duplicate parameter: grant_type", 400},
			{form, rest + "&x=%zz", notForm, 400},
			{form, rest + "&x=%ff", unread, 400},
			{form, rest + "&x=%00", unread, 400},
			{form, rest + "&x=\xff", unread, 400},
			{"text/plain", rest, kinds, 415},
			{"multipart/form-data; boundary=x", rest, kinds, 415},
			{"", rest, kinds, 415},
			{"application/json; charset", full + "}", kinds, 415},
			{"", "", "Missing required parameter: grant_type", 400},
			{form, "", "Missing required parameter: grant_type", 400},
		} {
			send(c.contentType, "", c.body).bad(c.status, "invalid_request", c.text)
		}
	})
}

func TestClientAuthentication(t *testing.T) {
	w := newWorld(t)
	send := func(authorization string, more ...string) *tokenAnswer {
		t.Helper()
		r := newRequest("POST", "/oauth/token", values(machineForm(append([]string{"client_id", "-", "client_secret", "-"}, more...)...)...).Encode())
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", authorization)
		return w.read(w.browser().do(r))
	}
	send(basic(machine, secret(machine))).good()
	for name, authorization := range map[string]string{"wrong": basic(machine, "wrong"), "unknown": basic("nobody", "x"), "escape": "Basic JXp6OiV6eg==", "NUL": basic("a\x00b", "x")} {
		a := send(authorization)
		a.bad(401, "access_denied", "Unauthorized")
		if a.Header().Get("WWW-Authenticate") != `Basic realm="acme"` {
			t.Errorf("%s: %v", name, a.Header())
		}
	}
	send("Basic %%%").bad(400, "invalid_request", "Missing required parameter: client_id")
	send("Bearer x").bad(400, "invalid_request", "Missing required parameter: client_id")
	const twice = "The client is authenticated in two ways that differ."
	send(basic(machine, secret(machine)), "client_id", site).bad(400, "invalid_request", twice)
	send(basic(machine, secret(machine)), "client_secret", "x").bad(400, "invalid_request", twice)
	// Both are form-encoded before they are put together (RFC 6749 section 2.3.1).
	odd := stagedoor.Client{ID: "ma chine+%2B:é", Name: "Odd", Secret: "se cret+%2B:é&", IsFirstParty: true, OIDCConformant: true, TokenEndpointAuthMethod: "client_secret_basic", GrantTypes: []string{"client_credentials"}}
	ok(t, w.st.CreateClient(t.Context(), &odd))
	ok(t, w.st.CreateClientGrant(t.Context(), &stagedoor.ClientGrant{ClientID: odd.ID, Audience: apiAudience, Scope: []string{"read:songs"}}))
	same(t, "sub", w.claims(send(basic(odd.ID, odd.Secret)).good().AccessToken)["sub"], odd.ID+"@clients")
	// A public client may prove itself all the same, but not wrongly.
	code := w.browser().login(request(spa)).got().Get("code")
	w.redeem(spa, code, "client_secret", "wrong").bad(401, "access_denied", "Unauthorized")
	w.redeem(spa, code, "client_secret", secret(spa)).good()
}

// A request cannot fill the log.
func TestLogIsBounded(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("é", 20000)
	w.token(values(machineForm("client_id", long)...))
	w.token(values(machineForm("audience", long)...))
	w.token(values(machineForm("grant_type", long)...))
	w.browser().authorize(request(spa, "audience", long))
	for _, e := range w.events() {
		for _, s := range []string{e.ClientID, e.Audience, e.Description, e.UserAgent} {
			if len(s) > 1100 {
				t.Errorf("%s: a member of %d bytes", e.Type, len(s))
			}
		}
	}
}
