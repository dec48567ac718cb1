package saml_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

// inPEM is a key or certificate in PEM, as a text of JSON.
func (w *world) inPEM(kind string, der []byte, err error) string {
	w.Helper()
	w.ok(err)
	text, err := json.Marshal(string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
	w.ok(err)
	return string(text)
}

// publicKey is the client's public key.
func (w *world) publicKey() string {
	w.Helper()
	der, err := x509.MarshalPKIXPublicKey(w.own.Cert.PublicKey)
	return w.inPEM("PUBLIC KEY", der, err)
}

// xmlsec runs Aleksey Sanin's command on a text, where it is there; in CI it has to be. KEY is the client's, CERT ours.
func (w *world) xmlsec(text []byte, args ...string) (string, bool) {
	w.Helper()
	program, err := exec.LookPath("xmlsec1")
	if err != nil {
		if os.Getenv("CI") != "" {
			w.Fatal(err)
		}
		return "", false
	}
	dir := w.TempDir()
	key := filepath.Join(dir, "key.pem")
	der, err := x509.MarshalPKCS8PrivateKey(w.own.Private)
	w.ok(err)
	w.ok(os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	cert := filepath.Join(dir, "cert.pem")
	w.ok(os.WriteFile(cert, []byte(w.browser().get("/pem").want(http.StatusOK).body), 0o600))
	file := filepath.Join(dir, "message.xml")
	w.ok(os.WriteFile(file, text, 0o600))
	for i, a := range args {
		args[i] = strings.NewReplacer("KEY", key, "CERT", cert).Replace(a)
	}
	out, err := exec.CommandContext(w.Context(), program, append(args, file)...).CombinedOutput() //nolint:gosec // a test's own words
	if err != nil {
		w.Errorf("xmlsec1 %v: %v %s", args, err, out)
	}
	return string(out), true
}

// decrypt reads what is encrypted in a message by AES-256-CBC or -GCM and RSA-OAEP (XML Encryption sections 5.2 and 5.4), with nothing of the library
// that encrypted it; xmlsec1, where it is there, has to read the same.
func (w *world) decrypt(message []byte) string {
	w.Helper()
	doc := etree.NewDocument()
	w.ok(doc.ReadFromBytes(message))
	sealed := doc.FindElement("//EncryptedData")
	if sealed == nil || doc.FindElement("//Assertion") != nil || len(doc.FindElements("//EncryptedData")) != 1 {
		w.Fatalf("not encrypted: %s", message)
	}
	bytes := func(path string) []byte {
		b, err := base64.StdEncoding.DecodeString(sealed.FindElement(path).Text())
		w.ok(err)
		return b
	}
	key, err := rsa.DecryptOAEP(sha1.New(), nil, w.own.Private.(*rsa.PrivateKey), bytes("./KeyInfo/EncryptedKey/CipherData/CipherValue"), nil)
	w.ok(err)
	block, err := aes.NewCipher(key)
	w.ok(err)
	text := bytes("./CipherData/CipherValue")
	if strings.HasSuffix(sealed.FindElement("./EncryptionMethod").SelectAttrValue("Algorithm", ""), "gcm") {
		gcm, err := cipher.NewGCM(block)
		w.ok(err)
		text, err = gcm.Open(nil, text[:12], text[12:], nil)
		w.ok(err)
	} else {
		iv := text[:16]
		text = text[16:]
		cipher.NewCBCDecrypter(block, iv).CryptBlocks(text, text)
		text = text[:len(text)-int(text[len(text)-1])]
	}
	if out, there := w.xmlsec(message, "--decrypt", "--privkey-pem", "KEY"); there && !strings.Contains(out, string(text[:200])) {
		w.Errorf("xmlsec1 reads something else: %s", out)
	}
	return string(text)
}

// TestAssertionsInTheClear: what was meant to be encrypted and cannot be is given to nobody, by neither protocol.
func TestAssertionsInTheClear(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0") // to make a weak key
	w := newWorld(t, "sqlite")
	b := w.browser()
	b.in(b.get("/samlp/app")).posted()
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	w.ok(err)
	like := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: w.clock(), NotAfter: w.clock().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, like, like, &weak.PublicKey, weak)
	weakCert := w.inPEM("CERTIFICATE", der, err)
	der, err = x509.MarshalPKIXPublicKey(&weak.PublicKey)
	other := w.inPEM("PUBLIC KEY", der, err)

	p := w.provider()
	for addon, why := range map[string]string{
		`{"encryptionPublicKey":` + other + `}`:                                   "not of 2048 to 8192 bits",
		`{"encryptionPublicKey":` + w.cert() + `}`:                                "the public key cannot be read",
		`{"encryptionPublicKey":["x"]}`:                                           "encryptionPublicKey is no text",
		`{"encryptionCert":` + w.cert() + `,"encryptionPublicKey":` + other + `}`: "not that of the certificate",
		`{"encryptionCert":` + w.cert() + `,"encryptionPublicKey":"x"}`:           "the public key cannot be read",
		`{"encryptionCert":{"a":1}}`:                                              "encryptionCert is no text",
		`{"encryptionCert":"x"}`:                                                  "the certificate cannot be read",
		`{"encryptionCert":` + weakCert + `}`:                                     "not of 2048 to 8192 bits",
	} {
		w.addon("app", addon)
		_, path := w.ask(p, "")
		if codes, message := w.status(b.get(path).posted()); strings.Join(codes, " ") != "Responder RequestDenied" || !strings.Contains(message, why) {
			w.Errorf("%s: %v %s", why, codes, message)
		}
		w.addons("app", `{"wsfed":`+addon+`}`)
		b.get(wsfed()).want(http.StatusForbidden).says("cannot be encrypted", why)
	}
	w.addons("app", `{"wsfed":{"encryptionCert":null}}`)
	b.get(wsfed()).want(http.StatusOK)
}

// TestEncryption: for a certificate, which the message names, or for a key alone, of which it names nobody; by both protocols.
func TestEncryption(t *testing.T) {
	w := newWorld(t, "sqlite")
	b := w.browser()
	b.in(b.get("/samlp/app")).posted()
	p := w.provider()
	party, err := xmlsig.ReadFederation(b.get("/wsfed/FederationMetadata/2007-06/FederationMetadata.xml").body)
	w.ok(err)
	own := w.publicKey()
	old := w.inPEM("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(w.own.Cert.PublicKey.(*rsa.PublicKey)), nil)
	for addon, named := range map[string]bool{
		`{"encryptionCert":` + w.cert() + `}`:                                                        true,
		`{"encryptionCert":` + w.cert() + `,"encryptionPublicKey":` + own + `}`:                      true,
		`{"encryptionPublicKey":` + own + `}`:                                                        false,
		`{"encryptionPublicKey":` + old + `,"encryptionAlgorithm":"aes256-gcm","signResponse":true}`: false,
	} {
		w.addon("app", addon)
		id, path := w.ask(p, "")
		values := b.get(path).posted()
		message, err := base64.StdEncoding.DecodeString(values.Get("SAMLResponse"))
		w.ok(err)
		if text := w.decrypt(message); !strings.Contains(text, ">ada@example.com<") || !strings.HasPrefix(text, "<saml:Assertion ") {
			w.Errorf("%s", text)
		}
		a, err := w.read(p, values, id)
		w.ok(err)
		if attributes(a)[claims+"emailaddress"][0] != "ada@example.com" {
			w.Errorf("%+v", a)
		}
		doc := etree.NewDocument()
		w.ok(doc.ReadFromBytes(message))
		if (doc.FindElement("//EncryptedKey//X509Certificate") != nil) != named || named == (doc.FindElement("//EncryptedKey/KeyInfo") == nil) {
			w.Errorf("%s: %s", addon, message)
		}

		w.addons("app", `{"wsfed":`+addon+`}`)
		_, fields := b.get(wsfed()).want(http.StatusOK).form()
		wresult := fields.Get("wresult")
		if strings.Contains(wresult, "ada@example.com") {
			w.Errorf("in the clear: %s", wresult)
		}
		text := w.decrypt([]byte(wresult))
		from, to := strings.Index(wresult, "<xenc:EncryptedData"), strings.Index(wresult, "</xenc:EncryptedData>")
		read, err := xmlsig.ReadToken(party, "urn:app", wresult[:from]+text+wresult[to+len("</xenc:EncryptedData>"):], w.clock())
		w.ok(err)
		if read.NameID != w.ada().ID {
			w.Errorf("%+v", read)
		}
	}
}
