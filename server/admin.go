package server

import (
	"context"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/stagedoor/stagedoor/internal/web"
)

// profileTimeout is how long an answer of the admin listener may take: a profile is taken over as long as its asker says.
const profileTimeout = 3 * time.Minute

// admin serves what operators read of the server itself, on a listener of its own.
func (s *Server) admin() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metrics.Handler())
	mux.HandleFunc("GET /healthz", alive)
	mux.HandleFunc("GET /readyz", s.ready)
	if s.cfg.Pprof {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		// The command line is not served: it may hold the URL of the database.
		mux.HandleFunc("GET /debug/pprof/cmdline", http.NotFound)
	}
	return mux
}

func alive(w http.ResponseWriter, _ *http.Request) {
	_ = web.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// ready tells whether requests can be sent here: the database answers, and has what this program needs.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if s.leaving.Load() {
		_ = web.WriteJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "leaving"})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := s.db.Ready(ctx); err != nil {
		web.Logger(r.Context()).ErrorContext(ctx, "the server is not ready", "error", err)
		_ = web.WriteJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "unavailable"})
		return
	}
	_ = web.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}
