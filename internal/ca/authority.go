package ca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"path/filepath"
	"sync"
	"time"
)

const (
	authorityYears = 10
	keyFile        = "authority.key"
	certFile       = "ca.pem"
)

// domains are the names that the authority may vouch for, with all names below them.
var domains = []string{"localhost", "stagedoor.test"}

// addresses are the addresses that the authority may vouch for.
var addresses = []net.IP{net.IPv4(127, 0, 0, 1).To4(), net.IPv6loopback}

// An Authority signs certificates for local servers. It is safe for concurrent use.
type Authority struct {
	dir     string
	now     func() time.Time
	cert    *x509.Certificate
	key     *ecdsa.PrivateKey
	leafKey *ecdsa.PrivateKey // of all server certificates of this process

	mu     sync.Mutex
	leaves map[string]*leaf // by host name, "" for the one with all known names
}

// Open reads the authority of a directory, and makes it if there is none; of two processes that do so at once, both end with
// the same one. Its errors name the file and what to do: a key that others can read, that is damaged, or that has run out.
func Open(dir string, now func() time.Time) (*Authority, error) {
	cert, key, err := loadOrCreate(dir, now())
	if err != nil {
		return nil, err
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make server key: %w", err)
	}
	return &Authority{dir: dir, now: now, cert: cert, key: key, leafKey: leafKey, leaves: map[string]*leaf{}}, nil
}

// CAFile is the path of the authority's certificate, which clients are to trust.
func (a *Authority) CAFile() string { return filepath.Join(a.dir, certFile) }

// Certificate is what CAFile holds.
func (a *Authority) Certificate() *x509.Certificate { return a.cert }

// create makes the certificate of a new authority, constrained to local names and to servers.
func create(now time.Time) (der []byte, key *ecdsa.PrivateKey, err error) {
	if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, nil, err
	}
	serial, err := serialNumber()
	if err != nil {
		return nil, nil, err
	}
	start := now.UTC().Truncate(time.Second)
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject: pkix.Name{
			Organization: []string{"Stagedoor"},
			CommonName:   "Stagedoor local authority " + start.Format(time.DateOnly),
		},
		NotBefore:                   start.Add(-clockSkew),
		NotAfter:                    start.AddDate(authorityYears, 0, 0),
		IsCA:                        true,
		BasicConstraintsValid:       true,
		MaxPathLenZero:              true,
		KeyUsage:                    x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		ExtKeyUsage:                 []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         domains,
	}
	for _, ip := range addresses {
		bits := 8 * len(ip)
		template.PermittedIPRanges = append(template.PermittedIPRanges, &net.IPNet{IP: ip, Mask: net.CIDRMask(bits, bits)})
	}
	der, err = x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return der, key, err
}

func serialNumber() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
}
