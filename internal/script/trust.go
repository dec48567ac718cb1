package script

import "time"

// A tenant whose runs keep being ended, because they compute without an end, use up their memory or break their worker, is on probation:
// its workers are humble from their beginning, there is one, and few of its runs go on at a time; the others wait. Probation ends when no
// run has been ended for a while.
const (
	strikesAllowed   = 3                // within probationFor
	probationFor     = 30 * time.Second // after the last run that was ended
	probationRuns    = 2                // at a time
	maxRecords       = 10000            // tenants that are remembered
	maxWaiting       = 500              // runs of a tenant that wait for a worker
	workersPerTenant = 2                // at least, however few processors there are
)

// What callers of runs are told that were not run.
const (
	waitsNoLonger = "Too many runs of this tenant's scripts are waiting."
	waitsTooLong  = "No worker became free for this tenant's scripts in time."
	startsTooLate = "No worker for this tenant's scripts could be started in time."
)

// busyError says why a run was not begun.
type busyError struct{ text string }

func (e busyError) Error() string { return "script: " + e.text }

// record is what is remembered of a tenant.
type record struct {
	strikes int
	last    time.Time
}

// strike notes how a run of a tenant ended. It is called under the pool's lock.
func (p *pool) strike(tenant, kind string, now time.Time) {
	switch kind {
	case KindTimeout, KindMemory, KindCrashed:
	default:
		return
	}
	r := p.records[tenant]
	if r == nil || now.Sub(r.last) > probationFor {
		if len(p.records) >= maxRecords {
			clear(p.records)
		}
		r = &record{}
		p.records[tenant] = r
	}
	r.strikes, r.last = r.strikes+1, now
}

// probation tells whether a tenant is on probation. It is called under the pool's lock.
func (p *pool) probation(tenant string, now time.Time) bool {
	r := p.records[tenant]
	if r == nil {
		return false
	}
	if now.Sub(r.last) > probationFor {
		delete(p.records, tenant)
		return false
	}
	return r.strikes >= strikesAllowed
}
