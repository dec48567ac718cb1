package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stagedoor/stagedoor/internal/telemetry"
)

const (
	sweepRows = 200 // rows that go at once
	sweepIdle = 3   // so many times as long as a batch took nobody sweeps, that others can write
	sweepRest = time.Second

	// reuseKnown is how long a superseded refresh token is remembered that would not expire by itself: whoever comes with it until then ends
	// its family, later they are merely refused.
	reuseKnown = 365 * 24 * time.Hour

	// unwantedKnown is how long an account at a provider stays connected whose tokens no program asks for.
	unwantedKnown = 365 * 24 * time.Hour

	// spentKnown is how long codes and MFA tokens are kept that are over, so that a replay is still known for one.
	spentKnown = 24 * time.Hour
)

// sweep is a table of things that expire: an index leads to those whose time is over, the key to each.
type sweep struct {
	table string
	key   string
	since string        // the column that the index is on; empty: expires_at
	and   string        // what else must hold
	keep  time.Duration // how long a thing is kept after its time
	rows  int           // of a batch; 0: sweepRows
	from  string        // of which tables the keys are taken; empty: table
	by    string        // the index that SQLite would not take by itself
}

// sessionSweep ends sessions, of which clients are told.
var sessionSweep = sweep{table: "sessions", key: "tenant, handle"}

// sweeps is everything that expires. A test holds it to the schema: a table with expires_at that is not here fails.
var sweeps = []sweep{
	{table: "transactions", key: "tenant, id"},
	sessionSweep,
	{table: "access_tokens", key: "tenant, hash"},
	{table: "refresh_tokens", key: "tenant, hash"},
	{table: "refresh_tokens", key: "tenant, hash", since: "used_at", and: "used_at IS NOT NULL AND expires_at = 9223372036854775807", keep: reuseKnown, by: "refresh_tokens_used"},
	{table: "connected_accounts", key: "tenant, id", since: "wanted_at", keep: unwantedKnown},
	{table: "codes", key: "tenant, hash", keep: spentKnown},
	{table: "mfa_tokens", key: "tenant, hash", keep: spentKnown},
	{table: "device_codes", key: "tenant, hash", keep: time.Hour}, // so that a device is told what became of its code
	{table: "tickets", key: "tenant, hash"},
	{table: "logout_notices", key: "tenant, id"},
	{table: "client_assertions", key: "tenant, client_id, jti"},
	{table: "pushed_requests", key: "tenant, hash"},
	{table: "used_proofs", key: "tenant, hash"},
	{table: "one_time_codes", key: "tenant, purpose, subject", keep: time.Hour}, // so that people are told that a code has expired
	{table: "blacklisted_tokens", key: "tenant, aud, jti"},
	{table: "attempts", key: "tenant, kind, subject, connection, place"},
	{table: "pending_factors", key: "tenant, key"},
	{table: "ceremonies", key: "tenant, key"},
	{table: "push_challenges", key: "tenant, hash"},
	{table: "remembered_browsers", key: "tenant, handle, user_id"},
	{table: "known_browsers", key: "tenant, user_id, browser"},
	{table: "invitations", key: "tenant, org_id, id"},
	{table: "action_executions", key: "tenant, id"},
	{table: "flow_executions", key: "tenant, id"},
	{table: "events", key: "tenant, stream, id"},
	{table: "feed_events", key: "tenant, id"},
	{table: "event_counts", key: "tenant, stream, hour"},
	{table: "script_runs", key: "tenant, id", rows: 50},
	{table: "job_parts", key: "tenant, job, kind, n", since: "j.expires_at", and: jobRests, from: "jobs j JOIN job_parts t ON t.tenant = j.tenant AND t.job = j.id", rows: 20},
	{table: "jobs", key: "tenant, id", and: jobRests},
}

// jobRests is true of jobs of which nothing is to be done: one that waits was accepted, however long no server could do it.
const jobRests = "status NOT IN ('pending', 'processing')"

