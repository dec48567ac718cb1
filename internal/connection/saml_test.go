package connection_test

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// TestSAMLKeys: assertions are encrypted for the key that signs, unless the connection has another for that; the metadata tell which.
func TestSAMLKeys(t *testing.T) {
	key := func(name string) (*jose.Key, json.RawMessage) {
		t.Helper()
		k, err := jose.NewRSAKey(2048, name, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(k.Private)
		if err != nil {
			t.Fatal(err)
		}
		option, err := json.Marshal(map[string]string{"key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "cert": string(k.CertificatePEM())})
		if err != nil {
			t.Fatal(err)
		}
		return k, option
	}
	signs, signing := key("signs")
	reads, reading := key("reads")
	each(t, func(t *testing.T, st *store.Store, _ *connection.Database, _ *stagedoor.Connection) {
		for _, tt := range []struct {
			options map[string]json.RawMessage
			reads   *jose.Key
		}{
			{map[string]json.RawMessage{"signing_key": signing}, signs},
			{map[string]json.RawMessage{"signing_key": signing, "decryptionKey": reading}, reads},
		} {
			c := &stagedoor.Connection{ID: "con_1", Name: "corp", Strategy: "samlp", Options: stagedoor.ConnectionOptions{Stored: tt.options}}
			own, err := new(connection.Upstream).SAMLOwn(t.Context(), st, c, "https://acme.example/")
			if err != nil {
				t.Fatal(err)
			}
			if public := own.Decrypts.Public().(interface{ Equal(crypto.PublicKey) bool }); !public.Equal(tt.reads.Public()) {
				t.Errorf("%d options: assertions are decrypted with another key", len(tt.options))
			}
			text, err := own.Metadata(time.Now())
			if err != nil || !strings.Contains(string(text), base64.StdEncoding.EncodeToString(tt.reads.Cert.Raw)) {
				t.Errorf("%d options: the metadata do not say which: %v", len(tt.options), err)
			}
		}
	})
}

// TestSocialRows: the strategies that count as social and the rows that say what each speaks are the same.
func TestSocialRows(t *testing.T) {
	for _, name := range stagedoor.SocialStrategies {
		if c := (&stagedoor.Connection{Name: "x", Strategy: name}); connection.Mark(c) == "" || connection.Title(c) == "x" {
			t.Errorf("the strategy %s has no row", name)
		}
	}
	for _, name := range stagedoor.KnownSocial {
		if c := (&stagedoor.Connection{Name: name, Strategy: "oauth2"}); connection.Mark(c) == "" || connection.Title(c) == name {
			t.Errorf("the custom social connection %s has no row", name)
		}
	}
}
