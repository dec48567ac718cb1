package stagedoor

import (
	"context"
	"sync"
)

// Await returns when all of a group are done, or ctx ends; then with its error.
func Await(ctx context.Context, group *sync.WaitGroup) error {
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
