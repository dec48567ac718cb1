package store

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Replicas serve lists, searches, logs and statistics. Such a read asks the primary how far it has written, waits until a replica has
// come that far too, and reads there: its answer is not older than the request, so that everybody finds what they wrote, on whichever
// server. A replica that is away or not there in time is passed over, and the primary answers.
type replicas struct {
	primary *pgxpool.Pool
	all     []*replica
	turn    atomic.Uint64
	served  atomic.Int64 // reads

	mu   sync.Mutex
	next *position // that no query has been sent for yet
	busy sync.Mutex
}

type replica struct {
	pool   *pgxpool.Pool
	rested atomic.Int64 // until when it is passed over, in nanoseconds
}

// replicaPatience is how long a read waits for a replica to come as far as the primary; replicaRest how long one is left alone
// that did not, or that is away.
const (
	replicaPatience = 250 * time.Millisecond
	replicaRest     = 2 * time.Second
)

// openReplicas does not connect yet: a replica may be away.
func openReplicas(ctx context.Context, primary *pgxpool.Pool, urls []string) (*replicas, error) {
	r := &replicas{primary: primary}
	for _, url := range urls {
		cfg, err := poolConfig(url)
		if err != nil {
			r.close()
			return nil, fmt.Errorf("replica: %w", err)
		}
		cfg.ConnConfig.ValidateConnect = nil // it takes reads only
		pool, err := pgxpool.NewWithConfig(ctx, cfg)
		if err != nil {
			r.close()
			return nil, fmt.Errorf("opening a replica: %w", err)
		}
		r.all = append(r.all, &replica{pool: pool})
	}
	return r, nil
}

func (r *replicas) close() {
	for _, one := range r.all {
		one.pool.Close()
	}
}

// position is how far the primary had written at some time after those who wait for it asked.
type position struct {
	done chan struct{}
	lsn  string
	err  error
}

// written returns how far the primary has written by now. Those who ask at the same time share a query.
func (r *replicas) written(ctx context.Context) (string, error) {
	r.mu.Lock()
	p := r.next
	if p == nil {
		p = &position{done: make(chan struct{})}
		r.next = p
		go r.ask(p)
	}
	r.mu.Unlock()
	select {
	case <-p.done:
		return p.lsn, p.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// writtenQuery asks for the end of what may have been acknowledged: what is on the disk, or, where commits do not wait for that, what is written.
const writtenQuery = `SELECT (CASE WHEN current_setting('synchronous_commit') = 'off' THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_flush_lsn() END)::text`

func (r *replicas) ask(p *position) {
	defer close(p.done)
	r.busy.Lock()
	defer r.busy.Unlock()
	r.mu.Lock()
	r.next = nil
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), replicaPatience)
	defer cancel()
	p.err = r.primary.QueryRow(ctx, writtenQuery).Scan(&p.lsn)
}

// take returns a connection to a replica that has come as far as the primary, or nil.
func (r *replicas) take(ctx context.Context) (*replica, *pgxpool.Conn) {
	now := time.Now()
	for range r.all {
		one := r.all[r.turn.Add(1)%uint64(len(r.all))]
		if one.rested.Load() > now.UnixNano() {
			continue
		}
		within, cancel := context.WithTimeout(ctx, replicaPatience)
		conn := r.caughtUp(within, one)
		cancel()
		if conn != nil {
			return one, conn
		}
		if ctx.Err() != nil {
			return nil, nil
		}
		one.rest()
	}
	return nil, nil
}

func (one *replica) rest() { one.rested.Store(time.Now().Add(replicaRest).UnixNano()) }

