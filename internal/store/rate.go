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
// algorithm: two servers never get the same one. It returns how many it got, fewer than most or none where there are not so many, and until
// when what was taken fills the bucket.
func (s *Store) TakeRate(ctx context.Context, subject string, each time.Duration, burst, most int) (taken int, until time.Time, err error) {
	now, step := s.db.clock.Now(), each.Microseconds()
	micros, expires := now.UnixMicro(), millis(now.Add(each*time.Duration(burst)))
	var value int64
	for taken = min(most, burst); taken > 0; taken /= 2 {
		value, err = s.pour(ctx, rateLimits, subject, micros, step*int64(taken), micros+step*int64(burst), expires)
		if !errors.Is(err, errNoRows) {
			return taken, time.UnixMicro(value), err
		}
	}
	err = s.read().row(ctx, "SELECT value FROM attempts WHERE tenant = ? AND kind = ? AND subject = ? AND connection = '' AND place = ''",
		[]any{s.tenant.ID, rateLimits, subject}, &value)
	return 0, time.UnixMicro(value), err
}
