package script

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor/internal/telemetry"
)

const (
	perWorker     = 8     // runs of one tenant that a worker serves at a time
	maxServed     = 20000 // runs after which a worker is replaced
	maxAge        = 20 * time.Minute
	maxResident   = processMemory / 4
	maxScripts    = 500             // scripts that a worker holds
	idleFor       = 5 * time.Minute // after which a worker without runs ends
	sweepInterval = 30 * time.Second
)

var errClosed = errors.New("script: host is closed")

// pool hands workers to tenants: one tenant per worker at a time, several runs of that tenant in it. A tenant whose scripts run on both
// runtimes has workers of both, as if it were two.
//
// A tenant may always take one worker that is free; a further one only while another stays free for somebody else. When a tenant waits
// and nothing is free, the least busy worker takes no new runs of its own tenant until it has been handed over.
type pool struct {
	command []string
	size    int
	cfg     Config
	node    func() node // found when it is first wanted

	mu        sync.Mutex
	closed    bool
	apart     bool // workers are started without a network
	processes map[*process]bool
	waiters   []*waiter // first come, first served
	records   map[string]*record
	stop      chan struct{}
	swept     chan struct{}
}

// owner is whom a worker serves, and by which runtime.
type owner struct{ tenant, runtime string }

type waiter struct {
	owner
	got chan *process // buffered; nil when no worker can be started
	err error
}

func newPool(cfg Config) *pool {
	p := &pool{node: sync.OnceValue(func() node { return findNode(cfg.Node) }), command: cfg.Command, size: cfg.Workers, cfg: cfg, apart: canPart, processes: make(map[*process]bool), records: make(map[string]*record), stop: make(chan struct{}), swept: make(chan struct{})}
	go p.sweep()
	return p
}

// acquire waits for a worker for a run of the tenant. release must follow.
func (p *pool) acquire(ctx context.Context, whose owner) (*process, error) {
	w := &waiter{owner: whose, got: make(chan *process, 1)}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, errClosed
	}
	before := 0
	for _, other := range p.waiters {
		if other.owner.tenant == whose.tenant {
			before++
		}
	}
	if before >= maxWaiting {
		p.mu.Unlock()
		return nil, busyError{waitsNoLonger}
	}
	p.waiters = append(p.waiters, w)
	p.grant()
	p.mu.Unlock()
	select {
	case proc := <-w.got:
		if proc == nil {
			return nil, w.err
		}
		return proc, nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.waiters {
		if other == w {
			p.waiters = append(p.waiters[:i], p.waiters[i+1:]...)
			p.grant()
			return nil, ctx.Err()
		}
	}
	if proc := <-w.got; proc != nil { // it was granted in the same moment
		p.put(proc)
	}
	return nil, ctx.Err()
}

// release says that a run acquired before has its outcome, a failure of a kind or none.
func (p *pool) release(proc *process, kind string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.strike(proc.tenant, kind, time.Now())
	p.put(proc)
}

func (p *pool) put(proc *process) {
	proc.foreground--
	proc.idleSince = time.Now()
	if humble, heavy := proc.lowered(proc.idleSince); humble && !heavy && !p.probation(proc.tenant, proc.idleSince) {
		p.retire(proc)
	}
	if proc.served >= maxServed || proc.scripts() > maxScripts {
		p.retire(proc)
	}
	p.endUnused(proc)
	p.grant()
}

// grant serves the waiters that can be served, in order.
func (p *pool) grant() {
	left := p.waiters[:0]
	starving := false
	for _, w := range p.waiters {
		proc, err := p.place(w.owner)
		if proc == nil && err == nil {
			left = append(left, w)
			starving = starving || !p.owns(w.owner) && !p.probation(w.owner.tenant, time.Now())
			continue
		}
		w.err = err
		w.got <- proc
	}
	clear(p.waiters[len(left):])
	p.waiters = left
	p.drain(starving)
}

func (p *pool) owns(whose owner) bool {
	for proc := range p.processes {
		if !proc.retired && proc.owner() == whose {
			return true
		}
	}
	return false
}

// drain keeps one worker, the least busy, from taking new runs of its tenant while a tenant without a worker waits for one.
func (p *pool) drain(starving bool) {
	var least *process
	for proc := range p.processes {
		if proc.retired {
			continue
		}
		if !starving {
			proc.draining = false
			continue
		}
		if proc.draining {
			return
		}
		if least == nil || proc.foreground < least.foreground {
			least = proc
		}
	}
	if least != nil {
		least.draining = true
	}
}

