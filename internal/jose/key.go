package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// The signature algorithms that this room signs with (RFC 7518 section 3.1).
const (
	RS256 = "RS256"
	PS256 = "PS256"
	ES256 = "ES256"
	HS256 = "HS256"
	HS512 = "HS512" // with an HS512Secret alone
)

// HS512Secret is a shared secret for HS512, as services beyond our control have them: Duo's has 40 characters, and those of flows what a tenant says, which is
// less than RFC 7518 section 3.2 asks for. Other secrets are bytes, and are for HS256.
type HS512Secret []byte

// certificateYears is how long the self-signed certificate of a signing key is valid. Nobody renews it: a key is replaced by
// rotation long before.
const certificateYears = 10

// kidLength is the length of a key id, as clients know it from the service whose API we follow.
const kidLength = 21

// A Key is an asymmetric signing key of a tenant.
type Key struct {
	KID       string            // the kid header of what it signs; random, never reused
	Algorithm string            // the only algorithm it is used with, for signing and for verifying
	Private   crypto.Signer     // *rsa.PrivateKey or *ecdsa.PrivateKey (P-256)
	Cert      *x509.Certificate // self-signed, for clients that read x5c or download a certificate
}

// NewRSAKey makes an RSA key for RS256 with a random KID and a self-signed certificate for commonName, valid from now on for
// ten years. Change Algorithm to PS256 to sign that way. It refuses sizes below 2048 and above 4096 bits.
func NewRSAKey(bits int, commonName string, now time.Time) (*Key, error) {
	if bits < 2048 || bits > 4096 {
		return nil, fmt.Errorf("jose: RSA keys have 2048 to 4096 bits, not %d", bits)
	}
	private, err := generateRSA(bits)
	if err != nil {
		return nil, fmt.Errorf("jose: make RSA key: %w", err)
	}
	return newKey(RS256, private, commonName, now)
}

var generateRSA = func(bits int) (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, bits) }

// NewECKey makes a P-256 key for ES256, like NewRSAKey.
func NewECKey(commonName string, now time.Time) (*Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("jose: make EC key: %w", err)
	}
	return newKey(ES256, private, commonName, now)
}

func newKey(alg string, private crypto.Signer, commonName string, now time.Time) (*Key, error) {
	cert, err := selfSigned(private, commonName, now)
	if err != nil {
		return nil, err
	}
	return &Key{KID: RandomToken(16)[:kidLength], Algorithm: alg, Private: private, Cert: cert}, nil
}

func selfSigned(private crypto.Signer, commonName string, now time.Time) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("jose: make serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: commonName},
		NotBefore:    now.UTC().Truncate(time.Second),
		NotAfter:     now.UTC().Truncate(time.Second).AddDate(certificateYears, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, fmt.Errorf("jose: make certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

// Public returns the key that verifies, as Parse takes it.
func (k *Key) Public() crypto.PublicKey { return k.Private.Public() }

// Signer returns a signer for this key that writes typ in its headers ("JWT" or "at+jwt"). Keep it: it is made to be reused.
func (k *Key) Signer(typ string) (*Signer, error) {
	return NewSigner(k.Algorithm, k.KID, k.Private, typ)
}

// PEM returns the private key (PKCS #8) followed by the certificate. It is secret: seal it before it is stored.
func (k *Key) PEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.Private)
	if err != nil {
		return nil, fmt.Errorf("jose: encode key: %w", err)
	}
	out := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return append(out, k.CertificatePEM()...), nil
}

// CertificatePEM returns the certificate alone, which is public.
func (k *Key) CertificatePEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Cert.Raw})
}

// ParseKey reads what PEM wrote. It refuses a certificate that belongs to another key, and a key that cannot do alg.
func ParseKey(kid, alg string, data []byte) (*Key, error) {
	k := &Key{KID: kid, Algorithm: alg}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "PRIVATE KEY":
			parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, errors.New("jose: the private key cannot be read") // the cause could quote key material
			}
			signer, ok := parsed.(crypto.Signer)
			if !ok {
				return nil, fmt.Errorf("jose: a %T cannot sign", parsed)
			}
			k.Private = signer
		case "CERTIFICATE":
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("jose: read certificate: %w", err)
			}
			k.Cert = cert
		}
	}
	if k.Private == nil || k.Cert == nil {
		return nil, errors.New("jose: a key is a PRIVATE KEY and a CERTIFICATE block, and one is missing")
	}
	public, ok := k.Private.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(k.Cert.PublicKey) {
		return nil, errors.New("jose: the certificate belongs to another key")
	}
	if err := fits(alg, k.Private.Public()); err != nil {
		return nil, err
	}
	return k, nil
}

// fits says whether a key can be used with an algorithm. It is the one table of which goes with which, for signing and for
// verifying: a public key is never taken for an HMAC secret.
func fits(alg string, key any) error {
	ok := false
	switch key := key.(type) {
	case *rsa.PublicKey:
		ok = key.N != nil && (alg == RS256 || alg == PS256 || alg == "RS384" || alg == "RS512" || alg == "PS384" || alg == "PS512")
	case *ecdsa.PublicKey:
		ok = alg == ES256 && key.Curve == elliptic.P256() || alg == "ES384" && key.Curve == elliptic.P384() || alg == "ES512" && key.Curve == elliptic.P521()
	case ed25519.PublicKey:
		ok = alg == "EdDSA" && len(key) == ed25519.PublicKeySize
	case []byte:
		ok = alg == HS256 && len(key) > 0
	case HS512Secret:
		ok = alg == HS512 && len(key) > 0
	}
	if !ok {
		return fmt.Errorf("jose: a %T cannot be used with algorithm %q", key, alg)
	}
	return nil
}
