package lucene

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxText is how many bytes of a text its normal form holds. Longer texts are found whole and by their beginning.
const maxText = 256

// The normal form of a value begins with its type. Forms of different types are never equal.
const (
	boolType   = "b"
	numberType = "n"
	textType   = "s"
)

// Object is the form of an object that holds a value: of no type, between those of numbers and of texts, so that nothing finds it but the question whether there is
// anything.
const Object = "o"

// Forms of one type lie between the type and its successor.
var successor = map[string]string{boolType: "c", numberType: "o", textType: "t"}

// beyond returns the least form or text that is greater than all that begin with this one, which has a character that is not the
// last one of Unicode.
func beyond(form string) string {
	runes := []rune(form)
	for i := len(runes) - 1; i >= 0; i-- {
		switch next := runes[i] + 1; {
		case next > utf8.MaxRune:
		case next == 0xd800: // half a character
			return string(runes[:i]) + "\ue000"
		default:
			return string(runes[:i]) + string(next)
		}
	}
	return successor[textType]
}

// Bool returns the normal form of a boolean.
func Bool(v bool) string {
	if v {
		return boolType + "1"
	}
	return boolType + "0"
}

// Text returns the normal form of a text. One that is longer than maxText ends in a digest of the whole, in control characters,
// so that equality stays exact.
func Text(s string) string { return textForm(s, maxText) }

// WholeText is Text without a bound, for schemas whose texts are Whole.
func WholeText(s string) string { return textType + s }

func textForm(s string, maxText int) string {
	if len(s) <= maxText {
		return textType + s
	}
	cut := maxText
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	sum := sha256.Sum256([]byte(s))
	form := make([]byte, 0, len(textType)+cut+17)
	form = append(append(append(form, textType...), s[:cut]...), 1)
	for _, b := range sum[:8] {
		form = append(form, 2+b>>4, 2+b&15)
	}
	return string(form)
}

// maxDigits is how many significant digits of a number count.
const maxDigits = 40

// Number returns the normal form of a number that is written as JSON has it: 0.d1d2… times ten to the power of e as a sign,
// e and the digits, complemented for negative numbers. Equal numbers have one form, however they are written.
func Number(s string) string {
	s, negative := strings.CutPrefix(s, "-")
	mantissa, exponent := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa = s[:i]
		exponent = boundedInt(s[i+1:])
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	exponent += len(whole)
	digits := strings.TrimLeft(whole+fraction, "0")
	exponent -= len(whole) + len(fraction) - len(digits)
	if len(digits) > maxDigits {
		digits = digits[:maxDigits]
	}
	digits = strings.TrimRight(digits, "0")
	exponent = max(-4999, min(4999, exponent))
	switch {
	case digits == "":
		return numberType + "1"
	case !negative:
		return fmt.Sprintf("%s2%04d%s", numberType, 5000+exponent, digits)
	}
	complement := []byte(digits)
	for i, c := range complement {
		complement[i] = '9' - (c - '0')
	}
	return fmt.Sprintf("%s0%04d%s~", numberType, 5000-exponent, complement)
}

// boundedInt reads an exponent; what is out of reach becomes the bound.
func boundedInt(s string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(s, "+"))
	switch {
	case err == nil:
		return max(-100000, min(100000, n))
	case strings.HasPrefix(s, "-"):
		return -100000
	}
	return 100000
}

// isNumber tells whether s is a number as JSON has it: without leading zeros, which codes have.
func isNumber(s string) bool {
	digits := func() bool {
		rest := strings.TrimLeft(s, "0123456789")
		some := len(rest) < len(s)
		s = rest
		return some
	}
	s = strings.TrimPrefix(s, "-")
	if len(s) > 1 && s[0] == '0' && s[1] >= '0' && s[1] <= '9' || !digits() {
		return false
	}
	if strings.HasPrefix(s, ".") {
		if s = s[1:]; !digits() {
			return false
		}
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		if s = s[1:]; s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		return digits() && s == ""
	}
	return s == ""
}

// An Interval is a range of normal forms.
type Interval struct {
	From    string
	After   bool // From itself is left out
	To      string
	Through bool // To itself is in
}

// exactly returns the interval of one form.
func exactly(form string) Interval { return Interval{From: form, To: form, Through: true} }

// Single tells whether the interval holds one form.
func (i Interval) Single() bool { return i.From == i.To && i.Through && !i.After }

// Contains tells whether the form lies in the interval.
func (i Interval) Contains(form string) bool {
	return (form > i.From || form == i.From && !i.After) && (form < i.To || form == i.To && i.Through)
}
