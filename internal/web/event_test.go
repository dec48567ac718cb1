package web

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestLinesNameTheirRequest: what a door logs about a request goes to the server's log, with the request's id; not to the process's.
func TestLinesNameTheirRequest(t *testing.T) {
	var ours, others bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&others, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	e := &Event{Log: slog.New(slog.NewTextHandler(&ours, nil)), ID: "request-1"}
	ctx := WithEvent(t.Context(), e)
	Logger(ctx).Error("with a context")
	EventOf(ctx).Logger().Error("with an event")
	if got := ours.String(); strings.Count(got, "request=request-1") != 2 || others.Len() > 0 {
		t.Errorf("ours %q, others %q", got, others.String())
	}
	e.SetTenant("acme")
	e.SetClient("c")
	e.SetRoute("/r/{id}")
	if route, tenant, client := EventOf(ctx).Noted(); route != "/r/{id}" || tenant != "acme" || client != "c" {
		t.Error(route, tenant, client)
	}
	if e.Endless() {
		t.Error("endless")
	}
	if e.SetEndless(); !e.Endless() || EventOf(t.Context()).Endless() {
		t.Error("not endless")
	}
	EventOf(t.Context()).SetTenant("nobody listens")
	Logger(t.Context()).Error("without a server in front")
	WriterLogger(httptest.NewRecorder()).Error("nor here")
	if strings.Count(others.String(), "level=ERROR") != 2 {
		t.Errorf("others %q", others.String())
	}
}
