package login

import (
	"errors"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
)

// maxBody bounds forms, JSON bodies and queries, in bytes.
const maxBody = 64 << 10

// formType is how browsers post a form.
const formType = "application/x-www-form-urlencoded"

func invalid(code, format string, args ...any) error {
	return stagedoor.Errorf(stagedoor.Invalid, code, format, args...)
}

func tooLarge() error {
	return stagedoor.Errorf(stagedoor.TooLarge, "invalid_request", "The request body is larger than %d bytes.", maxBody)
}

// readForm reads the form of one of our own pages. What another site posts is refused: it could
// otherwise sign a person in as somebody else.
func (d *Door) readForm(w http.ResponseWriter, r *http.Request) error {
	if d.sameOrigin.Check(r) != nil {
		return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "This form was sent by another site.")
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != formType {
		return stagedoor.Errorf(stagedoor.UnsupportedMedia, "invalid_request", "The content type must be %s.", formType)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	err := r.ParseForm()
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return tooLarge()
	}
	if err != nil {
		return invalid("invalid_request", "The form cannot be read.")
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return invalid("invalid_request", "The form holds a field twice: %s", name)
		}
		for _, v := range values {
			if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
				return invalid("invalid_request", "The form must be UTF-8 without NUL characters.")
			}
		}
	}
	return nil
}

// text returns a field of the form without the spaces around it. Passwords are read as they are.
func text(r *http.Request, field string) string { return strings.TrimSpace(r.PostFormValue(field)) }
