package store_test

import (
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// A program that asks too often is told so, but not because of a clock that was put back.
func TestPollPush(t *testing.T) {
	clock := newClock()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := storetest.Tenant(t, db, "acme"), t.Context()
		ok(t, s.SavePush(ctx, "of", "token", &stagedoor.PushChallenge{ExpiresAt: clock.in(time.Hour)}))
		begin := clock.now
		for _, step := range []struct {
			after   time.Duration
			tooFast bool
		}{{0, false}, {time.Second, true}, {5 * time.Second, false}, {-10 * time.Minute, false}, {time.Second, true}, {5 * time.Second, false}} {
			clock.now = clock.in(step.after)
			if got := must(s.PollPush(ctx, "of", 5*time.Second))(t); got != step.tooFast {
				t.Errorf("%v after the time before: %v", step.after, got)
			}
		}
		clock.now = begin
	}, storetest.WithClock(clock.clock))
}
