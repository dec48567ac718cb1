package ca

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

const (
	leafDays  = 90 // clients refuse more than 397
	renewDays = 30 // before the end
	clockSkew = time.Hour
	maxLeaves = 512 // host names kept at once; a certificate is made in 0.1 ms, so that losing them is harmless
)

type leaf struct {
	cert  *tls.Certificate
	renew time.Time
}

// TLSConfig is for a server on a local name: TLS 1.2 and later, HTTP/2, a certificate for the name that the client asks for.
func (a *Authority) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return a.certificate(hello.ServerName)
		},
	}
}

// certificate returns the kept certificate for a host, or makes it. Hosts that are not ours share the one with all known names.
func (a *Authority) certificate(host string) (*tls.Certificate, error) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if !local(host) {
		host = ""
	}
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if kept, found := a.leaves[host]; found && now.Before(kept.renew) {
		return kept.cert, nil
	}
	cert, err := a.issue(host, now)
	if err != nil {
		return nil, fmt.Errorf("local authority: make certificate: %w", err)
	}
	if len(a.leaves) >= maxLeaves { // somebody asks for many names
		clear(a.leaves)
	}
	a.leaves[host] = &leaf{cert, cert.Leaf.NotAfter.AddDate(0, 0, -renewDays)}
	return cert, nil
}

// local tells whether a name lies below our domains and is made of plain labels, of which a certificate can be made. The
// domains themselves do not count: they are in the certificate with all known names.
func local(host string) bool {
	below := func(domain string) bool { return strings.HasSuffix(host, "."+domain) }
	if len(host) > 253 || !slices.ContainsFunc(domains, below) {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

func (a *Authority) issue(host string, now time.Time) (*tls.Certificate, error) {
	serial, err := serialNumber()
	if err != nil {
		return nil, err
	}
	start := now.UTC().Truncate(time.Second)
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{Organization: []string{"Stagedoor"}},
		NotBefore:    start.Add(-clockSkew),
		NotAfter:     start.AddDate(0, 0, leafDays),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{host},
	}
	if host == "" {
		template.DNSNames = nil
		for _, domain := range domains {
			template.DNSNames = append(template.DNSNames, domain)
			if strings.Contains(domain, ".") { // there are clients that refuse the whole certificate for a wildcard of a single label
				template.DNSNames = append(template.DNSNames, "*."+domain)
			}
		}
		template.IPAddresses = append([]net.IP(nil), addresses...)
	}
	if template.NotAfter.After(a.cert.NotAfter) {
		template.NotAfter = a.cert.NotAfter
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, a.leafKey.Public(), a.key)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: a.leafKey, Leaf: parsed}, nil
}
