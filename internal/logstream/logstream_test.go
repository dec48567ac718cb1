package logstream_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/logstream"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// receiver is a webhook that takes down what it gets, or refuses it.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	bodies []string
	header http.Header
	ids    []string
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{status: 200}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		body, _ := io.ReadAll(req.Body)
		r.header = req.Header
		if r.status == 200 {
			r.bodies = append(r.bodies, string(body))
			for _, line := range strings.Split(strings.TrimSpace(string(body)), "\n") {
				var e struct {
					LogID string `json:"log_id"`
				}
				if json.Unmarshal([]byte(line), &e) == nil {
					r.ids = append(r.ids, e.LogID)
				}
			}
		}
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

// clock is a time that tests move.
type clock struct {
	mu   sync.Mutex
	now  time.Time
	asks func() // something else that happens when somebody asks for the time
}

func (c *clock) Now() time.Time {
	if c.asks != nil {
		c.asks()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) wait(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

func each(t *testing.T, fn func(t *testing.T, d *logstream.Deliverer, st *store.Store, c *clock)) {
	c := &clock{now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := &logstream.Deliverer{DB: db, Client: http.DefaultClient, Log: slog.New(slog.DiscardHandler), Settle: 2 * time.Second}
		fn(t, d, storetest.Tenant(t, db, "acme"), c)
	}, storetest.WithClock(c.Now))
}

func create(t *testing.T, st *store.Store, sink string, change func(*stagedoor.LogStream)) *stagedoor.LogStream {
	t.Helper()
	l := &stagedoor.LogStream{Type: "http", Status: stagedoor.StreamActive, Sink: sink, After: stagedoor.LogIDAt(st.Clock().Now())}
	if change != nil {
		change(l)
	}
	ok(t, store.LogStreams.Create(t.Context(), st, l))
	return l
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDelivery(t *testing.T) {
	each(t, func(t *testing.T, d *logstream.Deliverer, st *store.Store, c *clock) {
		st.Log(stagedoor.LogEvent{Type: "s", Description: "before the stream"})
		c.wait(time.Second)
		r := newReceiver(t)
		secret := strings.Repeat("k", 32)
		create(t, st, fmt.Sprintf(`{"httpEndpoint":%q,"httpAuthorization":"Bearer x","httpCustomHeaders":[{"header":"X-A","value":"b"}],"stagedoorSigningSecret":%q}`, r.URL, secret), func(l *stagedoor.LogStream) {
			l.Filters = []stagedoor.LogFilter{{Type: "category", Name: "auth.login.fail"}}
			l.PII = &stagedoor.PIIConfig{LogFields: []string{"email"}, Method: "mask"}
		})
		c.wait(time.Second)
		for i := range 250 {
			kind := "s"
			if i%2 == 0 {
				kind = "fp"
			}
			st.Log(stagedoor.LogEvent{Type: kind, UserName: "ada@example.com", Details: map[string]any{"request": map[string]any{"body": map[string]any{"email": "ada@example.com"}}}})
		}
		ok(t, d.Round(t.Context()))
		if len(r.bodies) != 0 {
			t.Error("events were sent before they had settled")
		}
		c.wait(3 * time.Second)
		ok(t, d.Round(t.Context()))
		if len(r.ids) != 125 {
			t.Errorf("%d events came, not 125", len(r.ids))
		}
		all := strings.Join(r.bodies, "")
		if strings.Contains(all, "ada@") || !strings.Contains(all, `"user_name":"*****"`) || strings.Contains(all, `"type":"s"`) {
			t.Errorf("sent %.500s", all)
		}
		if r.header.Get("Authorization") != "Bearer x" || r.header.Get("X-A") != "b" || r.header.Get("Content-Type") != "application/json" {
			t.Errorf("headers %v", r.header)
		}
		if got, want := r.header.Get(logstream.SignatureHeader), logstream.Sign(secret, c.Now(), []byte(r.bodies[len(r.bodies)-1])); got != want {
			t.Errorf("signature %s, want %s", got, want)
		}
		ok(t, d.Round(t.Context()))
		if len(r.ids) != 125 {
			t.Errorf("%d events came after nothing happened", len(r.ids))
		}
	})
}

// Whenever another server delivers in between, all comes once, and the stream goes on at once.
func TestAnotherServerInBetween(t *testing.T) {
	each(t, func(t *testing.T, d *logstream.Deliverer, st *store.Store, c *clock) {
		r := newReceiver(t)
		create(t, st, fmt.Sprintf(`{"httpEndpoint":%q}`, r.URL), nil)
		other := &logstream.Deliverer{DB: d.DB, Client: d.Client, Log: d.Log, Settle: d.Settle}
		for at := 1; at <= 20; at++ {
			c.wait(time.Second)
			st.Log(stagedoor.LogEvent{Type: "s"})
			_, _, err := st.Logs(t.Context(), store.LogQuery{Take: 1}) // it is written
			ok(t, err)
			c.wait(3 * time.Second)
			asked := 0
			c.asks = func() {
				if asked++; asked == at {
					ok(t, other.Round(t.Context()))
				}
			}
			ok(t, d.Round(t.Context()))
			c.asks = nil
			ok(t, d.Round(t.Context()))
			if len(r.ids) != at {
				t.Fatalf("the other one delivers when the time is asked for the %dth of %d times: %d events came, not %d", at, asked, len(r.ids), at)
			}
		}
	})
}

// An event that was written late is new to the stream, however long ago it happened: others of that moment may still come.
func TestSettlesByID(t *testing.T) {
	each(t, func(t *testing.T, d *logstream.Deliverer, st *store.Store, c *clock) {
		r := newReceiver(t)
		create(t, st, fmt.Sprintf(`{"httpEndpoint":%q}`, r.URL), nil)
		c.wait(time.Minute)
		at := strings.TrimSuffix(stagedoor.LogIDAt(c.Now()), "0")
		for _, e := range []struct {
			id  string
			age time.Duration
		}{{at + "2", time.Minute}, {stagedoor.LogIDAt(c.Now().Add(time.Hour)), 0}} { // written late; of a clock that was an hour ahead
			st.Log(stagedoor.LogEvent{ID: e.id, Type: "s", Date: c.Now().Add(-e.age)})
		}
		c.wait(time.Second)
		ok(t, d.Round(t.Context()))
		if len(r.ids) != 0 {
			t.Errorf("%v were sent before they had settled", r.ids)
		}
		st.Log(stagedoor.LogEvent{ID: at + "1", Type: "s"})
		c.wait(2 * time.Second)
		ok(t, d.Round(t.Context()))
		if len(r.ids) != 3 || r.ids[0] != at+"1" {
			t.Errorf("%v came", r.ids)
		}
	})
}

func TestRetriesAndSuspends(t *testing.T) {
	each(t, func(t *testing.T, d *logstream.Deliverer, st *store.Store, c *clock) {
		r := newReceiver(t)
		l := create(t, st, fmt.Sprintf(`{"httpEndpoint":%q}`, r.URL), nil)
		c.wait(time.Second)
		st.Log(stagedoor.LogEvent{ID: st.NewLogID(), Type: "s"})
		c.wait(3 * time.Second)
		r.status = 500
		at := func() store.LogCursor {
			cursor, err := st.LogCursor(t.Context(), l)
			ok(t, err)
			return cursor
		}
		for i, wait := range []time.Duration{1, 2, 4, 8} {
			ok(t, d.Round(t.Context()))
			ok(t, d.Round(t.Context())) // too soon
			if got := at(); got.Failures != i+1 || got.DueAt != c.Now().Add(wait*time.Second) {
				t.Errorf("try %d: %+v at %v", i, got, c.Now())
			}
			c.wait(wait * time.Second)
		}
		r.status = 200
		ok(t, d.Round(t.Context()))
		if got := at(); len(r.ids) != 1 || got.Failures != 0 || !got.FailingSince.IsZero() {
			t.Errorf("%v came, %+v", r.ids, got)
		}
		r.status = 500
		st.Log(stagedoor.LogEvent{ID: st.NewLogID(), Type: "f"})
		c.wait(3 * time.Second)
		for day := range 8 {
			ok(t, d.Round(t.Context()))
			kept, err := store.LogStreams.Get(t.Context(), st, l.ID)
			ok(t, err)
			if (kept.Status == stagedoor.StreamSuspended) != (day >= 7) {
				t.Errorf("after %d days of failures it is %s", day, kept.Status)
			}
			if told := tells(t, st, l.ID, "suspended"); told != max(0, min(day-6, 1)) {
				t.Errorf("after %d days the log tells %d times of it", day, told)
			}
			c.wait(24 * time.Hour)
		}
	})
}

// TestStops: a server that is stopped while a receiver thinks has failed nobody, and leaves the events to another server at once.
func TestStops(t *testing.T) {
	each(t, func(t *testing.T, d *logstream.Deliverer, st *store.Store, c *clock) {
		begun := make(chan struct{})
		slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			close(begun)
			<-r.Context().Done()
		}))
		t.Cleanup(slow.Close)
		l := create(t, st, fmt.Sprintf(`{"httpEndpoint":%q}`, slow.URL), nil)
		c.wait(time.Second)
		happens(st)
		c.wait(3 * time.Second)
		said := &bytes.Buffer{}
		d.Log = slog.New(slog.NewTextHandler(said, nil))
		ctx, stop := context.WithCancel(t.Context())
		go func() { <-begun; stop() }()
		ok(t, d.Round(ctx))
		at, err := st.LogCursor(t.Context(), l)
		if ok(t, err); at.Failures != 0 || !at.FailingSince.IsZero() || !at.Due(c.Now()) || said.Len() > 0 {
			t.Errorf("%+v is kept, and said %s", at, said)
		}
	})
}

