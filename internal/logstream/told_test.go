package logstream_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/logstream"
	"github.com/stagedoor/stagedoor/internal/store"
)

// TestTellsOfFailures: who may read the tenant's log, and not the server's, learns within minutes that a receiver takes nothing, and why; once, until it has taken some.
func TestTellsOfFailures(t *testing.T) {
	each(t, func(t *testing.T, d *logstream.Deliverer, st *store.Store, c *clock) {
		r := newReceiver(t)
		l := create(t, st, fmt.Sprintf(`{"httpEndpoint":%q}`, r.URL), nil)
		for period := 1; period <= 2; period++ {
			c.wait(time.Second)
			happens(st)
			c.wait(3 * time.Second)
			r.status = 403
			for range 12 {
				ok(t, d.Round(t.Context()))
				c.wait(5 * time.Minute)
			}
			if told := tells(t, st, l.ID, "is behind"); told != period {
				t.Errorf("the log tells %d times after %d times of failures", told, period)
			}
			r.status = 200
			ok(t, d.Round(t.Context()))
		}
		all, _, err := st.Logs(t.Context(), store.LogQuery{Take: 100})
		ok(t, err)
		for _, e := range all {
			if e.Type == "w" && e.Details["error"] != "status 403" {
				t.Errorf("it tells %v", e.Details)
			}
		}
	})
}
