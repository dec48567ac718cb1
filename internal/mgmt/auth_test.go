package mgmt

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

func unauthorizedBody(message string) string {
	return `{"statusCode":401,"error":"Unauthorized","message":"` + message + `","attributes":{"error":"` + message + `"}}`
}

const (
	invalidToken     = "Invalid token"
	invalidSignature = "Invalid signature received for JSON Web Token validation"
	expiredToken     = "Expired token received for JSON Web Token validation"
	foreignSubject   = "User to be acted on does not match subject in bearer token."
)

func TestAuthenticationErrors(t *testing.T) {
	h := sqlite(t)
	h.call(h.machine("acme", "read:users\u00a0", "x\tread:users"), "GET", "/users", "").fails(403, "insufficient_scope", "Insufficient scope, expected any of: read:users") // spaces alone part scopes
	good := h.machine("acme")
	a := h.call("", "GET", "/users", "").is(401, `{"statusCode":401,"error":"Unauthorized","message":"Missing authentication"}`)
	if a.header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("WWW-Authenticate: %v", a.header)
	}
	for _, header := range []string{"Basic " + good, "Bearer", "Bearer opaque", "Bearer a.b", "Bearer a.b.c.d.e", good, "Bearer  "} {
		h.send("acme", "GET", "/users", "", http.Header{"Authorization": {header}}).
			fails(400, "Bearer", "Bad HTTP authentication header format")
	}
	h.send("acme", "GET", "/users", "", http.Header{"Authorization": {"Bearer " + good, "Bearer " + good}}).
		fails(400, "Bearer", "Bad HTTP authentication header format")
	h.send("acme", "GET", "/users", "", http.Header{"Authorization": {"bearer " + good}}).is(200, "")

	parts := strings.Split(good, ".")
	segment := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	hmac, err := jose.NewSigner(jose.HS256, "", []byte("the public key, as if it were a secret"), "JWT")
	h.ok(err)
	forged, err := hmac.Sign(map[string]any{"iss": "https://acme.test/", "aud": "https://acme.test/api/v2/", "sub": "x", "exp": start.Unix() + 60})
	h.ok(err)
	for name, c := range map[string]struct{ token, body string }{
		"expired":               {h.sign("acme", map[string]any{"exp": start.Unix()}), unauthorizedBody(expiredToken)},
		"changed payload":       {parts[0] + "." + segment(`{"exp":9999999999}`) + "." + parts[2], unauthorizedBody(invalidSignature)},
		"another tenant's":      {h.machine("other"), unauthorizedBody(invalidSignature)},
		"another tenant's, aud": {h.sign("other", map[string]any{"iss": "https://acme.test/", "aud": "https://acme.test/api/v2/"}), unauthorizedBody(invalidSignature)},
		"none":                  {segment(`{"alg":"none"}`) + "." + parts[1] + ".", unauthorizedBody(invalidToken)},
		"HS256":                 {forged, unauthorizedBody(invalidSignature)},
		"not JSON":              {"a.b.c", unauthorizedBody(invalidToken)},
		"not yet valid":         {h.sign("acme", map[string]any{"nbf": start.Unix() + 100}), unauthorizedBody(invalidToken)},
		"no exp":                {h.sign("acme", map[string]any{"exp": nil}), unauthorizedBody(invalidToken)},
		"no sub":                {h.sign("acme", map[string]any{"sub": nil}), unauthorizedBody(invalidToken)},
		"issuer":                {h.sign("acme", map[string]any{"iss": "https://other.test/"}), unauthorizedBody(invalidToken)},
		"audience":              {h.sign("acme", map[string]any{"aud": "https://api.test/"}), `{"statusCode":401,"error":"Unauthorized","message":"Bad audience: https://api.test/"}`},
		"audiences":             {h.sign("acme", map[string]any{"aud": []string{"a", "b"}}), `{"statusCode":401,"error":"Unauthorized","message":"Bad audience: a,b"}`},
		"no slash":              {h.sign("acme", map[string]any{"aud": "https://acme.test/api/v2"}), `{"statusCode":401,"error":"Unauthorized","message":"Bad audience: https://acme.test/api/v2"}`},
	} {
		if got := h.call(c.token, "GET", "/users", ""); got.code != 401 || canonical(t, got.body) != canonical(t, c.body) {
			t.Errorf("%s: %d %s, want %s", name, got.code, got.body, c.body)
		}
	}
	for name, claims := range map[string]map[string]any{
		"with userinfo": {"aud": []string{"https://acme.test/api/v2/", "https://acme.test/userinfo"}},
		"by http":       {"iss": "http://acme.test/", "aud": "http://acme.test/api/v2/"},
	} {
		if got := h.call(h.sign("acme", claims), "GET", "/users", ""); got.code != 200 {
			t.Errorf("%s: %d %s", name, got.code, got.body)
		}
	}
}

