package script

import (
	"context"
	"time"
)

// Settle waits until no worker has anything to do: what scripts began before their last callback has ended too, or its time has. It is for
// tools that run scripts one after the other; a server never settles.
func (h *Host) Settle(ctx context.Context) error {
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for h.pool.busy() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
	return nil
}

func (p *pool) busy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for proc := range p.processes {
		if proc.foreground > 0 || proc.lingering() > 0 {
			return true
		}
	}
	return false
}
