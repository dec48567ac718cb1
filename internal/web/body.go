package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/stagedoor/stagedoor"
)

// ReadBody returns the JSON body of a request of at most limit bytes. It refuses larger ones (TooLarge) and other content
// types and encodings (UnsupportedMedia); a missing content type counts as JSON. It does not look at the text.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if header := r.Header.Get("Content-Type"); header != "" {
		media, params, err := mime.ParseMediaType(header)
		charset := strings.ToLower(params["charset"])
		if err != nil || media != "application/json" || charset != "" && charset != "utf-8" && charset != "utf8" {
			return nil, NotJSON()
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

// NotJSON is the error of a body of another content type.
func NotJSON() error {
	return stagedoor.Errorf(stagedoor.UnsupportedMedia, "", "Unsupported Media Type: send application/json in UTF-8")
}

var jsonType = []string{"application/json; charset=utf-8"}

// WriteJSON answers with status and v as JSON. An encoding error is returned before anything is written.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	var body []byte
	if a, is := v.(Appender); is {
		spare := buffers.Get().(*[]byte)
		body = a.AppendJSON((*spare)[:0])
		if *spare = body; cap(body) <= keptBuffer {
			defer buffers.Put(spare)
		}
	} else {
		var err error
		if body, err = Encode(v); err != nil {
			return err
		}
	}
	h := w.Header()
	h["Content-Type"] = jsonType
	h.Set("Content-Length", strconv.Itoa(len(body))) // or a longer one goes in pieces
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}

// buffers are those of answers that were written, each of keptBuffer bytes at most.
var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 4096)) }}

const keptBuffer = 256 << 10 // 50 users of 2 KB are 130 KB

// An Appender writes itself as JSON: what is read and shown much more often than anything else.
type Appender interface{ AppendJSON(b []byte) []byte }

// List are Appenders that are shown as a list.
type List[T Appender] []T

// AppendJSON appends the list.
func (l List[T]) AppendJSON(b []byte) []byte {
	b = append(b, '[')
	for i, item := range l {
		if i > 0 {
			b = append(b, ',')
		}
		b = item.AppendJSON(b)
	}
	return append(b, ']')
}

// MarshalJSON makes a List a part of something else.
func (l List[T]) MarshalJSON() ([]byte, error) { return l.AppendJSON(nil), nil }

// Encode returns v as JSON without the escapes that encoding/json adds for HTML.
func Encode(v any) ([]byte, error) {
	if a, is := v.(Appender); is {
		return a.AppendJSON(make([]byte, 0, 1024)), nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("web: encode answer: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
