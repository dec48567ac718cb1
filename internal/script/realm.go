package script

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"modernc.org/quickjs"

	"github.com/stagedoor/stagedoor/internal/script/npm"
)

// The room's JavaScript. js/modules is for this runtime; js/net is also loaded by real Node; js/vendor is made by the command in bundle;
// js/node is the program of a worker of real Node, and what takes the place of files of js/modules there.
//
//go:embed js/boot/*.js js/modules/*.js js/net/*.js js/vendor/*.js js/triggers/*.js js/node/*.js js/node/modules/*.js
var sources embed.FS

// realm is one JavaScript world: a machine of its own with the script room in it. It serves one run, and is closed or, where it was kept before,
// made what it was then.
type realm struct {
	vm      *quickjs.VM
	heap    *heap
	enter   quickjs.Value
	host    func(op string, args []any) (any, error) // set before the run; answers native(op, ...)
	strayed bool                                     // modules that were made ready have used the time or random numbers
	drawn   bool                                     // they have used random numbers
	loaded  []string                                 // bundled modules in use
	ready   int                                      // how many of them were there before the run
	added   func(hash string) (string, error)        // set before the run; the text of a package that was added
	table   uint64                                   // which table of packages it was made with
}

// bytecode holds what has been compiled in this worker: the script room, its modules, and tenants' scripts.
type bytecode struct {
	mu   sync.Mutex
	code map[string][]byte
	busy map[string]chan struct{} // what is being compiled; closed when it has been

	table    string // packages that scripts may require, as JSON; empty: those that come with the program
	revision uint64 // of table
}

// compile returns the bytecode of source, kept under key; an empty key keeps nothing.
func (b *bytecode) compile(vm *quickjs.VM, key, source string) ([]byte, error) {
	if key == "" {
		return vm.Compile(source, quickjs.EvalGlobal)
	}
	for {
		b.mu.Lock()
		code, ok := b.code[key]
		other := b.busy[key]
		if !ok && other == nil {
			if b.busy == nil {
				b.busy = make(map[string]chan struct{})
			}
			b.busy[key] = make(chan struct{})
		}
		b.mu.Unlock()
		if ok {
			return code, nil
		}
		if other == nil {
			break
		}
		<-other // it is there in less time than it takes
	}
	var code []byte
	defer func() { // also when the engine has a fault: others wait
		b.mu.Lock()
		defer b.mu.Unlock()
		close(b.busy[key])
		delete(b.busy, key)
		if code == nil {
			return
		}
		if b.code == nil {
			b.code = make(map[string][]byte)
		}
		b.code[key] = code
	}()
	var err error
	code, err = vm.Compile(source, quickjs.EvalGlobal)
	return code, err
}

// module returns the bytecode of a bundled module: a function (module, exports, require, internal).
func (b *bytecode) module(vm *quickjs.VM, name string, added func(hash string) (string, error)) ([]byte, error) {
	if id, is := strings.CutPrefix(name, "npm:"); is {
		return b.bundle(vm, id, added)
	}
	file := "js/modules/" + strings.ReplaceAll(name, "/", "-") + ".js"
	if id, is := strings.CutPrefix(name, "trigger:"); is {
		file = "js/triggers/" + path.Base(id) + ".js"
	}
	if base, is := strings.CutPrefix(name, "vendor/"); is {
		file = "js/vendor/" + path.Base(base) + ".js"
	}
	text, err := sources.ReadFile(file)
	if err != nil {
		text, err = sources.ReadFile("js/net/" + strings.ReplaceAll(name, "/", "-") + ".js")
	}
	if err != nil {
		return nil, err
	}
	return b.compile(vm, "module "+name, "(function (module, exports, require, internal) {"+string(text)+"\n})")
}

// bundle returns the bytecode of a package of the npm registry: a function (module, exports, require).
func (b *bytecode) bundle(vm *quickjs.VM, id string, added func(hash string) (string, error)) ([]byte, error) {
	key := "npm:" + id
	b.mu.Lock()
	code, ok := b.code[key]
	b.mu.Unlock()
	if ok {
		return code, nil
	}
	source := npm.Source
	if hash, is := strings.CutPrefix(id, "+"); is {
		if added == nil {
			return nil, errors.New("no host")
		}
		source, id = added, hash
	}
	text, err := source(id)
	if err != nil {
		return nil, err
	}
	return b.compile(vm, key, "(function (module, exports, require) {"+text+"\n})")
}

// gcThreshold is how much a realm holds before cycles are first looked for, in bytes. Most runs end before that; what is in no cycle is
// freed at once anyway.
const gcThreshold = 8 << 20

// newRealm makes a realm that has seen no tenant.
func newRealm(b *bytecode) (*realm, error) {
	vm, heap, err := newMachine()
	if err != nil {
		return nil, err
	}
	vm.SetGCThreshold(gcThreshold)
	b.mu.Lock()
	r := &realm{vm: vm, heap: heap, table: b.revision}
	b.mu.Unlock()
	if err := r.boot(b); err != nil {
		_ = vm.Close()
		heap.close()
		return nil, fmt.Errorf("script: boot: %w", err)
	}
	return r, nil
}

