package mgmt

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// message is one of those that a reader of events gets.
type message struct {
	kind, id string
	data     struct {
		Offset string
		Event  stagedoor.CloudEvent
		Error  map[string]string
	}
}

// messages takes an answer apart.
func messages(t *testing.T, body string) (out []message) {
	t.Helper()
	for _, block := range strings.Split(strings.TrimSuffix(body, "\n\n"), "\n\n") {
		var m message
		for _, line := range strings.Split(block, "\n") {
			name, value, _ := strings.Cut(line, ": ")
			switch name {
			case "event":
				m.kind = value
			case "id":
				m.id = value
			case "data":
				if err := json.Unmarshal([]byte(value), &m.data); err != nil {
					t.Errorf("%s: %v", line, err)
				}
			case "retry", ":connected":
				m.kind = name
			default:
				t.Errorf("a line %q", line)
			}
		}
		if m.id != m.data.Offset {
			t.Errorf("%q", block)
		}
		out = append(out, m)
	}
	return out
}

func TestEvents(t *testing.T) {
	each(t, func(h *house) {
		h.api.EventsFor = 100 * time.Millisecond
		bearer := h.machine("acme")
		_, _, err := h.store("acme").OpenFeed(context.Background())
		h.ok(err)
		read := func(query string, headers ...string) (out []message) {
			h.Helper()
			header := http.Header{"Authorization": {"Bearer " + bearer}}
			if len(headers) > 0 {
				header.Set(headers[0], headers[1])
			}
			a := h.send("acme", "GET", "/events"+query, "", header)
			if a.code != 200 || a.header.Get("Content-Type") != "text/event-stream" || a.header.Get("Cache-Control") != "no-store" {
				h.Fatalf("%d %v %s", a.code, a.header, a.body)
			}
			all := messages(h.T, a.body)
			if len(all) < 3 || all[0].kind != ":connected" || all[1].kind != "retry" || all[2].kind != "offset-only" {
				h.Fatalf("%s", a.body)
			}
			return all[2:]
		}
		user := func(name string) {
			h.Helper()
			h.call(bearer, "POST", "/users", `{"connection":"Users","email":"`+name+`@example.com","password":"Engine-No.1 of `+name+`"}`).is(201, "")
		}
		user("ada")
		begun := read("")
		if len(begun) != 1 { // it begins with what comes
			h.Fatalf("%+v", begun)
		}
		user("bob")
		h.call(bearer, "POST", "/organizations", `{"name":"acme"}`).is(201, "")
		check := func(got []message, want string) {
			h.Helper()
			kinds := ""
			for _, m := range got[1:] {
				object := m.data.Event.Data.Object.(map[string]any)
				name, _ := object["email"].(string)
				kinds += m.kind + " " + name + ","
				if m.kind != m.data.Event.Type || m.data.Event.Tenant != "acme" || !strings.HasPrefix(m.data.Event.Stream, "est_") || m.data.Event.SpecVersion != "1.0" {
					h.Errorf("%+v", m)
				}
			}
			if kinds != want {
				h.Errorf("%s, not %s", kinds, want)
			}
		}
		at := "?from=" + begun[0].id
		both := read(at)
		check(both, "user.created bob@example.com,organization.created ,")
		check(read("", "Last-Event-ID", begun[0].id), "user.created bob@example.com,organization.created ,")
		check(read(at, "Last-Event-ID", both[1].id), "organization.created ,")
		check(read(at+"&event_type=organization.created&event_type=user.deleted"), "organization.created ,")
		if got := read(at + "&event_type=user.deleted"); len(got) != 1 {
			h.Errorf("%+v", got)
		}
		check(read("?from_timestamp=2026-11-25T11:00:00Z&event_type=user.created"), "user.created ada@example.com,user.created bob@example.com,")
		if got := read("?from_timestamp=2026-11-25T13:00:00Z"); len(got) != 1 {
			h.Errorf("%+v", got)
		}
		h.call(bearer, "GET", "/events?event_type=user.moved", "").fails(400, "", "Unsupported event type.")
		for _, cursor := range []string{"x", "%25", "bm90aGluZw", "ZXN0X3guLTE"} {
			h.call(bearer, "GET", "/events?from="+cursor, "").fails(400, "", "Invalid cursor format.")
		}
		h.call(bearer, "GET", "/events?from=ZXN0X3guMQ", "").fails(410, "", "Cursor points to data no longer available in the stream.")
		h.call(bearer, "GET", "/events?from_timestamp=yesterday", "").fails(400, "invalid_query_string", "Query validation error: 'Object didn't pass validation for format date-time: yesterday' on property from_timestamp.")
		h.call(bearer, "GET", "/events"+at+"&from_timestamp=2026-11-25T11:00:00Z", "").fails(400, "invalid_query_string", "Query validation error: 'from and from_timestamp exclude each other' on property from_timestamp.")
		h.call(h.machine("acme", "read:event_streams"), "GET", "/events", "").fails(403, "insufficient_scope", "Insufficient scope, expected any of: read:events")
		if a := h.call(bearer, "HEAD", "/events", ""); a.code != 200 || a.body != "" {
			h.Errorf("%d %s", a.code, a.body)
		}
		other := h.send("other", "GET", "/events?from="+begun[0].id, "", http.Header{"Authorization": {"Bearer " + h.machine("other")}})
		if other.code != 410 {
			h.Errorf("with the place of another tenant: %d %s", other.code, other.body)
		}
	})
}

