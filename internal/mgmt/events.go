package mgmt

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Bounds of those who read events as they happen.
const (
	feedLife      = 50 * time.Second // where a request has no end of its own
	feedEvery     = time.Second      // how often it is looked for events
	feedBeat      = 15 * time.Second // how often a reader is told how far it has come
	feedWrite     = 10 * time.Second // how long one that does not read is waited for
	feedTake      = 100              // events that are read at once, fewer where they are long
	feedsOfTenant = 8                // readers of a tenant at a server
	feedsOfServer = 500
	feedRetry     = 2000 // after how many milliseconds a reader comes back
)

// feeds counts the readers of events.
type feeds struct {
	mu   sync.Mutex
	all  int
	open map[string]int
}

// enter lets one more in; leave is to be called when it goes.
func (f *feeds) enter(tenant string) (leave func(), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open[tenant] >= feedsOfTenant {
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "", "Maximum concurrent event stream connections reached. Please close existing connections.")
	}
	if f.all >= feedsOfServer {
		return nil, stagedoor.Errorf(stagedoor.Unavailable, "", "Too many event streams are read at this server.")
	}
	if f.open == nil {
		f.open = map[string]int{}
	}
	f.all++
	f.open[tenant]++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.all--
		if f.open[tenant]--; f.open[tenant] == 0 {
			delete(f.open, tenant)
		}
	}, nil
}

type readEventsIn struct {
	From          string   `json:"from" schema:"max=1024" doc:"Opaque token representing position in the stream"`
	FromTimestamp string   `json:"from_timestamp" schema:"max=20" doc:"RFC-3339 timestamp indicating where to start streaming events from"`
	EventType     []string `json:"event_type" schema:"max=100" doc:"Event type(s) to listen for"`
}

// eventStream is the media type of events that are sent as they happen.
const eventStream = "text/event-stream"

// asEvents says that an operation answers with such events.
func asEvents(o operation) operation {
	o.gives = eventStream
	return o
}

// answered is what an operation returns that has written its answer.
type answered struct{}

// readEvents sends events as they happen, until the request's time is over, the token expires, the server stops or the reader goes. Readers come back and go on
// where they were.
func (a *API) readEvents(c *call, in readEventsIn) (any, error) {
	for _, kind := range in.EventType {
		if !slices.Contains(stagedoor.EventTypes, kind) {
			return nil, bad("", "Unsupported event type.")
		}
	}
	leave, err := a.feeds.enter(c.store.Tenant().ID)
	if err != nil {
		return nil, err
	}
	defer leave()
	feed, fresh, err := c.store.OpenFeed(c.ctx())
	if err != nil {
		return nil, err
	}
	f := &feedReader{c: c, stream: feed.Stream, query: store.FeedQuery{Types: in.EventType, Take: feedTake}, control: http.NewResponseController(c.w)}
	if err := f.start(in); err != nil {
		return nil, err
	}
	h := c.w.Header()
	h.Set("Content-Type", eventStream)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events until it has a page of them
	c.w.WriteHeader(http.StatusOK)
	if c.r.Method == http.MethodHead {
		return answered{}, nil
	}
	web.EventOf(c.ctx()).SetEndless()
	ctx, cancel := a.feedTime(c)
	defer cancel()
	if fresh && c.store.Shared() && f.wait(ctx, store.CacheFor) != nil { // what others write until then may not be kept
		return answered{}, nil
	}
	switch err := f.run(ctx); {
	case err == nil || ctx.Err() != nil:
	case stagedoor.IsKind(err, stagedoor.Gone): // it was too slow
		f.fail("cursor_expired", stagedoor.AsError(err).Message)
	default:
		a.log(c).ErrorContext(c.ctx(), "events could not be read", "tenant", c.store.Tenant().ID, "error", err)
		f.fail("processing_error", "The events could not be read.")
	}
	return answered{}, nil
}

