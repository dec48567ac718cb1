package store

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
)

// EventQueue names a stream that has events to deliver.
type EventQueue struct{ Tenant, Stream string }

// DueEvents is a stream with events that it is time to deliver.
type DueEvents struct {
	EventQueue
	Age time.Duration // of the first of these; of one that somebody wants sent again, since then
}

// dueEventStreams goes from one stream to the next by the index events_pending and looks at the first event of each that is due, so that a long
// backlog costs no more than a short one. What depends on a stream is asked for by expressions, which no engine turns into a join over the backlog.
const dueEventStreams = `
WITH RECURSIVE
t (tenant) AS (
	SELECT MIN(tenant) FROM events WHERE status = 'pending'
	UNION ALL
	SELECT (SELECT MIN(e.tenant) FROM events e WHERE e.status = 'pending' AND e.tenant > t.tenant) FROM t WHERE t.tenant IS NOT NULL
),
q (tenant, stream) AS (
	SELECT t.tenant, (SELECT MIN(e.stream) FROM events e WHERE e.status = 'pending' AND e.tenant = t.tenant) FROM t WHERE t.tenant IS NOT NULL
	UNION ALL
	SELECT q.tenant, (SELECT MIN(e.stream) FROM events e WHERE e.status = 'pending' AND e.tenant = q.tenant AND e.stream > q.stream) FROM q WHERE q.stream IS NOT NULL
)
SELECT tenant, stream, oldest FROM (
	SELECT q.tenant, q.stream, (SELECT CASE WHEN e.forced = 1 THEN e.due_at * 1000 ELSE e.at END FROM events e WHERE e.status = 'pending' AND e.tenant = q.tenant AND e.stream = q.stream AND (e.due_at <= ? OR e.due_at > ?)
		ORDER BY e.at, e.id LIMIT 1) AS oldest
	FROM q WHERE q.stream IS NOT NULL
) s WHERE oldest IS NOT NULL ORDER BY ROW_NUMBER() OVER (PARTITION BY tenant ORDER BY oldest), oldest LIMIT ?`

// DueEventStreams lists streams with events that it is time to deliver: of each tenant the one with the oldest event first, then the next one of each. A tenant with many streams
// that are behind fills no list.
func (db *DB) DueEventStreams(ctx context.Context, most int) ([]DueEvents, error) {
	// Most databases have nothing to deliver, and PostgreSQL takes the question below to be worth compiling, which takes longer than the answer.
	var some int
	if err := db.reader().row(ctx, "SELECT COUNT(*) FROM (SELECT 1 FROM events WHERE status = 'pending' LIMIT 1) AS one", nil, &some); err != nil || some == 0 {
		return nil, err
	}
	var out []DueEvents
	now := db.clock.Now()
	err := db.reader().each(ctx, dueEventStreams,
		[]any{now.UnixMilli(), now.Add(longestRest).UnixMilli(), most}, func(scan func(...any) error) error {
			var e DueEvents
			var oldest int64
			err := scan(&e.Tenant, &e.Stream, &oldest)
			e.Age = now.Sub(time.UnixMicro(oldest))
			out = append(out, e)
			return err
		})
	return out, err
}

// EventBacklog tells how much waits to be delivered to a stream, what is under way included: how many events, counted up to most, and the bytes that
// these take.
func (s *Store) EventBacklog(ctx context.Context, stream string, most int) (n int, bytes int64, err error) {
	size := "octet_length(doc)"
	if s.db.postgres {
		size = "pg_column_size(doc)" // as it is stored: nothing has to be unpacked
	}
	err = s.read().row(ctx, "SELECT COUNT(*), COALESCE(SUM("+size+"), 0) FROM (SELECT doc FROM events WHERE status = 'pending' AND tenant = ? AND stream = ? ORDER BY at, id LIMIT ?) AS waiting",
		[]any{s.tenant.ID, stream, most}, &n, &bytes)
	return n, bytes, err
}

