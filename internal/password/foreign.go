package password

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"golang.org/x/crypto/scrypt"

	"github.com/stagedoor/stagedoor"
)

// A Foreign is a password hash that another system made, as imports describe it (Management API fact sheet 3.12,
// custom_password_hash).
type Foreign struct {
	Algorithm       string       `json:"algorithm"`
	Hash            ForeignHash  `json:"hash"`
	Salt            *ForeignText `json:"salt,omitempty"`
	Encoding        string       `json:"password_encoding,omitempty"` // of the password; "" means utf8
	KeyLength       int          `json:"keylen,omitempty"`            // of scrypt, as all that follow
	Cost            int          `json:"cost,omitempty"`              // 0 means 16384
	BlockSize       int          `json:"block_size,omitempty"`        // 0 means 8
	Parallelization int          `json:"parallelization,omitempty"`   // 0 means 1

	UniversalName     string `json:"universal_hash_name,omitempty"`     // of custom: what the tenant's own code knows the algorithm by
	UniversalMetadata string `json:"universal_hash_metadata,omitempty"` // of custom: what it needs besides
}

// A ForeignHash is the hash proper.
type ForeignHash struct {
	Value    string       `json:"value"`
	Encoding string       `json:"encoding"`
	Digest   string       `json:"digest,omitempty"` // of hmac
	Key      *ForeignText `json:"key,omitempty"`    // of hmac
}

// A ForeignText is a salt or a key.
type ForeignText struct {
	Value    string `json:"value"`
	Encoding string `json:"encoding,omitempty"` // "" means utf8
	Position string `json:"position,omitempty"` // of a salt: prefix or suffix of the password; "" means prefix
}

// AlgorithmCustom is that of hashes which only code of the tenant's own understands: no password is found right here.
const AlgorithmCustom = "custom"

// Custom returns a stored hash that only the tenant's own code can check a password against; nil for any other.
func Custom(stored string) *Foreign {
	var f Foreign
	if !strings.HasPrefix(stored, "{") || json.Unmarshal([]byte(stored), &f) != nil || f.Algorithm != AlgorithmCustom {
		return nil
	}
	return &f
}

// Bounds of what a foreign hash may ask for. The largest allowed work is about a second of one core.
const (
	maxForeign        = 8192    // characters of a value, a salt or a key
	maxIterations     = 2 << 20 // of pbkdf2, times the blocks of its output
	maxKeyLength      = 512     // bytes
	maxScryptMemory   = 256 << 20
	maxScryptWork     = 1 << 24 // cost times block size times parallelization
	defaultScryptCost = 16384

	maxUniversalName     = 64
	maxUniversalMetadata = 1024
)

// A ForeignError says what is wrong with a Foreign. It never holds a value of it.
type ForeignError struct {
	Path   string // hash.encoding
	Reason string // in the words that clients know
	Enum   bool   // a value is not among those that are allowed
}

// Error returns the reason with its place.
func (e *ForeignError) Error() string { return "password: " + e.Path + ": " + e.Reason }

func foreignError(path, format string, args ...any) *ForeignError {
	return &ForeignError{Path: path, Reason: fmt.Sprintf(format, args...)}
}

// Text returns the form in which Hasher.Verify takes the hash. What cannot be verified, or would cost too much, is a
// *ForeignError.
func (f Foreign) Text() (string, error) {
	if _, err := f.check(); err != nil {
		return "", err
	}
	f.Hash.Encoding = f.encoding()
	if f.Salt == nil && f.Encoding == "" && (f.Algorithm == "bcrypt" || f.Algorithm == "argon2") {
		return f.Hash.Value, nil
	}
	text, err := json.Marshal(f)
	return string(text), err
}

// IsForeign tells whether a stored hash came with an import and was never used: the first login replaces it.
func IsForeign(stored string) bool { return stored != "" && NeedsRehash(stored) }

// parseForeign reads what Text wrote.
func parseForeign(stored string) (func(string) bool, error) {
	var f Foreign
	if err := json.Unmarshal([]byte(stored), &f); err != nil {
		return nil, ErrFormat
	}
	check, err := f.check()
	if err != nil {
		return nil, ErrFormat
	}
	if !algorithms[f.Algorithm].quick {
		return asSlow(check), nil
	}
	return func(password string) bool { // an answer that comes at once would tell that there is such a user
		ok := check(password)
		if !ok {
			burn()
		}
		return ok
	}, nil
}

