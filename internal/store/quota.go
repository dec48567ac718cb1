package store

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// quotaCounts is the kind of the rows that count tokens: subject is whose they are, connection what that is, place the hour or the day.
const quotaCounts = "quota"

// A QuotaUse is what one quota counts: tokens of a client or an organization, in an hour or a day.
type QuotaUse struct {
	Entity, ID string // client or organization
	Bucket     string // per_hour or per_day
	Most       int
	Enforced   bool

	Used   int       // set by TakeQuota: how many there were, this one included if it was taken
	Resets time.Time // set by TakeQuota: when the next hour or day begins
	place  string
}

// Full tells, of a quota that is enforced, whether there was no room in it.
func (u *QuotaUse) Full() bool { return u.Enforced && u.Used > u.Most }

// Left is how many more tokens there may be.
func (u *QuotaUse) Left() int { return max(u.Most-u.Used, 0) }

// at sets the hour or the day. Each has a row of its own: a clock that is wrong, or put back, counts elsewhere and spoils nothing.
func (u *QuotaUse) at(now time.Time) {
	length := time.Hour
	if u.Bucket == "per_day" {
		length = 24 * time.Hour
	}
	n := now.Unix() / int64(length/time.Second)
	u.place, u.Resets = u.Bucket+"/"+strconv.FormatInt(n, 10), time.Unix((n+1)*int64(length/time.Second), 0)
}

var errQuotaFull = errors.New("store: a quota is used up")

// TakeQuota counts one token in all that the uses say, unless there is no room in one that is enforced: then in none of them. It tells which.
func (s *Store) TakeQuota(ctx context.Context, uses []QuotaUse) (bool, error) {
	now := s.db.clock.Now()
	var args []any
	for i := range uses {
		u := &uses[i]
		u.at(now)
		args = append(args, s.tenant.ID, quotaCounts, u.ID, u.Entity, u.place, millis(u.Resets.Add(time.Hour)))
	}
	query := "INSERT INTO attempts (tenant, kind, subject, connection, place, value, expires_at) VALUES (?, ?, ?, ?, ?, 1, ?)" +
		strings.Repeat(", (?, ?, ?, ?, ?, 1, ?)", len(uses)-1) + // in one order: who waits for a row holds none that another waits for
		" ON CONFLICT (tenant, kind, subject, connection, place) DO UPDATE SET value = attempts.value + 1 RETURNING connection, place, value"
	err := s.write(ctx, func(q querier) error {
		err := q.each(ctx, query, args, func(scan func(...any) error) error {
			var entity, place string
			var value int
			err := scan(&entity, &place, &value)
			for i := range uses {
				if u := &uses[i]; u.Entity == entity && u.place == place {
					u.Used = value
				}
			}
			return err
		})
		if err == nil && slices.ContainsFunc(uses, func(u QuotaUse) bool { return u.Full() }) {
			err = errQuotaFull // which takes all of it back
		}
		return err
	})
	if errors.Is(err, errQuotaFull) {
		return false, nil
	}
	return err == nil, err
}

// ReturnQuota takes a token back that TakeQuota has counted and that was not given after all.
func (s *Store) ReturnQuota(ctx context.Context, uses []QuotaUse) error {
	return s.write(ctx, func(q querier) error {
		for i := range uses {
			u := &uses[i]
			_, err := q.exec(ctx, "UPDATE attempts SET value = value - 1 WHERE tenant = ? AND kind = ? AND subject = ? AND connection = ? AND place = ? AND value > 0",
				s.tenant.ID, quotaCounts, u.ID, u.Entity, u.place)
			if err != nil {
				return err
			}
			u.Used--
		}
		return nil
	})
}
