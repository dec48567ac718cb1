package storetest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// Migrated returns the address of a migrated database without tenants, which goes when the test ends. It is copied from one that is
// migrated once for all tests of a program: to migrate takes longer than most tests.
func Migrated(t testing.TB, kind string) string {
	t.Helper()
	if kind == SQLite {
		file, err := migratedFile()
		address := filepath.Join(t.TempDir(), "stagedoor.db")
		if err == nil {
			err = os.WriteFile(address, file, 0o600)
		}
		if err != nil {
			t.Fatalf("migrating: %v", err)
		}
		return address
	}
	address := server(t)
	template, err := migratedTemplate()
	if err != nil {
		t.Fatalf("migrating: %v", err)
	}
	name, ok := reused(t, address, template.shape)
	if !ok {
		name = "test_" + stagedoor.NewHexID()
		statement(t, address, "CREATE DATABASE "+name+" TEMPLATE "+template.name)
	}
	t.Cleanup(func() { handBack(t, address, name) })
	return inDatabase(address, name)
}

// migratedFile is the file of an embedded database that was migrated.
var migratedFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "stagedoor-storetest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "stagedoor.db")
	if err := migrate(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// migratedTemplate is the name of a PostgreSQL database that was migrated, and its shape. It is not dropped: the server of the tests goes with them,
// and whoever keeps one finds the template there under the program's number.
var migratedTemplate = sync.OnceValues(func() (made struct{ name, shape string }, err error) {
	address := os.Getenv(postgresVariable)
	made.name = fmt.Sprintf("template_%d_%s", os.Getpid(), stagedoor.NewHexID())
	if err := execute(address, "CREATE DATABASE "+made.name); err != nil {
		return made, err
	}
	address = inDatabase(address, made.name)
	if err := migrate(address); err != nil {
		return made, err
	}
	made.shape, err = empty(address)
	return made, err
})

func migrate(address string) error {
	sealer, err := jose.NewSealer(fixedKey)
	if err != nil {
		return err
	}
	db, err := store.Open(context.Background(), store.Options{URL: address, Sealer: sealer})
	if err != nil {
		return err
	}
	return errors.Join(db.Migrate(context.Background()), db.Close())
}

// inDatabase returns the address of another database of the same server.
func inDatabase(address, name string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address // which does not connect either
	}
	u.Path = "/" + name
	return u.String()
}

// fixedKey lets a database be opened twice.
var fixedKey = jose.MasterKey{1, 2, 3}
