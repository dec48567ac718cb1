package server

import (
	"cmp"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor/internal/telemetry"
	"github.com/stagedoor/stagedoor/internal/web"
)

const requestIDHeader = "X-Request-Id"

// requestIDForm is what a request may be called by whoever sends it.
var requestIDForm = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// requestID is the id that the sender gave a request, or a new one.
func requestID(r *http.Request) string {
	if id := r.Header.Get(requestIDHeader); requestIDForm.MatchString(id) {
		return id
	}
	return strconv.FormatUint(rand.Uint64()|1<<63, 16) //nolint:gosec // a name, not a secret
}

// answered writes the one line that operators read of a request, counts it and ends its span. Nothing of it is what the sender wrote, apart from
// the method, the host under which no tenant is, and the request's id: paths and queries may hold secrets.
func (s *Server) answered(r *http.Request, e *web.Event, span *telemetry.Span, rec *recorder, took time.Duration) {
	route, tenant, client := e.Noted()
	if route == "" {
		_, route, _ = strings.Cut(r.Pattern, " ")
	}
	route = cmp.Or(route, unmatched)
	if e.GivenUp() {
		rec.status = statusGone
	}
	class := statusClass(rec.status)
	s.metrics.Add(telemetry.Requests, 1, route, r.Method, class)
	if !e.Endless() {
		s.metrics.Observe(telemetry.RequestTime, took.Seconds(), route, r.Method)
	}
	if tenant != "" {
		s.metrics.Add(telemetry.TenantRequests, 1, tenant, class)
	}
	if span != nil {
		span.Name(r.Method + " " + route)
		span.Set("http.request.method", r.Method)
		span.Set("http.route", route)
		span.SetInt("http.response.status_code", rec.status)
		span.Set("stagedoor.tenant", tenant)
		span.Set("stagedoor.client", client)
		span.Set("stagedoor.request", e.ID)
		if rec.status >= 500 {
			span.Fail(strconv.Itoa(rec.status))
		}
		span.End()
	}
	level := slog.LevelInfo
	switch {
	case route == healthRoutes[1].Pattern && s.leaving.Load():
		level = slog.LevelDebug
	case rec.status >= 500 && rec.status != http.StatusNotImplemented:
		level = slog.LevelError
	case s.cfg.QuietRequests, route == healthRoutes[0].Pattern, route == healthRoutes[1].Pattern:
		level = slog.LevelDebug
	}
	if !s.log.Enabled(r.Context(), level) {
		return
	}
	line := make([]slog.Attr, 0, 12)
	line = append(line,
		slog.String("request", e.ID), slog.String("method", r.Method), slog.String("route", route), slog.Int("status", rec.status),
		slog.Float64("ms", float64(took.Microseconds())/1000), slog.Int64("bytes", rec.bytes), slog.String("ip", r.RemoteAddr), slog.String("agent", agentClass(r.UserAgent())),
	)
	if tenant == "" {
		line = append(line, slog.String("host", cut(r.Host)))
	}
	for _, more := range [...]struct{ name, value string }{{"tenant", tenant}, {"client", client}, {"trace", telemetry.TraceID(r.Context())}} {
		if more.value != "" {
			line = append(line, slog.String(more.name, more.value))
		}
	}
	s.log.LogAttrs(r.Context(), level, "request", line...)
}

var statusClasses = [...]string{"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"}

func statusClass(status int) string {
	if i := status / 100; i < len(statusClasses) {
		return statusClasses[i]
	}
	return strconv.Itoa(status/100) + "xx"
}

// statusGone is what is noted where nobody was there any more to read an answer, as proxies note it.
const statusGone = 499

// unmatched is the route of what no route takes.
const unmatched = "unmatched"

func cut(text string) string {
	const most = 128
	return text[:min(len(text), most)]
}

// agents tell classes of user agents by what they hold, the first that fits.
var agents = []struct{ class, holds string }{
	{"bot", "bot"},
	{"bot", "crawl"},
	{"bot", "spider"},
	{"probe", "kube-probe"},
	{"probe", "healthcheck"},
	{"probe", "blackbox"},
	{"probe", "prometheus"},
	{"terraform", "terraform"},
	{"sdk", "auth0"},
	{"sdk", "okhttp"},
	{"sdk", "axios"},
	{"sdk", "node"},
	{"sdk", "python"},
	{"sdk", "go-http-client"},
	{"sdk", "java/"},
	{"sdk", "dart"},
	{"sdk", "cfnetwork"},
	{"cli", "curl"},
	{"cli", "wget"},
	{"cli", "httpie"},
	{"browser", "mozilla/"},
}

// agentClass is what sort of program asks: its own words are not logged.
func agentClass(agent string) string {
	if agent == "" {
		return "none"
	}
	agent = strings.ToLower(agent[:min(len(agent), 512)])
	for _, a := range agents {
		if strings.Contains(agent, a.holds) {
			return a.class
		}
	}
	return "other"
}