func TestKeyWithAlgorithmOfTheKeyRecord(t *testing.T) {
	h := sqlite(t)
	stored, err := h.store("acme").SigningKeys(context.Background())
	h.ok(err)
	signer, err := jose.NewSigner(jose.HS256, stored[0].KID, stored[0].CertDER, "JWT")
	h.ok(err)
	forged, err := signer.Sign(map[string]any{"iss": "https://acme.test/", "aud": "https://acme.test/api/v2/", "sub": "web_acme@clients", "exp": start.Unix() + 60})
	h.ok(err)
	h.call(forged, "GET", "/users", "").is(401, unauthorizedBody(invalidToken))
}

func TestScopes(t *testing.T) {
	h := sqlite(t)
	h.call(h.machine("acme", "read:rules"), "GET", "/users", "").
		fails(403, "insufficient_scope", "Insufficient scope, expected any of: read:users")
	h.call(h.machine("acme", "read:rules"), "GET", "/users/x", "").
		fails(403, "insufficient_scope", "Insufficient scope, expected any of: read:users,read:current_user")
	for _, r := range h.api.rows {
		path := wildcard.ReplaceAllString(r.pattern, "x")
		for i, group := range r.groups() {
			if len(group) == 0 || group[0] == "" {
				t.Errorf("%s %s is served without a scope", r.method, r.pattern)
			}
			others := []string{"none:at_all"}
			for _, before := range r.groups()[:i] {
				others = append(others, before[0])
			}
			h.call(h.machine("acme", others...), r.method, path, "{}").
				fails(403, "insufficient_scope", "Insufficient scope, expected any of: "+strings.Join(group, ","))
		}
	}
}

func TestUnknownAndPlannedRoutes(t *testing.T) {
	h := sqlite(t)
	for _, path := range []string{"/nothing", "/users/", "/users//", "/Users", "/users/a/b/c/d/e", ""} {
		h.call(h.machine("acme"), "GET", path, "").fails(404, "", "Not Found")
	}
	h.call(h.machine("acme"), "PUT", "/users", "").fails(404, "", "Not Found")
	h.call("", "GET", "/experimentation/experiments", "").is(401, "")
	h.call(h.machine("acme"), "GET", "/experimentation/experiments", "").
		fails(501, "not_supported", "GET /api/v2/experimentation/experiments (list experiments) is not supported by this server.")
	for _, o := range Operations() {
		if o.State != "served" {
			path := wildcard.ReplaceAllString(o.Path, "x")
			if got := h.call(h.machine("acme"), o.Method, path, ""); got.code != 501 || got.text("errorCode") != "not_supported" ||
				!strings.Contains(got.text("message"), Base) {
				t.Errorf("%s %s: %d %s", o.Method, path, got.code, got.body)
			}
		}
	}
}

