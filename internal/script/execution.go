package script

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"modernc.org/quickjs"
)

const (
	// grace is how long work that was started before the last callback may at least go on after it.
	grace = 5 * time.Second
	// stuckAfter is how long past its time a script may ignore its interruption before its worker is given up.
	stuckAfter = 500 * time.Millisecond
)

// patience is how many times as long as the recorded run a repetition may take.
const patience = 5

var processStart = time.Now()

// execution is one run inside the worker: a realm and its event loop, on one goroutine.
type execution struct {
	w     *worker
	id    uint64
	start start
	realm *realm

	inbox   *inbox // replies to calls
	stopped chan struct{}
	stop    sync.Once
	over    chan struct{} // closed when nobody reads the inbox any more
	atWork  chan struct{} // holds a token for each operation that is being worked out

	mu      sync.Mutex
	waiters map[uint64]chan message // calls that a script waits for synchronously
	vm      *quickjs.VM             // for cancel

	// Of the goroutine alone:
	born     time.Time
	deadline time.Time
	end      int64                      // the deadline of a run that is repeated, in microseconds since it began
	before   map[string]json.RawMessage // `global` as the run found it
	rule     int                        // which one runs
	started  []time.Time                // when each did that has been started
	calls    int
	asked    uint64          // calls of all kinds
	reads    map[uint64]bool // calls that wait for something to come over a socket
	heard    time.Time       // when something was last answered
	pending  map[uint64]bool // calls without an answer in ready
	ready    []message       // answers that scripts have not been given yet, by the time at which they come
	ahead    int64           // what scripts take for the time, in microseconds since the run began
	answers  [][2]int64
	chance   *rand.ChaCha8
	working  int    // operations under way
	works    uint64 // operations begun
	ciphers  ciphers
	ticks    bool // something waits for the end of the promise jobs
	logged   int
	outcome  *result
	sent     bool
	makeUp   func() // asks for another spare realm in the place of this one
}

func newExecution(w *worker, id uint64, s start) *execution {
	now, wall := time.Now(), time.Duration(s.Wall)*time.Millisecond
	end := wall.Microseconds()
	if s.Repeat { // it ends by its own time; the machine may be slower this time
		wall, s.CPU = patience*wall, patience*s.CPU
	}
	return &execution{
		w: w, id: id, start: s, inbox: newInbox(), stopped: make(chan struct{}),
		reads: make(map[uint64]bool), pending: make(map[uint64]bool), over: make(chan struct{}), atWork: make(chan struct{}, 2),
		waiters: make(map[uint64]chan message), born: now, deadline: now.Add(wall), end: end,
	}
}

// cancel ends the run from any goroutine.
func (e *execution) cancel() {
	e.stop.Do(func() { close(e.stopped) })
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.vm != nil {
		e.vm.Interrupt()
	}
}

// reply delivers the answer to a call, from the goroutine that reads frames: it never blocks.
func (e *execution) reply(m message) {
	e.mu.Lock()
	waiter := e.waiters[m.Call]
	e.mu.Unlock()
	if waiter == nil {
		e.inbox.put(m)
		return
	}
	select {
	case waiter <- m:
	default: // a second reply: not our host
	}
}

func (e *execution) serve() {
	defer close(e.over)
	defer func() {
		if p := recover(); p != nil { // a fault of the engine: the realm cannot be trusted, not even to be closed
			e.report(result{Failure: &failure{Kind: KindCrashed, Code: "access_denied", Message: textCrashed}, Stuck: true})
		}
		e.w.mu.Lock()
		delete(e.w.runs, e.id)
		e.w.mu.Unlock()
		u := processUsage()
		done := message{Type: "done", Run: e.id, Usage: &u}
		if e.start.Record {
			done.Answers, done.Globals = e.answers, e.before
		}
		if e.w.send(done) != nil {
			_ = e.w.send(message{Type: "done", Run: e.id, Usage: &u})
		}
	}()
	r, makeUp, err := e.w.realm()
	e.makeUp = makeUp
	released := false
	defer func() {
		if !released {
			makeUp()
		}
	}()
	if err == nil && r.strayed && e.start.Record { // what was made ready has used time or chance that are not the run's
		r.close()
		r, err = newRealm(&e.w.room)
	}
	if err != nil {
		e.report(result{Failure: &failure{Kind: KindCrashed, Code: "access_denied", Message: textCrashed}})
		return
	}
	e.realm = r
	r.host, r.added = e.native, e.module
	r.vm.SetMemoryLimit(uintptr(e.start.Memory))
	e.mu.Lock()
	e.vm = r.vm
	e.mu.Unlock()
	if e.load() {
		e.loop()
	}
	e.w.remember(r)
	e.mu.Lock()
	e.vm = nil
	e.mu.Unlock()
	released = true
	e.w.release(r, makeUp)
}

// set gives the run its time and its random numbers.
func (e *execution) set() error {
	var seed [32]byte
	_, _ = hex.Decode(seed[:], []byte(e.start.Seed))
	e.chance = rand.NewChaCha8(seed)
	_, err := e.realm.do("time", float64(e.start.Clock), hex.EncodeToString(seed[:16]))
	return err
}

