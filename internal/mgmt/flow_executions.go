package mgmt

import (
	"slices"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// showFlowExecution is a run of a flow as the wire has it.
func showFlowExecution(e *stagedoor.FlowExecution) map[string]any {
	at := func(t time.Time) string { return stagedoor.FormatTime(t) }
	return map[string]any{
		"id": e.ID, "trace_id": e.TraceID, "journey_id": e.JourneyID, "status": e.Status,
		"created_at": at(e.StartedAt), "updated_at": at(e.EndedAt), "started_at": at(e.StartedAt), "ended_at": at(e.EndedAt),
	}
}

type listFlowExecutionsIn struct {
	web.Paging
	web.Checkpoint
}

// listFlowExecutions lists the runs of a flow, the newest first.
func (a *API) listFlowExecutions(c *call, in listFlowExecutionsIn) (any, error) {
	flow := c.r.PathValue("flow_id")
	if _, err := store.Flows.Get(c.ctx(), c.store, flow); err != nil {
		return nil, err
	}
	q := store.FlowExecutionQuery{Page: in.Page, PerPage: in.Size()}
	if in.Asked() {
		from, err := positionOf(in.From)
		if err != nil {
			return nil, err
		}
		q.From, q.Take = from, in.Take.Or(50)+1
	}
	page, total, err := c.store.FlowExecutions(c.ctx(), flow, q)
	if err != nil {
		return nil, err
	}
	next := ""
	if in.Asked() && len(page) == q.Take {
		page = page[:len(page)-1]
		last := page[len(page)-1]
		next = checkpointAt(store.Position{At: last.StartedAt.UnixMicro(), ID: last.ID})
	}
	shown := make([]any, len(page))
	for i := range page {
		shown[i] = showFlowExecution(&page[i])
	}
	if in.Asked() {
		return web.CheckpointEnvelope("executions", shown, next), nil
	}
	return web.Envelope(in.Paging, "executions", shown, total), nil
}

type readFlowExecutionIn struct {
	Hydrate []string `json:"hydrate" schema:"enum=debug" doc:"debug: why the run failed"`
}

func (a *API) readFlowExecution(c *call, in readFlowExecutionIn) (any, error) {
	e, err := c.store.FlowExecution(c.ctx(), c.r.PathValue("flow_id"), c.r.PathValue("execution_id"))
	if err != nil {
		return nil, err
	}
	shown := showFlowExecution(e)
	if slices.Contains(in.Hydrate, "debug") {
		debug := map[string]any{}
		if e.Failure != "" {
			debug["error"] = e.Failure
		}
		shown["debug"] = debug
	}
	return shown, nil
}

func (a *API) deleteFlowExecution(c *call) (any, error) {
	return nil, c.store.DeleteFlowExecution(c.ctx(), c.r.PathValue("flow_id"), c.r.PathValue("execution_id"))
}
