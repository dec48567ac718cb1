package logstream_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/logstream"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// TestTenantsDoNotWait: a tenant that has many streams, whose receivers all hang, keeps those of no other tenant waiting.
func TestTenantsDoNotWait(t *testing.T) {
	each(t, func(t *testing.T, d *logstream.Deliverer, st *store.Store, c *clock) {
		begun, end := make(chan struct{}, 100), make(chan struct{})
		slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { begun <- struct{}{}; <-end }))
		t.Cleanup(slow.Close)
		other := storetest.Tenant(t, d.DB, "other")
		r := newReceiver(t)
		for range 40 {
			create(t, st, fmt.Sprintf(`{"httpEndpoint":%q}`, slow.URL), nil)
		}
		create(t, other, fmt.Sprintf(`{"httpEndpoint":%q}`, r.URL), nil)
		c.wait(time.Second)
		happens(st)
		c.wait(3 * time.Second)
		d.Every = 10 * time.Millisecond
		ctx, stop := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() { d.Run(ctx) })
		defer func() { stop(); close(end); group.Wait() }()
		for range 4 {
			<-begun
		}
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
		t.Error("a tenant's stream waits for the receivers of another tenant")
	})
}
