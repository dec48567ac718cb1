package script

import (
	"bytes"
	"encoding/binary"
	"maps"
	"math"
	"testing"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/libquickjs"
)

// heapModel is what a heap should hold: its blocks by address, each with its bytes.
type heapModel struct {
	h      *heap
	state  uintptr // of the engine's: it lies in the region, as the engine's own does
	blocks map[uintptr]modelBlock
	count  uint32
}

// modelBlock is a block: its bytes are all the same.
type modelBlock struct {
	id   uint32
	data []byte
}

const modelLimit = 24 << 20

// newHeapModel makes a heap in which the first block is the state, as a machine does.
func newHeapModel(t *testing.T) *heapModel {
	h, err := newRegion()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.close)
	at := take(nil, h.base(), unsafe.Sizeof(lib.TJSMallocState{}))
	*(*lib.TJSMallocState)(unsafe.Add(nil, at)) = lib.TJSMallocState{Fmalloc_limit: modelLimit, Fopaque: h.base()}
	return &heapModel{h: h, state: at, blocks: map[uintptr]modelBlock{}}
}

func (m *heapModel) engine() *lib.TJSMallocState {
	return (*lib.TJSMallocState)(unsafe.Add(nil, m.state))
}

func memoryAt(at uintptr, size int) []byte { return unsafe.Slice((*byte)(unsafe.Add(nil, at)), size) }

// held is what the engine should have counted.
func (m *heapModel) held() (size lib.Tsize_t) {
	for at := range m.blocks {
		size += heapSize(nil, at) + lib.MMALLOC_OVERHEAD
	}
	return size
}

// check compares the heap with the model.
func (m *heapModel) check(t *testing.T) {
	t.Helper()
	for at, b := range m.blocks {
		want := b.data
		if at%16 != 0 || int(heapSize(nil, at)) < len(want) || !bytes.Equal(memoryAt(at, len(want)), want) {
			t.Fatal("a block is not what was written to it, or moved, or is too small")
		}
	}
	if s := m.engine(); s.Fmalloc_size != m.held() || int(s.Fmalloc_count) != len(m.blocks) {
		t.Fatal(s.Fmalloc_size, "bytes in", s.Fmalloc_count, "blocks are counted, there are", m.held(), "in", len(m.blocks))
	}
	if free, err := walk(m.h); err != "" || free < 0 {
		t.Fatal(err)
	}
}

// walk goes through the region from block to block and through the lists, and counts those that are free.
func walk(h *heap) (free int, fault string) {
	head, at := h.head(), h.base()+firstBlock
	starts := map[uintptr]uintptr{}
	for at < head.next {
		size := *word(at, 0)
		if _, rounded := list(size); size == 0 || size != rounded || size > head.next-at {
			return 0, "a block has a size that no block has: something wrote before its begin"
		}
		starts[at], at = size, at+size
	}
	if at != head.next {
		return 0, "blocks do not end where the region does"
	}
	for which := range head.free {
		for at := head.free[which]; at != 0; at = *word(at, 8) {
			size, ok := starts[at]
			if !ok {
				return 0, "what is free is no block, or is free twice"
			}
			if other, _ := list(size); other != which {
				return 0, "a free block is in the list of another size"
			}
			delete(starts, at)
			free++
		}
	}
	return free, ""
}

