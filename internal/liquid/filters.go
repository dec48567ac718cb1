package liquid

import (
	"encoding/json"
	"html"
	"math"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/osteele/liquid/filters"
	"github.com/osteele/liquid/values"
	"github.com/osteele/tuesday"
)

// widths finds the parts of a date format that ask for more places than any date has.
var widths = regexp.MustCompile(`%[^a-zA-Z%]*[0-9]{3}`)

// metered takes the library's filters and makes each use of one a step that works on what it is given.
type metered struct {
	filters.FilterDictionary
	b *budget
}

var errorType = reflect.TypeFor[error]()

func (m metered) AddFilter(name string, filter any) {
	f := reflect.ValueOf(filter)
	t := f.Type()
	in := make([]reflect.Type, t.NumIn())
	for i := range in {
		in[i] = t.In(i)
	}
	m.FilterDictionary.AddFilter(name, reflect.MakeFunc(reflect.FuncOf(in, []reflect.Type{t.Out(0), errorType}, t.IsVariadic()), func(args []reflect.Value) []reflect.Value {
		if err := m.b.work(extent(args[0])); err != nil {
			return []reflect.Value{reflect.Zero(t.Out(0)), reflect.ValueOf(err)}
		}
		out := f.Call(args)
		if len(out) == 1 {
			out = append(out, reflect.Zero(errorType))
		}
		return out
	}).Interface())
}

// extent is how many bytes a filter goes through, or makes anew.
func extent(v reflect.Value) int {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String:
		return v.Len()
	case reflect.Slice, reflect.Array:
		return 16 * v.Len()
	}
	return 0
}

// deep is how many bytes the texts within a value have together, as far as most: a list may hold one text many times, and becomes one text where a text is wanted.
func deep(v any, most int) int {
	n := 16
	switch v := v.(type) {
	case string:
		n += len(v)
	case []any:
		for i := 0; i < len(v) && n <= most; i++ {
			n += deep(v[i], most-n)
		}
	case map[string]any:
		for name, value := range v {
			if n += len(name) + deep(value, most-n); n > most {
				break
			}
		}
	}
	return n
}

