package stagedoor

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// EachMember calls fn with each member of a JSON object, in the order of the text: its name, and where its value begins and ends. The syntax is known to be
// right, as that of what a database gives back; of anything else but an object there are no members. The first error of fn is returned.
func EachMember(text string, fn func(name string, from, to int) error) error {
	i := jsonSpace(text, 0)
	if i >= len(text) || text[i] != '{' {
		return nil
	}
	for i = jsonSpace(text, i+1); i < len(text) && text[i] == '"'; i = jsonSpace(text, i+1) {
		end := jsonString(text, i)
		name := TextOfJSON(text[i:end])
		from := jsonSpace(text, end)
		from = jsonSpace(text, from+1) // behind the colon
		to := jsonValue(text, from)
		if from >= to {
			return nil
		}
		if err := fn(name, from, to); err != nil {
			return err
		}
		if i = jsonSpace(text, to); i >= len(text) || text[i] != ',' {
			return nil
		}
	}
	return nil
}

// TextOfJSON returns the text of a JSON string, whose syntax is known to be right; "" of anything else.
func TextOfJSON(quoted string) string {
	if len(quoted) < 2 || quoted[0] != '"' {
		return ""
	}
	if inside := quoted[1 : len(quoted)-1]; strings.IndexByte(inside, '\\') < 0 && utf8.ValidString(inside) {
		return inside
	}
	var s string
	_ = json.Unmarshal([]byte(quoted), &s)
	return s
}

// AppendTextJSON appends s as a JSON string, as encoding/json writes it without escapes for HTML.
func AppendTextJSON(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf-1 {
			return appendEscaped(b, s)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// appendEscaped appends what can be encoded.
func appendEscaped(b []byte, v any) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
	return append(b, bytes.TrimRight(out.Bytes(), "\n")...)
}

// AppendCompact appends a JSON text, whose syntax is known to be right, without white space between its parts.
func AppendCompact[T ~string | ~[]byte](b []byte, value T) []byte {
	text := string(value)
	start := 0
	for i := 0; i < len(text); {
		switch text[i] {
		case '"':
			i = jsonString(text, i)
		case ' ', '\n', '\t', '\r':
			b = append(b, text[start:i]...)
			i++
			start = i
		default:
			i++
		}
	}
	return append(b, text[start:]...)
}

func jsonSpace(text string, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\t' || text[i] == '\r') {
		i++
	}
	return i
}

// jsonString returns the place behind the string that begins at i.
func jsonString(text string, i int) int {
	i++
	for {
		end := strings.IndexByte(text[min(i, len(text)):], '"')
		if end < 0 {
			return len(text)
		}
		escape := strings.IndexByte(text[i:i+end], '\\')
		if escape < 0 {
			return i + end + 1
		}
		i += escape + 2
	}
}

// jsonValue returns the place behind the value that begins at i.
func jsonValue(text string, i int) int {
	depth := 0
	for i < len(text) {
		switch c := text[i]; c {
		case '"':
			if i = jsonString(text, i); depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return i
			}
			if depth == 0 {
				return i + 1
			}
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return i
}
