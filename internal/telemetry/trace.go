package telemetry

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const scope = "github.com/stagedoor/stagedoor"

// Bounds of what is kept until it is sent.
const (
	maxWaiting   = 8192
	sendEvery    = 2 * time.Second
	maxBatch     = 512
	maxAttribute = 256 // bytes
	maxLinks     = 64  // to the spans of those for whom a work is done at once
)

// Tracing says where spans go.
type Tracing struct {
	Endpoint string       // base URL of a collector; spans go to /v1/traces there
	Headers  http.Header  // sent along
	Sample   float64      // share of requests that are traced, 0 to 1
	Client   *http.Client // sends
	Version  string
	Metrics  *Metrics
	Log      *slog.Logger
}

// A Tracer begins traces. A nil one traces nothing.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	sample   float64
}

// NewTracer makes a tracer; Close sends what is left.
func NewTracer(t Tracing) *Tracer {
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(&exporter{Tracing: t}, sdk.WithMaxQueueSize(maxWaiting), sdk.WithBatchTimeout(sendEvery), sdk.WithMaxExportBatchSize(maxBatch)),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(t.Sample))),
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", "stagedoor"), attribute.String("service.version", t.Version))),
		sdk.WithRawSpanLimits(sdk.SpanLimits{AttributeValueLengthLimit: maxAttribute, AttributeCountLimit: 32, EventCountLimit: 8, LinkCountLimit: maxLinks, AttributePerEventCountLimit: 8, AttributePerLinkCountLimit: 4}),
	)
	return &Tracer{provider: provider, tracer: provider.Tracer(scope), sample: t.Sample}
}

// Close sends what is left, until the context ends.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Request begins the span of a request. It is a child of the caller's span in the header traceparent. Whether that span is sampled counts only
// where trusted says so: otherwise anybody could have all their requests traced. A request that a script makes of its own server is a child of
// the script.
func (t *Tracer) Request(r *http.Request, trusted bool) (context.Context, *Span) {
	ctx := r.Context()
	if t == nil {
		return ctx, nil
	}
	if !trace.SpanContextFromContext(ctx).IsValid() {
		parent := Parent(r.Header)
		if parent.IsValid() && !trusted {
			parent = parent.WithTraceFlags(t.flags(parent))
		}
		if parent.IsValid() {
			ctx = trace.ContextWithRemoteSpanContext(ctx, parent)
		}
	}
	ctx, s := t.tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
	return ctx, &Span{s}
}

// flags are what the tracer itself decides about a trace.
func (t *Tracer) flags(parent trace.SpanContext) trace.TraceFlags {
	decided := sdk.TraceIDRatioBased(t.sample).ShouldSample(sdk.SamplingParameters{TraceID: parent.TraceID()})
	return parent.TraceFlags().WithSampled(decided.Decision == sdk.RecordAndSample)
}

var propagator propagation.TraceContext

// Parent is the span that a header traceparent names (W3C Trace Context); it is not valid if there is none.
func Parent(h http.Header) trace.SpanContext {
	return trace.SpanContextFromContext(propagator.Extract(context.Background(), propagation.HeaderCarrier(h)))
}

// TraceID is the id of the context's trace; empty if it has none.
func TraceID(ctx context.Context) string {
	if c := trace.SpanContextFromContext(ctx); c.IsValid() {
		return c.TraceID().String()
	}
	return ""
}

// Inject writes the context's span into a header for whoever is called.
func Inject(ctx context.Context, h http.Header) { propagator.Inject(ctx, propagation.HeaderCarrier(h)) }

// A Span is a piece of work with a beginning and an end. A nil one is not kept.
type Span struct{ s trace.Span }

// Start begins a span under that of the context. Without one, or where it is not sampled, it costs nothing.
func Start(ctx context.Context, name string, pairs ...string) (context.Context, *Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, nil
	}
	ctx, s := parent.TracerProvider().Tracer(scope).Start(ctx, name)
	span := &Span{s}
	for i := 0; i+1 < len(pairs); i += 2 {
		span.Set(pairs[i], pairs[i+1])
	}
	return ctx, span
}

// Together begins the span of work that is done for several spans at once. It stands under the first of them that is kept and links to all; each of them links to
// it. The context that it returns is no request's: the work goes on when those who wait for it leave. Where none is kept it costs nothing.
func Together(spans []*Span, name string) (context.Context, *Span) {
	ctx := context.Background()
	var links []trace.Link
	var parent trace.Span
	for _, s := range spans {
		if s == nil {
			continue
		}
		if parent == nil {
			parent = s.s
		}
		links = append(links, trace.Link{SpanContext: s.s.SpanContext()})
	}
	if parent == nil {
		return ctx, nil
	}
	ctx, s := parent.TracerProvider().Tracer(scope).Start(trace.ContextWithSpan(ctx, parent), name, trace.WithLinks(links...))
	for _, one := range spans {
		if one != nil {
			one.s.AddLink(trace.Link{SpanContext: s.SpanContext()})
		}
	}
	return ctx, &Span{s}
}

// Recording tells whether spans under the context are kept.
func Recording(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// Name gives the span another name.
func (s *Span) Name(name string) {
	if s != nil {
		s.s.SetName(name)
	}
}

// Set notes something about the span: never what a person or client sent.
func (s *Span) Set(key, value string) {
	if s != nil && value != "" {
		s.s.SetAttributes(attribute.String(key, value))
	}
}

// SetInt notes a number.
func (s *Span) SetInt(key string, value int) {
	if s != nil {
		s.s.SetAttributes(attribute.Int(key, value))
	}
}

// Fail notes that the work failed, and of what kind the failure was. Its text is not kept: it may quote what was sent.
func (s *Span) Fail(kind string) {
	if s != nil {
		s.s.SetStatus(codes.Error, kind)
	}
}

// End ends the span.
func (s *Span) End() {
	if s != nil {
		s.s.End()
	}
}
