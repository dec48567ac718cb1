package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// openSink opens the database that is copied into, and gives it its tables.
func openSink(ctx context.Context, to string) (copySink, error) {
	if isPostgres(to) {
		return openPostgresSink(ctx, to)
	}
	return openFileSink(ctx, strings.TrimPrefix(to, "sqlite://"))
}

// postgresSink writes in one transaction.
type postgresSink struct {
	pool *pgxpool.Pool
	tx   pgx.Tx
}

func openPostgresSink(ctx context.Context, to string) (*postgresSink, error) {
	db, err := Open(ctx, Options{URL: to})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	s := &postgresSink{}
	tables, err := catalogOf(ctx, db.reader(), true)
	if err == nil {
		if err := mustBeEmpty(ctx, db.reader(), tables); err != nil { // before it is migrated: another program's tables are left alone
			s.drop()
			return nil, err
		}
	}
	if err == nil {
		err = db.Migrate(ctx)
	}
	if err == nil {
		s.pool, err = pgxpool.New(ctx, to)
	}
	if err == nil {
		s.tx, err = s.pool.Begin(ctx)
	}
	if err != nil {
		s.drop()
		return nil, fmt.Errorf("the database to copy into: %w", err)
	}
	return s, nil
}

func (s *postgresSink) querier() querier { return pgQuerier{s.tx} }

// copyChunk is how many rows one COPY takes: PostgreSQL checks their references at its end, and remembers them until then.
const copyChunk = 50_000

func (s *postgresSink) write(ctx context.Context, t *catalogTable, next func() ([]any, error)) error {
	for over := false; !over; {
		n := 0
		_, err := s.tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.names(), pgx.CopyFromFunc(func() ([]any, error) {
			if n++; n > copyChunk {
				return nil, nil
			}
			row, err := next()
			if errors.Is(err, io.EOF) {
				over = true
				return nil, nil
			}
			return row, err
		}))
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *postgresSink) keep(ctx context.Context) error {
	if err := s.tx.Commit(ctx); err != nil {
		return fmt.Errorf("keeping the copy: %w", err)
	}
	if _, err := s.pool.Exec(ctx, "ANALYZE"); err != nil {
		return fmt.Errorf("the copy is there; collecting statistics of it: %w", err)
	}
	return nil
}

func (s *postgresSink) drop() {
	if s.tx != nil {
		s.tx.Rollback(context.Background()) //nolint:errcheck // after keep there is nothing to take back
	}
	if s.pool != nil {
		s.pool.Close()
	}
}

// fileSink writes a file that has no name of its own until it is whole.
type fileSink struct {
	path, temp string
	remove     func() // the folder of temp
	db         *sql.DB
	conn       *sql.Conn
}

func openFileSink(ctx context.Context, path string) (*fileSink, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("the database to copy into is there already, and is not written over: %s", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("creating the database's folder: %w", err)
	}
	dir, remove, err := Scratch(path, "copy")
	if err != nil {
		return nil, err
	}
	s := &fileSink{path: path, temp: filepath.Join(dir, "copy"), remove: remove}
	err = makeFile(s.temp, path)
	if err == nil {
		err = s.open(ctx)
	}
	if err != nil {
		s.drop()
		return nil, fmt.Errorf("the database to copy into: %w", err)
	}
	return s, nil
}

func (s *fileSink) open(ctx context.Context) error {
	db, err := Open(ctx, Options{URL: s.temp})
	if err != nil {
		return err
	}
	if err := errors.Join(db.Migrate(ctx), db.Close()); err != nil {
		return err
	}
	// Nothing is lost if this is interrupted: the file is thrown away.
	if s.db, err = openFile(s.temp, "journal_mode(OFF)", "synchronous(OFF)", "foreign_keys(0)", "cache_size(-65536)", "temp_store(2)"); err != nil {
		return err
	}
	s.db.SetMaxOpenConns(1)
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return err
	}
	_, err = s.conn.ExecContext(ctx, "BEGIN")
	return err
}

func (s *fileSink) querier() querier {
	return sqlQuerier{prepare: s.conn.PrepareContext, cache: &sync.Map{}}
}

// maxParameters is how many values one INSERT takes at most.
const maxParameters = 512

func (s *fileSink) write(ctx context.Context, t *catalogTable, next func() ([]any, error)) error {
	group := maxParameters / len(t.columns)
	one := "(?" + strings.Repeat(", ?", len(t.columns)-1) + ")"
	head := "INSERT INTO " + t.name + " (" + strings.Join(t.names(), ", ") + ") VALUES "
	many, err := s.conn.PrepareContext(ctx, head+one+strings.Repeat(", "+one, group-1))
	if err != nil {
		return err
	}
	defer many.Close()
	values := make([]any, 0, group*len(t.columns))
	for {
		row, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if values = append(values, row...); len(values) == cap(values) {
			if _, err := many.ExecContext(ctx, values...); err != nil {
				return err
			}
			values = values[:0]
		}
	}
	for len(values) > 0 {
		if _, err := s.conn.ExecContext(ctx, head+one, values[:len(t.columns)]...); err != nil {
			return err
		}
		values = values[len(t.columns):]
	}
	return nil
}

func (s *fileSink) keep(ctx context.Context) error {
	var table, parent string
	err := s.conn.QueryRowContext(ctx, `SELECT "table", "parent" FROM pragma_foreign_key_check LIMIT 1`).Scan(&table, &parent)
	if err == nil {
		return fmt.Errorf("a row of %s belongs to one of %s that is not there", table, parent)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if _, err := s.conn.ExecContext(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("keeping the copy: %w", err)
	}
	if err := errors.Join(s.conn.Close(), s.db.Close()); err != nil {
		return err
	}
	if _, err := flush(s.temp); err != nil {
		return err
	}
	return settle(s.temp, s.path, false)
}

func (s *fileSink) drop() {
	if s.conn != nil {
		s.conn.Close()
	}
	if s.db != nil {
		s.db.Close()
	}
	s.remove()
}
