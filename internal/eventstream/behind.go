package eventstream

import (
	"cmp"
	"context"
	"maps"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/telemetry"
)

const (
	maxBacklog = 100_000          // events that may wait for a stream
	behind     = 10 * time.Minute // a stream whose oldest event is older is said to be behind
	countEvery = time.Minute      // how often what waits for such a stream is counted
	tellEvery  = time.Hour        // how often the log says that it is behind
)

// late is when a stream that is behind was looked at.
type late struct{ counted, told time.Time }

// measure tells how old the oldest event is that waits, and forgets the streams that are behind no longer.
func (d *Deliverer) measure(due []store.DueEvents) {
	oldest := time.Duration(0)
	still := map[store.EventQueue]bool{}
	for _, one := range due {
		oldest = max(oldest, one.Age)
		still[one.EventQueue] = one.Age > behind
	}
	d.Metrics.Set(telemetry.EventLag, oldest.Seconds())
	d.mu.Lock()
	defer d.mu.Unlock()
	// One that is being served may have nothing else that is due.
	maps.DeleteFunc(d.late, func(queue store.EventQueue, _ late) bool { return !still[queue] && !d.crew.Serves(queue) })
}

// bound disables a stream for which too much waits: its receiver takes events, but not as fast as they come. What waits is kept as what has failed is, so
// that it can be sent again when the receiver is faster.
func (d *Deliverer) bound(ctx context.Context, one store.DueEvents) error {
	if one.Age <= behind {
		return nil
	}
	now := time.Now()
	d.mu.Lock()
	seen := d.late[one.EventQueue]
	d.mu.Unlock()
	if now.Sub(seen.counted) < countEvery {
		return nil
	}
	st, err := d.DB.TenantByID(ctx, one.Tenant)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	stream, err := d.stream(ctx, st, one.Stream)
	if err != nil || stream == nil {
		return err
	}
	most := cmp.Or(d.MaxEvents, maxBacklog)
	n, bytes, err := st.EventBacklog(ctx, one.Stream, most)
	if err != nil {
		return err
	}
	if stream.Enabled() && (n >= most || d.MaxBytes > 0 && bytes >= d.MaxBytes) {
		return d.disable(ctx, st, stream, "too much waits for it")
	}
	seen.counted = now
	if now.Sub(seen.told) >= tellEvery {
		seen.told = now
		d.Log.WarnContext(ctx, "an event stream is behind: its receiver is slow, or fails", "tenant", one.Tenant, "stream", one.Stream, "seconds", int(one.Age.Seconds()), "waiting", n)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.late == nil {
		d.late = map[store.EventQueue]late{}
	}
	d.late[one.EventQueue] = seen
	return nil
}
