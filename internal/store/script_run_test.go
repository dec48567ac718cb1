package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

func TestScriptRuns(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		s := storetest.Tenant(t, db, "acme")
		keep := stagedoor.ScriptRecording{Mode: stagedoor.RecordAll, MaxDays: 2, MaxRuns: 5}
		for i := range 8 {
			r := stagedoor.ScriptRun{
				ID: fmt.Sprint("run", i), Kind: "rules", UserID: fmt.Sprint("auth0|", i%2), ClientID: "c", Outcome: "continued", BeganAt: now.Add(time.Duration(i) * time.Second),
				Timings: []stagedoor.ScriptTiming{{Script: "a", Micros: int64(i), Outcome: "continued"}},
			}
			if i == 6 {
				r.Kind, r.Trigger, r.Outcome = "actions", "post-login", "denied"
			}
			ok(t, s.SaveScriptRun(ctx, &r, []byte(fmt.Sprint("recording ", i)), keep))
		}
		ids := func(q store.ScriptRunQuery) string {
			t.Helper()
			q.PerPage = max(q.PerPage, 2)
			all, total, err := s.ScriptRuns(ctx, q)
			ok(t, err)
			out := fmt.Sprint(total)
			for _, r := range all {
				out += " " + r.ID
			}
			return out
		}
		same(t, ids(store.ScriptRunQuery{}), "5 run7 run6")
		same(t, ids(store.ScriptRunQuery{Page: 2}), "5 run3")
		same(t, ids(store.ScriptRunQuery{UserID: "auth0|1"}), "3 run7 run5")
		same(t, ids(store.ScriptRunQuery{Failed: true}), "1 run6")
		same(t, ids(store.ScriptRunQuery{Kind: "actions", Trigger: "post-login", ClientID: "c", Outcome: "denied"}), "1 run6")
		same(t, ids(store.ScriptRunQuery{From: now.Add(4 * time.Second), To: now.Add(5 * time.Second)}), "2 run5 run4")
		r, data, err := s.ScriptRun(ctx, "run7")
		ok(t, err)
		same(t, string(data), "recording 7")
		same(t, r.Timings[0].Micros, int64(7))
		ok(t, s.DeleteScriptRun(ctx, "run7"))
		hasCode(t, s.DeleteScriptRun(ctx, "run7"), stagedoor.NotFound, "inexistent_script_run")
		ok(t, s.DeleteScriptRuns(ctx, "auth0|1"))
		same(t, ids(store.ScriptRunQuery{}), "2 run6 run4")
		ok(t, s.DeleteScriptRuns(ctx, ""))
		same(t, ids(store.ScriptRunQuery{}), "0")
		ok(t, s.SaveScriptRun(ctx, r, data, keep))
		now = now.Add(49 * time.Hour)
		same(t, ids(store.ScriptRunQuery{}), "0")
		ok(t, db.Sweep(ctx))
		now = now.Add(-49 * time.Hour)
		same(t, ids(store.ScriptRunQuery{}), "0")
	}, storetest.WithClock(func() time.Time { return now }))
}
