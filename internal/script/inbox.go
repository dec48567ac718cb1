package script

import "sync"

// inbox holds what a run has been answered and not yet looked at. Putting never waits: the goroutine that reads frames does it.
type inbox struct {
	wake chan struct{} // has a token when something is there

	mu    sync.Mutex
	queue []message
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

func (b *inbox) put(m message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue = append(b.queue, m)
	b.signal()
}

// take returns the oldest message; false when there is none.
func (b *inbox) take() (message, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		return message{}, false
	}
	m := b.queue[0]
	b.queue[0] = message{}
	if b.queue = b.queue[1:]; len(b.queue) > 0 {
		b.signal()
	}
	return m, true
}

func (b *inbox) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}
