package oauth

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"math/big"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/web"
)

// show posts a form as a client that shows a certificate.
func (w *world) show(cert *x509.Certificate, vouched bool, path string, form url.Values) *tokenAnswer {
	w.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r = r.WithContext(web.WithCertificate(r.Context(), &web.Certificate{Certificate: cert, Vouched: vouched}))
	return w.read(w.browser().do(r))
}

func TestCertificateClients(t *testing.T) {
	w := newWorld(t)
	key, err := jose.NewRSAKey(2048, "client", w.clock())
	ok(t, err)
	form := values("grant_type", "client_credentials", "client_id", machine, "audience", apiAudience)
	known := func(cred stagedoor.ClientCredential, subject bool) {
		cred.ID = "cred_1"
		w.client(machine, func(c *stagedoor.Client) {
			list := &stagedoor.CredentialList{Credentials: []stagedoor.CredentialID{{ID: "cred_1"}}}
			c.Credentials, c.AuthenticationMethods = []stagedoor.ClientCredential{cred}, &stagedoor.ClientAuthentication{SelfSignedTLS: list}
			if subject {
				c.AuthenticationMethods = &stagedoor.ClientAuthentication{TLS: list}
			}
		})
	}
	refused := func(why string) string { return "Invalid client certificate: " + why }
	known(stagedoor.ClientCredential{Type: "x509_cert", Thumbprint: jose.CertificateThumbprint(key.Cert)}, false)
	got := w.show(key.Cert, false, "/oauth/token", form).good()
	same(t, "cnf", w.claims(got.AccessToken)["cnf"], map[string]string{"x5t#S256": jose.CertificateThumbprint(key.Cert)})
	w.token(form).bad(401, "invalid_client", refused("there is none"))
	stranger, err := jose.NewRSAKey(2048, "client", w.clock()) // of the same subject
	ok(t, err)
	w.show(stranger.Cert, false, "/oauth/token", form).bad(401, "invalid_client", refused("it is not the client's"))
	w.show(stranger.Cert, true, "/oauth/token", form).bad(401, "invalid_client", refused("it is not the client's"))
	past := w.clock().Add(-time.Second)
	known(stagedoor.ClientCredential{Type: "x509_cert", Thumbprint: jose.CertificateThumbprint(key.Cert), ExpiresAt: &past}, false)
	w.show(key.Cert, true, "/oauth/token", form).bad(401, "invalid_client", refused("it is not the client's"))
	for _, subject := range []string{"CN=client", " CN=client \n"} {
		known(stagedoor.ClientCredential{Type: "cert_subject_dn", SubjectDN: subject}, true)
		w.show(key.Cert, true, "/oauth/token", form).good()
		w.show(key.Cert, false, "/oauth/token", form).bad(401, "invalid_client", refused("no authority vouches for it"))
	}
	for _, subject := range []string{"CN=other", "CN=client\nO=x", "", "CN=clien"} {
		known(stagedoor.ClientCredential{Type: "cert_subject_dn", SubjectDN: subject}, true)
		w.show(key.Cert, true, "/oauth/token", form).bad(401, "invalid_client", refused("it is not the client's"))
	}
	known(stagedoor.ClientCredential{Type: "cert_subject_dn", SubjectDN: "CN=client"}, true)
	w.show(key.Cert, true, "/oauth/token", values("client_id", machine, "grant_type", "client_credentials", "client_secret", "x")).bad(400, "invalid_request", "The client is authenticated in two ways that differ.")
	w.pass(11 * 365 * 24 * time.Hour)
	w.show(key.Cert, true, "/oauth/token", form).bad(401, "invalid_client", refused("it has expired, or is not valid yet"))
}

