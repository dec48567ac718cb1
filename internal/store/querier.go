package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// querier runs SQL written with ? placeholders, inside or outside a transaction. Text that
// cannot be stored matches nothing, and is Invalid where it would be written.
type querier interface {
	exec(ctx context.Context, query string, args ...any) (int64, error)
	row(ctx context.Context, query string, args []any, dest ...any) error
	each(ctx context.Context, query string, args []any, scan func(scan func(...any) error) error) error
	// adhoc is each for texts of which there are too many to keep them prepared.
	adhoc(ctx context.Context, query string, args []any, scan func(scan func(...any) error) error) error
}

// errNoRows is what row returns when nothing matched.
var errNoRows = sql.ErrNoRows

// unstorableExec is the outcome of a statement with text that cannot be stored.
func unstorableExec(query string) (int64, error) {
	if verb := verbOf(query); verb == "insert" || verb == "update" {
		return 0, errUnstorable()
	}
	return 0, nil
}

// sqlQuerier runs SQL on SQLite through database/sql, with statements prepared once.
type sqlQuerier struct {
	prepare func(context.Context, string) (*sql.Stmt, error)
	cache   *sync.Map
	writer  bool // statements are not interrupted: that would undo the writes of others
}

// newSQLQuerier reads and writes through a database of its own.
func newSQLQuerier(db *sql.DB) sqlQuerier {
	return sqlQuerier{prepare: db.PrepareContext, cache: &sync.Map{}}
}

// close closes the statements that are prepared.
func (q sqlQuerier) close() {
	q.cache.Range(func(_, s any) bool {
		s.(*sql.Stmt).Close()
		return true
	})
}

func (q sqlQuerier) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := q.cache.Load(query); ok {
		return s.(*sql.Stmt), nil
	}
	s, err := q.prepare(context.WithoutCancel(ctx), query)
	if err != nil {
		return nil, err
	}
	if old, loaded := q.cache.LoadOrStore(query, s); loaded {
		s.Close()
		return old.(*sql.Stmt), nil
	}
	return s, nil
}

func (q sqlQuerier) context(ctx context.Context) context.Context {
	if q.writer {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

func (q sqlQuerier) exec(ctx context.Context, query string, args ...any) (int64, error) {
	if !storable(args) {
		return unstorableExec(query)
	}
	s, err := q.stmt(ctx, query)
	if err != nil {
		return 0, classify(err)
	}
	res, err := s.ExecContext(q.context(ctx), args...)
	if err != nil {
		return 0, classify(err)
	}
	return res.RowsAffected()
}

// row reads one row without watching for a cancelled ctx meanwhile: that takes the driver and
// database/sql a goroutine each, a quarter of the time of a read by id.
func (q sqlQuerier) row(ctx context.Context, query string, args []any, dest ...any) error {
	if !storable(args) {
		return errNoRows
	}
	if err := ctx.Err(); err != nil && !q.writer {
		return err
	}
	s, err := q.stmt(ctx, query)
	if err != nil {
		return classify(err)
	}
	return classify(s.QueryRowContext(context.WithoutCancel(ctx), args...).Scan(dest...))
}

func (q sqlQuerier) each(ctx context.Context, query string, args []any, scan func(func(...any) error) error) error {
	if !storable(args) {
		return nil
	}
	s, err := q.stmt(ctx, query)
	if err != nil {
		return classify(err)
	}
	rows, err := s.QueryContext(q.context(ctx), args...)
	if err != nil {
		return classify(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows.Scan); err != nil {
			return err
		}
	}
	return classify(rows.Err())
}

func (q sqlQuerier) adhoc(ctx context.Context, query string, args []any, scan func(func(...any) error) error) error {
	once := sqlQuerier{prepare: q.prepare, cache: &sync.Map{}, writer: q.writer}
	defer once.close()
	return once.each(ctx, query, args, scan)
}

// pgRunner is a pgx pool or transaction.
type pgRunner interface {
	Exec(context.Context, string, ...any) (pgconn.CommandTag, error)
	Query(context.Context, string, ...any) (pgx.Rows, error)
	QueryRow(context.Context, string, ...any) pgx.Row
}

// pgQuerier runs SQL on PostgreSQL through pgx.
type pgQuerier struct{ run pgRunner }

func (q pgQuerier) exec(ctx context.Context, query string, args ...any) (int64, error) {
	if !storable(args) {
		return unstorableExec(query)
	}
	tag, err := q.run.Exec(ctx, rebind(query), args...)
	return tag.RowsAffected(), classify(err)
}

func (q pgQuerier) row(ctx context.Context, query string, args []any, dest ...any) error {
	if !storable(args) {
		return errNoRows
	}
	err := q.run.QueryRow(ctx, rebind(query), args...).Scan(dest...)
	if errors.Is(err, pgx.ErrNoRows) {
		return errNoRows
	}
	return classify(err)
}

func (q pgQuerier) each(ctx context.Context, query string, args []any, scan func(func(...any) error) error) error {
	return q.query(ctx, rebind(query), args, scan)
}

func (q pgQuerier) adhoc(ctx context.Context, query string, args []any, scan func(func(...any) error) error) error {
	return q.query(ctx, numbered(query), args, scan)
}

func (q pgQuerier) query(ctx context.Context, query string, args []any, scan func(func(...any) error) error) error {
	if !storable(args) {
		return nil
	}
	rows, err := q.run.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
