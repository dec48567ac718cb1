package store

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"
)

// WatchWrites has before called before each statement of writes that comes when they hold something, and counts those that PostgreSQL ended because two waited for each other.
func WatchWrites(db *DB, before func(context.Context)) (deadlocks *atomic.Int64) {
	w := &watchedEngine{engine: db.engine, before: before}
	db.engine = w
	return &w.deadlocks
}

type watchedEngine struct {
	engine
	before    func(context.Context)
	deadlocks atomic.Int64
}

func (e *watchedEngine) write(ctx context.Context, fn func(querier) error) error {
	return e.engine.write(ctx, func(q querier) error { return fn(&watchedQuerier{querier: q, e: e}) })
}

func (e *watchedEngine) writeOne(ctx context.Context, fn func(querier) error) error {
	return e.engine.writeOne(ctx, func(q querier) error { return fn(&watchedQuerier{querier: q, e: e}) })
}

func (e *watchedEngine) writeSoon(ctx context.Context, fn func(querier) error) error {
	return e.engine.writeSoon(ctx, func(q querier) error { return fn(&watchedQuerier{querier: q, e: e}) })
}

type watchedQuerier struct {
	querier
	e     *watchedEngine
	begun bool
}

func (q *watchedQuerier) begin(ctx context.Context) {
	if q.begun {
		q.e.before(ctx)
	}
	q.begun = true
}

func (q *watchedQuerier) note(err error) {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "40P01" {
		q.e.deadlocks.Add(1)
	}
}

func (q *watchedQuerier) exec(ctx context.Context, query string, args ...any) (int64, error) {
	q.begin(ctx)
	n, err := q.querier.exec(ctx, query, args...)
	q.note(err)
	return n, err
}

func (q *watchedQuerier) row(ctx context.Context, query string, args []any, dest ...any) error {
	q.begin(ctx)
	err := q.querier.row(ctx, query, args, dest...)
	q.note(err)
	return err
}

func (q *watchedQuerier) each(ctx context.Context, query string, args []any, scan func(func(...any) error) error) error {
	q.begin(ctx)
	err := q.querier.each(ctx, query, args, scan)
	q.note(err)
	return err
}
