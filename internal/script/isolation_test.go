package script

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unsafe"

	lib "modernc.org/libquickjs"
	"modernc.org/quickjs"
)

// fingerprint tells of all that a script can reach: objects and their prototypes, properties and what these hold. Names are paths, in the order in
// which they are found.
const fingerprint = `function (user, context, callback) {
	const lines = [], seen = new Map(), queue = [];
	const visit = (name, value) => {
		if (value === null || typeof value !== 'object' && typeof value !== 'function') return typeof value === 'symbol' ? value.toString() : typeof value + ' ' + String(value);
		if (!seen.has(value)) { seen.set(value, name); queue.push([name, value]); }
		return 'is ' + seen.get(value);
	};
	visit('globalThis', globalThis);
	for (const name of ['crypto', 'util', 'url', 'buffer', 'stream', 'querystring', 'request']) visit('module ' + name, require(name));
	visit('iterator', [][Symbol.iterator]().__proto__);
	visit('regexp iterator', 'a'.matchAll(/a/g).__proto__);
	visit('async', (async function () {}).__proto__);
	visit('generator', (function* () {}).__proto__);
	visit('async generator', (async function* () {}).__proto__);
	while (queue.length > 0) {
		const [name, object] = queue.shift();
		lines.push(name + ' extends ' + visit('prototype of ' + name, Reflect.getPrototypeOf(object)) + ', extensible ' + Reflect.isExtensible(object));
		for (const key of Reflect.ownKeys(object)) {
			const d = Reflect.getOwnPropertyDescriptor(object, key), path = name + ' . ' + String(key);
			const flags = [d.writable, d.enumerable, d.configurable].join();
			if ('value' in d) lines.push(path + ' ' + flags + ' ' + visit(path, d.value));
			else lines.push(path + ' ' + flags + ' get ' + visit('get ' + path, d.get) + ' set ' + visit('set ' + path, d.set));
		}
	}
	user.count = lines.length;
	user.world = require('crypto').createHash('sha256').update(lines.join('\n')).digest('hex');
	user.odd = [RegExp.$1, RegExp.lastMatch, RegExp.input, /a/g.lastIndex, [].evil, ({}).evil, (() => 0).evil, typeof evil].map(String);
	user.now = [Date.now(), new Date(0).getTimezoneOffset(), process.uptime === undefined];
	user.chance = [Math.random(), Math.random(), crypto.randomUUID(), require('crypto').randomBytes(16).toString('hex')];
	callback(null, user, context);
}`

// sabotage does to all of that whatever can be done.
const sabotage = `
	const own = Reflect.ownKeys, describe = Reflect.getOwnPropertyDescriptor, define = Reflect.defineProperty, proto = Reflect.getPrototypeOf, setProto = Reflect.setPrototypeOf, stop = Reflect.preventExtensions;
	const seen = new Set(), list = [], has = seen.has.bind(seen), add = seen.add.bind(seen), push = list.push.bind(list), isArray = Array.isArray, call = Reflect.apply, then = Promise.prototype.then;
	const timer = setTimeout, loop = setInterval, job = Promise.resolve(1);
	const visit = value => { if ((typeof value === 'object' && value !== null || typeof value === 'function') && !has(value)) { add(value); push(value); } };
	visit(globalThis); visit(require('crypto')); visit(require('request')); visit(require('util')); visit([][Symbol.iterator]().__proto__); visit((async function* () {}).__proto__);
	for (let i = 0; i < list.length; i++) {
		visit(proto(list[i]));
		for (const key of own(list[i])) { const d = describe(list[i], key); visit(d.value); visit(d.get); visit(d.set); }
	}
	/(left)/.exec('left'); Symbol.for('left'); globalThis.weak = new WeakRef(list);
	new FinalizationRegistry(() => { globalThis.final = 1; }).register({}, 1);
	timer(() => { globalThis.late = 1; }, 5000); loop(() => { globalThis.later = 1; }, 5000);
	call(then, job, [() => { globalThis.soon = 1; }]);
	for (let i = 0; i < 9; i++) Math.random();
	eval('var left = 1; function leftToo() {}'); new Function('globalThis.leftAgain = 1')();
	const evil = function () { return 'evil'; }, silent = f => { try { return f(); } catch (e) { } };
	for (let i = list.length - 1; i >= 0; i--) {
		const object = list[i];
		if (object === callback || object === user || object === context) continue;
		silent(() => define(object, 'evil', {value: 'evil', configurable: true}));
		const keys = own(object);
		for (let j = 0; j < keys.length; j++) { // nothing that is destroyed already
			const key = keys[j], d = silent(() => describe(object, key));
			if (d && d.configurable) silent(() => i % 3 ? define(object, key, {get: evil, configurable: true}) : delete object[key]);
			else if (d && d.writable) silent(() => { object[key] = evil; });
		}
		if (i % 2) silent(() => setProto(object, null));
		silent(() => stop(object));
	}
`

