package script

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // fingerprints are shown in it
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// keyText is a key on its way in: PEM, DER or a JWK.
type keyText struct {
	Data       []byte          `json:"data"`
	JWK        json.RawMessage `json:"jwk"`
	Private    bool            `json:"private"` // what is asked for; a private key also gives its public one
	Passphrase []byte          `json:"passphrase"`
}

// keyForm is a key as the realm keeps it: PKCS #8 or SubjectPublicKeyInfo, and what Node tells about it.
type keyForm struct {
	Type    string `json:"type"` // private, public
	Kind    string `json:"kind"` // rsa, ec, ed25519, x25519
	DER     []byte `json:"der"`
	Curve   string `json:"curve,omitempty"`
	Modulus int    `json:"modulus,omitempty"` // bits
}

var errKey = &operationError{Code: "ERR_OSSL_UNSUPPORTED", Message: "error:1E08010C:DECODER routines::unsupported"}

// readKey makes a key of text.
func readKey(o operands) (any, error) {
	var t keyText
	if err := o.read(0, &t); err != nil {
		return nil, err
	}
	key, err := t.key()
	if err != nil {
		return nil, err
	}
	form, err := formOf(key)
	if err != nil {
		return nil, err
	}
	return jsonText(form)
}

func (t keyText) key() (any, error) {
	var key any
	var err error
	switch {
	case len(t.JWK) > 0:
		var k jose.JSONWebKey
		if k.UnmarshalJSON(t.JWK) != nil {
			return nil, &operationError{Name: "TypeError", Code: "ERR_CRYPTO_INVALID_JWK", Message: "Invalid JWK data"}
		}
		key = k.Key
		if _, symmetric := key.([]byte); symmetric {
			return nil, &operationError{Name: "TypeError", Code: "ERR_CRYPTO_INVALID_JWK", Message: "Invalid JWK data"}
		}
	default:
		der := t.Data
		if block, _ := pem.Decode(t.Data); block != nil {
			der = block.Bytes
			if x509.IsEncryptedPEMBlock(block) { //nolint:staticcheck // the form that openssl genrsa -aes256 wrote for decades
				if der, err = x509.DecryptPEMBlock(block, t.Passphrase); err != nil { //nolint:staticcheck // see above
					return nil, &operationError{Code: "ERR_OSSL_BAD_DECRYPT", Message: "error:1C800064:Provider routines::bad decrypt"}
				}
			} else if block.Type == "ENCRYPTED PRIVATE KEY" {
				return nil, &operationError{Code: "ERR_OSSL_UNSUPPORTED", Message: "Encrypted PKCS #8 keys are not supported: decrypt the key first"}
			}
		} else if bytes.Contains(t.Data, []byte("-----BEGIN")) {
			return nil, errKey
		}
		if t.Private {
			key, err = parsePrivate(der)
		} else {
			key, err = parsePublic(der)
		}
		if err != nil {
			return nil, errKey
		}
	}
	if t.Private {
		switch key.(type) {
		case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey, *ecdh.PublicKey:
			return nil, errKey
		}
		return key, nil
	}
	if private, ok := key.(interface{ Public() crypto.PublicKey }); ok {
		key = private.Public()
	}
	return key, nil
}

// curves are the names that Node gives to curves.
var curves = map[string]string{"P-224": "secp224r1", "P-256": "prime256v1", "P-384": "secp384r1", "P-521": "secp521r1"}

func formOf(key any) (keyForm, error) {
	var f keyForm
	var err error
	switch k := key.(type) {
	case *rsa.PrivateKey:
		f = keyForm{Type: "private", Kind: "rsa", Modulus: k.N.BitLen()}
	case *rsa.PublicKey:
		f = keyForm{Type: "public", Kind: "rsa", Modulus: k.N.BitLen()}
	case *ecdsa.PrivateKey:
		f = keyForm{Type: "private", Kind: "ec", Curve: curves[k.Curve.Params().Name]}
	case *ecdsa.PublicKey:
		f = keyForm{Type: "public", Kind: "ec", Curve: curves[k.Curve.Params().Name]}
	case ed25519.PrivateKey:
		f = keyForm{Type: "private", Kind: "ed25519"}
	case ed25519.PublicKey:
		f = keyForm{Type: "public", Kind: "ed25519"}
	case *ecdh.PrivateKey:
		f = keyForm{Type: "private", Kind: "x25519"}
	case *ecdh.PublicKey:
		f = keyForm{Type: "public", Kind: "x25519"}
	default:
		return f, errKey
	}
	if f.Type == "private" {
		f.DER, err = x509.MarshalPKCS8PrivateKey(key)
	} else {
		f.DER, err = x509.MarshalPKIXPublicKey(key)
	}
	return f, err
}

