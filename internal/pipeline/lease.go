package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/stagedoor/stagedoor/internal/store"
)

// errLeaseLost ends work whose lease somebody else has.
var errLeaseLost = errors.New("pipeline: another server has taken over")

// lease is some work that one server of the database does alone, for as long as it lives.
type lease struct {
	st    *store.Store
	id    string
	life  time.Duration
	until time.Time
}

// takeLease takes a lease; nil: somebody else has it.
func takeLease(ctx context.Context, st *store.Store, id string, life time.Duration) (*lease, error) {
	l := &lease{st: st, id: id, life: life, until: st.Clock().Now().Add(life)}
	ours, err := st.Lease(ctx, id, time.Time{}, l.until)
	if err != nil || !ours {
		return nil, err
	}
	return l, nil
}

// keep makes the lease longer every so often until stop is called, which waits for the last time. The context that it returns ends when the lease
// is lost, be it to somebody else or because the database does not answer before it is over.
func (l *lease) keep(ctx context.Context, every time.Duration) (_ context.Context, stop func()) {
	ctx, lost := context.WithCancelCause(ctx)
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			until := l.st.Clock().Now().Add(l.life)
			renewing, cancel := context.WithTimeout(ctx, every)
			ours, err := l.st.Lease(renewing, l.id, l.until, until)
			cancel()
			switch {
			case ours:
				l.until = until
			case err == nil || !l.st.Clock().Now().Before(l.until):
				lost(errLeaseLost)
				return
			}
		}
	}()
	stopped := false
	return ctx, func() {
		if !stopped {
			stopped = true
			close(end)
			<-ended
		}
	}
}
