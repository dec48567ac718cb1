package jose

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

func TestParseKeySet(t *testing.T) {
	small := must(rsa.GenerateKey(rand.Reader, 1024))
	large := must(rsa.GenerateKey(rand.Reader, 2048))
	ec := must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	set := must(json.Marshal(map[string]any{"keys": []any{
		jose.JSONWebKey{Key: large.Public(), KeyID: "rsa"},
		jose.JSONWebKey{Key: ec.Public(), KeyID: "ec", Algorithm: "ES512", Use: "sig"},
		jose.JSONWebKey{Key: public, KeyID: "ed"},
		jose.JSONWebKey{Key: small.Public(), KeyID: "small"},
		jose.JSONWebKey{Key: []byte("secret"), KeyID: "shared"},
		jose.JSONWebKey{Key: large, KeyID: "private"},
		jose.JSONWebKey{Key: large.Public(), KeyID: "enc", Use: "enc"},
		jose.JSONWebKey{Key: large.Public(), KeyID: "wrong", Algorithm: "ES256"},
		"nonsense",
		map[string]string{"kty": "XX"},
	}}))
	keys, err := ParseKeySet(set)
	var ids []string
	for _, k := range keys {
		ids = append(ids, k.KID)
	}
	if err != nil || strings.Join(ids, " ") != "rsa ec ed" {
		t.Fatalf("%v %v", ids, err)
	}
	for alg, want := range map[string]string{"RS256": "rsa", "PS512": "rsa", "ES512": "ec", "EdDSA": "ed", "ES256": "", "HS256": "", "none": ""} {
		got := ""
		for _, k := range keys {
			if k.Does(alg) {
				got += k.KID
			}
		}
		if got != want {
			t.Errorf("%s: %q", alg, got)
		}
	}
	for _, bad := range []string{"", "{", "[]", `{"keys":[]}`, `{"keys":{}}`, `{"keys":["x"]}`} {
		if _, err := ParseKeySet([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
	token := sign(t, "EdDSA", private, claims())
	if _, err := Parse(token, now, func(Header) (string, any, error) { return "EdDSA", keys[2].Key, nil }); err != nil {
		t.Error(err)
	}
}

func TestParsePrivatePEM(t *testing.T) {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	der := must(x509.MarshalPKCS8PrivateKey(key))
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	for _, good := range []string{text, "  " + text, base64.StdEncoding.EncodeToString(der)} {
		if got, err := ParsePrivatePEM(good); err != nil || !key.Equal(got) {
			t.Errorf("%v", err)
		}
	}
	for _, bad := range []string{"", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", strings.Replace(text, "PRIVATE KEY", "PUBLIC KEY", 2)} {
		if got, err := ParsePrivatePEM(bad); err == nil && !key.Equal(got) || err != nil && bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v %v", bad, got, err)
		}
	}
}

func FuzzParseKeySet(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"x"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},{"kty":"oct","k":"AA"},{"kty":"OKP","crv":"Ed25519","x":"AA"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := ParseKeySet(data)
		if err == nil && len(keys) == 0 {
			t.Error("an empty set was read")
		}
		for _, k := range keys {
			if k.Does("HS256") || k.Does("none") {
				t.Errorf("%T verifies a shared secret", k.Key)
			}
		}
	})
}
