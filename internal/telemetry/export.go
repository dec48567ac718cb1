package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// exporter sends spans as OTLP/HTTP in its JSON form (opentelemetry-proto, "JSON Protobuf Encoding": ids in hex, 64-bit numbers as text).
type exporter struct {
	Tracing
	failing atomic.Bool
}

type otlp struct {
	ResourceSpans []resourceSpans `json:"resourceSpans"`
}

type resourceSpans struct {
	Resource struct {
		Attributes []pair `json:"attributes"`
	} `json:"resource"`
	ScopeSpans []scopeSpans `json:"scopeSpans"`
}

type scopeSpans struct {
	Scope struct {
		Name string `json:"name"`
	} `json:"scope"`
	Spans []wireSpan `json:"spans"`
}

type wireSpan struct {
	TraceID    string     `json:"traceId"`
	SpanID     string     `json:"spanId"`
	Parent     string     `json:"parentSpanId,omitempty"`
	State      string     `json:"traceState,omitempty"`
	Name       string     `json:"name"`
	Kind       int        `json:"kind"`
	Start      string     `json:"startTimeUnixNano"`
	End        string     `json:"endTimeUnixNano"`
	Attributes []pair     `json:"attributes,omitempty"`
	Links      []wireLink `json:"links,omitempty"`
	Status     wireStatus `json:"status"`
}

type wireLink struct {
	TraceID string `json:"traceId"`
	SpanID  string `json:"spanId"`
	State   string `json:"traceState,omitempty"`
}

type wireStatus struct {
	Code    int    `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

type pair struct {
	Key   string         `json:"key"`
	Value map[string]any `json:"value"`
}

// ExportSpans sends a batch. What the collector does not take is dropped and counted: a server must not fill up because nobody listens.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := e.send(ctx, spans)
	if err != nil {
		e.Metrics.Add(TraceDropped, float64(len(spans)))
	}
	if failing := err != nil; e.failing.Swap(failing) != failing && e.Log != nil { // once, not every two seconds
		e.Log.Warn("the collector of traces", "takes spans", !failing, "error", err)
	}
	return nil
}

func (e *exporter) send(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	if len(spans) == 0 {
		return nil
	}
	body, err := json.Marshal(encoded(spans))
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(e.Endpoint, "/")+"/v1/traces", bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, values := range e.Headers {
		r.Header[name] = values
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := e.Client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection is used again
	if response.StatusCode >= 300 {
		return fmt.Errorf("the collector of traces answered %s", response.Status)
	}
	return nil
}

// Shutdown does nothing: the batches before it have been sent.
func (*exporter) Shutdown(context.Context) error { return nil }

func encoded(spans []sdk.ReadOnlySpan) otlp {
	var out resourceSpans
	out.Resource.Attributes = pairs(spans[0].Resource().Attributes()) // all are this server's
	var one scopeSpans
	one.Scope.Name = scope
	for _, s := range spans {
		w := wireSpan{
			TraceID: s.SpanContext().TraceID().String(), SpanID: s.SpanContext().SpanID().String(), State: s.SpanContext().TraceState().String(),
			Name: s.Name(), Kind: int(trace.ValidateSpanKind(s.SpanKind())),
			Start: strconv.FormatInt(s.StartTime().UnixNano(), 10), End: strconv.FormatInt(s.EndTime().UnixNano(), 10),
			Attributes: pairs(s.Attributes()),
		}
		if s.Parent().SpanID().IsValid() {
			w.Parent = s.Parent().SpanID().String()
		}
		for _, l := range s.Links() {
			w.Links = append(w.Links, wireLink{l.SpanContext.TraceID().String(), l.SpanContext.SpanID().String(), l.SpanContext.TraceState().String()})
		}
		if s.Status().Description != "" { // only failures have one
			w.Status = wireStatus{2, s.Status().Description}
		}
		one.Spans = append(one.Spans, w)
	}
	out.ScopeSpans = []scopeSpans{one}
	return otlp{[]resourceSpans{out}}
}

func pairs(list []attribute.KeyValue) []pair {
	out := make([]pair, len(list))
	for i, a := range list {
		value := map[string]any{"stringValue": a.Value.Emit()}
		if a.Value.Type() == attribute.INT64 {
			value = map[string]any{"intValue": a.Value.Emit()}
		}
		out[i] = pair{string(a.Key), value}
	}
	return out
}
