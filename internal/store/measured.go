package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/telemetry"
)

// measuredEngine counts and traces the statements of an engine.
type measuredEngine struct {
	engine
	metrics *telemetry.Metrics
}

func measured(e engine, m *telemetry.Metrics) engine { return &measuredEngine{e, m} }

func (e *measuredEngine) reader() querier { return measuredQuerier{e.engine.reader(), e.metrics} }

func (e *measuredEngine) lookup() querier { return measuredQuerier{e.engine.lookup(), e.metrics} }

func (e *measuredEngine) replica() querier { return measuredQuerier{e.engine.replica(), e.metrics} }

func (e *measuredEngine) write(ctx context.Context, fn func(querier) error) error {
	return e.wrote(time.Now(), e.engine.write(ctx, func(q querier) error { return fn(measuredQuerier{q, e.metrics}) }))
}

func (e *measuredEngine) writeOne(ctx context.Context, fn func(querier) error) error {
	return e.wrote(time.Now(), e.engine.writeOne(ctx, func(q querier) error { return fn(measuredQuerier{q, e.metrics}) }))
}

func (e *measuredEngine) writeSoon(ctx context.Context, fn func(querier) error) error {
	return e.wrote(time.Now(), e.engine.writeSoon(ctx, func(q querier) error { return fn(measuredQuerier{q, e.metrics}) }))
}

func (e *measuredEngine) wrote(start time.Time, err error) error {
	e.metrics.Since(telemetry.WriteTime, start)
	return err
}

func (e *measuredEngine) searching(ctx context.Context, limit time.Duration, fn func(querier) error) error {
	return e.engine.searching(ctx, limit, func(q querier) error { return fn(measuredQuerier{q, e.metrics}) })
}

// measuredQuerier measures each statement. A span says what a statement does to which table: never its text, which is long, and never its
// arguments.
type measuredQuerier struct {
	querier
	metrics *telemetry.Metrics
}

func (m measuredQuerier) exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	ctx, d := m.begin(ctx, query)
	n, err = m.querier.exec(ctx, query, args...)
	d.end(m.metrics, err)
	return n, err
}

func (m measuredQuerier) row(ctx context.Context, query string, args []any, dest ...any) error {
	ctx, d := m.begin(ctx, query)
	err := m.querier.row(ctx, query, args, dest...)
	d.end(m.metrics, err)
	return err
}

func (m measuredQuerier) each(ctx context.Context, query string, args []any, scan func(func(...any) error) error) error {
	ctx, d := m.begin(ctx, query)
	err := m.querier.each(ctx, query, args, scan)
	d.end(m.metrics, err)
	return err
}

func (m measuredQuerier) adhoc(ctx context.Context, query string, args []any, scan func(func(...any) error) error) error {
	ctx, d := m.begin(ctx, query)
	err := m.querier.adhoc(ctx, query, args, scan)
	d.end(m.metrics, err)
	return err
}

// doing is a statement that runs.
type doing struct {
	verb  string
	start time.Time
	span  *telemetry.Span
}

func (m measuredQuerier) begin(ctx context.Context, query string) (context.Context, doing) {
	d := doing{verb: verbOf(query)}
	if telemetry.Recording(ctx) {
		table := tableOf(query)
		ctx, d.span = telemetry.Start(ctx, "sql "+d.verb+" "+table, "db.operation.name", d.verb, "db.collection.name", table)
	}
	if m.metrics != nil {
		d.start = time.Now()
	}
	return ctx, d
}

func (d doing) end(m *telemetry.Metrics, err error) {
	m.Since(telemetry.SQLTime, d.start, d.verb)
	if err != nil && !expected(err) {
		m.Add(telemetry.SQLErrors, 1, d.verb)
		d.span.Fail("database")
	}
	d.span.End()
}

// expected tells whether an error is an answer rather than a failure of the database.
func expected(err error) bool {
	var ours *stagedoor.Error
	return errors.Is(err, errNoRows) || errors.As(err, &ours) || uniqueViolation(err) != "" || errors.Is(err, context.Canceled)
}

// verbOf is what a statement does.
func verbOf(query string) string {
	for len(query) > 0 && (query[0] <= ' ' || query[0] == '(') {
		query = query[1:]
	}
	if query == "" {
		return ""
	}
	switch query[0] {
	case 'I':
		return "insert"
	case 'U':
		return "update"
	case 'D':
		return "delete"
	}
	switch {
	case strings.HasPrefix(query, "WITH doomed"):
		return "delete"
	case strings.HasPrefix(query, "WITH owner"), strings.HasPrefix(query, "WITH origin"):
		return "insert"
	}
	return "select"
}

// tableOf is the first table that a statement names, not counting those of the statements within it.
func tableOf(query string) string {
	words, depth := strings.Fields(query[:min(len(query), 2000)]), 0
	for i, w := range words[:max(len(words)-1, 0)] {
		if depth <= 0 && (w == "FROM" || w == "INTO" || w == "UPDATE" && words[i+1] != "OR" || w == "REPLACE") {
			if words[i+1][0] == '(' { // it reads what another statement answers
				return tableOf(strings.TrimLeft(strings.Join(words[i+1:], " "), "( "))
			}
			return strings.Trim(words[i+1], "),")
		}
		depth += strings.Count(w, "(") - strings.Count(w, ")")
	}
	return ""
}

// Load tells what the database is busy with.
func (db *DB) Load(tell func(telemetry.Metric, float64, ...string)) {
	db.logs.mu.Lock()
	tell(telemetry.LogQueue, float64(len(db.logs.queued)))
	db.logs.mu.Unlock()
	switch e := db.bare.(type) {
	case *sqliteEngine:
		e.mu.Lock()
		tell(telemetry.WriteQueue, float64(len(e.queue)))
		e.mu.Unlock()
	case *postgresEngine:
		s := e.pool.Stat()
		tell(telemetry.PoolConnections, float64(s.AcquiredConns()), "used")
		tell(telemetry.PoolConnections, float64(s.IdleConns()), "idle")
		tell(telemetry.PoolConnections, float64(s.MaxConns()), "most")
		tell(telemetry.PoolWaits, float64(s.EmptyAcquireCount()))
		tell(telemetry.PoolWaitTime, s.AcquireDuration().Seconds())
	}
}

// Ready tells whether the database answers and has at least what this program needs: that a newer one has migrated it does not matter.
func (db *DB) Ready(ctx context.Context) error {
	known, err := newest()
	if err != nil {
		return err
	}
	if err := db.ping(ctx); err != nil {
		return err
	}
	var current int64
	if err := db.reader().row(ctx, "SELECT MAX(version_id) FROM goose_db_version WHERE is_applied", nil, &current); err != nil {
		return err
	}
	if current < known {
		return errors.New("the database is not migrated: run `stagedoor migrate`")
	}
	return nil
}