// TestManyServers lets several deliver at once: each event arrives once.
func TestManyServers(t *testing.T) {
	each(t, func(t *testing.T, d *logstream.Deliverer, st *store.Store, c *clock) {
		r := newReceiver(t)
		create(t, st, fmt.Sprintf(`{"httpEndpoint":%q}`, r.URL), nil)
		c.wait(time.Second)
		for range 300 {
			st.Log(stagedoor.LogEvent{Type: "s"})
		}
		c.wait(3 * time.Second)
		var group sync.WaitGroup
		for range 6 {
			server := &logstream.Deliverer{DB: d.DB, Client: d.Client, Log: d.Log, Settle: d.Settle}
			group.Go(func() { ok(t, server.Round(context.Background())) })
		}
		group.Wait()
		ok(t, d.Round(t.Context()))
		c.wait(3 * time.Minute) // claims that nobody followed up end
		ok(t, d.Round(t.Context()))
		seen := map[string]bool{}
		for _, id := range r.ids {
			if seen[id] {
				t.Errorf("%s came twice", id)
			}
			seen[id] = true
		}
		if len(seen) != 300 {
			t.Errorf("%d events came, not 300", len(seen))
		}
	})
}

// tells counts what the log says of a stream.
func tells(t *testing.T, st *store.Store, id, what string) int {
	t.Helper()
	all, _, err := st.Logs(t.Context(), store.LogQuery{Take: 100})
	ok(t, err)
	n := 0
	for _, e := range all {
		if e.Type == "w" && strings.Contains(e.Description, id) && strings.Contains(e.Description, what) {
			n++
		}
	}
	return n
}

