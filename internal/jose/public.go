package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// minRSA is the smallest RSA key that is taken from outside, in bits.
const minRSA = 2048

// A PublicPEM is a public key that somebody handed in, alone or in a certificate.
type PublicPEM struct {
	Key  crypto.PublicKey
	Cert *x509.Certificate // nil if the key came alone
}

// ParsePublicPEM reads the first block of data: PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE. Private keys, RSA keys below 2048
// bits and keys of other kinds are refused.
func ParsePublicPEM(data []byte) (*PublicPEM, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("jose: not PEM")
	}
	p := &PublicPEM{}
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		p.Key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		p.Key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		if p.Cert, err = x509.ParseCertificate(block.Bytes); err == nil {
			p.Key = p.Cert.PublicKey
		}
	default:
		return nil, errors.New("jose: not a public key or a certificate")
	}
	if err != nil {
		return nil, fmt.Errorf("jose: read public key: %w", err)
	}
	switch key := p.Key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < minRSA && p.Cert == nil {
			return nil, errors.New("jose: the RSA key is too small")
		}
	case *ecdsa.PublicKey:
	default:
		return nil, fmt.Errorf("jose: a %T is not supported", p.Key)
	}
	return p, nil
}

// Does tells whether what the algorithm signs can be verified with the key.
func (p *PublicPEM) Does(alg string) bool {
	if key, ok := p.Key.(*rsa.PublicKey); ok && key.N.BitLen() < minRSA {
		return false
	}
	return fits(alg, p.Key) == nil
}

// Thumbprint is the key's JWK thumbprint with SHA-256, base64url (RFC 7638).
func (p *PublicPEM) Thumbprint() string {
	key := jose.JSONWebKey{Key: p.Key}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// CertificateThumbprint is the SHA-256 digest of a certificate, base64url (x5t#S256 of RFC 7517).
func CertificateThumbprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// attributeNames are the short names of the parts of a distinguished name (RFC 4519).
var attributeNames = map[string]string{
	"2.5.4.3": "CN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "street", "2.5.4.10": "O",
	"2.5.4.11": "OU", "2.5.4.17": "postalCode", "1.2.840.113549.1.9.1": "emailAddress", "0.9.2342.19200300.100.1.25": "DC",
}

// SubjectLines is the subject of a certificate, one part a line, in its order: C=JP, O=Example, CN=client.
func SubjectLines(cert *x509.Certificate) string {
	var lines []string
	for _, part := range cert.Subject.Names {
		name := part.Type.String()
		if short := attributeNames[name]; short != "" {
			name = short
		}
		lines = append(lines, fmt.Sprintf("%s=%v", name, part.Value))
	}
	return strings.Join(lines, "\n")
}

// SubjectText is the subject of a certificate as RFC 4514 writes it: all that it says, in the order of that document, which is the other way round.
func SubjectText(cert *x509.Certificate) string {
	var parts pkix.RDNSequence
	if rest, err := asn1.Unmarshal(cert.RawSubject, &parts); err != nil || len(rest) > 0 {
		return ""
	}
	return parts.String() // pkix.Name has an order of its own, and of what comes twice the last one alone
}

// CheckPublicJWK tells whether data is a public signing key (RFC 7517): one that is valid, not a shared secret, without private
// members, and of an algorithm with the curves and sizes that it needs.
func CheckPublicJWK(data []byte) error {
	var key jose.JSONWebKey
	if err := json.Unmarshal(data, &key); err != nil {
		return err
	}
	if !key.IsPublic() || !key.Valid() {
		return errors.New("jose: not a public key")
	}
	if key.Use != "" && key.Use != "sig" {
		return errors.New("jose: not a signing key")
	}
	if key.Algorithm != "" {
		return fits(key.Algorithm, key.Key)
	}
	return nil
}
