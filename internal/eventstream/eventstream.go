package eventstream

import (
	"context"
	"encoding/json"
	"errors"
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
	claimFor    = 2 * time.Minute  // longer than a turn and a try
	batchSize   = 20               // events that are claimed at once
	sendTimeout = 10 * time.Second // of one request
	most        = 100              // streams that are looked at in a round

	maxTries    = 4    // the first and three more
	maxStreak   = 500  // failures one after the other that disable a stream
	MaxFailures = 5000 // kept failures that do, and that keep it from being enabled again
)

// Deliverer delivers events.
type Deliverer struct {
	DB     *store.DB
	Client *http.Client // reaches no private address unless the operator allows it
	Log    *slog.Logger
	Every  time.Duration // how often it looks for events

	Metrics *telemetry.Metrics

	// What may wait for a stream, before it is disabled: so many events, usually maxBacklog, and so many bytes, usually any.
	MaxEvents int
	MaxBytes  int64

	// Act runs the action that a stream names over an event. An error says, in the action's words, that it did not take it; a
	// [stagedoor.Error] of the kind Internal that this server could not ask it.
	Act func(ctx context.Context, st *store.Store, actionID string, event json.RawMessage) error

	crew delivery.Crew[store.EventQueue]
	mu   sync.Mutex
	late map[store.EventQueue]late // those that are behind
}

// Run delivers until the context ends; what was claimed and not begun is given back.
func (d *Deliverer) Run(ctx context.Context) {
	d.crew.Run(ctx, d.Every, func() {
		if err := d.start(ctx); err != nil && ctx.Err() == nil {
			d.Log.ErrorContext(ctx, "events could not be read", "error", err)
		}
	})
}

// Round delivers what is due now.
func (d *Deliverer) Round(ctx context.Context) error {
	defer d.crew.Wait()
	return d.start(ctx)
}

// start serves each stream that has something due.
func (d *Deliverer) start(ctx context.Context) error {
	due, err := d.DB.DueEventStreams(ctx, most)
	if err != nil {
		return err
	}
	d.measure(due)
	for _, one := range due {
		queue := one.EventQueue
		d.crew.Serve(ctx, queue.Tenant, queue, func() {
			stagedoor.Contained(d.Log.With("tenant", queue.Tenant, "stream", queue.Stream), "an event stream", func() {
				err := d.bound(ctx, one)
				if err == nil {
					err = d.serve(ctx, queue)
				}
				if err != nil && ctx.Err() == nil {
					d.Log.ErrorContext(ctx, "an event stream could not go on", "tenant", queue.Tenant, "stream", queue.Stream, "error", err)
				}
			})
		})
	}
	return nil
}

// serve delivers events of a stream, in their order, until none is due or its turn is over.
func (d *Deliverer) serve(ctx context.Context, queue store.EventQueue) error {
	st, err := d.DB.TenantByID(ctx, queue.Tenant)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for began := time.Now(); time.Since(began) < delivery.Turn; {
		stream, err := d.stream(ctx, st, queue.Stream)
		if err != nil {
			return err
		}
		if stream == nil { // it was deleted while another server still wrote for it
			return st.DropEvents(ctx, queue.Stream)
		}
		all, err := st.ClaimEvents(ctx, queue.Stream, batchSize, st.Clock().Now().Add(claimFor))
		if err != nil || len(all) == 0 {
			return err
		}
		for i := range all {
			if ctx.Err() != nil || time.Since(began) >= delivery.Turn {
				if err := st.ReleaseEvent(context.WithoutCancel(ctx), &all[i]); err != nil {
					return err
				}
				continue
			}
			if err := d.deliver(ctx, st, stream, &all[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// stream reads a stream; nil means that there is none of that id.
func (d *Deliverer) stream(ctx context.Context, st *store.Store, id string) (*stagedoor.EventStream, error) {
	doc, err := store.EventStreams.Get(ctx, st, id)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return stagedoor.EventStreamOf(doc)
}

// refusal is a failure that another try would not mend.
type refusal struct{ error }

// deliver tries one event once and notes what came of it.
func (d *Deliverer) deliver(ctx context.Context, st *store.Store, stream *stagedoor.EventStream, e *stagedoor.EventDelivery) error {
	err := d.try(ctx, st, stream, e)
	if err != nil && ctx.Err() != nil { // the server stops: it was no try
		return st.ReleaseEvent(context.WithoutCancel(ctx), e)
	}
	ctx = context.WithoutCancel(ctx)
	if err == nil {
		_, err = st.SettleEvent(ctx, e, true)
		return err
	}
	now := st.Clock().Now()
	e.Attempts = append(e.Attempts, stagedoor.EventAttempt{Status: stagedoor.EventFailed, Timestamp: stagedoor.FormatTime(now), Message: stagedoor.Shorten(told(err), maxMessage)})
	if n := len(e.Attempts); n < maxTries && !errors.As(err, &refusal{}) {
		return st.RetryEvent(ctx, e, now.Add(delivery.Pause(n-1)))
	}
	if stream.Enabled() { // one that is disabled fails all that waits, which was said when it was
		d.Log.WarnContext(ctx, "an event was not taken", "tenant", st.Tenant().ID, "stream", e.Stream, "event", e.ID, "type", e.Type, "error", err)
	}
	streak, err := st.SettleEvent(ctx, e, false)
	if err != nil || !stream.Enabled() {
		return err
	}
	failures, err := st.EventFailures(ctx, e.Stream)
	if err != nil || streak < maxStreak && failures < MaxFailures {
		return err
	}
	return d.disable(ctx, st, stream, "too much of it fails")
}

func (d *Deliverer) disable(ctx context.Context, st *store.Store, stream *stagedoor.EventStream, why string) error {
	stream.Status = "disabled"
	d.Log.WarnContext(ctx, "an event stream was disabled: "+why, "tenant", st.Tenant().ID, "stream", stream.ID)
	st.Log(stagedoor.LogEvent{Type: "w", Description: "The event stream " + stream.ID + " was disabled: " + why + "."})
	_, err := store.EventStreams.Update(ctx, st, stream.ID, func(doc *stagedoor.Document) error {
		members := map[string]json.RawMessage{}
		if err := json.Unmarshal([]byte(doc.Sealed), &members); err != nil {
			return err
		}
		members["status"] = json.RawMessage(`"disabled"`)
		b, err := json.Marshal(members)
		doc.Sealed, doc.UpdatedAt = string(b), st.Clock().Now().UnixMilli()
		return err
	})
	return err
}

// told is what the tenant reads of why an event was not taken. What has gone wrong in this server is the operator's, whose log has it.
func told(err error) string {
	var ours *stagedoor.Error
	if errors.As(err, &ours) {
		return ours.Message
	}
	return err.Error()
}

// maxMessage bounds what is kept of an error, in bytes.
const maxMessage = 500
