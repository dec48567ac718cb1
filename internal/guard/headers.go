package guard

import (
	"net/http"
	"strconv"
	"time"
)

// The headers that tools wait by (Management API fact sheet 1.6).
const (
	headerLimit     = "X-RateLimit-Limit"
	headerRemaining = "X-RateLimit-Remaining"
	headerReset     = "X-RateLimit-Reset"
)

// NoLimit sets the headers of an answer that no limit stands behind: tools expect them on each.
func NoLimit(h http.Header, now time.Time) { setLimit(h, 50, 49, now.Add(time.Second)) }

// Tell sets the headers of an answer that a limit of so many at once stands behind; where there was no room, also when to come again.
func (r Room) Tell(h http.Header, now time.Time, burst int) {
	if r.OK {
		setLimit(h, burst, r.Remaining, now.Add(max(r.Full, time.Second)))
		return
	}
	wait := min(max((r.Wait+time.Second-1).Truncate(time.Second), time.Second), 10*time.Second)
	setLimit(h, burst, 0, now.Add(wait))
	h.Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
}

func setLimit(h http.Header, limit, remaining int, reset time.Time) {
	h.Set(headerLimit, strconv.Itoa(limit))
	h.Set(headerRemaining, strconv.Itoa(remaining))
	h.Set(headerReset, strconv.FormatInt(reset.Add(time.Second-1).Unix(), 10)) // whole seconds, never too early
}
