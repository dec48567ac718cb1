package store

import (
	"context"
	"sync"
	"time"
)

// Day is what happened in a tenant on one day, UTC.
type Day struct {
	Date                    time.Time
	Logins, Signups, Leaked int
	CreatedAt, UpdatedAt    time.Time
}

// Days lists the days from one to another, both included, on which anything happened.
func (s *Store) Days(ctx context.Context, from, to time.Time) ([]Day, error) {
	if err := s.db.logs.flush(); err != nil {
		return nil, err
	}
	out := []Day{}
	err := s.list().each(ctx, "SELECT day, logins, signups, leaks, created_at, updated_at FROM days WHERE tenant = ? AND day >= ? AND day <= ? ORDER BY day",
		[]any{s.tenant.ID, from.UTC().Format(dayForm), to.UTC().Format(dayForm)}, func(scan func(...any) error) error {
			var d Day
			var day string
			var created, updated int64
			if err := scan(&day, &d.Logins, &d.Signups, &d.Leaked, &created, &updated); err != nil {
				return err
			}
			date, err := time.Parse(dayForm, day)
			d.Date, d.CreatedAt, d.UpdatedAt = date, fromMillis(created), fromMillis(updated)
			out = append(out, d)
			return err
		})
	return out, err
}

// dayForm is how days are written.
const dayForm = "20060102"

const (
	activeSlow = 50 * time.Millisecond // a count of active users that took as long is answered again
	activeKept = 10 * time.Minute      // for so long
)

// activeCounts are the newest counts of active users that took long. All logins of a tenant are read for one, of which there may be millions: an index by the
// time of the last one would make every login dearer.
type activeCounts struct {
	slow time.Duration
	by   sync.Map // *activeCount, by tenant
}

type activeCount struct {
	mu sync.Mutex // held while is counted: who asks meanwhile gets that
	n  int
	at time.Time // zero: it did not take long
}

// ActiveUsers counts the users who logged in within a time until now. Where that takes long, the number is that of some minutes ago.
func (s *Store) ActiveUsers(ctx context.Context, within time.Duration) (n int, err error) {
	now, last := s.db.clock.Now(), &activeCount{}
	if s.db.actives != nil {
		kept, _ := s.db.actives.by.LoadOrStore(s.tenant.ID, last)
		last = kept.(*activeCount)
	}
	last.mu.Lock()
	defer last.mu.Unlock()
	if !last.at.IsZero() && now.Sub(last.at).Abs() < activeKept {
		return last.n, nil
	}
	start := time.Now()
	err = s.list().row(ctx, "SELECT COUNT(*) FROM logins WHERE tenant = ? AND last_login >= ?", []any{s.tenant.ID, millis(now.Add(-within))}, &n)
	if last.at = (time.Time{}); err == nil && s.db.actives != nil && time.Since(start) >= s.db.actives.slow {
		last.n, last.at = n, now
	}
	return n, err
}
