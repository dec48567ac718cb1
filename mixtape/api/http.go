package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxBody is the largest request body in bytes.
const maxBody = 64 << 10

// problem is an error that the caller may read.
type problem struct {
	status  int
	code    string // what machines read
	message string // what people read
}

func (p problem) Error() string { return p.message }

func badRequest(message string) error {
	return problem{http.StatusBadRequest, "bad_request", message}
}

func notFound(what string) error {
	return problem{http.StatusNotFound, "not_found", "There is no such " + what + "."}
}

// handler answers a verified listener, or returns an error instead.
type handler func(w http.ResponseWriter, r *http.Request, l listener) error

// authenticated lets only verified listeners through to h.
func (s *Server) authenticated(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		token, ok := bearer(r)
		if !ok {
			w.Header().Set("WWW-Authenticate", `Bearer realm="mixtape"`)
			s.fail(w, r, problem{http.StatusUnauthorized, "unauthorized", "A bearer token is needed."})
			return
		}
		l, err := s.tokens.verify(r.Context(), token)
		if err != nil {
			s.log.InfoContext(r.Context(), "token refused", slog.String("path", r.URL.Path), slog.Any("error", err))
			w.Header().Set("WWW-Authenticate", `Bearer realm="mixtape", error="invalid_token"`)
			s.fail(w, r, problem{http.StatusUnauthorized, "invalid_token", "The token is not valid here, or no longer."})
			return
		}
		if id := r.PathValue("id"); !utf8.ValidString(id) || strings.ContainsRune(id, 0) {
			err = notFound("address") // nothing has such an id, and PostgreSQL takes none for a text
		} else {
			err = h(w, r, l)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}

// fail writes the error. What is not a problem of the caller's is logged and
// keeps its text to itself.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var p problem
	if !errors.As(err, &p) {
		s.log.ErrorContext(r.Context(), "request failed", slog.String("method", r.Method),
			slog.String("path", r.URL.Path), slog.Any("error", err))
		p = problem{http.StatusInternalServerError, "internal_error", "Something went wrong on our side."}
	}
	writeJSON(w, p.status, map[string]string{"error": p.code, "message": p.message})
}

func writeJSON(w http.ResponseWriter, status int, body any) error {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(body)
}

func writeText(w http.ResponseWriter, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, err := io.WriteString(w, text)
	return err
}

// readJSON decodes one JSON object of known fields from the body.
func readJSON[T any](w http.ResponseWriter, r *http.Request) (T, error) {
	var in T
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return in, problem{http.StatusUnsupportedMediaType, "unsupported_media_type", "The body must be application/json."}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return in, problem{http.StatusRequestEntityTooLarge, "too_large", "The body is too large."}
		}
		return in, badRequest("The body could not be read.")
	}
	return decode[T](body)
}

// decode is the part of readJSON that knows nothing of HTTP.
func decode[T any](body []byte) (T, error) {
	var in, none T
	if !utf8.Valid(body) {
		return none, badRequest("The body must be UTF-8.")
	}
	if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || trimmed[0] != '{' {
		return none, badRequest("The body must be a JSON object.")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return none, badRequest("The body must be a JSON object of the documented fields.")
	}
	if _, err := d.Token(); err != io.EOF {
		return none, badRequest("The body must be one JSON object.")
	}
	return in, nil
}

// cors lets pages of the allowed origins call the API. Cookies play no part.
func cors(origins []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		if origin := r.Header.Get("Origin"); origin != "" && slices.Contains(origins, origin) {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", "WWW-Authenticate, Content-Length, Content-Range, Accept-Ranges")
			if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
				h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
				h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Range")
				h.Set("Access-Control-Max-Age", "600")
			}
		}
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}
