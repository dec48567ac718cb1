package jose

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

var rsaKey = sync.OnceValue(func() *Key {
	k, err := NewRSAKey(2048, "tenant.example", now)
	if err != nil {
		panic(err)
	}
	return k
})

var ecKey = sync.OnceValue(func() *Key {
	k, err := NewECKey("tenant.example", now)
	if err != nil {
		panic(err)
	}
	return k
})

func claims() map[string]any {
	return map[string]any{
		"iss": "https://tenant.example/", "sub": "auth0|1", "aud": "client", "azp": "client", "scope": "openid email",
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "https://x/y": map[string]any{"a": []any{1.0}},
	}
}

func with(name string, value any) map[string]any {
	c := claims()
	if value == nil {
		delete(c, name)
	} else {
		c[name] = value
	}
	return c
}

func fixed(alg string, key any) KeyFunc {
	return func(Header) (string, any, error) { return alg, key, nil }
}

func sign(t testing.TB, alg string, key any, claims any) string {
	t.Helper()
	s, err := NewSigner(alg, "kid1", key, "JWT")
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestSignAndParse(t *testing.T) {
	secret := []byte("a secret of a client, longer than the hash is wide")
	for _, tt := range []struct {
		alg             string
		private, public any
	}{
		{RS256, rsaKey().Private, rsaKey().Public()},
		{PS256, rsaKey().Private, rsaKey().Public()},
		{ES256, ecKey().Private, ecKey().Public()},
		{HS256, secret, secret},
		{HS256, []byte("short"), []byte("short")},
		{HS512, HS512Secret("forty characters, as one service has it."), HS512Secret("forty characters, as one service has it.")},
	} {
		t.Run(fmt.Sprint(tt.alg), func(t *testing.T) {
			token := sign(t, tt.alg, tt.private, claims())
			c, err := Parse(token, now, func(h Header) (string, any, error) {
				if h != (Header{tt.alg, "kid1", "JWT"}) {
					t.Errorf("header %+v", h)
				}
				return tt.alg, tt.public, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if c.Issuer != "https://tenant.example/" || c.Subject != "auth0|1" || !slices.Contains(c.Audience, "client") ||
				c.AuthorizedParty != "client" || c.Scope != "openid email" || !c.IssuedAt.Equal(now) ||
				!c.ExpiresAt.Equal(now.Add(time.Hour)) || !c.NotBefore.IsZero() {
				t.Errorf("claims %+v", c)
			}
			if c.Raw["https://x/y"].(map[string]any)["a"].([]any)[0] != 1.0 {
				t.Errorf("raw %v", c.Raw)
			}
		})
	}
}

func TestShortSecretGivesTheSameMAC(t *testing.T) {
	const secret = "short"
	for _, tt := range []struct {
		alg  string
		key  any
		hash func() hash.Hash
	}{{HS256, []byte(secret), sha256.New}, {HS512, HS512Secret(secret), sha512.New}} {
		signed, signature, _ := cutLast(sign(t, tt.alg, tt.key, claims()))
		mac := hmac.New(tt.hash, []byte(secret))
		mac.Write([]byte(signed))
		if want := base64.RawURLEncoding.EncodeToString(mac.Sum(nil)); signature != want {
			t.Errorf("%s: signature %s, plain HMAC gives %s", tt.alg, signature, want)
		}
	}
}

// TestHS512IsForItsOwnSecrets: the bytes of other secrets neither sign nor verify with it, and its own with nothing else.
func TestHS512IsForItsOwnSecrets(t *testing.T) {
	const secret = "forty characters, as one service has it."
	token := sign(t, HS512, HS512Secret(secret), claims())
	for _, tt := range []struct {
		alg string
		key any
	}{{HS512, []byte(secret)}, {HS256, HS512Secret(secret)}, {RS256, HS512Secret(secret)}, {HS512, HS512Secret(nil)}} {
		if _, err := NewSigner(tt.alg, "", tt.key, ""); err == nil {
			t.Errorf("%s signs with a %T", tt.alg, tt.key)
		}
		if _, err := Parse(token, now, fixed(tt.alg, tt.key)); err == nil {
			t.Errorf("%s verifies with a %T", tt.alg, tt.key)
		}
	}
	if _, err := Parse(token, now, fixed(HS512, HS512Secret(secret[1:]))); !errors.Is(err, ErrSignature) {
		t.Error(err)
	}
}

func cutLast(token string) (signed, signature string, ok bool) {
	i := strings.LastIndexByte(token, '.')
	return token[:i], token[i+1:], true
}

func TestParseTimes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		claims map[string]any
		want   error
	}{
		{"expires later", with("exp", now.Unix()+1), nil},
		{"expires now", with("exp", now.Unix()), ErrExpired},
		{"fraction", with("exp", float64(now.Unix())+0.5), nil},
		{"valid now", with("nbf", now.Unix()), nil},
		{"valid later", with("nbf", now.Unix()+1), ErrNotYetValid},
		{"no exp", with("exp", nil), ErrMalformed},
		{"exp as text", with("exp", "4102444800"), ErrMalformed},
		{"exp too far", with("exp", 1e300), ErrMalformed},
		{"exp negative", with("exp", -1), ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Parse(sign(t, HS256, []byte("k"), tt.claims), now, fixed(HS256, []byte("k")))
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if signed := tt.want == ErrExpired || tt.want == ErrNotYetValid || tt.want == nil; signed != (c.Subject == "auth0|1") {
				t.Errorf("claims %+v with error %v", c, err)
			}
		})
	}
}

