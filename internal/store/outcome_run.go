package store

import (
	"cmp"
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// transaction runs the statements of a transaction, the first one together with its BEGIN: a round trip less.
type transaction struct {
	conn  *pgx.Conn
	begun bool
	open  pgx.BatchResults // of the first statement
}

// first sends BEGIN and the first statement.
func (t *transaction) first(ctx context.Context, query string, args []any) error {
	t.begun = true
	var b pgx.Batch
	b.Queue("begin")
	b.Queue(query, args...)
	t.open = t.conn.SendBatch(ctx, &b)
	_, err := t.open.Exec()
	return err
}

// close ends the first statement; what follows it has to wait for that.
func (t *transaction) close() error {
	if t.open == nil {
		return nil
	}
	err := t.open.Close()
	t.open = nil
	return err
}

// Exec runs a statement.
func (t *transaction) Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	if t.begun {
		if err := t.close(); err != nil {
			return pgconn.CommandTag{}, err
		}
		return t.conn.Exec(ctx, query, args...)
	}
	if err := t.first(ctx, query, args); err != nil {
		return pgconn.CommandTag{}, cmp.Or(err, t.close())
	}
	tag, err := t.open.Exec()
	return tag, cmp.Or(err, t.close())
}

// Query runs a statement.
func (t *transaction) Query(ctx context.Context, query string, args ...any) (pgx.Rows, error) {
	if t.begun {
		if err := t.close(); err != nil {
			return nil, err
		}
		return t.conn.Query(ctx, query, args...)
	}
	if err := t.first(ctx, query, args); err != nil {
		return nil, cmp.Or(err, t.close())
	}
	return t.open.Query()
}

// QueryRow runs a statement.
func (t *transaction) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	rows, err := t.Query(ctx, query, args...)
	return oneRow{rows, err}
}

// oneRow is the first row of rows.
type oneRow struct {
	rows pgx.Rows
	err  error
}

// Scan reads the row.
func (r oneRow) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	err := pgx.ErrNoRows
	if r.rows.Next() {
		err = r.rows.Scan(dest...)
	}
	r.rows.Close()
	return cmp.Or(r.rows.Err(), err)
}

// marked runs one statement together with its mark: an implicit transaction of both.
type marked struct {
	conn  *pgx.Conn
	marks *marks
	slot  *slot
	open  pgx.BatchResults
	used  bool
	err   error // of the transaction as a whole

	answered bool // the statement's answer came whole
}

func (m *marked) send(ctx context.Context, query string, args []any) error {
	if m.used {
		return errors.New("a write of one statement has two")
	}
	m.used = true
	var b pgx.Batch
	m.marks.mark(&b, m.slot)
	b.Queue(query, args...)
	m.open = m.conn.SendBatch(ctx, &b)
	_, err := m.open.Exec()
	return m.note(err)
}

// note keeps the first error.
func (m *marked) note(err error) error {
	if m.err == nil {
		m.err = err
	}
	return err
}

// close ends the transaction.
func (m *marked) close() {
	if m.open != nil {
		m.note(m.open.Close())
		m.open = nil
	}
}

// Exec runs the statement.
func (m *marked) Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	if err := m.send(ctx, query, args); err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := m.open.Exec()
	m.answered = err == nil
	return tag, m.note(err)
}

// Query starts the statement; close ends it.
func (m *marked) Query(ctx context.Context, query string, args ...any) (pgx.Rows, error) {
	if err := m.send(ctx, query, args); err != nil {
		return nil, err
	}
	rows, err := m.open.Query()
	return rows, m.note(err)
}

// QueryRow starts the statement; Scan reads its answer.
func (m *marked) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	rows, err := m.Query(ctx, query, args...)
	return markedRow{m, rows, err}
}

type markedRow struct {
	m    *marked
	rows pgx.Rows
	err  error
}

// Scan reads the first row.
func (r markedRow) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	err := oneRow{r.rows, nil}.Scan(dest...)
	if end := r.rows.Err(); end != nil {
		return r.m.note(end)
	}
	r.m.answered = true
	return err
}
