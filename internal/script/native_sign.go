package script

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/subtle"
	"encoding/asn1"
	"math/big"
)

// signature is how something is signed.
type signature struct {
	Hash    string `json:"hash"`    // as Node names it, in lower case; empty for Ed25519
	Key     []byte `json:"key"`     // DER
	Data    []byte `json:"data"`    // what is signed
	Padding int    `json:"padding"` // 1: PKCS #1 v1.5, 6: PSS
	Salt    *int   `json:"salt"`    // bytes of PSS; -1 as long as the hash, -2 as long as fits, or found out
	P1363   bool   `json:"p1363"`   // ECDSA as two numbers side by side, not in ASN.1
	Mark    []byte `json:"mark"`    // the signature, when it is verified
}

var hashIDs = map[string]crypto.Hash{
	"md5": crypto.MD5, "sha1": crypto.SHA1, "sha224": crypto.SHA224, "sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512,
	"sha512-256": crypto.SHA512_256, "sha512-224": crypto.SHA512_224, "ripemd160": crypto.RIPEMD160,
	"sha3-256": crypto.SHA3_256, "sha3-384": crypto.SHA3_384, "sha3-512": crypto.SHA3_512,
}

func (s signature) digest() (crypto.Hash, []byte, error) {
	make, id := hashNamed(s.Hash), hashIDs[s.Hash]
	if make == nil || id == 0 {
		return 0, nil, errDigest
	}
	h := make()
	h.Write(s.Data)
	return id, h.Sum(nil), nil
}

func (s signature) pss(id crypto.Hash, verify bool) *rsa.PSSOptions {
	salt := rsa.PSSSaltLengthAuto
	if s.Salt != nil {
		switch *s.Salt {
		case -1:
			salt = rsa.PSSSaltLengthEqualsHash
		case -2:
		default:
			if *s.Salt > 0 {
				salt = *s.Salt
			} else if !verify {
				salt = rsa.PSSSaltLengthEqualsHash
			}
		}
	}
	return &rsa.PSSOptions{SaltLength: salt, Hash: id}
}

func signWithKey(o operands) (any, error) {
	var s signature
	if err := o.read(0, &s); err != nil {
		return nil, err
	}
	key, err := keyText{Data: s.Key, Private: true}.key()
	if err != nil {
		return nil, err
	}
	if k, ok := key.(ed25519.PrivateKey); ok {
		return ed25519.Sign(k, s.Data), nil
	}
	id, sum, err := s.digest()
	if err != nil {
		return nil, err
	}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if s.Padding == 6 {
			return rsa.SignPSS(rand.Reader, k, id, sum, s.pss(id, false))
		}
		return rsa.SignPKCS1v15(rand.Reader, k, id, sum)
	case *ecdsa.PrivateKey:
		out, err := ecdsa.SignASN1(rand.Reader, k, sum)
		if err != nil || !s.P1363 {
			return out, err
		}
		var pair struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(out, &pair); err != nil {
			return nil, err
		}
		size := (k.Curve.Params().BitSize + 7) / 8
		flat := make([]byte, 2*size)
		pair.R.FillBytes(flat[:size])
		pair.S.FillBytes(flat[size:])
		return flat, nil
	}
	return nil, unsupported("operation not supported for this keytype")
}

