package e2e

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// forged replaces a claim and keeps the signature.
func forged(t *testing.T, token, name string, value any) string {
	t.Helper()
	c := claims(t, token)
	c[name] = value
	parts := strings.Split(token, ".")
	return parts[0] + "." + encoded(c) + "." + parts[2]
}

func encoded(v any) string { return base64.RawURLEncoding.EncodeToString([]byte(text(v))) }

// signed returns the token's header and claims with an HS256 signature of the secret.
func signed(token string, secret []byte) string {
	content := token[:strings.LastIndexByte(token, '.')]
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(content))
	return content + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// TestA10_TokensThatMixtapeRefuses: forged, expired and foreign tokens of every kind get 401; the genuine ones 200.
func TestA10_TokensThatMixtapeRefuses(t *testing.T) {
	op := operatorOf(t)
	listener, legacy := userNamed(t, "juno"), clientNamed(t, "Mixtape Legacy")
	q := mixtape(t)
	genuine := signIn(t, q, listener)
	old := signIn(t, request{server: demo.HTTPURL, clientID: legacy.ClientID, secret: legacy.ClientSecret, redirectURI: demo.MixtapeURL}, listener)
	key := publicKey(t)
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	header, kid := part(t, genuine.Access, 0), part(t, genuine.Access, 0)["kid"]
	content := strings.Split(genuine.Access, ".")[1]
	as := func(h map[string]any) string { return encoded(h) + "." + content + "." }
	legacyClaims := claims(t, old.ID)
	legacyWith := func(name string, value any) string {
		c := map[string]any{}
		for k, v := range legacyClaims {
			c[k] = v
		}
		c[name] = value
		return signed(encoded(map[string]any{"alg": "HS256", "typ": "JWT"})+"."+encoded(c)+".", []byte(legacy.ClientSecret))
	}

	cases := map[string]struct {
		token string
		want  int
	}{
		"RS256 by JWKS":                        {genuine.Access, 200},
		"HS256 by the client's secret":         {old.ID, 200},
		"no token":                             {"", 401},
		"garbage":                              {"a.b.c", 401},
		"alg none":                             {as(map[string]any{"alg": "none", "typ": "JWT"}), 401},
		"alg none with a kid":                  {as(map[string]any{"alg": "none", "typ": "JWT", "kid": kid}), 401},
		"alg None":                             {as(map[string]any{"alg": "NonE", "typ": "JWT"}), 401},
		"public key in PEM as HMAC secret":     {signed(as(map[string]any{"alg": "HS256", "typ": "JWT", "kid": kid}), public), 401},
		"public key in DER as HMAC secret":     {signed(as(map[string]any{"alg": "HS256", "typ": "JWT", "kid": kid}), der), 401},
		"modulus as HMAC secret":               {signed(as(map[string]any{"alg": "HS256", "typ": "JWT", "kid": kid}), key.N.Bytes()), 401},
		"legacy client's secret, API audience": {signed(as(map[string]any{"alg": "HS256", "typ": "JWT"}), []byte(legacy.ClientSecret)), 401},
		"changed claim":                        {forged(t, genuine.Access, "sub", "auth0|mixtape-ivo"), 401},
		"signature cut off":                    {genuine.Access[:strings.LastIndexByte(genuine.Access, '.')+1], 401},
		"ID token of the web client":           {genuine.ID, 401},
		"for the Management API":               {signIn(t, ownRecord(t), listener).Access, 401},
		"machine token":                        {op.token, 401},
		"HS256, expired":                       {legacyWith("exp", time.Now().Add(-time.Minute).Unix()), 401},
		"HS256 for another client":             {legacyWith("aud", "somebody-else"), 401},
		"HS256 of another issuer":              {legacyWith("iss", "https://evil.example/"), 401},
		"HS256 with another secret":            {signed(old.ID, []byte("guessed")), 401},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/genres", "/songs", "/playlists", "/displayName"} {
				a := send(t, "GET", demo.MixtapeAPIURL+path, c.token, nil)
				if a.status != c.want {
					t.Errorf("%s: %d %s, want %d", path, a.status, a.body, c.want)
				}
				if c.want == 401 && !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
					t.Errorf("%s: WWW-Authenticate %q", path, a.header.Get("WWW-Authenticate"))
				}
			}
		})
	}
	if header["alg"] != "RS256" {
		t.Errorf("the genuine token is signed with %v", header["alg"])
	}

	t.Run("expired for real", func(t *testing.T) {
		defer shortTokens(op, 1)()
		token := signIn(t, q, listener).Access
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			a := send(t, "GET", demo.MixtapeAPIURL+"/genres", token, nil)
			if a.status == 401 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("a token of one second is still good: %v", claims(t, token)["exp"])
			}
		}
	})

	t.Run("another tenant", func(t *testing.T) {
		name := "other-" + strings.ToLower(rand.Text()[:6])
		domain := name + ".localhost:" + port(strings.TrimPrefix(demo.HTTPURL, "http://"))
		out, err := exec.Command(binary, "init", name, "--data", filepath.Join(scratch, "data"), "--domain", domain, "--json").Output()
		var made struct {
			ClientID     string `json:"client_id"`
			ClientSecret string `json:"client_secret"`
			Audience     string `json:"audience"`
		}
		if err == nil {
			err = json.Unmarshal(out, &made)
		}
		if err != nil {
			t.Fatalf("init: %v %s", err, out)
		}
		other := signInMachine(t, "http://"+domain, made.ClientID, made.ClientSecret, made.Audience)
		other.do("POST", "/resource-servers", map[string]any{"name": "Also Mixtape", "identifier": "https://mixtape.example/api"}, nil)
		other.do("POST", "/client-grants", map[string]any{"client_id": made.ClientID, "audience": "https://mixtape.example/api", "scope": []string{}}, nil)
		foreign := signInMachine(t, "http://"+domain, made.ClientID, made.ClientSecret, "https://mixtape.example/api").token
		if iss := claims(t, foreign)["iss"]; iss != "http://"+domain+"/" {
			t.Fatalf("issuer %v", iss)
		}
		for name, token := range map[string]string{"as it is": foreign, "with our issuer": forged(t, foreign, "iss", demo.HTTPURL+"/")} {
			if a := send(t, "GET", demo.MixtapeAPIURL+"/genres", token, nil); a.status != 401 {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		if a := send(t, "GET", demo.HTTPURL+"/api/v2/users", other.token, nil); a.status != 401 {
			t.Errorf("the other tenant's machine at our Management API: %d %s", a.status, a.body)
		}
	})

	t.Run("favourite genre", func(t *testing.T) {
		for _, path := range []string{"/genres/getFav", "/secured/getFavGenre"} {
			for _, token := range []string{genuine.Access, old.ID} {
				if got := api(t, 200, "GET", path, token, nil).body; got != "Synthwave" {
					t.Errorf("%s: %q", path, got)
				}
			}
		}
	})
}

// publicKey reads the tenant's signing key from its JWKS and checks that it is the one that signs.
func publicKey(t *testing.T) *rsa.PublicKey {
	t.Helper()
	var set struct {
		Keys []struct{ Kty, Kid, N, E string }
	}
	a := want(t, 200, "GET", demo.HTTPURL+"/.well-known/jwks.json", "", nil)
	if err := json.Unmarshal([]byte(a.body), &set); err != nil || len(set.Keys) == 0 {
		t.Fatalf("JWKS: %v %s", err, a.body)
	}
	n, err := base64.RawURLEncoding.DecodeString(set.Keys[0].N)
	if err != nil {
		t.Fatal(err)
	}
	e, err := base64.RawURLEncoding.DecodeString(set.Keys[0].E)
	if err != nil {
		t.Fatal(err)
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	token := signIn(t, mixtape(t), userNamed(t, "suki")).Access
	dot := strings.LastIndexByte(token, '.')
	signature, _ := base64.RawURLEncoding.DecodeString(token[dot+1:])
	sum := sha256.Sum256([]byte(token[:dot]))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature); err != nil {
		t.Fatalf("the published key does not verify a token: %v", err)
	}
	return key
}
