package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/outbound"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/telemetry"
)

// measure tells the metrics where to read what is not counted as it happens.
func (s *Server) measure() {
	s.hasher.Done = func(waited, took time.Duration) {
		s.metrics.Observe(telemetry.HashWait, waited.Seconds())
		s.metrics.Observe(telemetry.HashTime, took.Seconds())
	}
	s.metrics.Read(func(tell func(telemetry.Metric, float64, ...string)) {
		p := s.hasher.Load()
		tell(telemetry.HashesNow, float64(p.Running), "running")
		tell(telemetry.HashesNow, float64(p.Waiting), "waiting")
		l := s.scripts.Load()
		for runtime, n := range l.Workers {
			tell(telemetry.ScriptWorkers, float64(n), runtime)
		}
		tell(telemetry.ScriptWaiting, float64(l.Waiting))
		if files := s.files.Load(); files != nil {
			tell(telemetry.CertificateEnd, float64(files.current().Leaf.NotAfter.Unix()))
		}
	})
	s.metrics.Read(s.db.Load)
}

// newTracer is nil where no collector is named.
func (s *Server) newTracer(version string) (*telemetry.Tracer, error) {
	if s.cfg.Trace.Endpoint == "" {
		return nil, nil
	}
	headers, err := s.cfg.Trace.Header()
	if err != nil {
		return nil, err
	}
	return telemetry.NewTracer(telemetry.Tracing{
		Endpoint: s.cfg.Trace.Endpoint, Headers: headers, Sample: s.cfg.Trace.Sample, Version: version, Metrics: s.metrics, Log: s.log,
		Client: outbound.New(outbound.Config{AllowPrivate: true}), // the operator names it, not a tenant
	}), nil
}

// measured counts and traces the calls of a client that goes out.
func (s *Server) measured(client *http.Client) *http.Client {
	c := *client
	c.Transport = &measuredTransport{client.Transport, s.metrics}
	return &c
}

type measuredTransport struct {
	next    http.RoundTripper
	metrics *telemetry.Metrics
}

// Around measures another transport.
func (t *measuredTransport) Around(change func(http.RoundTripper) http.RoundTripper) http.RoundTripper {
	return &measuredTransport{change(t.next), t.metrics}
}

// RoundTrip sends a request, with the header traceparent if the context is traced. Neither span nor numbers say where it goes: that is for
// tenants to choose, and may hold secrets.
func (t *measuredTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	start := time.Now()
	ctx, span := telemetry.Start(r.Context(), "outbound "+r.Method)
	if span != nil {
		r = r.Clone(ctx)
		telemetry.Inject(ctx, r.Header)
	}
	response, err := t.next.RoundTrip(r)
	outcome := "failed"
	switch {
	case err == nil:
		outcome = strconv.Itoa(response.StatusCode/100) + "xx"
		span.SetInt("http.response.status_code", response.StatusCode)
	case errors.Is(err, outbound.ErrForbidden):
		outcome = "refused"
	}
	if err != nil {
		span.Fail(outcome)
	}
	span.End()
	t.metrics.Add(telemetry.OutboundCalls, 1, outcome)
	t.metrics.Since(telemetry.OutboundTime, start)
	return response, err
}

type sender = func(context.Context, *store.Store, mail.Message) error

func (s *Server) countMails(send sender) sender {
	return func(ctx context.Context, st *store.Store, m mail.Message) error {
		err := send(ctx, st, m)
		s.metrics.Add(telemetry.Mails, 1, outcomeOf(err))
		return err
	}
}

func outcomeOf(err error) string {
	if err != nil {
		return "failure"
	}
	return "success"
}
