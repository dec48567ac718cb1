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

	unanswered []time.Time // what it was to be made longer until since, where nobody said whether it was
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
			ours, err := l.renew(renewing, until)
			cancel()
			if !ours && (err == nil || !l.st.Clock().Now().Before(l.until)) {
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

// renew makes the lease longer. After a try whose answer did not come, the database may have what was held before or what was tried.
func (l *lease) renew(ctx context.Context, until time.Time) (ours bool, err error) {
	for _, held := range append([]time.Time{l.until}, l.unanswered...) {
		if ours, err = l.st.Lease(ctx, l.id, held, until); err != nil {
			l.unanswered = append(l.unanswered, until)
			return false, err
		}
		if ours {
			l.until, l.unanswered = until, nil
			return true, nil
		}
	}
	return false, nil
}
