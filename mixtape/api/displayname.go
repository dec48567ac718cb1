package api

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

type displayNameBody struct {
	DisplayName string `json:"displayName"`
}

// displayName reads user_metadata.displayName of the listener who calls.
func (s *Server) displayName(w http.ResponseWriter, r *http.Request, l listener) error {
	name, err := s.users.displayName(r.Context(), l.id)
	if err != nil {
		return s.upstream(r, err)
	}
	return writeJSON(w, http.StatusOK, displayNameBody{name})
}

// setDisplayName changes user_metadata.displayName of the listener who calls.
// Nothing in the request can name another user: the id is the verified token's.
func (s *Server) setDisplayName(w http.ResponseWriter, r *http.Request, l listener) error {
	in, err := readJSON[displayNameBody](w, r)
	if err != nil {
		return err
	}
	name, ok := cleanName(in.DisplayName, 64)
	if !ok {
		return badRequest("displayName has 1 to 64 characters.")
	}
	if err := s.users.setDisplayName(r.Context(), l.id, name); err != nil {
		return s.upstream(r, err)
	}
	return writeJSON(w, http.StatusOK, displayNameBody{name})
}

// upstream turns an error of the identity server into one for the listener.
func (s *Server) upstream(r *http.Request, err error) error {
	if errors.Is(err, errNoUser) {
		return notFound("listener")
	}
	s.log.ErrorContext(r.Context(), "management call failed", slog.Any("error", err))
	return problem{http.StatusBadGateway, "bad_gateway", "The identity server did not do what we asked. Try again later."}
}

// cleanName trims a name that people will read, and refuses what is empty,
// longer than max characters or has control characters in it.
func cleanName(name string, max int) (string, bool) {
	name = strings.TrimSpace(name)
	n := utf8.RuneCountInString(name)
	return name, n >= 1 && n <= max && !strings.ContainsFunc(name, unicode.IsControl)
}
