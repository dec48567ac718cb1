package api

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the "pgx" driver
	_ "modernc.org/sqlite"             // the "sqlite" driver
)

//go:embed migrations/*.sql
var migrations embed.FS

// openDatabase opens SQLite or PostgreSQL and brings the schema up to date. All
// queries are written so that both take the same text, with $1, $2.
func openDatabase(ctx context.Context, address, dir string) (*sql.DB, error) {
	postgres := strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
	driver := "pgx"
	if !postgres {
		driver = "sqlite"
		if address == "" {
			address = filepath.Join(dir, "mixtape.db")
		}
		address = "file:" + (&url.URL{Path: address}).EscapedPath() +
			"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)"
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	db.SetMaxOpenConns(8)
	if err := migrate(ctx, db, postgres); err != nil {
		db.Close()
		return nil, fmt.Errorf("bring the database up to date: %w", err)
	}
	return db, nil
}

// migrate runs the files of migrations/ that this database has not seen, in
// order and in one transaction.
func migrate(ctx context.Context, db *sql.DB, postgres bool) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	return transact(ctx, db, func(tx *sql.Tx) error {
		if postgres { // SQLite's transaction is exclusive already
			if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(7305804385)`); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY)`); err != nil {
			return err
		}
		for _, file := range files {
			done, err := changed(tx.ExecContext(ctx, `INSERT INTO migrations (name) VALUES ($1) ON CONFLICT DO NOTHING`, file))
			if err != nil {
				return err
			}
			if !done {
				continue
			}
			text, err := migrations.ReadFile(file)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, string(text)); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
		return nil
	})
}

// transact runs f in a transaction, which an error of f undoes.
func transact(ctx context.Context, db *sql.DB, f func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// changed tells whether a statement changed any row.
func changed(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}