// exportKey: DER, whether private, type (pkcs1, pkcs8, sec1, spki, jwk); the answer is DER in base64, with the label for PEM, or a JWK.
func exportKey(o operands) (any, error) {
	key, err := keyText{Data: o.bytes(0), Private: o.text(1) == "private"}.key()
	if err != nil {
		return nil, err
	}
	bad := &operationError{Name: "TypeError", Code: "ERR_CRYPTO_INCOMPATIBLE_KEY_OPTIONS", Message: "The selected key encoding " + o.text(2) + " does not support this key."}
	label, der := "", []byte(nil)
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if o.text(2) == "pkcs1" {
			label, der = "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(k)
		}
	case *rsa.PublicKey:
		if o.text(2) == "pkcs1" {
			label, der = "RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(k)
		}
	case *ecdsa.PrivateKey:
		if o.text(2) == "sec1" {
			label = "EC PRIVATE KEY"
			if der, err = x509.MarshalECPrivateKey(k); err != nil {
				return nil, err
			}
		}
	}
	switch o.text(2) {
	case "jwk":
		b, err := (&jose.JSONWebKey{Key: key}).MarshalJSON()
		if err != nil {
			return nil, &operationError{Code: "ERR_CRYPTO_JWK_UNSUPPORTED_KEY_TYPE", Message: "Unsupported JWK Key Type."}
		}
		return string(b), nil
	case "pkcs8", "spki":
		label, der = map[string]string{"pkcs8": "PRIVATE KEY", "spki": "PUBLIC KEY"}[o.text(2)], o.bytes(0)
		if (o.text(2) == "pkcs8") != (o.text(1) == "private") {
			return nil, bad
		}
	}
	if der == nil {
		return nil, bad
	}
	return jsonText(map[string]any{"label": label, "der": der})
}

// generateKey: kind, bits of an RSA key, curve of another; the answer is a private key.
func generateKey(o operands) (any, error) {
	var key any
	var err error
	switch o.text(0) {
	case "rsa", "rsa-pss":
		if o.int(1) < 1024 || o.int(1) > 4096 {
			return nil, &operationError{Name: "RangeError", Code: "ERR_OUT_OF_RANGE", Message: "The value of \"options.modulusLength\" is out of range. It must be >= 1024 && <= 4096."}
		}
		key, err = rsa.GenerateKey(rand.Reader, o.int(1))
	case "ec":
		curve := curveNamed(o.text(2))
		if curve == nil {
			return nil, &operationError{Name: "TypeError", Code: "ERR_CRYPTO_INVALID_CURVE", Message: "Invalid EC curve name"}
		}
		key, err = ecdsa.GenerateKey(curve, rand.Reader)
	case "ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case "x25519":
		key, err = ecdh.X25519().GenerateKey(rand.Reader)
	default:
		return nil, &operationError{Name: "TypeError", Code: "ERR_INVALID_ARG_VALUE", Message: "The argument 'type' must be a supported key type. Received '" + o.text(0) + "'"}
	}
	if err != nil {
		return nil, err
	}
	form, err := formOf(key)
	if err != nil {
		return nil, err
	}
	return jsonText(form)
}

// signed and agreed are curves by the name that the standards of the web give them; curveNames are the other names that Node.js knows.
var (
	signed = map[string]elliptic.Curve{"P-224": elliptic.P224(), "P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}
	agreed = map[string]ecdh.Curve{"P-256": ecdh.P256(), "P-384": ecdh.P384(), "P-521": ecdh.P521(), "X25519": ecdh.X25519()}

	curveNames = map[string]string{
		"secp224r1": "P-224", "prime256v1": "P-256", "secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521", "x25519": "X25519",
	}
)

// curveNamed is a curve to sign with; nil if there is none of that name.
func curveNamed(name string) elliptic.Curve { return signed[cmp.Or(curveNames[name], name)] }

// agreement reads a key for a Diffie-Hellman exchange.
func agreement(der []byte, private bool) (any, error) {
	key, err := keyText{Data: der, Private: private}.key()
	if err != nil {
		return nil, err
	}
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		return k.ECDH()
	case *ecdsa.PublicKey:
		return k.ECDH()
	}
	return key, nil
}

