package script

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
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
	pending  int             // calls without an answer in ready
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
	makeUp   func() // asks for another spare realm, once
}

func newExecution(w *worker, id uint64, s start) *execution {
	now, wall := time.Now(), time.Duration(s.Wall)*time.Millisecond
	end := wall.Microseconds()
	if s.Repeat { // it ends by its own time; the machine may be slower this time
		wall, s.CPU = patience*wall, patience*s.CPU
	}
	return &execution{
		w: w, id: id, start: s, inbox: newInbox(), stopped: make(chan struct{}),
		reads: make(map[uint64]bool), over: make(chan struct{}), atWork: make(chan struct{}, 2),
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
	e.makeUp = sync.OnceFunc(makeUp)
	defer e.makeUp()
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
	if e.set() && e.load() {
		e.loop()
	}
	e.w.remember(r)
	e.mu.Lock()
	e.vm = nil
	e.mu.Unlock()
	r.close()
}

// set gives the run its time and its random numbers.
func (e *execution) set() bool {
	var seed [32]byte
	_, _ = hex.Decode(seed[:], []byte(e.start.Seed))
	e.chance = rand.NewChaCha8(seed)
	return e.turn(func() error {
		_, err := e.realm.do("time", float64(e.start.Clock), hex.EncodeToString(seed[:16]))
		return err
	})
}

// load brings the rules and the input into the realm. It reports false when the run is over already.
func (e *execution) load() bool {
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
		ok := false
		alive := e.turn(func() error {
			v, err := e.realm.vm.EvalBytecodeValue(code)
			if err != nil {
				return err
			}
			added, err := e.realm.do("add", v)
			v.Free()
			ok, _ = added.(bool)
			return err
		})
		if alive && !ok {
			e.fail(failure{Rule: i, Kind: KindException, Message: textLoading})
		}
		if !alive || !ok {
			return false
		}
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
	return e.turn(func() error {
		_, err := e.realm.do("begin", string(input), kept)
		return err
	})
}

// input is what the realm begins with.
func (e *execution) input() ([]byte, error) {
	if e.start.Trigger != nil {
		return json.Marshal(map[string]any{"trigger": e.start.Trigger})
	}
	if e.start.Call != nil {
		return json.Marshal(map[string]any{"call": e.start.Call, "configuration": e.start.Configuration})
	}
	return json.Marshal(map[string]any{
		"user": e.start.User, "context": e.start.Context, "configuration": e.start.Configuration,
		"domain": e.start.Domain, "baseUrl": e.start.BaseURL,
	})
}

// loop is the event loop: one thing that is due at a time, and all promise jobs after each. What is due has a time, microseconds since the
// run began: a timer its own, an answer the one at which it was seen. The order is that of the times, timers first, and scripts take
// the time of what happened last for the time. So a run that is repeated goes the same way.
func (e *execution) loop() {
	for {
		until, ok := e.collect()
		if !ok {
			return
		}
		next := 0.0
		alive := e.turn(func() (err error) {
			v, err := e.realm.do("tick", until...)
			next = number(v)
			return err
		})
		if !alive {
			return
		}
		if e.outcome != nil && !e.sent {
			e.conclude()
		}
		if next == 0 {
			if !time.Now().Before(e.deadline) {
				e.fail(failure{Rule: e.rule, Kind: KindTimeout, Message: textTimeout})
				return
			}
			continue
		}
		if len(e.ready) > 0 {
			m := e.ready[0]
			e.ready = e.ready[1:]
			if !e.turn(func() error { return e.settle(m) }) {
				return
			}
			continue
		}
		if next < 0 && e.pending == 0 || e.start.Repeat {
			if !e.sent { // nothing is left that could call back: what would only run into the time limit ends here
				e.fail(failure{Rule: e.rule, Kind: KindTimeout, Message: textTimeout})
			}
			return
		}
		if !e.wait(next) {
			return
		}
	}
}

// collect gives the answers that have come their times. Until is the time of the next one, nothing if there is none: then timers are due when
// it is their time. It reports false when the run is over.
func (e *execution) collect() (until []any, ok bool) {
	if e.start.Repeat {
		return e.collectRepeated()
	}
	for {
		m, ok := e.inbox.take()
		if !ok {
			break
		}
		if !e.arrived(m) {
			return nil, false
		}
	}
	if len(e.ready) > 0 {
		return []any{float64(e.ready[0].At)}, true
	}
	return nil, true
}

// arrived puts an answer behind those that came before it, and behind all timers that have been due.
func (e *execution) arrived(m message) bool {
	e.settled(m)
	e.heard = time.Now()
	alive := e.turn(func() error {
		v, err := e.realm.do("horizon", float64(time.Since(e.born).Microseconds()))
		m.At = int64(number(v)) + 1
		return err
	})
	if n := len(e.ready); n > 0 {
		m.At = max(m.At, e.ready[n-1].At+1)
	}
	e.ready = append(e.ready, m)
	if e.start.Record {
		e.answers = append(e.answers, [2]int64{int64(m.Call), m.At})
	}
	return alive
}

// settled counts an answer.
func (e *execution) settled(m message) {
	e.pending--
	delete(e.reads, m.Call)
	if m.Call > firstWork {
		e.working--
	}
}

// collectRepeated waits for the answers to all calls: each comes with the time at which the run that is repeated got it.
func (e *execution) collectRepeated() (until []any, ok bool) {
	timer := time.NewTimer(time.Until(e.deadline))
	defer timer.Stop()
	for e.pending > 0 {
		select {
		case <-e.inbox.wake:
			m, ok := e.inbox.take()
			if !ok {
				continue
			}
			e.settled(m)
			if m.Call > firstWork { // what the worker works out by itself has its time from the recorded run too
				m.At = -1
				for _, a := range e.start.Answers {
					if a[0] == int64(m.Call) {
						m.At = a[1]
					}
				}
			}
			if m.At < 0 {
				continue
			}
			m.At = max(m.At, e.ahead+1)
			at, _ := slices.BinarySearchFunc(e.ready, m.At+1, func(m message, at int64) int { return cmp.Compare(m.At, at) })
			e.ready = slices.Insert(e.ready, at, m)
		case <-e.stopped:
			return nil, false
		case <-timer.C:
			e.fail(failure{Rule: e.rule, Kind: KindTimeout, Message: textTimeout})
			return nil, false
		}
	}
	if len(e.ready) > 0 {
		return []any{float64(e.ready[0].At)}, true
	}
	return []any{float64(e.end)}, true
}

// wait waits until something is due, next at the latest if it is a time. It reports false when the run is over.
func (e *execution) wait(next float64) bool {
	wait := time.Until(e.deadline)
	if next > 0 {
		wait = min(wait, time.Duration(next)*time.Microsecond)
	}
	idle := e.idle(next)
	if idle {
		wait = min(wait, time.Until(e.heard.Add(idleSockets)))
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-e.inbox.wake:
		if m, ok := e.inbox.take(); ok {
			return e.arrived(m)
		}
	case <-timer.C:
		if idle && time.Since(e.heard) >= idleSockets {
			return false
		}
		if !time.Now().Before(e.deadline) {
			e.fail(failure{Rule: e.rule, Kind: KindTimeout, Message: textTimeout})
			return false
		}
	case <-e.stopped:
		return false
	}
	return true
}

// idleSockets is how long connections that scripts left open may be silent after the outcome.
const idleSockets = time.Second

// idle tells that the login has its outcome and nothing is waited for but what may come over connections: most scripts leave theirs open.
// next is what the realm says about its timers; those of pools are for later than the run lasts.
func (e *execution) idle(next float64) bool {
	if !e.sent || len(e.reads) == 0 || e.pending > len(e.reads) {
		return false
	}
	return next < 0 || time.Now().Add(time.Duration(next)*time.Microsecond).After(e.deadline)
}

func (e *execution) settle(m message) error {
	failed, body := m.Error != nil, string(m.Result)
	if failed {
		b, _ := json.Marshal(m.Error)
		body = string(b)
	}
	if body == "" {
		body = "null"
	}
	_, err := e.realm.do("settle", float64(m.Call), failed, body, float64(m.At))
	return err
}

// turn enters the realm once and runs the promise jobs that came of it, within the time that a script may hold the event loop. It reports
// false when the run is over.
func (e *execution) turn(enter func() error) bool {
	began := time.Now()
	budget := time.Duration(e.start.CPU) * time.Millisecond
	last := false
	if left := e.deadline.Sub(began); left < budget {
		budget, last = max(left, time.Millisecond), true
	}
	watchdog := time.AfterFunc(budget+stuckAfter, func() { e.stuck(last) })
	_ = e.realm.vm.SetEvalTimeout(budget)
	err := enter()
	for err == nil {
		left := budget - time.Since(began)
		if left <= 0 {
			break
		}
		_ = e.realm.vm.SetEvalTimeout(left)
		n, jobErr := e.realm.vm.ExecutePendingJobs()
		if jobErr == nil && e.ticks {
			e.ticks = false
			_, err = e.realm.do("drain")
			continue
		}
		if jobErr == nil {
			break
		}
		if n == 0 || strings.Contains(jobErr.Error(), "out of memory") {
			err = jobErr
		}
	}
	watchdog.Stop()
	select {
	case <-e.stopped:
		return false
	default:
	}
	switch {
	case time.Since(began) >= budget && last:
		e.fail(failure{Rule: e.rule, Kind: KindTimeout, Message: textTimeout})
	case time.Since(began) >= budget:
		e.fail(failure{Rule: e.rule, Kind: KindTimeout, Message: textBlocked})
	case err != nil && strings.Contains(err.Error(), "out of memory"):
		e.fail(failure{Rule: e.rule, Kind: KindMemory, Message: textMemory})
	case err != nil:
		_ = e.log([]any{"error", "The script could not go on: " + err.Error(), e.rule})
		e.fail(failure{Rule: e.rule, Kind: KindException, Message: textLoading})
	default:
		return true
	}
	return false
}

// stuck reports a run that does not heed its interruption, from the watchdog's goroutine. The goroutine that runs it is lost, and with
// it a processor: the worker says that it takes no more runs, so that the host ends it once the others are done.
func (e *execution) stuck(last bool) {
	text := textBlocked
	if last {
		text = textTimeout
	}
	_ = e.w.send(message{Type: "outcome", Run: e.id, Outcome: &result{
		Failure: &failure{Kind: KindTimeout, Code: "access_denied", Message: text}, Stuck: true,
	}})
}

// conclude sends the outcome that the realm has reported, after looking at what scripts left on `global`.
func (e *execution) conclude() {
	out := *e.outcome
	_ = e.realm.vm.SetEvalTimeout(time.Duration(e.start.CPU) * time.Millisecond)
	if v, err := e.realm.do("globals"); err == nil {
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
		f := failure{Kind: KindException, Code: "access_denied", Message: "The result of the rules is too large"}
		_ = e.w.send(message{Type: "outcome", Run: e.id, Outcome: &result{Failure: &f}})
	}
	if e.makeUp != nil {
		e.makeUp()
	}
}

// native answers the realm, on the run's goroutine.
func (e *execution) native(op string, args []any) (any, error) {
	switch op {
	case "now":
		return float64(time.Since(processStart).Nanoseconds()) / 1000, nil
	case "rule":
		if len(args) > 0 {
			e.rule = int(number(args[0]))
			e.started = append(e.started, time.Now())
		}
		return nil, nil
	case "at":
		if len(args) > 0 {
			e.ahead = int64(number(args[0]))
		}
		return nil, nil
	case "random":
		return base64.StdEncoding.EncodeToString(randomBytes(args, e.chance)), nil
	case "ticks":
		e.ticks = true
		return nil, nil
	case "log":
		return nil, e.log(args)
	case "outcome":
		return nil, e.take(args)
	case "call":
		if len(args) < 2 {
			return nil, errors.New("call: two arguments")
		}
		method, _ := args[0].(string)
		params, _ := args[1].(string)
		id, err := e.ask(method, params, nil)
		if err == nil {
			e.pending++
		}
		return float64(id), err
	case "token":
		return e.token()
	case "work":
		return e.work(args)
	}
	if strings.HasPrefix(op, "cipher") {
		return operate(func(o operands) (any, error) { return e.ciphers.do(op, o) }, args), nil
	}
	return compute(op, args)
}

// maxWorks is how many operations a run may have under way at a time.
const maxWorks = 256

// work lets an operation be worked out beside the event loop; the realm is told as if a call was answered.
func (e *execution) work(args []any) (any, error) {
	name := operands(args).text(0)
	op := operations[name]
	if op == nil {
		return nil, fmt.Errorf("unknown operation %q", name)
	}
	if e.working >= maxWorks {
		return nil, errors.New("too many operations at a time")
	}
	e.pending++
	e.working++
	e.works++
	id := firstWork + e.works
	go func() {
		select {
		case e.atWork <- struct{}{}:
		case <-e.over:
			return
		}
		out := operate(op, args[1:])
		<-e.atWork
		m := message{Call: id}
		m.Result, _ = json.Marshal(out)
		e.inbox.put(m)
	}()
	return float64(id), nil
}

// maxAsked is how many calls beyond those that are counted may be under way at a time.
const maxAsked = 256

// firstWork sets the numbers of operations apart from those of calls.
const firstWork = 1 << 40

func (e *execution) ask(method, params string, waiter chan message) (uint64, error) {
	if !isSocketCall(method) || counted[method] {
		if e.calls >= e.start.Calls {
			return 0, fmt.Errorf("too many outgoing calls: %d are allowed", e.start.Calls)
		}
		e.calls++
	}
	if e.pending > e.start.Calls+maxAsked {
		return 0, errors.New("too many calls at a time")
	}
	e.asked++
	id := e.asked
	if method == "read" {
		e.reads[id] = true
	}
	if waiter != nil {
		e.mu.Lock()
		e.waiters[id] = waiter
		e.mu.Unlock()
	}
	m := message{Type: "call", Run: e.id, Call: id, Method: method}
	if params != "" {
		m.Params = json.RawMessage(params)
	}
	return id, e.w.send(m)
}

// token waits for the access token: scripts read it as a plain property.
func (e *execution) token() (any, error) {
	s, err := e.text("token", "")
	if err != nil || s == nil {
		return quickjs.Undefined{}, err
	}
	return *s, nil
}

// module waits for the text of a package that was added: scripts require it as what is there.
func (e *execution) module(hash string) (string, error) {
	params, err := json.Marshal(moduleCall{hash})
	if err != nil {
		return "", err
	}
	s, err := e.text("module", string(params))
	if err != nil {
		return "", err
	}
	if s == nil {
		return "", errors.New("no text")
	}
	return *s, nil
}

// text asks the server for a text and waits for it, with the event loop standing.
func (e *execution) text(method, params string) (*string, error) {
	waiter := make(chan message, 1)
	if _, err := e.ask(method, params, waiter); err != nil {
		return nil, err
	}
	timer := time.NewTimer(time.Until(e.deadline))
	defer timer.Stop()
	select {
	case m := <-waiter:
		if m.Error != nil {
			return nil, errors.New(m.Error.Message)
		}
		var s *string
		return s, json.Unmarshal(m.Result, &s)
	case <-e.stopped:
	case <-timer.C:
	}
	return nil, errors.New("no answer")
}

func (e *execution) log(args []any) error {
	if len(args) < 3 || e.logged > e.start.LogBytes {
		return nil
	}
	level, _ := args[0].(string)
	text, _ := args[1].(string)
	e.logged += len(text) + 16
	if e.logged > e.start.LogBytes {
		level, text = "warn", "more console output than is kept"
	}
	return e.w.send(message{Type: "log", Run: e.id, Level: level, Text: text, Rule: int(number(args[2]))})
}

// take keeps the outcome that the realm reports; the loop sends it.
func (e *execution) take(args []any) error {
	if len(args) < 1 || e.outcome != nil {
		return nil
	}
	text, _ := args[0].(string)
	var r struct {
		User, Context *string
		Effects       *effects
		Value         *string
		Merged        []string
		Failure       *failure
		Timings       []timing
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return err
	}
	out := &result{Merged: r.Merged, Failure: r.Failure, Timings: r.Timings}
	if f := out.Failure; f != nil && f.Nothing { // an engine without memory even for the error throws null; so may a script, but hardly does
		f.Kind, f.Name, f.Nothing = KindMemory, "InternalError", false
	}
	if out.Failure != nil && out.Failure.Kind == KindMemory {
		out.Failure.Message = textMemory
	}
	if e.start.Trigger != nil {
		if out.Failure == nil {
			out.Effects = r.Effects
		}
		e.outcome = out
		return nil
	}
	if e.start.Call != nil {
		if out.Failure == nil && r.Value != nil {
			out.Value = json.RawMessage(*r.Value)
		}
		e.outcome = out
		return nil
	}
	if out.Failure == nil && (r.User == nil || r.Context == nil || (*r.User)[0] != '{' || (*r.Context)[0] != '{') {
		out.Failure = &failure{Rule: len(e.start.Rules) - 1, Kind: KindException, Code: "access_denied", Message: "user and context must be objects"}
	}
	if out.Failure == nil {
		out.User, out.Context = json.RawMessage(*r.User), json.RawMessage(*r.Context)
	}
	e.outcome = out
	return nil
}

func number(v any) float64 {
	switch v := v.(type) {
	case int:
		return float64(v)
	case float64:
		return v
	}
	return 0
}
