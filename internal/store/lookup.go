package store

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stagedoor/stagedoor/internal/telemetry"
)

// lookups gathers the reads by a key of a PostgreSQL database that come while others are under way: those go together, in one round trip (ADR 21). A read
// that comes alone goes at once. What is read is never older than its caller's question.
//
// A read of a group that gets no answer is left to its own caller, who asks again: so one cannot harm another.
type lookups struct {
	engine *postgresEngine
	most   int // round trips at once

	mu      sync.Mutex
	active  int
	waiting []*lookup
}

// lookup is a read that waits for its group.
type lookup struct {
	query string
	args  []any
	dest  []any
	span  *telemetry.Span // of the wait
	done  chan struct{}

	answered bool
	err      error // nil, or errNoRows
}

// How many reads go in a round trip, and how long one may take before it is given up.
const (
	lookupGroup    = 64
	lookupPatience = time.Second
)

func newLookups(e *postgresEngine) *lookups {
	return &lookups{engine: e, most: max(2, runtime.GOMAXPROCS(0))}
}

// row answers a read, with others or, by alone, for itself.
func (l *lookups) row(ctx context.Context, query string, args, dest []any, alone func() error) error {
	l.mu.Lock()
	if l.active < l.most {
		l.active++
		l.mu.Unlock()
		defer holdSlot(l.next)()
		return alone()
	}
	one := &lookup{query: query, args: args, dest: dest, done: make(chan struct{})}
	_, one.span = telemetry.Start(ctx, "wait for a group of reads")
	l.waiting = append(l.waiting, one)
	l.mu.Unlock()
	<-one.done
	one.span.End()
	if one.answered {
		return one.err
	}
	return alone()
}

// next has those who wait take a place, if anybody does.
func (l *lookups) next() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.active--
		return
	}
	go l.run()
}

func (l *lookups) run() {
	defer holdSlot(l.next)()
	runtime.Gosched() // let those who were just answered come with their next read
	group := l.take()
	if len(group) > 0 {
		l.read(group)
	}
	for _, one := range group {
		close(one.done)
	}
}

func (l *lookups) take() []*lookup {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.waiting), lookupGroup)
	group := l.waiting[:n:n]
	if l.waiting = l.waiting[n:]; len(l.waiting) == 0 {
		l.waiting = nil
	}
	return group
}

// read asks for a group. What goes wrong ends it: those who have no answer then ask by themselves, and learn what it was.
func (l *lookups) read(group []*lookup) {
	waits := make([]*telemetry.Span, len(group))
	for i, one := range group {
		waits[i] = one.span
	}
	ctx, span := telemetry.Together(waits, "group of reads")
	span.SetInt("stagedoor.reads", len(group))
	defer span.End()
	ctx, cancel := context.WithTimeout(ctx, lookupPatience)
	defer cancel()
	if err := l.ask(ctx, group); err != nil {
		span.Fail("database")
	}
}

func (l *lookups) ask(ctx context.Context, group []*lookup) error {
	conn, err := l.engine.connection(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	batch := &pgx.Batch{}
	for _, one := range group {
		batch.Queue(rebind(one.query), one.args...).QueryRow(one.scan)
	}
	return conn.SendBatch(ctx, batch).Close()
}

func (one *lookup) scan(row pgx.Row) error {
	err := row.Scan(one.dest...)
	if errors.Is(err, pgx.ErrNoRows) {
		one.answered, one.err = true, errNoRows
		return nil
	}
	one.answered = err == nil
	return err
}

// pgLookup reads by a key, a row at a time.
type pgLookup struct{ pgReader }

func (r pgLookup) row(ctx context.Context, query string, args []any, dest ...any) error {
	if !storable(args) {
		return errNoRows
	}
	return r.e.lookups.row(ctx, query, args, dest, func() error { return r.pgReader.row(ctx, query, args, dest...) })
}
