package logstream_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/logstream"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// odd is an outside at one of whose addresses something goes wrong that nobody has thought of.
type odd string

func (host odd) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == string(host) {
		panic("nobody has thought of it")
	}
	return http.DefaultTransport.RoundTrip(r)
}

// TestPanic: a panic while a stream is served ends its turn alone, and is in the server's log. The streams of others go on, and so does the server.
func TestPanic(t *testing.T) {
	each(t, func(t *testing.T, d *logstream.Deliverer, st *store.Store, c *clock) {
		var log bytes.Buffer
		d.Client, d.Log = &http.Client{Transport: odd("odd.example")}, slog.New(slog.NewTextHandler(&log, nil))
		other := storetest.Tenant(t, d.DB, "other")
		r := newReceiver(t)
		create(t, st, `{"httpEndpoint":"http://odd.example/"}`, nil)
		create(t, other, fmt.Sprintf(`{"httpEndpoint":%q}`, r.URL), nil)
		c.wait(time.Second)
		happens(st)
		happens(other)
		c.wait(3 * time.Second)
		ok(t, d.Round(t.Context()))
		if len(r.ids) != 1 {
			t.Errorf("the other stream got %d events", len(r.ids))
		}
		if text := log.String(); !strings.Contains(text, "panic") || !strings.Contains(text, "nobody has thought of it") || !strings.Contains(text, "tenant=acme") {
			t.Errorf("the log says %q", text)
		}
	})
}
