package script

import "time"

// A worker that computes for long is made humble: it gets the smaller share where the processors are wanted by others. That is what keeps an
// endless loop of one tenant out of the others' logins. It is not starved: on a machine that is busy in earnest, scripts that load many
// packages must come to their end too. It has no way back, so its tenant gets another worker when it computes no more. The workers of a tenant on
// probation get what is left over: the system lets them compute where nobody else wants to, and whoever wakes up takes their place at once. (A lower
// share alone would let them finish their turn first, a few milliseconds each of the many times that somebody's login wakes up.)
const (
	niceHeavy = 5 // of a worker that computes for long: a third of the share that others have

	humbleAfter  = 150 * time.Millisecond // how old a run is when its worker is looked at
	humbleBorn   = time.Second            // how old a worker is that has said nothing yet: until then it is starting
	humbleWindow = 50 * time.Millisecond  // how long it is
	humbleShare  = 0.75                   // of one processor, from which on it computes
	humbleSum    = 200 * time.Millisecond // of processor time since it was first looked at for the sake of a run: where processors are scarce
	humbleFor    = 10 * time.Second       // how long it stays in service after it has last computed so
)

// pace looks at the worker while it has runs that last. It is called by a timer, which it sets again.
func (p *process) pace() {
	p.mu.Lock()
	var oldest *job
	for _, j := range p.jobs {
		if oldest == nil || j.sent.Before(oldest.sent) {
			oldest = j
		}
	}
	before, since := p.computed, p.looked
	p.looked = time.Time{}
	if oldest == nil {
		p.pacing = false
		p.mu.Unlock()
		return
	}
	now, next, heavy := time.Now(), humbleAfter, false
	if young := p.heard.IsZero() && now.Sub(p.born) < humbleBorn; now.Sub(oldest.sent) >= humbleAfter && !young {
		p.computed, p.looked, next = computed(p.pid), now, humbleWindow
		if p.lookedFor != oldest.id {
			p.lookedFor, p.first = oldest.id, p.computed
		}
		heavy = !since.IsZero() && float64(p.computed-before) >= humbleShare*float64(now.Sub(since)) || p.computed-p.first >= humbleSum
	}
	first := heavy && !p.humble
	if heavy {
		p.humble, p.heavy, p.lookedFor, next = true, now, 0, time.Second
	}
	time.AfterFunc(next, p.pace)
	p.mu.Unlock()
	if first {
		humble(p.pid, niceHeavy)
	}
}

// lower gives a worker the lowest rank.
func (p *process) lower(now time.Time) {
	p.mu.Lock()
	done := p.lowest
	p.humble, p.lowest, p.heavy = true, true, now
	p.mu.Unlock()
	if !done {
		leftovers(p.pid)
	}
}

// lowered tells whether the worker is humble, and whether it has computed of late.
func (p *process) lowered(now time.Time) (humble, heavy bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.humble, p.humble && now.Sub(p.heavy) < humbleFor
}
