package script

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // database protocols of old want it
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// maxCiphers is how many ciphers a run may have at a time.
const maxCiphers = 1000

// ciphers are those that a run has begun and not ended.
type ciphers struct {
	next int
	all  map[int]*cipherState
}

// cipherState is a cipher between update and final.
type cipherState struct {
	encrypt, pad bool
	blocks       cipher.BlockMode // of the modes that want whole blocks
	ecb          cipher.Block
	stream       cipher.Stream // of the modes that do not
	aead         cipher.AEAD   // its whole input is kept, for the tag
	nonce        []byte
	aad, data    []byte
	tag          []byte
	rest         []byte // less than a block
	size         int
}

// cipher answers cipherbegin, cipheraad, ciphertag, cipherupdate, cipherfinal.
func (c *ciphers) do(op string, o operands) (any, error) {
	if op == "cipherbegin" {
		if len(c.all) >= maxCiphers {
			return nil, &operationError{Message: "Too many ciphers at a time"}
		}
		s, err := newCipher(o.text(0), o.text(1) == "encrypt", o.bytes(2), o.bytes(3))
		if err != nil {
			return nil, err
		}
		if c.all == nil {
			c.all = make(map[int]*cipherState)
		}
		c.next++
		c.all[c.next] = s
		return c.next, nil
	}
	s := c.all[o.int(0)]
	if s == nil {
		return nil, &operationError{Code: "ERR_CRYPTO_INVALID_STATE", Message: "Unsupported state"}
	}
	switch op {
	case "cipheraad":
		s.aad = append(s.aad, o.bytes(1)...)
	case "ciphertag":
		s.tag = o.bytes(1)
	case "cipherpad":
		s.pad = o.int(1) != 0
	case "cipherupdate":
		return s.update(o.bytes(1)), nil
	case "cipherfinal":
		delete(c.all, o.int(0))
		out, tag, err := s.final(o.int(1))
		if err != nil {
			return nil, err
		}
		return jsonText(map[string]string{"out": base64.StdEncoding.EncodeToString(out), "tag": base64.StdEncoding.EncodeToString(tag)})
	}
	return nil, nil
}

func newCipher(name string, encrypt bool, key, iv []byte) (*cipherState, error) {
	s := &cipherState{encrypt: encrypt, pad: true, nonce: iv}
	unknown := &operationError{Code: "ERR_CRYPTO_UNKNOWN_CIPHER", Message: "Unknown cipher"}
	short := &operationError{Name: "RangeError", Code: "ERR_CRYPTO_INVALID_KEYLEN", Message: "Invalid key length"}
	badIV := &operationError{Name: "TypeError", Code: "ERR_CRYPTO_INVALID_IV", Message: "Invalid initialization vector"}
	if name == "chacha20-poly1305" {
		aead, err := chacha20poly1305.New(key)
		if err != nil {
			return nil, short
		}
		if len(iv) != aead.NonceSize() {
			return nil, badIV
		}
		s.aead = aead
		return s, nil
	}
	parts := strings.Split(name, "-")
	mode := parts[len(parts)-1]
	var block cipher.Block
	var err error
	switch strings.Join(parts[:len(parts)-1], "-") {
	case "aes-128", "aes-192", "aes-256":
		if itoa(len(key)*8) != parts[1] {
			return nil, short
		}
		block, err = aes.NewCipher(key)
	case "des-ede3":
		block, err = des.NewTripleDESCipher(key) //nolint:gosec // see the import
	case "des":
		block, err = des.NewCipher(key) //nolint:gosec // see the import
	default:
		return nil, unknown
	}
	if err != nil {
		return nil, short
	}
	s.size = block.BlockSize()
	if mode != "gcm" && mode != "ecb" && len(iv) != s.size || mode == "ecb" && len(iv) != 0 || mode == "gcm" && len(iv) == 0 {
		return nil, badIV
	}
	switch mode {
	case "cbc":
		if encrypt {
			s.blocks = cipher.NewCBCEncrypter(block, iv)
		} else {
			s.blocks = cipher.NewCBCDecrypter(block, iv)
		}
	case "ecb":
		s.ecb = block
	case "ctr":
		s.stream = cipher.NewCTR(block, iv)
	case "ofb":
		s.stream = cipher.NewOFB(block, iv) //nolint:staticcheck // the mode that was asked for
	case "cfb":
		if encrypt {
			s.stream = cipher.NewCFBEncrypter(block, iv) //nolint:staticcheck // see above
		} else {
			s.stream = cipher.NewCFBDecrypter(block, iv) //nolint:staticcheck // see above
		}
	case "gcm":
		if s.aead, err = cipher.NewGCMWithNonceSize(block, len(iv)); err != nil {
			return nil, badIV
		}
		if len(iv) == 12 { // the keystream of GCM, so that each update gives what it was given
			s.stream = cipher.NewCTR(block, binary.BigEndian.AppendUint32(append([]byte{}, iv...), 2))
		}
	default:
		return nil, unknown
	}
	return s, nil
}