// load brings the rules and the input into the realm. It reports false when the run is over already.
func (e *execution) load() bool {
	codes := make([][]byte, len(e.start.Rules))
	for i, hash := range e.start.Rules {
		form := ""
		if i < len(e.start.Forms) {
			form = e.start.Forms[i]
		}
		code, err := e.w.script(e.realm.vm, hash, form)
		if err != nil {
			e.native("log", []any{"error", syntaxText(err), i}) //nolint:errcheck // a log line
			e.fail(failure{Rule: i, Kind: KindSyntax, Message: textLoading})
			return false
		}
		codes[i] = code
	}
	input, err := e.input()
	if err != nil {
		e.fail(failure{Kind: KindException, Message: textLoading})
		return false
	}
	e.before = e.start.Globals
	if !e.start.Repeat {
		e.w.mu.Lock()
		e.before = maps.Clone(e.w.globals)
		e.w.mu.Unlock()
	}
	kept := ""
	if len(e.before) > 0 {
		b, _ := json.Marshal(e.before)
		kept = string(b)
	}
	first, second := string(e.start.User), string(e.start.Context)
	if t := e.start.Trigger; t != nil {
		first, second = string(t.Event), ""
	}
	added := 0
	if !e.turn(func() error { // all in one turn: each costs
		err := e.set()
		if err == nil {
			err = e.evaluate(codes, &added)
		}
		if err != nil || added < len(codes) {
			return err
		}
		e.rule = 0
		_, err = e.realm.do("begin", string(input), kept, first, second)
		return err
	}) {
		return false
	}
	if added < len(codes) {
		e.fail(failure{Rule: added, Kind: KindException, Message: textLoading})
		return false
	}
	return true
}

// evaluate makes functions of compiled scripts and gives them to the realm, all at once: each way into it costs. It counts those that are functions,
// up to the first that is not.
func (e *execution) evaluate(codes [][]byte, added *int) error {
	values, arguments := make([]quickjs.Value, 0, len(codes)), make([]any, 0, len(codes))
	defer func() {
		for i := range values {
			values[i].Free()
		}
	}()
	for i, code := range codes {
		e.rule = i
		v, err := e.realm.vm.EvalBytecodeValue(code)
		if err != nil {
			return err
		}
		values, arguments = append(values, v), append(arguments, v)
	}
	n, err := e.realm.do("add", arguments...)
	*added = int(number(n))
	return err
}

// input is what the realm begins with.
func (e *execution) input() ([]byte, error) {
	if e.start.Trigger != nil {
		t := *e.start.Trigger
		t.Event = nil // given by itself
		return json.Marshal(map[string]any{"trigger": t})
	}
	if e.start.Call != nil {
		return json.Marshal(map[string]any{"call": e.start.Call, "configuration": e.start.Configuration})
	}
	return json.Marshal(map[string]any{
		"configuration": e.start.Configuration,
		"domain":        e.start.Domain, "baseUrl": e.start.BaseURL,
	})
}

// conclude sends the outcome that the realm has reported, after looking at what scripts left on `global`.
func (e *execution) conclude() {
	out := *e.outcome
	_ = e.realm.vm.SetEvalTimeout(time.Duration(e.start.CPU) * time.Millisecond)
	v, err := e.realm.do("globals")
	_ = e.realm.vm.SetEvalTimeout(0) // turns are on a leash
	if err == nil {
		after := make(map[string]json.RawMessage)
		if packed, _ := v.(string); packed != "" {
			_ = json.Unmarshal([]byte(packed), &after)
		}
		if !e.start.Repeat {
			e.w.keep(e.before, after)
		}
	}
	if until := time.Now().Add(grace); until.After(e.deadline) {
		e.deadline = until
	}
	e.end = max(e.end, e.ahead+grace.Microseconds())
	e.report(out)
}

func (e *execution) fail(f failure) {
	if f.Code == "" {
		f.Code = "access_denied"
	}
	e.report(result{Failure: &f, Timings: e.timings(f.Kind)})
}

// timings are those of a run that was ended from outside.
func (e *execution) timings(last string) []timing {
	var all []timing
	for i, began := range e.started {
		ended, outcome := time.Now(), last
		if i+1 < len(e.started) {
			ended, outcome = e.started[i+1], "continued"
		}
		all = append(all, timing{Rule: i, Began: began.Sub(e.started[0]).Microseconds(), Micros: ended.Sub(began).Microseconds(), Outcome: outcome})
	}
	return all
}

// report sends the outcome, once.
func (e *execution) report(out result) {
	if e.sent {
		return
	}
	e.sent, e.heard = true, time.Now()
	if err := e.w.send(message{Type: "outcome", Run: e.id, Outcome: &out}); err != nil {
		_ = e.w.send(message{Type: "outcome", Run: e.id, Outcome: &result{Failure: tooLarge()}})
	}
	if e.makeUp != nil && (e.realm == nil || e.realm.heap.kept == nil) {
		e.makeUp()
	}
}
