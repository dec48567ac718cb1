package jose

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
)

// ParsePrivatePEM reads a private key that somebody handed in (PKCS #8), in PEM or as the lone base64 of it. Its errors never quote it.
func ParsePrivatePEM(text string) (crypto.Signer, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "-----BEGIN") {
		text = "-----BEGIN PRIVATE KEY-----\n" + text + "\n-----END PRIVATE KEY-----"
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("jose: not PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("jose: the private key cannot be read")
	}
	signer, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, errors.New("jose: the private key cannot sign")
	}
	return signer, nil
}