func (s *cipherState) update(in []byte) []byte {
	switch {
	case s.aead != nil:
		s.data = append(s.data, in...)
		if s.stream == nil {
			return nil
		}
		fallthrough
	case s.stream != nil:
		out := make([]byte, len(in))
		s.stream.XORKeyStream(out, in)
		return out
	}
	s.rest = append(s.rest, in...)
	whole := len(s.rest) / s.size * s.size
	if !s.encrypt && s.pad && whole == len(s.rest) && whole > 0 {
		whole -= s.size // it may be the padding
	}
	out := s.crypt(s.rest[:whole])
	s.rest = append([]byte{}, s.rest[whole:]...)
	return out
}

func (s *cipherState) crypt(in []byte) []byte {
	out := make([]byte, len(in))
	if s.blocks != nil {
		s.blocks.CryptBlocks(out, in)
		return out
	}
	for i := 0; i < len(in); i += s.size {
		if s.encrypt {
			s.ecb.Encrypt(out[i:], in[i:])
		} else {
			s.ecb.Decrypt(out[i:], in[i:])
		}
	}
	return out
}

// final ends a cipher; tagSize is what the script wants of the tag.
func (s *cipherState) final(tagSize int) (out, tag []byte, err error) {
	if s.aead != nil {
		return s.finalAEAD(tagSize)
	}
	if s.stream != nil {
		return nil, nil, nil
	}
	wrong := &operationError{Code: "ERR_OSSL_WRONG_FINAL_BLOCK_LENGTH", Message: "error:1C80006B:Provider routines::wrong final block length"}
	if !s.pad {
		if len(s.rest) > 0 {
			return nil, nil, wrong
		}
		return nil, nil, nil
	}
	if s.encrypt {
		n := s.size - len(s.rest)
		for range n {
			s.rest = append(s.rest, byte(n))
		}
		return s.crypt(s.rest), nil, nil
	}
	if len(s.rest) != s.size {
		return nil, nil, wrong
	}
	last := s.crypt(s.rest)
	n := int(last[s.size-1])
	good := subtle.ConstantTimeLessOrEq(1, n) & subtle.ConstantTimeLessOrEq(n, s.size)
	for i := range s.size {
		in := subtle.ConstantTimeLessOrEq(s.size-n, i)
		good &= subtle.ConstantTimeSelect(in, subtle.ConstantTimeByteEq(last[i], byte(n)), 1)
	}
	if good != 1 {
		return nil, nil, &operationError{Code: "ERR_OSSL_BAD_DECRYPT", Message: "error:1C800064:Provider routines::bad decrypt"}
	}
	return last[:s.size-n], nil, nil
}

func (s *cipherState) finalAEAD(tagSize int) (out, tag []byte, err error) {
	refused := &operationError{Message: "Unsupported state or unable to authenticate data"}
	if tagSize < 4 || tagSize > 16 {
		tagSize = 16
	}
	if s.encrypt {
		sealed := s.aead.Seal(nil, s.nonce, s.data, s.aad)
		at := len(sealed) - s.aead.Overhead()
		if s.stream == nil {
			out = sealed[:at]
		}
		return out, sealed[at : at+tagSize], nil
	}
	if len(s.tag) < 4 || len(s.tag) > 16 {
		return nil, nil, refused
	}
	if len(s.tag) == s.aead.Overhead() {
		plain, err := s.aead.Open(nil, s.nonce, append(s.data, s.tag...), s.aad)
		if err != nil {
			return nil, nil, refused
		}
		if s.stream == nil {
			out = plain
		}
		return out, nil, nil
	}
	return nil, nil, &operationError{Name: "TypeError", Code: "ERR_CRYPTO_INVALID_AUTH_TAG", Message: "Invalid authentication tag length: " + itoa(len(s.tag))}
}
