package oauth

import (
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// levels are the compliance levels and how their clients prove themselves.
var levels = map[string]string{
	"fapi1_adv_pkj_par": "private_key_jwt", "fapi1_adv_mtls_par": "a certificate", "fapi2_sp_pkj_mtls": "private_key_jwt", "fapi2_sp_mtls_mtls": "a certificate",
}

// A secret is not enough for any level.
func TestComplianceMethod(t *testing.T) {
	w := newWorld(t)
	for level, method := range levels {
		w.client(machine, func(c *stagedoor.Client) { c.ComplianceLevel = level })
		w.token(machineForm2(w)).bad(401, "invalid_client", "The client must prove itself by "+method+", as its compliance level says.")
	}
	assert := keyed(t, w, "RS256")
	w.client(machine, func(c *stagedoor.Client) { c.ComplianceLevel = "fapi1_adv_pkj_par" })
	w.token(assert(nil)).bad(401, "invalid_client", "Invalid client assertion: no key of the client verifies it") // RS256 is not good enough
	assert = keyed(t, w, "PS256")
	w.token(assert(nil)).good()
	w.client(machine, func(c *stagedoor.Client) { c.ComplianceLevel = "fapi2_sp_pkj_mtls" })
	w.token(assert(nil)).bad(400, "invalid_request", "The client must show its certificate: its tokens are bound to it.")
	cert, err := jose.NewRSAKey(2048, "client", w.clock())
	ok(t, err)
	bound := w.show(cert.Cert, false, "/oauth/token", assert(nil)).good()
	same(t, "cnf", w.claims(bound.AccessToken)["cnf"], map[string]string{"x5t#S256": jose.CertificateThumbprint(cert.Cert)})
}

// A whole login of the strictest level: pushed, with PKCE, a certificate, and a code that does not last.
func TestComplianceLogin(t *testing.T) {
	w := newWorld(t)
	key, err := jose.NewRSAKey(2048, "client", w.clock())
	ok(t, err)
	w.client(site, func(c *stagedoor.Client) {
		c.ComplianceLevel, c.Callbacks = "fapi2_sp_mtls_mtls", append(c.Callbacks, "http://localhost:3000/cb")
		c.Credentials = []stagedoor.ClientCredential{{ID: "cred_1", Type: "x509_cert", Thumbprint: jose.CertificateThumbprint(key.Cert)}}
		c.AuthenticationMethods = &stagedoor.ClientAuthentication{SelfSignedTLS: &stagedoor.CredentialList{Credentials: []stagedoor.CredentialID{{ID: "cred_1"}}}}
	})
	pkce := []string{"code_challenge", challenge, "code_challenge_method", "S256"}
	w.browser().authorize(request(site, pkce...)).fails("invalid_request", "Pushed authorization requests are required: send the request to /oauth/par first.")
	push := func(more ...string) *tokenAnswer {
		return w.show(key.Cert, false, "/oauth/par", request(site, append(pkce, more...)...))
	}
	push("code_challenge", "-", "code_challenge_method", "-").bad(400, "invalid_request", "Missing required parameter: code_challenge")
	push("code_challenge", verifier, "code_challenge_method", "plain").bad(400, "invalid_request", "code_challenge_method must be S256")
	push("response_type", "code id_token", "nonce", "n").bad(400, "unsupported_response_type", "The client's compliance level does not allow the response type code id_token.")
	none := request(site, pkce...)
	none.Del("redirect_uri")
	w.show(key.Cert, false, "/oauth/par", none).bad(400, "invalid_request", "Missing required parameter: redirect_uri")
	push("redirect_uri", "http://localhost:3000/cb").bad(400, "invalid_request", "The client's compliance level wants an https redirect_uri.")
	login := func() string {
		_, uri, _ := readPushed(t, push())
		return w.browser().login(values("client_id", site, "request_uri", uri)).got().Get("code")
	}
	form := values("grant_type", "authorization_code", "client_id", site, "redirect_uri", callback, "code_verifier", verifier, "code", login())
	got := w.show(key.Cert, false, "/oauth/token", form).good()
	if got.IDToken == "" {
		t.Error(got.Body)
	}
	form.Set("code", login())
	w.pass(time.Minute)
	w.show(key.Cert, false, "/oauth/token", form).bad(403, "invalid_grant", "Invalid authorization code")
}
