package api_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestA10Tokens(t *testing.T) {
	f := start(t, "")
	rs, hs, none := jwt.SigningMethodRS256, jwt.SigningMethodHS256, jwt.SigningMethodNone
	key, stranger := f.identity.key, newKey()
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	modulus := key.N.Bytes()

	const sub = "auth0|ada"
	legacy := jwt.MapClaims{"aud": legacyID}
	with := func(name string, value any) jwt.MapClaims { return claims(sub, jwt.MapClaims{name: value}) }
	legacyWith := func(name string, value any) jwt.MapClaims { return claims(sub, legacy, jwt.MapClaims{name: value}) }
	unsigned := sign(t, none, jwt.UnsafeAllowNoneSignatureType, "k1", claims(sub))
	good := sign(t, rs, key, "k1", claims(sub))

	for _, test := range []struct {
		name  string
		token string
		want  int
	}{
		{"RS256", good, 200},
		{"RS256 of the issuer's other name", sign(t, rs, key, "k1", with("iss", "https://localhost:8443/")), 200},
		{"RS256 with one audience", sign(t, rs, key, "k1", with("aud", audience)), 200},
		{"HS256", sign(t, hs, []byte(legacySecret), "", claims(sub, legacy)), 200},
		{"HS256 signed by a rule", sign(t, hs, []byte(legacySecret), "", legacyWith("iss", "https://example.auth0.com")), 200},

		{"expired", sign(t, rs, key, "k1", with("exp", time.Now().Add(-time.Second).Unix())), 401},
		{"expired HS256", sign(t, hs, []byte(legacySecret), "", legacyWith("exp", time.Now().Add(-time.Second).Unix())), 401},
		{"no expiry", sign(t, rs, key, "k1", with("exp", nil)), 401},
		{"no expiry HS256", sign(t, hs, []byte(legacySecret), "", legacyWith("exp", nil)), 401},
		{"not yet", sign(t, rs, key, "k1", with("nbf", time.Now().Add(time.Hour).Unix())), 401},
		{"other audience", sign(t, rs, key, "k1", with("aud", "https://other.example/api")), 401},
		{"no audience", sign(t, rs, key, "k1", with("aud", nil)), 401},
		{"audience of another shape", sign(t, rs, key, "k1", with("aud", map[string]any{"a": audience})), 401},
		{"ID token", sign(t, rs, key, "k1", with("aud", "spa-client-id")), 401},
		{"RS256 for the legacy client", sign(t, rs, key, "k1", with("aud", legacyID)), 401},
		{"HS256 for the API", sign(t, hs, []byte(legacySecret), "", claims(sub)), 401},
		{"HS256 for another client", sign(t, hs, []byte(legacySecret), "", legacyWith("aud", "another-client-id")), 401},
		{"HS256 with another secret", sign(t, hs, []byte("another secret"), "", claims(sub, legacy)), 401},
		{"HS256 with an empty secret", sign(t, hs, []byte{}, "", claims(sub, legacy)), 401},
		{"other tenant's issuer", sign(t, rs, key, "k1", with("iss", "http://other.localhost:8080/")), 401},
		{"issuer without its slash", sign(t, rs, key, "k1", with("iss", "http://localhost:8080")), 401},
		{"issuer of rules on RS256", sign(t, rs, key, "k1", with("iss", "https://example.auth0.com")), 401},
		{"no issuer", sign(t, rs, key, "k1", with("iss", nil)), 401},
		{"HS256 of another issuer", sign(t, hs, []byte(legacySecret), "", legacyWith("iss", "http://other.localhost:8080/")), 401},
		{"other tenant's key under our kid", sign(t, rs, stranger, "k1", claims(sub)), 401},
		{"unknown kid", sign(t, rs, stranger, "k9", claims(sub)), 401},
		{"no kid", sign(t, rs, key, "", claims(sub)), 401},
		{"kid of another shape", kidNumber(t, key, claims(sub)), 401},
		{"no subject", sign(t, rs, key, "k1", with("sub", nil)), 401},
		{"empty subject", sign(t, rs, key, "k1", with("sub", "")), 401},
		{"subject of another shape", sign(t, rs, key, "k1", with("sub", 7)), 401},
		{"the house itself", sign(t, rs, key, "k1", with("sub", "mixtape")), 401},
		{"alg none", unsigned, 401},
		{"alg none for the legacy client", sign(t, none, jwt.UnsafeAllowNoneSignatureType, "", claims(sub, legacy)), 401},
		{"alg nOnE", strings.Replace(unsigned, segment(`{"alg":"none","kid":"k1","typ":"JWT"}`), segment(`{"alg":"nOnE","kid":"k1","typ":"JWT"}`), 1), 401},
		{"public key as HMAC secret", sign(t, hs, publicPEM, "k1", claims(sub)), 401},
		{"public key as HMAC secret, legacy audience", sign(t, hs, publicPEM, "k1", claims(sub, legacy)), 401},
		{"DER public key as HMAC secret", sign(t, hs, public, "k1", claims(sub)), 401},
		{"modulus as HMAC secret", sign(t, hs, modulus, "k1", claims(sub)), 401},
		{"HS512", sign(t, jwt.SigningMethodHS512, []byte(legacySecret), "", claims(sub, legacy)), 401},
		{"RS512", sign(t, jwt.SigningMethodRS512, key, "k1", claims(sub)), 401},
		{"PS256", sign(t, jwt.SigningMethodPS256, key, "k1", claims(sub)), 401},
		{"signature cut", good[:len(good)-10], 401},
		{"signature gone", good[:strings.LastIndex(good, ".")+1], 401},
		{"claims changed", tamper(good, `{"iss":"http://localhost:8080/","sub":"auth0|eve","aud":"`+audience+`","exp":9999999999}`), 401},
		{"garbage", "garbage", 401},
		{"three dots", "...", 401},
		{"not base64", "a.b.c", 401},
		{"null claims", segment(`{"alg":"RS256","kid":"k1"}`) + "." + segment("null") + ".AAAA", 401},
		{"huge", sign(t, rs, key, "k1", with("padding", strings.Repeat("x", 100<<10))), 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := f.call("GET", "/genres", test.token, "")
			if got.status != test.want {
				t.Fatalf("status %d, want %d: %s", got.status, test.want, got.body)
			}
			if challenge := got.header.Get("WWW-Authenticate"); test.want == 401 && !strings.Contains(challenge, `error="invalid_token"`) {
				t.Errorf("WWW-Authenticate: %q", challenge)
			}
			if test.want == 401 && parse[map[string]string](f, got)["error"] != "invalid_token" {
				t.Errorf("body: %s", got.body)
			}
		})
	}
}

