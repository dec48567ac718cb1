package bench

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// unordered takes the order of the search index away: its rows, 30 for each user, are then written one behind the other by whoever adds users, and
// nothing else changes. ordered puts them in order again, all at once, which is what makes loading many users fast. Nobody searches
// in between.
func (d *database) unordered(t testing.TB) {
	t.Helper()
	if d.kind == storetest.Postgres {
		d.statements(t, "ALTER TABLE attr DROP CONSTRAINT attr_pkey")
		return
	}
	d.statements(t, "ALTER TABLE attr RENAME TO attr_before", "CREATE TABLE attr AS SELECT * FROM attr_before", "DROP TABLE attr_before")
}

// ordered makes the search index what the migrations made it. attr is the text that made its table, of SQLite.
func (d *database) ordered(t testing.TB, attr string) {
	t.Helper()
	if d.kind == storetest.Postgres {
		d.statements(t, "SET maintenance_work_mem = '512MB'", "ALTER TABLE attr ADD PRIMARY KEY (tenant, path, value, at, user_id)")
		return
	}
	d.statements(t, "ALTER TABLE attr RENAME TO attr_before", attr,
		"INSERT INTO attr SELECT tenant, path, value, at, user_id FROM attr_before ORDER BY tenant, path, value, at, user_id", "DROP TABLE attr_before")
}

// attrTable returns the text that made the table of the search index, of SQLite.
func (d *database) attrTable(t testing.TB) (text string) {
	t.Helper()
	if d.kind == storetest.Postgres {
		return ""
	}
	db := d.embedded(t)
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'attr'").Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

// embedded opens a SQLite database beside the server, with memory for large sorts.
func (d *database) embedded(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+d.address+"?_pragma=busy_timeout(60000)&_pragma=synchronous(OFF)&_pragma=cache_size(-256000)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}

// statements runs statements over one connection, in one transaction.
func (d *database) statements(t testing.TB, all ...string) {
	t.Helper()
	ctx := context.Background()
	var err error
	if d.kind == storetest.Postgres {
		var conn *pgx.Conn
		if conn, err = pgx.Connect(ctx, d.address); err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		_, err = conn.Exec(ctx, strings.Join(all, "; "))
	} else {
		db := d.embedded(t)
		defer db.Close()
		_, err = db.ExecContext(ctx, "BEGIN IMMEDIATE; "+strings.Join(all, "; ")+"; COMMIT")
	}
	if err != nil {
		t.Fatal(fmt.Errorf("%.200s: %w", strings.Join(all, "; "), err))
	}
}
