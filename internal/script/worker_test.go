package script

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"
)

// TestWorkerMain speaks the protocol by hand, as PROTOCOL.md has it.
func TestWorkerMain(t *testing.T) {
	in, toWorker := io.Pipe()
	fromWorker, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- WorkerMain(t.Context(), in, out) }()
	send := func(m message) {
		t.Helper()
		b, err := appendFrame(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := toWorker.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	receive := func(kind string) message {
		t.Helper()
		m, err := readFrame(fromWorker)
		if err != nil || m.Type != kind || m.Run != 7 {
			t.Fatalf("want %s, got %+v %v", kind, m, err)
		}
		return m
	}
	send(message{Type: "no such type"})
	send(message{Type: "reply", Run: 99, Call: 1})
	send(message{Type: "load", Hash: "h", Source: `function (user, context, callback) {
		console.info('hi');
		auth0.users.updateUserMetadata('u', {a: 1}).then(function (got) { user.got = got; callback(null, user, context); });
	}`})
	send(message{Type: "run", Run: 7, Start: &start{
		Rules: []string{"h"}, User: json.RawMessage(`{}`), Context: json.RawMessage(`{}`),
		Wall: 20000, CPU: 20000, Memory: 64 << 20, Calls: 1, LogBytes: 1000,
	}})
	if m := receive("log"); m.Level != "info" || m.Text != "hi" || m.Rule != 0 {
		t.Errorf("%+v", m)
	}
	call := receive("call")
	if call.Method != "metadata" || string(call.Params) != `{"user_id":"u","kind":"user_metadata","patch":{"a":1}}` {
		t.Errorf("%+v %s", call, call.Params)
	}
	send(message{Type: "reply", Run: 7, Call: call.Call, Result: json.RawMessage(`{"b":2}`)})
	send(message{Type: "reply", Run: 7, Call: call.Call, Result: json.RawMessage(`{"b":3}`)}) // once too often
	if m := receive("outcome"); m.Outcome == nil || m.Outcome.Failure != nil || string(m.Outcome.User) != `{"got":{"b":2}}` {
		t.Errorf("%+v", m.Outcome)
	}
	receive("done")
	send(message{Type: "run", Run: 7, Start: &start{Rules: []string{"unknown"}, User: json.RawMessage(`{}`), Context: json.RawMessage(`{}`), Wall: 1000, CPU: 1000, Memory: 64 << 20, LogBytes: 100}})
	if m := receive("log"); m.Level != "error" || m.Text != "script was not loaded" {
		t.Errorf("%+v", m)
	}
	if m := receive("outcome"); m.Outcome == nil || m.Outcome.Failure == nil || m.Outcome.Failure.Kind != KindSyntax {
		t.Errorf("%+v", m.Outcome)
	}
	receive("done")
	_ = toWorker.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWorkerMainEndsOnNonsense(t *testing.T) {
	if err := WorkerMain(t.Context(), bytes.NewReader([]byte("GET / HTTP/1.1\r\n\r\n")), io.Discard); !errors.Is(err, errFrame) {
		t.Error(err)
	}
}

// TestRealmsAreMadeAgain: a worker that cannot make a realm ready, for want of memory, does so later.
func TestRealmsAreMadeAgain(t *testing.T) {
	w := &worker{spares: make(chan *realm, spareRealms), taken: make(chan struct{}, spareRealms)}
	w.room.code = map[string][]byte{"boot": []byte("none")}
	go w.prepare(t.Context())
	time.Sleep(100 * time.Millisecond)
	if len(w.spares) > 0 {
		t.Fatal("there is a realm")
	}
	w.room.mu.Lock()
	delete(w.room.code, "boot")
	w.room.mu.Unlock()
	select {
	case r := <-w.spares:
		r.close()
	case <-time.After(20 * time.Second):
		t.Error("there is none")
	}
}

// TestFaultWhileCompiling: who waits for what another one compiles goes on when that one has met a fault of the engine.
func TestFaultWhileCompiling(t *testing.T) {
	var b bytecode
	func() {
		defer func() { _ = recover() }()
		_, _ = b.compile(nil, "key", "1")
		t.Error("there was no fault")
	}()
	vm, heap, err := newMachine()
	if err != nil {
		t.Fatal(err)
	}
	defer heap.close()
	defer func() { _ = vm.Close() }()
	done := make(chan error, 1)
	go func() {
		_, err := b.compile(vm, "key", "1")
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it waits for somebody who is gone")
	}
}
