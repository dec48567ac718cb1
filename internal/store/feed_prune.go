package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stagedoor/stagedoor/internal/telemetry"
)

// feedTenants goes from one tenant that has events to be read to the next, by the key.
const feedTenants = `
WITH RECURSIVE t (tenant) AS (
	SELECT MIN(tenant) FROM feed_events
	UNION ALL
	SELECT (SELECT MIN(e.tenant) FROM feed_events e WHERE e.tenant > t.tenant) FROM t WHERE t.tenant IS NOT NULL
)
SELECT tenant FROM t WHERE tenant IS NOT NULL`

// pruneFeedFirst and pruneFeedRest delete some of the oldest events of a tenant: those that begin before what it may have.
const (
	pruneFeedFirst = `WITH doomed AS MATERIALIZED (SELECT tenant, id, total - size AS before FROM feed_events WHERE tenant = ? AND seq IS NOT NULL ORDER BY seq LIMIT ?`
	pruneFeedRest  = `) DELETE FROM feed_events WHERE (tenant, id) IN (SELECT tenant, id FROM doomed WHERE before < ?)`
)

// pruneFeeds deletes the oldest of the events that are kept to be read, where a tenant has too many.
func (db *DB) pruneFeeds(ctx context.Context) error {
	if db.retention.FeedBytes <= 0 {
		return nil
	}
	var tenants []string
	err := db.reader().each(ctx, feedTenants, nil, func(scan func(...any) error) error {
		var tenant string
		err := scan(&tenant)
		tenants = append(tenants, tenant)
		return err
	})
	errs := []error{err}
	for _, tenant := range tenants {
		if err := db.pruneFeed(ctx, tenant, db.retention.FeedBytes); err != nil {
			errs = append(errs, fmt.Errorf("pruning the events of %s: %w", tenant, err))
		}
	}
	return errors.Join(errs...)
}

// pruneFeed leaves a tenant the newest events that have most bytes together. They get their places before: whoever wrote them did not add up.
func (db *DB) pruneFeed(ctx context.Context, tenant string, most int64) error {
	for {
		start := time.Now()
		n, err := db.numberFeed(ctx, tenant)
		if err != nil {
			return err
		}
		if n < numberMost {
			break
		}
		if err := pause(ctx, time.Since(start)); err != nil {
			return err
		}
	}
	var total int64
	if err := db.reader().row(ctx, "SELECT total FROM event_feeds WHERE tenant = ?", []any{tenant}, &total); err != nil || total <= most {
		return err
	}
	for {
		start := time.Now()
		var n int64
		err := db.write(ctx, func(q querier) (err error) {
			if err := db.sweepIndexed(ctx, q); err != nil {
				return err
			}
			n, err = q.exec(ctx, db.pruneFeedSQL(), tenant, sweepRows, total-most)
			return err
		})
		db.metrics.Add(telemetry.Swept, float64(n), "feed_events")
		if err != nil || n < sweepRows {
			return err
		}
		if err := pause(ctx, time.Since(start)); err != nil {
			return err
		}
	}
}

func (db *DB) pruneFeedSQL() string {
	if db.postgres { // servers that prune at once take different rows
		return pruneFeedFirst + " FOR UPDATE SKIP LOCKED" + pruneFeedRest
	}
	return pruneFeedFirst + pruneFeedRest
}
