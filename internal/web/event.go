package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
)

// Event is what a request turns out to be on its way down: the one line that operators read of it, and the labels of its numbers. The server in
// front makes it; doors fill it in. A nil one keeps nothing, so a door works without a server in front.
type Event struct {
	Log *slog.Logger
	ID  string // of the request

	mu                    sync.Mutex
	route, tenant, client string
	endless, given        bool
}

type eventKey struct{}

// WithEvent returns a context with an event.
func WithEvent(ctx context.Context, e *Event) context.Context {
	return context.WithValue(ctx, eventKey{}, e)
}

// EventOf returns the event of the context's request, or nil.
func EventOf(ctx context.Context) *Event {
	e, _ := ctx.Value(eventKey{}).(*Event)
	return e
}

// Logger returns the logger of the context's request: it names the request in every line. Without a server in front it is the process's.
func Logger(ctx context.Context) *slog.Logger {
	return EventOf(ctx).Logger()
}

// Logger names the request in every line.
func (e *Event) Logger() *slog.Logger {
	switch {
	case e == nil || e.Log == nil:
		return slog.Default()
	case e.ID == "":
		return e.Log
	}
	return e.Log.With("request", e.ID)
}

// WriterLogger is Logger for who has the answer only.
func WriterLogger(w http.ResponseWriter) *slog.Logger {
	if known, is := w.(interface{ Logger() *slog.Logger }); is {
		return known.Logger()
	}
	return slog.Default()
}

// SetRoute notes the pattern that the request matched.
func (e *Event) SetRoute(pattern string) { e.set(func() { e.route = pattern }) }

// SetTenant notes whose request it is.
func (e *Event) SetTenant(id string) { e.set(func() { e.tenant = id }) }

// SetClient notes the client that asks: the id of one that exists, never what a request merely says.
func (e *Event) SetClient(id string) { e.set(func() { e.client = id }) }

// SetEndless notes that the answer goes on for as long as it may: how long it took tells nothing of the server.
func (e *Event) SetEndless() { e.set(func() { e.endless = true }) }

// Endless tells whether that was noted.
func (e *Event) Endless() (is bool) {
	e.set(func() { is = e.endless })
	return is
}

// GivenUp tells whether the request failed because its sender had gone.
func (e *Event) GivenUp() (is bool) {
	e.set(func() { is = e.given })
	return is
}

// Failed tells operators of a request that failed, though nothing was wrong with it. If all there is to it is that its sender has gone, so that what
// it asked for was given up, nobody is to be woken: else whoever hangs up early, or a network that breaks, looks like a server that fails.
func Failed(ctx context.Context, log *slog.Logger, text string, err error, more ...any) {
	level := slog.LevelError
	if errors.Is(err, context.Canceled) && errors.Is(ctx.Err(), context.Canceled) {
		level = slog.LevelDebug
		e := EventOf(ctx)
		e.set(func() { e.given = true })
	}
	log.Log(ctx, level, text, append(more, "error", err)...)
}

func (e *Event) set(change func()) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	change()
}

// Noted returns what was filled in.
func (e *Event) Noted() (route, tenant, client string) {
	if e == nil {
		return "", "", ""
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.route, e.tenant, e.client
}
