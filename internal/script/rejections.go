package script

import (
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/libquickjs"
)

// The engine tells of promises that are rejected while nobody looks at them, in the middle of whatever rejects them, and again when somebody does look.
// They are noted in an array of the realm, which no script reaches, and given to js/boot before the next thing happens.

// track has the engine tell of a new machine's promises. It reports false if the machine does not lie where it should.
func (h *heap) track() bool {
	rt := h.base() + firstBlock + blockHeader // the first thing that a machine takes
	if (*lib.TJSRuntime)(unsafe.Add(nil, rt)).Fmalloc_ctx.Fmf != engineMemory {
		return false
	}
	lib.XJS_SetHostPromiseRejectionTracker(nil, rt, function(rejected), h.base())
	return true
}

// rejected notes a promise, and what it was rejected with; the array itself in the place of that when somebody looks at it now. The reason of
// the very first one is the array.
func rejected(tls *libc.TLS, ctx uintptr, promise, reason lib.TJSValue, handled int32, base uintptr) {
	head := (*heapHead)(unsafe.Add(nil, base))
	if head.tracks == 0 {
		head.tracks, head.notes = 1, reason // js/boot holds it
		return
	}
	if handled != 0 {
		reason = head.notes
	}
	for i, value := range []lib.TJSValue{promise, reason} {
		if lib.XJS_DefinePropertyValueUint32(tls, ctx, head.notes, head.noted+uint32(i), lib.XDupValue(tls, ctx, value), lib.MJS_PROP_C_W_E) < 0 { //nolint:gosec // 0 or 1
			lib.XFreeValue(tls, ctx, lib.XJS_GetException(tls, ctx)) // there is no memory, by which the run ends
			return
		}
	}
	head.noted += 2
}

// rejections is how many elements of the array are to be looked into, now.
func (h *heap) rejections() uint32 {
	n := h.head().noted
	h.head().noted = 0
	return n
}