func part(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// forged returns a token with this very header and payload, signed rightly with HS256.
func forged(header, payload string, secret []byte) string {
	signed := part(header) + "." + part(payload)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func TestParseRefuses(t *testing.T) {
	secret := []byte("0123456789abcdef0123456789abcdef")
	const header, payload = `{"alg":"HS256","typ":"JWT"}`, `{"sub":"a","exp":4102444800}`
	public := rsaKey().Public().(*rsa.PublicKey)
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(public))})
	good := forged(header, payload, secret)
	signed, signature, _ := cutLast(good)
	if _, err := Parse(good, now, fixed(HS256, secret)); err != nil {
		t.Fatalf("the token that the others are made from: %v", err)
	}
	h := func(s string) string { return forged(s, payload, secret) }
	p := func(s string) string { return forged(header, s, secret) }
	for name, tt := range map[string]struct {
		token string
		alg   string
		key   any
		want  error
	}{
		"empty":                 {"", HS256, secret, ErrMalformed},
		"opaque":                {"abcdef", HS256, secret, ErrMalformed},
		"two parts":             {signed, HS256, secret, ErrMalformed},
		"four parts":            {good + ".x", HS256, secret, ErrMalformed},
		"JSON form":             {`{"payload":"e30","signatures":[]}`, HS256, secret, ErrMalformed},
		"oversize":              {good + strings.Repeat("A", MaxTokenSize), HS256, secret, ErrMalformed},
		"no signature":          {signed + ".", HS256, secret, ErrSignature},
		"line break":            {signed + ".\n" + signature, HS256, secret, ErrMalformed},
		"padding":               {good + "=", HS256, secret, ErrMalformed},
		"space":                 {" " + good, HS256, secret, ErrMalformed},
		"other spelling":        {good[:len(good)-1] + otherSpelling(good[len(good)-1]), HS256, secret, ErrMalformed},
		"none":                  {part(`{"alg":"none"}`) + "." + part(payload) + ".", HS256, secret, ErrMalformed},
		"NoNe":                  {part(`{"alg":"NoNe"}`) + "." + part(payload) + ".", HS256, secret, ErrMalformed},
		"none by key record":    {h(header), "none", secret, nil},
		"no alg":                {h(`{"typ":"JWT"}`), HS256, secret, ErrMalformed},
		"alg in capitals":       {h(`{"ALG":"HS256"}`), HS256, secret, ErrMalformed},
		"alg a number":          {h(`{"alg":1}`), HS256, secret, ErrMalformed},
		"kid a list":            {h(`{"alg":"HS256","kid":["a"]}`), HS256, secret, ErrMalformed},
		"crit":                  {h(`{"alg":"HS256","crit":["exp"],"exp":1}`), HS256, secret, ErrMalformed},
		"crit b64":              {h(`{"alg":"HS256","crit":["b64"],"b64":false}`), HS256, secret, ErrMalformed},
		"doubled alg":           {h(`{"alg":"HS256","alg":"HS256"}`), HS256, secret, ErrMalformed},
		"doubled claim":         {p(`{"sub":"a","sub":"b","exp":4102444800}`), HS256, secret, ErrMalformed},
		"doubled claim, nested": {p(`{"x":{"a":1,"a":2},"exp":4102444800}`), HS256, secret, ErrMalformed},
		"payload a list":        {p(`[]`), HS256, secret, ErrMalformed},
		"payload null":          {p(`null`), HS256, secret, ErrMalformed},
		"payload and more":      {p(payload + "{}"), HS256, secret, ErrMalformed},
		"deep payload":          {p(strings.Repeat("[", 40000)), HS256, secret, ErrMalformed},
		"sub a number":          {p(`{"sub":1,"exp":4102444800}`), HS256, secret, ErrMalformed},
		"sub null":              {p(`{"sub":null,"exp":4102444800}`), HS256, secret, ErrMalformed},
		"aud a number":          {p(`{"aud":1,"exp":4102444800}`), HS256, secret, ErrMalformed},
		"aud of numbers":        {p(`{"aud":[1],"exp":4102444800}`), HS256, secret, ErrMalformed},
		"wrong secret":          {good, HS256, []byte("another"), ErrSignature},
		"HMAC with public key":  {forged(header, payload, publicPEM), RS256, public, ErrAlgorithm},
		"RS256 for PS256":       {sign(t, RS256, rsaKey().Private, claims()), PS256, public, ErrAlgorithm},
		"payload swapped":       {part(header) + "." + part(`{"sub":"b","exp":4102444800}`) + "." + signature, HS256, secret, ErrSignature},
		"secret for RS256":      {good, RS256, secret, nil},
		"public key for HS256":  {good, HS256, public, nil},
		"empty secret":          {forged(header, payload, nil), HS256, []byte{}, nil},
		"nil key":               {good, HS256, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Parse(tt.token, now, fixed(tt.alg, tt.key))
			if err == nil || c.Raw != nil {
				t.Fatalf("accepted: %+v, %v", c, err)
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// otherSpelling returns a last base64url character that decodes to the same byte, by setting a bit behind the end.
func otherSpelling(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)^1])
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestKeyFuncErrorComesBack(t *testing.T) {
	unknown := errors.New("unknown kid")
	_, err := Parse(sign(t, HS256, []byte("k"), claims()), now, func(Header) (string, any, error) { return "", nil, unknown })
	if !errors.Is(err, unknown) {
		t.Errorf("got %v", err)
	}
}

func TestPeekDoesNotVerify(t *testing.T) {
	h, c, err := Peek(sign(t, HS256, []byte("k"), claims()) + "AAAA")
	if err != nil || h.Algorithm != HS256 || !slices.Contains(c.Audience, "client") {
		t.Errorf("%+v %+v %v", h, c, err)
	}
}

func TestSignerRefuses(t *testing.T) {
	for _, tt := range []struct {
		alg string
		key any
	}{{HS256, []byte{}}, {"none", []byte("k")}, {RS256, []byte("k")}, {ES256, rsaKey().Private}, {RS256, ecKey().Private}, {HS256, rsaKey().Private}, {RS256, nil}} {
		if _, err := NewSigner(tt.alg, "", tt.key, ""); err == nil {
			t.Errorf("%s with %T accepted", tt.alg, tt.key)
		}
	}
	s := must(NewSigner(HS256, "", []byte("k"), ""))
	for _, bad := range []any{nil, []int{1}, "text", make(chan int)} {
		if token, err := s.Sign(bad); err == nil {
			t.Errorf("signed %v: %s", bad, token)
		}
	}
	if header, _, _ := strings.Cut(must(s.Sign(claims())), "."); header != part(`{"alg":"HS256"}`) {
		t.Errorf("header %s", header)
	}
}

func TestKeyPEM(t *testing.T) {
	for _, k := range []*Key{rsaKey(), ecKey()} {
		back, err := ParseKey(k.KID, k.Algorithm, must(k.PEM()))
		if err != nil {
			t.Fatal(err)
		}
		if !back.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(k.Public()) || !back.Cert.Equal(k.Cert) {
			t.Errorf("%s came back different", k.Algorithm)
		}
	}
	for name, data := range map[string][]byte{
		"empty":       nil,
		"no key":      rsaKey().CertificatePEM(),
		"other cert":  append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(ecKey().Private))}), rsaKey().CertificatePEM()...),
		"broken key":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}),
		"broken cert": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}),
	} {
		if _, err := ParseKey("k", ES256, data); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := ParseKey("k", RS256, must(ecKey().PEM())); err == nil {
		t.Error("EC key accepted for RS256")
	}
	for _, bits := range []int{0, 1024, 8192} {
		if _, err := NewRSAKey(bits, "x", now); err == nil {
			t.Errorf("%d bits accepted", bits)
		}
	}
}

