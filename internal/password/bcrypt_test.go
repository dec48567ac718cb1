package password

import (
	"strings"
	"testing"
)

// The vectors are those of the bcrypt package of the npm registry, and one of ours beyond byte 72.
func TestBcryptWithSalt(t *testing.T) {
	for _, c := range []struct{ password, hash string }{
		{"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
		{"", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"},
		{strings.Repeat("x", 80), phpLong},
	} {
		got, err := Bcrypt([]byte(c.password), c.hash)
		if err != nil || got != c.hash {
			t.Errorf("%q: got %s %v, want %s", c.password, got, err, c.hash)
		}
		if !BcryptEqual(got, []byte(c.password)) || BcryptEqual(got, []byte(c.password+"x")) && len(c.password) < 72 {
			t.Errorf("%q does not compare", c.password)
		}
	}
	for _, salt := range []string{"", "$2b$10$", "$2b$31$" + strings.Repeat("a", 22), "$2x$10$" + strings.Repeat("a", 22), "$2b$10$" + strings.Repeat("!", 22)} {
		if got, err := Bcrypt([]byte("a"), salt); err == nil {
			t.Errorf("salt %q: %s", salt, got)
		}
	}
	if BcryptEqual("nothing", nil) || BcryptEqual("", nil) {
		t.Error("what is no hash is equal to something")
	}
}