func verifyWithKey(o operands) (any, error) {
	var s signature
	if err := o.read(0, &s); err != nil {
		return nil, err
	}
	key, err := keyText{Data: s.Key}.key()
	if err != nil {
		return nil, err
	}
	if k, ok := key.(ed25519.PublicKey); ok {
		return ed25519.Verify(k, s.Data, s.Mark), nil
	}
	id, sum, err := s.digest()
	if err != nil {
		return nil, err
	}
	switch k := key.(type) {
	case *rsa.PublicKey:
		if s.Padding == 6 {
			return rsa.VerifyPSS(k, id, sum, s.Mark, s.pss(id, true)) == nil, nil
		}
		return rsa.VerifyPKCS1v15(k, id, sum, s.Mark) == nil, nil
	case *ecdsa.PublicKey:
		if s.P1363 {
			size := (k.Curve.Params().BitSize + 7) / 8
			if len(s.Mark) != 2*size {
				return false, nil
			}
			s.Mark, err = asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(s.Mark[:size]), new(big.Int).SetBytes(s.Mark[size:])})
			if err != nil {
				return nil, err
			}
		}
		return ecdsa.VerifyASN1(k, sum, s.Mark), nil
	}
	return nil, unsupported("operation not supported for this keytype")
}

// transformRSA is RSA on a block.
func transformRSA(o operands) (any, error) {
	var c struct {
		Op      string `json:"op"` // encrypt, decrypt (with the private key), seal (private), open (public)
		Key     []byte `json:"key"`
		Data    []byte `json:"data"`
		Padding int    `json:"padding"` // 1: PKCS #1 v1.5, 4: OAEP
		Hash    string `json:"hash"`
		Label   []byte `json:"label"`
	}
	if err := o.read(0, &c); err != nil {
		return nil, err
	}
	key, err := keyText{Data: c.Key, Private: c.Op == "decrypt" || c.Op == "seal"}.key()
	if err != nil {
		return nil, err
	}
	h := hashNamed(c.Hash)
	if h == nil {
		return nil, errDigest
	}
	failed := func(out []byte, err error) (any, error) {
		if err != nil {
			return nil, &operationError{Code: "ERR_OSSL_RSA_OAEP_DECODING_ERROR", Message: "error:02000079:rsa routines::oaep decoding error"}
		}
		return out, nil
	}
	switch k := key.(type) {
	case *rsa.PublicKey:
		switch {
		case c.Op == "open":
			return openWithPublic(k, c.Data)
		case c.Padding == 1:
			return rsa.EncryptPKCS1v15(rand.Reader, k, c.Data) //nolint:staticcheck // the padding that was asked for
		default:
			out, err := rsa.EncryptOAEP(h(), rand.Reader, k, c.Data, c.Label)
			if err != nil {
				return nil, &operationError{Code: "ERR_OSSL_RSA_DATA_TOO_LARGE_FOR_KEY_SIZE", Message: "error:0200006E:rsa routines::data too large for key size"}
			}
			return out, nil
		}
	case *rsa.PrivateKey:
		switch {
		case c.Op == "seal":
			return rsa.SignPKCS1v15(rand.Reader, k, 0, c.Data)
		case c.Padding == 1:
			return failed(rsa.DecryptPKCS1v15(rand.Reader, k, c.Data)) //nolint:staticcheck // see above
		default:
			return failed(rsa.DecryptOAEP(h(), rand.Reader, k, c.Data, c.Label))
		}
	}
	return nil, unsupported("operation not supported for this keytype")
}

// openWithPublic undoes what the private key sealed under PKCS #1 v1.5, type 1: 00 01 FF … FF 00 and the data.
func openWithPublic(k *rsa.PublicKey, data []byte) (any, error) {
	bad := &operationError{Code: "ERR_OSSL_RSA_INVALID_PADDING", Message: "error:0200008A:rsa routines::invalid padding"}
	c := new(big.Int).SetBytes(data)
	if len(data) > k.Size() || c.Cmp(k.N) >= 0 {
		return nil, bad
	}
	block := new(big.Int).Exp(c, big.NewInt(int64(k.E)), k.N).FillBytes(make([]byte, k.Size()))
	if subtle.ConstantTimeCompare(block[:2], []byte{0, 1}) != 1 {
		return nil, bad
	}
	for i, b := range block[2:] {
		if b == 0 && i >= 8 {
			return block[2+i+1:], nil
		}
		if b != 0xff {
			break
		}
	}
	return nil, bad
}
