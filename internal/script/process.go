package script

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"sync"
	"time"
)

const (
	processMemory = 1 << 30         // bytes that a worker process may hold: room for its realms, each under its own limit
	processCPU    = 5 * time.Minute // of processor time, after which the system ends a worker; the host retires it at half
)

// watchInterval is how often a worker that has runs is asked whether it lives.
const watchInterval = 500 * time.Millisecond

// writeTimeout is how long a worker may take to read what it is sent, startTimeout how long until it reads anything. One of Node.js reads nothing while
// a script computes: see patient.
const (
	writeTimeout = 2 * time.Second
	startTimeout = 15 * time.Second
)

var (
	errGone   = errors.New("script: worker is gone")
	errSilent = fmt.Errorf("%w: it did not read in time", errGone)
)

// process is a worker seen from the server.
type process struct {
	runtime  string        // embedded or node
	patience time.Duration // how long it may not answer while its runs have no limits of their own; 0: it watches itself
	stdin    io.WriteCloser
	kill     func()
	gone     chan struct{} // closed when the process has ended and been reaped
	pid      int

	writeMu  sync.Mutex
	prologue []byte // what it must be sent before everything else; under writeMu

	mu     sync.Mutex
	jobs   map[uint64]*job // runs that are not done, lingering ones included
	loaded map[string]bool // hashes of scripts that it has, or that are on the way
	dead   bool            // no more jobs
	table  uint64          // which table of added packages it has
	heard  time.Time       // when the worker last sent something; zero before it did
	hung   bool            // it was killed because it did not answer

	pacing   bool          // a timer looks at how much it computes
	computed time.Duration // processor time when it was last looked at
	looked   time.Time     // when that was; zero: not yet

	lookedFor uint64        // the run for which it was
	first     time.Duration // processor time when that began
	humble    bool          // it has a lower rank
	lowest    bool          // the lowest
	heavy     time.Time     // when it was last seen to compute for long

	// Of the pool, under its lock:
	tenant     string
	foreground int // runs without an outcome yet
	served     int
	retired    bool // takes no more runs and does not count
	draining   bool // takes no more runs of its tenant: another one waits
	idleSince  time.Time
	born       time.Time
}

// launch says what a worker is started as.
type launch struct {
	runtime  string
	command  []string
	env      []string
	prologue []byte
	apart    bool          // from the network
	patience time.Duration // how long it may not answer while it has runs; 0: it watches itself
}

// startProcess starts a worker. ended is called once, when it is gone.
func startProcess(l launch, log *slog.Logger, now time.Time, ended func(*process)) (*process, error) {
	cmd := exec.Command(l.command[0], l.command[1:]...) //nolint:gosec,noctx // the operator's own command; it lives as long as the pool says
	cmd.Env = l.env
	cmd.Dir = "/"
	child(cmd, l.apart)
	stderr := &tail{}
	cmd.Stderr = stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p := &process{runtime: l.runtime, patience: l.patience, prologue: l.prologue, stdin: stdin, gone: make(chan struct{}), jobs: make(map[uint64]*job), loaded: make(map[string]bool), born: now, idleSince: now}
	started, silent := make(chan error), make(chan struct{})
	go func() {
		// The kernel ends the child with the thread that started it: keep that thread for as long as the child lives. It does nothing else: a goroutine
		// that has a thread of its own costs two switches of threads each time that it goes on.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.pid, p.kill = cmd.Process.Pid, func() { _ = cmd.Process.Kill() }
		}
		started <- err
		if err != nil {
			return
		}
		<-silent
		p.kill()
		err = cmd.Wait()
		text := stderr.text()
		if text != "" {
			log.Warn("script worker ended", "pid", p.pid, "err", err, "stderr", text)
		}
		p.end(outOfMemory.MatchString(text))
		close(p.gone)
		ended(p)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	go func() {
		defer close(silent)
		p.read(stdout)
	}()
	if l.patience > 0 {
		go p.watch()
	}
	return p, nil
}

// watch ends a worker that does not answer: something holds its event loop that its own clock cannot interrupt, such as a computation
// of Node.js itself.
func (p *process) watch() {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	var asked time.Time // zero: no answer is waited for
	for {
		select {
		case <-p.gone:
			return
		case now := <-ticker.C:
			p.mu.Lock()
			started, answered := !p.heard.IsZero(), p.heard.After(asked)
			late := started && !asked.IsZero() && !answered && len(p.jobs) > 0 && now.Sub(asked) > p.patient()
			idle := len(p.jobs) == 0
			p.hung, p.dead = p.hung || late, p.dead || late // what comes now goes to another one
			p.mu.Unlock()
			switch {
			case late:
				p.kill()
				return
			case idle:
				asked = time.Time{}
			case asked.IsZero() || answered:
				asked = now
				if p.send(message{Type: "ping"}) != nil {
					return
				}
			}
		}
	}
}

// patient is how long a worker of Node.js may be silent, and read nothing: as long as the run in it that may compute for longest, and a second. It is called
// under mu.
func (p *process) patient() time.Duration {
	most := p.patience
	for _, j := range p.jobs {
		most = max(most, j.computes()+time.Second)
	}
	return most
}

