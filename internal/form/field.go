package form

import (
	"fmt"
	"math"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Problem is why an answer is not taken: of a component, with the words of the form itself if it has some.
type Problem struct {
	Component string
	Code      string // see [codes]
	Arg       any    // what the text of the code names; nil: nothing
	Text      string // in the form's words; empty: in ours
}

// codes are the problems with what the form calls them, and its texts their argument.
var codes = map[string]struct{ theirs, arg string }{
	"required": {"ERR_REQUIRED_PROPERTY", ""}, "too_short": {"ERR_TOO_SHORT_STRING", "minLength"}, "too_long": {"ERR_TOO_LONG_STRING", "maxLength"},
	"email": {"ERR_EMAIL_EXPECTED", ""}, "url": {"ERR_URL_EXPECTED", ""}, "number": {"ERR_NUMBER_EXPECTED", ""},
	"too_small": {"ERR_TOO_SMALL_NUMBER", "minValue"}, "too_big": {"ERR_TOO_BIG_NUMBER", "maxValue"}, "choice": {"ERR_INVALID_CHOICE", ""},
	"date": {"ERR_DATE_EXPECTED", ""}, "time": {"ERR_TIME_EXPECTED", ""}, "phone": {"ERR_PHONE_EXPECTED", ""}, "international": {"ERR_PHONE_EXPECTED", ""},
	"complex": {"ERR_PASSWORD_COMPLEXITY", ""}, "repetitive": {"ERR_PASSWORD_STRENGTH", ""},
}

// usual bounds of texts, in characters, where a form says none.
const (
	maxLine = 1000
	maxArea = 10000
)

var phone = regexp.MustCompile(`^\+?[0-9]{3,15}$`)

// FieldName is how a component's field is called in a posted form; at is the number of an option, or a word for a part of it.
func FieldName(component string, at ...any) string {
	name := "field-" + component
	for _, part := range at {
		name += fmt.Sprintf(".%v", part)
	}
	return name
}

// Other is the option that people name themselves.
const Other = "other"

// read takes the answer to a component of what was posted. A field that was left empty is nil.
func (f *Form) read(c *Component, posted url.Values) (any, *Problem) {
	value, m := c.read(posted)
	if m == nil {
		return value, nil
	}
	known := codes[m.code]
	args := map[string]any{}
	if known.arg != "" {
		args[known.arg] = m.arg
	}
	return nil, &Problem{Component: c.ID, Code: m.code, Arg: m.arg, Text: f.say(known.theirs, args)}
}

// mistake is what is wrong with a field: one of codes, and what its text names.
type mistake struct {
	code string
	arg  any
}

func (c *Component) read(posted url.Values) (any, *mistake) {
	raw := posted.Get(FieldName(c.ID))
	text := strings.TrimSpace(raw)
	switch c.Type {
	case "LEGAL":
		agreed := posted.Has(FieldName(c.ID))
		if !agreed && c.Required {
			return nil, &mistake{code: "required"}
		}
		return agreed, nil
	case "BOOLEAN":
		if text != "true" && text != "false" && c.Required {
			return nil, &mistake{code: "required"}
		}
		return text == "true", nil
	case "CHOICE", "CARDS", "DROPDOWN":
		return c.readChoice(posted)
	case "PASSWORD":
		text = raw
	}
	if text == "" {
		if c.Required {
			return nil, &mistake{code: "required"}
		}
		return nil, nil
	}
	if m := c.checkLength(text); m != nil {
		return nil, m
	}
	if !c.Config.Multiline && strings.ContainsFunc(text, unicode.IsControl) {
		text = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return -1
			}
			return r
		}, text)
	}
	return c.readText(text)
}

func (c *Component) readChoice(posted url.Values) (any, *mistake) {
	chosen, ok := c.chosen(posted)
	switch {
	case !ok:
		return nil, &mistake{code: "choice"}
	case len(chosen) == 0 && c.Required:
		return nil, &mistake{code: "required"}
	case c.Config.Multiple:
		return chosen, nil
	case len(chosen) == 0:
		return nil, nil
	}
	return chosen[0], nil
}

