package store

import (
	"context"
	"sync"
	"testing"
)

// listening is an engine that tells of each statement.
type listening struct {
	engine
	heard func(query string, args []any)
}

type listeningQuerier struct {
	querier
	heard func(query string, args []any)
}

func (l listening) reader() querier  { return listeningQuerier{l.engine.reader(), l.heard} }
func (l listening) replica() querier { return listeningQuerier{l.engine.replica(), l.heard} }

func (l listening) write(ctx context.Context, fn func(querier) error) error {
	return l.engine.write(ctx, func(q querier) error { return fn(listeningQuerier{q, l.heard}) })
}

func (l listening) writeOne(ctx context.Context, fn func(querier) error) error {
	return l.engine.writeOne(ctx, func(q querier) error { return fn(listeningQuerier{q, l.heard}) })
}

func (l listeningQuerier) exec(ctx context.Context, query string, args ...any) (int64, error) {
	l.heard(query, args)
	return l.querier.exec(ctx, query, args...)
}

func (l listeningQuerier) row(ctx context.Context, query string, args []any, dest ...any) error {
	l.heard(query, args)
	return l.querier.row(ctx, query, args, dest...)
}

func (l listeningQuerier) each(ctx context.Context, query string, args []any, scan func(func(...any) error) error) error {
	l.heard(query, args)
	return l.querier.each(ctx, query, args, scan)
}

func (l listeningQuerier) adhoc(ctx context.Context, query string, args []any, scan func(func(...any) error) error) error {
	l.heard(query, args)
	return l.querier.adhoc(ctx, query, args, scan)
}

// PlansOf are the plans of the statements that a function runs, by their text.
func PlansOf(t testing.TB, db *DB, do func()) map[string]string {
	t.Helper()
	var mu sync.Mutex
	statements, before := map[string][]any{}, db.engine
	set := func(e engine) {
		db.logs.writing.Lock() // log events are written all the while
		defer db.logs.writing.Unlock()
		db.engine = e
	}
	set(listening{before, func(query string, args []any) {
		mu.Lock()
		defer mu.Unlock()
		statements[query] = args
	}})
	do()
	set(before)
	return plans(t, db, statements)
}
