package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// provider reads the migrations, which go forward only.
func provider(dialect goose.Dialect, db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, db, files)
}

// up applies what is missing. When another program does so at the same time, it applies the
// rest, if there is one: a version is applied once only, since the table of versions
// holds each once.
func up(ctx context.Context, p *goose.Provider) error {
	var err error
	for i := range attempts {
		if _, err = p.Up(ctx); err == nil {
			return nil
		}
		select {
		case <-time.After(time.Duration(i) * 20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("migrating the database: %w", err)
}
