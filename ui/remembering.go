package ui

import "time"

// Remembering is the box by which somebody has their browser remembered, on pages of second factors.
type Remembering struct {
	Remembers bool // there is one
	Remember  bool // it is ticked
	Lasts     time.Duration
}

// phrase is a part of a sentence.
type phrase string

// Lasting is how long the browser is remembered.
func (r Remembering) Lasting(lang string) phrase { return phrase(span(lang, r.Lasts)) }

// span is a time in the largest fitting unit.
func span(lang string, d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return Text(lang, "mail.days", int(d.Hours()/24))
	case d >= 2*time.Hour:
		return Text(lang, "mail.hours", int(d.Hours()))
	}
	return Text(lang, "mail.minutes", max(2, int(d.Minutes())))
}
