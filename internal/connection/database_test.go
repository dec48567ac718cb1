package connection_test

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

const word = "Engine-No.1"

func each(t *testing.T, fn func(*testing.T, *store.Store, *connection.Database, *stagedoor.Connection)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		st := storetest.Tenant(t, db, "acme")
		c := &stagedoor.Connection{Name: "Users", Strategy: connection.StrategyDatabase}
		if err := st.CreateConnection(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		fn(t, st, &connection.Database{Hasher: password.NewHasher()}, c)
	})
}

// A hash of an older kind is renewed at the login, but never brings back a password that was changed meanwhile.
func TestRehash(t *testing.T) {
	each(t, func(t *testing.T, st *store.Store, db *connection.Database, c *stagedoor.Connection) {
		old, err := bcrypt.GenerateFromPassword([]byte(word), 4)
		if err != nil {
			t.Fatal(err)
		}
		u := &stagedoor.User{ID: "auth0|1", Connection: "Users", Email: "a@example.com", Identities: []stagedoor.Identity{{Connection: "Users", Provider: "auth0", UserID: "1"}}}
		if err := st.CreateUser(t.Context(), u, string(old)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, known, err := db.Authenticate(t.Context(), st, c, "A@example.com", word); err != nil || !known {
				t.Fatal(err)
			}
			if hash, err := st.PasswordHash(t.Context(), u.ID); err != nil || !strings.HasPrefix(hash, "$argon2id$") {
				t.Errorf("%v: the hash is %.10s…", err, hash)
			}
		}
		if err := st.SetPasswordHash(t.Context(), u.ID, "the new password's", time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := st.RenewPasswordHash(t.Context(), u.ID, string(old), "the old password's"); err != nil {
			t.Fatal(err)
		}
		if hash, _ := st.PasswordHash(t.Context(), u.ID); hash != "the new password's" {
			t.Errorf("the hash is %s", hash)
		}
	})
}

func TestCreateRefuses(t *testing.T) {
	each(t, func(t *testing.T, st *store.Store, db *connection.Database, c *stagedoor.Connection) {
		for name, u := range map[string]stagedoor.User{
			"no @": {Email: "a"}, "two": {Email: "a@b.c, d@e.f"}, "name": {Email: "A <a@b.c>"}, "NUL": {Email: "a\x00@b.c"}, "not UTF-8": {Email: "a\xff@b.c"},
			"long": {Email: strings.Repeat("a", 65) + "@b.c"}, "line": {Email: "a@b.c\nBcc: x@y.z"}, "username": {Email: "a@b.c", Username: "x@y.z"}, "odd": {Email: "a@b.c", Username: "a b"},
		} {
			if err := db.Create(t.Context(), st, c, &u, word); !stagedoor.HasCode(err, "invalid_email") && !stagedoor.HasCode(err, "invalid_username") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := db.Create(t.Context(), st, c, &stagedoor.User{Email: "a@b.c"}, "short"); err == nil {
			t.Error("a weak password was taken")
		}
		if err := db.Create(t.Context(), st, c, &stagedoor.User{Email: "A@B.c"}, word); err != nil {
			t.Error(err)
		}
		if err := db.Create(t.Context(), st, c, &stagedoor.User{Email: "a@b.C"}, word); !stagedoor.HasCode(err, "user_exists") {
			t.Error(err)
		}
		// Who has no password cannot sign in, not even with an empty one.
		if err := db.Create(t.Context(), st, c, &stagedoor.User{Email: "none@b.c"}, ""); err != nil {
			t.Error(err)
		}
		for _, guess := range []string{"", word, strings.Repeat("x", 5000)} {
			if _, _, err := db.Authenticate(t.Context(), st, c, "none@b.c", guess); !stagedoor.HasCode(err, "invalid_grant") {
				t.Errorf("%.10q: %v", guess, err)
			}
		}
	})
}

// TestAttackAddressOfAnother: an address of which lower case makes somebody else's is none. Whoever has a mailbox at the host that browsers and mail servers
// take it for would have that person's address as a verified one.
func TestAttackAddressOfAnother(t *testing.T) {
	for _, address := range []string{"juno@m\u0130xtape.example", "juno@\u212aiosk.example", "v\u0130ctor@example.com", "\u212aim@example.com"} {
		if got, err := connection.NormalizeEmail(address); !stagedoor.HasCode(err, "invalid_email") {
			t.Errorf("%+q is taken as %+q: %v", address, got, err)
		}
	}
}

// TestAttackHostOfAnother: a host that is written in other forms of letters is none (RFC 5892: nothing that NFKC changes). What resolves names makes somebody else's of it, and
// so do applications that tidy up what they get.
func TestAttackHostOfAnother(t *testing.T) {
	for _, host := range []string{"ｅｘａｍｐｌｅ.com", "ex\u1d43mple.com", "of\ufb01ce.example", "example．com", "example。com", "example｡com", "ⅿail.example", "bu\u0308cher.example"} {
		if got, err := connection.NormalizeEmail("juno@" + host); !stagedoor.HasCode(err, "invalid_email") {
			t.Errorf("%+q is taken as %+q: %v", host, got, err)
		}
	}
	for _, host := range []string{"bücher.example", "straße.example", "paral·lel.example", "例え.テスト", "εξετάσεις.example", "한국.example", "موقع.example"} {
		if got, err := connection.NormalizeEmail("juno@" + host); err != nil || got != "juno@"+host {
			t.Errorf("%q: %q, %v", host, got, err)
		}
	}
}

// TestAttackUnseenCharacters: nobody has an address that looks like another person's, but for what cannot be seen.
func TestAttackUnseenCharacters(t *testing.T) {
	for _, hidden := range []string{"\u200b", "\u200d", "\u202e", "\u2060", "\ufeff", "\u00ad", "\u034f", "\u115f", "\u3164", "\u2800", "\ufe0f", "\U000e0061", "\u0085", "\u2028", "\ue000"} {
		for _, address := range []string{"ju" + hidden + "no@example.com", "juno@exam" + hidden + "ple.com"} {
			if got, err := connection.NormalizeEmail(address); !stagedoor.HasCode(err, "invalid_email") {
				t.Errorf("%+q is taken as %+q: %v", address, got, err)
			}
		}
	}
	for _, address := range []string{"jürgen@example.com", "юлия@пример.example", "山田@例え.example", "नमस्ते@example.com", "nu\u0301@example.com"} {
		if got, err := connection.NormalizeEmail(address); err != nil || got != address {
			t.Errorf("%q: %q, %v", address, got, err)
		}
	}
}
