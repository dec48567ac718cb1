package logstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/delivery"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/telemetry"
)

const (
	batchSize    = 100              // events in one request
	claimFor     = 2 * time.Minute  // longer than a request may take
	sendTimeout  = 30 * time.Second // of one request
	suspendAfter = 7 * 24 * time.Hour

	tellAfter = 7 // tries in a row, a minute of them, the tenant's log says that a receiver takes nothing
)

// Deliverer delivers log events.
type Deliverer struct {
	DB      *store.DB
	Client  *http.Client // reaches no private address unless the operator allows it
	Log     *slog.Logger
	Metrics *telemetry.Metrics // nil: nothing is counted
	Every   time.Duration      // how often it looks for new events
	Settle  time.Duration      // how old an event and its id must be, so that none with a smaller id can still come

	crew delivery.Crew[streamKey]
	mu   sync.Mutex
	late map[streamKey]time.Duration // how far streams were behind when they were served last
}

// streamKey names a stream.
type streamKey struct{ tenant, id string }

// Run delivers until the context ends.
func (d *Deliverer) Run(ctx context.Context) {
	d.crew.Run(ctx, d.Every, func() {
		if err := d.start(ctx); err != nil && ctx.Err() == nil {
			d.Log.ErrorContext(ctx, "log streams could not be read", "error", err)
		}
		d.measure()
	})
}

// Round gives every stream of every tenant the chance to deliver what it has.
func (d *Deliverer) Round(ctx context.Context) error {
	err := d.start(ctx)
	d.crew.Wait()
	d.measure()
	return err
}

// start serves each stream to which anything is sent.
func (d *Deliverer) start(ctx context.Context) error {
	tenants, err := d.DB.LogStreamTenants(ctx)
	if err != nil {
		return err
	}
	var failed error
	there := map[streamKey]bool{}
	for _, id := range tenants {
		st, streams, err := d.streams(ctx, id)
		if stagedoor.IsKind(err, stagedoor.Unavailable) {
			return err
		}
		if err != nil { // the others' are delivered all the same
			failed = errors.Join(failed, fmt.Errorf("tenant %s: %w", id, err))
			continue
		}
		for i := range streams {
			key := streamKey{id, streams[i].ID}
			if !served(&streams[i]) {
				continue
			}
			there[key] = true
			d.crew.Serve(ctx, id, key, func() {
				stagedoor.Contained(d.Log.With("tenant", key.tenant, "stream", key.id), "a log stream", func() {
					if err := d.serve(ctx, st, key); err != nil && ctx.Err() == nil {
						d.Log.ErrorContext(ctx, "a log stream could not go on", "tenant", key.tenant, "stream", key.id, "error", err)
					}
				})
			})
		}
	}
	d.keep(there)
	return failed
}

// streams reads the streams of a tenant; one that is gone has none.
func (d *Deliverer) streams(ctx context.Context, tenant string) (*store.Store, []stagedoor.LogStream, error) {
	st, err := d.DB.TenantByID(ctx, tenant)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	all, err := store.LogStreams.All(ctx, st)
	return st, all, err
}

// served tells whether anything is sent to a stream.
func served(stream *stagedoor.LogStream) bool {
	return Delivers(stream.Type) && stream.Status == stagedoor.StreamActive
}

