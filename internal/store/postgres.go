package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// attempts is how often a transaction is tried that failed only because of another one.
const attempts = 10

type postgresEngine struct{ pool *pgxpool.Pool }

func openPostgres(ctx context.Context, url string) (engine, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("reading the database's address: %w", err)
	}
	if cfg.MaxConns < 16 {
		cfg.MaxConns = 16
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	ping, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := pool.Ping(ping); err != nil {
		pool.Close()
		return nil, fmt.Errorf("reaching the database: %s", strings.Join(strings.Fields(err.Error()), " "))
	}
	return &postgresEngine{pool}, nil
}

func (e *postgresEngine) reader() querier { return pgQuerier{e.pool} }

// write runs fn in one transaction and tries again when it lost against another one; fn
// must therefore only set its results, not add to them.
func (e *postgresEngine) write(ctx context.Context, fn func(querier) error) error {
	return retried(ctx, func() error {
		return pgx.BeginFunc(ctx, e.pool, func(tx pgx.Tx) error { return runWrite(pgQuerier{tx}, fn) })
	})
}

// writeOne runs an fn of one statement, which is a transaction by itself: one round trip for three.
func (e *postgresEngine) writeOne(ctx context.Context, fn func(querier) error) error {
	return retried(ctx, func() error { return runWrite(pgQuerier{e.pool}, fn) })
}

// searchSettings keep the planner to the order of the index: its guesses about values of one path among all are wild, and a
// wrong one costs minutes. With a limit in milliseconds.
const searchSettings = `SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true),
	set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('enable_nestloop', 'off', true),
	set_config('work_mem', '64MB', true), set_config('statement_timeout', $1, true)`

// searching runs fn in one snapshot.
func (e *postgresEngine) searching(ctx context.Context, limit time.Duration, fn func(querier) error) error {
	return pgx.BeginTxFunc(ctx, e.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, searchSettings, strconv.FormatInt(limit.Milliseconds(), 10)); err != nil {
			return err
		}
		return fn(pgQuerier{tx})
	})
}

func (e *postgresEngine) snapshot(ctx context.Context, fn func(querier) error) error {
	return pgx.BeginTxFunc(ctx, e.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error { return fn(pgQuerier{tx}) })
}

func retried(ctx context.Context, try func() error) error {
	var err error
	for i := range attempts {
		err = try()
		if !retryable(err) {
			return err
		}
		select {
		case <-time.After(time.Duration(i+1) * 3 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
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
	return fn(p)
}

func (e *postgresEngine) ping(ctx context.Context) error { return e.pool.Ping(ctx) }

func (e *postgresEngine) close() error {
	e.pool.Close()
	return nil
}
