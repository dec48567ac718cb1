package store

import (
	"context"
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

// ActiveUsers counts the users who logged in since a time.
func (s *Store) ActiveUsers(ctx context.Context, since time.Time) (n int, err error) {
	err = s.list().row(ctx, "SELECT COUNT(*) FROM logins WHERE tenant = ? AND last_login >= ?", []any{s.tenant.ID, millis(since)}, &n)
	return n, err
}
