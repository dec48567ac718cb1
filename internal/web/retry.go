package web

import (
	"net/http"
	"strconv"

	"github.com/stagedoor/stagedoor"
)

// retryable are the codes of Unavailable errors after which a client may come again by itself: nothing was done. Those after which
// something may have been done are not among them.
var retryable = map[string]bool{"database_unavailable": true, "search_timeout": true}

// Patience is the extra of an error that tells in how many seconds to come again, an int. It is a header, not a member of the body.
const Patience = "Retry-After"

// RetryAfter tells a client when it may come again, if err is an error that says so, or after which it may do that by itself.
func RetryAfter(h http.Header, err error) {
	e := stagedoor.AsError(err)
	if seconds, told := e.Extra[Patience].(int); told {
		h.Set(Patience, strconv.Itoa(seconds))
	} else if e.Kind == stagedoor.Unavailable && retryable[e.Code] {
		h.Set(Patience, "1")
	}
}
