package guard

import (
	"sync"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Rates limits how often something may happen, by the generic cell rate algorithm: for each key it keeps one time, until which
// what has happened fills the key's bucket. It lives in the memory of one server; see [Shared] for many.
type Rates struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// mostKeys is how many keys are kept before those with an empty bucket are dropped.
const mostKeys = 10000

// Room is what a bucket has left.
type Room struct {
	OK        bool
	Remaining int           // how many more may happen at once
	Full      time.Duration // until the bucket is empty again
	Wait      time.Duration // until one more may happen; 0 if OK
}

// Refusal is what somebody is told for whom there was no room; nil: there was.
func (r Room) Refusal() error {
	if r.OK {
		return nil
	}
	e := stagedoor.Errorf(stagedoor.TooMany, "too_many_requests", "Too many requests. Please wait a moment and try again.")
	e.Extra = map[string]any{web.Patience: int((r.Wait + time.Second - 1) / time.Second)}
	return e
}

// Take asks for one of perSecond in the long run and burst at once (at least 1).
func (r *Rates) Take(key string, now time.Time, perSecond, burst int) Room {
	return r.TakeMany(key, now, perSecond, burst, 1)
}

// TakeMany is Take of n at once, for what counts as so many.
func (r *Rates) TakeMany(key string, now time.Time, perSecond, burst, n int) Room {
	burst = max(burst, 1)
	each := time.Second / time.Duration(perSecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.until == nil {
		r.until = map[string]time.Time{}
	}
	if len(r.until) >= mostKeys {
		for k, until := range r.until {
			if !until.After(now) {
				delete(r.until, k)
			}
		}
	}
	room, until := take(r.until[key], now, each, burst, n)
	r.until[key] = until
	return room
}

// take asks for n of a bucket that is filled until then, and returns until when it is filled after that.
func take(until, now time.Time, each time.Duration, burst, n int) (Room, time.Time) {
	if until.Before(now) {
		until = now
	}
	most := each * time.Duration(burst)
	if until.Sub(now) > store.RateReach(most) {
		until = now
	}
	filled := until.Sub(now)
	asked := each * time.Duration(n)
	room := Room{OK: filled+asked <= most}
	if room.OK {
		filled += asked
	} else {
		room.Wait = filled + asked - most
	}
	room.Remaining = max(int((most-filled)/each), 0)
	room.Full = filled
	return room, now.Add(filled)
}
