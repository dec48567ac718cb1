package scim

import (
	"context"
	"net/http"
	"strconv"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

// mediaType is that of requests and answers (RFC 7644 section 3.1).
const mediaType = "application/scim+json"

// The detail errors of RFC 7644 section 3.12.
const (
	invalidFilter = "invalidFilter"
	tooMany       = "tooMany"
	uniqueness    = "uniqueness"
	mutability    = "mutability"
	invalidSyntax = "invalidSyntax"
	invalidPath   = "invalidPath"
	noTarget      = "noTarget"
	invalidValue  = "invalidValue"
)

var scimTypes = map[string]bool{invalidFilter: true, tooMany: true, uniqueness: true, mutability: true, invalidSyntax: true, invalidPath: true, noTarget: true, invalidValue: true}

// bad is a request that cannot be followed, with its scimType.
func bad(scimType, format string, args ...any) *stagedoor.Error {
	return stagedoor.Errorf(stagedoor.Invalid, scimType, format, args...)
}

// statuses are those of errors, by their kind; of what is not here it is 500.
var statuses = map[stagedoor.Kind]int{
	stagedoor.Invalid: http.StatusBadRequest, stagedoor.Unauthorized: http.StatusUnauthorized, stagedoor.Forbidden: http.StatusForbidden, stagedoor.NotFound: http.StatusNotFound,
	stagedoor.Conflict: http.StatusConflict, stagedoor.TooLarge: http.StatusRequestEntityTooLarge, stagedoor.UnsupportedMedia: http.StatusUnsupportedMediaType,
	stagedoor.TooMany: http.StatusTooManyRequests, stagedoor.Unsupported: http.StatusNotImplemented, stagedoor.Precondition: http.StatusPreconditionFailed,
	stagedoor.Unavailable: http.StatusServiceUnavailable,
}

// statusOf is the status of an answer to an error, and its scimType, if it has one.
func statusOf(err error) (status int, scimType string) {
	e := stagedoor.AsError(err)
	if status = statuses[e.Kind]; status == 0 {
		status = http.StatusInternalServerError
	}
	switch {
	case e.Kind == stagedoor.Conflict:
		scimType = uniqueness
	case e.Kind == stagedoor.Invalid && scimTypes[e.Code]:
		scimType = e.Code
	case e.Kind == stagedoor.Invalid:
		scimType = invalidValue
	}
	return status, scimType
}

// fail answers an error (RFC 7644 section 3.12).
func fail(ctx context.Context, w http.ResponseWriter, err error) int {
	status, body := errorBody(ctx, err)
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	web.RetryAfter(w.Header(), err)
	write(w, status, body)
	return status
}

// refuse answers with a status that no kind of error has.
func refuse(w http.ResponseWriter, status int, detail string) {
	write(w, status, map[string]any{"schemas": []string{errorSchema}, "status": strconv.Itoa(status), "detail": detail})
}

// errorBody is the status and the body of an answer to an error. What only the operator may know stays out of it.
func errorBody(ctx context.Context, err error) (int, map[string]any) {
	status, scimType := statusOf(err)
	detail := stagedoor.AsError(err).Message
	if status >= http.StatusInternalServerError && status != http.StatusNotImplemented {
		web.Failed(ctx, web.Logger(ctx), "provisioning failed", err)
		detail = http.StatusText(status)
	}
	body := map[string]any{"schemas": []string{errorSchema}, "status": strconv.Itoa(status), "detail": detail}
	if scimType != "" {
		body["scimType"] = scimType
	}
	return status, body
}

func write(w http.ResponseWriter, status int, body any) {
	text, err := web.Encode(body)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte("{}")
	}
	h := w.Header()
	h.Set("Content-Type", mediaType+"; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
