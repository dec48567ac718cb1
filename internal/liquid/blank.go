package liquid

import (
	"reflect"
	"regexp"
	"strings"

	"github.com/osteele/liquid/expressions"
)

// The words blank and empty, which the library does not know, stand on one side of a comparison: `user.name == blank`. The comparison is written as a
// filter, which conditions may have.
var comparesWord = regexp.MustCompile(
	`"[^"]*"|'[^']*'` + // texts are left as they are
		`|(?P<left>` + path + `)\s*(?P<op>==|!=|<>)\s*(?P<word>blank|empty)\b` +
		`|\b(?P<word2>blank|empty)\s*(?P<op2>==|!=|<>)\s*(?P<right>` + path + `)`)

// path names a variable or one of its members.
const path = `[A-Za-z_][\w-]*\??(?:\.[A-Za-z_0-9][\w-]*\??|\[(?:"[^"]*"|'[^']*'|[\w.-]+)\])*`

// condition reads what stands in an if, unless or elsif.
func condition(args string) (expressions.Expression, error) {
	return expressions.Parse(comparesWord.ReplaceAllStringFunc(args, func(found string) string {
		m := comparesWord.FindStringSubmatch(found)
		of := func(name string) string { return m[comparesWord.SubexpIndex(name)] }
		subject, op, word := of("left")+of("right"), of("op")+of("op2"), of("word")+of("word2")
		switch {
		case subject == "":
			return found
		case op == "==":
			return subject + " | is_" + word
		}
		return subject + " | is_not_" + word
	}))
}

// isBlank tells whether there is nothing to see: no value, false, a text of spaces alone, or what isEmpty.
func isBlank(v any) bool {
	text, is := v.(string)
	return v == nil || v == false || is && strings.TrimSpace(text) == "" || isEmpty(v)
}

// isEmpty tells whether a value is an empty text, list or object; no value at all is none.
func isEmpty(v any) bool {
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.String, reflect.Slice, reflect.Array, reflect.Map:
		return r.Len() == 0
	}
	return false
}
