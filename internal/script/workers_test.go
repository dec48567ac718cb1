package script

import (
	"testing"
	"time"
)

// workers are the pids of a host's live workers, by tenant.
func workers(h *Host) map[string]int {
	h.pool.mu.Lock()
	defer h.pool.mu.Unlock()
	out := make(map[string]int)
	for p := range h.pool.processes {
		if !p.retired {
			out[p.tenant] = p.pid
		}
	}
	return out
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 2000 { // a loaded machine takes its time
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("never:", what)
}
