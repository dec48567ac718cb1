package delivery

import (
	"context"
	"sync"
	"time"
)

const (
	// Turn is how long a queue that always has something is served before others have its place.
	Turn = 10 * time.Second

	atOnce       = 16 // queues that a crew serves at a time
	firstRetry   = time.Second
	longestRetry = 5 * time.Minute
)

// Pause is how long what has failed so many times before and fails again waits for its next try: 1, 2, 4 … seconds, at most 5 minutes.
func Pause(failures int) time.Duration { return min(firstRetry<<min(failures, 20), longestRetry) }

// Crew serves queues: each in a goroutine of its own, and once at a time. One that always has something, or whose receiver is slow, keeps no other waiting.
type Crew[Q comparable] struct {
	group sync.WaitGroup

	mu    sync.Mutex
	busy  map[Q]bool
	slots chan struct{}
}

// Run looks for what to serve, and again every so often, until the context ends. It returns when what is being served has ended.
func (c *Crew[Q]) Run(ctx context.Context, every time.Duration, look func()) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	defer c.Wait()
	for {
		look()
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// Wait returns when nothing is being served.
func (c *Crew[Q]) Wait() { c.group.Wait() }

// Serve serves a queue that is not being served, as soon as there is a place for it. It returns when that has begun.
func (c *Crew[Q]) Serve(ctx context.Context, queue Q, serve func()) error {
	slots := c.take(queue)
	if slots == nil {
		return nil
	}
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		c.release(queue)
		return ctx.Err()
	}
	c.group.Go(func() {
		defer func() { c.release(queue); <-slots }()
		serve()
	})
	return nil
}

// Serves tells whether a queue is being served.
func (c *Crew[Q]) Serves(queue Q) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.busy[queue]
}

// take makes a queue the caller's to serve, and returns the places that there are; nil if it is somebody's.
func (c *Crew[Q]) take(queue Q) chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy == nil {
		c.busy, c.slots = map[Q]bool{}, make(chan struct{}, atOnce)
	}
	if c.busy[queue] {
		return nil
	}
	c.busy[queue] = true
	return c.slots
}

func (c *Crew[Q]) release(queue Q) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.busy, queue)
}