func TestCertificate(t *testing.T) {
	k := rsaKey()
	if len(k.KID) != 21 || k.Cert.Subject.CommonName != "tenant.example" || !k.Cert.NotBefore.Equal(now) || !k.Cert.NotAfter.Equal(now.AddDate(10, 0, 0)) {
		t.Errorf("kid %q, certificate %v from %v to %v", k.KID, k.Cert.Subject, k.Cert.NotBefore, k.Cert.NotAfter)
	}
	if err := k.Cert.CheckSignature(k.Cert.SignatureAlgorithm, k.Cert.RawTBSCertificate, k.Cert.Signature); err != nil {
		t.Error(err)
	}
}

func TestJWKS(t *testing.T) {
	var set struct{ Keys []map[string]any }
	data := must(JWKS(rsaKey(), ecKey()))
	if err := json.Unmarshal(data, &set); err != nil || len(set.Keys) != 2 {
		t.Fatal(err, string(data))
	}
	for i, names := range []string{"alg e kid kty n use x5c x5t", "alg crv kid kty use x x5c x5t y"} {
		if got := sortedNames(set.Keys[i]); got != names {
			t.Errorf("members %s, want %s", got, names)
		}
	}
	key := set.Keys[0]
	if key["kty"] != "RSA" || key["use"] != "sig" || key["e"] != "AQAB" || key["alg"] != RS256 || key["kid"] != rsaKey().KID {
		t.Errorf("%v", key)
	}
	n := must(base64.RawURLEncoding.DecodeString(key["n"].(string)))
	if rsaKey().Public().(*rsa.PublicKey).N.Cmp(newInt(n)) != 0 {
		t.Error("n is another")
	}
	cert := must(x509.ParseCertificate(must(base64.StdEncoding.DecodeString(key["x5c"].([]any)[0].(string)))))
	if !cert.Equal(rsaKey().Cert) {
		t.Error("x5c is another certificate")
	}
	if len(must(base64.RawURLEncoding.DecodeString(key["x5t"].(string)))) != 20 {
		t.Errorf("x5t %v", key["x5t"])
	}
	if string(must(JWKS())) != `{"keys":[]}` {
		t.Errorf("empty set: %s", must(JWKS()))
	}
}

