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
