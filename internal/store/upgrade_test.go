package store_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/lucene"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// A dumped is what scripts/dump noted of a demo.
type dumped struct {
	Tenant  string
	Clients []struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	Management struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	Users []struct {
		ID       string `json:"user_id"`
		Email    string
		Password string
	}
}

// TestUpgrade brings the dumps of earlier versions up to date: what the demo of the time kept, on both databases.
func TestUpgrade(t *testing.T) {
	dumps := must(filepath.Glob("testdata/dumps/*.sql.gz"))(t)
	if len(dumps) < 6 {
		t.Fatalf("%d dumps", len(dumps))
	}
	for _, path := range dumps {
		name := strings.TrimSuffix(filepath.Base(path), ".sql.gz")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			version, kind, _ := strings.Cut(name, ".")
			var was dumped
			ok(t, json.Unmarshal(must(os.ReadFile("testdata/dumps/"+name+".json"))(t), &was))
			url := load(t, kind, path)
			db := storetest.OpenURL(t, url, dumpedKey(t, "testdata/dumps/"+version+".key"))
			before, known, err := db.Version(t.Context())
			if ok(t, err); fmt.Sprintf("%04d", before) != version || before >= known {
				t.Fatalf("the dump has version %d of %d", before, known)
			}
			ok(t, db.Migrate(t.Context()))
			ok(t, db.CheckMigrated(t.Context()))
			ok(t, db.CheckSealed(t.Context()))
			if c := must(db.Check(t.Context(), nil))(t); len(c.Faults) > 0 || c.Users < len(was.Users) || c.Sealed < 5 || c.Logs == 0 {
				t.Errorf("%+v", c)
			}
			usable(t, must(db.TenantByID(t.Context(), was.Tenant))(t), &was)
		})
	}
}

// usable holds a tenant to what is known of it: clients with their secrets, keys, users with their passwords, and searches for them.
func usable(t *testing.T, s *store.Store, was *dumped) {
	t.Helper()
	for _, c := range append(was.Clients, was.Management) {
		if got := must(s.Client(t.Context(), c.ID))(t); c.Secret != "" && got.Secret != c.Secret {
			t.Errorf("the client %s has another secret", got.Name)
		}
	}
	keys := must(s.SigningKeys(t.Context()))(t)
	for _, k := range keys {
		must(jose.ParseKey(k.KID, k.Algorithm, k.Private))(t)
	}
	if len(keys) == 0 || len(was.Users) == 0 {
		t.Fatalf("%d keys, %d users", len(keys), len(was.Users))
	}
	hasher := password.NewHasher()
	for i, u := range was.Users {
		user := must(s.UserByIdentifier(t.Context(), "Username-Password-Authentication", u.Email))(t)
		if user.ID != u.ID {
			t.Errorf("%s is %s", u.Email, user.ID)
		}
		if i == 0 {
			if fits := must(hasher.Verify(t.Context(), u.Password, must(s.PasswordHash(t.Context(), u.ID))(t)))(t); !fits {
				t.Errorf("%s cannot log in", u.Email)
			}
		}
		where := must(store.UserSchema.Compile(must(lucene.Parse(`email:"` + u.Email + `"`))(t)))(t)
		found, total, err := s.Users(t.Context(), store.UserQuery{PerPage: 10, Where: where})
		if ok(t, err); total != 1 || len(found) != 1 || found[0].ID != u.ID {
			t.Errorf("the search for %s finds %d", u.Email, total)
		}
	}
	// And it can be written to.
	must(s.PatchMetadata(t.Context(), was.Users[0].ID, object(t, `{"upgraded":true}`), nil, mebibyte))(t)
	ok(t, s.RecordLogin(t.Context(), &stagedoor.User{ID: was.Users[0].ID}, "192.0.2.1"))
}

// load makes a database of a dump.
func load(t *testing.T, kind, path string) string {
	t.Helper()
	unzip := must(gzip.NewReader(bytes.NewReader(must(os.ReadFile(path))(t))))(t)
	text := must(io.ReadAll(unzip))(t)
	url := storetest.URL(t, kind)
	if kind == storetest.SQLite {
		ok(t, os.WriteFile(url, nil, 0o600))
	}
	statement(t, url, string(text))
	return url
}

func dumpedKey(t *testing.T, file string) storetest.Option {
	t.Helper()
	private := filepath.Join(t.TempDir(), "master.key") // others may not read it, which a checkout does not know
	ok(t, os.WriteFile(private, must(os.ReadFile(file))(t), 0o600))
	return func(o *store.Options) { o.Sealer = must(jose.OpenSealer(private))(t) }
}
