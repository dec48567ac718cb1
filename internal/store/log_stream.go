package store

import (
	"context"
	"errors"
	"time"

	"github.com/stagedoor/stagedoor"
)

// LogStreams are the tenants' log streams.
var LogStreams = Kind[stagedoor.LogStream]{
	Name: "log_stream", ID: func(l *stagedoor.LogStream) *string { return &l.ID }, Secret: func(l *stagedoor.LogStream) *string { return &l.Sink },
	NewID:   stagedoor.NewLogStreamID,
	Missing: stagedoor.Errorf(stagedoor.NotFound, "", "The log stream does not exist."),
}

// LogCursor is how far a stream has come.
type LogCursor struct {
	After        string    // the last log event that was sent, or that was passed over
	Failures     int       // in a row
	FailingSince time.Time // zero while it works
	DueAt        time.Time // when to try next; zero while it works
}

// longestRest is more than a stream, an event, a notice or a job ever rests, or is claimed for. What is due later than that was noted by a clock that has
// been put back since.
const longestRest = 10 * time.Minute

// Due tells whether it is time for the next try.
func (c LogCursor) Due(now time.Time) bool {
	return !c.DueAt.After(now) || c.DueAt.After(now.Add(longestRest))
}

// LogCursor returns how far a stream has come.
func (s *Store) LogCursor(ctx context.Context, stream *stagedoor.LogStream) (LogCursor, error) {
	c := LogCursor{After: stream.After}
	var since, due int64
	err := s.read().row(ctx, "SELECT log_id, failing_since, failures, due_at FROM log_cursors WHERE tenant = ? AND stream = ?",
		[]any{s.tenant.ID, stream.ID}, &c.After, &since, &c.Failures, &due)
	if errors.Is(err, errNoRows) {
		return c, nil
	}
	c.FailingSince, c.DueAt = fromMillis(since), fromMillis(due)
	return c, err
}

// ClaimLogCursor takes the work on a stream until then: of many servers one gets it. A claim that is not followed by
// SaveLogCursor ends by itself. A stream that was deleted meanwhile nobody gets.
func (s *Store) ClaimLogCursor(ctx context.Context, stream *stagedoor.LogStream, until time.Time) (claimed bool, err error) {
	now, lock := s.db.clock.Now(), ""
	if s.db.postgres {
		lock = " FOR KEY SHARE" // whoever deletes it waits, and sees what is written here
	}
	err = s.writeOne(ctx, func(q querier) error {
		n, err := q.exec(ctx, `INSERT INTO log_cursors (tenant, stream, log_id, failing_since, failures, due_at)
			SELECT tenant, id, CAST(? AS TEXT), 0, 0, CAST(? AS BIGINT) FROM documents WHERE kind = 'log_stream' AND tenant = ? AND id = ?`+lock+`
			ON CONFLICT (tenant, stream) DO UPDATE SET due_at = excluded.due_at WHERE log_cursors.due_at <= ? OR log_cursors.due_at > ?`,
			stream.After, millis(until), s.tenant.ID, stream.ID, millis(now), millis(now.Add(longestRest)))
		claimed = n > 0
		return err
	})
	return claimed, err
}

// SaveLogCursor notes how far a stream has come and ends the claim.
func (s *Store) SaveLogCursor(ctx context.Context, id string, c LogCursor) error {
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "UPDATE log_cursors SET log_id = ?, failing_since = ?, failures = ?, due_at = ? WHERE tenant = ? AND stream = ?",
			c.After, millis(c.FailingSince), c.Failures, millis(c.DueAt), s.tenant.ID, id)
		return err
	})
}

// ForgetLogCursor makes a stream begin anew at its After.
func (s *Store) ForgetLogCursor(ctx context.Context, id string) error {
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "DELETE FROM log_cursors WHERE tenant = ? AND stream = ?", s.tenant.ID, id)
		return err
	})
}

// DeleteLogStream removes a stream, and how far it has come.
func (s *Store) DeleteLogStream(ctx context.Context, id string) error {
	return s.write(ctx, func(q querier) error {
		if _, err := q.exec(ctx, "DELETE FROM documents WHERE kind = 'log_stream' AND tenant = ? AND id = ?", s.tenant.ID, id); err != nil {
			return err
		}
		_, err := q.exec(ctx, "DELETE FROM log_cursors WHERE tenant = ? AND stream = ?", s.tenant.ID, id)
		return err
	})
}

// LogStreamTenants lists the tenants that have log streams.
func (db *DB) LogStreamTenants(ctx context.Context) ([]string, error) {
	var out []string
	err := db.reader().each(ctx, "SELECT DISTINCT tenant FROM documents WHERE kind = ?", []any{LogStreams.Name}, func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		out = append(out, id)
		return err
	})
	return out, err
}
