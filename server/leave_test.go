package server

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stagedoor/stagedoor/internal/config"
)

// A server that is told to end serves on for the delay, not ready, and ends connections; without a delay it ends at once.
func TestLeave(t *testing.T) {
	for _, delay := range []time.Duration{0, 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			var lines bytes.Buffer
			s := &Server{cfg: config.Config{ShutdownDelay: delay}, log: slog.New(slog.NewTextHandler(&lines, nil))}
			before := httptest.NewRecorder()
			s.lastOfConnection(before.Header())
			start, left := time.Now(), make(chan error)
			go func() { left <- s.leave(nil) }()
			synctest.Wait()
			if delay > 0 {
				during := httptest.NewRecorder()
				s.lastOfConnection(during.Header())
				s.ready(during, httptest.NewRequest("GET", "/readyz", nil))
				if during.Code != 503 || during.Header().Get("Connection") != "close" || before.Header().Get("Connection") != "" {
					t.Errorf("%d with %v, before with %v", during.Code, during.Header(), before.Header())
				}
			}
			if err := <-left; err != nil || time.Since(start) != delay || strings.Contains(lines.String(), "leaving") != (delay > 0) {
				t.Errorf("error %v after %v: %s", err, time.Since(start), lines.String())
			}
		})
	}
	failed := make(chan error, 1)
	failed <- errors.New("the listener broke")
	s := &Server{cfg: config.Config{ShutdownDelay: time.Hour}, log: slog.New(slog.DiscardHandler)}
	if err := s.leave(failed); err == nil {
		t.Error("a failure is not told")
	}
}
