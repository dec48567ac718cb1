package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// postgresFile ends the name of a migration that PostgreSQL reads in place of the one of the same number.
const postgresFile = ".postgres.sql"

// scripts are the migrations as one dialect has them.
type scripts struct {
	fs.FS
	postgres bool
}

// Open opens the dialect's own version of a migration, if there is one.
func (s scripts) Open(name string) (fs.File, error) {
	if s.postgres {
		if f, err := s.FS.Open(strings.TrimSuffix(name, ".sql") + postgresFile); err == nil {
			return f, nil
		}
	}
	return s.FS.Open(name)
}

// ReadDir lists each number once.
func (s scripts) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(s.FS, name)
	return slices.DeleteFunc(all, func(e fs.DirEntry) bool { return strings.HasSuffix(e.Name(), postgresFile) }), err
}

// provider reads the migrations, which go forward only.
func provider(dialect goose.Dialect, db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, db, scripts{files, dialect == goose.DialectPostgres})
}

// up applies what is missing. When another program does so at the same time, it applies the
// rest, if there is one: a version is applied once only, since the table of versions
// holds each once. It gives up when nobody gets any further.
func up(ctx context.Context, p *goose.Provider) error {
	var err error
	reached := int64(-1)
	for i := 0; i < attempts; i++ {
		if _, err = p.Up(ctx); err == nil {
			return nil
		}
		if version, e := p.GetDBVersion(ctx); e == nil && version > reached {
			reached, i = version, 0
		}
		select {
		case <-time.After(time.Duration(i) * 20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("migrating the database: %w", err)
}

// newest is the number of the last migration that this program knows.
var newest = sync.OnceValues(func() (int64, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("the migrations cannot be read: %w", err)
	}
	return goose.NumericComponent(files[len(files)-1]) // they are in order
})
