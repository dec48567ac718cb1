package web

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// IsForm tells whether the body of a request is a form as browsers write it (application/x-www-form-urlencoded).
func IsForm(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "application/x-www-form-urlencoded"
}

// ReadForm returns the text of a form, as ReadBody does that of JSON.
func ReadForm(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	return readText(w, r, limit)
}

// Form writes the fields of a form as the JSON object that they stand for, read as Query reads parameters. What the schema does not have, and what no
// field of a form can hold, becomes a text, which Decode refuses.
func (s *Schema[T]) Form(data []byte) ([]byte, error) { return s.root.form(string(data)) }

func (n *node) form(data string) ([]byte, error) {
	fields, err := url.ParseQuery(data)
	if err != nil {
		return nil, (&Violation{Reason: "Not a form"}).Body()
	}
	var out bytes.Buffer
	written := map[string]bool{}
	for _, pair := range strings.Split(data, "&") {
		escaped, _, _ := strings.Cut(pair, "=")
		name, _ := url.QueryUnescape(escaped)
		given := fields[name]
		if written[name] || len(given) == 0 {
			continue
		}
		written[name] = true
		as := &node{kind: textKind}
		if f := n.named(name); f != nil {
			as = f.node
		} else {
			given = given[:1]
		}
		value, v := as.fromText(given, place{path: name})
		if v != nil {
			return nil, v.Body()
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		out.WriteString(map[bool]string{true: "{", false: ","}[out.Len() == 0])
		out.Write(key)
		out.WriteByte(':')
		out.Write(value)
	}
	if out.Len() == 0 {
		return []byte("{}"), nil
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}
