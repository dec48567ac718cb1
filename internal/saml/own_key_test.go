package saml_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"strings"
	"testing"
	"time"

	sp "github.com/crewjam/saml"

	"github.com/stagedoor/stagedoor/internal/jose"
)

// ownPair is a key of a script's and its certificate, as code.
func (w *world) ownPair(bits int) (pair *jose.Key, private, certificate string) {
	w.Helper()
	pair, err := jose.NewRSAKey(bits, "a script's", w.clock().Add(-time.Hour))
	w.ok(err)
	der, err := x509.MarshalPKCS8PrivateKey(pair.Private)
	w.ok(err)
	quoted, err := json.Marshal([]string{string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), string(pair.CertificatePEM())})
	w.ok(err)
	var parts []json.RawMessage
	w.ok(json.Unmarshal(quoted, &parts))
	return pair, string(parts[0]), string(parts[1])
}

// TestScriptsSign: scripts have the answer signed with a key of their own, which does not lie in the open while the login waits for something.
func TestScriptsSign(t *testing.T) {
	each(t, func(w *world) {
		pair, private, certificate := w.ownPair(2048)
		b := w.browser()
		b.in(b.get("/samlp/app")).posted()
		w.rule(`function (user, context, callback) { context.samlConfiguration.cert = ` + certificate + `; context.samlConfiguration['key of scripts'] = 'forged'; callback(null, user, context); }`)
		w.action(`exports.onExecutePostLogin = async (event, api) => { api.samlResponse.setKey(` + private + `); };`)
		w.action(`exports.onExecutePostLogin = async (event, api) => { api.redirect.sendUserTo('https://elsewhere.example/'); }; exports.onContinuePostLogin = async () => {};`)
		p := w.provider(func(p *sp.ServiceProvider) {
			for i := range p.IDPMetadata.IDPSSODescriptors {
				p.IDPMetadata.IDPSSODescriptors[i].KeyDescriptors = []sp.KeyDescriptor{{
					Use: "signing", KeyInfo: sp.KeyInfo{X509Data: sp.X509Data{X509Certificates: []sp.X509Certificate{{Data: base64.StdEncoding.EncodeToString(pair.Cert.Raw)}}}},
				}}
			}
		})
		id, path := w.ask(p, "")
		away, err := url.Parse(b.get(path).header.Get("Location"))
		w.ok(err)
		waiting, err := w.st.Transaction(w.Context(), away.Query().Get("state"))
		w.ok(err)
		if text, err := json.Marshal(waiting); err != nil || !strings.Contains(string(text), "key of scripts") || strings.Contains(string(text), "PRIVATE") || strings.Contains(string(text), "CERTIFICATE") {
			w.Errorf("what waits: %s %v", text, err)
		}
		a, err := w.read(p, b.get("/continue?state="+away.Query().Get("state")).posted(), id)
		w.ok(err)
		if a.Subject.NameID.Value != w.ada().ID {
			w.Errorf("%+v", a.Subject)
		}
	})
}

// TestScriptsSignBadly: a key without its certificate, of another, or too short ends the login, and the answer says nothing of it.
func TestScriptsSignBadly(t *testing.T) {
	w := newWorld(t, "sqlite")
	_, private, certificate := w.ownPair(2048)
	_, other, _ := w.ownPair(2048)
	b := w.browser()
	b.in(b.get("/samlp/app")).posted()
	for _, c := range []struct{ script, why string }{
		{`api.samlResponse.setKey(` + private + `);`, "the certificate is missing"},
		{`api.samlResponse.setCert(` + certificate + `); api.samlResponse.setKey(` + other + `);`, "the key is not that of the certificate"},
		{`api.samlResponse.setKey('-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----');`, "not an RSA key of 2048 bits"},
		{`api.samlResponse.setKey('hush');`, "the key is missing or cannot be read"},
	} {
		w.action(`exports.onExecutePostLogin = async (event, api) => { ` + c.script + ` };`)
		_, path := w.ask(w.provider(), "")
		if codes, message := w.status(b.get(path).posted()); strings.Join(codes, " ") != "Responder RequestDenied" || !strings.Contains(message, c.why) || strings.Contains(message, "hush") {
			w.Errorf("%s: %v %s", c.why, codes, message)
		}
	}
}
