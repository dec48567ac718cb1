package delivery

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// Turn is how long a queue that always has something is served before others have its place.
	Turn = 10 * time.Second

	atOnce       = 16 // queues that a crew serves at a time
	ofTenant     = 4  // of them of one tenant, whose receivers may all hang
	firstRetry   = time.Second
	longestRetry = 5 * time.Minute
)

// Pause is how long what has failed so many times before and fails again waits for its next try: 1, 2, 4 … seconds, at most 5 minutes.
func Pause(failures int) time.Duration { return min(firstRetry<<min(failures, 20), longestRetry) }

// Crew serves queues: each in a goroutine of its own, and once at a time. One that always has something, or whose receiver is slow, keeps no other waiting,
// and a tenant that has many such ones keeps no other tenant's waiting.
type Crew[Q comparable] struct {
	group sync.WaitGroup

	mu      sync.Mutex
	busy    map[Q]bool // what is being served, or waits for a place
	serving map[string]int
	all     int
	waiting []turn[Q] // the one that came first before the others
}

// turn is a queue that waits for a place.
type turn[Q comparable] struct {
	ctx    context.Context //nolint:containedctx // a turn whose context has ended is none
	tenant string
	queue  Q
	serve  func()
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

// Wait returns when nothing is being served, and nothing waits.
func (c *Crew[Q]) Wait() { c.group.Wait() }

// Serve serves a tenant's queue, unless it is being served or waits already, as soon as there is a place for it; if the context ends before that, not at all.
func (c *Crew[Q]) Serve(ctx context.Context, tenant string, queue Q, serve func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy == nil {
		c.busy, c.serving = map[Q]bool{}, map[string]int{}
	}
	if c.busy[queue] {
		return
	}
	c.busy[queue] = true
	c.group.Add(1)
	c.waiting = append(c.waiting, turn[Q]{ctx, tenant, queue, serve})
	c.begin()
}

// Serves tells whether a queue is being served, or waits for that.
func (c *Crew[Q]) Serves(queue Q) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.busy[queue]
}

// begin gives the places that are free to those who wait. The caller holds mu.
func (c *Crew[Q]) begin() {
	for c.all < atOnce {
		at := c.next()
		if at < 0 {
			return
		}
		t := c.waiting[at]
		c.waiting = slices.Delete(c.waiting, at, at+1)
		if t.ctx.Err() != nil {
			c.release(t)
			continue
		}
		c.all++
		c.serving[t.tenant]++
		go func() {
			defer c.end(t)
			t.serve()
		}()
	}
}

// next is who has the next place: the first one of those whose tenant has the fewest places, and has room for one more; -1 if there is none.
func (c *Crew[Q]) next() int {
	best, fewest := -1, ofTenant
	for i := range c.waiting {
		if n := c.serving[c.waiting[i].tenant]; n < fewest {
			best, fewest = i, n
		}
		if fewest == 0 {
			break
		}
	}
	return best
}

func (c *Crew[Q]) end(t turn[Q]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.serving[t.tenant]--; c.serving[t.tenant] == 0 {
		delete(c.serving, t.tenant)
	}
	c.release(t)
	c.begin()
}

// release makes the queue of a turn that is over one that can be served again.
func (c *Crew[Q]) release(t turn[Q]) {
	delete(c.busy, t.queue)
	c.group.Done()
}
