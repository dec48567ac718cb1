package eventstream_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// A tenant that has many streams, whose receivers all hang, keeps those of no other tenant waiting: neither for a place, nor for being
// looked at, although what waits for it is older.
func TestTenantsDoNotWait(t *testing.T) {
	each(t, func(h *house) {
		begun, end := make(chan struct{}, 200), make(chan struct{})
		slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { begun <- struct{}{}; <-end }))
		h.Cleanup(slow.Close)
		for range 120 {
			h.stream(fmt.Sprintf(`{"type":"webhook","configuration":{"webhook_endpoint":%q,"webhook_authorization":{"method":"bearer","token":"t"}}}`, slow.URL), "user.created")
		}
		h.user("of-acme")
		h.st = storetest.Tenant(h.T, h.db, "other")
		r := newReceiver(h.T)
		h.stream(webhook(r), "user.created")
		h.clock.wait(time.Second)
		h.d.Every = 10 * time.Millisecond
		ctx, stop := context.WithCancel(h.Context())
		var group sync.WaitGroup
		group.Go(func() { h.d.Run(ctx) })
		defer func() { stop(); close(end); group.Wait() }()
		for range 4 {
			<-begun
		}
		h.user("of-other")
		for range 300 {
			time.Sleep(10 * time.Millisecond)
			if len(r.types()) == 1 {
				return
			}
		}
		h.Error("a tenant's stream waits for the receivers of another tenant")
	})
}
