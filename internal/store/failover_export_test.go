package store

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ExecFunc runs a statement in a write of a test's own.
type ExecFunc func(query string, args ...any) error

// Write runs fn in a transaction, as all writes are run.
func Write(ctx context.Context, db *DB, fn func(ExecFunc) error) error {
	return db.write(ctx, func(q querier) error { return fn(execOf(ctx, q)) })
}

// WriteOne runs an fn of one statement.
func WriteOne(ctx context.Context, db *DB, fn func(ExecFunc) error) error {
	return db.writeOne(ctx, func(q querier) error { return fn(execOf(ctx, q)) })
}

// Searching runs fn where searches run.
func Searching(ctx context.Context, db *DB, fn func(ExecFunc) error) error {
	return db.searching(ctx, time.Minute, func(q querier) error { return fn(execOf(ctx, q)) })
}

func execOf(ctx context.Context, q querier) ExecFunc {
	return func(query string, args ...any) error {
		_, err := q.exec(ctx, query, args...)
		return err
	}
}

// EachNumber reads rows of one number.
func EachNumber(ctx context.Context, db *DB, query string, fn func(n int64)) error {
	return db.reader().each(ctx, query, nil, func(scan func(...any) error) error {
		var n int64
		err := scan(&n)
		fn(n)
		return err
	})
}

// Number reads one number on the connection that writes.
func Number(t testing.TB, db *DB, query string) (n int64) {
	t.Helper()
	err := db.write(t.Context(), func(q querier) error { return q.row(t.Context(), query, nil, &n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Text is Number for a text.
func Text(t testing.TB, db *DB, query string) (s string) {
	t.Helper()
	err := db.write(t.Context(), func(q querier) error { return q.row(t.Context(), query, nil, &s) })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// OnEach runs a statement on so many connections of the pool, each another one, which go back into it.
func OnEach(t testing.TB, db *DB, n int, query string) {
	t.Helper()
	var all []*pgxpool.Conn
	for range n {
		conn, err := db.bare.(*postgresEngine).pool.Acquire(t.Context())
		if err == nil {
			_, err = conn.Exec(t.Context(), query)
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, conn)
	}
	for _, conn := range all {
		conn.Release()
	}
}

// A WriteUnderWay is the number of a write.
type WriteUnderWay struct {
	e *postgresEngine
	s *slot
}

// Begin takes the number of a write, whose mark is not on its way yet.
func Begin(db *DB) *WriteUnderWay {
	e := db.bare.(*postgresEngine)
	w := &WriteUnderWay{e, e.marks.take()}
	w.s.seq++
	return w
}

// Again is the same slot's next write.
func (w *WriteUnderWay) Again() { w.s.seq++ }

// Arrive marks the write, or one so many before it, as what comes late from somewhere does.
func (w *WriteUnderWay) Arrive(ctx context.Context, before int64) error {
	var b pgx.Batch
	w.e.marks.mark(&b, &slot{w.s.number, w.s.seq - before - 1})
	return w.e.pool.SendBatch(ctx, &b).Close()
}

// Ask tells whether the write was carried out.
func (w *WriteUnderWay) Ask(ctx context.Context) (bool, error) {
	var seq int64
	err := w.e.ask(ctx, w.s, &seq)
	return seq == w.s.seq, err
}

// Over gives the slot back.
func (w *WriteUnderWay) Over() { w.e.marks.give(w.s) }

// Says is what a server says of a statement.
func Says(severity, code string) error {
	return &pgconn.PgError{SeverityUnlocalized: severity, Severity: severity, Code: code}
}

// Refused tells whether an error of a write is the server's word that it had no effect.
func Refused(err error) bool { return refusedByServer(err) }

// MostConnections reads a database's address.
func MostConnections(t testing.TB, url string) int32 {
	t.Helper()
	cfg, err := poolConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return cfg.MaxConns
}
