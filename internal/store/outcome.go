package store

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stagedoor/stagedoor"
)

// A write that lost its connection before COMMIT was sent has had no effect, and is tried again. After that, only the database knows. So every
// write leaves a mark in its own transaction: in the row of this server and of the write's slot, the number of the write.
//
//	write n:  seq = n, only if fence < n and seq < n      else the transaction fails
//	asking:   fence = n; seq = n means that the write was committed
//
// The asker's statement waits for the row while a write holds it, and after it a write n that is still on its way somewhere can no longer
// be committed: the answer is final, and a write that was not committed can be tried again without being made twice.
const (
	markWrite = `INSERT INTO write_marks (server, slot, seq, fence, at) VALUES ($1, $2, $3, 0, $4) ON CONFLICT (server, slot) DO UPDATE
		SET at = excluded.at, seq = CASE WHEN write_marks.fence < excluded.seq AND write_marks.seq < excluded.seq THEN excluded.seq END`
	askWrite = `INSERT INTO write_marks (server, slot, seq, fence, at) VALUES ($1, $2, 0, $3, $4) ON CONFLICT (server, slot) DO UPDATE
		SET at = excluded.at, fence = excluded.fence RETURNING seq`
)

// marksKept is how long the marks of a server are kept that no longer writes.
const marksKept = 24 * time.Hour

// marks hands out the slots for writes under way: as many as there were at once.
type marks struct {
	server string
	mu     sync.Mutex
	free   []*slot
	made   int64
}

// slot belongs to one write at a time.
type slot struct{ number, seq int64 }

// sweepMarks deletes what servers left that are gone.
func (db *DB) sweepMarks(ctx context.Context) error {
	return db.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "DELETE FROM write_marks WHERE at < ?", time.Now().Add(-marksKept).UnixMilli())
		return err
	})
}

func newMarks() *marks { return &marks{server: stagedoor.NewHexID()} }

func (m *marks) take() *slot {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.free); n > 0 {
		s := m.free[n-1]
		m.free = m.free[:n-1]
		return s
	}
	m.made++
	return &slot{number: m.made}
}

func (m *marks) give(s *slot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free = append(m.free, s)
}

// mark puts the mark of the slot's next write in front of a batch.
func (m *marks) mark(b *pgx.Batch, s *slot) {
	s.seq++
	b.Queue(markWrite, m.server, s.number, s.seq, time.Now().UnixMilli())
}

// acquire takes a connection. While the database is away, it fails when none could be made in time.
func (e *postgresEngine) acquire(ctx context.Context, until time.Time) (*pgxpool.Conn, error) {
	within, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	conn, err := e.connection(within)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		err = &finalError{unavailable(away, err)} // there was no shorter way to learn it
	}
	return conn, err
}

// write runs fn in one transaction, and tries again when it lost against another one or lost its connection; fn must therefore only
// set its results, not add to them. It is never carried out twice.
func (e *postgresEngine) write(ctx context.Context, fn func(querier) error) error {
	return e.retried(ctx, func(until time.Time) error {
		conn, err := e.acquire(ctx, until)
		if err != nil {
			return err
		}
		defer func() { conn.Release() }()
		run := &transaction{conn: conn.Conn()}
		err = runWrite(pgQuerier{run}, fn)
		if end := run.close(); err == nil {
			err = end
		}
		if err != nil {
			rollback(conn)
			return err
		}
		if !run.begun {
			return nil
		}
		s := e.marks.take()
		defer e.marks.give(s)
		var b pgx.Batch
		e.marks.mark(&b, s)
		b.Queue("commit")
		results := conn.SendBatch(ctx, &b)
		_, err = results.Exec()
		tag, commitErr := results.Exec()
		err = errors.Join(err, commitErr, results.Close())
		if err == nil && tag.String() != "COMMIT" {
			return errors.New("an error in a write was passed over: it was undone")
		}
		if err == nil {
			return nil
		}
		var early pgx.ErrPreprocessingBatch
		if refusedByServer(err) || errors.As(err, &early) {
			rollback(conn)
			return again(err)
		}
		conn.Release() // it is broken; asking takes another one
		return e.settle(ctx, s, err, nil)
	})
}

// writeSoon is writeOne: what the database has not on its disk is gone once it is killed.
func (e *postgresEngine) writeSoon(ctx context.Context, fn func(querier) error) error {
	return e.writeOne(ctx, fn)
}

// writeOne runs an fn of one statement, which needs no BEGIN: the mark goes along in the same round trip.
func (e *postgresEngine) writeOne(ctx context.Context, fn func(querier) error) error {
	return e.retried(ctx, func(until time.Time) error {
		conn, err := e.acquire(ctx, until)
		if err != nil {
			return err
		}
		defer func() { conn.Release() }()
		s := e.marks.take()
		defer e.marks.give(s)
		run := &marked{conn: conn.Conn(), marks: e.marks, slot: s}
		err = runWrite(pgQuerier{run}, fn)
		run.close()
		if run.err == nil {
			return err
		}
		var early pgx.ErrPreprocessingBatch                         // nothing of it was sent
		if refusedByServer(run.err) || errors.As(run.err, &early) { // what the driver holds for safe to retry may have been sent with the batch
			return again(cmp.Or(err, run.err))
		}
		conn.Release()
		if run.answered && err == nil {
			return e.settle(ctx, s, run.err, nil)
		}
		return e.settle(ctx, s, run.err, answerLost(run.err))
	})
}

// again lets a write be tried again that met its own older mark: one that was given up, yet came through.
func again(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23502" && pg.TableName == "write_marks" {
		return &pgconn.PgError{SeverityUnlocalized: "ERROR", Severity: "ERROR", Code: "40001", Message: "an older write of the same slot was carried out late"}
	}
	return err
}

func rollback(conn *pgxpool.Conn) {
	if conn.Conn().PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	_, _ = conn.Exec(ctx, "rollback") // where it fails the connection is closed, which has the same effect
}

// settle finds out whether the write of the slot was carried out whose end broke with cause. If it was, it returns done; if not, an
// error that lets it be tried again.
func (e *postgresEngine) settle(ctx context.Context, s *slot, cause, done error) error {
	if ctx.Err() != nil {
		return &finalError{cause} // nobody waits for the answer
	}
	e.suspect()
	deadline := time.Now().Add(e.wait)
	within, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	for i := 0; ; i++ {
		var seq int64
		err := e.ask(within, s, &seq)
		switch {
		case err == nil && seq == s.seq:
			return done
		case err == nil:
			return &notCarriedOut{cause}
		case troubleOf(err) == noTrouble && within.Err() == nil:
			return outcomeUnknown(errors.Join(cause, err))
		}
		select {
		case <-time.After(backoff(away, i)):
		case <-within.Done():
			return outcomeUnknown(errors.Join(cause, err))
		}
	}
}

func (e *postgresEngine) ask(ctx context.Context, s *slot, seq *int64) error {
	conn, err := e.connection(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	return conn.QueryRow(ctx, askWrite, e.marks.server, s.number, s.seq, time.Now().UnixMilli()).Scan(seq)
}

// notCarriedOut is the error of a write whose end broke, and that is known to have had no effect.
type notCarriedOut struct{ error }

func (e *notCarriedOut) Unwrap() error { return e.error }
