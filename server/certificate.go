package server

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Where the server asks clients for certificates: at the names that are for it, always, or never. Browsers that have certificates ask people which
// one to show, so that the usual names are spared.
const (
	certificatesAliases = "aliases"
	certificatesAlways  = "always"
	certificatesNever   = "never"
)

// The headers by which a trusted proxy hands on what a client showed (Authentication API fact sheet 4.1): the certificate, as PEM that is
// percent-encoded or as RFC 9440 has it, and whether an authority vouches for it.
const (
	headerCertificate = "Client-Certificate"
	headerVouched     = "Client-Certificate-Ca-Verified"
	maxCertificate    = 16 << 10 // bytes of the header
)

// askForCertificates makes a TLS configuration ask clients for certificates, and require none: what they are good for is for the doors to say.
func (s *Server) askForCertificates(c *tls.Config) *tls.Config {
	switch s.cfg.ClientCertificates {
	case certificatesNever:
		return c
	case certificatesAlways:
		c.ClientAuth = tls.RequestClientCert
		return c
	}
	asking := c.Clone()
	asking.ClientAuth = tls.RequestClientCert
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if strings.HasPrefix(strings.ToLower(hello.ServerName), stagedoor.MTLSPrefix) {
			return asking, nil
		}
		return nil, nil //nolint:nilnil // the usual configuration
	}
	return c
}

// readClientCAs reads the authorities that vouch for clients' certificates.
func readClientCAs(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // no authority vouches for anybody
	}
	data, err := os.ReadFile(file) //nolint:gosec // the operator names it
	if err != nil {
		return nil, fmt.Errorf("reading the authorities of clients' certificates: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("reading the authorities of clients' certificates: %s holds none", file)
	}
	return pool, nil
}

// certificate returns what the client of a request showed. Behind a trusted proxy that is what the proxy says, and a certificate of the connection is the
// proxy's own; from anybody else the headers count for nothing. Where no client is asked for a certificate they count from nobody: a proxy that does not
// know them lets through what was sent to it.
func (s *Server) certificate(r *http.Request, proxied bool) *web.Certificate {
	if s.cfg.ClientCertificates == certificatesNever {
		return nil
	}
	if proxied {
		cert := headerCert(r.Header.Values(headerCertificate))
		if cert == nil {
			return nil
		}
		return &web.Certificate{Certificate: cert, Vouched: strings.Join(r.Header.Values(headerVouched), ",") == "SUCCESS"}
	}
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil
	}
	cert := r.TLS.PeerCertificates[0]
	return &web.Certificate{Certificate: cert, Vouched: s.vouched(r.TLS.PeerCertificates)}
}

func (s *Server) vouched(chain []*x509.Certificate) bool {
	if s.clientCAs == nil {
		return false
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: s.clientCAs, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err == nil
}

// headerCert reads the certificate in a header; nil if there is none that can be read, or more than one.
func headerCert(values []string) *x509.Certificate {
	if len(values) != 1 || len(values[0]) > maxCertificate {
		return nil
	}
	value := strings.TrimSpace(values[0])
	if inner, is := strings.CutPrefix(value, ":"); is { // RFC 9440
		der, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(inner, ":"))
		if err != nil {
			return nil
		}
		return parsedCert(der)
	}
	text, err := url.PathUnescape(value)
	if err != nil {
		return nil
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil
	}
	return parsedCert(block.Bytes)
}

func parsedCert(der []byte) *x509.Certificate {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	return cert
}

// aliased gives a request to a name that is for clients with certificates (mtls.DOMAIN) the name of the tenant, so that it is answered as one to
// the tenant: issuers are the same under both (RFC 8705 section 5).
func (s *Server) aliased(r *http.Request) *http.Request {
	name, is := strings.CutPrefix(r.Host, stagedoor.MTLSPrefix)
	if !is {
		return r
	}
	_, err := s.db.TenantByDomain(r.Context(), r.Host)
	if err == nil {
		return r // a tenant of that very name
	}
	var st *store.Store
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		st, err = s.db.TenantByDomain(r.Context(), name)
	}
	switch {
	case err == nil && st.Tenant().Settings.MTLSAliases():
		r.Host = name
	case err != nil && !stagedoor.IsKind(err, stagedoor.NotFound):
		return unread(r, err)
	}
	return r
}
