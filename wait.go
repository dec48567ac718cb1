package stagedoor

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
)

// Contained does work that nobody waits for, in a goroutine of its own as a rule. A panic ends this work alone, as it ends a request alone, and is told in the log: else the mail
// of one tenant, or what a script of theirs asks for, would end the server for all of them.
func Contained(log *slog.Logger, what string, work func()) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("panic", "in", what, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	work()
}

// Unhurried is a context that does not end when its caller leaves, but at the same deadline. stop is called when the work is over.
func Unhurried(ctx context.Context) (unhurried context.Context, stop context.CancelFunc) {
	unhurried = context.WithoutCancel(ctx)
	if end, is := ctx.Deadline(); is {
		return context.WithDeadline(unhurried, end)
	}
	return unhurried, func() {}
}

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
