package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/telemetry"
)

const (
	logDay        = 24 * 60 * 60 * 1000 // milliseconds
	tenantsAtOnce = 500                 // tenants that are read at once
)

// Retention is how long and how much of tenants' logs is kept where a tenant does not say, and how much of the events that are kept to be read; 0 is without end.
type Retention struct {
	LogDays   int
	LogBytes  int64
	FeedBytes int64
}

// errPruned says that another server was faster.
var errPruned = errors.New("the events are gone already")

// pruneLogs deletes log events that are older than their tenant keeps them, and the oldest where there are too many.
func (db *DB) pruneLogs(ctx context.Context) error {
	var errs []error
	for after := ""; ; {
		type one struct {
			id    string
			local stagedoor.LocalSettings
		}
		var page []one
		err := db.reader().each(ctx, "SELECT id, settings FROM tenants WHERE id > ? ORDER BY id LIMIT ?", []any{after, tenantsAtOnce}, func(scan func(...any) error) error {
			var id, doc string
			if err := scan(&id, &doc); err != nil {
				return err
			}
			var settings stagedoor.TenantSettings
			err := json.Unmarshal([]byte(doc), &settings)
			page = append(page, one{id, settings.Local})
			return err
		})
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		for _, t := range page {
			if err := db.pruneLog(ctx, t.id, t.local); err != nil {
				errs = append(errs, fmt.Errorf("pruning the log of %s: %w", t.id, err))
			}
		}
		if len(page) < tenantsAtOnce || ctx.Err() != nil {
			return errors.Join(errs...)
		}
		after = page[len(page)-1].id
	}
}

// pruneLog prunes the log of one tenant.
func (db *DB) pruneLog(ctx context.Context, tenant string, local stagedoor.LocalSettings) error {
	days, most := db.retention.LogDays, db.retention.LogBytes
	if local.LogRetentionDays > 0 {
		days = local.LogRetentionDays
	}
	if local.LogMaxBytes > 0 {
		most = int64(local.LogMaxBytes)
	}
	var before int64 // events of before are too old
	if days > 0 {
		before = millis(db.clock.Now().Add(-time.Duration(days) * 24 * time.Hour))
	}
	for {
		first, excess, err := db.excessOfLog(ctx, tenant, most)
		if err != nil || excess == 0 && first*logDay >= before {
			return err
		}
		start := time.Now()
		more, err := db.pruneBatch(ctx, tenant, before, most)
		if err != nil || !more {
			return err
		}
		if err := pause(ctx, time.Since(start)); err != nil {
			return err
		}
	}
}

// excessOfLog returns the day of the oldest events, and how many bytes there are of more than most; 0 of most is without end. A log that is empty
// begins in a day that never comes.
func (db *DB) excessOfLog(ctx context.Context, tenant string, most int64) (first, excess int64, err error) {
	var day, bytes *int64
	err = db.reader().row(ctx, "SELECT MIN(day), CAST(SUM(bytes) AS BIGINT) FROM log_days WHERE tenant = ?", []any{tenant}, &day, &bytes)
	if err != nil || day == nil {
		return math.MaxInt64 / logDay, 0, err
	}
	if most > 0 {
		excess = max(0, *bytes-most)
	}
	return *day, excess, nil
}

// pruneBatch deletes some of the oldest events: those from before, or until there are no more than most bytes. It tells whether there may be more.
func (db *DB) pruneBatch(ctx context.Context, tenant string, before, most int64) (more bool, err error) {
	type event struct {
		id         string
		date, size int64
	}
	var oldest []event
	err = db.reader().each(ctx, "SELECT id, date, "+db.docLength()+" FROM logs WHERE tenant = ? ORDER BY id LIMIT ?", []any{tenant, sweepRows}, func(scan func(...any) error) error {
		var e event
		err := scan(&e.id, &e.date, &e.size)
		oldest = append(oldest, e)
		return err
	})
	if err != nil {
		return false, err
	}
	// The excess is read behind the events: if another server deletes in between, the events are too many for what there is, and that is found out below.
	_, excess, err := db.excessOfLog(ctx, tenant, most)
	if err != nil {
		return false, err
	}
	last, n := "", int64(0)
	gone := map[int64][2]int64{} // by day: events, bytes
	for _, e := range oldest {
		if e.date >= before && excess <= 0 {
			break // the first that stays keeps all after it
		}
		last, n, excess = e.id, n+1, excess-e.size
		d := gone[e.date/logDay]
		gone[e.date/logDay] = [2]int64{d[0] + 1, d[1] + e.size}
	}
	if n == 0 {
		if len(oldest) > 0 {
			return false, nil
		}
		return false, db.writeOne(ctx, func(q querier) error { // nothing is there, whatever was counted
			_, err := q.exec(ctx, "DELETE FROM log_days WHERE tenant = ? AND NOT EXISTS (SELECT 1 FROM logs WHERE tenant = ?)", tenant, tenant)
			return err
		})
	}
	err = db.write(ctx, func(q querier) error {
		if err := db.sweepIndexed(ctx, q); err != nil {
			return err
		}
		deleted, err := q.exec(ctx, "DELETE FROM logs WHERE tenant = ? AND id <= ?", tenant, last)
		if err != nil {
			return err
		}
		if deleted != n {
			return errPruned
		}
		for _, day := range sortedDays(gone) {
			_, err := q.exec(ctx, "UPDATE log_days SET events = events - ?, bytes = bytes - ? WHERE tenant = ? AND day = ?", gone[day][0], gone[day][1], tenant, day)
			if err == nil {
				_, err = q.exec(ctx, "DELETE FROM log_days WHERE tenant = ? AND day = ? AND events <= 0", tenant, day)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errPruned) {
		return false, nil // who was faster goes on
	}
	if err == nil {
		db.metrics.Add(telemetry.Swept, float64(n), "logs")
	}
	return err == nil, err
}

func sortedDays[V any](m map[int64]V) []int64 {
	out := make([]int64, 0, len(m))
	for day := range m {
		out = append(out, day)
	}
	slices.Sort(out)
	return out
}

// docLength is the size of an event, in characters.
func (db *DB) docLength() string {
	if db.postgres {
		return "LENGTH(CAST(doc AS TEXT))"
	}
	return "LENGTH(doc)"
}

// LogSize is how much of the tenant's log there is.
func (s *Store) LogSize(ctx context.Context) (events, bytes int64, err error) {
	err = s.read().row(ctx, "SELECT CAST(COALESCE(SUM(events), 0) AS BIGINT), CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM log_days WHERE tenant = ?", []any{s.tenant.ID}, &events, &bytes)
	return events, bytes, err
}