// The subject of a certificate counts as a whole, in the order that it has there.
func TestSubjectOfACertificate(t *testing.T) {
	w := newWorld(t)
	key, err := jose.NewRSAKey(2048, "client", w.clock())
	ok(t, err)
	shown := func(parts ...string) *x509.Certificate {
		t.Helper()
		names := map[string]asn1.ObjectIdentifier{"CN": {2, 5, 4, 3}, "O": {2, 5, 4, 10}, "OU": {2, 5, 4, 11}, "C": {2, 5, 4, 6}}
		var subject pkix.RDNSequence
		for _, part := range parts {
			name, value, _ := strings.Cut(part, "=")
			subject = append(subject, pkix.RelativeDistinguishedNameSET{{Type: names[name], Value: value}})
		}
		raw, err := asn1.Marshal(subject)
		ok(t, err)
		template := &x509.Certificate{SerialNumber: big.NewInt(1), RawSubject: raw, NotBefore: w.clock().Add(-time.Hour), NotAfter: w.clock().Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Private.Public(), key.Private)
		ok(t, err)
		cert, err := x509.ParseCertificate(der)
		ok(t, err)
		return cert
	}
	for _, c := range []struct {
		registered string
		cert       *x509.Certificate
		good       bool
	}{
		{"CN=payroll,OU=Staff,O=Acme\\, Inc.,C=JP", shown("C=JP", "O=Acme, Inc.", "OU=Staff", "CN=payroll"), true},
		{"O=Acme,CN=payroll", shown("CN=payroll", "O=Acme"), true},
		{"CN=payroll,O=Acme", shown("CN=payroll", "O=Acme"), false},
		{"CN=payroll\nO=Acme", shown("CN=payroll", "O=Acme"), true},
		{"CN=payroll", shown("CN=mallory", "CN=payroll"), false},
		{"CN=payroll,CN=mallory", shown("CN=mallory", "CN=payroll"), true},
		{"CN=payroll,OU=b+OU=a", shown("OU=a", "OU=b", "CN=payroll"), false},
		{"CN=payroll,OU=b,OU=a", shown("OU=a", "OU=b", "CN=payroll"), true},
		{"CN=payroll,O=Acme", shown("CN=payroll,O=Acme"), false},
		{"CN=payroll+O=Acme", shown("CN=payroll+O=Acme"), false},
		{"CN=payroll\\,O\\=Acme", shown("CN=payroll,O=Acme"), false},
		{"CN=payroll\\,O=Acme", shown("CN=payroll,O=Acme"), true},
		{"O=Acme, Inc.", shown("O=Acme, Inc."), true},
		{"C=JP\nO=Acme\nCN=payroll", shown("C=JP", "O=Acme\nCN=payroll"), false},
		{"O=Acme\nCN=payroll", shown("O=Acme\nCN=payroll"), false},
	} {
		w.client(machine, func(cl *stagedoor.Client) {
			cl.Credentials = []stagedoor.ClientCredential{{ID: "cred_1", Type: "cert_subject_dn", SubjectDN: c.registered}}
			cl.AuthenticationMethods = &stagedoor.ClientAuthentication{TLS: &stagedoor.CredentialList{Credentials: []stagedoor.CredentialID{{ID: "cred_1"}}}}
		})
		got := w.show(c.cert, true, "/oauth/token", values("grant_type", "client_credentials", "client_id", machine, "audience", apiAudience))
		if (got.AccessToken != "") != c.good {
			t.Errorf("%q of %q: %+v", c.registered, jose.SubjectLines(c.cert), got)
		}
	}
}

// Tokens are bound to the certificate of who needs that, and to nobody's who merely shows one.
func TestCertificateBoundTokens(t *testing.T) {
	w := newWorld(t)
	key, err := jose.NewRSAKey(2048, "client", w.clock())
	ok(t, err)
	other, err := jose.NewRSAKey(2048, "other", w.clock())
	ok(t, err)
	cnf := map[string]string{"x5t#S256": jose.CertificateThumbprint(key.Cert)}
	same(t, "nobody wants it", w.claims(w.show(key.Cert, false, "/oauth/token", machineForm2(w)).good().AccessToken)["cnf"], nil)
	w.api(func(rs *stagedoor.ResourceServer) {
		rs.ProofOfPossession = &stagedoor.ProofOfPossession{Mechanism: "mtls", Required: true}
	})
	same(t, "the API wants it", w.claims(w.show(key.Cert, false, "/oauth/token", machineForm2(w)).good().AccessToken)["cnf"], cnf)

	// The refresh token of a public client is bound too (RFC 8705 section 4).
	code := w.browser().login(request(spa, "audience", apiAudience, "scope", "openid offline_access")).got().Get("code")
	got := w.show(key.Cert, false, "/oauth/token", exchange(spa, code)).good()
	refresh := values("grant_type", "refresh_token", "client_id", spa, "refresh_token", got.RefreshToken)
	w.token(refresh).bad(403, "invalid_grant", "Unknown or invalid refresh token.")
	w.show(other.Cert, false, "/oauth/token", refresh).bad(403, "invalid_grant", "Unknown or invalid refresh token.")
	w.show(key.Cert, false, "/oauth/token", refresh).good()

	// At /userinfo the certificate counts.
	use := func(cert *x509.Certificate) int {
		r := httptest.NewRequest("GET", "/userinfo", nil)
		r.Header.Set("Authorization", "Bearer "+got.AccessToken)
		if cert != nil {
			r = r.WithContext(web.WithCertificate(r.Context(), &web.Certificate{Certificate: cert}))
		}
		return w.browser().do(r).Code
	}
	same(t, "userinfo", []int{use(key.Cert), use(other.Cert), use(nil)}, []int{200, 401, 401})
}

func TestCertificateDiscovery(t *testing.T) {
	w := newWorld(t)
	if body := w.browser().get("/.well-known/openid-configuration").Body.String(); strings.Contains(body, "tls_client") {
		t.Error(body)
	}
	w.settings(func(s *stagedoor.TenantSettings) {
		s.Stored = map[string]json.RawMessage{"mtls": json.RawMessage(`{"enable_endpoint_aliases":true}`)}
	})
	var doc struct {
		Issuer  string            `json:"issuer"`
		Bound   bool              `json:"tls_client_certificate_bound_access_tokens"`
		Aliases map[string]string `json:"mtls_endpoint_aliases"`
	}
	ok(t, json.Unmarshal(w.browser().get("/.well-known/openid-configuration").Body.Bytes(), &doc))
	same(t, "document", []any{doc.Issuer, doc.Bound, doc.Aliases["token_endpoint"], doc.Aliases["pushed_authorization_request_endpoint"], doc.Aliases["backchannel_authentication_endpoint"]},
		[]any{"https://acme.test/", true, "https://mtls.acme.test/oauth/token", "https://mtls.acme.test/oauth/par", "https://mtls.acme.test/bc-authorize"})
}