// filters puts our own filters in the place of those of the library that can make much of little, or take long; each use of one is a step.
func (b *budget) filters(d filters.FilterDictionary) {
	filters.AddStandardFilters(metered{d, b})
	texts := func(name string, filter func(string) string) {
		d.AddFilter(name, func(s string) (string, error) {
			if err := b.size(len(s)); err != nil {
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
	all, once := html.EscapeString, func(s string) string { return html.EscapeString(html.UnescapeString(s)) }
	query := url.QueryEscape
	if b.html {
		once = func(s string) string { return escape(html.UnescapeString(s)) }
		all = once
		query = func(s string) string { return url.QueryEscape(html.UnescapeString(s)) }
	}
	texts("escape", all)
	texts("escape_once", once)
	texts("newline_to_br", func(s string) string { return strings.ReplaceAll(s, "\n", "<br />\n") })
	texts("url_encode", query)
	texts("upcase", strings.ToUpper)
	texts("downcase", strings.ToLower)
	texts("strip_html", func(s string) string { return tag_.ReplaceAllString(s, "") })
	texts("capitalize", func(s string) string {
		_, first := utf8.DecodeRuneInString(s)
		return strings.ToUpper(s[:first]) + s[first:]
	})
	texts("strip_newlines", func(s string) string { return strings.NewReplacer("\r", "", "\n", "").Replace(s) })
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
		all := append(append([]any{}, x...), y...)
		if err := b.size(deep(all, b.Output+1)); err != nil {
			return nil, err
		}
		return all, nil
	})
	b.words(d)
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
	for name, holds := range map[string]func(any) bool{"blank": isBlank, "empty": isEmpty} { // see condition
		metered{d, b}.AddFilter("is_"+name, holds)
		metered{d, b}.AddFilter("is_not_"+name, func(v any) bool { return !holds(v) })
	}
	d.AddFilter("json", encode)
	d.AddFilter("inspect", encode)
	d.AddFilter("date", func(v any, format func(string) string) (any, error) {
		f := format("%a, %b %d, %y")
		if len(f) > 200 || widths.MatchString(f) {
			b.why = ErrTooLarge
		}
		if err := b.spend(); err != nil {
			return nil, err
		}
		t, is := timeOf(v)
		if !is { // as it is: a mail is written even if a date in it is none
			return v, nil
		}
		return tuesday.Strftime(f, t)
	})
	d.AddFilter("at_least", b.bound(func(a, b float64) bool { return a < b }))
	d.AddFilter("at_most", b.bound(func(a, b float64) bool { return a > b }))
}

// bound is a filter that puts a bound in the place of a number that is beyond it.
func (b *budget) bound(beyond func(a, b float64) bool) func(v, limit any) (any, error) {
	return func(v, limit any) (any, error) {
		n, most := numberOf(v), numberOf(limit)
		if beyond(n, most) {
			n = most
		}
		if n == math.Trunc(n) && math.Abs(n) < 1<<53 {
			return int(n), b.spend()
		}
		return n, b.spend()
	}
}

// numberOf is v as a number, 0 if it is none.
func numberOf(v any) float64 {
	switch r := reflect.ValueOf(v); {
	case r.CanInt():
		return float64(r.Int())
	case r.CanFloat():
		return r.Float()
	case r.Kind() == reflect.String:
		if n, err := strconv.ParseFloat(strings.TrimSpace(r.String()), 64); err == nil {
			return n
		}
	}
	return 0
}

// timeOf is the time that v stands for: one in words, or the seconds since 1970; false if it is none.
func timeOf(v any) (time.Time, bool) {
	text, is := v.(string)
	if !is {
		n := numberOf(v)
		return time.Unix(int64(n), 0).UTC(), n != 0
	}
	if text == "today" {
		text = "now"
	}
	t, err := values.ParseDate(text)
	return t, err == nil
}

// words adds the filters that shorten, and the one that leaves out what comes again: the library's take too long for what is large.
func (b *budget) words(d filters.FilterDictionary) {
	d.AddFilter("truncate", func(s string, length func(int) int, ellipsis func(string) string) (string, error) {
		n, end := length(50), ellipsis("...")
		if err := b.work(len(s) + len(end)); err != nil {
			return "", err
		}
		if utf8.RuneCountInString(s) <= n {
			return s, nil
		}
		return prefix(s, n-utf8.RuneCountInString(end)) + end, nil
	})
	d.AddFilter("truncatewords", func(s string, length func(int) int, ellipsis func(string) string) (string, error) {
		n, end := max(length(15), 1), ellipsis("...")
		if err := b.work(len(s) + len(end)); err != nil {
			return "", err
		}
		within := false
		for i, r := range s {
			switch space := unicode.IsSpace(r); {
			case space:
				within = false
			case !within && n == 0: // one more word than there may be
				return strings.TrimRightFunc(s[:i], unicode.IsSpace) + end, nil
			case !within:
				within = true
				n--
			}
		}
		return s, nil
	})
	d.AddFilter("uniq", func(list []any) ([]any, error) {
		if err := b.work(deep(list, b.Output+1)); err != nil {
			return nil, err
		}
		seen, out := map[string]bool{}, []any{}
		for _, item := range list {
			key, err := json.Marshal(item)
			if err != nil {
				return nil, err
			}
			if !seen[string(key)] {
				seen[string(key)] = true
				out = append(out, item)
			}
		}
		return out, nil
	})
}

// prefix is the first n characters of a text.
func prefix(s string, n int) string {
	for i := range s {
		if n <= 0 {
			return s[:i]
		}
		n--
	}
	return s
}

var tag_ = regexp.MustCompile(`<.*?>`)
