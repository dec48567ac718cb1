package script

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"
	"sync"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/libquickjs"
	"modernc.org/quickjs"
)

// A heap is all the memory of one machine: one region, so that what it holds at a time can be kept, and put back when a run is over. That is
// what a realm costs that has been used: a copy of a few hundred kilobytes, where making another one, and loading modules into it, is
// computing. What a run leaves in the region is gone with it, down to the last byte.
//
// The engine asks for pages of 4 KB, which it divides itself, and for what is larger. Blocks that are large, and those for which the region has no
// room, lie outside of it and are given back when the run ends. All that a heap knows about itself lies in the region too, and so is
// kept and put back with it.
type heap struct {
	region []byte
	kept   []byte // what the region held; nil: nothing is kept
}

const (
	heapRegion  = 16 << 20  // bytes of a region: of address space, until they are used
	heapLarge   = 128 << 10 // from which on blocks lie outside, when the heap is kept
	heapKept    = 8 << 20   // most that is kept
	heapRelease = 1 << 20   // from which on what a run has used more is given back to the system
	blockHeader = 16        // its size, and the next one that is free
	outerHeader = 32        // the blocks before and behind it, and a blockHeader
	smallStep   = 64        // blocks up to smallMost have sizes so far apart; larger ones eight sizes between each power of two and the next
	smallMost   = 8 << 10
	smallLists  = smallMost/smallStep + 1
	allLists    = smallLists + 8*11
	outerFlag   = 1       // a flag in the size of a block
	largest     = 1 << 30 // bytes of a block at most, whatever the limit says: no sum of what is asked for wraps, in 32 bits either
)

// firstBlock is where the first block of a region lies: behind its head.
const firstBlock = (unsafe.Sizeof(heapHead{}) + smallStep - 1) &^ (smallStep - 1)

// heapHead is at the beginning of a region.
type heapHead struct {
	next  uintptr // where the region has not been used yet
	end   uintptr
	outer uintptr // the first block outside; 0: there is none
	kept  uintptr // 1: large blocks lie outside
	free  [allLists]uintptr

	tracks uintptr // 1: there is an array for promises that are rejected, see rejections.go
	notes  lib.TJSValue
	noted  uint32 // its elements
}

// engineMemory is what the engine gets memory from: each new machine copies it.
//
//go:linkname engineMemory modernc.org/libquickjs._def_malloc_funcs
var engineMemory lib.TJSMallocFunctions

// The engine has these four functions. One that has more does not compile here: they would be missing. See docs/adr/0016.
var _ = [unsafe.Sizeof(engineMemory) / unsafe.Sizeof(uintptr(0))]uintptr([4]uintptr{})

// errEngine says that the engine does not take its memory from here: its library has changed. Linking does not tell, for a variable whose name
// nobody else has becomes one of this room. No machine is made then, because one whose memory is elsewhere would not become what it was.
var errEngine = errors.New("script: the engine takes its memory elsewhere: modernc.org/libquickjs no longer reads _def_malloc_funcs, see docs/adr/0016")

var (
	engineOnce sync.Once
	newHeapMu  sync.Mutex
	newHeap    uintptr // the region of the machine that is being made: its first block lies there
)

// function is the address of a function, as translated C has it.
func function(f any) uintptr { return (*[2]uintptr)(unsafe.Pointer(&f))[1] }

// newRegion makes a heap that holds nothing.
func newRegion() (*heap, error) {
	region, err := mapRegion(heapRegion)
	if err != nil {
		return nil, fmt.Errorf("script: memory of a machine: %w", err)
	}
	h := &heap{region: region}
	h.head().next, h.head().end = h.base()+firstBlock, h.base()+heapRegion
	return h, nil
}

