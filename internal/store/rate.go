package store

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"
)

// rateLimits is the kind of the rows that count requests.
const rateLimits = "rate"

// Shared tells whether other servers may work on the tenant's data.
func (s *Store) Shared() bool { return s.db.postgres }

// RateUse is what a server has let through of one bucket, by the generic cell rate algorithm.
type RateUse struct {
	Tenant, Subject string
	Amount          time.Duration // how much it fills the bucket
	Until           time.Time     // set by TellRates: the bucket is filled until then, by all servers
}

// tellRates takes a time for each bucket, in microseconds, and keeps rows until their buckets are empty.
const (
	tellRates = `INSERT INTO attempts (tenant, kind, subject, connection, place, value, expires_at)
		SELECT tenant, 'rate', subject, '', '', ? + amount, (? + amount) / 1000 + 1 FROM `
	overRates = ` ON CONFLICT (tenant, kind, subject, connection, place) DO UPDATE SET
		value = CASE WHEN attempts.value < ? THEN ? ELSE attempts.value END + excluded.value - ?,
		expires_at = (CASE WHEN attempts.value < ? THEN ? ELSE attempts.value END + excluded.value - ?) / 1000 + 1
		RETURNING tenant, subject, value`
	toldPostgres = "unnest(?::text[], ?::text[], ?::bigint[]) AS x (tenant, subject, amount)"
	toldSQLite   = "(SELECT value ->> 0 AS tenant, value ->> 1 AS subject, value ->> 2 AS amount FROM json_each(?)) WHERE true"
)

// TellRates adds what a server has let through of buckets to what the database that s is of knows of all servers, in one statement, and
// learns how full they are. It never refuses: what was let through is so, and is taken off what may come.
func TellRates(ctx context.Context, s *Store, uses []RateUse) error {
	type bucket struct{ tenant, subject string }
	slices.SortFunc(uses, func(a, b RateUse) int { // two servers lock rows in one order
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Subject, b.Subject))
	})
	at := make(map[bucket]int, len(uses))
	tenants, subjects, amounts := make([]string, len(uses)), make([]string, len(uses)), make([]int64, len(uses))
	rows := make([][3]any, len(uses))
	for i, u := range uses {
		at[bucket{u.Tenant, u.Subject}] = i
		tenants[i], subjects[i], amounts[i] = u.Tenant, u.Subject, u.Amount.Microseconds()
		rows[i] = [3]any{u.Tenant, u.Subject, amounts[i]}
	}
	now := s.db.clock.Now().UnixMicro()
	args, from := []any{now, now, tenants, subjects, amounts}, toldPostgres
	if !s.db.postgres {
		list, err := json.Marshal(rows)
		if err != nil {
			return err
		}
		args, from = []any{now, now, string(list)}, toldSQLite
	}
	return s.writeOne(ctx, func(q querier) error {
		return q.each(ctx, tellRates+from+overRates, append(args, now, now, now, now, now, now), func(scan func(...any) error) error {
			var b bucket
			var until int64
			err := scan(&b.tenant, &b.subject, &until)
			if i, known := at[b]; known && err == nil {
				uses[i].Until = time.UnixMicro(until)
			}
			return err
		})
	})
}
