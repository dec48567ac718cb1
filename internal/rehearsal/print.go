package rehearsal

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"
)

// Paint colours a text when there is a terminal that shows colours. A nil Paint leaves it as it is.
type Paint func(color, text string) string

// Colours is the Paint of terminals.
func Colours(color, text string) string {
	codes := map[string]string{"good": "32", "bad": "31", "warn": "33", "dim": "2", "head": "1"}
	return "\x1b[" + codes[color] + "m" + text + "\x1b[0m"
}

// Of is the text in a colour.
func (p Paint) Of(color, text string) string {
	if p == nil || text == "" {
		return text
	}
	return p(color, text)
}

var outcomeColors = map[string]string{Continued: "good", Denied: "warn", Failed: "bad", Timeout: "bad"}

// Print tells people what came of a play: what changed, what was asked for, what was called and said.
func Print(w io.Writer, p Play, r Result, paint Paint) {
	total := 0.0
	for _, s := range r.Scripts {
		total += s.Millis
	}
	fmt.Fprintf(w, "%s %s\n", paint.Of(outcomeColors[r.Outcome], r.Outcome), paint.Of("dim", fmt.Sprintf("in %.1f ms", total)))
	if e := r.Error; e != nil {
		fmt.Fprintf(w, "  %s\n", paint.Of(outcomeColors[r.Outcome], said(e)))
		if e.ForUser != "" {
			fmt.Fprintf(w, "  shown to the person: %s\n", plain(e.ForUser))
		}
		for _, line := range strings.Split(e.Stack, "\n") {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "at ") { // above is what it says
				fmt.Fprintf(w, "    %s\n", paint.Of("dim", plain(line)))
			}
		}
	}
	section(w, paint, "scripts", func(row func(...string)) {
		for _, s := range r.Scripts {
			row(s.Script, fmt.Sprintf("%.1f ms", s.Millis), s.Outcome)
		}
	})
	if r.Error == nil {
		section(w, paint, "user", func(row func(...string)) { rows(row, differences("", value(p.User), value(r.User), false)) })
		section(w, paint, "context", func(row func(...string)) { rows(row, differences("", value(p.Context), value(r.Context), false)) })
	}
	section(w, paint, "result", func(row func(...string)) {
		if len(r.Result) > 0 {
			rows(row, differences("", map[string]any{}, value(r.Result), false))
		}
	})
	section(w, paint, "effects", func(row func(...string)) {
		for _, name := range slices.Sorted(maps.Keys(r.Effects)) {
			members, ok := r.Effects[name].(map[string]any)
			if !ok {
				row(name, compact(r.Effects[name]))
				continue
			}
			for _, key := range slices.Sorted(maps.Keys(members)) {
				row(name, key, compact(members[key]))
			}
		}
	})
	section(w, paint, "metadata", func(row func(...string)) {
		for _, m := range r.Metadata {
			row(m.UserID, m.Kind, string(m.Patch))
		}
	})
	section(w, paint, "http", func(row func(...string)) {
		for _, c := range r.HTTP {
			answer := fmt.Sprint(c.Status)
			if c.Error != "" {
				answer = c.Error
			}
			if c.Stub != "" {
				answer += " from " + c.Stub
			}
			row(c.Method, c.URL, answer, fmt.Sprintf("%.1f ms", c.Millis))
		}
	})
	section(w, paint, "console", func(row func(...string)) {
		for _, l := range r.Console {
			text := l.Text
			if l.Late {
				text += " (after the outcome)"
			}
			row(l.Script, l.Level, text)
		}
	})
}

// said is an error in one line.
func said(e *Error) string {
	text := plain(e.Message)
	class := e.Name != "" && e.Name != "Error" && e.Name != "UnauthorizedError"
	if e.Code != "" && e.Code != e.Message && !(class && e.Code == "access_denied") { // what any error of a rule comes to
		text = plain(e.Code) + ": " + text
	}
	if class {
		text = plain(e.Name) + " " + text
	}
	if e.Script != "" {
		text += " (" + e.Kind + " in " + plain(e.Script) + ")"
	}
	return text
}

func rows(row func(...string), all []Difference) {
	for _, d := range all {
		switch {
		case d.Want == nil:
			row("+ "+d.Path, compact(d.Got))
		case d.Got == nil:
			row("- "+d.Path, compact(d.Want))
		default:
			row("~ "+d.Path, compact(d.Want)+" → "+compact(d.Got))
		}
	}
}

// section writes a heading and its rows in columns, and nothing when there are none.
func section(w io.Writer, paint Paint, title string, fill func(row func(...string))) {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	first := true
	fill(func(cells ...string) {
		if first {
			fmt.Fprintf(w, "\n%s\n", paint.Of("head", title))
			first = false
		}
		for i := range cells {
			cells[i] = plain(cells[i])
		}
		fmt.Fprintf(table, "  %s\n", strings.Join(cells, "\t"))
	})
	_ = table.Flush()
}

// plain keeps what scripts have written from steering the terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
}
