package storetest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// The two kinds of databases.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// postgresVariable names the PostgreSQL database that tests may use.
const postgresVariable = "STAGEDOOR_TEST_POSTGRES"

// Option changes how a test's database is opened.
type Option func(*store.Options)

// WithClock sets the clock of the database.
func WithClock(c stagedoor.Clock) Option { return func(o *store.Options) { o.Clock = c } }

// Each runs fn on both kinds of databases, each fresh and migrated.
func Each(t *testing.T, fn func(t *testing.T, db *store.DB), options ...Option) {
	t.Helper()
	for _, kind := range []string{SQLite, Postgres} {
		t.Run(kind, func(t *testing.T) { fn(t, Open(t, kind, options...)) })
	}
}

// Open returns a fresh, migrated database of the kind; it is closed and removed when the test ends.
func Open(t testing.TB, kind string, options ...Option) *store.DB {
	t.Helper()
	return OpenURL(t, Migrated(t, kind), options...)
}

// OpenURL opens the database at url, without migrating it, until the test ends. Closing it
// earlier is allowed.
func OpenURL(t testing.TB, url string, options ...Option) *store.DB {
	t.Helper()
	o := store.Options{URL: url, Sealer: Sealer(t)}
	for _, option := range options {
		option(&o)
	}
	db, err := store.Open(context.Background(), o)
	if err != nil {
		t.Fatalf("opening the database: %v", err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// URL returns the address of an empty database of the kind, which goes when the test ends.
func URL(t testing.TB, kind string) string {
	t.Helper()
	if kind == SQLite {
		return filepath.Join(t.TempDir(), "stagedoor.db")
	}
	return newSchema(t, server(t))
}

// Settle does to a PostgreSQL database at once what it does to itself within a minute after many rows were written: it collects statistics
// and notes which pages need no second look.
func Settle(t testing.TB, address string) {
	t.Helper()
	statement(t, address, "VACUUM (ANALYZE)")
}

// server returns the address of the PostgreSQL server that tests may use.
func server(t testing.TB) string {
	t.Helper()
	address := os.Getenv(postgresVariable)
	if address == "" && os.Getenv("CI") != "" {
		t.Fatalf("%s is not set: the tests need a PostgreSQL database", postgresVariable)
	}
	if address == "" {
		t.Skipf("%s is not set", postgresVariable)
	}
	return address
}

// newSchema makes a schema and returns the address that leads into it.
func newSchema(t testing.TB, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatalf("%s is not a URL", postgresVariable)
	}
	name := "test_" + stagedoor.NewHexID()
	statement(t, address, "CREATE SCHEMA "+name)
	t.Cleanup(func() { statement(t, address, "DROP SCHEMA "+name+" CASCADE") })
	query := u.Query()
	query.Set("search_path", name)
	u.RawQuery = query.Encode()
	return u.String()
}

func statement(t testing.TB, address, sql string) {
	t.Helper()
	if err := execute(address, sql); err != nil {
		t.Fatal(err)
	}
}

func execute(address, sql string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return fmt.Errorf("reaching %s: %w", postgresVariable, err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

// Sealer returns a sealer under a fixed key, so that a database can be opened twice.
func Sealer(t testing.TB) *jose.Sealer {
	t.Helper()
	sealer, err := jose.NewSealer(fixedKey)
	if err != nil {
		t.Fatal(err)
	}
	return sealer
}

// Tenant makes a tenant that answers under id.test, and returns its handle.
func Tenant(t testing.TB, db *store.DB, id string) *store.Store {
	t.Helper()
	s, err := db.CreateTenant(context.Background(), id, []string{id + ".test"})
	if err != nil {
		t.Fatalf("creating tenant %s: %v", id, err)
	}
	return s
}
