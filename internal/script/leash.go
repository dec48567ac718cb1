package script

import (
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
	done  bool
}

// unheeded is how often a turn is interrupted again: a request that comes between two calls into the engine is forgotten.
const unheeded = 20 * time.Millisecond

func newLeash(budget, most time.Duration, interrupt, stuck func()) *leash {
	l := &leash{began: time.Now(), used: processTime(), budget: min(budget, most), most: most, interrupt: interrupt, stuck: stuck}
	l.timer = time.AfterFunc(l.budget, l.look)
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
		if left := min(l.budget-l.computed(now), l.most-now.Sub(l.began)); left > 0 {
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
	return !l.cut.IsZero()
}
