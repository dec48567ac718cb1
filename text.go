package stagedoor

import "strings"

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