// serve delivers what a stream has, until that is all or its turn is over. The stream is read for each batch: whoever stops, changes or deletes it means
// what follows.
func (d *Deliverer) serve(ctx context.Context, st *store.Store, key streamKey) error {
	behind := time.Duration(0) // the longest in this turn
	defer func() { d.note(key, behind) }()
	for began := time.Now(); time.Since(began) < delivery.Turn; {
		stream, err := store.LogStreams.Get(ctx, st, key.id)
		if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && !served(stream) {
			return nil
		}
		if err != nil {
			return err
		}
		at, err := st.LogCursor(ctx, stream)
		now := st.Clock().Now()
		if err == nil && at.Failures > 0 {
			behind = max(behind, now.Sub(at.FailingSince))
			d.raise(key, behind)
		}
		if err != nil || !at.Due(now) {
			return err
		}
		events, last, err := d.batch(ctx, st, stream, at.After)
		if err != nil || last == "" {
			return err
		}
		claimed, err := st.ClaimLogCursor(ctx, stream, now.Add(claimFor))
		if err != nil || !claimed {
			return err
		}
		again, err := st.LogCursor(ctx, stream)
		if err != nil {
			return err
		}
		if again.After != at.After { // another server has sent these in between: the claim is given back
			if err := st.SaveLogCursor(context.WithoutCancel(ctx), stream.ID, store.LogCursor{After: again.After}); err != nil {
				return err
			}
			continue
		}
		if len(events) > 0 {
			behind = max(behind, now.Sub(events[0].Date)-d.Settle)
			d.raise(key, behind)
		}
		last, sent := d.deliver(ctx, now, stream, events, last)
		var some *partly
		if errors.As(sent, &some) {
			d.Log.WarnContext(ctx, "a log stream's receiver did not take all of its events", "tenant", st.Tenant().ID, "stream", stream.ID, "error", sent)
			sent = nil
		}
		if sent != nil && ctx.Err() != nil { // the server stops: it was no try
			return st.SaveLogCursor(context.WithoutCancel(ctx), stream.ID, at)
		}
		d.Metrics.Add(telemetry.StreamSends, 1, map[bool]string{true: "success", false: "failure"}[sent == nil])
		at = next(at, st.Clock().Now(), last, sent)
		if err := st.SaveLogCursor(context.WithoutCancel(ctx), stream.ID, at); err != nil {
			return err
		}
		if sent != nil {
			d.Log.WarnContext(ctx, "a log stream's receiver did not take its events", "tenant", st.Tenant().ID, "stream", stream.ID, "failures", at.Failures, "error", sent)
			if at.Failures == tellAfter { // once, until it takes some again
				st.Log(stagedoor.LogEvent{
					Type: "w", Description: "The log stream " + stream.ID + " is behind: its receiver has not taken any events for a minute. It is tried again.",
					Details: map[string]any{"log_stream": map[string]any{"id": stream.ID, "name": stream.Name, "type": stream.Type}, "error": stagedoor.Shorten(sent.Error(), 500)},
				})
			}
			return d.suspend(ctx, st, stream, at)
		}
	}
	return nil
}

// batch returns the next events that the stream wants, and the id of the last one that was looked at; it is empty if there is nothing.
func (d *Deliverer) batch(ctx context.Context, st *store.Store, stream *stagedoor.LogStream, after string) (wanted []stagedoor.LogEvent, last string, err error) {
	events, _, err := st.Logs(ctx, store.LogQuery{From: after, Take: batchSize})
	if err != nil {
		return nil, "", err
	}
	now := st.Clock().Now()
	settled := now.Add(-d.Settle)
	low, high := stagedoor.LogIDAt(settled), stagedoor.LogIDAt(now.Add(d.Settle))
	for _, e := range events {
		if e.Date.After(settled) || e.ID > low && e.ID < high { // a greater one is of a clock that was put back
			break
		}
		last = e.ID
		if stream.Wants(e) {
			wanted = append(wanted, e)
		}
	}
	return wanted, last, nil
}

// partly is why some events of a batch were refused, of which the rest was taken. They are not sent again.
type partly struct{ reason string }

// Error returns the reason.
func (p *partly) Error() string { return p.reason }

// next is where the cursor stands after a try.
func next(at store.LogCursor, now time.Time, last string, err error) store.LogCursor {
	if err == nil {
		return store.LogCursor{After: last}
	}
	wait := delivery.Pause(at.Failures)
	if at.FailingSince.IsZero() {
		at.FailingSince = now
	}
	at.Failures++
	at.DueAt = now.Add(wait)
	return at
}

// suspend stops a stream that has failed for too long.
func (d *Deliverer) suspend(ctx context.Context, st *store.Store, stream *stagedoor.LogStream, at store.LogCursor) error {
	if at.DueAt.Sub(at.FailingSince) < suspendAfter {
		return nil
	}
	suspended := false
	_, err := store.LogStreams.Update(context.WithoutCancel(ctx), st, stream.ID, func(l *stagedoor.LogStream) error {
		if suspended = l.Status == stagedoor.StreamActive; suspended { // else somebody has stopped it meanwhile
			l.Status = stagedoor.StreamSuspended
		}
		return nil
	})
	if err != nil || !suspended {
		return err
	}
	const why = "nothing was taken for seven days"
	d.Log.WarnContext(ctx, "a log stream was suspended: "+why, "tenant", st.Tenant().ID, "stream", stream.ID)
	st.Log(stagedoor.LogEvent{Type: "w", Description: "The log stream " + stream.ID + " was suspended: " + why + "."})
	return nil
}