func (r *replicas) caughtUp(ctx context.Context, one *replica) *pgxpool.Conn {
	conn, err := one.pool.Acquire(ctx)
	if err != nil {
		return nil
	}
	lsn, err := r.written(ctx)
	for pause := time.Millisecond; err == nil; pause = min(2*pause, 20*time.Millisecond) {
		var there bool // a replica that was promoted is none any more
		err = conn.QueryRow(ctx, "SELECT pg_is_in_recovery() AND COALESCE(pg_last_wal_replay_lsn() >= $1::pg_lsn, false)", lsn).Scan(&there)
		if err == nil && there {
			return conn
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	conn.Release()
	return nil
}

// replicaRead runs do on a replica. If it returns false, the primary has to: no replica was there, or it failed before something was used.
func (e *postgresEngine) replicaRead(ctx context.Context, used *bool, do func(*pgxpool.Conn) error) (served bool, err error) {
	if e.replicas == nil {
		return false, nil
	}
	one, conn := e.replicas.take(ctx)
	if conn == nil {
		return false, nil
	}
	defer conn.Release()
	err = do(conn)
	kind := troubleOf(err) // contention is a row that the primary has cleaned up meanwhile
	if kind == noTrouble || ctx.Err() != nil {
		e.replicas.served.Add(1)
		return true, err
	}
	if kind == away {
		one.rest()
	}
	if used != nil && *used {
		return true, unavailable(kind, err)
	}
	return false, nil
}

// replica reads where a replica may answer.
func (e *postgresEngine) replica() querier {
	if e.replicas == nil {
		return e.reader()
	}
	return replicaReader{pgReader{e}}
}

type replicaReader struct{ pgReader }

func (r replicaReader) row(ctx context.Context, query string, args []any, dest ...any) error {
	served, err := r.e.replicaRead(ctx, nil, func(conn *pgxpool.Conn) error { return pgQuerier{conn}.row(ctx, query, args, dest...) })
	if served {
		return err
	}
	return r.pgReader.row(ctx, query, args, dest...)
}

func (r replicaReader) each(ctx context.Context, query string, args []any, scan func(func(...any) error) error) error {
	return r.rows(ctx, pgQuerier.each, query, args, scan)
}

func (r replicaReader) adhoc(ctx context.Context, query string, args []any, scan func(func(...any) error) error) error {
	return r.rows(ctx, pgQuerier.adhoc, query, args, scan)
}

func (r replicaReader) rows(ctx context.Context, each eachFunc, query string, args []any, scan func(func(...any) error) error) error {
	used := false
	served, err := r.e.replicaRead(ctx, &used, func(conn *pgxpool.Conn) error {
		return each(pgQuerier{conn}, ctx, query, args, func(row func(...any) error) error {
			used = true
			return scan(row)
		})
	})
	if served {
		return err
	}
	return r.pgReader.rows(ctx, each, query, args, scan)
}

// searchOn runs fn in one snapshot of a connection.
func searchOn(ctx context.Context, conn *pgxpool.Conn, limit string, begun *bool, fn func(querier) error) error {
	return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, searchSettings, limit); err != nil {
			return err
		}
		*begun = true
		return fn(searchQuerier{pgQuerier{tx}, tx})
	})
}

// searchQuerier is what a search runs its statements with, all on one connection: where each search held one and waited for another to read its
// users with, as many searches as there are connections waited for one another.
type searchQuerier struct {
	pgQuerier
	tx pgx.Tx
}

// What the settings of a search would spoil, reading records by their keys, is planned as elsewhere.
const (
	recordSettings = `SELECT set_config('plan_cache_mode', 'auto', true), set_config('enable_bitmapscan', 'on', true), set_config('enable_nestloop', 'on', true)`
	indexSettings  = `SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_bitmapscan', 'off', true), set_config('enable_nestloop', 'off', true)`
)

// each reads records.
func (q searchQuerier) each(ctx context.Context, query string, args []any, scan func(func(...any) error) error) error {
	if !storable(args) {
		return nil
	}
	batch := &pgx.Batch{}
	batch.Queue(recordSettings)
	batch.Queue(rebind(query), args...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			if err := scan(rows.Scan); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	batch.Queue(indexSettings)
	return q.tx.SendBatch(ctx, batch).Close()
}
