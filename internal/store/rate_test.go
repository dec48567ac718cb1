package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// What is taken at the same time, by any number of servers, is never more than the bucket holds, and comes back with time.
func TestTakeRate(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		const every, burst = 100 * time.Millisecond, 10
		one := func(int) error {
			if taken, _, err := s.TakeRate(ctx, "acme@clients", every, burst, 1); err != nil || taken != 1 {
				return fmt.Errorf("no room: %w", err)
			}
			return nil
		}
		if won := race(30, one); won != burst {
			t.Errorf("%d were taken at once", won)
		}
		taken, until, err := s.TakeRate(ctx, "acme@clients", every, burst, 4)
		if err != nil || taken != 0 || until.Sub(clock.now) != burst*every {
			t.Errorf("of a full bucket: %d until %v, %v", taken, until, err)
		}
		start := clock.now
		defer func() { clock.now = start }()
		clock.now = start.Add(3 * every)
		if taken, _, err := s.TakeRate(ctx, "acme@clients", every, burst, 8); err != nil || taken != 2 {
			t.Errorf("%d of 3 were taken by halves of 8: %v", taken, err)
		}
		if won := race(5, one); won != 1 {
			t.Errorf("%d of the rest", won)
		}
		clock.now = start.Add(time.Hour)
		if taken, _, err := s.TakeRate(ctx, "acme@clients", every, burst, 50); err != nil || taken != burst {
			t.Errorf("%d of an empty bucket: %v", taken, err)
		}
	}, storetest.WithClock(clock.clock))
}