func TestHalfHash(t *testing.T) { // the example of OpenID Connect Core, appendix A.4 and A.6
	if got := HalfHash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"); got != "77QmUPtjPfzWtF2AnpK9RQ" {
		t.Error(got)
	}
	if got := HalfHash("Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"); got != "LDktKdoQak3Pk0cnXxCltA" {
		t.Error(got)
	}
}

func TestOpaqueTokens(t *testing.T) {
	a, b := RandomToken(32), RandomToken(32)
	if len(a) != 43 || a == b {
		t.Errorf("%q %q", a, b)
	}
	if HashToken("abc") != "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0" {
		t.Error(HashToken("abc"))
	}
	if !Equal("", "") || !Equal(a, a) || Equal(a, b) || Equal(a, a[:42]) {
		t.Error("Equal is wrong")
	}
}

func FuzzParse(f *testing.F) {
	secret := []byte("k")
	f.Add(forged(`{"alg":"HS256"}`, `{"exp":4102444800,"aud":["a"]}`, secret))
	f.Add(sign(f, RS256, rsaKey().Private, claims()))
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		c, err := Parse(token, now, fixed(HS256, secret))
		if err != nil {
			return
		}
		signed, signature, _ := cutLast(token)
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(signed))
		if c.Raw == nil || signature != base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) {
			t.Errorf("accepted %q", token)
		}
	})
}

func BenchmarkSign(b *testing.B) {
	hash := sha256.Sum256([]byte("x"))
	b.Run("raw RSA", func(b *testing.B) {
		for b.Loop() {
			if _, err := rsa.SignPKCS1v15(rand.Reader, rsaKey().Private.(*rsa.PrivateKey), crypto.SHA256, hash[:]); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, tt := range []struct {
		alg string
		key any
	}{{RS256, rsaKey().Private}, {PS256, rsaKey().Private}, {ES256, ecKey().Private}, {HS256, []byte("k")}} {
		s := must(NewSigner(tt.alg, "kid", tt.key, "JWT"))
		b.Run(tt.alg, func(b *testing.B) {
			for b.Loop() {
				must(s.Sign(claims()))
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	public := rsaKey().Public().(*rsa.PublicKey)
	hash := sha256.Sum256([]byte("x"))
	signature := must(rsa.SignPKCS1v15(rand.Reader, rsaKey().Private.(*rsa.PrivateKey), crypto.SHA256, hash[:]))
	b.Run("raw RSA", func(b *testing.B) {
		for b.Loop() {
			if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, hash[:], signature); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, tt := range []struct {
		alg             string
		private, public any
	}{{RS256, rsaKey().Private, public}, {ES256, ecKey().Private, ecKey().Public()}, {HS256, []byte("k"), []byte("k")}} {
		token := sign(b, tt.alg, tt.private, claims())
		b.Run(tt.alg, func(b *testing.B) {
			for b.Loop() {
				must(Parse(token, now, fixed(tt.alg, tt.public)))
			}
		})
	}
}
