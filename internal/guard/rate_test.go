package guard

import (
	"fmt"
	"testing"
	"time"
)

func TestRates(t *testing.T) {
	var r Rates
	now := time.Unix(1000, 0)
	take := func(key string, want bool, remaining int) Room {
		t.Helper()
		room := r.Take(key, now, 2, 3)
		if room.OK != want || room.Remaining != remaining {
			t.Errorf("%s at %v: %+v, want %v with %d left", key, now, room, want, remaining)
		}
		return room
	}
	take("a", true, 2)
	take("a", true, 1)
	take("a", true, 0)
	if room := take("a", false, 0); room.Wait != 500*time.Millisecond || room.Full != 1500*time.Millisecond {
		t.Errorf("%+v", room)
	}
	take("b", true, 2)
	now = now.Add(499 * time.Millisecond)
	take("a", false, 0)
	now = now.Add(time.Millisecond)
	take("a", true, 0)
	now = now.Add(time.Hour)
	take("a", true, 2)
	now = now.Add(-time.Hour) // the clock is put back
	take("a", true, 2)
	take("a", true, 1)
	if room := r.TakeMany("a", now, 2, 3, 2); room.OK || room.Remaining != 1 || room.Wait != 500*time.Millisecond {
		t.Errorf("%+v", room)
	}
	if room := r.TakeMany("c", now, 2, 3, 2); !room.OK || room.Remaining != 1 {
		t.Errorf("%+v", room)
	}
}

func TestRatesForgetsEmptyBuckets(t *testing.T) {
	var r Rates
	now := time.Unix(1000, 0)
	for i := range mostKeys {
		r.Take(fmt.Sprint(i), now, 1, 1)
	}
	r.Take("last", now.Add(time.Minute), 1, 1)
	if len(r.until) != 1 {
		t.Errorf("%d keys are kept", len(r.until))
	}
}