// happens logs an event that has its id at once.
func happens(st *store.Store) { st.Log(stagedoor.LogEvent{ID: st.NewLogID(), Type: "s"}) }

// TestChangedMeanwhile: a stream that always has something, because something happens while it sends, ends when it is stopped or deleted, and sends to
// where it is to send now.
func TestChangedMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, d *logstream.Deliverer, st *store.Store, c *clock) {
		const enough = 12 // events that follow one another
		var n int
		var change func()
		busy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			if n++; n == 3 {
				change()
			}
			if n < enough {
				happens(st)
				c.wait(3 * time.Second)
			}
		}))
		t.Cleanup(busy.Close)
		sink, ctx := fmt.Sprintf(`{"httpEndpoint":%q}`, busy.URL), context.Background()
		other := newReceiver(t)
		var l *stagedoor.LogStream
		update := func(fn func(*stagedoor.LogStream)) {
			_, err := store.LogStreams.Update(ctx, st, l.ID, func(l *stagedoor.LogStream) error { fn(l); return nil })
			ok(t, err)
		}
		for name, one := range map[string]struct {
			change     func()
			here, then int // requests, and events at the other receiver
		}{
			"stopped": {func() { update(func(l *stagedoor.LogStream) { l.Status = stagedoor.StreamPaused }) }, 3, 0},
			"changed": {func() {
				update(func(l *stagedoor.LogStream) { l.Sink = fmt.Sprintf(`{"httpEndpoint":%q}`, other.URL) })
			}, 3, 1},
			"deleted": {func() {
				_, err := store.LogStreams.Delete(ctx, st, l.ID)
				ok(t, err)
				ok(t, st.ForgetLogCursor(ctx, l.ID))
			}, 3, 0},
			"set back": {func() {
				update(func(v *stagedoor.LogStream) {
					v.After, v.Sink = stagedoor.LogIDAt(c.Now().Add(-4*time.Second)), fmt.Sprintf(`{"httpEndpoint":%q}`, other.URL)
				})
				ok(t, st.ForgetLogCursor(ctx, l.ID))
			}, 3, 2},
		} {
			n, change, other.ids = 0, one.change, nil
			c.wait(time.Minute)
			l = create(t, st, sink, nil)
			c.wait(time.Second)
			happens(st)
			c.wait(3 * time.Second)
			ok(t, d.Round(t.Context()))
			if n != one.here || len(other.ids) != one.then {
				t.Errorf("%s: %d requests and %v, not %d and %d", name, n, other.ids, one.here, one.then)
			}
			_, err := store.LogStreams.Delete(ctx, st, l.ID)
			ok(t, err)
		}
	})
}

