package jose

import (
	"crypto/rsa"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// EncryptJWT encrypts a signed token for the owner of a public key, in compact form (a nested JWT, RFC 7519 section 5.2). The
// algorithm is RSA-OAEP-256; the content is encrypted with A256GCM.
func EncryptJWT(signed, alg, kid string, publicPEM []byte) (string, error) {
	if alg != string(jose.RSA_OAEP_256) {
		return "", fmt.Errorf("jose: cannot encrypt with %q", alg)
	}
	key, err := ParsePublicPEM(publicPEM)
	if err != nil {
		return "", err
	}
	public, ok := key.Key.(*rsa.PublicKey)
	if !ok {
		return "", fmt.Errorf("jose: a %T cannot be used with %s", key.Key, alg)
	}
	options := (&jose.EncrypterOptions{}).WithContentType("JWT").WithType("JWT")
	to := jose.Recipient{Algorithm: jose.RSA_OAEP_256, Key: public, KeyID: kid}
	encrypter, err := jose.NewEncrypter(jose.A256GCM, to, options)
	if err != nil {
		return "", fmt.Errorf("jose: make encrypter: %w", err)
	}
	message, err := encrypter.Encrypt([]byte(signed))
	if err != nil {
		return "", fmt.Errorf("jose: encrypt: %w", err)
	}
	return message.CompactSerialize()
}
