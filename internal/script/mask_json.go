package script

import (
	"bytes"
	"encoding/json"
)

// rewriteJSON gives every string of a JSON text that is no name of a member to change, with the name of the nearest member around it.
func rewriteJSON(text json.RawMessage, change func(name, value string) string) json.RawMessage {
	if !json.Valid(text) {
		return text
	}
	var out bytes.Buffer
	var names []string // of the members around, "" for arrays at first
	name, key := "", false
	var objects []bool
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '{', '[':
			objects, names = append(objects, c == '{'), append(names, name)
			key = c == '{'
		case '}', ']':
			name = names[len(names)-1]
			objects, names = objects[:len(objects)-1], names[:len(names)-1]
			key = false
		case ',':
			key = len(objects) > 0 && objects[len(objects)-1]
		case '"':
			end := i + 1
			for text[end] != '"' {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			literal := text[i : end+1]
			var value string
			_ = json.Unmarshal(literal, &value)
			i = end
			if key {
				name, key = value, false
				out.Write(literal)
				continue
			}
			if changed := change(name, value); changed != value {
				out.Write(quote(changed))
			} else {
				out.Write(literal)
			}
			continue
		}
		out.WriteByte(text[i])
	}
	return out.Bytes()
}

// quote is a text as JSON, with no more escapes than it needs.
func quote(text string) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(text)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
