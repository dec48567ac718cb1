package script

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	lib "modernc.org/libquickjs"
)

// made is a realm that was kept, with modules ready.
func made(t *testing.T, modules string) *realm {
	t.Helper()
	var b bytecode
	for range 2 { // the first compiles
		r, err := newRealm(&b)
		if err != nil {
			t.Fatal(err)
		}
		if modules != "" {
			if failed := r.preload(modules); failed != "" {
				t.Fatal(failed, "could not be made ready")
			}
		}
		if r.keep(); r.heap.kept != nil {
			t.Cleanup(r.close)
			return r
		}
		r.close()
	}
	t.Fatal("it was not kept")
	return nil
}

// What a run leaves behind is gone when its realm is made what it was: to the last byte, whatever the run did.
func TestARealmIsWhatItWas(t *testing.T) {
	r := made(t, "request")
	before := bytes.Clone(r.heap.region[:r.heap.used()])
	var b bytecode
	for i, body := range []string{
		`Array.prototype.evil = 1; Object.prototype.evil = 2; globalThis.left = [1, 2, 3]; JSON.parse = null;`,
		`globalThis.secret = 'x'.repeat(5 << 20); globalThis.more = []; for (let i = 0; i < 1e5; i++) more.push({i, text: 'secret ' + i});`,
		`globalThis.list = []; for (let i = 0; i < 20; i++) list.push(new Uint8Array(1 << 20).fill(i)); list.splice(3, 5);`,
		`const a = new Uint8Array(3 << 20); a.fill(65); globalThis.a = a; globalThis.b = a.slice(0, 1000); throw new Error('left');`,
		`Promise.resolve().then(() => { globalThis.late = 1; }); setTimeout(() => {}, 1e6); require('request').get = 1;`,
		`(function deep(n) { return n > 0 ? deep(n - 1) : new Map([[{}, new WeakRef({})]]); })(200); class A { #p = 1 }; globalThis.of = new A(); Symbol.for('left');`,
		`function f() { return new Error().stack; } globalThis.list = Array.from({length: 1000}, f); delete globalThis.Math; Object.freeze(Object.prototype);`,
	} {
		code, err := compile(&b, r.vm, "", fmt.Sprint(i), "function () {"+body+"\n}")
		if err != nil {
			t.Fatal(err)
		}
		r.vm.SetMemoryLimit(32 << 20)
		v, err := r.vm.EvalBytecodeValue(code)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = v.Call(v) // it may throw
		v.Free()
		_, _ = r.vm.ExecutePendingJobs()
		if !r.again() {
			t.Fatal("it cannot be used again")
		}
		if !bytes.Equal(before, r.heap.region[:r.heap.used()]) {
			t.Error(i, "it is not what it was")
		}
		if rest := r.heap.region[r.heap.used():]; len(bytes.TrimLeft(rest, "\x00")) > 0 {
			t.Error(i, "something is left of the run")
		}
		if known, err := r.do("knows", "request"); known != true || err != nil {
			t.Error(i, known, err)
		}
		r.again()
	}
}

// A realm that has drawn random numbers serves one run: the next would draw the same.
func TestNoTwoRunsHaveTheRandomNumbersOfOneRealm(t *testing.T) {
	var b bytecode
	for range 2 { // the first compiles, and holds too much to be kept
		r, err := newRealm(&b)
		if err != nil {
			t.Fatal(err)
		}
		if failed := r.preload("npm:superagent@8.1.2"); failed != "" {
			t.Fatal(failed)
		}
		if r.keep(); !r.drawn || r.heap.kept != nil || r.again() {
			t.Error("it was kept")
		}
		r.close()
	}
}

// Blocks of a heap do not overlap, keep what is in them when they grow, and are counted as they are given.
func TestHeap(t *testing.T) {
	vm, h, err := newMachine()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = vm.Close(); h.close() }()
	page, err := mapRegion(4096) // where the garbage collector does not look, as with the engine's own
	if err != nil {
		t.Fatal(err)
	}
	defer unmapRegion(page)
	state := (*lib.TJSMallocState)(unsafe.Pointer(&page[0]))
	state.Fmalloc_limit = 48 << 20
	state.Fopaque = uintptr(unsafe.Pointer(&h.region[0]))
	at := uintptr(unsafe.Pointer(state))
	random := rand.New(rand.NewPCG(1, 2))
	type block struct {
		at   uintptr
		size int
		mark byte
	}
	content := func(b block) []byte { return unsafe.Slice((*byte)(unsafe.Add(nil, b.at)), b.size) }
	var all []block
	size := func() int {
		switch random.IntN(20) {
		case 0:
			return 1 + random.IntN(1<<20)
		case 1, 2:
			return 4096
		}
		return 1 + random.IntN(9000)
	}
	for i := range 20000 {
		if i == 5000 {
			h.keep() // what is large lies outside from here on
			h.head().kept = 1
		}
		mark := byte(i) & 0x7f
		switch n := random.IntN(10); {
		case n < 5 || len(all) == 0:
			b := block{size: size(), mark: mark}
			if b.at = heapAlloc(nil, at, lib.Tsize_t(b.size)); b.at == 0 {
				continue
			}
			if b.at%8 != 0 || int(heapSize(nil, b.at)) < b.size {
				t.Fatal("a block of", heapSize(nil, b.at), "for", b.size)
			}
			fill(content(b), mark)
			all = append(all, b)
		case n < 7:
			j := random.IntN(len(all))
			to := size()
			b := block{heapResize(nil, at, all[j].at, lib.Tsize_t(to)), to, mark}
			if b.at == 0 {
				continue
			}
			if same := content(b)[:min(to, all[j].size)]; !uniform(same, all[j].mark) {
				t.Fatal("a block that grew lost what was in it")
			}
			fill(content(b), mark)
			all[j] = b
		default:
			j := random.IntN(len(all))
			if !uniform(content(all[j]), all[j].mark) {
				t.Fatal("blocks overlap")
			}
			heapFree(nil, at, all[j].at)
			all[j] = all[len(all)-1]
			all = all[:len(all)-1]
		}
		if uint64(state.Fmalloc_size) > uint64(state.Fmalloc_limit)+1<<21 {
			t.Fatal("more than the limit")
		}
	}
	for _, b := range all {
		heapFree(nil, at, b.at)
	}
	if state.Fmalloc_size != 0 || state.Fmalloc_count != 0 {
		t.Error(state.Fmalloc_size, "bytes in", state.Fmalloc_count, "blocks are counted when all are free")
	}
	if h.head().outer != 0 {
		t.Error("blocks outside of the region are left")
	}
}

func fill(b []byte, mark byte) {
	for i := range b {
		b[i] = mark
	}
}

func uniform(b []byte, mark byte) bool { return len(bytes.TrimLeft(b, string(rune(mark)))) == 0 }
