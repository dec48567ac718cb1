package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/telemetry"
)

const (
	logDay        = 24 * 60 * 60 * 1000 // milliseconds
	tenantsAtOnce = 500                 // tenants that are read at once
)

// Retention is how long and how much of tenants' logs is kept where a tenant does not say; 0 is without end.
type Retention struct {
	LogDays  int
	LogBytes int64
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
		var first, bytes *int64
		err := db.reader().row(ctx, "SELECT MIN(day), CAST(SUM(bytes) AS BIGINT) FROM log_days WHERE tenant = ?", []any{tenant}, &first, &bytes)
		if err != nil || first == nil {
			return err
		}
		excess := int64(0)
		if most > 0 && *bytes > most {
			excess = *bytes - most
		}
		if excess == 0 && *first*logDay >= before {
			return nil
		}
		start := time.Now()
		more, err := db.pruneBatch(ctx, tenant, before, excess)
		if err != nil || !more {
			return err
		}
		if err := pause(ctx, time.Since(start)); err != nil {
			return err
		}
	}
}

// pruneBatch deletes some of the oldest events: those from before, or until so many bytes are gone. It tells whether there may be more.
func (db *DB) pruneBatch(ctx context.Context, tenant string, before, excess int64) (more bool, err error) {
	var last string
	gone := map[int64][2]int64{} // by day: events, bytes
	read, n := 0, int64(0)
	err = db.reader().each(ctx, "SELECT id, date, "+db.docLength()+" FROM logs WHERE tenant = ? ORDER BY id LIMIT ?", []any{tenant, sweepRows}, func(scan func(...any) error) error {
		var id string
		var date, size int64
		if err := scan(&id, &date, &size); err != nil {
			return err
		}
		read++
		if int64(read-1) != n || date >= before && excess <= 0 {
			return nil // the first that stays keeps all after it
		}
		last, n, excess = id, n+1, excess-size
		d := gone[date/logDay]
		gone[date/logDay] = [2]int64{d[0] + 1, d[1] + size}
		return nil
	})
	if err != nil {
		return false, err
	}
	if n == 0 {
		if read > 0 {
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
