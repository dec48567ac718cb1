package script

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func TestFrameRoundTrip(t *testing.T) {
	in := []message{
		{Type: "load", Hash: "h", Source: "function () {}\n\u2028"},
		{Type: "run", Run: 1, Start: &start{Rules: []string{"h"}, User: json.RawMessage(`{"a":"\u0000"}`), Context: json.RawMessage(`{}`), Wall: 20000}},
		{Type: "outcome", Run: 1 << 60, Outcome: &result{Failure: &failure{Rule: -1, Kind: KindTimeout}}},
		{Type: "reply", Run: 1, Call: 2, Error: &callError{Message: "no"}},
	}
	var b []byte
	for _, m := range in {
		var err error
		if b, err = appendFrame(b, m); err != nil {
			t.Fatal(err)
		}
	}
	r := iotest.OneByteReader(bytes.NewReader(b))
	for i, want := range in {
		got, err := readFrame(r)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%d: %+v %v", i, got, err)
		}
	}
	if _, err := readFrame(r); !errors.Is(err, io.EOF) {
		t.Error("at the end:", err)
	}
}

func TestFrameRefusals(t *testing.T) {
	frame := func(body string) []byte {
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
	}
	for name, b := range map[string][]byte{
		"no length":   {0, 0, 0},
		"empty":       {0, 0, 0, 0},
		"too long":    {0xff, 0xff, 0xff, 0xff},
		"truncated":   frame(`{"type":"x"}`)[:8],
		"not JSON":    frame(`{"type"`),
		"no type":     frame(`{}`),
		"wrong type":  frame(`{"type":5}`),
		"two values":  frame(`{"type":"a"}{}`),
		"huge number": frame(`{"type":"a","run":1e400}`),
	} {
		if m, err := readFrame(bytes.NewReader(b)); err == nil || errors.Is(err, io.EOF) && name != "no length" && err == io.EOF {
			t.Errorf("%s: %+v %v", name, m, err)
		}
	}
	if _, err := appendFrame(nil, message{Type: "load", Source: strings.Repeat("x", maxFrame)}); !errors.Is(err, errFrame) {
		t.Error("a frame that is too long was written:", err)
	}
}

// TestFrameLengthClaimsNoMemory: a length alone does not make the reader allocate.
func TestFrameLengthClaimsNoMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 20 {
		b := append(binary.BigEndian.AppendUint32(nil, maxFrame), `{"type":"x"`...)
		if _, err := readFrame(bytes.NewReader(b)); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 20*4*frameChunk {
		t.Errorf("%d bytes allocated", n)
	}
}

func FuzzFrame(f *testing.F) {
	seed, _ := appendFrame(nil, message{Type: "call", Run: 1, Call: 1, Method: "http", Params: json.RawMessage(`{"url":"http://x"}`)})
	f.Add(seed)
	f.Add([]byte{0, 0, 0, 2, '{', '}'})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := readFrame(bytes.NewReader(b))
		if err != nil {
			return
		}
		again, err := appendFrame(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		back, err := readFrame(bytes.NewReader(again))
		if err != nil {
			t.Fatal(err)
		}
		x, _ := json.Marshal(m)
		y, _ := json.Marshal(back)
		if !bytes.Equal(x, y) {
			t.Fatalf("%s became %s", x, y)
		}
	})
}

// What is attached to a frame comes back where it was, and nothing else does.
func TestFrameParts(t *testing.T) {
	for name, m := range map[string]message{
		"rules":   {Type: "run", Run: 1, Start: &start{User: json.RawMessage(`{"a":"ü"}`), Context: json.RawMessage(`{"b":[1]}`)}},
		"trigger": {Type: "run", Run: 1, Start: &start{User: json.RawMessage("null"), Context: json.RawMessage("null"), Trigger: &triggerStart{ID: "post-login", Event: json.RawMessage(`{"user":{}}`)}}},
		"outcome": {Type: "outcome", Run: 1, Outcome: &result{User: json.RawMessage(`{}`), Context: json.RawMessage(`{"c":1}`), Merged: []string{"a"}}},
	} {
		b, err := appendFrame(nil, m)
		if err != nil || b[0]&0x80 == 0 {
			t.Fatal(name, err)
		}
		got, err := readFrame(iotest.OneByteReader(bytes.NewReader(b)))
		if err != nil || !got.sound() {
			t.Fatal(name, err)
		}
		want, _ := json.Marshal(m)
		if back, _ := json.Marshal(got); !bytes.Equal(back, want) {
			t.Errorf("%s: %s became %s", name, want, back)
		}
	}
	parted := func(body, rest string) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(4+len(body)+len(rest))|withParts)
		return append(append(binary.BigEndian.AppendUint32(b, uint32(len(body))), body...), rest...)
	}
	for name, b := range map[string][]byte{
		"too few bytes":     parted(`{"type":"outcome","outcome":{},"parts":[3]}`, "{}"),
		"too many bytes":    parted(`{"type":"outcome","outcome":{},"parts":[1]}`, "{}"),
		"negative":          parted(`{"type":"outcome","outcome":{},"parts":[-1,3]}`, "{}"),
		"too many parts":    parted(`{"type":"outcome","outcome":{},"parts":[1,1,0]}`, "{}"),
		"nowhere to go":     parted(`{"type":"log","parts":[2]}`, "{}"),
		"no JSON":           {0x80, 0, 0, 2, 0, 0},
		"more JSON than is": {0x80, 0, 0, 6, 0, 0, 0, 9, '{', '}'},
	} {
		if m, err := readFrame(bytes.NewReader(b)); err == nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
	m, err := readFrame(bytes.NewReader(parted(`{"type":"outcome","outcome":{},"parts":[3]}`, `{"a`)))
	if err != nil || m.sound() {
		t.Error("half a document is sound", err)
	}
}
