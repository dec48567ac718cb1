package mgmt

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
)

func TestScriptRuns(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		st, err := h.db.TenantByID(h.Context(), "acme")
		if err != nil {
			h.Fatal(err)
		}
		for _, r := range []stagedoor.ScriptRun{
			{ID: "run_1", Kind: "rules", UserID: "auth0|1", Outcome: "continued", BeganAt: start},
			{ID: "run_2", Kind: "actions", Trigger: "post-login", UserID: "auth0|2", Outcome: "timeout", BeganAt: start.Add(time.Minute)},
		} {
			if err := st.SaveScriptRun(h.Context(), &r, []byte(`{"start":{"seed":"s","user":{}},"outcome":{},"calls":[],"console":[],"scripts":[]}`), stagedoor.ScriptRecording{}); err != nil {
				h.Fatal(err)
			}
		}
		for query, want := range map[string]string{
			"": "run_2 run_1 ", "?outcome=failed": "run_2 ", "?outcome=continued": "run_1 ", "?kind=actions&trigger_id=post-login": "run_2 ", "?user_id=auth0|1": "run_1 ",
			"?to_date=" + start.Format(time.RFC3339): "run_1 ", "?per_page=1&page=1": "run_1 ",
		} {
			got := ""
			var runs []stagedoor.ScriptRun
			if err := json.Unmarshal([]byte(h.call(all, "GET", "/script-runs"+query, "").is(200, "").body), &runs); err != nil {
				h.Fatal(err)
			}
			for _, r := range runs {
				got += r.ID + " "
			}
			if got != want {
				h.Errorf("%s: %s, want %s", query, got, want)
			}
		}
		h.call(all, "GET", "/script-runs?from_date=yesterday", "").is(400, "")
		if got := h.call(all, "GET", "/script-runs/run_1", "").is(200, ""); encode(got.get("recording", "start")) != `{"user":{}}` {
			h.Errorf("one: %s", got.body)
		}
		h.call(all, "DELETE", "/script-runs/run_1", "").is(204, "")
		h.call(all, "GET", "/script-runs/run_1", "").fails(404, "inexistent_script_run", `There is no recorded run "run_1".`)
		h.call(all, "DELETE", "/script-runs", "").is(204, "")
		h.call(all, "GET", "/script-runs/run_2", "").is(404, "")
	})
}

func TestScriptSettings(t *testing.T) {
	h := sqlite(t)
	all := h.machine("acme")
	h.api.ScriptCeilings = script.Limits{Wall: time.Minute, Calls: 50}
	for body, reason := range map[string]string{
		`{"stagedoor":{"script_recording":{"mode":"some"}}}`:                `No enum match for: some' on property stagedoor.script_recording.mode`,
		`{"stagedoor":{"script_recording":{"max_days":1000}}}`:              `Value 1000 is greater than maximum 365' on property stagedoor.script_recording.max_days`,
		`{"stagedoor":{"script_limits":{"rules":{"wall_ms":60001}}}}`:       `Value 60001 is greater than maximum 60000' on property stagedoor.script_limits.rules.wall_ms`,
		`{"stagedoor":{"script_limits":{"hooks":{"calls":51}}}}`:            `Value 51 is greater than maximum 50' on property stagedoor.script_limits.hooks.calls`,
		`{"stagedoor":{"script_limits":{"actions":{"memory_bytes":1000}}}}`: `Value 1000 is less than minimum 8388608' on property stagedoor.script_limits.actions.memory_bytes`,
		`{"stagedoor":{"script_limits":{"connections":{"cpu_ms":-1}}}}`:     `Value -1 is less than minimum 0' on property stagedoor.script_limits.connections.cpu_ms`,
		`{"stagedoor":{"script_limits":{"flows":{"cpu_ms":1}}}}`:            `Additional properties not allowed: flows' on property stagedoor.script_limits`,
	} {
		h.call(all, "PATCH", "/tenants/settings", body).fails(400, "invalid_body", payload(reason))
	}
	for _, c := range []struct{ body, want string }{
		{`{"script_limits":{"rules":{"wall_ms":100,"calls":5},"hooks":{"log_bytes":9}}}`, `{"hooks":{"log_bytes":9},"rules":{"calls":5,"wall_ms":100}}`},
		{`{"script_limits":{"rules":{"wall_ms":200}}}`, `{"hooks":{"log_bytes":9},"rules":{"wall_ms":200}}`},
		{`{"script_limits":{"hooks":null}}`, `{"rules":{"wall_ms":200}}`},
		{`{"script_limits":null}`, `null`},
	} {
		if got := h.call(all, "PATCH", "/tenants/settings", `{"stagedoor":`+c.body+`}`).is(200, ""); encode(got.get("stagedoor", "script_limits")) != c.want {
			h.Errorf("%s: %s", c.body, got.body)
		}
	}
	got := h.call(all, "PATCH", "/tenants/settings", `{"stagedoor":{"script_recording":{"mode":"all","max_runs":9}}}`).is(200, "")
	if encode(got.get("stagedoor", "script_recording")) != `{"max_runs":9,"mode":"all"}` {
		h.Errorf("recording: %s", got.body)
	}
}
