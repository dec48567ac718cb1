package jose

import (
	"crypto/aes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
)

// NewWrappingKey makes an RSA key that key material can be wrapped for: the private part (PKCS #8) and the public one, in PEM.
func NewWrappingKey() (private, public []byte, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, nil, fmt.Errorf("jose: make RSA key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("jose: encode key: %w", err)
	}
	publicDER, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, nil, fmt.Errorf("jose: encode key: %w", err)
	}
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	return block("PRIVATE KEY", der), block("PUBLIC KEY", publicDER), nil
}

var errWrapped = errors.New("jose: the wrapped key cannot be opened")

// Unwrap opens key material that was wrapped for a key of NewWrappingKey as CKM_RSA_AES_KEY_WRAP says: an AES key, encrypted with
// RSA-OAEP and SHA-256, and behind it the material, wrapped with that AES key (RFC 5649).
func Unwrap(private, wrapped []byte) ([]byte, error) {
	block, _ := pem.Decode(private)
	if block == nil {
		return nil, errors.New("jose: not PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("jose: the private key cannot be read") // the cause could quote key material
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok || len(wrapped) <= key.Size() {
		return nil, errWrapped
	}
	ephemeral, err := rsa.DecryptOAEP(sha256.New(), rand.Reader, key, wrapped[:key.Size()], nil)
	if err != nil {
		return nil, errWrapped
	}
	return unwrapAES(ephemeral, wrapped[key.Size():])
}

// unwrapAES is key unwrap with padding (RFC 5649 section 4.2), for material of more than eight bytes.
func unwrapAES(key, wrapped []byte) ([]byte, error) {
	cipher, err := aes.NewCipher(key)
	if err != nil || len(wrapped) < 24 || len(wrapped)%8 != 0 {
		return nil, errWrapped
	}
	n := len(wrapped)/8 - 1
	data := append([]byte(nil), wrapped...)
	buf := make([]byte, 16)
	copy(buf, data[:8])
	for j := 5; j >= 0; j-- {
		for i := n; i >= 1; i-- {
			t := uint64(n*j + i)
			binary.BigEndian.PutUint64(buf[:8], binary.BigEndian.Uint64(buf[:8])^t)
			copy(buf[8:], data[8*i:8*i+8])
			cipher.Decrypt(buf, buf)
			copy(data[8*i:], buf[8:])
		}
	}
	length := int(binary.BigEndian.Uint32(buf[4:8]))
	if binary.BigEndian.Uint32(buf[:4]) != 0xA65959A6 || length > 8*n || length <= 8*(n-1) {
		return nil, errWrapped
	}
	for _, b := range data[8+length:] {
		if b != 0 {
			return nil, errWrapped
		}
	}
	return data[8 : 8+length], nil
}