// TestUnreadable: streams of a tenant that cannot be read keep no other tenant's waiting.
func TestUnreadable(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		c := &clock{now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
		url, another := storetest.Migrated(t, kind), jose.MasterKey{7}
		sealer, err := jose.NewSealer(another)
		ok(t, err)
		elsewhere := storetest.OpenURL(t, url, storetest.WithClock(c.Now), func(o *store.Options) { o.Sealer = sealer })
		create(t, storetest.Tenant(t, elsewhere, "a"), `{"httpEndpoint":"http://127.0.0.1:9"}`, nil)
		db := storetest.OpenURL(t, url, storetest.WithClock(c.Now))
		r, st := newReceiver(t), storetest.Tenant(t, db, "b")
		create(t, st, fmt.Sprintf(`{"httpEndpoint":%q}`, r.URL), nil)
		c.wait(time.Second)
		happens(st)
		c.wait(3 * time.Second)
		d := &logstream.Deliverer{DB: db, Client: http.DefaultClient, Log: slog.New(slog.DiscardHandler), Settle: 2 * time.Second}
		if err := d.Round(t.Context()); err == nil || !strings.Contains(err.Error(), "tenant a") {
			t.Errorf("%s: nobody is told: %v", kind, err)
		}
		if len(r.ids) != 1 {
			t.Errorf("%s: %v came", kind, r.ids)
		}
	}
}

// TestStreamsDoNotWait: one whose receiver is slow keeps no other waiting.
func TestStreamsDoNotWait(t *testing.T) {
	each(t, func(t *testing.T, d *logstream.Deliverer, st *store.Store, c *clock) {
		begun, end := make(chan struct{}), make(chan struct{})
		slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(begun); <-end }))
		t.Cleanup(slow.Close)
		other := storetest.Tenant(t, d.DB, "other")
		r := newReceiver(t)
		create(t, st, fmt.Sprintf(`{"httpEndpoint":%q}`, slow.URL), nil)
		create(t, other, fmt.Sprintf(`{"httpEndpoint":%q}`, r.URL), nil)
		c.wait(time.Second)
		happens(st)
		c.wait(3 * time.Second)
		d.Every = 10 * time.Millisecond
		ctx, stop := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() { d.Run(ctx) })
		defer func() { close(end); stop(); group.Wait() }()
		<-begun
		happens(other)
		c.wait(3 * time.Second)
		for range 300 {
			time.Sleep(10 * time.Millisecond)
			r.mu.Lock()
			n := len(r.ids)
			r.mu.Unlock()
			if n == 1 {
				return
			}
		}
		t.Error("a stream waits for the receiver of another one")
	})
}

