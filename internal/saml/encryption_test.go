package saml_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestAssertionsInTheClear: what was meant to be encrypted and cannot be is given to nobody, by neither protocol.
func TestAssertionsInTheClear(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0") // to make a weak key
	w := newWorld(t, "sqlite")
	b := w.browser()
	b.in(b.get("/samlp/app")).posted()
	text := func(kind string, der []byte, err error) string {
		w.ok(err)
		text, err := json.Marshal(string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
		w.ok(err)
		return string(text)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	w.ok(err)
	like := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: w.clock(), NotAfter: w.clock().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, like, like, &weak.PublicKey, weak)
	weakCert := text("CERTIFICATE", der, err)
	der, err = x509.MarshalPKIXPublicKey(&weak.PublicKey)
	other := text("PUBLIC KEY", der, err)
	der, err = x509.MarshalPKIXPublicKey(w.own.Cert.PublicKey)
	own := text("PUBLIC KEY", der, err)

	p := w.provider()
	for why, addon := range map[string]string{
		"goes with an encryptionCert":                         `{"encryptionPublicKey":` + own + `}`,
		"is not that of its encryptionCert":                   `{"encryptionCert":` + w.cert() + `,"encryptionPublicKey":` + other + `}`,
		"The encryptionPublicKey of the SAML response cannot": `{"encryptionCert":` + w.cert() + `,"encryptionPublicKey":"x"}`,
		"The encryptionCert of the SAML response cannot":      `{"encryptionCert":{"a":1}}`,
		"is not of an RSA key of 2048 bits":                   `{"encryptionCert":` + weakCert + `}`,
	} {
		w.addon("app", addon)
		_, path := w.ask(p, "")
		if codes, message := w.status(b.get(path).posted()); strings.Join(codes, " ") != "Responder RequestDenied" || !strings.Contains(message, why) {
			w.Errorf("%s: %v %s", why, codes, message)
		}
	}
	w.addon("app", `{"encryptionCert":`+w.cert()+`,"encryptionPublicKey":`+own+`}`)
	id, path := w.ask(p, "")
	_, err = w.read(p, b.get(path).posted(), id)
	w.ok(err)

	for _, addon := range []string{`{"wsfed":{"encryptionCert":` + w.cert() + `}}`, `{"wsfed":{"encryptionPublicKey":` + own + `}}`} {
		w.addons("app", addon)
		b.get(wsfed()).want(http.StatusForbidden).says("cannot be encrypted")
	}
	w.addons("app", `{"wsfed":{"encryptionCert":null}}`)
	b.get(wsfed()).want(http.StatusOK)
}
