package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
)

// MaxDepth is how deep objects and lists of a body may lie within each other.
const MaxDepth = 64

// CheckJSON tells what is wrong with data as a request body, whatever its schema, or returns nil: it must be one JSON value
// in UTF-8, not too deep, without doubled members, and every text and number one that both databases can keep.
func CheckJSON(data []byte) error {
	if len(bytes.TrimSpace(data)) == 0 || !utf8.Valid(data) || !json.Valid(data) {
		return stagedoor.Errorf(stagedoor.Invalid, "", "Invalid request payload JSON format")
	}
	if loneSurrogate(data) {
		return (&Violation{Reason: "Texts must be valid Unicode"}).Body()
	}
	if v := scan(data); v != nil {
		return v.Body()
	}
	return nil
}

// level is an object or list that the scan is within.
type level struct {
	names map[string]bool // of an object so far; nil in a list
	name  string          // of the member whose value comes next
	value bool            // a value comes next, not a name
	index int
}

func scan(data []byte) *Violation {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var levels []*level
	path := func() string {
		var b strings.Builder
		for _, l := range levels {
			if l.names == nil {
				fmt.Fprintf(&b, "[%d]", l.index)
				continue
			}
			if b.Len() > 0 && l.name != "" {
				b.WriteByte('.')
			}
			b.WriteString(l.name)
		}
		return b.String()
	}
	for {
		token, err := dec.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil { // cannot be: the text is valid
			return &Violation{Reason: "Not JSON"}
		}
		var in *level
		if len(levels) > 0 {
			in = levels[len(levels)-1]
		}
		switch t := token.(type) {
		case json.Delim:
			switch t {
			case '}', ']':
				levels = levels[:len(levels)-1]
				if len(levels) == 0 {
					continue
				}
				in = levels[len(levels)-1]
			default:
				if len(levels) == MaxDepth {
					return &Violation{Reason: fmt.Sprintf("Nested too deeply, maximum %d levels", MaxDepth)}
				}
				next := &level{}
				if t == '{' {
					next.names = map[string]bool{}
				}
				levels = append(levels, next)
				continue
			}
		case string:
			if strings.ContainsRune(t, 0) {
				return &Violation{Reason: "Texts must not contain a NUL character", Path: path()}
			}
			if in != nil && in.names != nil && !in.value {
				if in.names[t] {
					return &Violation{Reason: "Duplicate property: " + t, Path: path()}
				}
				in.names[t], in.name, in.value = true, t, true
				continue
			}
		case json.Number:
			if _, err := strconv.ParseFloat(string(t), 64); err != nil || len(t) > 400 {
				return &Violation{Reason: "Number out of range", Path: path()}
			}
		}
		if in != nil { // a value ended
			in.value, in.name = false, ""
			in.index++
		}
	}
}

// loneSurrogate finds a \ud800-like escape without its other half, which is no character and which encoding/json would
// silently replace.
func loneSurrogate(data []byte) bool {
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		i++
		if data[i] != 'u' {
			continue
		}
		first := escape(data[i+1:])
		i += 4
		if !utf16.IsSurrogate(first) {
			continue
		}
		if i+2 >= len(data) || data[i+1] != '\\' || data[i+2] != 'u' || utf16.DecodeRune(first, escape(data[i+3:])) == utf8.RuneError {
			return true
		}
		i += 6
	}
	return false
}

func escape(hex []byte) rune {
	if len(hex) < 4 {
		return 0
	}
	n, _ := strconv.ParseUint(string(hex[:4]), 16, 32)
	return rune(n)
}

// member is one name and value of an object, in the order of the text.
type member struct {
	name  string
	value json.RawMessage
}

func members(raw []byte) []member {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.Token() //nolint:errcheck // checked before
	var out []member
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return out
		}
		m := member{name: token.(string)}
		if dec.Decode(&m.value) != nil {
			return out
		}
		out = append(out, m)
	}
	return out
}

// integer returns the whole number that raw holds, if it is one; 1.0 and 1e3 are whole.
func integer(raw []byte) (int64, bool) {
	text := string(bytes.TrimSpace(raw))
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != float64(int64(f)) || f > 1<<53 || f < -(1<<53) {
		return 0, false
	}
	return int64(f), true
}
