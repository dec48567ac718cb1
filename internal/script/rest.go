package script

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"
)

// restPause is how long a worker has nothing to do before it gives back what runs took, and restGarbage from how many bytes on: collecting garbage
// costs more than most runs.
const (
	restPause   = time.Second
	restGarbage = 8 << 20
)

// rest gives the system back what runs took and nothing needs any more, once there has been no run for a while.
func (w *worker) rest(ctx context.Context) {
	tick := time.NewTicker(restPause)
	defer tick.Stop()
	var seen, rested, held uint64 // runs that had begun, and bytes
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		w.mu.Lock()
		begun, busy := w.begun, len(w.runs) > 0
		w.mu.Unlock()
		if quiet := !busy && begun == seen; !quiet || begun == rested {
			seen = begun
			continue
		}
		rested = begun
		if memoryHeld() > held+restGarbage {
			debug.FreeOSMemory()
			held = memoryHeld()
		}
	}
}

// memoryHeld is what Go's heap has of the system, in bytes.
func memoryHeld() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapSys - m.HeapReleased
}
