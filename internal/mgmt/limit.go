package mgmt

import (
	"net/http"
	"strconv"
	"time"

	"github.com/stagedoor/stagedoor"
)

// The headers that tools wait by (Management API fact sheet 1.6).
const (
	headerLimit     = "X-RateLimit-Limit"
	headerRemaining = "X-RateLimit-Remaining"
	headerReset     = "X-RateLimit-Reset"
)

// noLimit sets the headers of an answer that no limit stands behind: tools expect them on each.
func (a *API) noLimit(h http.Header) {
	setLimit(h, 50, 49, a.Clock.Now().Add(time.Second))
}

func setLimit(h http.Header, limit, remaining int, reset time.Time) {
	h.Set(headerLimit, strconv.Itoa(limit))
	h.Set(headerRemaining, strconv.Itoa(remaining))
	h.Set(headerReset, strconv.FormatInt(reset.Add(time.Second-1).Unix(), 10)) // whole seconds, never too early
}

// limit counts a request against what the tenant allows one client or person. A refused request did nothing.
func (a *API) limit(c *call) error {
	local := c.store.Tenant().Settings.Local
	if local.ManagementRate == 0 {
		return nil
	}
	now, burst := a.Clock.Now(), max(local.ManagementBurst, 1)
	room := a.rates.Take(c.store, c.caller.subject, now, local.ManagementRate, burst)
	h := c.w.Header()
	if room.OK {
		setLimit(h, burst, room.Remaining, now.Add(max(room.Full, time.Second)))
		return nil
	}
	wait := min(max((room.Wait+time.Second-1).Truncate(time.Second), time.Second), 10*time.Second)
	setLimit(h, burst, 0, now.Add(wait))
	h.Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
	if a.refusals.Take(c.store.Tenant().ID+" "+c.caller.subject, now, 1, 1).OK { // once a second, else the log would grow by what is refused
		c.store.Log(stagedoor.LogEvent{
			Date: now, Type: "api_limit", Description: "Global limit has been reached", ClientID: c.caller.clientID, IP: remoteIP(c.r),
			UserAgent: bounded(c.r.UserAgent(), 500), Hostname: bounded(c.r.Host, 255),
		})
	}
	return stagedoor.Errorf(stagedoor.TooMany, "too_many_requests", "Global limit has been reached")
}