// Nothing that one run leaves can be seen by the next, however it ended: the same realm serves both, and the world is what it was, to the last
// property; but random numbers are others.
func TestNoRunSeesAnother(t *testing.T) {
	if slowEngine {
		t.Skip("the race detector does not see the engine's memory, and makes it slow")
	}
	var b bytecode
	r, err := newRealm(&b)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	var modules []string
	w := &worker{out: &out, runs: map[uint64]*execution{}, spares: make(chan *realm, 1), taken: make(chan struct{}, 100)}
	run := func(source string, wall, cpu int64) result {
		t.Helper()
		w.reset()
		w.modules = modules
		w.sources["h"] = source
		w.spares <- r
		out.Reset()
		newExecution(w, 1, start{
			Rules: []string{"h"}, User: json.RawMessage(`{}`), Context: json.RawMessage(`{}`), Clock: 1e12, Seed: newSeed(),
			Wall: wall, CPU: cpu, Memory: 32 << 20, Calls: 1, LogBytes: 1 << 20,
		}).serve()
		modules = w.modules
		select {
		case again := <-w.spares:
			if again != r {
				t.Fatal("another realm")
			}
		default:
			if r.heap.kept != nil {
				t.Fatal("the realm was not used again")
			}
		}
		frames := bufio.NewReader(&out)
		for {
			m, err := readFrame(frames)
			if errors.Is(err, io.EOF) {
				t.Fatal("no outcome")
			}
			if err != nil {
				t.Fatal(err)
			}
			if m.Type == "log" {
				t.Log(m.Level, m.Text)
			}
			if m.Type == "outcome" {
				return *m.Outcome
			}
		}
	}
	type world struct {
		Count  int
		World  string
		Odd    []string
		Now    []any
		Chance []any
	}
	var first string
	drawn := map[string]string{}
	look := func(after string) {
		t.Helper()
		res := run(fingerprint, 60000, 60000)
		if res.Failure != nil {
			t.Fatalf("%s: %+v", after, res.Failure)
		}
		var got world
		if err := json.Unmarshal(res.User, &got); err != nil || got.Count < 1000 {
			t.Fatal(after, err, string(res.User))
		}
		for _, value := range got.Chance {
			if before, ok := drawn[fmt.Sprint(value)]; ok {
				t.Errorf("%s: %v was drawn %s too", after, value, before)
			}
			drawn[fmt.Sprint(value)] = after
		}
		if seen := fmt.Sprint(got.Count, got.World, got.Odd, got.Now); first == "" {
			first = seen
		} else if seen != first {
			t.Errorf("%s the world is %s, and was %s", after, seen, first)
		}
	}
	run(fingerprint, 60000, 60000) // to see which modules it takes
	r = made(t, strings.Join(modules, " "))
	before := bytes.Clone(r.heap.region[:r.heap.used()])
	look("at first")
	look("after nothing")
	for _, end := range []struct{ name, kind, body string }{
		{"a normal end", "", `callback(null, user, context);`},
		{"an exception", KindException, `throw {message: 'left'};`},
		{"an exception of a primitive", KindException, `throw 5;`},
		{"a rejected promise", "?", `(async () => { throw 1; })();`},
		{"the limit of the event loop", KindTimeout, `for (;;) { }`},
		{"the limit of the event loop in a native function", KindTimeout, `/^(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'); for (;;) { }`},
		{"the limit of time", KindTimeout, `user = null;`},
		{"the limit of memory", "?", `let rest = null; for (;;) rest = [rest, rest];`},
		{"the limit of memory, met again and again", "?", `let rest = null; for (let i = 0; i < 1e6; i++) silent(() => { for (;;) rest = [rest, rest]; });`},
		{"the limit of memory by large blocks", "?", `const rest = []; for (let i = 0;; i++) rest[i] = new own.constructor('return new (Object.getPrototypeOf(async () => 0).constructor)')() || i;`},
		{"deep recursion", KindException, `const deep = n => deep(n + 1) + 1; deep(0);`},
		{"deep recursion, caught", "", `const deep = n => silent(() => deep(n + 1)) || 1; deep(0); callback(null, user, context);`},
		{"recursion in a sort", "?", `const by = () => { list.sort(by); return 1; }; [2, 1].sort(by);`},
	} {
		for _, whole := range []bool{true, false} {
			body, name := end.body, end.name
			if whole {
				body, name = sabotage+body, name+" and sabotage"
			} else {
				body = `const own = Reflect.ownKeys, list = [3, 1, 2], silent = f => { try { return f(); } catch (e) { } };` + body
			}
			res := run("function (user, context, callback) {\n"+body+"\n}", 800, 400)
			got := ""
			if res.Failure != nil {
				got = res.Failure.Kind
			}
			if end.kind != "?" && got != end.kind && !(whole && got != "") { // what is left of the world may not even fail in the same way
				t.Errorf("%s ended by %q: %+v", name, got, res.Failure)
			}
			if !bytes.Equal(before, r.heap.region[:r.heap.used()]) || len(bytes.TrimLeft(r.heap.region[r.heap.used():], "\x00")) > 0 || r.heap.head().outer != 0 {
				t.Error("after", name, "memory is not what it was")
			}
			look("after " + name)
		}
	}
}

