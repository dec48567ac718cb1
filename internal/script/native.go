package script

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // scripts talk to APIs that want MD5 and SHA-1 digests
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // see above
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	whatwg "github.com/nlnwa/whatwg-url/url"

	"github.com/stagedoor/stagedoor/internal/password"
)

var hashes = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
}

// compute answers the operations that need nothing but their arguments. Bytes travel as base64.
func compute(op string, args []any) (any, error) {
	arg := func(i int) string {
		if i < len(args) {
			s, _ := args[i].(string)
			return s
		}
		return ""
	}
	raw := func(i int) []byte {
		b, _ := base64.StdEncoding.DecodeString(arg(i))
		return b
	}
	encode := base64.StdEncoding.EncodeToString
	switch op {
	case "utf8":
		return encode([]byte(arg(0))), nil
	case "string":
		return string(raw(0)), nil // the engine puts U+FFFD where bytes are not UTF-8
	case "isutf8":
		return utf8.Valid(raw(0)), nil
	case "hashknown":
		return hashNamed(arg(0)) != nil, nil
	case "hash", "hmac":
		return digest(op, arg(0), raw(1), raw(2))
	case "random":
		return encode(randomBytes(args, rand.Reader)), nil
	case "equal":
		return subtle.ConstantTimeCompare(raw(0), raw(1)) == 1, nil
	case "sign":
		return sign(arg(0), arg(1), arg(2), raw(3)), nil
	case "verify":
		return verify(arg(0), arg(1), raw(2)), nil
	case "url":
		return urlParts(arg(0), arg(1)), nil
	case "bcrypthash":
		return bcryptHash(raw(0), arg(1))
	case "bcryptequal":
		return password.BcryptEqual(arg(1), raw(0)), nil
	}
	if known := operations[op]; known != nil {
		return operate(known, args), nil
	}
	return nil, fmt.Errorf("unknown operation %q", op)
}

func digest(op, name string, first, second []byte) (any, error) {
	make := hashNamed(name)
	if make == nil {
		return nil, errors.New("digest method not supported")
	}
	h, data := make(), first
	if op == "hmac" {
		h, data = hmac.New(make, first), second
	}
	h.Write(data)
	return base64.StdEncoding.EncodeToString(h.Sum(nil)), nil
}

func randomBytes(args []any, from io.Reader) []byte {
	n := 0
	if len(args) > 0 {
		switch v := args[0].(type) {
		case int:
			n = v
		case float64:
			n = int(v)
		}
	}
	b := make([]byte, min(max(n, 0), 1<<20))
	_, _ = io.ReadFull(from, b) // never fails
	return b
}

// signingKey reads the key for an algorithm: bytes for the HMAC family, else PEM.
func signingKey(alg string, key []byte, private bool) (any, error) {
	if strings.HasPrefix(alg, "HS") {
		// Short secrets are padded with zero bytes, which HMAC does anyway: the MAC is bit-identical.
		size := map[string]int{"HS256": 32, "HS384": 48, "HS512": 64}[alg]
		if pad := size - len(key); pad > 0 {
			key = append(bytes.Clone(key), make([]byte, pad)...)
		}
		return key, nil
	}
	block, _ := pem.Decode(key)
	if block == nil {
		return nil, errors.New("secretOrPrivateKey must be an asymmetric key when using " + alg)
	}
	if private {
		return parsePrivate(block.Bytes)
	}
	return parsePublic(block.Bytes)
}

func parsePrivate(der []byte) (any, error) {
	if k, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return k, nil
	}
	if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return k, nil
	}
	if k, err := x509.ParseECPrivateKey(der); err == nil {
		return k, nil
	}
	return nil, errors.New("secretOrPrivateKey is not a valid key material")
}

func parsePublic(der []byte) (any, error) {
	if k, err := x509.ParsePKIXPublicKey(der); err == nil {
		return k, nil
	}
	if k, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return k, nil
	}
	if c, err := x509.ParseCertificate(der); err == nil {
		return c.PublicKey, nil
	}
	if k, err := parsePrivate(der); err == nil {
		if s, ok := k.(crypto.Signer); ok {
			return s.Public(), nil
		}
	}
	return nil, errors.New("secretOrPublicKey is not a valid key material")
}

// sign makes a compact JWS. A failure is the text after an exclamation mark, which no token begins with.
func sign(alg, header, payload string, key []byte) string {
	k, err := signingKey(alg, key, true)
	if err != nil {
		return "!" + err.Error()
	}
	options := &jose.SignerOptions{ExtraHeaders: make(map[jose.HeaderKey]any)}
	var extra map[string]any
	if err := json.Unmarshal([]byte(header), &extra); err != nil {
		return "!invalid header"
	}
	for name, value := range extra {
		if name != "alg" && value != nil {
			options.ExtraHeaders[jose.HeaderKey(name)] = value
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: k}, options)
	if err != nil {
		return "!secretOrPrivateKey cannot be used with " + alg
	}
	signed, err := signer.Sign([]byte(payload))
	if err != nil {
		return "!secretOrPrivateKey cannot be used with " + alg
	}
	out, err := signed.CompactSerialize()
	if err != nil {
		return "!" + err.Error()
	}
	return out
}

// verify checks a compact JWS and says what is wrong, or nothing.
func verify(alg, token string, key []byte) string {
	k, err := signingKey(alg, key, false)
	if err != nil {
		return strings.Replace(err.Error(), "secretOrPrivateKey", "secretOrPublicKey", 1)
	}
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		return "invalid token"
	}
	if _, err := signed.Verify(k); err != nil {
		return "invalid signature"
	}
	return ""
}

// urlParts resolves and takes apart a URL by the WHATWG's text, as JSON; empty when it is not one.
func urlParts(text, base string) string {
	u, err := whatwg.Parse(text)
	if base != "" {
		u, err = whatwg.ParseRef(base, text)
	}
	if err != nil {
		return ""
	}
	opaque := u.OpaquePath() || u.Host() == "" && u.Protocol() != "file:"
	out, err := json.Marshal(map[string]any{
		"protocol": u.Protocol(), "username": u.Username(), "password": u.Password(), "hostname": u.Hostname(), "port": u.Port(),
		"pathname": u.Pathname(), "search": u.Search(), "hash": u.Hash(), "opaque": opaque, "href": u.Href(false),
	})
	if err != nil {
		return ""
	}
	return string(out)
}

// bcryptHash hashes with a salt; a failure is text that does not begin with a dollar sign.
func bcryptHash(secret []byte, salt string) (any, error) {
	hash, err := password.Bcrypt(secret, salt)
	if err != nil {
		return err.Error(), nil //nolint:nilerr // the script gets it
	}
	return hash, nil
}
