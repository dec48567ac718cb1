package guard

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// TellEvery is how often, at most, a server exchanges with the others what it has let through.
const TellEvery = 250 * time.Millisecond

// Shared limits how often something may happen at all servers of a database together (ADR 17). Each counts for itself and asks nobody on the way of a
// request; beside it, it tells the database what it has let through of all buckets, in one statement every TellEvery, and learns what the others have.
// What servers let through before they knew of each other, a burst each at most, is taken off what follows: in the long run the rate is exact. While
// the database is away each server counts alone. Where a database has one server, nothing is told.
type Shared struct {
	own Rates

	mu      sync.Mutex
	until   map[bucket]time.Time     // what is known of all servers
	most    map[bucket]time.Duration // how much a bucket holds that has something to tell
	untold  map[bucket]time.Duration // what only this one knows of it
	telling bool
	told    time.Time // the last exchange ended
}

// bucket names what is limited.
type bucket struct{ tenant, subject string }

// Take asks for one of perSecond in the long run and burst at once (at least 1), for a subject of the tenant. It never waits.
func (s *Shared) Take(st *store.Store, subject string, now time.Time, perSecond, burst int) Room {
	if !st.Shared() {
		return s.own.Take(st.Tenant().ID+" "+subject, now, perSecond, burst)
	}
	b, each := bucket{st.Tenant().ID, subject}, time.Second/time.Duration(perSecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.until == nil {
		s.until, s.untold, s.most = map[bucket]time.Time{}, map[bucket]time.Duration{}, map[bucket]time.Duration{}
	}
	if len(s.until) >= mostKeys {
		maps.DeleteFunc(s.until, func(b bucket, until time.Time) bool { return s.untold[b] == 0 && !until.After(now) })
	}
	room, until := take(s.until[b], now, each, max(burst, 1), 1)
	if room.OK {
		s.until[b] = until
		s.untold[b] += each
		s.most[b] = each * time.Duration(max(burst, 1))
		s.soon(st)
	}
	return room
}

// soon has the others told. mu is held.
func (s *Shared) soon(st *store.Store) {
	if !s.telling {
		s.telling = true
		time.AfterFunc(time.Until(s.told.Add(TellEvery)), func() { s.tell(st) })
	}
}

// tell exchanges what this server and the others have let through. What could not be told waits for the next request; of what may have been
// told the next answer tells.
func (s *Shared) tell(st *store.Store) {
	s.mu.Lock()
	now, uses := st.Clock().Now(), []store.RateUse{}
	for b, amount := range s.untold {
		if amount = min(amount, s.until[b].Sub(now)); amount > 0 { // what has drained meanwhile limits nobody
			uses = append(uses, store.RateUse{Tenant: b.tenant, Subject: b.subject, Amount: amount, Most: s.most[b]})
		}
	}
	clear(s.untold)
	clear(s.most)
	s.mu.Unlock()

	var err error
	if len(uses) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err = store.TellRates(ctx, st, uses)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	s.telling, s.told = false, time.Now()
	for _, u := range uses {
		b := bucket{u.Tenant, u.Subject}
		switch until := u.Until.Add(s.untold[b]); {
		case stagedoor.HasCode(err, store.CodeUnavailable): // nothing was written
			s.untold[b] += u.Amount
			s.most[b] = u.Most
		case err == nil && until.After(s.until[b]):
			s.until[b] = until
		}
	}
	if err == nil && len(s.untold) > 0 {
		s.soon(st)
	}
}