func TestOwnRecord(t *testing.T) {
	each(t, func(h *house) {
		kim := h.user("kim", `,"user_metadata":{"lang":"fi"},"app_metadata":{"plan":"free"}`)
		lee := h.user("lee", "")
		path := "/users/" + strings.ReplaceAll(kim, "|", "%7C")
		own := h.person("acme", kim, "read:current_user", "update:current_user_metadata", "update:users", "read:users", "delete:users")

		if got := h.call(own, "GET", path, "").is(200, ""); got.text("user_metadata", "lang") != "fi" || got.text("app_metadata", "plan") != "free" {
			h.Errorf("own record: %s", got.body)
		}
		if got := h.call(own, "PATCH", path, `{"user_metadata":{"displayName":"J-vald3z"}}`).is(200, ""); got.text("user_metadata", "lang") != "fi" {
			h.Errorf("the other key is gone: %s", got.body)
		}
		for _, method := range []string{"GET", "PATCH"} {
			h.call(own, method, "/users/"+lee, `{"user_metadata":{"x":1}}`).fails(403, "unowned_resource", foreignSubject)
		}
		before := h.call(h.machine("acme"), "GET", path, "").body
		for body, missing := range map[string]string{
			`{"app_metadata":{"plan":"gold"}}`:                           "update:users,update:users_app_metadata",
			`{"app_metadata":null}`:                                      "update:users,update:users_app_metadata",
			`{"user_metadata":{"a":1},"app_metadata":{"roles":["e"]}}`:   "update:users,update:users_app_metadata",
			`{"blocked":false}`:                                          "update:users",
			`{"password":"Another-Horse-2"}`:                             "update:users",
			`{"email":"new@x.test"}`:                                     "update:users",
			`{"user_metadata":{"a":1},"name":"x"}`:                       "update:users",
			`{"user_metadata":{"a":1},"client_id":"x"}`:                  "update:users",
			`{"user_metadata":{"a":1},"email_verified":true}`:            "update:users",
			`{"user_metadata":{"a":1},"connection":"Users"}`:             "update:users",
			`{"user_metadata":{"a":1},"verify_email":true,"picture":""}`: "", // refused by the schema
		} {
			got := h.call(own, "PATCH", path, body)
			if missing == "" {
				got.is(400, "")
				continue
			}
			got.fails(403, "insufficient_scope", "Insufficient scope, expected any of: "+missing)
		}
		h.call(own, "DELETE", path, "").fails(403, "insufficient_scope", "Insufficient scope, expected any of: delete:users,delete:current_user")
		h.call(own, "GET", "/users", "").fails(403, "insufficient_scope", "Insufficient scope, expected any of: read:users")
		h.call(h.person("acme", kim, "read:current_user"), "PATCH", path, `{"user_metadata":{}}`).is(403, "")
		h.call(h.person("acme", kim, "create:current_user_metadata"), "PATCH", path, `{}`).is(200, "")
		if after := h.call(h.machine("acme"), "GET", path, "").body; after != before {
			h.Errorf("something changed:\n%s\n%s", before, after)
		}
		h.call(h.person("acme", kim, "delete:current_user"), "DELETE", path, "").is(204, "")
	})
}

func TestUserWhoLooksLikeAClient(t *testing.T) {
	h := sqlite(t)
	mallory := h.call(h.machine("acme"), "POST", "/users", `{"connection":"Users","email":"m@x.test","password":"Correct-Horse-1","user_id":"web_acme@clients"}`).
		is(201, "").text("user_id")
	h.call(h.sign("acme", map[string]any{"sub": mallory}), "GET", "/users", "").is(403, "")
	h.call(h.sign("acme", map[string]any{"gty": nil}), "GET", "/users", "").is(403, "")
}