// TestClockPutBack: a clock that was hours ahead for a moment stops no stream for these hours.
func TestClockPutBack(t *testing.T) {
	each(t, func(t *testing.T, d *logstream.Deliverer, st *store.Store, c *clock) {
		r := newReceiver(t)
		create(t, st, fmt.Sprintf(`{"httpEndpoint":%q}`, r.URL), nil)
		for i, status := range []int{200, 500} {
			happens(st)
			c.wait(3*time.Hour + 3*time.Second)
			r.status = status
			ok(t, d.Round(t.Context()))
			c.wait(-3 * time.Hour)
			r.status = 200
			happens(st)
			c.wait(3 * time.Second)
			ok(t, d.Round(t.Context()))
			if want := 2 * (i + 1); len(r.ids) != want {
				t.Errorf("%d events came, not %d", len(r.ids), want)
			}
		}
	})
}

// TestPersonalMembers: of people's data every member is hidden that a field stands for, wherever it is.
func TestPersonalMembers(t *testing.T) {
	each(t, func(t *testing.T, d *logstream.Deliverer, st *store.Store, c *clock) {
		for field, members := range map[string][]string{
			"first_name": {"first_name", "given_name", "name"}, "last_name": {"last_name", "family_name", "name"}, "email": {"email"}, "username": {"username"},
			"phone": {"phone", "phone_number", "old_phone_number", "new_phone_number"}, "address": {"address"},
		} {
			r := newReceiver(t)
			l := create(t, st, fmt.Sprintf(`{"httpEndpoint":%q}`, r.URL), func(l *stagedoor.LogStream) {
				l.PII = &stagedoor.PIIConfig{LogFields: []string{field}, Method: "mask"}
			})
			body := map[string]any{"other": "shown"}
			for _, name := range members {
				body[name] = "hidden"
			}
			c.wait(time.Second)
			st.Log(stagedoor.LogEvent{ID: st.NewLogID(), Type: "s", Details: map[string]any{"request": []any{body}}})
			c.wait(3 * time.Second)
			ok(t, d.Round(t.Context()))
			if len(r.bodies) != 1 || strings.Contains(r.bodies[0], "hidden") || !strings.Contains(r.bodies[0], "shown") {
				t.Errorf("%s: %q", field, r.bodies)
			}
			_, err := store.LogStreams.Delete(t.Context(), st, l.ID)
			ok(t, err)
		}
	})
}

func TestFormats(t *testing.T) {
	each(t, func(t *testing.T, d *logstream.Deliverer, st *store.Store, c *clock) {
		for format, want := range map[string]string{"JSONARRAY": `[{"log_id":"`, "JSONLINES": `{"log_id":"`, "JSONOBJECT": `{"logs":[{"log_id":"`} {
			r := newReceiver(t)
			l := create(t, st, fmt.Sprintf(`{"httpEndpoint":%q,"httpContentFormat":%q,"httpContentType":"text/x"}`, r.URL, format), func(l *stagedoor.LogStream) {
				l.PII = &stagedoor.PIIConfig{LogFields: []string{"username"}, Method: "hash"}
			})
			c.wait(time.Second)
			st.Log(stagedoor.LogEvent{ID: st.NewLogID(), Type: "s", UserName: "ada"})
			c.wait(3 * time.Second)
			ok(t, d.Round(t.Context()))
			if len(r.bodies) != 1 || !strings.HasPrefix(r.bodies[0], want) || !strings.Contains(r.bodies[0], `"user_name":"`) || strings.Contains(r.bodies[0], `"ada"`) || r.header.Get("Content-Type") != "text/x" {
				t.Errorf("%s: %q", format, r.bodies)
			}
			_, err := store.LogStreams.Delete(t.Context(), st, l.ID)
			ok(t, err)
		}
	})
}
