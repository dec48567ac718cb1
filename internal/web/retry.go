package web

import (
	"net/http"

	"github.com/stagedoor/stagedoor"
)

// retryable are the codes of Unavailable errors after which a client may come again by itself: nothing was done. Those after which
// something may have been done are not among them.
var retryable = map[string]bool{"database_unavailable": true, "search_timeout": true}

// RetryAfter tells a client that it may come again, if err is such an error.
func RetryAfter(h http.Header, err error) {
	if e := stagedoor.AsError(err); e.Kind == stagedoor.Unavailable && retryable[e.Code] {
		h.Set("Retry-After", "1")
	}
}