// FuzzHeap does what an engine may do with its memory, in any order, and compares with a model: blocks are as they were written, do not overlap, are
// counted, and are what they were when the heap is put back.
func FuzzHeap(f *testing.F) {
	f.Add([]byte("\x00\x10\x00\x00\x01\x20\x00\x00\x04\x00\x00\x00\x02\x00\x40\x00\x05\x00\x00\x00"))
	f.Add([]byte("\x00\xff\xff\x03\x00\xff\xff\x03\x00\xff\xff\x03\x04\x00\x00\x00\x00\xff\xff\x03\x03\x01\x00\x00\x05\x00\x00\x00\x05\x00\x00\x00"))
	f.Add([]byte("\x04\x00\x00\x00\x06\x01\x00\x00\x06\x02\x00\x00\x06\x03\x00\x00\x02\x00\x08\x00\x02\x07\x00\x00\x05\x00\x00\x00"))
	f.Add(bytes.Repeat([]byte("\x00\xff\xff\x03"), 120)) // until the limit
	f.Fuzz(func(t *testing.T, ops []byte) {
		m := newHeapModel(t)
		var kept map[uintptr]modelBlock
		var region []byte
		for mark := byte(1); len(ops) >= 4; ops, mark = ops[4:], mark+1 {
			n := binary.LittleEndian.Uint32(ops) >> 8
			size := lib.Tsize_t(n % (1 << 20))
			if n>>20 == 0 {
				size %= 9000
			}
			switch ops[0] % 8 {
			case 0, 1:
				m.alloc(t, size, mark)
			case 2:
				if at := m.pick(n); at != 0 {
					m.resize(t, at, size, mark)
				}
			case 3:
				if at := m.pick(n); at != 0 {
					heapFree(nil, m.state, at)
					delete(m.blocks, at)
				}
			case 4:
				if kept == nil && m.h.keep() {
					kept, region = maps.Clone(m.blocks), bytes.Clone(m.h.region[:m.h.used()])
				}
			case 5:
				if kept == nil {
					continue
				}
				m.h.again()
				m.blocks = maps.Clone(kept)
				if used := m.h.used(); !bytes.Equal(m.h.region[:used], region) || len(bytes.TrimLeft(m.h.region[used:], "\x00")) > 0 || m.h.head().outer != 0 {
					t.Fatal("the heap is not what it was kept as")
				}
			case 6: // sizes that wrap
				huge := lib.Tsize_t(math.MaxUint) - lib.Tsize_t(n%64)
				if heapAlloc(nil, m.state, huge) != 0 || heapAlloc(nil, m.state, huge/2) != 0 {
					t.Fatal("there was a block of all memory")
				}
				if at := m.pick(n); at != 0 && (heapResize(nil, m.state, at, huge) != 0 || heapResize(nil, m.state, at, huge-m.engine().Fmalloc_size) != 0) {
					t.Fatal("a block grew to all memory")
				}
			case 7: // the limit of another run
				m.engine().Fmalloc_limit = lib.Tsize_t(n)
			}
			m.check(t)
		}
	})
}

// pick is one of the blocks; 0: there is none.
func (m *heapModel) pick(n uint32) uintptr {
	var picked uintptr
	var lowest uint32 // the same for the same input: addresses and maps have no order
	for at, b := range m.blocks {
		if h := b.id * (2*n + 1); picked == 0 || h < lowest {
			picked, lowest = at, h
		}
	}
	return picked
}

func (m *heapModel) alloc(t *testing.T, size lib.Tsize_t, mark byte) {
	s := *m.engine()
	at := heapAlloc((*libc.TLS)(nil), m.state, size)
	if within := s.Fmalloc_size+size <= s.Fmalloc_limit; within != (at != 0) {
		t.Fatal(size, "bytes are within the limit:", within, "and were given:", at != 0)
	}
	if at != 0 {
		m.write(at, int(size), mark)
	}
}

func (m *heapModel) resize(t *testing.T, at uintptr, size lib.Tsize_t, mark byte) {
	before := m.blocks[at].data
	to := heapResize(nil, m.state, at, size)
	if size == 0 {
		delete(m.blocks, at)
		return
	}
	if to == 0 { // what it was, it still is: check sees to that
		if s := m.engine(); s.Fmalloc_size-heapSize(nil, at)+size <= s.Fmalloc_limit {
			t.Fatal("a block within the limit did not grow")
		}
		return
	}
	if same := min(len(before), int(size)); !bytes.Equal(memoryAt(to, same), before[:same]) {
		t.Fatal("a block that grew lost what was in it")
	}
	delete(m.blocks, at)
	m.write(to, int(size), mark)
}

// write fills all of a block that its owner may use.
func (m *heapModel) write(at uintptr, size int, mark byte) {
	m.count++
	m.blocks[at] = modelBlock{m.count, bytes.Repeat([]byte{mark}, size)}
	copy(memoryAt(at, size), m.blocks[at].data)
}