// agree: private key, public key, both DER; or curve, raw private, raw public.
func agree(o operands) (any, error) {
	incompatible := &operationError{Code: "ERR_CRYPTO_INCOMPATIBLE_KEY", Message: "Incompatible key types for Diffie-Hellman"}
	var private, public any
	var err error
	if curve := rawCurve(o.text(0)); curve != nil {
		private, err = curve.NewPrivateKey(o.bytes(1))
		if err == nil {
			public, err = curve.NewPublicKey(o.bytes(2))
		}
		if err != nil {
			return nil, &operationError{Code: "ERR_CRYPTO_ECDH_INVALID_PUBLIC_KEY", Message: "Public key is not valid for specified curve"}
		}
	} else {
		if private, err = agreement(o.bytes(0), true); err != nil {
			return nil, err
		}
		if public, err = agreement(o.bytes(1), false); err != nil {
			return nil, err
		}
	}
	mine, ok := private.(*ecdh.PrivateKey)
	theirs, also := public.(*ecdh.PublicKey)
	if !ok || !also || mine.Curve() != theirs.Curve() {
		return nil, incompatible
	}
	return mine.ECDH(theirs)
}

// rawCurve is a curve to agree on keys with; nil if there is none of that name.
func rawCurve(name string) ecdh.Curve { return agreed[cmp.Or(curveNames[name], name)] }

// agreePublic: curve, raw private key or nothing for a new one; the answer is both, raw.
func agreePublic(o operands) (any, error) {
	curve := rawCurve(o.text(0))
	if curve == nil {
		return nil, &operationError{Name: "TypeError", Code: "ERR_CRYPTO_INVALID_CURVE", Message: "Invalid EC curve name"}
	}
	var key *ecdh.PrivateKey
	var err error
	if raw := o.bytes(1); len(raw) > 0 {
		key, err = curve.NewPrivateKey(raw)
	} else {
		key, err = curve.GenerateKey(rand.Reader)
	}
	if err != nil {
		return nil, &operationError{Code: "ERR_CRYPTO_INVALID_KEYTYPE", Message: "Private key is not valid for specified curve."}
	}
	return jsonText(map[string][]byte{"private": key.Bytes(), "public": key.PublicKey().Bytes()})
}

// readCertificate takes an X.509 certificate apart.
func readCertificate(o operands) (any, error) {
	der := o.bytes(0)
	if block, _ := pem.Decode(der); block != nil {
		der = block.Bytes
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, &operationError{Code: "ERR_OSSL_PEM_BAD_BASE64_DECODE", Message: "error:0480006C:PEM routines::no start line"}
	}
	public, err := x509.MarshalPKIXPublicKey(c.PublicKey)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range c.DNSNames {
		names = append(names, "DNS:"+name)
	}
	for _, ip := range c.IPAddresses {
		names = append(names, "IP Address:"+ip.String())
	}
	for _, u := range c.URIs {
		names = append(names, "URI:"+u.String())
	}
	one, two := sha1.Sum(c.Raw), sha256.Sum256(c.Raw) //nolint:gosec // shown, not trusted
	at := func(t time.Time) string { return t.UTC().Format("Jan _2 15:04:05 2006 GMT") }
	return jsonText(map[string]any{
		"subject": distinguished(c.Subject.String()), "issuer": distinguished(c.Issuer.String()), "subjectAltName": strings.Join(names, ", "),
		"validFrom": at(c.NotBefore), "validTo": at(c.NotAfter), "serialNumber": strings.ToUpper(c.SerialNumber.Text(16)), "ca": c.IsCA,
		"fingerprint": colons(one[:]), "fingerprint256": colons(two[:]), "raw": base64.StdEncoding.EncodeToString(c.Raw), "publicKey": public,
	})
}

// distinguished is a name in the lines that Node writes, the widest part first.
func distinguished(name string) string {
	parts := strings.Split(name, ",")
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return strings.Join(parts, "\n")
}

func colons(b []byte) string {
	out := strings.ToUpper(hex.EncodeToString(b))
	var parts []string
	for i := 0; i < len(out); i += 2 {
		parts = append(parts, out[i:i+2])
	}
	return strings.Join(parts, ":")
}

func unsupported(format string, args ...any) error {
	return &operationError{Code: "ERR_CRYPTO_UNSUPPORTED_OPERATION", Message: fmt.Sprintf(format, args...)}
}
