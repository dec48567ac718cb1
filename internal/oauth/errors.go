package oauth

import (
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// statuses of JSON errors. Most failures of a token request are 403, not the 400 of RFC 6749: that
// is the wire (Authentication API fact sheet, trap 6).
var statuses = map[stagedoor.Kind]int{
	stagedoor.Invalid: 400, stagedoor.Unauthorized: 401, stagedoor.Forbidden: 403, stagedoor.NotFound: 404,
	stagedoor.Conflict: 409, stagedoor.TooLarge: 413, stagedoor.UnsupportedMedia: 415, stagedoor.TooMany: 429,
	stagedoor.Unsupported: 501, stagedoor.Unavailable: 503, stagedoor.Scripted: 500,
}

// answerError writes the OAuth error object: error, error_description and the error's extras.
func answerError(w http.ResponseWriter, r *http.Request, err error) {
	e := stagedoor.AsError(err)
	status, known := statuses[e.Kind]
	if !known {
		status = http.StatusInternalServerError
		web.Failed(r.Context(), web.Logger(r.Context()), "a request failed", err)
		e = &stagedoor.Error{Code: "server_error", Message: "Internal error"}
	}
	if e.Kind == stagedoor.Unavailable {
		web.Failed(r.Context(), web.Logger(r.Context()), "a request failed", err)
	}
	body := map[string]any{"error": e.Code, "error_description": e.Message}
	for _, name := range []string{"error_uri", "mfa_token", "mfa_requirements"} {
		if v, ok := e.Extra[name]; ok {
			body[name] = v
		}
	}
	noStore(w)
	web.RetryAfter(w.Header(), err)
	web.WriteJSON(w, status, body)
}

// refuse answers an error to a client. One that tried to prove itself with HTTP Basic is told that it can (RFC 6749 section 5.2).
func refuse(w http.ResponseWriter, r *http.Request, st *store.Store, err error) {
	if _, _, basic := r.BasicAuth(); basic && stagedoor.IsKind(err, stagedoor.Unauthorized) {
		w.Header().Set("WWW-Authenticate", `Basic realm="`+st.Tenant().ID+`"`)
	}
	answerError(w, r, err)
}

func noStore(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
}

func invalid(format string, args ...any) error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", format, args...)
}

func invalidGrant(format string, args ...any) error {
	return stagedoor.Errorf(stagedoor.Forbidden, "invalid_grant", format, args...)
}
