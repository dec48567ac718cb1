package store_test

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// statement runs SQL behind the store's back.
func statement(t testing.TB, address, query string) {
	t.Helper()
	if strings.HasPrefix(address, "postgres") {
		conn, err := pgx.Connect(t.Context(), address)
		ok(t, err)
		defer conn.Close(t.Context())
		_, err = conn.Exec(t.Context(), query)
		ok(t, err)
		return
	}
	db, err := sql.Open("sqlite", "file:"+address+"?_pragma=busy_timeout(5000)")
	ok(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), query)
	ok(t, err)
}

func eachURL(t *testing.T, fn func(t *testing.T, url string)) {
	t.Helper()
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) { fn(t, storetest.URL(t, kind)) })
	}
}

func TestMigrateTwice(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		newUser(t, storetest.Tenant(t, db, "acme"), "auth0|ada")
		ok(t, db.Migrate(t.Context()))
		ok(t, db.CheckMigrated(t.Context()))
		ok(t, db.Ping(t.Context()))
		again := must(db.TenantByID(t.Context(), "acme"))(t)
		must(again.User(t.Context(), "auth0|ada"))(t)
	})
}

func TestUnmigratedIsSaid(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		err := storetest.OpenURL(t, url).CheckMigrated(t.Context())
		if err == nil || !strings.Contains(err.Error(), "stagedoor migrate") {
			t.Errorf("error %v", err)
		}
	})
}

// A program goes on serving under a newer schema that says that it can, as while servers are replaced one by one.
func TestNewerVersionThatIsCompatible(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		db := storetest.OpenURL(t, url)
		ok(t, db.Migrate(t.Context()))
		statement(t, url, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)")
		ok(t, db.Migrate(t.Context()))
		ok(t, db.CheckMigrated(t.Context()))
		newUser(t, storetest.Tenant(t, db, "acme"), "auth0|ada")
	})
}

func TestNewerVersionIsRefused(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		db := storetest.OpenURL(t, url)
		ok(t, db.Migrate(t.Context()))
		statement(t, url, "UPDATE schema_compatible SET version = 9999")
		statement(t, url, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)")
		for name, err := range map[string]error{"Migrate": db.Migrate(t.Context()), "CheckMigrated": db.CheckMigrated(t.Context())} {
			if err == nil || !strings.Contains(err.Error(), "9999") || !strings.Contains(err.Error(), "newer stagedoor") {
				t.Errorf("%s: error %v", name, err)
			}
		}
		current, known, err := db.Version(t.Context())
		if ok(t, err); current != 9999 || known >= 9999 {
			t.Errorf("versions %d, %d", current, known)
		}
	})
}

// Programs that start at once on an empty database all end with a migrated one.
func TestConcurrentMigration(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		var wg sync.WaitGroup
		for range 6 {
			db := storetest.OpenURL(t, url)
			wg.Go(func() {
				if err := db.Migrate(t.Context()); err != nil {
					t.Error(err)
				}
				if err := db.CheckMigrated(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		newUser(t, storetest.Tenant(t, storetest.OpenURL(t, url), "acme"), "auth0|ada")
	})
}

// TestForeignFile leaves the database of another program as it is, to the byte.
func TestForeignFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "foreign.db")
	ok(t, os.WriteFile(path, nil, 0o600))
	statement(t, path, "CREATE TABLE theirs (a)")
	before := must(os.ReadFile(path))(t)
	_, err := store.Open(t.Context(), store.Options{URL: path})
	says(t, err, "foreign.db: it belongs to another program, whose table theirs it has")
	if !bytes.Equal(before, must(os.ReadFile(path))(t)) || len(must(os.ReadDir(filepath.Dir(path)))(t)) != 1 {
		t.Error("it was changed")
	}
}

// TestUnreadableFile says what a file is that cannot be read.
func TestUnreadableFile(t *testing.T) {
	damaged := storetest.Migrated(t, storetest.SQLite)
	f := must(os.OpenFile(damaged, os.O_RDWR, 0))(t)
	_, err := f.WriteAt([]byte(strings.Repeat("damage! ", 400)), 100) // the table of tables
	ok(t, err)
	ok(t, f.Close())
	_, err = store.Open(t.Context(), store.Options{URL: damaged})
	says(t, err, "the database is damaged")
	says(t, err, "`stagedoor restore`")
}

// TestReadOnlyFileSaysWhat names what has to be writable: it is often not the file itself.
func TestReadOnlyFileSaysWhat(t *testing.T) {
	db, err := sql.Open("sqlite", "file:"+storetest.Migrated(t, storetest.SQLite)+"?mode=ro")
	ok(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "CREATE TABLE x (y)")
	if err = store.SQLiteUnavailable(err); !stagedoor.HasCode(err, "database_read_only") {
		t.Error(err)
	}
	says(t, err, "(-wal, -shm) and their folder have to be writable")
}
