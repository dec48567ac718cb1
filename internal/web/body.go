package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// ReadBody returns the JSON body of a request of at most limit bytes. It refuses larger ones (TooLarge) and other content
// types and encodings (UnsupportedMedia); a missing content type counts as JSON. It does not look at the text.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if header := r.Header.Get("Content-Type"); header != "" {
		media, params, err := mime.ParseMediaType(header)
		charset := strings.ToLower(params["charset"])
		if err != nil || media != "application/json" || charset != "" && charset != "utf-8" && charset != "utf8" {
			return nil, stagedoor.Errorf(stagedoor.UnsupportedMedia, "", "Unsupported Media Type: send application/json in UTF-8")
		}
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, stagedoor.Errorf(stagedoor.UnsupportedMedia, "", "Unsupported Media Type: send the body without Content-Encoding")
	}
	tooLarge := stagedoor.Errorf(stagedoor.TooLarge, "", "Payload content length greater than maximum allowed: %d", limit)
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge
	case err != nil:
		return nil, &stagedoor.Error{Kind: stagedoor.Invalid, Message: "The request body could not be read", Err: err}
	}
	return body, nil
}

// WriteJSON answers with status and v as JSON. An encoding error is returned before anything is written.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	body, err := Encode(v)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	_, err = w.Write(body)
	return err
}

// Encode returns v as JSON without the escapes that encoding/json adds for HTML.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("web: encode answer: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
