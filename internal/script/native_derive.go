package script

import (
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"hash"
	"strconv"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/blake2s"
	"golang.org/x/crypto/ripemd160" //nolint:gosec,staticcheck // addresses of old systems are made with it
	"golang.org/x/crypto/scrypt"
)

func itoa(n int) string { return strconv.Itoa(n) }

// moreHashes are those that JWTs have no use for.
var moreHashes = map[string]func() hash.Hash{
	"sha512-224": sha512.New512_224, "sha512-256": sha512.New512_256, "ripemd160": ripemd160.New, "rmd160": ripemd160.New,
	"sha3-224": func() hash.Hash { return sha3.New224() }, "sha3-256": func() hash.Hash { return sha3.New256() },
	"sha3-384": func() hash.Hash { return sha3.New384() }, "sha3-512": func() hash.Hash { return sha3.New512() },
	"blake2b512": func() hash.Hash { h, _ := blake2b.New512(nil); return h }, "blake2s256": func() hash.Hash { h, _ := blake2s.New256(nil); return h },
}

// hashNamed returns the hash of a name as Node knows it, in lower case, or nil.
func hashNamed(name string) func() hash.Hash {
	if h := hashes[name]; h != nil {
		return h
	}
	switch name {
	case "sha-1", "rsa-sha1":
		return hashes["sha1"]
	case "sha-224", "rsa-sha224":
		return hashes["sha224"]
	case "sha-256", "rsa-sha256":
		return sha256.New
	case "sha-384", "rsa-sha384":
		return hashes["sha384"]
	case "sha-512", "rsa-sha512":
		return sha512.New
	case "rsa-md5":
		return hashes["md5"]
	}
	return moreHashes[name]
}

var errDigest = &operationError{Name: "TypeError", Code: "ERR_CRYPTO_INVALID_DIGEST", Message: "Invalid digest"}

// What deriving a key may take: nothing can interrupt it.
const (
	maxDerived = 1 << 20    // bytes of a key
	maxRounds  = 20_000_000 // rounds of PBKDF2, over all blocks of the key: some ten times what is advised
	maxScrypt  = 256 << 20  // bytes of memory
	maxWork    = 1 << 22    // N·r·p of scrypt
)

// derivePBKDF2: password, salt, iterations, length, hash.
func derivePBKDF2(o operands) (any, error) {
	h := hashNamed(o.text(4))
	if h == nil {
		return nil, &operationError{Name: "TypeError", Code: "ERR_CRYPTO_INVALID_DIGEST", Message: "Invalid digest: " + o.text(4)}
	}
	if o.int(2) < 1 || o.int(3) < 0 || o.int(3) > maxDerived {
		return nil, &operationError{Name: "RangeError", Code: "ERR_OUT_OF_RANGE", Message: "The value of \"iterations\" or \"keylen\" is out of range."}
	}
	if o.int(3) == 0 {
		return []byte{}, nil
	}
	if o.int(2) > maxRounds/((o.int(3)+h().Size()-1)/h().Size()) {
		return nil, &operationError{Name: "RangeError", Code: "ERR_OUT_OF_RANGE", Message: "The value of \"iterations\" is out of range: scripts may do " + itoa(maxRounds) + " rounds"}
	}
	return pbkdf2.Key(h, string(o.bytes(0)), o.bytes(1), o.int(2), o.int(3))
}

// deriveHKDF: hash, key, salt, info, length.
func deriveHKDF(o operands) (any, error) {
	h := hashNamed(o.text(0))
	if h == nil {
		return nil, errDigest
	}
	if o.int(4) < 0 || o.int(4) > 255*h().Size() {
		return nil, &operationError{Name: "RangeError", Code: "ERR_CRYPTO_INVALID_KEYLEN", Message: "Invalid key length"}
	}
	return hkdf.Key(h, o.bytes(1), o.bytes(2), string(o.bytes(3)), o.int(4))
}

// deriveScrypt: password, salt, length, N, r, p, most memory.
func deriveScrypt(o operands) (any, error) {
	n, r, p, most := o.int(3), o.int(4), o.int(5), o.int(6)
	if n < 2 || n&(n-1) != 0 || r < 1 || p < 1 || n > maxScrypt/128/r || p > maxWork/n/r || 128*n*r > min(most, maxScrypt) || o.int(2) > maxDerived || o.int(2) < 0 {
		return nil, &operationError{Name: "RangeError", Code: "ERR_CRYPTO_INVALID_SCRYPT_PARAMS", Message: "Invalid scrypt params: memory limit exceeded"}
	}
	if o.int(2) == 0 {
		return []byte{}, nil
	}
	return scrypt.Key(o.bytes(0), o.bytes(1), n, r, p, o.int(2))
}
