package stagedoor

import "time"

// Clock tells the time; tests set their own.
type Clock func() time.Time

// Now returns the time to the millisecond in UTC, the precision that is stored.
func (c Clock) Now() time.Time {
	if c == nil {
		return time.Now().UTC().Truncate(time.Millisecond)
	}
	return c().UTC().Truncate(time.Millisecond)
}

// TimeFormat is how times look on the wire: ISO 8601, UTC, milliseconds
// (Management API fact sheet 1.8).
const TimeFormat = "2006-01-02T15:04:05.000Z"

// FormatTime returns t in TimeFormat.
func FormatTime(t time.Time) string { return t.UTC().Format(TimeFormat) }
