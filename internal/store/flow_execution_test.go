package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

func TestFlowExecutions(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		s := storetest.Tenant(t, db, "acme")
		began := now
		for i := range 5 {
			at := began.Add(time.Duration(i/2) * time.Second) // two in one moment
			ok(t, s.SaveFlowExecution(ctx, &stagedoor.FlowExecution{ID: fmt.Sprint("ae_", i), FlowID: "af_one", Status: "COMPLETED", StartedAt: at, EndedAt: at}))
		}
		ok(t, s.SaveFlowExecution(ctx, &stagedoor.FlowExecution{ID: "ae_9", FlowID: "af_two", StartedAt: began}))
		list := func(q store.FlowExecutionQuery) (out string, last store.Position) {
			t.Helper()
			page, total, err := s.FlowExecutions(ctx, "af_one", q)
			ok(t, err)
			out = fmt.Sprint(total)
			for _, e := range page {
				out, last = out+" "+e.ID, store.Position{At: e.StartedAt.UnixMicro(), ID: e.ID}
			}
			return out, last
		}
		page, _ := list(store.FlowExecutionQuery{PerPage: 2, Page: 1})
		same(t, page, "5 ae_2 ae_1")
		page, last := list(store.FlowExecutionQuery{Take: 3})
		same(t, page, "0 ae_4 ae_3 ae_2")
		page, _ = list(store.FlowExecutionQuery{Take: 3, From: last})
		same(t, page, "0 ae_1 ae_0")
		same(t, must(s.FlowExecution(ctx, "af_one", "ae_3"))(t).Status, "COMPLETED")
		hasCode(t, s.DeleteFlowExecution(ctx, "af_two", "ae_3"), stagedoor.NotFound, "")
		ok(t, s.DeleteFlowExecution(ctx, "af_one", "ae_3"))
		_, err := s.FlowExecution(ctx, "af_one", "ae_3")
		isKind(t, err, stagedoor.NotFound)
		now = now.Add(10*24*time.Hour + time.Second)
		page, _ = list(store.FlowExecutionQuery{PerPage: 9})
		same(t, page, "0")
		ok(t, db.Sweep(ctx))
		now = began
		page, _ = list(store.FlowExecutionQuery{PerPage: 9})
		same(t, page, "0")
	}, storetest.WithClock(func() time.Time { return now }))
}
