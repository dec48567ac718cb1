package password

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/jzelinskie/whirlpool"
	"golang.org/x/crypto/md4"       //lint:ignore SA1019 hashes of other systems are read, and replaced at the first login
	"golang.org/x/crypto/ripemd160" //lint:ignore SA1019 as above
)

// digests are the functions that other systems hash passwords with. Only imported hashes use them.
var digests = map[string]func() hash.Hash{
	"md4": md4.New, "md5": md5.New, "ripemd160": ripemd160.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New,
	"sha384": sha512.New384, "sha512": sha512.New, "whirlpool": whirlpool.New,
}

func sum(makes func() hash.Hash, message []byte) []byte {
	h := makes()
	h.Write(message)
	return h.Sum(nil)
}

// How the characters of a text become bytes, as Node.js names it, and what may stand for bytes besides.
var (
	textEncodings = []string{"ascii", "utf8", "utf16le", "ucs2", "latin1", "binary"}
	byteEncodings = append([]string{"hex", "base64"}, textEncodings...)
)

func among(list []string, s string) bool { return slices.Contains(list, s) }

// decode returns the bytes that a text stands for. Base64 may be of either alphabet, with and without padding.
func decode(text, encoding string) ([]byte, bool) {
	switch encoding {
	case "", "utf8":
		return []byte(text), true
	case "hex":
		b, err := hex.DecodeString(text)
		return b, err == nil
	case "base64":
		b, err := base64.RawStdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "=")))
		return b, err == nil
	}
	units := utf16.Encode([]rune(text))
	var out []byte
	for _, unit := range units {
		if encoding == "utf16le" || encoding == "ucs2" {
			out = binary.LittleEndian.AppendUint16(out, unit)
		} else { // of a character beyond U+00FF only the lower byte is left
			out = append(out, byte(unit)) //nolint:gosec // that is the encoding
		}
	}
	return out, true
}