// Readers go when their token expires or the server stops, and there are only so many of a tenant.
func TestEventsEnd(t *testing.T) {
	h := sqlite(t)
	stopping := make(chan struct{})
	h.api.Stopping = stopping
	h.api.EventsFor = time.Minute
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.api.ServeHTTP(w, r, h.store("acme")) }))
	t.Cleanup(front.Close)
	type reader struct {
		*bufio.Reader
		status int
	}
	read := func(bearer string) reader {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", front.URL+Base+"/events", nil)
		h.ok(err)
		r.Header.Set("Authorization", "Bearer "+bearer)
		resp, err := http.DefaultClient.Do(r)
		h.ok(err)
		t.Cleanup(func() { resp.Body.Close() })
		return reader{bufio.NewReader(resp.Body), resp.StatusCode}
	}
	until := func(r reader, want string) {
		t.Helper()
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				if want != "the end" || err.Error() != "EOF" {
					t.Errorf("waiting for %s: %v", want, err)
				}
				return
			}
			if want != "the end" && strings.HasPrefix(line, want) {
				return
			}
		}
	}
	short := h.sign("acme", map[string]any{"exp": start.Add(time.Second).Unix()})
	began := time.Now()
	until(read(short), "the end")
	if took := time.Since(began); took < 500*time.Millisecond || took > 20*time.Second {
		t.Errorf("with a token of a second: %v", took)
	}
	bearer := h.machine("acme")
	var all []reader
	for range feedsOfTenant {
		r := read(bearer)
		until(r, "event: offset-only")
		all = append(all, r)
	}
	h.call(bearer, "GET", "/events", "").fails(403, "", "Maximum concurrent event stream connections reached. Please close existing connections.")
	h.call(bearer, "POST", "/users", `{"connection":"Users","email":"ada@example.com","password":"Engine-No.1 of ada"}`).is(201, "")
	for _, r := range all {
		until(r, "event: user.created")
	}
	close(stopping)
	for _, r := range all {
		until(r, "the end")
	}
	if h.api.feeds.all != 0 || len(h.api.feeds.open) != 0 {
		t.Errorf("%d, %v", h.api.feeds.all, h.api.feeds.open)
	}
}

// Who is slower than events are deleted, because there is only room for so many, is told as one who comes too late.
func TestEventsThatWereTooMany(t *testing.T) {
	h := newHouse(t, storetest.Open(t, storetest.SQLite, storetest.WithClock(func() time.Time { return start }), func(o *store.Options) { o.Retention.FeedBytes = 1 }))
	bearer := h.machine("acme")
	header := http.Header{"Authorization": {"Bearer " + bearer}}
	begun := messages(t, h.send("acme", "GET", "/events", "", header).body)
	more := func(i int) {
		h.call(bearer, "POST", "/organizations", fmt.Sprintf(`{"name":"acme-%d"}`, i)).is(201, "")
		h.ok(h.db.Sweep(t.Context()))
	}
	more(0)
	h.call(bearer, "GET", "/events?from="+begun[2].id, "").fails(410, "", "Cursor points to data no longer available in the stream.")

	h.api.EventsFor = 30 * time.Second
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.api.ServeHTTP(w, r, h.store("acme")) }))
	t.Cleanup(front.Close)
	r, err := http.NewRequestWithContext(t.Context(), "GET", front.URL+Base+"/events", nil)
	h.ok(err)
	r.Header = header
	resp, err := http.DefaultClient.Do(r)
	h.ok(err)
	defer resp.Body.Close()
	body := make(chan string, 1)
	go func() {
		all, _ := io.ReadAll(resp.Body)
		body <- string(all)
	}()
	for i := 1; ; i++ { // it may be there in time for some
		more(i)
		select {
		case got := <-body:
			all := messages(t, got)
			if last := all[len(all)-1]; last.kind != "error" || last.data.Error["code"] != "cursor_expired" || last.data.Error["offset"] == "" {
				t.Errorf("%s", got)
			}
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}
