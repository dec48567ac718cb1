package mail

import (
	"context"
	"slices"
	"sync"
)

// Memory keeps the last messages instead of sending them. It is safe for concurrent use.
type Memory struct {
	limit int

	mu       sync.Mutex
	messages []Message // oldest first
}

// NewMemory makes a Memory for so many messages; older ones are dropped.
func NewMemory(limit int) *Memory { return &Memory{limit: max(limit, 1)} }

// Send keeps a message that is valid.
func (b *Memory) Send(_ context.Context, m Message) error {
	if err := m.Validate(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = append(b.messages, m)
	if extra := len(b.messages) - b.limit; extra > 0 {
		b.messages = slices.Delete(b.messages, 0, extra)
	}
	return nil
}

// Messages returns what is kept, newest first.
func (b *Memory) Messages() []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := slices.Clone(b.messages)
	slices.Reverse(out)
	return out
}
