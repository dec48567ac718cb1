package server_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// pair makes a certificate for clients, signed by another one or, with nil, by itself.
func pair(t *testing.T, name string, by *tls.Certificate) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	good(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name, Organization: []string{"Bank"}, Country: []string{"JP"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: by == nil, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	parent, signer := template, any(key)
	if by != nil {
		parent, signer = by.Leaf, by.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	good(t, err)
	leaf, err := x509.ParseCertificate(der)
	good(t, err)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func asPEM(c *tls.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}))
}

func good(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// showing is the client of a server with a certificate.
func showing(s *stagedoortest.Server, cert *tls.Certificate) *http.Client {
	transport := s.Client.Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.Certificates = []tls.Certificate{*cert}
	return &http.Client{Transport: transport}
}

// ask posts a form and returns the JSON answer.
func ask(t *testing.T, c *http.Client, address string, headers map[string]string, pairs ...string) (int, map[string]any) {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r, err := http.NewRequestWithContext(t.Context(), "POST", address, strings.NewReader(form.Encode()))
	good(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	resp, err := c.Do(r)
	good(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	good(t, err)
	var out map[string]any
	if json.Unmarshal(b, &out) != nil {
		t.Fatalf("%s: %s %s", address, resp.Status, b)
	}
	return resp.StatusCode, out
}

// tlsClients makes two clients by the Management API: one of the certificate, one of a subject that an authority vouches for.
func tlsClients(t *testing.T, s *stagedoortest.Server, own, vouched *tls.Certificate) (self, subject string) {
	t.Helper()
	token, base := s.ManagementToken(t), s.HTTPSURL+"/api/v2"
	make := func(name, method string, credential map[string]any) string {
		var made struct {
			ID string `json:"client_id"`
		}
		body := map[string]any{
			"name": name, "app_type": "non_interactive", "oidc_conformant": true, "grant_types": []string{"client_credentials"},
			"client_authentication_methods": map[string]any{method: map[string]any{"credentials": []any{credential}}},
		}
		if status := s.JSON(t, "POST", base+"/clients", token, body, &made); status != http.StatusCreated {
			t.Fatalf("client %s: %d", name, status)
		}
		grant := map[string]any{"client_id": made.ID, "audience": "https://" + s.Domain + "/api/v2/", "scope": []string{"read:clients"}}
		if status := s.JSON(t, "POST", base+"/client-grants", token, grant, nil); status != http.StatusCreated {
			t.Fatalf("grant of %s: %d", name, status)
		}
		return made.ID
	}
	self = make("self", "self_signed_tls_client_auth", map[string]any{"credential_type": "x509_cert", "pem": asPEM(own)})
	subject = make("subject", "tls_client_auth", map[string]any{"credential_type": "cert_subject_dn", "pem": asPEM(vouched)})
	if status := s.JSON(t, "PATCH", base+"/tenants/settings", token, map[string]any{"mtls": map[string]any{"enable_endpoint_aliases": true}}, nil); status != http.StatusOK {
		t.Fatalf("settings: %d", status)
	}
	return self, subject
}

// TestMutualTLS: clients prove themselves by certificates at the names that are for that, and their tokens work with the certificate alone
// (RFC 8705).
func TestMutualTLS(t *testing.T) {
	authority := pair(t, "Authority", nil)
	own, vouched, stranger := pair(t, "own", nil), pair(t, "subject", authority), pair(t, "subject", nil)
	caFile := filepath.Join(t.TempDir(), "clients.pem")
	good(t, os.WriteFile(caFile, []byte(asPEM(authority)), 0o600))
	s := stagedoortest.New(t, stagedoortest.Options{Configure: func(c *config.Config) { c.ClientCA = caFile }})
	self, subject := tlsClients(t, s, own, vouched)
	alias := strings.Replace(s.HTTPSURL, "://", "://mtls.", 1)
	audience := "https://" + s.Domain + "/api/v2/"
	request := func(c *http.Client, base, client string, more ...string) (int, map[string]any) {
		return ask(t, c, base+"/oauth/token", nil, append([]string{"grant_type", "client_credentials", "client_id", client, "audience", audience}, more...)...)
	}
	status, body := request(showing(s, own), alias, self)
	if status != http.StatusOK || body["token_type"] != "Bearer" {
		t.Fatalf("self-signed: %d %v", status, body)
	}
	bound := body["access_token"].(string)
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(bound, ".")[1])
	good(t, err)
	if !bytes.Contains(payload, []byte(`"cnf":{"x5t#S256":"`)) || !bytes.Contains(payload, []byte(`"iss":"`+s.HTTPSURL+`/"`)) {
		t.Errorf("claims %s", payload)
	}
	if status, body := request(showing(s, vouched), alias, subject); status != http.StatusOK {
		t.Errorf("vouched for: %d %v", status, body)
	}
	for name, c := range map[string]struct {
		client *http.Client
		base   string
		id     string
		more   []string
	}{
		"another certificate":              {showing(s, stranger), alias, self, nil},
		"the subject, by nobody's word":    {showing(s, stranger), alias, subject, nil},
		"another subject":                  {showing(s, pair(t, "else", authority)), alias, subject, nil},
		"none":                             {s.Client, alias, self, nil},
		"none is asked for at other names": {showing(s, own), s.HTTPSURL, self, nil},
		"a secret":                         {showing(s, own), alias, self, []string{"client_secret", "x"}},
	} {
		if status, body := request(c.client, c.base, c.id, c.more...); status == http.StatusOK || body["error"] != "invalid_client" && body["error"] != "invalid_request" {
			t.Errorf("%s: %d %v", name, status, body)
		}
	}
	use := func(c *http.Client, base string) int {
		r, err := http.NewRequestWithContext(t.Context(), "GET", base+"/api/v2/clients?fields=name", nil)
		good(t, err)
		r.Header.Set("Authorization", "Bearer "+bound)
		resp, err := c.Do(r)
		good(t, err)
		resp.Body.Close()
		return resp.StatusCode
	}
	for name, got := range map[string][2]int{
		"with the certificate": {use(showing(s, own), alias), 200}, "without": {use(s.Client, alias), 401}, "with another": {use(showing(s, stranger), alias), 401},
	} {
		if got[0] != got[1] {
			t.Errorf("a bound token %s: %d", name, got[0])
		}
	}
}

// TestClientCertificateHeaderSpoofed: what a request says of a certificate counts only from a proxy that the operator trusts.
func TestClientCertificateHeaderSpoofed(t *testing.T) {
	own, vouched := pair(t, "own", nil), pair(t, "subject", nil)
	header := func(c *tls.Certificate, verified string) map[string]string {
		return map[string]string{"Client-Certificate": url.PathEscape(asPEM(c)), "Client-Certificate-Ca-Verified": verified}
	}
	for _, trusted := range []bool{false, true} {
		var proxies []netip.Prefix
		want := http.StatusUnauthorized
		if trusted {
			proxies, want = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, http.StatusOK
		}
		s := stagedoortest.New(t, stagedoortest.Options{Proxies: proxies})
		self, subject := tlsClients(t, s, own, vouched)
		request := func(client string, headers map[string]string) int {
			status, _ := ask(t, s.Client, s.HTTPSURL+"/oauth/token", headers, "grant_type", "client_credentials", "client_id", client, "audience", "https://"+s.Domain+"/api/v2/")
			return status
		}
		if got := request(self, header(own, "FAILED:self signed certificate")); got != want {
			t.Errorf("trusted %t, self-signed: %d", trusted, got)
		}
		if got := request(self, map[string]string{"Client-Certificate": ":" + base64.StdEncoding.EncodeToString(own.Certificate[0]) + ":"}); got != want {
			t.Errorf("trusted %t, RFC 9440: %d", trusted, got)
		}
		if got := request(subject, header(vouched, "SUCCESS")); got != want {
			t.Errorf("trusted %t, vouched for: %d", trusted, got)
		}
		if got := request(subject, header(vouched, "NONE")); got != http.StatusUnauthorized {
			t.Errorf("trusted %t, not vouched for: %d", trusted, got)
		}
		if got := request(self, map[string]string{"Client-Certificate": "nonsense"}); got != http.StatusUnauthorized {
			t.Errorf("trusted %t, nonsense: %d", trusted, got)
		}
	}
}

// TestClientCertificatesNever: where clients are asked for no certificates a proxy's word about one counts for nothing, either: it would be what somebody sent, and the proxy let through.
func TestClientCertificatesNever(t *testing.T) {
	own := pair(t, "own", nil)
	s := stagedoortest.New(t, stagedoortest.Options{
		Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Configure: func(c *config.Config) { c.ClientCertificates = "never" },
	})
	self, _ := tlsClients(t, s, own, pair(t, "subject", nil))
	headers := map[string]string{"Client-Certificate": url.PathEscape(asPEM(own))}
	status, body := ask(t, s.Client, s.HTTPSURL+"/oauth/token", headers, "grant_type", "client_credentials", "client_id", self, "audience", "https://"+s.Domain+"/api/v2/")
	if status != http.StatusUnauthorized {
		t.Errorf("%d %v", status, body)
	}
}
