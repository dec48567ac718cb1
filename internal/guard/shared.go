package guard

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor/internal/store"
)

// Shared limits how often something may happen at all servers of a database together. A server takes some of a bucket at a time and keeps
// them for as long as leaseFor, so that most requests cost no statement. What it does not use is lost: a limit is never exceeded, and
// may be missed by a part of ten for each server. Where a database has one server, its own memory counts.
type Shared struct {
	own    Rates
	mu     sync.Mutex
	leases map[string]*lease
}

// leaseFor is how long a server keeps what it took, or remembers that there was nothing.
const leaseFor = time.Second

// lease is what a server holds of one bucket.
type lease struct {
	mu    sync.Mutex
	left  int
	full  time.Time // the bucket is empty again
	until time.Time // what is left is good, or nothing is to be had
}

// Take asks for one of perSecond in the long run and burst at once (at least 1), for a subject of the tenant.
func (s *Shared) Take(ctx context.Context, st *store.Store, subject string, now time.Time, perSecond, burst int) (Room, error) {
	burst = max(burst, 1)
	if !st.Shared() {
		return s.own.Take(st.Tenant().ID+" "+subject, now, perSecond, burst), nil
	}
	each := time.Second / time.Duration(perSecond)
	l := s.lease(st.Tenant().ID+" "+subject, now)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !now.Before(l.until) {
		taken, full, err := st.TakeRate(ctx, subject, each, burst, max(burst/10, 1))
		if err != nil {
			return Room{}, err
		}
		l.left, l.full, l.until = taken, full, now.Add(leaseFor)
		if taken == 0 {
			l.until = full.Add(each - each*time.Duration(burst)) // when there is one again
		}
	}
	filled := max(l.full.Sub(now), 0)
	if l.left == 0 {
		return Room{Full: filled, Wait: max(l.until.Sub(now), 1)}, nil
	}
	l.left--
	room := Room{OK: true, Full: filled, Remaining: l.left + int((each*time.Duration(burst)-filled)/each)}
	if l.left == 0 {
		l.until = now // the next one asks again
	}
	return room, nil
}

// lease returns a server's part of a bucket, and drops those that are over when there are many.
func (s *Shared) lease(key string, now time.Time) *lease {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.leases) >= mostKeys {
		for k, l := range s.leases {
			if l.mu.TryLock() {
				if !now.Before(l.until) {
					delete(s.leases, k)
				}
				l.mu.Unlock()
			}
		}
	}
	if s.leases == nil {
		s.leases = map[string]*lease{}
	}
	l := cmp.Or(s.leases[key], &lease{})
	s.leases[key] = l
	return l
}
