package script

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/quickjs"
)

// WorkerArgument is the one argument of a process that is a worker.
const WorkerArgument = "script-worker"

// Serve makes the process a worker if it was started as one: it serves until its orders end, then the process ends. Otherwise it does
// nothing. Programs that start a [Host] without [Config.Command] call it first.
func Serve() {
	if len(os.Args) != 2 || os.Args[1] != WorkerArgument {
		return
	}
	if err := WorkerMain(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// WorkerMain is the body of `stagedoor script-worker`: it serves the protocol on in and out until in ends. When in is the process's own
// stdin, the process first gives up what no script needs.
func WorkerMain(ctx context.Context, in io.Reader, out io.Writer) error {
	if in == os.Stdin {
		if err := confine(); err != nil {
			return fmt.Errorf("script worker: confine: %w", err)
		}
		if err := become(); err != nil {
			return fmt.Errorf("script worker: %w", err)
		}
		debug.SetMemoryLimit(processMemory / 4)
		debug.SetGCPercent(50)
		long.processors = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := &worker{out: out, runs: make(map[uint64]*execution), spares: make(chan *realm, spareRealms), taken: make(chan struct{}, spareRealms), end: cancel}
	for range spareRealms - 1 {
		w.taken <- struct{}{}
	}
	w.reset()
	go w.prepare(ctx)
	go w.foresee(ctx)
	go w.rest(ctx)
	w.frames = bufio.NewReaderSize(in, 64<<10)
	go w.lane()
	<-ctx.Done()
	w.reading.Lock()
	defer w.reading.Unlock()
	if errors.Is(w.broken, io.EOF) {
		return nil
	}
	return fmt.Errorf("script worker: read: %w", w.broken)
}

// spareRealms is how many realms a worker holds ready, about 400 KB each, and as much again for what they are after a run.
const spareRealms = 2

// worker is the state of a worker process. Everything but the spare realms belongs to one tenant.
type worker struct {
	outMu sync.Mutex
	out   io.Writer

	room   bytecode    // the script room and its modules
	spares chan *realm // realms that have seen no tenant, or are as if they had not
	taken  chan struct{}

	reading sync.Mutex // the lane that reads frames has it
	frames  *bufio.Reader
	broken  error        // why there are no more
	free    atomic.Int32 // lanes that wait for their turn to read
	end     func()       // called then

	mu      sync.Mutex
	runs    map[uint64]*execution
	begun   uint64                     // runs, ever
	sources map[string]string          // scripts by hash
	scripts *bytecode                  // their bytecode
	globals map[string]json.RawMessage // what scripts left on `global`, packed
	modules []string                   // modules that runs have loaded: the next spare realm has them ready
	skipped map[string]bool            // of these, what was not to be had ready
}

func (w *worker) send(m message) error {
	frame, err := appendFrame(nil, m)
	if err != nil {
		return err
	}
	w.outMu.Lock()
	defer w.outMu.Unlock()
	_, err = w.out.Write(frame)
	return err
}

// reset forgets the tenant.
func (w *worker) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sources, w.scripts = make(map[string]string), new(bytecode)
	w.globals, w.modules, w.skipped = make(map[string]json.RawMessage), nil, make(map[string]bool)
}

// handle does what a frame says. It returns the run that one begins: the caller serves it.
func (w *worker) handle(m message) *execution {
	switch m.Type {
	case "reset":
		w.reset()
	case "load":
		w.mu.Lock()
		w.sources[m.Hash] = m.Source
		w.mu.Unlock()
	case "modules":
		w.room.offer(m.Table)
	case "run":
		if m.Start == nil {
			return nil
		}
		e := newExecution(w, m.Run, *m.Start)
		w.mu.Lock()
		w.runs[m.Run] = e
		w.begun++
		w.mu.Unlock()
		return e
	case "check":
		go w.check(m)
	case "reply", "cancel":
		w.mu.Lock()
		e := w.runs[m.Run]
		w.mu.Unlock()
		if e == nil {
			return nil
		}
		if m.Type == "cancel" {
			e.cancel()
		} else {
			e.reply(m)
		}
	}
	return nil
}

// lane reads frames until one begins a run, and serves it while another lane reads on: so the run goes to no other goroutine first. The engine wants
// much of a stack, which grows by being copied: it is kept for the lane's next run.
func (w *worker) lane() {
	for {
		w.free.Add(1)
		w.reading.Lock()
		var e *execution
		for e == nil && w.broken == nil {
			var m message
			if m, w.broken = readFrame(w.frames); w.broken == nil {
				e = w.handle(m)
			}
		}
		if e == nil {
			w.reading.Unlock()
			w.end()
			return
		}
		if w.free.Add(-1) == 0 {
			go w.lane()
		}
		w.reading.Unlock()
		e.serve()
	}
}

// prepareAgain is after how long a realm is made again that could not be.
const prepareAgain = time.Second

// prepare keeps realms ready, so that a run does not wait for one. Those that cannot be used again are made up for when the run that took them has
// its outcome, and not before: the processors are the run's.
func (w *worker) prepare(ctx context.Context) {
	for {
		r, err := newRealm(&w.room)
		if err != nil { // there is no memory now; takers make their own and report why it fails
			select {
			case <-time.After(prepareAgain):
				continue
			case <-ctx.Done():
				return
			}
		}
		w.mu.Lock()
		modules := strings.Join(w.modules, " ")
		w.mu.Unlock()
		if modules != "" {
			if failed := r.preload(modules); failed != "" {
				r.close()
				w.skip(failed)
				continue
			}
		}
		if r.keep(); r.heap.kept != nil && modules != "" {
			debug.FreeOSMemory() // making it ready took more than it holds, and is not done again soon
		}
		w.spares <- r
		select {
		case <-w.taken:
		case <-ctx.Done():
			return
		}
	}
}

// foreseen are packages that scripts require more than others. They are compiled before anybody does, when the worker has nothing else to do: that
// is most of what the first run of a new script would wait for.
var foreseen = []string{"lodash", "moment", "request"}

// foresee compiles them, and what they require, in a realm that sees no tenant.
func (w *worker) foresee(ctx context.Context) {
	var modules []string
	for _, name := range foreseen {
		if at := slices.IndexFunc(shipped(), func(r row) bool { return r.Name == name }); at >= 0 {
			modules = append(modules, shipped()[at].Module)
		}
	}
	if !w.quiet(ctx) {
		return
	}
	r, err := newRealm(&w.room)
	if err != nil {
		return
	}
	defer debug.FreeOSMemory() // of what compiling took
	defer r.close()
	for _, name := range modules {
		if !w.quiet(ctx) || r.preload(name) != "" {
			return
		}
	}
}

// quietPause is how often a worker looks whether it has nothing to do.
const quietPause = 5 * time.Millisecond

// quiet waits until there are realms in stock and no runs. It reports false when the worker ends.
func (w *worker) quiet(ctx context.Context) bool {
	for {
		w.mu.Lock()
		busy := len(w.runs) > 0
		w.mu.Unlock()
		if !busy && len(w.spares) == cap(w.spares) {
			return true
		}
		select {
		case <-time.After(quietPause):
		case <-ctx.Done():
			return false
		}
	}
}

// realm takes a realm; release must follow. The taker calls makeUp when it is a good time to prepare another in its place.
func (w *worker) realm() (r *realm, makeUp func(), err error) {
	select {
	case r := <-w.spares:
		makeUp = sync.OnceFunc(func() { w.taken <- struct{}{} })
		if w.room.current(r) {
			return r, makeUp, nil
		}
		r.close() // it was made before the table of packages changed
		r, err := newRealm(&w.room)
		return r, makeUp, err
	default:
		r, err := newRealm(&w.room)
		return r, func() {}, err
	}
}

// release puts a realm back into the stock, as it was before, or closes it and has it made up for.
func (w *worker) release(r *realm, makeUp func()) {
	if w.suits(r) && r.again() {
		w.spares <- r // where it was: only those of the stock are kept
		return
	}
	r.close()
	makeUp()
}

// suits tells whether a realm has ready what the tenant's runs load, and nothing else.
func (w *worker) suits(r *realm) bool {
	if r.heap.kept == nil || !w.room.current(r) {
		return false
	}
	ready := r.loaded[:r.ready]
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range w.modules {
		if !slices.Contains(ready, name) {
			return false
		}
	}
	for _, name := range ready {
		if !slices.Contains(w.modules, name) {
			return false
		}
	}
	return true
}

// skip leaves a module to whoever requires it.
func (w *worker) skip(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.modules = slices.DeleteFunc(w.modules, func(other string) bool { return other == name })
	w.skipped[name] = true
}

// remember notes which modules a run used.
func (w *worker) remember(r *realm) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range r.loaded {
		if !w.skipped[name] && !slices.Contains(w.modules, name) {
			w.modules = append(w.modules, name)
		}
	}
}

// script returns the bytecode of a loaded script.
func (w *worker) script(vm *quickjs.VM, hash, form string) ([]byte, error) {
	w.mu.Lock()
	source, ok := w.sources[hash]
	scripts := w.scripts
	w.mu.Unlock()
	if !ok {
		return nil, errors.New("script was not loaded")
	}
	return compile(scripts, vm, form, hash, source)
}

// compile compiles a script in its form; an empty key keeps nothing.
func compile(b *bytecode, vm *quickjs.VM, form, key, source string) ([]byte, error) {
	if key != "" && form != "" {
		key = form + " " + key
	}
	switch form {
	case formCall:
		return compileCall(b, vm, key, source)
	case formModule:
		return compileModule(b, vm, key, "exports, require, module", source)
	case formShared:
		return compileModule(b, vm, key, "exports, require, module, actions", source)
	case formHook:
		source = strings.TrimPrefix(source, "\ufeff")
		code, err := b.compile(vm, key, "(function (exports, require, module) { module.exports = ("+source+"\n) })")
		if err == nil {
			return code, nil
		}
		return compileModule(b, vm, key, "exports, require, module", source)
	}
	return compileScript(b, vm, key, source)
}

// compileModule compiles the body of a CommonJS module into a function that takes what Node gives it.
func compileModule(b *bytecode, vm *quickjs.VM, key, parameters, source string) ([]byte, error) {
	return b.compile(vm, key, "(function ("+parameters+") {"+strings.TrimPrefix(source, "\ufeff")+"\n})")
}

// compileScript compiles a function expression in the two forms that occur: as it should be, and followed by semicolons.
func compileScript(b *bytecode, vm *quickjs.VM, key, source string) ([]byte, error) {
	source = strings.TrimPrefix(source, "\ufeff")
	code, err := b.compile(vm, key, "("+source+"\n)")
	if err == nil {
		return code, nil
	}
	if code, again := b.compile(vm, key, "0,"+source+"\n"); again == nil {
		return code, nil
	}
	return nil, err
}

// check compiles a script and runs nothing.
func (w *worker) check(m message) {
	answer := message{Type: "checked", Run: m.Run}
	r, makeUp, err := w.realm()
	if err == nil {
		r.host = compute
		_, err = compile(new(bytecode), r.vm, m.Form, "", m.Source)
		for _, name := range m.Modules {
			if why, _ := r.do("lacks", name); why != "" {
				text, _ := why.(string)
				answer.Modules = append(answer.Modules, cmp.Or(text, "Cannot find module '"+name+"'"))
			}
		}
		w.release(r, makeUp)
	} else {
		makeUp()
	}
	if err != nil {
		answer.Text = syntaxText(err)
	}
	_ = w.send(answer)
}

func syntaxText(err error) string {
	var e *quickjs.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	if e.LineNumber > 0 {
		return fmt.Sprintf("%s: %s (line %d)", e.Name, e.Message, e.LineNumber)
	}
	return e.Name + ": " + e.Message
}

// keep merges what a run left on `global` into what the tenant's next runs see: only what differs from what the run began with.
func (w *worker) keep(before, after map[string]json.RawMessage) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, value := range after {
		if string(before[name]) != string(value) {
			w.globals[name] = value
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			delete(w.globals, name)
		}
	}
	size := 0
	for name, value := range w.globals {
		size += len(name) + len(value)
	}
	if size > maxGlobals {
		w.globals = make(map[string]json.RawMessage)
	}
}

// maxGlobals bounds what is kept between runs, in bytes of its packed form; a tenant that keeps more begins anew.
const maxGlobals = 4 << 20