// statement deletes a batch. What it deletes is chosen and locked in the same statement: a session that was prolonged meanwhile stays, and
// servers that sweep at once take different rows.
func (w sweep) statement(postgres bool) string {
	since, from, lock := w.since, w.from, ""
	if since == "" {
		since = "expires_at"
	}
	if from == "" {
		from = w.table + " t"
	}
	where := since + " < ?"
	if w.and != "" {
		where = w.and + " AND " + where
	}
	if w.by != "" && !postgres {
		from += " INDEXED BY " + w.by
	}
	if postgres {
		lock = " FOR UPDATE OF t SKIP LOCKED"
	}
	if postgres && w == sessionSweep { // their users before them, as whoever ends refresh tokens does
		from, lock = from+" JOIN users u ON u.tenant = t.tenant AND u.id = t.user_id", " FOR NO KEY UPDATE OF u SKIP LOCKED"+lock
	}
	return "WITH doomed AS MATERIALIZED (SELECT " + prefixed(w.key) + " FROM " + from + " WHERE " + where + " ORDER BY " + since + " LIMIT ?" + lock +
		") DELETE FROM " + w.table + " WHERE (" + w.key + ") IN (SELECT " + w.key + " FROM doomed)"
}

// prefixed names the columns of a key as those of t.
func prefixed(key string) string {
	out := "t."
	for _, r := range key {
		out += string(r)
		if r == ' ' {
			out += "t."
		}
	}
	return out
}

// sweepSettings keep PostgreSQL to the indexes, however old its statistics are.
const sweepSettings = `SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)`

// Sweep deletes what has expired, of logs what is too old or too much, and of events to be read what is too much, in small batches with pauses in which others write. It is safe on
// any number of servers at once.
func (db *DB) Sweep(ctx context.Context) error {
	start := time.Now()
	err := db.sweep(ctx)
	db.metrics.Since(telemetry.SweepTime, start)
	if err != nil && ctx.Err() == nil {
		db.metrics.Add(telemetry.SweepErrors, 1)
	}
	return err
}

func (db *DB) sweep(ctx context.Context) error {
	var errs []error
	for _, w := range sweeps {
		if err := db.sweepTable(ctx, w); err != nil {
			errs = append(errs, fmt.Errorf("sweeping %s: %w", w.table, err))
		}
	}
	return errors.Join(append(errs, db.sweepMarks(ctx), db.pruneLogs(ctx), db.pruneFeeds(ctx))...)
}

func (db *DB) sweepTable(ctx context.Context, w sweep) error {
	rows := w.rows
	if rows == 0 {
		rows = sweepRows
	}
	query, before := w.statement(db.postgres), millis(db.clock.Now().Add(-w.keep))
	for {
		start := time.Now()
		var n int64
		err := db.write(ctx, func(q querier) (err error) {
			if err := db.sweepIndexed(ctx, q); err != nil {
				return err
			}
			if w == sessionSweep {
				n, err = db.sweepSessions(ctx, q, query, before, rows)
			} else {
				n, err = q.exec(ctx, query, before, rows)
			}
			return err
		})
		if err != nil {
			return err
		}
		db.metrics.Add(telemetry.Swept, float64(n), w.table)
		if n < int64(rows) {
			return nil
		}
		if err := pause(ctx, time.Since(start)); err != nil {
			return err
		}
	}
}

// sweepIndexed makes the statements that follow use indexes. SQLite does by itself.
func (db *DB) sweepIndexed(ctx context.Context, q querier) error {
	if !db.postgres {
		return nil
	}
	_, err := q.exec(ctx, sweepSettings)
	return err
}

// pause lets others write after a batch.
func pause(ctx context.Context, took time.Duration) error {
	select {
	case <-time.After(min(max(sweepIdle*took, time.Millisecond), sweepRest)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