// newMachine makes a machine with a heap of its own.
func newMachine() (*quickjs.VM, *heap, error) {
	h, err := newRegion()
	if err != nil {
		return nil, nil, err
	}
	engineOnce.Do(func() {
		engineMemory = lib.TJSMallocFunctions{
			Fjs_malloc: function(heapAlloc), Fjs_free: function(heapFree), Fjs_realloc: function(heapResize), Fjs_malloc_usable_size: function(heapSize),
		}
	})
	newHeapMu.Lock()
	newHeap = h.base()
	vm, err := quickjs.NewVM()
	taken := newHeap == 0
	newHeap = 0
	newHeapMu.Unlock()
	if err == nil && (!taken || !h.track()) {
		_ = vm.Close()
		err = errEngine
	}
	if err != nil {
		h.close()
		return nil, nil, fmt.Errorf("script: new machine: %w", err)
	}
	return vm, h, nil
}

func (h *heap) head() *heapHead { return (*heapHead)(unsafe.Pointer(&h.region[0])) }

func (h *heap) base() uintptr { return uintptr(unsafe.Pointer(&h.region[0])) }

// used is how much of the region has been used.
func (h *heap) used() int { return int(h.head().next - h.base()) }

// keep keeps what the heap holds. It reports false when that is too much, or does not lie in one piece.
func (h *heap) keep() bool {
	head, used := h.head(), h.used()
	if head.outer != 0 || used > heapKept {
		return false
	}
	head.kept = 1
	h.kept = append([]byte(nil), h.region[:used]...)
	return true
}

// again puts back what was kept, and leaves nothing of what came after.
func (h *heap) again() {
	h.freeOuter()
	used := h.used()
	const page = 4096 // or more: what is freed is rounded by the system
	for at := 0; at < len(h.kept); at += page {
		was := h.kept[at:min(at+page, len(h.kept))]
		if is := h.region[at : at+len(was)]; !bytes.Equal(is, was) { // most runs leave most of it as it was, and reading costs less than writing
			copy(is, was)
		}
	}
	if at := (len(h.kept) + 16*page) &^ (16*page - 1); used-at > heapRelease { // more than it will need again
		clear(h.region[len(h.kept):at])
		releasePages(h.region[at:used])
		return
	}
	if used > len(h.kept) {
		clear(h.region[len(h.kept):used])
	}
}

func (h *heap) freeOuter() {
	for at := h.head().outer; at != 0; {
		next := *word(at, 0)
		libc.Xfree(nil, at)
		at = next
	}
	h.head().outer = 0
}

// close gives the memory back. The machine must be closed before.
func (h *heap) close() {
	h.freeOuter()
	unmapRegion(h.region)
	h.region, h.kept = nil, nil
}

// word is the word at an address, which is the engine's: the garbage collector knows nothing of it.
func word(at, offset uintptr) *uintptr { return (*uintptr)(unsafe.Add(nil, at+offset)) }

// list is which list of free blocks is for a size, and the size that its blocks have.
func list(size uintptr) (which int, rounded uintptr) {
	if size <= smallMost {
		rounded = (size + smallStep - 1) &^ (smallStep - 1)
		return int(rounded / smallStep), rounded
	}
	power := bits.Len64(uint64(size-1)) - 1 // size is more than 2 to that
	step := uintptr(1) << (power - 3)
	rounded = (size + step - 1) &^ (step - 1)
	return smallLists + (power-13)*8 + int((rounded-uintptr(1)<<power)/step) - 1, rounded
}

// take finds a block for size bytes; 0: there is no memory.
func take(tls *libc.TLS, base, size uintptr) uintptr {
	if size > largest {
		return 0
	}
	size = (size+1)&^1 + blockHeader // even: the lowest bit of a size is a flag
	head := (*heapHead)(unsafe.Add(nil, base))
	if base == 0 || size > heapLarge && head.kept != 0 || size > heapRegion {
		return takeOuter(tls, base, size)
	}
	which, size := list(size)
	if at := head.free[which]; at != 0 {
		head.free[which] = *word(at, 8)
		return at + blockHeader
	}
	if head.end-head.next < size {
		return takeOuter(tls, base, size)
	}
	at := head.next
	head.next += size
	*word(at, 0) = size
	return at + blockHeader
}

