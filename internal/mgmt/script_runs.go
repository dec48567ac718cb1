package mgmt

import (
	"encoding/json"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

type listScriptRunsIn struct {
	web.Paging
	Kind     string `json:"kind" schema:"enum=rules|actions|hooks|connections" doc:"Kind of the scripts"`
	Trigger  string `json:"trigger_id" doc:"Id of the trigger, of actions and hooks; of scripts of connections the operation, such as login"`
	UserID   string `json:"user_id" doc:"Whom the run was about"`
	ClientID string `json:"client_id" doc:"For which application"`
	Outcome  string `json:"outcome" doc:"continued, failed (all but continued), or a kind of failure such as timeout"`
	From     string `json:"from_date" doc:"Earliest beginning, ISO 8601"`
	To       string `json:"to_date" doc:"Latest beginning, ISO 8601"`
}

// listScriptRuns lists the runs that the flight recorder has kept, the newest first.
func (a *API) listScriptRuns(c *call, in listScriptRunsIn) (any, error) {
	q := store.ScriptRunQuery{Kind: in.Kind, Trigger: in.Trigger, UserID: in.UserID, ClientID: in.ClientID, Page: in.Page, PerPage: in.Size()}
	if in.Outcome == "failed" {
		q.Failed = true
	} else {
		q.Outcome = in.Outcome
	}
	for _, f := range []struct {
		name, text string
		into       *time.Time
	}{{"from_date", in.From, &q.From}, {"to_date", in.To, &q.To}} {
		if f.text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, f.text)
		if err != nil {
			return nil, bad("invalid_query_string", "Query validation error: 'Object didn't pass validation for format date-time: "+f.text+"' on property "+f.name+".")
		}
		*f.into = at
	}
	runs, total, err := c.store.ScriptRuns(c.ctx(), q)
	if err != nil {
		return nil, err
	}
	return web.Envelope(in.Paging, "script_runs", runs, total), nil
}

// readScriptRun shows a recorded run with all that happened in it; secrets were masked before it was stored.
func (a *API) readScriptRun(c *call) (any, error) {
	r, text, err := c.store.ScriptRun(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	var rec script.Recording
	if err := json.Unmarshal(text, &rec); err != nil {
		return nil, err
	}
	var start map[string]any
	if err := json.Unmarshal(rec.Start, &start); err != nil {
		return nil, err
	}
	delete(start, "seed") // it tells all random numbers of the run
	if rec.Start, err = json.Marshal(start); err != nil {
		return nil, err
	}
	return struct {
		*stagedoor.ScriptRun
		Recording script.Recording `json:"recording"`
	}{r, rec}, nil
}

func (a *API) deleteScriptRun(c *call) (any, error) {
	return nil, c.store.DeleteScriptRun(c.ctx(), c.id())
}

type deleteScriptRunsIn struct {
	UserID string `json:"user_id" doc:"Whose runs; without it all of the tenant"`
}

func (a *API) deleteScriptRuns(c *call, in deleteScriptRunsIn) (any, error) {
	return nil, c.store.DeleteScriptRuns(c.ctx(), in.UserID)
}