// feedTime bounds how long a reader stays.
func (a *API) feedTime(c *call) (context.Context, context.CancelFunc) {
	life := feedLife
	if a.EventsFor > 0 {
		life = a.EventsFor
	}
	if end, is := c.ctx().Deadline(); is {
		life = min(life, time.Until(end)*9/10)
	}
	life = min(life, c.caller.expires.Sub(a.Clock.Now()))
	ctx, cancel := context.WithTimeout(c.ctx(), life)
	go func() {
		select {
		case <-a.Stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// feedReader is one who reads events.
type feedReader struct {
	c       *call
	stream  string
	query   store.FeedQuery
	latest  bool // it begins with what comes
	told    time.Time
	control *http.ResponseController
}

// start finds out where the reader begins. What a browser, or a library, says when it comes back counts more than the address, which is as it was.
func (f *feedReader) start(in readEventsIn) error {
	ctx, st := f.c.ctx(), f.c.store
	cursor := f.c.r.Header.Get("Last-Event-ID")
	if cursor == "" {
		if in.From != "" && in.FromTimestamp != "" {
			return (&web.Violation{Path: "from_timestamp", Reason: "from and from_timestamp exclude each other"}).Query()
		}
		cursor = in.From
	}
	switch {
	case cursor != "":
		return f.resume(cursor)
	case in.FromTimestamp != "":
		since, err := time.Parse(time.RFC3339, in.FromTimestamp)
		if err != nil {
			return (&web.Violation{Path: "from_timestamp", Reason: "Object didn't pass validation for format date-time: " + bounded(in.FromTimestamp, 100)}).Query()
		}
		f.query.Since = since
		f.query.After, err = st.FeedSince(ctx, since)
		return err
	}
	f.latest = true
	return nil
}

// resume begins behind a place that the reader was told.
func (f *feedReader) resume(cursor string) error {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	stream, number, both := strings.Cut(string(text), ".")
	place, wrong := strconv.ParseInt(number, 10, 64)
	if err != nil || !both || wrong != nil || place < 0 {
		return bad("", "Invalid cursor format.")
	}
	has := false
	if stream == f.stream {
		if has, err = f.c.store.FeedHas(f.c.ctx(), place); err != nil {
			return err
		}
	}
	if !has {
		return store.ErrFeedGone()
	}
	f.query.After = place
	return nil
}

// cursor names a place to the reader.
func (f *feedReader) cursor(place int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprint(f.stream, ".", place)))
}

// run sends events until the context ends. The reader learns its place at once, so that it loses nothing if it is cut off before the first of them.
func (f *feedReader) run(ctx context.Context) (err error) {
	if f.latest {
		if f.query.After, err = f.c.store.FeedEnd(ctx); err != nil {
			return err
		}
	}
	defer func() { _ = f.control.SetWriteDeadline(time.Now().Add(feedWrite)) }()
	_ = f.control.SetReadDeadline(time.Time{}) // it would end a connection on which the other side has nothing more to say
	if f.send(fmt.Sprintf(":connected\n\nretry: %d\n\n", feedRetry)) != nil || f.tell() != nil {
		return nil
	}
	for {
		read, err := f.c.store.FeedEvents(ctx, f.query)
		if err != nil {
			return err
		}
		for _, e := range read.Events {
			at := f.cursor(e.Place)
			if f.send("event: "+e.Type+"\nid: "+at+"\ndata: "+f.text(map[string]any{"offset": at, "event": e.Event})+"\n\n") != nil {
				return nil
			}
		}
		f.query.After = read.Last
		if time.Since(f.told) >= feedBeat && f.tell() != nil {
			return nil
		}
		if !read.More && f.wait(ctx, feedEvery) != nil || ctx.Err() != nil {
			return nil
		}
	}
}

// tell sends the reader's place, which also keeps proxies from taking the connection for dead.
func (f *feedReader) tell() error {
	f.told = time.Now()
	at := f.cursor(f.query.After)
	return f.send("event: offset-only\nid: " + at + "\ndata: " + f.text(map[string]any{"offset": at}) + "\n\n")
}

// fail tells the reader why nothing more comes.
func (f *feedReader) fail(code, message string) {
	_ = f.send("event: error\ndata: " + f.text(map[string]any{"error": map[string]any{"code": code, "message": message, "offset": f.cursor(f.query.After)}}) + "\n\n")
}

// text is v on one line.
func (f *feedReader) text(v any) string {
	b, _ := json.Marshal(v) // texts, and what was read as JSON
	return string(b)
}

// send writes to the reader. One that does not take it in time is given up.
func (f *feedReader) send(text string) error {
	_ = f.control.SetWriteDeadline(time.Now().Add(feedWrite))
	if _, err := io.WriteString(f.c.w, text); err != nil {
		return err
	}
	if err := f.control.Flush(); err != nil {
		return err
	}
	return f.unhurried()
}

// unhurried lets the connection rest until the next message: HTTP/2 ends a stream whose time to write is over, also where nothing is to be written.
func (f *feedReader) unhurried() error {
	if err := f.control.SetWriteDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// wait returns an error if the reader's time ends meanwhile.
func (f *feedReader) wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
