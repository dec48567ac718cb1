package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/stagedoor/stagedoor"
)

// loginAttempts is the kind of the rows that count wrong passwords.
const loginAttempts = "login"

// CountAttempt notes one more failed login and returns how many there are by now. The count is forgotten when
// nothing failed for life.
func (s *Store) CountAttempt(ctx context.Context, a stagedoor.Attempts, life time.Duration) (count int, err error) {
	now := s.db.clock.Now()
	err = s.writeOne(ctx, func(q querier) error {
		return q.row(ctx, `INSERT INTO attempts (tenant, kind, subject, connection, place, value, expires_at) VALUES (?, ?, ?, ?, ?, 1, ?)
			ON CONFLICT (tenant, kind, subject, connection, place) DO UPDATE SET expires_at = excluded.expires_at,
			value = CASE WHEN attempts.expires_at <= ? THEN 1 ELSE attempts.value + 1 END RETURNING value`,
			[]any{s.tenant.ID, loginAttempts, a.Identifier, a.Connection, a.IP, millis(now.Add(life)), millis(now)}, &count)
	})
	return count, err
}

// mostAttempts is how many networks a list of failed logins names for one identifier: whoever has many makes as many rows.
const mostAttempts = 1000

// Attempts lists, by networks, where logins with an identifier failed at least so often, as far as they are not forgotten; identifiers of one person may be several.
func (s *Store) Attempts(ctx context.Context, least int, identifiers ...string) ([]stagedoor.Attempts, error) {
	out := []stagedoor.Attempts{}
	for _, identifier := range identifiers {
		some, err := s.attempts(ctx, identifier, " AND value >= ? ORDER BY connection, place LIMIT ?", least, mostAttempts)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

// AttemptsFrom lists the failed logins with an identifier that count for one connection and network: those from there, and those of all networks together.
func (s *Store) AttemptsFrom(ctx context.Context, identifier, connection, network string) ([]stagedoor.Attempts, error) {
	return s.attempts(ctx, identifier, " AND connection = ? AND place IN (?, '')", connection, network)
}

func (s *Store) attempts(ctx context.Context, identifier, which string, args ...any) ([]stagedoor.Attempts, error) {
	out := []stagedoor.Attempts{}
	err := s.read().each(ctx, "SELECT connection, place, value FROM attempts WHERE tenant = ? AND kind = ? AND subject = ? AND expires_at > ?"+which,
		append([]any{s.tenant.ID, loginAttempts, identifier, millis(s.db.clock.Now())}, args...), func(scan func(...any) error) error {
			a := stagedoor.Attempts{Identifier: identifier}
			err := scan(&a.Connection, &a.IP, &a.Count)
			out = append(out, a)
			return err
		})
	return out, err
}

// ForgetAttempts forgets the failed logins with the identifiers: of one connection and address if they are given, else all.
func (s *Store) ForgetAttempts(ctx context.Context, connection, ip string, identifiers ...string) error {
	return s.write(ctx, func(q querier) error {
		for _, identifier := range slices.Sorted(slices.Values(identifiers)) {
			query, args := "DELETE FROM attempts WHERE tenant = ? AND kind = ? AND subject = ?", []any{s.tenant.ID, loginAttempts, identifier}
			if connection != "" {
				query, args = query+" AND connection = ?", append(args, connection)
			}
			if ip != "" {
				query, args = query+" AND place IN (?, '')", append(args, ip)
			}
			if _, err := q.exec(ctx, query, args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// bucketTimes are moments of a bucket, in milliseconds: now, when it is filled until if it is full, what Fill leaves at most, where many failed at the
// same moment, and what no clock but one that has been put back since can have noted. Such a bucket begins anew: else nobody who is counted in it could
// do anything until the time that the clock showed.
type bucketTimes struct{ now, full, over, never int64 }

func (s *Store) bucketTimes(t stagedoor.Throttle) bucketTimes {
	now, capacity := millis(s.db.clock.Now()), int64(t.Rate)*int64(t.MaxAttempts)
	return bucketTimes{now, now + capacity, now + 2*capacity, now + 2*capacity + time.Minute.Milliseconds()}
}

// Fill puts one attempt of kind into an address's bucket, which may be full already.
func (s *Store) Fill(ctx context.Context, kind, ip string, t stagedoor.Throttle) error {
	at, rate := s.bucketTimes(t), int64(t.Rate)
	const filled = "CASE WHEN attempts.value < ? OR attempts.value > ? THEN ? WHEN attempts.value > ? THEN ? ELSE attempts.value END + ?"
	fill := []any{at.now, at.never, at.now, at.over - rate, at.over - rate, rate}
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, `INSERT INTO attempts (tenant, kind, subject, connection, place, value, expires_at) VALUES (?, ?, ?, '', '', ?, ?)
			ON CONFLICT (tenant, kind, subject, connection, place) DO UPDATE SET value = `+filled+", expires_at = "+filled,
			slices.Concat([]any{s.tenant.ID, kind, ip, at.now + rate, at.now + rate}, fill, fill)...)
		return err
	})
}

// TakeAttempt puts one attempt of kind into a subject's bucket and tells whether there was room for it: attempts at the same time cannot share
// the room of one.
func (s *Store) TakeAttempt(ctx context.Context, kind, subject string, t stagedoor.Throttle) (bool, error) {
	at, rate := s.bucketTimes(t), int64(t.Rate)
	var until int64
	err := s.writeOne(ctx, func(q querier) error {
		return q.row(ctx, `INSERT INTO attempts (tenant, kind, subject, connection, place, value, expires_at) VALUES (?, ?, ?, '', '', ?, ?)
			ON CONFLICT (tenant, kind, subject, connection, place) DO UPDATE SET
			value = CASE WHEN attempts.value < ? OR attempts.value > ? THEN ? ELSE attempts.value END + ?, expires_at = ?
			WHERE attempts.value <= ? OR attempts.value > ? RETURNING value`,
			[]any{s.tenant.ID, kind, subject, at.now + rate, at.full, at.now, at.never, at.now, rate, at.full, at.full - rate, at.never}, &until)
	})
	if errors.Is(err, errNoRows) {
		return false, nil
	}
	return err == nil, err
}

// ReturnAttempt takes out of a bucket what TakeAttempt put in for an attempt that turned out to be none of those that count.
func (s *Store) ReturnAttempt(ctx context.Context, kind, subject string, t stagedoor.Throttle) error {
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "UPDATE attempts SET value = value - ? WHERE tenant = ? AND kind = ? AND subject = ? AND connection = '' AND place = ''",
			int64(t.Rate), s.tenant.ID, kind, subject)
		return err
	})
}

// Full tells whether an address's bucket of kind takes no further attempt.
func (s *Store) Full(ctx context.Context, kind, ip string, t stagedoor.Throttle) (bool, error) {
	n, err := s.Attempted(ctx, kind, ip, t)
	return n > 0 && n >= t.MaxAttempts, err
}

// Attempted returns how many attempts of kind an address's bucket holds.
func (s *Store) Attempted(ctx context.Context, kind, ip string, t stagedoor.Throttle) (int, error) {
	var until int64
	err := s.read().row(ctx, "SELECT value FROM attempts WHERE tenant = ? AND kind = ? AND subject = ? AND connection = '' AND place = ''",
		[]any{s.tenant.ID, kind, ip}, &until)
	if errors.Is(err, errNoRows) {
		return 0, nil
	}
	at, rate := s.bucketTimes(t), max(int64(t.Rate), 1)
	if err != nil || until <= at.now || until > at.never {
		return 0, err
	}
	return int((until - at.now + rate - 1) / rate), nil
}

// Empty empties an address's bucket of kind.
func (s *Store) Empty(ctx context.Context, kind, ip string) error {
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "DELETE FROM attempts WHERE tenant = ? AND kind = ? AND subject = ?", s.tenant.ID, kind, ip)
		return err
	})
}
