package stagedoortest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// runsOf waits for n recorded runs and returns them, the newest first.
func (h *house) runsOf(n int, query string) []map[string]any {
	h.w.Helper()
	var runs []map[string]any
	for range 300 {
		h.want(200, h.api("GET", "/script-runs?per_page=100"+query, nil, &runs))
		if len(runs) >= n {
			return runs
		}
		time.Sleep(10 * time.Millisecond)
	}
	h.w.Fatalf("%d runs were recorded, not %d", len(runs), n)
	return nil
}

// TestLoginsAreRecordedAndReplayed: through the whole server, by the tenant's setting.
func TestLoginsAreRecordedAndReplayed(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	h := w.a
	b, _ := h.session()
	ctx := t.Context()
	st, err := w.DB().TenantByID(ctx, h.tenant())
	if err != nil {
		t.Fatal(err)
	}
	set := func(setting string) {
		t.Helper()
		h.want(200, h.api("PATCH", "/tenants/settings", json.RawMessage(`{"stagedoor":{`+setting+`}}`), nil))
	}
	body := fmt.Sprintf(`global.n = (global.n || 0) + 1;
		fetch(%q).then(r => r.status).then(status => {
			console.log('at', new Date(), Math.random(), configuration.KEY);
			context.idToken['https://x.example/said'] = [status, Date.now(), Math.random(), require('crypto').randomBytes(4).toString('hex'), global.n].join();
			callback(user.deny ? new UnauthorizedError('no') : null, user, context);
		});`, h.base+"/.well-known/jwks.json")
	h.want(200, h.api("PUT", "/rules-configs/KEY", map[string]any{"value": "secret of the rules"}, nil))

	h.said(b, body)
	set(`"script_recording":{"mode":"failures"}`)
	h.said(b, body)
	h.rule(b, `callback(new UnauthorizedError('Refused by a rule'));`)
	set(`"script_recording":{"mode":"all","max_runs":12}`)
	if runs := h.runsOf(1, ""); len(runs) != 1 || runs[0]["outcome"] != "callback" || runs[0]["error"] != "Refused by a rule" || runs[0]["user_id"] != h.user {
		t.Errorf("of failures alone: %v", runs)
	}
	for range 20 {
		h.said(b, body)
	}
	var runs []map[string]any
	for newest := any(nil); ; { // until all are there, written beside the logins, and the oldest gone
		runs = h.runsOf(12, "&outcome=continued")
		if len(runs) == 12 && runs[0]["id"] == newest {
			break
		}
		newest = runs[0]["id"]
		time.Sleep(500 * time.Millisecond)
	}
	if len(runs) != 12 || runs[0]["http_calls"] != 1.0 || len(runs[0]["timings"].([]any)) == 0 {
		t.Fatalf("%d runs: %v", len(runs), runs[0])
	}
	host := script.New(script.Config{Workers: 1})
	defer host.Close()
	for _, r := range runs {
		before, after, err := pipeline.Replay(ctx, st, host, r["id"].(string), nil)
		if err != nil {
			t.Fatal(err)
		}
		if !before.Same(after) {
			t.Errorf("%v: %+v", r["id"], before.Differences(after))
		}
	}
	var one map[string]any
	h.want(200, h.api("GET", "/script-runs/"+runs[0]["id"].(string), nil, &one))
	if text := fmt.Sprint(one); strings.Contains(text, "secret of the rules") || !strings.Contains(text, "~configuration.KEY~") || strings.Contains(text, "seed") {
		t.Errorf("the recording: %v", one)
	}
	h.want(204, h.api("DELETE", "/script-runs/"+runs[0]["id"].(string), nil, nil))
	h.want(204, h.api("DELETE", "/script-runs?user_id="+h.user, nil, nil))
	if h.api("GET", "/script-runs/"+runs[1]["id"].(string), nil, nil) != http.StatusNotFound {
		t.Error("a deleted run is still there")
	}
	set(`"script_recording":{"mode":"off"}`)
}

// TestLimitsOfATenant hold at once, and for that tenant alone.
func TestLimitsOfATenant(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	h := w.a
	b, _ := h.session()
	set := func(limits string) {
		t.Helper()
		h.want(200, h.api("PATCH", "/tenants/settings", json.RawMessage(`{"stagedoor":{"script_limits":{"rules":`+limits+`}}}`), nil))
	}
	for _, c := range []struct{ limits, body, want string }{
		{`{"wall_ms":200}`, `setTimeout(callback, 5000, null, user, context);`, "Request to Webtask exceeded allowed execution time"},
		{`{"cpu_ms":50}`, `for (;;) {}`, "Blocked event loop."},
		{`{"memory_bytes":16777216}`, `var a = []; for (;;) a.push('x'.repeat(1 << 16) + a.length);`, "Script exceeded its memory limit."},
		{`{"calls":1}`, `fetch('` + h.base + `/.well-known/jwks.json').then(() => fetch('` + h.base + `/.well-known/jwks.json')).then(() => callback(null, user, context), callback);`, "too many outgoing calls: 1 are allowed"},
		{`{"response_bytes":100}`, `fetch('` + h.base + `/.well-known/jwks.json').then(r => r.text()).then(() => callback(null, user, context), e => callback(e.cause || e));`, "The response is larger than 100 bytes"},
	} {
		if v := h.rule(b, `setTimeout(callback, 300, null, user, context);`); v.Get("code") == "" {
			t.Errorf("before %s: %v", c.limits, v)
		}
		set(c.limits)
		if v := h.rule(b, c.body); v.Get("error_description") != c.want {
			t.Errorf("%s: %v", c.limits, v)
		}
		set(`null`)
	}
}

// TestTriedRulesRunInTheServer: what is tried runs under a name that no tenant has, and still as the tenant's scripts do.
func TestTriedRulesRunInTheServer(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	h := w.a
	var rule, tried map[string]any
	h.want(201, h.api("POST", "/rules", map[string]any{"name": "tried", "script": "function (user, context, callback) { callback(null, user, context); }"}, &rule))
	h.want(200, h.api("POST", "/rules/"+rule["id"].(string)+"/try", map[string]any{}, &tried))
	if tried["outcome"] != "continued" {
		t.Errorf("tried: %v", tried)
	}
}