// ClaimEvents takes events of a stream to deliver them until then, the oldest first: of many servers one gets each. What is neither settled nor
// released by then is due again.
func (s *Store) ClaimEvents(ctx context.Context, stream string, most int, until time.Time) ([]stagedoor.EventDelivery, error) {
	const due = "tenant = ? AND stream = ? AND status = 'pending' AND (due_at <= ? OR due_at > ?)"
	lock := ""
	if s.db.postgres {
		lock = " FOR UPDATE SKIP LOCKED"
	}
	now := s.db.clock.Now()
	at, far := now.UnixMilli(), now.Add(longestRest).UnixMilli()
	var out []stagedoor.EventDelivery
	err := s.writeOne(ctx, func(q querier) error {
		out = nil
		// materialized: a planner may ask a subquery anew for each row, and each time it would find other ones
		return q.each(ctx, "WITH claimed AS MATERIALIZED (SELECT tenant, stream, id FROM events WHERE "+due+" ORDER BY at, id LIMIT ?"+lock+
			") UPDATE events SET due_at = ? WHERE (tenant, stream, id) IN (SELECT tenant, stream, id FROM claimed)"+
			" AND (due_at <= ? OR due_at > ?) RETURNING stream, id, type, status, forced, doc, attempts, at",
			[]any{s.tenant.ID, stream, at, far, most, millis(until), at, far}, func(scan func(...any) error) error {
				d, err := scanEvent(scan)
				if err == nil {
					out = append(out, *d)
				}
				return err
			})
	})
	slices.SortFunc(out, func(a, b stagedoor.EventDelivery) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	return out, err
}

// ReleaseEvent gives a claimed event back as it was.
func (s *Store) ReleaseEvent(ctx context.Context, d *stagedoor.EventDelivery) error {
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "UPDATE events SET due_at = ? WHERE tenant = ? AND stream = ? AND id = ? AND status = 'pending'",
			s.db.clock.Now().UnixMilli(), s.tenant.ID, d.Stream, d.ID)
		return err
	})
}

// RetryEvent notes that a try failed and that there is another one at a time.
func (s *Store) RetryEvent(ctx context.Context, d *stagedoor.EventDelivery, at time.Time) error {
	attempts, err := json.Marshal(d.Attempts)
	if err != nil {
		return err
	}
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "UPDATE events SET attempts = ?, due_at = ? WHERE tenant = ? AND stream = ? AND id = ? AND status = 'pending'",
			document(attempts), millis(at), s.tenant.ID, d.Stream, d.ID)
		return err
	})
}

// SettleEvent ends a delivery: one that succeeded goes, one that was given up stays until somebody asks for it again or it expires. streak is how
// many of the stream have failed one after the other.
func (s *Store) SettleEvent(ctx context.Context, d *stagedoor.EventDelivery, delivered bool) (streak int, err error) {
	attempts, err := json.Marshal(d.Attempts)
	if err != nil {
		return 0, err
	}
	now := s.db.clock.Now()
	err = s.write(ctx, func(q querier) error {
		streak = 0
		key := []any{s.tenant.ID, d.Stream, d.ID}
		ended, failed := "DELETE FROM events WHERE tenant = ? AND stream = ? AND id = ? AND status = 'pending'", 0
		if !delivered {
			failed = 1
			ended = "UPDATE events SET status = '" + stagedoor.EventFailed + "', attempts = ?, expires_at = ? WHERE tenant = ? AND stream = ? AND id = ? AND status = 'pending'"
			key = append([]any{document(attempts), millis(now.Add(eventsKept))}, key...)
		}
		n, err := q.exec(ctx, ended, key...)
		if err != nil || n == 0 {
			return err // the stream was deleted meanwhile, or another server has settled it
		}
		hour := now.Truncate(time.Hour)
		_, err = q.exec(ctx, `INSERT INTO event_counts (tenant, stream, hour, delivered, failed, expires_at) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (tenant, stream, hour) DO UPDATE SET delivered = event_counts.delivered + excluded.delivered, failed = event_counts.failed + excluded.failed`,
			s.tenant.ID, d.Stream, millis(hour), 1-failed, failed, millis(hour.Add(eventsKept)))
		if err != nil {
			return err
		}
		if delivered {
			_, err = q.exec(ctx, "DELETE FROM event_streaks WHERE tenant = ? AND stream = ?", s.tenant.ID, d.Stream)
			return err
		}
		return q.row(ctx, `INSERT INTO event_streaks (tenant, stream, failures) VALUES (?, ?, 1)
			ON CONFLICT (tenant, stream) DO UPDATE SET failures = event_streaks.failures + 1 RETURNING failures`, []any{s.tenant.ID, d.Stream}, &streak)
	})
	return streak, err
}
