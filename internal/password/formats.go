package password

import (
	"crypto/subtle"
	"encoding/base64"
	"flag"
	"fmt"
	"strconv"
	"strings"

	argon2d "github.com/go-crypt/x/argon2" // the variant that x/crypto keeps to itself
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

const (
	saltLength = 16
	sumLength  = 32
)

// cost holds the parameters of argon2id.
type cost struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
}

// current is what new hashes cost: about 32 ms and 19 MiB (OWASP password storage cheat sheet).
var current = cost{memory: 19 << 10, passes: 2, lanes: 1}

// CheapInTests makes new hashes cost a tenth from now on: most of what a test of many logins does otherwise is hashing. Call it in TestMain; it
// panics in any other program.
func CheapInTests() {
	if flag.Lookup("test.v") == nil {
		panic("password: hashes are cheap in tests alone")
	}
	current = cost{memory: 4 << 10, passes: 1, lanes: 1}
}

// Bounds of what a stored hash may ask for. The largest allowed work is about a second of one core.
const (
	maxMemory     = 256 << 10 // KiB
	maxPasses     = 16
	maxWork       = 1 << 20 // KiB times passes
	maxLanes      = 16
	maxBcryptCost = 14
)

func (c cost) hash(password string, salt []byte) string {
	sum := argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.lanes, sumLength)
	encoding := base64.RawStdEncoding
	return fmt.Sprintf("%s%s$%s", c.prefix(), encoding.EncodeToString(salt), encoding.EncodeToString(sum))
}

func (c cost) prefix() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, c.memory, c.passes, c.lanes)
}

// NeedsRehash tells whether a hash differs in form or cost from what Hash makes today. Ask after a successful Verify.
func NeedsRehash(hash string) bool {
	return !strings.HasPrefix(hash, current.prefix())
}

// parse reads a stored hash and returns the function that checks a password against it. All bounds are checked here.
func parse(hash string) (check func(password string) bool, err error) {
	switch {
	case strings.HasPrefix(hash, current.prefix()):
		return parseArgon2(hash)
	case strings.HasPrefix(hash, "$argon2"):
		check, err = parseArgon2(hash)
		return asSlow(check), err
	case strings.HasPrefix(hash, "$2a$"), strings.HasPrefix(hash, "$2b$"), strings.HasPrefix(hash, "$2y$"):
		check, err = parseBcrypt(hash)
		return asSlow(check), err
	case strings.HasPrefix(hash, "{"):
		return parseForeign(hash)
	}
	return nil, ErrFormat
}

// argonKeys are the variants of argon2 by the identifiers of their PHC strings.
var argonKeys = map[string]func(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte{
	"argon2id": argon2.IDKey,
	"argon2i":  argon2.Key,
	"argon2d": func(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte {
		return argon2d.DKey(password, salt, time, memory, uint32(threads), keyLen)
	},
}

// parseArgon2 reads $argon2id$v=19$m=19456,t=2,p=1$salt$sum with unpadded base64.
func parseArgon2(hash string) (func(string) bool, error) {
	fields := strings.Split(hash, "$")
	if len(fields) != 6 || fields[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return nil, ErrFormat
	}
	key := argonKeys[fields[1]]
	if key == nil {
		return nil, ErrFormat
	}
	params := strings.Split(fields[3], ",")
	if len(params) != 3 {
		return nil, ErrFormat
	}
	var numbers [3]uint64
	for i, name := range []string{"m=", "t=", "p="} {
		text, found := strings.CutPrefix(params[i], name)
		number, err := strconv.ParseUint(text, 10, 32)
		if !found || err != nil || number == 0 {
			return nil, ErrFormat
		}
		numbers[i] = number
	}
	memory, passes, lanes := numbers[0], numbers[1], numbers[2]
	if memory > maxMemory || passes > maxPasses || memory*passes > maxWork || lanes > maxLanes || memory < 8*lanes {
		return nil, ErrFormat
	}
	salt, err := base64.RawStdEncoding.DecodeString(fields[4])
	if err != nil || len(salt) < 8 || len(salt) > 64 {
		return nil, ErrFormat
	}
	sum, err := base64.RawStdEncoding.DecodeString(fields[5])
	if err != nil || len(sum) < 16 || len(sum) > 64 {
		return nil, ErrFormat
	}
	return func(password string) bool {
		got := key([]byte(password), salt, uint32(passes), uint32(memory), uint8(lanes), uint32(len(sum))) //nolint:gosec // bounded above
		return subtle.ConstantTimeCompare(got, sum) == 1
	}, nil
}

// parseBcrypt reads $2b$10$ and 53 characters. What follows byte 72 of a password has no weight in bcrypt.
func parseBcrypt(hash string) (func(string) bool, error) {
	const alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	if len(hash) != 60 || hash[6] != '$' || strings.Trim(hash[7:], alphabet) != "" {
		return nil, ErrFormat
	}
	rounds, err := strconv.ParseUint(hash[4:6], 10, 8) // the library would also take +5
	if err != nil || rounds < uint64(bcrypt.MinCost) || rounds > maxBcryptCost {
		return nil, ErrFormat
	}
	return func(password string) bool {
		return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
	}, nil
}