// The engine takes all of its memory from the heap, and counts it as the heap does. A library of the engine that has changed in this fails here, or
// when a machine is made (errEngine).
func TestTheEngineTakesItsMemoryFromTheHeap(t *testing.T) {
	r := made(t, "request")
	count := func() (blocks int, size lib.Tsize_t) {
		t.Helper()
		free, fault := walk(r.heap)
		if fault != "" {
			t.Fatal(fault)
		}
		at := r.heap.base() + firstBlock
		for ; at < r.heap.head().next; at += *word(at, 0) {
			blocks++
			size += heapSize(nil, at+blockHeader) + lib.MMALLOC_OVERHEAD
		}
		for _, at := range r.heap.head().free {
			for ; at != 0; at = *word(at, 8) {
				size -= heapSize(nil, at+blockHeader) + lib.MMALLOC_OVERHEAD
			}
		}
		return blocks - free, size
	}
	engine := func() lib.TJSMallocState {
		return (*lib.TJSRuntime)(unsafe.Add(nil, r.heap.base()+firstBlock+blockHeader)).Fmalloc_ctx.Fmalloc_state
	}
	check := func(when string) {
		t.Helper()
		blocks, size := count()
		if s := engine(); int(s.Fmalloc_count) != blocks || s.Fmalloc_size != size || s.Fopaque != r.heap.base() || blocks < 20 {
			t.Errorf("%s the engine counts %d bytes in %d blocks, and the heap %d in %d", when, s.Fmalloc_size, s.Fmalloc_count, size, blocks)
		}
	}
	check("as it was kept")
	kept := engine()
	v, err := r.vm.Eval(`globalThis.list = Array.from({length: 3e4}, (_, i) => ({i, text: 'text ' + i})); list.splice(0, 1e4); list.length`, quickjs.EvalGlobal)
	if err != nil || fmt.Sprint(v) != "20000" {
		t.Fatal(v, err)
	}
	if engine().Fmalloc_size < kept.Fmalloc_size+1<<20 {
		t.Error("the engine has taken no memory")
	}
	r.again()
	check("when it was put back")
	if engine() != kept {
		t.Error("the engine counts as if the run went on")
	}
}
