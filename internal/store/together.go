package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Together runs fn in one transaction: all that it does through the handle that it gets is kept, or, after an error, nothing. Other writers
// of an SQLite file wait meanwhile. fn works in one goroutine and may be run again after it lost against another transaction, so that it
// must only set its results. The handle is of no use afterwards.
func (db *DB) Together(ctx context.Context, fn func(in *DB) error) error {
	var in *DB
	err := db.write(ctx, func(q querier) error {
		in = db.inside(q)
		if err := fn(in); err != nil {
			return err
		}
		return in.engine.(*nested).newVersions(ctx)
	})
	if in == nil || err != nil {
		return err
	}
	for _, e := range in.logs.take(len(in.logs.queued)) {
		db.logs.add(e.tenant, e.event)
	}
	db.forgetAll()
	return nil
}

// Part runs fn as a part of what Together does: after an error nothing of the part is kept, the rest is.
func (db *DB) Part(ctx context.Context, fn func() error) error {
	written := len(db.logs.queued)
	err := db.write(ctx, func(querier) error { return fn() })
	if err == nil {
		return nil
	}
	db.logs.queued = db.logs.queued[:min(written, len(db.logs.queued))]
	db.forgetAll()
	return err
}

type keyID struct{}

// WithID has the next record of configuration that is created under the context get an id that it had elsewhere.
func WithID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, keyID{}, &id)
}

// newID is the id of a new record: the one that WithID gives, once, or a fresh one.
func newID(ctx context.Context, fresh func() string) string {
	if given, is := ctx.Value(keyID{}).(*string); is && *given != "" {
		id := *given
		*given = ""
		return id
	}
	return fresh()
}

// inside is a handle of the database within a transaction. What is kept in memory is its own: others do not see yet what it sees. Of the configuration
// nothing is.
func (db *DB) inside(q querier) *DB {
	in := &DB{
		engine: &nested{q: q, changed: map[string]bool{}}, postgres: db.postgres, sealer: db.sealer, clock: db.clock, log: db.log, search: db.search, searchLimit: db.searchLimit, ceiling: db.ceiling, stamped: db.stamped, systemScopes: db.systemScopes,
		hosts: map[string]*cachedTenant{}, byID: map[string]*cachedTenant{},
	}
	in.logs = &logQueue{db: in, wake: make(chan struct{}, 1)}
	return in
}

// nested is an engine within a transaction: its writes are parts of it.
type nested struct {
	q       querier
	depth   int
	changed map[string]bool // tenants whose configuration has another version at the end of the transaction
}

// newVersions gives versions last, as a write by itself does: each locks a row that all changes of the tenant's configuration want.
func (e *nested) newVersions(ctx context.Context) error {
	for _, tenant := range slices.Sorted(maps.Keys(e.changed)) {
		var there string // it may have come in a part that was undone
		err := e.q.row(ctx, "SELECT id FROM tenants WHERE id = ?", []any{tenant}, &there)
		if err == nil {
			err = newVersion(ctx, e.q, tenant)
		}
		if err != nil && !errors.Is(err, errNoRows) {
			return err
		}
	}
	return nil
}

func (e *nested) reader() querier { return e.q }

func (e *nested) lookup() querier { return e.q }

func (e *nested) replica() querier { return e.q }

func (e *nested) write(ctx context.Context, fn func(querier) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e.depth++
	defer func() { e.depth-- }()
	name := fmt.Sprintf("part%d", e.depth)
	if _, err := e.q.exec(ctx, "SAVEPOINT "+name); err != nil {
		return err
	}
	if err := runWrite(e.q, fn); err != nil {
		ctx = context.WithoutCancel(ctx)
		_, undo := e.q.exec(ctx, "ROLLBACK TO SAVEPOINT "+name)
		if undo == nil {
			_, undo = e.q.exec(ctx, "RELEASE SAVEPOINT "+name)
		}
		if undo != nil {
			return errors.Join(err, undo)
		}
		return err
	}
	_, err := e.q.exec(ctx, "RELEASE SAVEPOINT "+name)
	return err
}

func (e *nested) writeOne(ctx context.Context, fn func(querier) error) error { return e.write(ctx, fn) }

func (e *nested) writeSoon(ctx context.Context, fn func(querier) error) error {
	return e.write(ctx, fn)
}

func (e *nested) searching(_ context.Context, _ time.Duration, fn func(querier) error) error {
	return fn(e.q)
}

func (e *nested) snapshot(_ context.Context, fn func(querier) error) error { return fn(e.q) }

var errNested = errors.New("store: not within a transaction")

func (e *nested) migrate(context.Context) error                             { return errNested }
func (e *nested) version(context.Context) (current, known int64, err error) { return 0, 0, errNested }
func (e *nested) ping(context.Context) error                                { return nil }
func (e *nested) close() error                                              { return nil }
