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
	Most            time.Duration // how much the bucket holds
	Until           time.Time     // set by TellRates: the bucket is filled until then, by all servers
}

// RateReach is how long a bucket is never filled for that holds most, however many servers let a burst through before they knew of each other. One that
// is was filled by a clock that has been put back since, and begins anew: else what it limits would stand still until the time that the clock showed.
func RateReach(most time.Duration) time.Duration { return 20*most + time.Minute }

// tellRates takes a time for each bucket, in microseconds, and keeps rows until their buckets are empty, whatever they hold.
const (
	tellRates = `INSERT INTO attempts (tenant, kind, subject, connection, place, value, expires_at)
		SELECT tenant, 'rate', subject, '', '', ? + amount, (? + reach) / 1000 + 1 FROM `
	overRates = ` ON CONFLICT (tenant, kind, subject, connection, place) DO UPDATE SET
		value = CASE WHEN attempts.value < ? OR attempts.value > 1000 * excluded.expires_at THEN ? ELSE attempts.value END + excluded.value - ?,
		expires_at = excluded.expires_at
		RETURNING tenant, subject, value`
	toldPostgres = "unnest(?::text[], ?::text[], ?::bigint[], ?::bigint[]) AS x (tenant, subject, amount, reach)"
	toldSQLite   = "(SELECT value ->> 0 AS tenant, value ->> 1 AS subject, value ->> 2 AS amount, value ->> 3 AS reach FROM json_each(?)) WHERE true"
)

// TellRates adds what a server has let through of buckets to what the database that s is of knows of all servers, in one statement, and
// learns how full they are. It never refuses: what was let through is so, and is taken off what may come.
func TellRates(ctx context.Context, s *Store, uses []RateUse) error {
	type bucket struct{ tenant, subject string }
	slices.SortFunc(uses, func(a, b RateUse) int { // two servers lock rows in one order
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Subject, b.Subject))
	})
	at := make(map[bucket]int, len(uses))
	tenants, subjects, amounts, reaches := make([]string, len(uses)), make([]string, len(uses)), make([]int64, len(uses)), make([]int64, len(uses))
	rows := make([][4]any, len(uses))
	for i, u := range uses {
		at[bucket{u.Tenant, u.Subject}] = i
		tenants[i], subjects[i], amounts[i], reaches[i] = u.Tenant, u.Subject, u.Amount.Microseconds(), RateReach(u.Most).Microseconds()
		rows[i] = [4]any{u.Tenant, u.Subject, amounts[i], reaches[i]}
	}
	now := s.db.clock.Now().UnixMicro()
	args, from := []any{now, now, tenants, subjects, amounts, reaches}, toldPostgres
	if !s.db.postgres {
		list, err := json.Marshal(rows)
		if err != nil {
			return err
		}
		args, from = []any{now, now, string(list)}, toldSQLite
	}
	return s.writeOne(ctx, func(q querier) error {
		return q.each(ctx, tellRates+from+overRates, append(args, now, now, now), func(scan func(...any) error) error {
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
