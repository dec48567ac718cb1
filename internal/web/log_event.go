package web

import (
	"net/http"

	"github.com/stagedoor/stagedoor"
)

// LogEvent completes an event of the tenant's log with what the request tells: where it came from, what sent it and to which host. The store bounds
// what is long.
func LogEvent(r *http.Request, e stagedoor.LogEvent) stagedoor.LogEvent {
	e.IP, e.UserAgent, e.Hostname, e.SecurityContext = r.RemoteAddr, r.UserAgent(), Hostname(r.Host), FingerprintsOf(r.Context())
	return e
}