func (c *Component) checkLength(text string) *mistake {
	most := maxLine
	if c.Config.Multiline {
		most = maxArea
	}
	if m := c.Config.MaxLength; m != nil {
		most = min(*m, maxArea)
	}
	switch n := utf8.RuneCountInString(text); {
	case c.Config.MinLength != nil && n < *c.Config.MinLength:
		return &mistake{"too_short", *c.Config.MinLength}
	case n > most:
		return &mistake{"too_long", most}
	}
	return nil
}

// readText makes a text that is there what a field of its type holds.
func (c *Component) readText(text string) (any, *mistake) {
	switch c.Type {
	case "EMAIL":
		if a, err := mail.ParseAddress(text); err != nil || a.Address != text || !strings.Contains(text[strings.LastIndexByte(text, '@'):], ".") || len(text) > 254 {
			return nil, &mistake{code: "email"}
		}
	case "URL":
		if u, err := url.Parse(text); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, &mistake{code: "url"}
		}
	case "NUMBER":
		return c.readNumber(text)
	case "TEL":
		return c.readPhone(text)
	case "DATE":
		return c.readDate(text)
	case "PASSWORD":
		if code := weak(c, text); code != "" {
			return nil, &mistake{code, 8}
		}
		return hashes[strings.ToUpper(c.Config.Hash)](text), nil
	}
	return text, nil
}

func (c *Component) readNumber(text string) (any, *mistake) {
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || math.IsNaN(n) || math.IsInf(n, 0):
		return nil, &mistake{code: "number"}
	case c.Config.Min != nil && n < *c.Config.Min:
		return nil, &mistake{"too_small", *c.Config.Min}
	case c.Config.Max != nil && n > *c.Config.Max:
		return nil, &mistake{"too_big", *c.Config.Max}
	}
	return n, nil
}

func (c *Component) readPhone(text string) (any, *mistake) {
	digits := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "", "/", "").Replace(text)
	switch {
	case !phone.MatchString(digits):
		return nil, &mistake{code: "phone"}
	case !c.Config.CountryPicker:
		return digits, nil
	case !strings.HasPrefix(digits, "+"):
		return nil, &mistake{code: "international"}
	}
	return map[string]any{"international_number": digits, "international_format": text}, nil
}

func (c *Component) readDate(text string) (any, *mistake) {
	if !strings.EqualFold(c.Config.Format, "TIME") {
		if _, err := time.Parse("2006-01-02", text); err != nil {
			return nil, &mistake{code: "date"}
		}
		return text, nil
	}
	for _, layout := range []string{"15:04", "15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.Format("15:04"), nil
		}
	}
	return nil, &mistake{code: "time"}
}

// chosen are the values of the options that were posted; not ok where one of them is none.
func (c *Component) chosen(posted url.Values) (out []any, ok bool) {
	out = []any{}
	all := c.Choices()
	take := func(position string) bool {
		i, err := strconv.Atoi(position)
		if position == Other && c.Config.Other.Enabled {
			own := strings.TrimSpace(posted.Get(FieldName(c.ID, Other, "text")))
			if own != "" {
				out = append(out, own)
			}
			return utf8.RuneCountInString(own) <= maxLine
		}
		if err != nil || i < 0 || i >= len(all) {
			return false
		}
		out = append(out, all[i].Value)
		return true
	}
	if !c.Config.Multiple {
		one := posted.Get(FieldName(c.ID))
		return out, one == "" || take(one)
	}
	ok = true
	for i := range all {
		if posted.Has(FieldName(c.ID, i)) {
			ok = take(strconv.Itoa(i)) && ok
		}
	}
	if posted.Has(FieldName(c.ID, Other)) {
		ok = take(Other) && ok
	}
	return out, ok
}

// weak tells why a password is not taken.
func weak(c *Component, s string) string {
	if c.Config.NIST && utf8.RuneCountInString(s) < 8 {
		return "too_short"
	}
	if c.Config.NIST && len(slices.Compact([]rune(s))) <= 2 {
		return "repetitive"
	}
	has := func(is func(rune) bool) bool { return strings.ContainsFunc(s, is) }
	if c.Config.Complex && !(has(unicode.IsUpper) && has(unicode.IsLower) && has(unicode.IsDigit) &&
		has(func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })) {
		return "complex"
	}
	return ""
}
