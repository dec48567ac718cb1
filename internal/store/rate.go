package store

import (
	"context"
	"errors"
	"time"
)

// rateLimits is the kind of the rows that count requests.
const rateLimits = "rate"

// Shared tells whether other servers may work on the tenant's data.
func (s *Store) Shared() bool { return s.db.postgres }

// TakeRate takes up to most of a subject's bucket, which holds burst and gets one back every time each passes, by the generic cell rate
// algorithm: in one statement, so that two servers never get the same one. It returns how many it got, fewer than most or none where there
// are not so many, and until when what was taken fills the bucket.
func (s *Store) TakeRate(ctx context.Context, subject string, each time.Duration, burst, most int) (taken int, until time.Time, err error) {
	now, step := s.db.clock.Now(), each.Microseconds()
	micros, expires := now.UnixMicro(), millis(now.Add(each*time.Duration(burst)))
	var value int64
	for taken = min(most, burst); taken > 0; taken /= 2 {
		err = s.writeOne(ctx, func(q querier) error {
			return q.row(ctx, `INSERT INTO attempts (tenant, kind, subject, connection, place, value, expires_at) VALUES (?, ?, ?, '', '', ?, ?)
				ON CONFLICT (tenant, kind, subject, connection, place) DO UPDATE SET
				value = CASE WHEN attempts.value < ? THEN ? ELSE attempts.value END + ?, expires_at = ?
				WHERE attempts.value <= ? RETURNING value`,
				[]any{s.tenant.ID, rateLimits, subject, micros + step*int64(taken), expires, micros, micros, step * int64(taken), expires,
					micros + step*int64(burst-taken)}, &value)
		})
		if !errors.Is(err, errNoRows) {
			return taken, time.UnixMicro(value), err
		}
	}
	err = s.read().row(ctx, "SELECT value FROM attempts WHERE tenant = ? AND kind = ? AND subject = ? AND connection = '' AND place = ''",
		[]any{s.tenant.ID, rateLimits, subject}, &value)
	return 0, time.UnixMicro(value), err
}
