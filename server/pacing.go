package server

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"
)

// Go collects garbage when the heap has doubled. What a server keeps is 10 MB, so that a few hundred small requests, or two hashes of passwords, which take
// 19 MiB each, bring a collection: up to a third of what they cost. A server that has work lets its heap grow by as much as it allocates in pacedCycle, up
// to paced bytes: what collections cost then is little whatever the work is, and work that allocates slowly, such as an import, takes no memory that
// spares it nothing. One without work keeps to Go's own measure, and memory that was needed under load goes back to the system.
const (
	paced      = 96 << 20
	pacedCycle = 400 * time.Millisecond

	busyCycle = time.Second      // collections that follow one another so soon are those of a busy server
	idleCycle = 10 * time.Second // and those of an idle one
)

// PaceCollector adjusts the garbage collector of this process to the work that it has, from now on. Whoever sets GOGC decides for themselves; a limit of
// the process's memory (GOMEMLIMIT, or that of a control group) is left three quarters of.
func PaceCollector() {
	if os.Getenv("GOGC") != "" {
		return
	}
	p := &pacer{most: min(paced, memoryLimit()/4), percent: 100, last: time.Now()}
	runtime.SetFinalizer(&collected{p: p}, (*collected).again)
}

// pacer knows how the collector is set.
type pacer struct {
	most      int64 // bytes that the heap may grow by, if less is in use
	percent   int
	last      time.Time // of the last collection
	allocated int64     // bytes until then, from the beginning
	busy      bool
}

// collected is garbage as soon as it is made: each collection finds it, and it is made anew.
type collected struct{ p *pacer }

func (c *collected) again() {
	heap := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(heap)
	if heap[0].Value.Kind() == metrics.KindUint64 && heap[1].Value.Kind() == metrics.KindUint64 {
		if percent, changed := c.p.collected(time.Now(), int64(heap[0].Value.Uint64()), int64(heap[1].Value.Uint64())); changed {
			debug.SetGCPercent(percent)
		}
	}
	runtime.SetFinalizer(c, (*collected).again)
}

// collected is told of a collection, of what it left and of what has been allocated since the process began, in bytes. It says by how many percent the heap
// may grow, and whether that is news.
func (p *pacer) collected(now time.Time, live, allocated int64) (int, bool) {
	since := now.Sub(p.last)
	rate := float64(allocated-p.allocated) / max(since, time.Millisecond).Seconds()
	p.last, p.allocated = now, allocated
	if since < busyCycle {
		p.busy = true
	} else if since > idleCycle {
		p.busy = false
	}
	percent := 100
	if p.busy {
		grow := min(p.most, int64(rate*pacedCycle.Seconds()))
		percent = max(100, int(grow*100/max(live, 1<<20)))
	}
	if percent == p.percent || p.busy && percent > 100 && percent > p.percent*9/10 && percent < p.percent*11/10 {
		return p.percent, false
	}
	p.percent = percent
	return percent, true
}

// memoryLimit is how many bytes the process may use.
func memoryLimit() int64 {
	limit := debug.SetMemoryLimit(-1)
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 {
			limit = min(limit, n)
		}
	}
	return limit
}
