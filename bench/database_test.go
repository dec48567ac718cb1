package bench

import (
	"context"
	"flag"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

var figuresDir = flag.String("figures", "testdata", "where the figures are kept from which the pages are made")

// A database is one to measure with.
type database struct {
	kind    string
	options stagedoortest.Options
	address string // of SQLite: the file
}

func openDatabase(t testing.TB, kind string) *database {
	t.Helper()
	d := &database{kind: kind, address: storetest.Migrated(t, kind)}
	d.options.Database = d.address
	return d
}

// settle lets a PostgreSQL database do at once what it does by itself soon.
func (d *database) settle(t testing.TB) {
	if d.kind == storetest.Postgres {
		storetest.Settle(t, d.address)
	}
}

// size returns the bytes of the database and the rows of its search index.
func (d *database) size(t *testing.T) (bytes, rows int64) {
	t.Helper()
	var err error
	if d.kind == storetest.Postgres {
		var conn *pgx.Conn
		if conn, err = pgx.Connect(t.Context(), d.address); err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		err = conn.QueryRow(t.Context(), "SELECT pg_database_size(current_database()), (SELECT COUNT(*) FROM attr)").Scan(&bytes, &rows)
	} else {
		db := d.embedded(t)
		defer db.Close()
		// Pages that are free are those of the rows that were not in order.
		err = db.QueryRowContext(t.Context(), "SELECT (page_count - freelist_count) * page_size, (SELECT COUNT(*) FROM attr) FROM pragma_page_count, pragma_freelist_count, pragma_page_size").Scan(&bytes, &rows)
	}
	if err != nil {
		t.Fatal(err)
	}
	return bytes, rows
}
