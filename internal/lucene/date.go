package lucene

import (
	"regexp"
	"strings"
	"time"
)

// partialDate is a date whose time, or day, is left open. A year alone is a number.
var partialDate = regexp.MustCompile(`^\d{4}-\d\d(-\d\d(T\d\d(:\d\d(:\d\d)?)?)?)?$`)

// written is how the API writes a time, and so the form in which times are compared.
const written = "2006-01-02T15:04:05.000Z"

// precisions are the ways to write a time and the end of what each stands for.
var precisions = []struct {
	layout string
	end    func(time.Time) time.Time
}{
	{"2006", func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }},
	{"2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }},
	{"2006-01-02", func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }},
	{"2006-01-02T15", func(t time.Time) time.Time { return t.Add(time.Hour) }},
	{"2006-01-02T15:04", func(t time.Time) time.Time { return t.Add(time.Minute) }},
	{"2006-01-02T15:04:05", func(t time.Time) time.Time { return t.Add(time.Second) }},
	{"2006-01-02T15:04Z07:00", func(t time.Time) time.Time { return t.Add(time.Minute) }},
	{"2006-01-02T15:04:05Z07:00", func(t time.Time) time.Time { return t.Add(time.Second) }},
}

// period returns the first and the last millisecond of what a date stands for; without a zone it is UTC.
func period(w word) (first, last string, err error) {
	for _, p := range precisions {
		t, err := time.Parse(p.layout, w.text)
		if err != nil {
			continue
		}
		end := p.end(t)
		if strings.Contains(w.text, ".") { // a fraction, which Parse takes anywhere
			end = t.Truncate(time.Millisecond).Add(time.Millisecond)
		}
		return t.UTC().Format(written), end.Add(-time.Millisecond).UTC().Format(written), nil
	}
	return "", "", &SyntaxError{w.pos, "this is no date; write it as 2026-01-31, shorter, or with a time as 2026-01-31T12:00:00Z"}
}
