package live

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// sites are the pages of the Internet that the SDK's tests let the server read, by host and path.
var sites = map[string]string{
	"client.dev/oauth/metadata.json": `{"client_id": "https://client.dev/oauth/metadata.json", "client_name": "client.dev", "redirect_uris": ["https://client.dev/oauth/callback"],
		"grant_types": ["authorization_code"], "response_types": ["code"], "token_endpoint_auth_method": "none"}`,
}

// internet stands in for the Internet: a proxy behind which sites lie, and nothing else. It returns the proxy's address and a file with
// the authority that the sites' certificates come from.
func internet(t *testing.T) (proxy, authority string) {
	t.Helper()
	site := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, found := sites[r.Host+r.URL.Path]
		if !found {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, page)
	}))
	certificate := certify(t, "client.dev")
	site.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	site.StartTLS()
	t.Cleanup(site.Close)
	gate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != "client.dev:443" {
			http.Error(w, "there is no such host", http.StatusBadGateway)
			return
		}
		connect(w, site.Listener.Addr().String())
	}))
	t.Cleanup(gate.Close)
	file := filepath.Join(t.TempDir(), "authority.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return gate.URL, file
}

// connect joins the caller of a proxy with an address.
func connect(w http.ResponseWriter, address string) {
	there, err := net.Dial("tcp", address)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusOK)
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		there.Close()
		return
	}
	go func() {
		defer there.Close()
		io.Copy(there, buffered)
	}()
	defer here.Close()
	io.Copy(here, there)
}

// certify makes a certificate for a name that vouches for itself.
func certify(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
