package script

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"
)

// restPause is how long a worker has nothing to do before it gives back what runs took, and restGarbage from how many bytes on: collecting garbage
// costs more than most runs. After longPause pauses, when runs are not to be expected, it gives back what is left of them, too.
const (
	restPause   = time.Second
	restGarbage = 8 << 20
	longPause   = 5
	longGarbage = 1 << 20
)

// rest gives the system back what runs took and nothing needs any more, once there has been no run for a while.
func (w *worker) rest(ctx context.Context) {
	tick := time.NewTicker(restPause)
	defer tick.Stop()
	var seen, held uint64 // runs that had begun, and bytes
	pauses := 0
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		w.mu.Lock()
		begun, busy := w.begun, len(w.runs) > 0
		w.mu.Unlock()
		if busy || begun != seen {
			seen, pauses = begun, 0
			continue
		}
		pauses++
		garbage, rests := map[int]uint64{1: restGarbage, longPause: longGarbage}[pauses]
		if rests && begun > 0 && memoryHeld() > held+garbage {
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
