package script

import (
	"runtime"
	"sync"
	"time"
)

// A leash ends a turn of the event loop that computes for longer than it may. What counts is processor time of this worker, where the system
// tells it: on a machine that has more to do than it can, a script still gets the computing that it is due. A run's own end ends it whatever the
// processor did. Where several runs compute in one worker, the time of all counts, but none is ended before its budget has passed on the wall.
type leash struct {
	interrupt func()
	stuck     func() // called when the interruption is not heeded

	began  time.Time
	used   time.Duration // processor time of the worker when the turn began
	budget time.Duration
	most   time.Duration // on the wall

	mu    sync.Mutex
	timer *time.Timer
	cut   time.Time // when it was interrupted; zero: not
	long  bool      // it goes on for long
	done  bool
}

// A worker in which something computes for longer than longTurn uses one processor: the others are for other tenants' workers, and for the server.
const longTurn = 30 * time.Millisecond

// long counts what computes for long in this process.
var long struct {
	mu         sync.Mutex
	count      int
	processors int // how many there are otherwise; 0: this process is no worker, and is left alone
}

// longs counts more of what computes for long, or less.
func longs(more int) {
	long.mu.Lock()
	defer long.mu.Unlock()
	before := long.count
	long.count += more
	switch {
	case long.processors < 2:
	case before == 0 && more > 0:
		runtime.GOMAXPROCS(1)
	case long.count == 0:
		runtime.GOMAXPROCS(long.processors)
	}
}

// unheeded is how often a turn is interrupted again: a request that comes between two calls into the engine is forgotten.
const unheeded = 20 * time.Millisecond

func newLeash(budget, most time.Duration, interrupt, stuck func()) *leash {
	l := &leash{began: time.Now(), used: processTime(), budget: min(budget, most), most: most, interrupt: interrupt, stuck: stuck}
	l.mu.Lock() // look may come before there is a timer to set again
	defer l.mu.Unlock()
	l.timer = time.AfterFunc(min(l.budget, longTurn), l.look)
	return l
}

// look interrupts the turn if its time is up, or comes back when it may be.
func (l *leash) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	switch {
	case l.done:
	case !l.cut.IsZero() && now.Sub(l.cut) >= stuckAfter:
		l.done = true
		l.stuck()
	case !l.cut.IsZero():
		l.interrupt()
		l.timer.Reset(unheeded)
	default:
		if !l.long && now.Sub(l.began) >= longTurn {
			l.long = true
			longs(1)
		}
		passed := now.Sub(l.began)
		if left := min(l.budget-min(l.computed(now), passed), l.most-passed); left > 0 {
			l.timer.Reset(max(left, time.Millisecond))
			return
		}
		l.cut = now
		l.interrupt()
		l.timer.Reset(unheeded)
	}
}

// computed is how long the worker has computed since the turn began.
func (l *leash) computed(now time.Time) time.Duration {
	if used := processTime(); used > 0 {
		return used - l.used
	}
	return now.Sub(l.began) // the system does not tell
}

// isCut tells whether the turn was interrupted.
func (l *leash) isCut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.cut.IsZero()
}

// end lets go, and tells whether the turn was interrupted.
func (l *leash) end() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done = true
	l.timer.Stop()
	if l.long {
		l.long = false
		longs(-1)
	}
	return !l.cut.IsZero()
}
