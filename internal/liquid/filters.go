package liquid

import (
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/osteele/liquid/filters"
	"github.com/osteele/tuesday"
)

// widths finds the parts of a date format that ask for more places than any date has.
var widths = regexp.MustCompile(`%[^a-zA-Z%]*[0-9]{3}`)

// filters puts our own filters in the place of those of the library that can make much of little; each use of one is a step.
func (b *budget) filters(d filters.FilterDictionary) {
	texts := func(name string, grows int, filter func(string) string) {
		d.AddFilter(name, func(s string) (string, error) {
			if err := b.size(len(s) * grows); err != nil {
				return "", err
			}
			return filter(s), nil
		})
	}
	pairs := func(name string, size func(s, other string) int, filter func(s, other string) string) {
		d.AddFilter(name, func(s, other string) (string, error) {
			if err := b.size(size(s, other)); err != nil {
				return "", err
			}
			return filter(s, other), nil
		})
	}
	both := func(s, other string) int { return len(s) + len(other) }
	pairs("append", both, func(s, other string) string { return s + other })
	pairs("prepend", both, func(s, other string) string { return other + s })
	pairs("remove", both, func(s, other string) string { return strings.ReplaceAll(s, other, "") })
	pairs("remove_first", both, func(s, other string) string { return strings.Replace(s, other, "", 1) })
	d.AddFilter("replace", func(s, old, with string) (string, error) {
		if err := b.size(len(s) + strings.Count(s, old)*len(with)); err != nil {
			return "", err
		}
		return strings.ReplaceAll(s, old, with), nil
	})
	d.AddFilter("replace_first", func(s, old, with string) (string, error) {
		if err := b.size(len(s) + len(with)); err != nil {
			return "", err
		}
		return strings.Replace(s, old, with, 1), nil
	})
	escape := html.EscapeString
	query := url.QueryEscape
	if b.html {
		escape = func(s string) string { return html.EscapeString(html.UnescapeString(s)) }
		query = func(s string) string { return url.QueryEscape(html.UnescapeString(s)) }
	}
	texts("escape", 1, escape)
	texts("escape_once", 1, func(s string) string { return html.EscapeString(html.UnescapeString(s)) })
	texts("newline_to_br", 1, func(s string) string { return strings.ReplaceAll(s, "\n", "<br />\n") })
	texts("url_encode", 1, query)
	texts("upcase", 1, strings.ToUpper)
	texts("downcase", 1, strings.ToLower)
	texts("strip_html", 1, func(s string) string { return tag_.ReplaceAllString(s, "") })
	texts("strip_newlines", 1, func(s string) string { return strings.NewReplacer("\r", "", "\n", "").Replace(s) })
	d.AddFilter("split", func(s, by string) ([]any, error) {
		parts := strings.SplitN(s, by, maxItems+1)
		if len(parts) > maxItems {
			b.why = ErrTooLarge
		}
		out := make([]any, len(parts))
		for i, part := range parts {
			out[i] = part
		}
		return out, b.spend()
	})
	d.AddFilter("concat", func(x, y []any) ([]any, error) {
		if len(x)+len(y) > maxItems {
			b.why = ErrTooLarge
		}
		if err := b.spend(); err != nil {
			return nil, err
		}
		return append(append([]any{}, x...), y...), nil
	})
	d.AddFilter("join", func(list []any, by func(string) string) (string, error) {
		separator, size := by(" "), 0
		parts := []string{}
		for _, item := range list {
			if item == nil {
				continue
			}
			text, isText := item.(string)
			if !isText {
				encoded, err := json.Marshal(item)
				if err != nil {
					return "", err
				}
				text = string(encoded)
			}
			parts = append(parts, text)
			if size += len(text) + len(separator); size > b.Output {
				return "", b.size(size)
			}
		}
		return strings.Join(parts, separator), b.size(size)
	})
	encode := func(v any) (string, error) {
		if err := b.spend(); err != nil {
			return "", err
		}
		encoded, err := json.Marshal(v)
		if err != nil {
			return "", err
		}
		return string(encoded), b.size(len(encoded))
	}
	d.AddFilter("json", encode)
	d.AddFilter("inspect", encode)
	d.AddFilter("date", func(t time.Time, format func(string) string) (string, error) {
		f := format("%a, %b %d, %y")
		if len(f) > 200 || widths.MatchString(f) {
			b.why = ErrTooLarge
		}
		if err := b.spend(); err != nil {
			return "", err
		}
		return tuesday.Strftime(f, t)
	})
}

var tag_ = regexp.MustCompile(`<.*?>`)
