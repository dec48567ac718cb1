package mgmt

import "github.com/stagedoor/stagedoor"

// limit counts a request against what the tenant allows one client or person. A refused request did nothing.
func (a *API) limit(c *call) error {
	local := c.store.Tenant().Settings.Local
	if local.ManagementRate == 0 {
		return nil
	}
	now, burst := a.Clock.Now(), max(local.ManagementBurst, 1)
	room := a.rates.Take(c.store, c.caller.subject, now, local.ManagementRate, burst)
	if room.Tell(c.w.Header(), now, burst); room.OK {
		return nil
	}
	if a.refusals.Take(c.store.Tenant().ID+" "+c.caller.subject, now, 1, 1).OK { // once a second, else the log would grow by what is refused
		c.log(stagedoor.LogEvent{Type: "api_limit", Description: "Global limit has been reached", Details: map[string]any{
			"limit":   map[string]any{"bucket": "management-api", "global": true, "size": burst},
			"request": map[string]any{"method": c.r.Method, "path": bounded(c.r.URL.Path, 500)},
		}})
	}
	return stagedoor.Errorf(stagedoor.TooMany, "too_many_requests", "Global limit has been reached")
}