// takeOuter finds a block outside of the region.
func takeOuter(tls *libc.TLS, base, size uintptr) uintptr {
	at := libc.Xmalloc(tls, lib.Tsize_t(outerHeader-blockHeader+size))
	if at == 0 {
		return 0
	}
	*word(at, 0), *word(at, 8) = 0, 0
	if base != 0 {
		head := (*heapHead)(unsafe.Add(nil, base))
		if *word(at, 0) = head.outer; head.outer != 0 {
			*word(head.outer, 8) = at
		}
		head.outer = at
	}
	*word(at, 16) = size | outerFlag
	return at + outerHeader
}

// give gives a block back.
func give(base, block uintptr) {
	at := block - blockHeader
	size := *word(at, 0)
	if size&outerFlag == 0 {
		head := (*heapHead)(unsafe.Add(nil, base))
		which, _ := list(size)
		*word(at, 8) = head.free[which]
		head.free[which] = at
		return
	}
	at = block - outerHeader
	next, before := *word(at, 0), *word(at, 8)
	if next != 0 {
		*word(next, 8) = before
	}
	if before != 0 {
		*word(before, 0) = next
	} else if base != 0 {
		(*heapHead)(unsafe.Add(nil, base)).outer = next
	}
	libc.Xfree(nil, at)
}

// The engine's four functions. What it counts is what blocks can hold, and eight bytes for each.

func heapSize(_ *libc.TLS, block uintptr) lib.Tsize_t {
	return lib.Tsize_t(*word(block-blockHeader, 0)&^outerFlag - blockHeader)
}

// allows tells whether size bytes in the place of old ones are within the limit.
func allows(s *lib.TJSMallocState, old, size lib.Tsize_t) bool {
	held := s.Fmalloc_size - old
	return held <= s.Fmalloc_limit && size <= s.Fmalloc_limit-held
}

func heapAlloc(tls *libc.TLS, state uintptr, size lib.Tsize_t) uintptr {
	s := (*lib.TJSMallocState)(unsafe.Add(nil, state))
	if !allows(s, 0, size) {
		return 0
	}
	if s.Fopaque == 0 { // the first block of a machine: the engine copies its state from here
		s.Fopaque, newHeap = newHeap, 0
	}
	block := take(tls, s.Fopaque, uintptr(size))
	if block != 0 {
		s.Fmalloc_count++
		s.Fmalloc_size += heapSize(tls, block) + lib.MMALLOC_OVERHEAD
	}
	return block
}

func heapFree(tls *libc.TLS, state, block uintptr) {
	if block == 0 {
		return
	}
	s := (*lib.TJSMallocState)(unsafe.Add(nil, state))
	s.Fmalloc_count--
	s.Fmalloc_size -= heapSize(tls, block) + lib.MMALLOC_OVERHEAD
	give(s.Fopaque, block)
}

func heapResize(tls *libc.TLS, state, block uintptr, size lib.Tsize_t) uintptr {
	if block == 0 {
		if size == 0 {
			return 0
		}
		return heapAlloc(tls, state, size)
	}
	if size == 0 {
		heapFree(tls, state, block)
		return 0
	}
	s := (*lib.TJSMallocState)(unsafe.Add(nil, state))
	old := heapSize(tls, block)
	if !allows(s, old, size) {
		return 0
	}
	if size <= old && size > old/2 {
		return block
	}
	to := take(tls, s.Fopaque, uintptr(size))
	if to == 0 {
		return 0
	}
	copy(unsafe.Slice((*byte)(unsafe.Add(nil, to)), min(old, size)), unsafe.Slice((*byte)(unsafe.Add(nil, block)), old))
	s.Fmalloc_size += heapSize(tls, to) - old
	give(s.Fopaque, block)
	return to
}
