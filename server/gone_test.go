package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/telemetry"
	"github.com/stagedoor/stagedoor/internal/web"
)

// A sender who has gone is no failure of the server; a failure while they go is one.
func TestSenderGone(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	late, end := context.WithTimeout(t.Context(), 0)
	defer end()
	for _, c := range []struct {
		name   string
		ctx    context.Context
		err    error
		status int
	}{
		{"gone", gone, fmt.Errorf("reading: %w", context.Canceled), 499},
		{"there, and something else was given up", t.Context(), context.Canceled, 500},
		{"gone, and something failed", gone, errors.New("broken"), 500},
		{"too late", late, context.DeadlineExceeded, 500},
	} {
		t.Run(c.name, func(t *testing.T) {
			var lines bytes.Buffer
			s := &Server{log: slog.New(slog.NewTextHandler(&lines, nil)), metrics: telemetry.NewMetrics("test", false)}
			event := &web.Event{Log: s.log, ID: "request-1"}
			r := httptest.NewRequest("GET", "/userinfo", nil).WithContext(web.WithEvent(c.ctx, event))
			rec := &recorder{ResponseWriter: httptest.NewRecorder(), status: http.StatusInternalServerError, event: event}
			web.Failed(r.Context(), s.log, "a request failed", c.err)
			s.answered(r, event, nil, rec, time.Millisecond)
			text := lines.String()
			if strings.Contains(text, "level=ERROR") != (c.status == 500) || !strings.Contains(text, fmt.Sprintf("status=%d ", c.status)) {
				t.Error(text)
			}
		})
	}
}
