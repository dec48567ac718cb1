package logstream_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/logstream"
	"github.com/stagedoor/stagedoor/internal/outbound"
	"github.com/stagedoor/stagedoor/internal/store"
)

// service is a receiver of a kind that takes down what it gets.
type service struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	answer string
	at     []string // method, path and query of each request
	header http.Header
	bodies []string
}

func newService(t *testing.T, start func(http.Handler) *httptest.Server) *service {
	s := &service{status: 200}
	s.Server = start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		s.at, s.bodies, s.header = append(s.at, r.Method+" "+r.URL.RequestURI()), append(s.bodies, string(body)), r.Header
		w.WriteHeader(s.status)
		_, _ = io.WriteString(w, s.answer)
	}))
	t.Cleanup(s.Close)
	return s
}

// of makes a stream of a type with a sink, in which HOST and PORT are those of the service, after which two things happen.
func of(t *testing.T, st *store.Store, c *clock, s *service, kind, sink string) *stagedoor.LogStream {
	t.Helper()
	u, err := url.Parse(s.URL)
	ok(t, err)
	sink = strings.NewReplacer("HOST", u.Hostname(), "PORT", u.Port()).Replace(sink)
	l := create(t, st, sink, func(l *stagedoor.LogStream) {
		l.Type, l.PII = kind, &stagedoor.PIIConfig{LogFields: []string{"email"}, Method: "mask"}
	})
	c.wait(time.Second)
	st.Log(stagedoor.LogEvent{
		ID: st.NewLogID(), Date: time.Date(2026, 11, 26, 12, 0, 1, 0, time.UTC), Type: "s", UserID: "auth0|ada", UserName: "ada@example.com", IP: "192.0.2.1", UserAgent: "Browser", Hostname: "login.example.com",
		Details: map[string]any{"session_id": "x", "deep": map[string]any{"b": map[string]any{"c": map[string]any{"d": map[string]any{"e": 1}}}}},
	})
	st.Log(stagedoor.LogEvent{ID: st.NewLogID(), Type: "sapi", ClientID: "machine"})
	c.wait(3 * time.Second)
	return l
}

// reach lets a deliverer reach the machine that it is on, and show what it logs.
func reach(d *logstream.Deliverer) *bytes.Buffer {
	var told bytes.Buffer
	d.Client, d.Log = outbound.New(outbound.Config{AllowPrivate: true}), slog.New(slog.NewTextHandler(&told, nil))
	return &told
}

// fit tells whether v has what a pattern of JSON has; a text "*" is anything.
func fit(pattern, v any) bool {
	switch p := pattern.(type) {
	case map[string]any:
		m, is := v.(map[string]any)
		for name, want := range p {
			is = is && fit(want, m[name])
		}
		return is
	case []any:
		l, is := v.([]any)
		is = is && len(l) == len(p)
		for i := range p {
			is = is && fit(p[i], l[i])
		}
		return is
	}
	return pattern == "*" && v != nil && v != "" || pattern == v
}

func jsonOf(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %.300s", err, text)
	}
	return v
}

// array writes what stands one a line, or one behind the other, as an array.
func array(lines string) string {
	return "[" + strings.ReplaceAll(strings.TrimSpace(lines), "\n", ",") + "]"
}