// algorithms are the functions that verify, by their names on the wire, and how a hash is written.
var algorithms = map[string]struct {
	encodings []string
	salted    bool // a salt may stand apart from the hash
	quick     bool // computed in no time: a wrong password costs what it does of users that do not exist; a right one is hashed anew
	verifier  func(Foreign, []byte) (func(password []byte) bool, error)
}{
	"argon2": {[]string{"utf8"}, false, false, Foreign.argon2},
	"bcrypt": {[]string{"utf8"}, true, false, Foreign.bcrypt},
	"hmac":   {[]string{"hex", "base64"}, true, true, Foreign.hmac},
	"ldap":   {[]string{"utf8"}, false, true, Foreign.ldap},
	"md4":    {[]string{"hex", "base64"}, true, true, Foreign.digest},
	"md5":    {[]string{"hex", "base64"}, true, true, Foreign.digest},
	"sha1":   {[]string{"hex", "base64"}, true, true, Foreign.digest},
	"sha256": {[]string{"hex", "base64"}, true, true, Foreign.digest},
	"sha512": {[]string{"hex", "base64"}, true, true, Foreign.digest},
	"pbkdf2": {[]string{"utf8"}, false, false, Foreign.pbkdf2},
	"scrypt": {[]string{"hex", "base64"}, true, false, Foreign.scrypt},

	AlgorithmCustom: {[]string{"utf8", "hex", "base64"}, true, true, Foreign.custom},
}

// check validates all of f and returns the function that checks a password against it.
func (f Foreign) check() (func(string) bool, error) {
	a, known := algorithms[f.Algorithm]
	switch {
	case !known:
		return nil, notAmong("algorithm", f.Algorithm)
	case len(f.Hash.Value) == 0 || len(f.Hash.Value) > maxForeign:
		return nil, foreignError("hash.value", "String is too long or too short (%d chars)", len(f.Hash.Value))
	case f.encoding() == "":
		return nil, foreignError("hash", "Missing required property: encoding")
	case !among(a.encodings, f.encoding()):
		return nil, notAmong("hash.encoding", f.Hash.Encoding)
	case f.Salt != nil && !a.salted:
		return nil, foreignError("salt", "Data matches schema from 'not'")
	case f.Encoding != "" && !among(textEncodings, f.Encoding):
		return nil, notAmong("password.encoding", f.Encoding)
	case f.Algorithm != "hmac" && (f.Hash.Digest != "" || f.Hash.Key != nil):
		return nil, foreignError("hash", "Additional properties not allowed: digest,key")
	case f.Algorithm != AlgorithmCustom && f.UniversalName+f.UniversalMetadata != "":
		return nil, foreignError("", "Additional properties not allowed: universal_hash_name,universal_hash_metadata")
	case len(f.UniversalName) > maxUniversalName:
		return nil, foreignError("universal_hash_name", "String is too long (%d chars), maximum %d", len(f.UniversalName), maxUniversalName)
	case len(f.UniversalMetadata) > maxUniversalMetadata:
		return nil, foreignError("universal_hash_metadata", "String is too long (%d chars), maximum %d", len(f.UniversalMetadata), maxUniversalMetadata)
	}
	value, ok := decode(f.Hash.Value, f.encoding())
	if !ok {
		return nil, foreignError("hash.value", "Object didn't pass validation for format %s", f.encoding())
	}
	salt, suffix, err := f.salt()
	if err != nil {
		return nil, err
	}
	verify, err := a.verifier(f, value)
	if err != nil {
		return nil, err
	}
	return func(password string) bool {
		encoded, _ := decode(password, f.Encoding)
		switch {
		case f.Algorithm == "scrypt": // the salt is its own parameter
		case suffix:
			encoded = append(encoded, salt...)
		default:
			encoded = append(append([]byte{}, salt...), encoded...)
		}
		return verify(encoded)
	}, nil
}

