package job

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/store"
)

// TestLostLease: who was thought to be dead and is not writes nothing any more. Nothing is wrong then.
func TestLostLease(t *testing.T) {
	each(t, func(t *testing.T, st *store.Store, r *Runner, c *clock) {
		j := submit(t, st, 1000)
		seen := 0
		var log bytes.Buffer
		r.Log = slog.New(slog.NewTextHandler(&log, nil))
		r.Identify = func(conn *stagedoor.Connection, u *stagedoor.User) error {
			if seen++; seen == 500 { // the machine sleeps, and another one does the job
				if some, err := newRunner(r.DB).Once(t.Context()); some || err != nil {
					t.Errorf("taken over while the lease holds: %v %v", some, err)
				}
				c.pass(leaseFor + time.Second)
				if some, err := newRunner(r.DB).Once(t.Context()); !some || err != nil {
					t.Errorf("not taken over: %v %v", some, err)
				}
			}
			return connection.Identify(conn, u)
		}
		if _, err := r.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		ended(t, st, j.ID, "completed inserted 1000 updated 0 failed 0 of 1000")
		if n := count(t, st); n != 1000 {
			t.Errorf("%d users", n)
		}
		if strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("the log: %s", log.String())
		}
	})
}
