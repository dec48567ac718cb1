package telemetry

import (
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// TestText: what a collector reads, by the text format of Prometheus.
func TestText(t *testing.T) {
	m := NewMetrics("1.0", false)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				m.Add(LogEvents, 0.5, "a \"b\"\\\nc")
				m.Observe(SweepTime, 0.1)
			}
		})
	}
	group.Wait()
	m.Observe(SweepTime, 0.0099)
	m.Observe(SweepTime, 3600)
	m.Add(Requests, 1, "/x", "BREW", "2xx")
	m.Add(TenantRequests, 1, "acme", "2xx")
	m.Set(StreamLag, 2.5)
	m.Read(func(tell func(Metric, float64, ...string)) {
		tell(PoolConnections, 3, "used")
		tell(PoolWaits, 7)
	})
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if got := w.Header().Get("Content-Type"); got != "text/plain; version=0.0.4; charset=utf-8" {
		t.Error(got)
	}
	text := w.Body.String()
	for _, want := range []string{
		"# HELP stagedoor_log_events_total Events in tenants' logs by their type.\n# TYPE stagedoor_log_events_total counter\n" +
			`stagedoor_log_events_total{type="a \"b\"\\\nc"} 400` + "\n",
		"# TYPE stagedoor_sweep_seconds histogram\n" + `stagedoor_sweep_seconds_bucket{le="0.01"} 1
stagedoor_sweep_seconds_bucket{le="0.1"} 801
stagedoor_sweep_seconds_bucket{le="1"} 801
stagedoor_sweep_seconds_bucket{le="10"} 801
stagedoor_sweep_seconds_bucket{le="60"} 801
stagedoor_sweep_seconds_bucket{le="300"} 801
stagedoor_sweep_seconds_bucket{le="1800"} 801
stagedoor_sweep_seconds_bucket{le="+Inf"} 802
`, "stagedoor_sweep_seconds_count 802\n",
		`stagedoor_http_requests_total{method="other",route="/x",status="2xx"} 1` + "\n",
		"stagedoor_log_stream_lag_seconds 2.5\n", `stagedoor_postgres_connections{state="used"} 3` + "\n", "stagedoor_postgres_waits_total 7\n",
		`stagedoor_logins_total{outcome="success"} 0` + "\n", `stagedoor_password_hash_seconds_bucket{le="+Inf"} 0` + "\n",
		"# TYPE go_goroutines gauge\ngo_goroutines ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing:\n%s", want)
		}
	}
	if strings.Contains(text, "tenant") && strings.Contains(text, "acme") || strings.Contains(text, "stagedoor_jobs_total") {
		t.Error("what was not counted is there")
	}
	last := ""
	for line := range strings.Lines(text) {
		if name, is := strings.CutPrefix(line, "# HELP "); is {
			if name, _, _ = strings.Cut(name, " "); name <= last {
				t.Errorf("%s comes after %s", name, last)
			}
			last = name
		}
	}
}
