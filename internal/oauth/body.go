package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

// readParams reads a body of parameters, as a form or as a JSON object of strings: SDKs send both to the
// same endpoint. Numbers and booleans of JSON are read as their text, other values are ignored unless they
// are asked for, a parameter that comes twice is refused.
func readParams(w http.ResponseWriter, r *http.Request) (map[string]string, error) {
	b, err := readBody(w, r, "invalid_request")
	if err != nil {
		return nil, err
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && kind == "application/json":
		return jsonParams(b)
	case err == nil && kind == "application/x-www-form-urlencoded", len(b) == 0:
		return formParams(string(b))
	}
	return nil, stagedoor.Errorf(stagedoor.UnsupportedMedia, "invalid_request", "The content type must be application/x-www-form-urlencoded or application/json.")
}

// readBody reads a body of text. Code is that of the error where there is too much of it, or none.
func readBody(w http.ResponseWriter, r *http.Request, code string) ([]byte, error) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, stagedoor.Errorf(stagedoor.TooLarge, code, "The request body is larger than %d bytes.", tooLarge.Limit)
	case err != nil || !utf8.Valid(b):
		return nil, stagedoor.Errorf(stagedoor.Invalid, code, "The request body cannot be read.")
	}
	return b, nil
}

// readJSON reads a body that is a JSON object. Members that nobody asks for are ignored.
func readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	b, err := readBody(w, r, "invalid_request")
	if err == nil && (web.CheckJSON(b) != nil || json.Unmarshal(b, into) != nil) {
		err = invalid("The request body is not a valid JSON object.")
	}
	return err
}

// readForm reads the query and the form of a request that a browser sends.
func readForm(w http.ResponseWriter, r *http.Request) error {
	if len(r.URL.RawQuery) > maxForm {
		return invalid("The request is too long.")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return invalid("The request cannot be read.")
	}
	for name, values := range r.Form {
		if unreadable(name) || slices.ContainsFunc(values, unreadable) {
			return invalid("The request cannot be read.")
		}
	}
	return nil
}

// unreadable tells whether a parameter is no text: neither the log nor the database could keep it.
func unreadable(s string) bool { return !utf8.ValidString(s) || strings.ContainsRune(s, 0) }

func formParams(body string) (map[string]string, error) {
	values, err := url.ParseQuery(body)
	if err != nil {
		return nil, invalid("The request body is not a valid form.")
	}
	out := make(map[string]string, len(values))
	for name, v := range values {
		if unreadable(name) || slices.ContainsFunc(v, unreadable) {
			return nil, invalid("The request body cannot be read.")
		}
		if len(v) > 1 {
			return nil, invalid("Duplicate parameter: %s", name)
		}
		if v[0] != "" { // else as if it had been left out (RFC 6749 section 3.2)
			out[name] = v[0]
		}
	}
	return out, nil
}

// structured are the parameters that have parts: they come as their JSON.
var structured = []string{"authn_response", "authorization_details", "user_profile"}

// jsonParams reads a JSON object of parameters.
func jsonParams(b []byte) (map[string]string, error) {
	malformed := invalid("The request body is not a valid JSON object.")
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, malformed
	}
	out, seen := map[string]string{}, map[string]bool{}
	for dec.More() {
		key, err := dec.Token()
		name, ok := key.(string)
		if err != nil || !ok {
			return nil, malformed
		}
		var value any
		if err := dec.Decode(&value); err != nil {
			return nil, malformed
		}
		if text, _ := value.(string); unreadable(name) || unreadable(text) {
			return nil, invalid("The request body cannot be read.")
		}
		if seen[name] {
			return nil, invalid("Duplicate parameter: %s", name)
		}
		seen[name] = true
		switch v := value.(type) {
		case string:
			if v != "" { // else as if it had been left out (RFC 6749 section 3.2)
				out[name] = v
			}
		case json.Number:
			out[name] = v.String()
		case map[string]any, []any:
			if slices.Contains(structured, name) {
				text, err := json.Marshal(v)
				if err != nil || unreadable(string(text)) {
					return nil, malformed
				}
				out[name] = string(text)
			}
		case bool:
			out[name] = map[bool]string{true: "true", false: "false"}[v]
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, malformed
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, malformed
	}
	return out, nil
}
