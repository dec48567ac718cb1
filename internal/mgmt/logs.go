package mgmt

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

type listLogsIn struct {
	web.Paging
	web.Checkpoint
	web.Fields
	Sort   string `json:"sort" schema:"enum=date:1|date:-1" doc:"Field to use for sorting appended with :1 for ascending and :-1 for descending"`
	Query  string `json:"q" doc:"Query in Lucene query string syntax"`
	Search string `json:"search" doc:"Retrieves logs that match the specified search criteria"`
	Engine string `json:"search_engine" doc:"The version of the search engine: there is one"` // go-auth0, and auth0-cli by it, sends it with each q
}

// showLog returns an event as the wire has it.
func showLog(e stagedoor.LogEvent, fields web.Fields) (any, error) {
	return fields.Pick(e.Wire(), "_id")
}

func showLogs(events []stagedoor.LogEvent, fields web.Fields) ([]any, error) {
	shown := make([]any, len(events))
	for i, e := range events {
		var err error
		if shown[i], err = showLog(e, fields); err != nil {
			return nil, err
		}
	}
	return shown, nil
}

func (a *API) listLogs(c *call, in listLogsIn) (any, error) {
	if in.Asked() {
		return a.logsAfter(c, in)
	}
	text, name := in.Query, "q"
	if text == "" {
		text, name = in.Search, "search"
	}
	return a.logSearch(c, in.Paging, in.Fields, name, text, store.LogQuery{Ascending: in.Sort == "date:1"})
}

// logSearch answers a page of the events that a query finds.
func (a *API) logSearch(c *call, paging web.Paging, fields web.Fields, name, text string, lq store.LogQuery) (any, error) {
	if err := withinReach(c, paging); err != nil {
		return nil, err
	}
	if strings.TrimSpace(text) != "" {
		where, err := meaning(&store.LogSchema, name, text)
		if err != nil {
			return nil, err
		}
		lq.Where = where
	}
	return a.logPage(c, paging, fields, lq)
}

func (a *API) logPage(c *call, paging web.Paging, fields web.Fields, lq store.LogQuery) (any, error) {
	lq.Page, lq.PerPage = paging.Page, paging.Size()
	lq.Uncounted = !paging.IncludeTotals && lq.UserID == "" // a user's lead on by a Link
	events, total, err := c.store.Logs(c.ctx(), lq)
	if err != nil {
		return nil, err
	}
	shown, err := showLogs(events, fields)
	if err != nil {
		return nil, err
	}
	if link := paging.Link(c.r.URL, total); lq.UserID != "" && !paging.IncludeTotals && link != "" {
		c.w.Header().Set("Link", link)
	}
	return withLength(web.Envelope(paging, "logs", shown, total), len(shown)), nil
}

// errCheckpoint is what a caller gets who pages on from a place that never was.
var errCheckpoint = bad("invalid_paging", "The checkpoint ID provided in the 'from' parameter has expired or is invalid, please remove the checkpoint ID and try again")

// logsAfter answers the events after a log id; the Link header leads on, from the same place if there was nothing.
func (a *API) logsAfter(c *call, in listLogsIn) (any, error) {
	if in.From != "" && !stagedoor.IsLogID(in.From) {
		return nil, errCheckpoint
	}
	events, _, err := c.store.Logs(c.ctx(), store.LogQuery{From: in.From, Take: in.Take.Or(50)})
	if err != nil {
		return nil, err
	}
	last := in.From
	if len(events) > 0 {
		last = events[len(events)-1].ID
	}
	c.w.Header().Set("Link", fmt.Sprintf("<%s/logs?from=%s&take=%s>; rel=\"next\"", Base, url.QueryEscape(last), strconv.Itoa(in.Take.Or(50))))
	return showLogs(events, web.Fields{})
}

func (a *API) readLog(c *call) (any, error) {
	e, err := c.store.LogEvent(c.ctx(), c.id())
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, stagedoor.Errorf(stagedoor.NotFound, "", "Log not found")
	}
	if err != nil {
		return nil, err
	}
	return showLog(*e, web.Fields{})
}

type userLogsIn struct {
	web.Paging
	Sort  string `json:"sort" pattern:"^date:-?1$" doc:"Field to sort by. Use fieldname:1 for ascending order and fieldname:-1 for descending"`
	Query string `json:"q" doc:"Query in Lucene query string syntax"`
}

func (a *API) userLogs(c *call, in userLogsIn) (any, error) {
	return a.logSearch(c, in.Paging, web.Fields{}, "q", in.Query, store.LogQuery{UserID: c.id(), Ascending: strings.HasSuffix(in.Sort, ":1")})
}
