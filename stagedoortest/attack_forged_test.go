package stagedoortest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

func claimsOf(t testing.TB, raw string) map[string]any {
	t.Helper()
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no token", raw)
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	var out map[string]any
	if err != nil || json.Unmarshal(b, &out) != nil {
		t.Fatalf("%q is no token", raw)
	}
	return out
}

func segment(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func hs256(header, claims map[string]any, secret []byte) string {
	body := segment(header) + "." + segment(claims)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(body))
	return body + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// TestForgedTokens: nothing but a token that the tenant made for the Management API is taken there, and nothing
// but one for /userinfo there.
func TestForgedTokens(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	h, other := w.a, w.b
	_, mine := h.session()
	_, theirs := other.session()
	real := claimsOf(t, h.token)
	headerOf := func(raw string) map[string]any {
		var out map[string]any
		b, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[0])
		if err != nil || json.Unmarshal(b, &out) != nil {
			t.Fatal(err)
		}
		return out
	}
	kid := headerOf(h.token)["kid"]
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	jwks := h.browser().get("/.well-known/jwks.json").body
	if err := json.Unmarshal([]byte(jwks), &set); err != nil || len(set.Keys) == 0 {
		t.Fatal(jwks)
	}
	der, err := base64.StdEncoding.DecodeString(set.Keys[0]["x5c"].([]any)[0].(string))
	if err != nil {
		t.Fatal(err)
	}
	n, err := base64.RawURLEncoding.DecodeString(set.Keys[0]["n"].(string))
	if err != nil {
		t.Fatal(err)
	}
	own, err := jose.NewRSAKey(2048, "evil", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	signed := func(kid string, claims map[string]any) string {
		key := *own
		if kid != "" {
			key.KID = kid
		}
		signer, err := key.Signer("JWT")
		if err != nil {
			t.Fatal(err)
		}
		raw, err := signer.Sign(claims)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	with := func(change map[string]any) map[string]any {
		out := map[string]any{}
		for k, v := range real {
			out[k] = v
		}
		for k, v := range change {
			out[k] = v
		}
		return out
	}
	parts, otherParts := strings.Split(h.token, "."), strings.Split(other.token, ".")
	forged := map[string]string{
		"alg none":                     segment(map[string]any{"alg": "none", "typ": "JWT"}) + "." + segment(real) + ".",
		"alg None with kid":            segment(map[string]any{"alg": "None", "kid": kid}) + "." + segment(real) + ".",
		"no signature":                 parts[0] + "." + parts[1] + ".",
		"HS256 with the certificate":   hs256(map[string]any{"alg": "HS256", "kid": kid}, real, der),
		"HS256 with the modulus":       hs256(map[string]any{"alg": "HS256", "kid": kid}, real, n),
		"HS256 with the JWKS":          hs256(map[string]any{"alg": "HS256", "kid": kid}, real, []byte(jwks)),
		"HS256 with nothing":           hs256(map[string]any{"alg": "HS256", "kid": kid}, real, nil),
		"HS256 with a secret":          hs256(map[string]any{"alg": "HS256"}, real, []byte(h.secret)),
		"own key":                      signed("", real),
		"own key under our kid":        signed(kid.(string), real),
		"own key in the header":        hs256(map[string]any{"alg": "RS256", "kid": kid, "jwk": set.Keys[0], "jku": "https://evil.example/jwks", "x5u": "https://evil.example"}, real, n),
		"kid of a path":                hs256(map[string]any{"alg": "HS256", "kid": "../../../dev/null"}, real, nil),
		"crit":                         hs256(map[string]any{"alg": "RS256", "kid": kid, "crit": []string{"exp"}}, real, n),
		"other claims":                 parts[0] + "." + segment(with(map[string]any{"scope": "everything"})) + "." + parts[2],
		"other tenant's":               other.token,
		"other tenant's under our kid": segment(headerOf(h.token)) + "." + otherParts[1] + "." + otherParts[2],
		"their claims, our signature":  parts[0] + "." + otherParts[1] + "." + parts[2],
		"ID token":                     mine.ID,
		"access token of another API":  mine.Access,
		"refresh token":                mine.Refresh,
		"other tenant's ID token":      theirs.ID,
		"empty":                        "..",
		"long":                         strings.Repeat("a", 20000) + "." + parts[1] + "." + parts[2],
	}
	// What the tenant itself signed, but not for this. Signed with the tenant's key, so that only the claims are wrong.
	attempt := func(what string) {
		t.Helper()
		for name, raw := range forged {
			h.unchanged(what+": "+name, func() {
				for _, target := range []string{"/users", "/users/" + h.user, "/clients"} {
					if status := w.JSON(t, "GET", h.base+"/api/v2"+target, raw, nil, nil); status != 401 && status != 400 {
						t.Errorf("%s: GET %s with %s: %d", what, target, name, status)
					}
				}
				if status := w.JSON(t, "PATCH", h.base+"/api/v2/users/"+h.user, raw, map[string]any{"user_metadata": map[string]any{"genre": "evil"}}, nil); status != 401 && status != 400 {
					t.Errorf("%s: PATCH with %s: %d", what, name, status)
				}
			})
		}
	}
	attempt("switch off")
	for name, raw := range forged {
		if name == "access token of another API" { // holds openid, so it is meant for /userinfo too
			continue
		}
		if a := w.send("GET", h.base+"/userinfo", "", "Authorization", "Bearer "+raw); a.StatusCode != 401 {
			t.Errorf("/userinfo with %s: %d %s", name, a.StatusCode, a.body)
		}
	}

	// With the legacy switch an ID token reads and writes its owner's record, and nothing else.
	h.settings(map[string]any{"flags": map[string]bool{"enable_idtoken_api2": true}})
	delete(forged, "ID token")
	forged["HS256 ID token with the wrong secret"] = hs256(map[string]any{"alg": "HS256"}, with(map[string]any{"aud": h.old, "sub": h.user}), []byte(h.secret))
	forged["HS256 ID token of an RS256 client"] = hs256(map[string]any{"alg": "HS256"}, with(map[string]any{"aud": h.site, "sub": h.user}), []byte(h.secret))
	forged["HS256 ID token of a public client"] = hs256(map[string]any{"alg": "HS256"}, with(map[string]any{"aud": h.spa, "sub": h.user}), nil)
	forged["HS256 ID token, expired"] = hs256(map[string]any{"alg": "HS256"}, with(map[string]any{"aud": h.old, "sub": h.user, "exp": 1700000000}), []byte(h.oldSecret))
	forged["HS256 ID token of another issuer"] = hs256(map[string]any{"alg": "HS256"}, with(map[string]any{"aud": h.old, "sub": h.user, "iss": "https://evil.example/"}), []byte(h.oldSecret))
	forged["HS256 for the Management API"] = hs256(map[string]any{"alg": "HS256"}, with(map[string]any{"aud": []any{h.old, real["aud"]}}), []byte(h.oldSecret))
	attempt("switch on")
	second := h.create("users", map[string]any{"connection": connection, "email": "second@alpha.example", "password": "Engine-No.3 of second"})["user_id"].(string)
	for target, want := range map[string]int{"/users/" + h.user: 200, "/users/" + second: 403, "/users": 403, "/clients": 403, "/tenants/settings": 403} {
		if status := w.JSON(t, "GET", h.base+"/api/v2"+target, mine.ID, nil, nil); status != want {
			t.Errorf("GET %s with an ID token: %d, want %d", target, status, want)
		}
	}
	for body, want := range map[string]int{`{"user_metadata":{"genre":"jazz"}}`: 200, `{"app_metadata":{"plan":"gold"}}`: 403, `{"email":"e@evil.example"}`: 403, `{"password":"Evil-Pass-99"}`: 403, `{"blocked":false}`: 403} {
		if status := w.JSON(t, "PATCH", h.base+"/api/v2/users/"+h.user, mine.ID, body, nil); status != want {
			t.Errorf("PATCH %s with an ID token: %d, want %d", body, status, want)
		}
	}
	if status := w.JSON(t, "DELETE", h.base+"/api/v2/users/"+h.user, mine.ID, nil, nil); status != 403 {
		t.Errorf("DELETE with an ID token: %d", status)
	}
}

// TestExpiredTokens: time ends tokens everywhere.
func TestExpiredTokens(t *testing.T) {
	w, advance := clockedWorld(t)
	h := w.a
	b, got := h.session()
	machine := h.token
	code := w.callback(b.get("/authorize?" + h.request().Encode())).Get("code")
	advance(25 * time.Hour)
	if status := w.JSON(t, "GET", h.base+"/api/v2/users", machine, nil, nil); status != 401 {
		t.Errorf("an expired token at the Management API: %d", status)
	}
	if a := w.send("GET", h.base+"/userinfo", "", "Authorization", "Bearer "+got.Access); a.StatusCode != 401 {
		t.Errorf("an expired token at /userinfo: %d", a.StatusCode)
	}
	if got := h.redeem(code); got.Error != "invalid_grant" {
		t.Errorf("an expired code: %+v", got)
	}
	advance(100 * time.Hour)
	if got := w.callback(b.get("/authorize?" + h.request("prompt", "none").Encode())); got.Get("error") != "login_required" {
		t.Errorf("an idle session: %v", got)
	}
}

// clockedWorld is a world whose time passes when the test says so.
func clockedWorld(t *testing.T) (*world, func(time.Duration)) {
	t.Helper()
	var mu sync.Mutex
	now := time.Now()
	w := newWorld(t, storetest.SQLite, func(o *stagedoortest.Options) {
		o.Clock = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		}
	})
	return w, func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
}