// TestReceivers sends the same events to each kind of service, in its own format.
func TestReceivers(t *testing.T) {
	const when = 1795694401000 // 2026-11-26T12:00:01Z
	for name, one := range map[string]struct {
		kind, sink, at string
		start          func(http.Handler) *httptest.Server
		header         map[string]string
		body           func(string) string // the body as JSON
		want           string
	}{
		"datadog": {
			kind: "datadog", sink: `{"datadogApiKey":"secret-1","datadogRegion":"eu","stagedoorBaseUrl":"http://HOST:PORT/"}`, start: httptest.NewServer,
			at: "POST /api/v2/logs", header: map[string]string{"Dd-Api-Key": "secret-1", "Content-Type": "application/json"},
			want: `[{"ddsource":"auth0","service":"stagedoor","ddtags":"tenant:acme","hostname":"login.example.com","message":"*"},{"ddsource":"auth0","message":"*"}]`,
		},
		"splunk": {
			kind: "splunk", sink: `{"splunkDomain":"HOST","splunkPort":"PORT","splunkToken":"secret-2","splunkSecure":false}`, start: httptest.NewTLSServer,
			at: "POST /services/collector/event", header: map[string]string{"Authorization": "Splunk secret-2"}, body: array,
			want: fmt.Sprintf(`[{"time":%d,"host":"login.example.com","event":{"log_id":"*","data":{"type":"s","user_name":"*****"}}},{"event":{"log_id":"*","data":{"type":"sapi"}}}]`, when/1000),
		},
		"sumo": {
			kind: "sumo", sink: `{"sumoSourceAddress":"http://HOST:PORT/receiver/v1/http/secret-3"}`, start: httptest.NewServer,
			at: "POST /receiver/v1/http/secret-3", body: array,
			want: `[{"log_id":"*","data":{"type":"s","user_id":"auth0|ada"}},{"log_id":"*","data":{"type":"sapi"}}]`,
		},
		"segment": {
			kind: "segment", sink: `{"segmentWriteKey":"secret-4","stagedoorBaseUrl":"http://HOST:PORT"}`, start: httptest.NewServer,
			at: "POST /v1/batch", header: map[string]string{"Authorization": "Basic c2VjcmV0LTQ6"},
			want: `{"sentAt":"*","batch":[
				{"type":"track","event":"auth.login.success","userId":"auth0|ada","messageId":"*","timestamp":"2026-11-26T12:00:01.000Z","properties":{"type":"s","user_name":"*****"},"context":{"ip":"192.0.2.1","userAgent":"Browser"}},
				{"type":"track","event":"management.success","anonymousId":"machine"}]}`,
		},
		"mixpanel": {
			kind: "mixpanel", start: httptest.NewServer,
			sink: `{"mixpanelRegion":"us","mixpanelProjectId":"7","mixpanelServiceAccountUsername":"robot","mixpanelServiceAccountPassword":"secret-5","stagedoorBaseUrl":"http://HOST:PORT"}`,
			at:   "POST /import?project_id=7&strict=1", header: map[string]string{"Authorization": "Basic cm9ib3Q6c2VjcmV0LTU="},
			want: fmt.Sprintf(`[{"event":"auth.login.success","properties":{"time":%d,"distinct_id":"auth0|ada","$insert_id":"*","log_id":"*","type":"s","user_name":"*****","ip":"192.0.2.1","details":{"deep":{"b":{"c":"{\"d\":{\"e\":1}}"}}}}},
				{"event":"management.success","properties":{"distinct_id":"","type":"sapi"}}]`, when),
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, d *logstream.Deliverer, st *store.Store, c *clock) {
				s, told := newService(t, one.start), reach(d)
				l := of(t, st, c, s, one.kind, one.sink)
				s.status = http.StatusServiceUnavailable
				ok(t, d.Round(t.Context()))
				if at, err := st.LogCursor(t.Context(), l); err != nil || at.Failures != 1 || strings.Contains(told.String(), "secret-") || !strings.Contains(told.String(), "status 503") {
					t.Errorf("%+v, %v after a refusal; the log says %s", at, err, told)
				}
				s.status = http.StatusAccepted
				c.wait(time.Second)
				ok(t, d.Round(t.Context()))
				if len(s.at) != 2 || s.at[1] != one.at {
					t.Fatalf("requests %v", s.at)
				}
				for header, want := range one.header {
					if got := s.header.Get(header); got != want {
						t.Errorf("%s: %s", header, got)
					}
				}
				body := s.bodies[1]
				if one.body != nil {
					body = one.body(body)
				}
				if !fit(jsonOf(t, one.want), jsonOf(t, body)) || strings.Contains(body, "ada@") {
					t.Errorf("sent %s", body)
				}
				s.Close()
				c.wait(time.Second)
				st.Log(stagedoor.LogEvent{ID: st.NewLogID(), Type: "s"})
				c.wait(3 * time.Second)
				ok(t, d.Round(t.Context()))
				if at, err := st.LogCursor(t.Context(), l); err != nil || at.Failures != 1 || strings.Contains(told.String(), "secret-") {
					t.Errorf("%+v, %v where nobody answers; the log says %s", at, err, told)
				}
			})
		})
	}
}

// TestDatadogMessage: what stands in the message is the event, and when it happened.
func TestDatadogMessage(t *testing.T) {
	each(t, func(t *testing.T, d *logstream.Deliverer, st *store.Store, c *clock) {
		s := newService(t, httptest.NewServer)
		reach(d)
		of(t, st, c, s, "datadog", `{"datadogApiKey":"k","datadogRegion":"us","stagedoorBaseUrl":"http://HOST:PORT"}`)
		ok(t, d.Round(t.Context()))
		var entries []struct{ Message string }
		ok(t, json.Unmarshal([]byte(s.bodies[0]), &entries))
		if !fit(jsonOf(t, `{"date":"2026-11-26T12:00:01.000Z","log_id":"*","data":{"type":"s","user_name":"*****"}}`), jsonOf(t, entries[0].Message)) {
			t.Errorf("%s", entries[0].Message)
		}
	})
}

