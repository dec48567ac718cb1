package store_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// TestOneTimeCodes: the newest works, once, for a while, and not after too many wrong ones.
func TestOneTimeCodes(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			now := time.Now()
			db := storetest.Open(t, kind, storetest.WithClock(func() time.Time { return now }))
			s := must(db.CreateTenant(t.Context(), "acme", []string{"acme.test"}))(t)
			save := func(code string) {
				t.Helper()
				ok(t, s.SaveOneTimeCode(t.Context(), code, &stagedoor.OneTimeCode{Purpose: "p", Subject: "a", ClientID: "app", ExpiresAt: now.Add(time.Minute)}))
			}
			try := func(code string, keep bool) store.Tried {
				t.Helper()
				return must(s.TryOneTimeCode(t.Context(), "p", "a", code, 3, keep))(t)
			}
			if got := try("1", false); got != (store.Tried{}) {
				t.Errorf("without one: %+v", got)
			}
			save("1")
			save("2")
			if got := try("1", false); got.Code != nil {
				t.Error("the older one works")
			}
			if got := try("2", true); got.Code == nil || got.Code.ClientID != "app" {
				t.Errorf("looked at: %+v", got)
			}
			var right atomic.Int32
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() {
					if got, err := s.TryOneTimeCode(t.Context(), "p", "a", "2", 9, false); err != nil {
						t.Error(err)
					} else if got.Code != nil {
						right.Add(1)
					}
				})
			}
			group.Wait()
			if right.Load() != 1 {
				t.Errorf("it worked %d times", right.Load())
			}
			save("3")
			for range 3 {
				try("x", false)
			}
			if got := try("3", false); !got.TooMany || got.Code != nil {
				t.Errorf("after three wrong ones: %+v", got)
			}
			save("n")
			try("x", false)
			named := &stagedoor.OneTimeCode{Purpose: "p", Subject: "a", UserID: "auth0|ada", ExpiresAt: now.Add(time.Minute)}
			if err := s.NameOneTimeCode(t.Context(), "older", named); !stagedoor.IsKind(err, stagedoor.NotFound) {
				t.Errorf("another one's place: %v", err)
			}
			ok(t, s.NameOneTimeCode(t.Context(), "n", named))
			for range 2 {
				try("x", false)
			}
			if got := try("n", false); !got.TooMany {
				t.Errorf("a code that gets a name has been tried three times: %+v", got)
			}
			save("n")
			ok(t, s.NameOneTimeCode(t.Context(), "n", named))
			if got := try("n", false); got.Code == nil || got.Code.UserID != "auth0|ada" {
				t.Errorf("named: %+v", got)
			}
			if err := s.NameOneTimeCode(t.Context(), "n", named); !stagedoor.IsKind(err, stagedoor.NotFound) {
				t.Errorf("one that is gone: %v", err)
			}
			save("4")
			now = now.Add(time.Minute)
			if got := try("4", false); !got.Expired || got.Code != nil {
				t.Errorf("too late: %+v", got)
			}
			if _, err := s.OneTimeCode(t.Context(), "p", "a"); !stagedoor.IsKind(err, stagedoor.NotFound) {
				t.Errorf("too late: %v", err)
			}
		})
	}
}