// encoding is that of the hash. Files leave it out where the value is a text that says all of itself, as the vendor's own examples of argon2, bcrypt
// and pbkdf2 do; "" where it could be one or the other.
func (f Foreign) encoding() string {
	if f.Hash.Encoding == "" && among(algorithms[f.Algorithm].encodings, "utf8") {
		return "utf8"
	}
	return f.Hash.Encoding
}

func (f Foreign) salt() (salt []byte, suffix bool, err error) {
	if f.Salt == nil {
		return nil, false, nil
	}
	if f.Salt.Position != "" && f.Salt.Position != "prefix" && f.Salt.Position != "suffix" {
		return nil, false, notAmong("salt.position", f.Salt.Position)
	}
	salt, err = f.Salt.bytes("salt")
	return salt, f.Salt.Position == "suffix", err
}

func (t *ForeignText) bytes(path string) ([]byte, error) {
	if len(t.Value) > maxForeign {
		return nil, foreignError(path+".value", "String is too long (%d chars), maximum %d", len(t.Value), maxForeign)
	}
	if t.Encoding != "" && !among(byteEncodings, t.Encoding) {
		return nil, notAmong(path+".encoding", t.Encoding)
	}
	value, ok := decode(t.Value, t.Encoding)
	if !ok {
		return nil, foreignError(path+".value", "Object didn't pass validation for format %s", t.Encoding)
	}
	return value, nil
}

func notAmong(path, value string) *ForeignError {
	return &ForeignError{Path: path, Reason: "No enum match for: " + stagedoor.Shorten(strings.ToValidUTF8(value, ""), 40), Enum: true}
}

func equal(want []byte) func([]byte) bool {
	return func(got []byte) bool { return subtle.ConstantTimeCompare(got, want) == 1 }
}

func (f Foreign) custom([]byte) (func([]byte) bool, error) {
	return func([]byte) bool { return false }, nil
}

func (f Foreign) argon2([]byte) (func([]byte) bool, error) {
	check, err := parseArgon2(f.Hash.Value)
	if err != nil {
		return nil, foreignError("hash.value", "Object didn't pass validation for format argon2")
	}
	return func(password []byte) bool { return check(string(password)) }, nil
}

func (f Foreign) bcrypt([]byte) (func([]byte) bool, error) {
	check, err := parseBcrypt(f.Hash.Value)
	if err != nil || !strings.Contains(" $2a$ $2b$ $2y$ ", " "+f.Hash.Value[:4]+" ") { // not $2x$, which a broken program made
		return nil, foreignError("hash.value", "Object didn't pass validation for format bcrypt")
	}
	return func(password []byte) bool { return check(string(password)) }, nil
}

func (f Foreign) digest(want []byte) (func([]byte) bool, error) {
	makes := digests[f.Algorithm]
	if len(want) != makes().Size() {
		return nil, foreignError("hash.value", "Object didn't pass validation for format %s", f.Algorithm)
	}
	same := equal(want)
	return func(password []byte) bool { return same(sum(makes, password)) }, nil
}

func (f Foreign) hmac(want []byte) (func([]byte) bool, error) {
	makes := digests[f.Hash.Digest]
	switch {
	case makes == nil:
		return nil, notAmong("hash.digest", f.Hash.Digest)
	case f.Hash.Key == nil:
		return nil, foreignError("hash", "Missing required property: key")
	case f.Hash.Key.Encoding != "" && !among([]string{"base64", "hex", "utf8"}, f.Hash.Key.Encoding):
		return nil, notAmong("hash.key.encoding", f.Hash.Key.Encoding)
	case len(want) != makes().Size():
		return nil, foreignError("hash.value", "Object didn't pass validation for format %s", f.Hash.Digest)
	}
	key, err := f.Hash.Key.bytes("hash.key")
	if err != nil {
		return nil, err
	}
	same := equal(want)
	return func(password []byte) bool {
		h := hmac.New(makes, key)
		h.Write(password)
		return same(h.Sum(nil))
	}, nil
}