// TestLimits: no request is larger than its receiver takes, no event either, and none is lost.
func TestLimits(t *testing.T) {
	each(t, func(t *testing.T, d *logstream.Deliverer, st *store.Store, c *clock) {
		s := newService(t, httptest.NewServer)
		reach(d)
		of(t, st, c, s, "segment", `{"segmentWriteKey":"k","stagedoorBaseUrl":"http://HOST:PORT"}`)
		for range 40 {
			st.Log(stagedoor.LogEvent{ID: st.NewLogID(), Type: "sapi", Details: map[string]any{"body": strings.Repeat("x", 20<<10)}})
		}
		st.Log(stagedoor.LogEvent{ID: st.NewLogID(), Type: "sapi", Details: map[string]any{"body": strings.Repeat("y", 40<<10)}})
		c.wait(3 * time.Second)
		ok(t, d.Round(t.Context()))
		events := 0
		for _, body := range s.bodies {
			if events += strings.Count(body, `"messageId"`); len(body) > 500<<10 {
				t.Errorf("a request of %d bytes", len(body))
			}
		}
		if all := strings.Join(s.bodies, ""); events != 43 || len(s.bodies) != 2 || strings.Contains(all, "yyyy") || !strings.Contains(all, `"details":{"truncated":true}`) {
			t.Errorf("%d events in %d requests", events, len(s.bodies))
		}
	})
}

// TestPartlyTaken: events that Mixpanel refuses keep those behind them waiting no longer; a request that it refuses as a whole does.
func TestPartlyTaken(t *testing.T) {
	each(t, func(t *testing.T, d *logstream.Deliverer, st *store.Store, c *clock) {
		s, told := newService(t, httptest.NewServer), reach(d)
		l := of(t, st, c, s, "mixpanel", `{"mixpanelRegion":"us","mixpanelProjectId":"7","mixpanelServiceAccountUsername":"u","mixpanelServiceAccountPassword":"p","stagedoorBaseUrl":"http://HOST:PORT"}`)
		failures := func() int {
			ok(t, d.Round(t.Context()))
			at, err := st.LogCursor(t.Context(), l)
			ok(t, err)
			return at.Failures
		}
		s.status, s.answer = http.StatusBadRequest, `{"code":400,"error":"no project","status":"Bad Request"}`
		if n := failures(); n != 1 {
			t.Errorf("%d failures after a request was refused", n)
		}
		c.wait(time.Second)
		s.answer = `{"code":400,"num_records_imported":1,"failed_records":[{"index":0,"field":"properties.x","message":"bad"}]}`
		if n := failures(); n != 0 || !strings.Contains(told.String(), "properties.x") {
			t.Errorf("%d failures after one event was refused; the log says %s", n, told)
		}
	})
}

// TestUndelivered: nothing is sent to what only the vendor can make.
func TestUndelivered(t *testing.T) {
	for kind, want := range map[string]bool{"http": true, "datadog": true, "splunk": true, "sumo": true, "segment": true, "mixpanel": true, "eventbridge": false, "eventgrid": false} {
		if logstream.Delivers(kind) != want {
			t.Errorf("%s: %v", kind, !want)
		}
	}
	each(t, func(t *testing.T, d *logstream.Deliverer, st *store.Store, c *clock) {
		s := newService(t, httptest.NewServer)
		l := of(t, st, c, s, "eventbridge", `{"awsAccountId":"999999999999","awsRegion":"eu-west-1"}`)
		ok(t, d.Round(t.Context()))
		if at, err := st.LogCursor(t.Context(), l); err != nil || at.After != l.After || at.Failures != 0 {
			t.Errorf("%+v, %v", at, err)
		}
	})
}

// TestAddresses are where streams go to.
func TestAddresses(t *testing.T) {
	for sink, want := range map[string]string{
		`datadog {"datadogRegion":"us"}`:                                     "https://http-intake.logs.datadoghq.com/api/v2/logs",
		`datadog {"datadogRegion":"eu"}`:                                     "https://http-intake.logs.datadoghq.eu/api/v2/logs",
		`datadog {"datadogRegion":"us3"}`:                                    "https://http-intake.logs.us3.datadoghq.com/api/v2/logs",
		`datadog {"datadogRegion":"us5"}`:                                    "https://http-intake.logs.us5.datadoghq.com/api/v2/logs",
		`splunk {"splunkDomain":"demo.splunk.com","splunkPort":"8088"}`:      "https://demo.splunk.com:8088/services/collector/event",
		`splunk {"splunkDomain":"https://demo.splunk.com/","splunkPort":""}`: "https://demo.splunk.com/services/collector/event",
		`splunk {"splunkDomain":"::1","splunkPort":"8088"}`:                  "https://[::1]:8088/services/collector/event",
		`sumo {"sumoSourceAddress":"demo.sumo.com"}`:                         "https://demo.sumo.com",
		`segment {}`:                         "https://api.segment.io/v1/batch",
		`mixpanel {"mixpanelRegion":"us"}`:   "https://api.mixpanel.com/import?project_id=&strict=1",
		`mixpanel {"mixpanelRegion":"eu"}`:   "https://api-eu.mixpanel.com/import?project_id=&strict=1",
		`eventgrid {"azureRegion":"westus"}`: "",
	} {
		kind, settings, _ := strings.Cut(sink, " ")
		if got, err := logstream.Address(kind, settings); err != nil || got != want {
			t.Errorf("%s: %s, %v", sink, got, err)
		}
	}
}
