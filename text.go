package stagedoor

import (
	"slices"
	"strings"
	"unicode"
)

// Clip returns a text as it is, or its first bytes, most of them at most, without the character that this would cut in two. It is for fields,
// in which a mark at the end would be taken for a part of the value; for what people read there is [Shorten].
func Clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// Shorten is [Clip] with a mark that something is missing. What strangers send goes through it, so that a megabyte sent is not a megabyte told and
// logged.
func Shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return Clip(s, most) + "…"
}

// Invisible tells whether a character cannot be seen, or turns what is around it: texts that look alike would be different, or the other way round.
func Invisible(c rune) bool {
	return !unicode.IsPrint(c) || slices.Contains([]rune{0x034f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x2800, 0x3164, 0xffa0}, c) || // fillers, a joiner, a blank of braille
		unicode.Is(unicode.Variation_Selector, c) && c != 0xfe0f // which makes a picture of a character
}