// keep keeps the realm as it is, so that [realm.again] can make it that after each run. It keeps none that has used random numbers: no two runs
// may have the same.
func (r *realm) keep() {
	if !r.drawn && r.heap.keep() {
		r.ready = len(r.loaded)
	}
}

// again makes the realm what it was when it was kept. It reports false if it was not.
func (r *realm) again() bool {
	if r.heap.kept == nil {
		return false
	}
	r.heap.again()
	r.host, r.added, r.loaded = nil, nil, r.loaded[:r.ready:r.ready]
	return r.vm.SetEvalTimeout(0) == nil
}

// preloadMemory bounds what a realm holds, in bytes, when what other runs have required is made ready in it: so that no run lacks memory for
// the sake of others, the rest is loaded by whoever requires it.
const preloadMemory = 16 << 20

// preload loads modules before there is a run. It returns the name of one that could not be loaded or did not fit; then the realm is spoilt.
func (r *realm) preload(names string) (failed string) {
	r.host = func(op string, args []any) (any, error) { // what packages do while they are loaded needs no run
		r.drawn = r.drawn || op == "random"
		return compute(op, args)
	}
	r.vm.SetMemoryLimit(preloadMemory)
	out, err := r.do("preload", names)
	r.heap.rejections() // no run's
	if name, is := out.(string); is && err == nil {
		return name
	}
	if err != nil { // not even that could be said
		return names[strings.LastIndexByte(names, ' ')+1:]
	}
	taken := int(number(out))
	r.drawn = r.drawn || taken&2 != 0
	r.strayed, r.host = r.drawn || taken != 0, nil
	return ""
}

// lacksMemory tells of an error of the engine's compiler whether it ran out of memory: where there is none for an error that says so, it throws
// nothing at all.
func lacksMemory(err error) bool {
	var thrown *quickjs.Error
	nothing := errors.As(err, &thrown) && thrown.Name == ""
	return nothing || strings.Contains(err.Error(), "out of memory") || strings.Contains(err.Error(), "cannot write the bytecode")
}

func (r *realm) boot(b *bytecode) error {
	native := func(args []any) (any, error) {
		if len(args) == 0 {
			return nil, errors.New("no operation")
		}
		op, _ := args[0].(string)
		if op == "packages" {
			return b.packages(), nil
		}
		if r.host == nil {
			return nil, errors.New("no host")
		}
		return r.host(op, args[1:])
	}
	if err := r.vm.RegisterHostFunc("__native", native); err != nil {
		return err
	}
	load := func(name string) quickjs.Value {
		code, err := b.module(r.vm, name, r.added)
		var v quickjs.Value
		if err == nil {
			v, err = r.vm.EvalBytecodeValue(code)
		}
		if err != nil && lacksMemory(err) {
			return r.vm.NewInt(0) // see load1 in js/boot
		}
		if err != nil {
			if r.host != nil && strings.HasPrefix(name, "npm:") {
				_, _ = r.host("log", []any{"error", "A package could not be loaded: " + syntaxText(err), -1})
			}
			return quickjs.UndefinedValue
		}
		r.loaded = append(r.loaded, name)
		return v
	}
	if err := r.vm.RegisterFunc("__load", load, false); err != nil {
		return err
	}
	// import() gives what require does: the realm writes a module around it.
	imported := func(_ *quickjs.VM, name string) (string, error) {
		text, err := r.do("imported", name)
		if err != nil {
			return "", err
		}
		return text.(string), nil //nolint:errcheck // what it gives
	}
	asTold := func(_ *quickjs.VM, _, name string) (string, error) { return name, nil }
	r.vm.SetModuleLoader(imported, asTold)
	text, err := bootText()
	if err != nil {
		return err
	}
	code, err := b.compile(r.vm, "boot", text)
	if err != nil {
		return err
	}
	if r.enter, err = r.vm.EvalBytecodeValue(code); err == nil {
		_, err = r.do("notes")
	}
	return err
}

// bootText is the function that js/boot is.
var bootText = sync.OnceValues(func() (string, error) {
	parts, err := fs.Glob(sources, "js/boot/*.js") // in the order of their names
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("(function () {\n'use strict';\n")
	for _, part := range parts {
		text, err := sources.ReadFile(part)
		if err != nil {
			return "", err
		}
		b.Write(text)
	}
	b.WriteString("return enter;\n})()")
	return b.String(), nil
})

// do enters the realm.
func (r *realm) do(op string, args ...any) (any, error) {
	return r.enter.Call(quickjs.UndefinedValue, append([]any{op}, args...)...)
}

func (r *realm) close() {
	r.enter.Free()
	_ = r.vm.Close()
	r.heap.close()
}
