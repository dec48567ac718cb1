package store

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
)

// document is the text of a JSON column.
type document string

// What a JSON document may hold, so that both databases take it: PostgreSQL's numbers end
// far beyond these bounds, and its parser's stack too.
const (
	maxNesting      = 512
	maxNumberLength = 400 // characters
	maxExponent     = 308 // as in a double
)

func errUnstorable() error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_body", "A text holds characters that cannot be stored.")
}

// storable turns documents into plain strings, in place, and tells whether both databases
// can keep every text: PostgreSQL takes no NUL and nothing that is not UTF-8.
func storable(args []any) bool {
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			if !plainText(v) {
				return false
			}
		case document:
			if !storableJSON(string(v)) {
				return false
			}
			args[i] = string(v)
		}
	}
	return true
}

func plainText(s string) bool { return strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) }

// storableJSON tells whether both databases can keep a JSON text, whose syntax is known to
// be right.
func storableJSON(s string) bool {
	if !plainText(s) {
		return false
	}
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			end, ok := storableString(s, i+1)
			if !ok {
				return false
			}
			i = end
		case c == '{' || c == '[':
			if depth++; depth > maxNesting {
				return false
			}
		case c == '}' || c == ']':
			depth--
		case c >= '0' && c <= '9':
			end := i
			for end < len(s) && strings.IndexByte("0123456789+-.eE", s[end]) >= 0 {
				end++
			}
			if !storableNumber(s[i:end]) {
				return false
			}
			i = end - 1
		}
	}
	return true
}

// storableString reads from behind the opening quote and returns where the closing one is.
// It refuses \u0000 and half a surrogate pair.
func storableString(s string, i int) (end int, ok bool) {
	for ; i < len(s) && s[i] != '"'; i++ {
		if s[i] != '\\' {
			continue
		}
		i++
		if i >= len(s) || s[i] != 'u' {
			continue
		}
		r := escaped(s, i+1)
		i += 4
		if utf16.IsSurrogate(r) {
			if i+2 >= len(s) || s[i+1] != '\\' || s[i+2] != 'u' || utf16.DecodeRune(r, escaped(s, i+3)) == utf8.RuneError {
				return i, false
			}
			i += 6
		}
		if r == 0 {
			return i, false
		}
	}
	return i, true
}

// escaped returns the character of the four hexadecimal digits at i; 0 if there are none.
func escaped(s string, i int) (r rune) {
	if i+4 > len(s) {
		return 0
	}
	for _, c := range []byte(s[i : i+4]) {
		digit := strings.IndexByte("0123456789abcdef", c|0x20)
		if digit < 0 {
			return 0
		}
		r = r<<4 | rune(digit)
	}
	return r
}

func storableNumber(s string) bool {
	_, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	exponent = strings.TrimLeft(strings.TrimLeft(exponent, "+-"), "0")
	n := 0
	for _, c := range exponent {
		if n = n*10 + int(c-'0'); n > maxExponent {
			return false
		}
	}
	return len(s) <= maxNumberLength
}
