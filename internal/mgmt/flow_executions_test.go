package mgmt

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

func TestFlowExecutions(t *testing.T) {
	each(t, func(h *house) {
		ctx, st, all := context.Background(), h.store("acme"), h.machine("acme")
		h.ok(store.Flows.Create(ctx, st, &stagedoor.Document{ID: "af_one", Name: "One", Sealed: `{"name":"One"}`}))
		for i := range 3 {
			began := start.Add(time.Duration(i) * time.Second)
			e := &stagedoor.FlowExecution{ID: fmt.Sprint("ae_", i), FlowID: "af_one", TraceID: "t", JourneyID: "j", Status: "COMPLETED", StartedAt: began, EndedAt: began.Add(time.Second)}
			if i == 1 {
				e.Status, e.Failure = "FAILED", "The action a failed: no answer"
			}
			h.ok(st.SaveFlowExecution(ctx, e))
		}
		const one = `{"id":"ae_1","trace_id":"t","journey_id":"j","status":"FAILED","created_at":"2026-11-25T12:00:01.000Z","started_at":"2026-11-25T12:00:01.000Z",
			"updated_at":"2026-11-25T12:00:02.000Z","ended_at":"2026-11-25T12:00:02.000Z"`
		h.call(all, "GET", "/flows/af_one/executions?page=1&per_page=1", "").is(200, `[`+one+`}]`)
		h.call(all, "GET", "/flows/af_one/executions?page=1&per_page=1&include_totals=true", "").is(200, `{"start":1,"limit":1,"total":3,"executions":[`+one+`}]}`)
		first := h.call(all, "GET", "/flows/af_one/executions?take=2", "").is(200, "")
		if !strings.Contains(first.body, `"id":"ae_2"`) || !strings.Contains(first.body, `"id":"ae_1"`) || strings.Contains(first.body, `"id":"ae_0"`) {
			h.Error(first.body)
		}
		rest := h.call(all, "GET", "/flows/af_one/executions?take=2&from="+first.text("next"), "").is(200, "")
		if strings.Count(rest.body, `"id":"ae_`) != 1 || !strings.Contains(rest.body, `"id":"ae_0"`) || rest.get("next") != nil {
			h.Error(rest.body)
		}
		h.call(all, "GET", "/flows/af_two/executions", "").fails(404, "", "Flow not found")
		h.call(all, "GET", "/flows/af_one/executions/ae_1", "").is(200, one+`}`)
		h.call(all, "GET", "/flows/af_one/executions/ae_1?hydrate=debug", "").is(200, one+`,"debug":{"error":"The action a failed: no answer"}}`)
		h.call(h.machine("acme", "read:flows_executions"), "DELETE", "/flows/af_one/executions/ae_1", "").is(403, "")
		h.call(all, "DELETE", "/flows/af_one/executions/ae_1", "").is(204, "")
		h.call(all, "GET", "/flows/af_one/executions/ae_1", "").fails(404, "", "Flow execution not found")
		h.call(all, "DELETE", "/flows/af_one/executions/ae_1", "").fails(404, "", "Flow execution not found")
	})
}