func TestAppMetadataScope(t *testing.T) {
	h := sqlite(t)
	kim := h.user("kim", "")
	app := h.machine("acme", "update:users_app_metadata")
	h.call(app, "PATCH", "/users/"+kim, `{"app_metadata":{"a":1}}`).is(200, "")
	h.call(app, "PATCH", "/users/"+kim, `{"user_metadata":{"a":1}}`).
		fails(403, "insufficient_scope", "Insufficient scope, expected any of: update:users,update:current_user_metadata")
	h.call(app, "PATCH", "/users/"+kim, `{"name":"x"}`).fails(403, "insufficient_scope", "Insufficient scope, expected any of: update:users")
}

// idToken makes an ID token of the client web_acme for a user.
func (h *house) idToken(userID, alg, secret string, changes map[string]any) string {
	h.Helper()
	claims := map[string]any{"iss": "https://acme.test/", "aud": "web_acme", "sub": userID, "iat": start.Unix(), "exp": start.Unix() + 60}
	for k, v := range changes {
		claims[k] = v
	}
	if alg == jose.RS256 {
		stored, err := h.store("acme").SigningKeys(context.Background())
		h.ok(err)
		return h.signWith(jose.RS256, stored[0].KID, stored[0].Private, claims)
	}
	return h.signWith(alg, "", []byte(secret), claims)
}

func TestLegacyIDToken(t *testing.T) {
	each(t, func(h *house) {
		kim, lee := h.user("kim", ""), h.user("lee", "")
		client, err := h.store("acme").Client(context.Background(), "web_acme")
		h.ok(err)
		hs256, rs256 := h.idToken(kim, jose.HS256, client.Secret, nil), h.idToken(kim, jose.RS256, "", nil)

		h.call(rs256, "GET", "/users/"+kim, "").is(401, `{"statusCode":401,"error":"Unauthorized","message":"Bad audience: web_acme"}`)
		h.call(hs256, "GET", "/users/"+kim, "").is(401, "")
		h.call(h.machine("acme"), "PATCH", "/tenants/settings", `{"flags":{"enable_idtoken_api2":true}}`).is(200, "")

		for name, bearer := range map[string]string{"RS256": rs256, "HS256": hs256} {
			h.call(bearer, "GET", "/users/"+kim, "").is(200, "")
			if got := h.call(bearer, "PATCH", "/users/"+kim, `{"user_metadata":{"displayName":"`+name+`"}}`).is(200, ""); got.text("user_metadata", "displayName") != name {
				h.Errorf("%s: %s", name, got.body)
			}
			h.call(bearer, "PATCH", "/users/"+kim, `{"app_metadata":{"plan":"gold"}}`).is(403, "")
			h.call(bearer, "PATCH", "/users/"+kim, `{"name":"x"}`).is(403, "")
			h.call(bearer, "GET", "/users/"+lee, "").fails(403, "unowned_resource", foreignSubject)
			h.call(bearer, "GET", "/users", "").is(403, "")
			h.call(bearer, "DELETE", "/users/"+kim, "").is(403, "")
			h.call(bearer, "GET", "/users/"+kim+"/logs", "").is(403, "")
		}
		for name, bearer := range map[string]string{
			"wrong secret":   h.idToken(kim, jose.HS256, "wrong", nil),
			"expired":        h.idToken(kim, jose.HS256, client.Secret, map[string]any{"exp": start.Unix()}),
			"other issuer":   h.idToken(kim, jose.RS256, "", map[string]any{"iss": "https://other.test/"}),
			"unknown client": h.idToken(kim, jose.RS256, "", map[string]any{"aud": "nobody"}),
			"two audiences":  h.idToken(kim, jose.RS256, "", map[string]any{"aud": []string{"web_acme", "nobody"}}),
		} {
			if got := h.call(bearer, "GET", "/users/"+kim, ""); got.code != 401 {
				h.Errorf("%s: %d %s", name, got.code, got.body)
			}
		}
		// A client whose tokens are RS256, or that has no secret, cannot have made an HS256 one.
		_, err = h.store("acme").UpdateClient(context.Background(), "web_acme", func(c *stagedoor.Client) error {
			c.JWTConfiguration.Algorithm = jose.RS256
			return nil
		})
		h.ok(err)
		h.call(hs256, "GET", "/users/"+kim, "").is(401, unauthorizedBody(invalidSignature))
		h.call(rs256, "GET", "/users/"+kim, "").is(200, "")
	})
}