// read serves what the worker sends, until it ends or breaks the protocol.
func (p *process) read(stdout io.Reader) {
	frames := bufio.NewReaderSize(stdout, 64<<10)
	for {
		m, err := readFrame(frames)
		if err != nil || !m.sound() {
			return
		}
		p.mu.Lock()
		p.heard = time.Now()
		j := p.jobs[m.Run]
		if m.Type == "done" {
			delete(p.jobs, m.Run)
		}
		p.mu.Unlock()
		if j != nil {
			j.handle(m)
		}
	}
}

// stuck tells that the worker was killed because it did not answer.
func (p *process) stuck() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hung
}

// outOfMemory is what a runtime says that ends because its memory is used up.
var outOfMemory = regexp.MustCompile(`out of memory|Allocation failed`)

// end fails whatever is still running: the worker is gone.
func (p *process) end(memory bool) {
	p.mu.Lock()
	p.dead = true
	jobs, hung := p.jobs, p.hung
	p.jobs = nil
	p.mu.Unlock()
	f := failure{Rule: -1, Kind: KindCrashed, Code: "access_denied", Message: textCrashed}
	switch {
	case hung:
		f.Kind, f.Message = KindTimeout, textBlocked
	case memory:
		f.Kind, f.Message = KindMemory, textMemory
	}
	for _, j := range jobs {
		j.crashed(f)
	}
}

// begin registers a job and sends the frames that build makes. No other frame is written in between, so a script that one run brings is
// there for the runs that follow. It answers errGone when the process is gone with nothing begun, errSilent, which is one, when it did not read in time.
func (p *process) begin(j *job, build func() ([]byte, error)) error {
	p.writeMu.Lock()
	defer p.writeMu.Unlock()
	frames, err := build()
	if err != nil {
		return err
	}
	p.mu.Lock()
	if p.dead {
		p.mu.Unlock()
		return errGone
	}
	p.jobs[j.id], j.sent = j, time.Now()
	if !p.pacing {
		p.pacing = true
		time.AfterFunc(humbleAfter, p.pace)
	}
	p.mu.Unlock()
	err = p.write(frames)
	if err == nil {
		return nil
	}
	defer p.kill() // once nobody waits for it any more: they would be told that it crashed
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return nil // the job has been told that it crashed
	}
	delete(p.jobs, j.id)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errSilent
	}
	return errGone
}

// write writes frames under the writer's lock. Its caller ends a worker that does not read: it must not hold up the server.
func (p *process) write(frames []byte) error {
	deadline := func(after time.Duration) {
		if d, ok := p.stdin.(interface{ SetWriteDeadline(time.Time) error }); ok {
			_ = d.SetWriteDeadline(time.Now().Add(after))
		}
	}
	var err error
	if p.prologue != nil { // it reads that when it has started
		deadline(startTimeout)
		_, err = p.stdin.Write(p.prologue)
		p.prologue = nil
	}
	for err == nil && len(frames) > 0 {
		began, n := time.Now(), 0
		deadline(p.writeWithin())
		n, err = p.stdin.Write(frames)
		frames = frames[n:]
		if errors.Is(err, os.ErrDeadlineExceeded) && p.goesOn(began) {
			err = nil
		}
	}
	return err
}

// writeWithin is how long the worker has to read.
func (p *process) writeWithin() time.Duration {
	if p.patience == 0 {
		return writeTimeout
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(writeTimeout, p.patient())
}

// goesOn tells whether a worker of Node.js that has not read since then has at least said something: its runs compute, one after the other. One that
// has not hangs.
func (p *process) goesOn(since time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.patience == 0 || p.dead {
		return false
	}
	p.hung = !p.heard.After(since)
	return !p.hung
}

func (p *process) send(m message) error {
	frame, err := appendFrame(nil, m)
	if err != nil {
		return err
	}
	p.writeMu.Lock()
	defer p.writeMu.Unlock()
	if err = p.write(frame); err != nil {
		p.kill()
	}
	return err
}

func (p *process) owner() owner { return owner{p.tenant, p.runtime} }

// lingering counts the runs that are not done.
func (p *process) lingering() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.jobs)
}

// tail keeps the first bytes of what a dying worker says.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := 2048 - t.buf.Len(); room > 0 {
		t.buf.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}

// lacks tells whether the worker does not have a script.
func (p *process) lacks(hash string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.loaded[hash]
}

// holds notes the scripts that the worker has been sent.
func (p *process) holds(hashes []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, hash := range hashes {
		p.loaded[hash] = true
	}
}

func (p *process) scripts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.loaded)
}

// hand gives the worker to another tenant: it forgets the former one.
func (p *process) hand(tenant string) error {
	p.mu.Lock()
	p.loaded = make(map[string]bool)
	p.mu.Unlock()
	p.tenant, p.draining = tenant, false
	return p.send(message{Type: "reset"})
}

// shut lets the worker have no more jobs, from now on.
func (p *process) shut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
}

// forget drops a job that has no background work.
func (p *process) forget(j *job) {
	p.mu.Lock()
	delete(p.jobs, j.id)
	p.mu.Unlock()
	j.cancel()
}
