package password

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/blowfish"
)

var bcryptEncoding = base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").WithPadding(base64.NoPadding)

// Bcrypt hashes with a salt that is given, "$2b$10$" and 22 characters, as old scripts do to compare the outcome with a hash that they
// have: a whole hash is taken as salt too. What follows byte 72 of the password has no weight. The library makes its own salts, so the
// algorithm is written here, as its paper has it (Provos and Mazières, 1999), with the NUL at the end and the 23 bytes of the original.
func Bcrypt(password []byte, salt string) (string, error) {
	if len(salt) < 29 || salt[0] != '$' || salt[1] != '2' || !strings.ContainsRune("aby", rune(salt[2])) || salt[3] != '$' || salt[6] != '$' {
		return "", errors.New("invalid salt: it must be in the form of $Vers$log2(NumRounds)$saltvalue")
	}
	rounds, err := strconv.ParseUint(salt[4:6], 10, 8)
	if err != nil || rounds < uint64(bcrypt.MinCost) || rounds > maxBcryptCost {
		return "", errors.New("invalid salt: between 4 and " + strconv.Itoa(maxBcryptCost) + " as the logarithm of its rounds")
	}
	raw, err := bcryptEncoding.DecodeString(salt[7:29])
	if err != nil {
		return "", errors.New("invalid salt")
	}
	key := append(append(make([]byte, 0, len(password)+1), password...), 0)
	c, err := blowfish.NewSaltedCipher(key, raw)
	if err != nil {
		return "", err
	}
	for range uint64(1) << rounds {
		blowfish.ExpandKey(key, c)
		blowfish.ExpandKey(raw, c)
	}
	text := []byte("OrpheanBeholderScryDoubt")
	for i := 0; i < len(text); i += blowfish.BlockSize {
		for range 64 {
			c.Encrypt(text[i:i+8], text[i:i+8])
		}
	}
	return salt[:7] + bcryptEncoding.EncodeToString(raw) + bcryptEncoding.EncodeToString(text[:23]), nil
}

// BcryptEqual tells whether a password has a bcrypt hash. What is no hash of this kind is equal to nothing.
func BcryptEqual(hash string, password []byte) bool {
	check, err := parseBcrypt(hash)
	return err == nil && hash[0] == '$' && hash[1] == '2' && strings.ContainsRune("aby", rune(hash[2])) && check(string(password))
}