// Whoever knows the secret of a client can sign what looks like an ID token of it: it speaks only for people whom the client could sign in.
func TestLegacyIDTokenOfAStranger(t *testing.T) {
	h := sqlite(t)
	client, err := h.store("acme").Client(context.Background(), "web_acme")
	h.ok(err)
	h.call(h.machine("acme"), "PATCH", "/tenants/settings", `{"flags":{"enable_idtoken_api2":true}}`).is(200, "")
	other := h.call(h.machine("acme"), "POST", "/clients", `{"name":"Other"}`).is(201, "").text("client_id")
	h.call(h.machine("acme"), "POST", "/connections", `{"name":"Others","strategy":"auth0","enabled_clients":["`+other+`"]}`).is(201, "")
	kim := h.user("kim", "")
	lee := h.call(h.machine("acme"), "POST", "/users", `{"connection":"Others","email":"lee@x.test","password":"Correct-Horse-1"}`).is(201, "").text("user_id")
	h.call(h.idToken(kim, jose.HS256, client.Secret, nil), "GET", "/users/"+kim, "").is(200, "")
	h.call(h.idToken(lee, jose.HS256, client.Secret, nil), "GET", "/users/"+lee, "").is(401, unauthorizedBody("Invalid token"))
	h.call(h.idToken(lee, jose.RS256, "", nil), "GET", "/users/"+lee, "").is(200, "") // the tenant alone can make it
}

func TestCrossOrigin(t *testing.T) {
	h := sqlite(t)
	kim := h.user("kim", "")
	_, err := h.store("acme").UpdateClient(context.Background(), "web_acme", func(c *stagedoor.Client) error {
		c.WebOrigins, c.AllowedOrigins = []string{"https://web.test"}, []string{"https://*.wild.test", "http://127.0.0.1:3000"}
		return nil
	})
	h.ok(err)
	for origin, allowed := range map[string]bool{
		"https://app.acme.test": true, "https://web.test": true, "https://a.wild.test": true, "http://127.0.0.1:3000": true,
		"https://evil.test": false, "http://web.test": false, "https://a.b.wild.test": false, "https://wild.test": false,
		"https://app.other.test": false, "https://web.test.evil.test": false, "null": false, "https://evil.test/.wild.test": false,
	} {
		pre := h.send("acme", "OPTIONS", "/users/"+kim, "", http.Header{"Origin": {origin}, "Access-Control-Request-Method": {"PATCH"}})
		got := h.send("acme", "PATCH", "/users/"+kim, `{"user_metadata":{"a":1}}`, http.Header{
			"Origin": {origin}, "Authorization": {"Bearer " + h.person("acme", kim, "update:current_user_metadata")},
		})
		failed := h.send("acme", "GET", "/users/"+kim, "", http.Header{"Origin": {origin}})
		for name, a := range map[string]answer{"preflight": pre, "answer": got, "error": failed} {
			want := ""
			if allowed {
				want = origin
			}
			if a.header.Get("Access-Control-Allow-Origin") != want || !strings.Contains(strings.Join(a.header.Values("Vary"), ","), "Origin") {
				t.Errorf("%s %s: %v", origin, name, a.header)
			}
		}
		if pre.code != 204 || allowed != strings.Contains(pre.header.Get("Access-Control-Allow-Methods"), "PATCH") ||
			pre.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: preflight %d %v", origin, pre.code, pre.header)
		}
	}
	h.send("acme", "OPTIONS", "/users", "", nil).fails(404, "", "Not Found")
}