// Everything but a handful of addresses wants a token, and says how.
func TestA10EveryRoute(t *testing.T) {
	f := start(t, "")
	for _, route := range []string{
		"GET /genres", "GET /genres/getFav", "GET /secured/getFavGenre", "PUT /genres/fav",
		"GET /songs", "POST /songs/1/play", "GET /playlists", "POST /playlists", "PATCH /playlists/x", "DELETE /playlists/x",
		"GET /playlists/getPlays", "GET /playlists/featured", "PATCH /playlists/featured/x", "GET /displayName", "PUT /displayName",
	} {
		method, path, _ := strings.Cut(route, " ")
		for _, authorization := range []string{"", "Bearer", "Bearer ", "Basic bWl4OnRhcGU=", "Bearer x"} {
			a := f.send(method, path, http.Header{"Authorization": {authorization}}, "")
			if a.status != 401 || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer ") {
				t.Errorf("%s with %q: %d %q", route, authorization, a.status, a.header.Get("WWW-Authenticate"))
			}
		}
	}
	f.want(f.call("GET", "/healthz", "", ""), 200)
	if got := f.want(f.call("GET", "/nowhere", "", ""), 404); parse[map[string]string](f, got)["error"] != "not_found" {
		t.Error(got.body)
	}
}

// Without a legacy client there is no HMAC key: the empty one must not do.
func TestNoLegacyClient(t *testing.T) {
	f := start(t, "")
	f.config.LegacyClientID, f.config.LegacyClientSecret = "", ""
	f.open()
	for _, aud := range []string{"", legacyID, audience} {
		token := sign(t, jwt.SigningMethodHS256, []byte{}, "", claims("auth0|ada", jwt.MapClaims{"aud": aud}))
		f.want(f.call("GET", "/genres", token, ""), 401)
	}
}

// A rotated key is found at once; made-up keys cannot make us ask all the time.
func TestKeyRotation(t *testing.T) {
	f := start(t, "")
	f.want(f.call("GET", "/genres", f.listener("auth0|ada"), ""), 200)
	f.want(f.call("GET", "/genres", f.listener("auth0|ada"), ""), 200)
	if f.identity.fetches != 1 {
		t.Fatalf("%d fetches for a known key", f.identity.fetches)
	}
	fresh := newKey()
	f.identity.set(func(id *identity) { id.keys["k2"] = &fresh.PublicKey })
	f.want(f.call("GET", "/genres", sign(t, jwt.SigningMethodRS256, fresh, "k2", claims("auth0|ada")), ""), 200)

	for range 20 {
		f.want(f.call("GET", "/genres", sign(t, jwt.SigningMethodRS256, fresh, "made-up", claims("auth0|ada")), ""), 401)
	}
	f.want(f.call("GET", "/genres", f.listener("auth0|ada"), ""), 200)
	if f.identity.fetches != 2 {
		t.Errorf("%d fetches, want 2", f.identity.fetches)
	}
}

// Mixtape may start before the identity server does.
func TestKeysAfterAnOutage(t *testing.T) {
	f := start(t, "")
	keys := f.identity.keys
	f.identity.set(func(id *identity) { id.keys = nil })
	f.want(f.call("GET", "/genres", f.listener("auth0|ada"), ""), 401)
	f.open()
	f.want(f.call("GET", "/healthz", "", ""), 200)
	f.identity.set(func(id *identity) { id.keys = keys })
	f.want(f.call("GET", "/genres", f.listener("auth0|ada"), ""), 200)
}

func segment(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// tamper replaces the claims and keeps the signature.
func tamper(token, claims string) string {
	parts := strings.Split(token, ".")
	parts[1] = segment(claims)
	return strings.Join(parts, ".")
}

func kidNumber(t *testing.T, key any, c jwt.MapClaims) string {
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, c)
	token.Header["kid"] = 1
	raw, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