// ldap reads {SSHA}base64 and its relatives (RFC 2307 section 5.3): the digest of password and salt, then the salt.
func (f Foreign) ldap([]byte) (func([]byte) bool, error) {
	wrong := foreignError("hash.value", "Object didn't pass validation for format ldap")
	scheme, encoded, found := strings.Cut(strings.TrimPrefix(f.Hash.Value, "{"), "}")
	scheme = strings.ToLower(scheme)
	salted := scheme == "smd5" || strings.HasPrefix(scheme, "ssha")
	if salted {
		scheme = scheme[1:]
	}
	makes := digests[map[string]string{"md5": "md5", "sha": "sha1", "sha1": "sha1", "sha224": "sha224", "sha256": "sha256", "sha384": "sha384", "sha512": "sha512"}[scheme]]
	value, ok := decode(encoded, "base64")
	if !found || f.Hash.Value[0] != '{' || makes == nil || !ok {
		return nil, wrong
	}
	size := makes().Size()
	if len(value) < size || !salted && len(value) != size || len(value) > size+maxKeyLength {
		return nil, wrong
	}
	same, salt := equal(value[:size]), value[size:]
	return func(password []byte) bool { return same(sum(makes, append(password, salt...))) }, nil
}

// pbkdf2 reads $pbkdf2-sha256$i=100000,l=32$salt$hash with unpadded base64.
func (f Foreign) pbkdf2([]byte) (func([]byte) bool, error) {
	wrong := foreignError("hash.value", "Object didn't pass validation for format pbkdf2")
	fields := strings.Split(f.Hash.Value, "$")
	if len(fields) == 4 { // the parameters are left out
		fields = []string{fields[0], fields[1], "", fields[2], fields[3]}
	}
	if len(fields) != 5 || fields[0] != "" {
		return nil, wrong
	}
	name, found := strings.CutPrefix(fields[1], "pbkdf2-")
	makes := digests[name]
	iterations, length, ok := pbkdf2Parameters(fields[2])
	if !found || makes == nil || !ok {
		return nil, wrong
	}
	salt, saltOK := decode(fields[3], "base64")
	want, wantOK := decode(fields[4], "base64")
	if !saltOK || !wantOK || len(salt) == 0 || len(want) != length {
		return nil, wrong
	}
	blocks := (length + makes().Size() - 1) / makes().Size()
	if iterations*blocks > maxIterations {
		return nil, foreignError("hash.value", "Value %d is greater than maximum %d", iterations, maxIterations/blocks)
	}
	same := equal(want)
	return func(password []byte) bool {
		got, err := pbkdf2.Key(func() hash.Hash { return makes() }, string(password), salt, iterations, length)
		return err == nil && same(got)
	}, nil
}

func pbkdf2Parameters(text string) (iterations, length int, ok bool) {
	values := map[string]int{"i": 100000, "l": 64}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		name, digits, _ := strings.Cut(part, "=")
		n, err := strconv.ParseUint(digits, 10, 31)
		if _, known := values[name]; !known || err != nil || n == 0 {
			return 0, 0, false
		}
		values[name] = int(n)
	}
	return values["i"], values["l"], values["l"] <= maxKeyLength
}

func (f Foreign) scrypt(want []byte) (func([]byte) bool, error) {
	n, r, p := either(f.Cost, defaultScryptCost), either(f.BlockSize, 8), either(f.Parallelization, 1)
	switch {
	case f.KeyLength < 1:
		return nil, foreignError("", "Missing required property: keylen")
	case f.KeyLength > maxKeyLength:
		return nil, foreignError("keylen", "Value %d is greater than maximum %d", f.KeyLength, maxKeyLength)
	case len(want) != f.KeyLength:
		return nil, foreignError("hash.value", "Object didn't pass validation for format scrypt")
	case n < 2 || n&(n-1) != 0:
		return nil, foreignError("cost", "Object didn't pass validation for format power-of-two: %d", n)
	case r < 1 || r > 1024 || p < 1 || p > 1024 || n > maxScryptMemory/128/r || n > maxScryptWork/r/p:
		return nil, foreignError("cost", "Value %d is greater than what this server computes", n)
	}
	salt, _, err := f.salt()
	if err != nil {
		return nil, err
	}
	same := equal(want)
	return func(password []byte) bool {
		got, err := scrypt.Key(password, salt, n, r, p, f.KeyLength)
		return err == nil && same(got)
	}, nil
}

func either(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}
