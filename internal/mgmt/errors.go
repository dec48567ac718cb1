package mgmt

import (
	"errors"
	"log/slog"
	"maps"
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/web"
)

var statuses = map[stagedoor.Kind]int{
	stagedoor.Internal: 500, stagedoor.Invalid: 400, stagedoor.Unauthorized: 401, stagedoor.Forbidden: 403, stagedoor.NotFound: 404,
	stagedoor.Conflict: 409, stagedoor.TooLarge: 413, stagedoor.URITooLong: 414, stagedoor.UnsupportedMedia: 415, stagedoor.TooMany: 429,
	stagedoor.Unsupported: 501, stagedoor.Unavailable: 503, stagedoor.Precondition: 412, stagedoor.Gone: 410, stagedoor.Scripted: 400,
}

// envelope returns the status and the body of an error (Management API fact sheet 1.3). An error that nobody classified keeps
// its text to itself.
func envelope(err error) (int, map[string]any) {
	var weak *password.Error
	if errors.As(err, &weak) {
		err = bad("invalid_body", weak.Name+": "+weak.Message)
	}
	e := stagedoor.AsError(err)
	status := statuses[e.Kind]
	message := e.Message
	if e.Kind == stagedoor.Internal {
		message = "Internal error"
	}
	out := map[string]any{}
	maps.Copy(out, e.Extra)
	delete(out, web.Patience) // which is a header
	out["statusCode"], out["error"], out["message"] = status, reason(status), message
	if e.Code != "" && e.Kind != stagedoor.Internal {
		out["errorCode"] = e.Code
	}
	return status, out
}

func reason(status int) string {
	if status == http.StatusRequestEntityTooLarge {
		return "Payload Too Large"
	}
	if status == http.StatusInternalServerError {
		return "Internal Server Error"
	}
	return http.StatusText(status)
}

// fail answers with an error, and logs it where it belongs.
func (a *API) fail(c *call, err error) {
	status, out := envelope(err)
	if status >= 500 && status != http.StatusNotImplemented {
		web.Failed(c.ctx(), a.log(c), "an operation failed", err, "method", c.r.Method, "route", c.r.Pattern, "tenant", c.store.Tenant().ID)
	}
	h := c.w.Header()
	if status == http.StatusUnauthorized && h.Get("WWW-Authenticate") == "" {
		h.Set("WWW-Authenticate", "Bearer")
	}
	web.RetryAfter(h, err)
	if err := web.WriteJSON(c.w, status, out); err != nil {
		a.Log.ErrorContext(c.ctx(), "an error could not be answered", "error", err)
	}
	if status != http.StatusTooManyRequests { // those are counted, not written down one by one
		a.logFailure(c, status, out)
	}
}

// NoTenant answers a request of which it is not known to which tenant it is.
func (a *API) NoTenant(w http.ResponseWriter, r *http.Request, err error) {
	if row, found := a.mux.Find(r); found {
		web.EventOf(r.Context()).SetRoute(Base + row.pattern)
	}
	status, out := envelope(err)
	web.RetryAfter(w.Header(), err)
	if err := web.WriteJSON(w, status, out); err != nil {
		a.Log.ErrorContext(r.Context(), "an error could not be answered", "error", err)
	}
}

// log is where lines about a request go: with its id, where a server in front gave it one.
func (a *API) log(c *call) *slog.Logger {
	if e := web.EventOf(c.ctx()); e != nil {
		return e.Logger()
	}
	return a.Log
}
