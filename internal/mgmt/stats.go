package mgmt

import (
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

// activeWithin is how long ago the last login of an active user may be (Management API fact sheet 3.14).
const activeWithin = 30 * 24 * time.Hour

func (a *API) activeUsers(c *call) (any, error) {
	return c.store.ActiveUsers(c.ctx(), activeWithin)
}

type dailyIn struct {
	From string `json:"from" pattern:"^[0-9]{8}$" doc:"Optional first day of the date range (inclusive) in YYYYMMDD format"`
	To   string `json:"to" pattern:"^[0-9]{8}$" doc:"Optional last day of the date range (inclusive) in YYYYMMDD format"`
}

// dailyStats answers the last thirty days where none are named.
func (a *API) dailyStats(c *call, in dailyIn) (any, error) {
	to := a.Clock.Now()
	if err := day("to", in.To, &to); err != nil {
		return nil, err
	}
	from := to.Add(-activeWithin)
	if err := day("from", in.From, &from); err != nil {
		return nil, err
	}
	days, err := c.store.Days(c.ctx(), from, to)
	if err != nil {
		return nil, err
	}
	shown := []map[string]any{}
	for _, d := range days {
		shown = append(shown, map[string]any{
			"date": stagedoor.FormatTime(d.Date), "logins": d.Logins, "signups": d.Signups, "leaked_passwords": d.Leaked,
			"created_at": stagedoor.FormatTime(d.CreatedAt), "updated_at": stagedoor.FormatTime(d.UpdatedAt),
		})
	}
	return shown, nil
}

func day(name, text string, into *time.Time) error {
	if text == "" {
		return nil
	}
	t, err := time.Parse("20060102", text)
	if err != nil {
		return (&web.Violation{Path: name, Reason: "Object didn't pass validation for format date: " + text}).Query()
	}
	*into = t
	return nil
}
