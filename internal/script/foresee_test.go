package script

import (
	"context"
	"io"
	"strings"
	"testing"
)

// A worker that has nothing to do compiles what scripts require most, so that the first run of a new script does not wait for it.
func TestForeseen(t *testing.T) {
	w := &worker{out: io.Discard, runs: make(map[uint64]*execution), spares: make(chan *realm, spareRealms), taken: make(chan struct{}, spareRealms)}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w.reset()
	w.runs[1] = nil // one is under way
	for range spareRealms - 1 {
		w.taken <- struct{}{}
	}
	go w.prepare(ctx)
	done := make(chan struct{})
	go func() { defer close(done); w.foresee(ctx) }()
	compiled := func() (names []string) {
		w.room.mu.Lock()
		defer w.room.mu.Unlock()
		for name := range w.room.code {
			if strings.HasPrefix(name, "npm:") || name == "module request" {
				names = append(names, name)
			}
		}
		return names
	}
	eventually(t, "realms are in stock", func() bool { return len(w.spares) == spareRealms })
	if names := compiled(); len(names) > 0 {
		t.Error("while a run was under way it compiled", names)
	}
	w.mu.Lock()
	delete(w.runs, 1)
	w.mu.Unlock()
	<-done
	if names := compiled(); len(names) != len(foreseen) {
		t.Error("it compiled", names)
	}
}
