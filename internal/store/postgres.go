package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// attempts is how often is tried what somebody else may have done at the same time.
const attempts = 10

type postgresEngine struct {
	pool      *pgxpool.Pool
	wait      time.Duration // for a database that is away
	suspected atomic.Int64  // when the pool was emptied last, in nanoseconds
	crowd     *crowd
	marks     *marks
	replicas  *replicas // nil: none
	lookups   *lookups
}

// What is set for connections unless their URL says otherwise: how long to wait for one, and how long for a sign of life of a machine
// that may have gone without a word.
const (
	connectTimeout = 3 * time.Second
	silence        = 5 * time.Second
)

func openPostgres(ctx context.Context, url string, replicaURLs []string, wait time.Duration) (engine, error) {
	cfg, err := poolConfig(url)
	if err != nil {
		return nil, err
	}
	e := &postgresEngine{wait: wait, crowd: newCrowd(), marks: newMarks()}
	cfg.BeforeConnect = e.beforeConnect
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	e.pool = pool
	ping, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := pool.Ping(ping); err != nil {
		pool.Close()
		return nil, fmt.Errorf("reaching the database: %s", onceEach(err.Error()))
	}
	e.lookups = newLookups(e)
	if len(replicaURLs) > 0 {
		if e.replicas, err = openReplicas(ctx, pool, replicaURLs); err != nil {
			pool.Close()
			return nil, err
		}
	}
	return e, nil
}

// onceEach puts the lines of an error on one, each once: the driver tells of every try, and the tries with and without TLS fail alike.
func onceEach(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.Join(strings.Fields(line), " "); !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	return strings.Join(out, " ")
}

// poolConfig reads the address of a database: one host, or several of which the one is meant that takes writes.
func poolConfig(url string) (*pgxpool.Config, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("reading the database's address: %w", err)
	}
	if !strings.Contains(url, "pool_max_conns") {
		cfg.MaxConns = max(cfg.MaxConns, 16)
	}
	c := cfg.ConnConfig
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTimeout
	}
	if !strings.Contains(url, "target_session_attrs") {
		c.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	dialer := &net.Dialer{
		Timeout:         c.ConnectTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: silence / 2, Interval: silence / 5, Count: 3},
		Control: func(network, _ string, conn syscall.RawConn) (err error) {
			if strings.HasPrefix(network, "tcp") {
				err = errors.Join(conn.Control(func(fd uintptr) { err = unacknowledged(fd, int(silence/time.Millisecond)) }), err)
			}
			return err
		},
	}
	c.DialFunc = dialer.DialContext
	return cfg, nil
}

func (e *postgresEngine) reader() querier { return pgReader{e} }

func (e *postgresEngine) lookup() querier { return pgLookup{pgReader{e}} }

// pgReader reads outside a transaction. A read that met a failover is done again, unless rows of it were used already.
type pgReader struct{ e *postgresEngine }

func (r pgReader) on(ctx context.Context, read func(pgQuerier) error) error {
	return r.e.retried(ctx, func(until time.Time) error {
		conn, err := r.e.acquire(ctx, until)
		if err != nil {
			return err
		}
		defer conn.Release()
		return read(pgQuerier{conn})
	})
}

func (r pgReader) exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	return 0, errors.New("a reader writes")
}

func (r pgReader) row(ctx context.Context, query string, args []any, dest ...any) error {
	return r.on(ctx, func(q pgQuerier) error { return q.row(ctx, query, args, dest...) })
}

func (r pgReader) each(ctx context.Context, query string, args []any, scan func(func(...any) error) error) error {
	return r.rows(ctx, pgQuerier.each, query, args, scan)
}

func (r pgReader) adhoc(ctx context.Context, query string, args []any, scan func(func(...any) error) error) error {
	return r.rows(ctx, pgQuerier.adhoc, query, args, scan)
}

type eachFunc func(pgQuerier, context.Context, string, []any, func(func(...any) error) error) error

func (r pgReader) rows(ctx context.Context, each eachFunc, query string, args []any, scan func(func(...any) error) error) error {
	used := false
	return r.on(ctx, func(q pgQuerier) error {
		err := each(q, ctx, query, args, func(row func(...any) error) error {
			used = true
			return scan(row)
		})
		if kind := troubleOf(err); used && kind != noTrouble && ctx.Err() == nil {
			return &finalError{unavailable(kind, err)}
		}
		return err
	})
}

// searchSettings keep the planner to the order of the index: its guesses about values of one path among all are wild, and a
// wrong one costs minutes. With a limit in milliseconds.
const searchSettings = `SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true),
	set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('enable_nestloop', 'off', true),
	set_config('work_mem', '64MB', true), set_config('statement_timeout', $1, true)`

// searching runs fn in one snapshot, of a replica if there is one. One that has begun is not begun again.
func (e *postgresEngine) searching(ctx context.Context, limit time.Duration, fn func(querier) error) error {
	text, begun := strconv.FormatInt(limit.Milliseconds(), 10), false
	served, err := e.replicaRead(ctx, &begun, func(conn *pgxpool.Conn) error { return searchOn(ctx, conn, text, &begun, fn) })
	if served {
		return err
	}
	return e.retried(ctx, func(until time.Time) error {
		conn, err := e.acquire(ctx, until)
		if err != nil {
			return err
		}
		defer conn.Release()
		begun = false
		err = searchOn(ctx, conn, text, &begun, fn)
		if kind := troubleOf(err); begun && kind != noTrouble && ctx.Err() == nil {
			e.suspect()
			return &finalError{unavailable(kind, err)}
		}
		return err
	})
}

func (e *postgresEngine) snapshot(ctx context.Context, fn func(querier) error) error {
	conn, err := e.connection(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error { return fn(pgQuerier{tx}) })
}

func (e *postgresEngine) migrate(ctx context.Context) error {
	return e.withSchema(func(p *goose.Provider) error { return up(ctx, p) })
}

func (e *postgresEngine) version(ctx context.Context) (current, known int64, err error) {
	err = e.withSchema(func(p *goose.Provider) (err error) {
		current, known, err = p.GetVersions(ctx)
		return err
	})
	return current, known, err
}

func (e *postgresEngine) withSchema(fn func(*goose.Provider) error) error {
	db := stdlib.OpenDBFromPool(e.pool)
	defer db.Close()
	p, err := provider(goose.DialectPostgres, db)
	if err != nil {
		return err
	}
	return mayMake(fn(p))
}

// mayMake says what is missing where the user of the database may not make tables: since PostgreSQL 15 only the database's owner may.
func mayMake(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "42501" || pg.Code == "3F000") {
		return fmt.Errorf("%w: the database's user has to own the database, or be allowed to make tables there (GRANT CREATE ON SCHEMA public)", err)
	}
	return err
}

func (e *postgresEngine) ping(ctx context.Context) error {
	conn, err := e.connection(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	return conn.Ping(ctx)
}

func (e *postgresEngine) close() error {
	if e.replicas != nil {
		e.replicas.close()
	}
	e.pool.Close()
	return nil
}