// place finds or makes room for a run of the tenant; nil, nil when it has to wait.
func (p *pool) place(whose owner) (*process, error) {
	var best, spare *process
	owned, live, free, under := 0, 0, 0, 0
	now := time.Now()
	probation := p.probation(whose.tenant, now)
	for proc := range p.processes { // those that are retired count as well: their runs go on
		if proc.tenant == whose.tenant {
			under += proc.foreground
		}
	}
	if probation && under >= probationRuns {
		return nil, nil
	}
	for proc := range p.processes {
		if proc.retired {
			continue
		}
		live++
		if proc.owner() == whose {
			owned++
			if !proc.draining && proc.foreground < perWorker && (best == nil || proc.foreground < best.foreground) {
				best = proc
			}
			continue
		}
		if proc.foreground == 0 {
			free++
			if spare == nil || proc.idleSince.Before(spare.idleSince) {
				spare = proc
			}
		}
	}
	if best != nil {
		if probation {
			best.lower(now)
		}
		return p.take(best), nil
	}
	if free += p.size - live; free < 1 || owned > 0 && (free < 2 || probation || owned >= max(workersPerTenant, runtime.NumCPU())) {
		return nil, nil
	}
	begin := func() (*process, error) {
		proc, err := p.start(whose)
		if err != nil {
			return nil, err
		}
		if probation {
			proc.lower(now)
		}
		return p.take(proc), nil
	}
	if live < p.size {
		return begin()
	}
	// A worker of Node.js stays its tenant's: contexts in one process are a weaker wall than machines.
	humble, _ := spare.lowered(now)
	if whose.runtime == RuntimeEmbedded && spare.runtime == RuntimeEmbedded && !humble && !probation && spare.lingering() == 0 && spare.hand(whose.tenant) == nil {
		return p.take(spare), nil
	}
	p.retire(spare) // background work of its tenant goes on; it ends with it
	return begin()
}

func (p *pool) take(proc *process) *process {
	proc.foreground++
	proc.served++
	return proc
}

func (p *pool) start(whose owner) (*process, error) {
	l, err := p.launch(whose.runtime)
	if err != nil {
		return nil, err
	}
	proc, err := startProcess(l, p.cfg.Log, time.Now(), p.ended)
	if err != nil && l.apart && refused(err) {
		why := err
		l.apart = false
		if proc, err = startProcess(l, p.cfg.Log, time.Now(), p.ended); err == nil {
			p.apart = false
			p.cfg.Log.Warn("script workers share the server's network: no namespace could be made for them", "err", why)
		}
	}
	if err != nil {
		return nil, err
	}
	proc.tenant = whose.tenant
	p.cfg.Metrics.Add(telemetry.ScriptStarted, 1, whose.runtime)
	p.processes[proc] = true
	return proc, nil
}

// launch is how a worker of a runtime is started.
func (p *pool) launch(runtime string) (launch, error) {
	l := launch{runtime: runtime, command: p.command, env: []string{"TZ=UTC"}, apart: p.apart}
	if len(l.command) == 0 {
		self, err := executable()
		if err != nil {
			return l, err
		}
		l.command = []string{self, WorkerArgument}
	}
	if runtime != RuntimeNode {
		return l, nil
	}
	n := p.node()
	if n.err != nil {
		return l, n.err
	}
	var err error
	l.command, l.env, err = n.command(l.command)
	l.prologue, l.patience = nodeArchive(), p.cfg.Limits.CPU+time.Second
	return l, err
}

// retire takes a worker out of service; it ends when its runs are done.
func (p *pool) retire(proc *process) {
	if proc.retired {
		return
	}
	proc.retired = true
	retired, oldest := 0, proc
	for other := range p.processes {
		if other.retired {
			retired++
			if other.foreground == 0 && other.born.Before(oldest.born) {
				oldest = other
			}
		}
	}
	if proc.foreground == 0 && proc.lingering() == 0 {
		proc.kill() // else when what is under way, or about to begin, is over
	} else if retired > 2*p.size && oldest.foreground == 0 {
		oldest.kill()
	}
}

// done is called when a run and its background work are over.
func (p *pool) done(proc *process, u *usage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if u != nil && (u.Memory > mostResident(proc.runtime) || time.Duration(u.CPU)*time.Millisecond > processCPU/2) {
		p.retire(proc)
	}
	p.endUnused(proc)
}

// mostResident is how much memory a worker may hold that gets another run, in bytes. One of Node.js is replaced before its heap is used up, which would end every
// run in it: with the program around it the heap takes more than this by then.
func mostResident(runtime string) uint64 {
	if runtime == RuntimeNode {
		return nodeHeap << 20
	}
	return maxResident
}

// endUnused ends a worker that is out of service and has nothing to do any more.
func (p *pool) endUnused(proc *process) {
	if proc.retired && proc.foreground == 0 && proc.lingering() == 0 {
		proc.kill()
	}
}

// giveUp retires a worker whose run cannot be stopped.
func (p *pool) giveUp(proc *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.retire(proc)
}

func (p *pool) ended(proc *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.processes, proc)
	if proc.stuck() {
		p.cfg.Metrics.Add(telemetry.ScriptKilled, 1, proc.runtime)
	}
	proc.retired = true
	if !p.closed {
		p.grant()
	}
}

// sweep ends workers that are idle or old, as long as the pool is open.
func (p *pool) sweep() {
	defer close(p.swept)
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			return
		case now := <-ticker.C:
			p.reap(now)
		}
	}
}

func (p *pool) reap(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for proc := range p.processes {
		if proc.retired && now.Sub(proc.idleSince) > p.cfg.Ceilings.Wall+2*grace {
			proc.kill()
			continue
		}
		idle := proc.foreground == 0 && proc.lingering() == 0 && now.Sub(proc.idleSince) > idleFor
		if idle || now.Sub(proc.born) > maxAge {
			p.retire(proc)
		}
	}
}

// close ends all workers and waits for them.
func (p *pool) close() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closed = true
	close(p.stop)
	var all []*process
	for proc := range p.processes {
		proc.kill()
		all = append(all, proc)
	}
	for _, w := range p.waiters {
		w.err = errClosed
		w.got <- nil
	}
	p.waiters = nil
	p.mu.Unlock()
	<-p.swept
	for _, proc := range all {
		<-proc.gone
	}
}
