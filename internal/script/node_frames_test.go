package script

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestNodeKeepsFramesInOrder: frames that come while a run waits for an answer of its own are worked in before those behind them, also where
// one of these is cut in two.
func TestNodeKeepsFramesInOrder(t *testing.T) {
	needNode(t)
	h := newHost(t, Config{Workers: 1, Node: installed().path})
	l, err := h.pool.launch(RuntimeNode)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), l.command[0], l.command[1:]...) //nolint:gosec // a test's worker
	cmd.Env, cmd.Dir = l.env, "/"
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	write := func(b []byte) {
		t.Helper()
		if _, err := in.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	frames := func(all ...message) (b []byte) {
		t.Helper()
		for _, m := range all {
			if b, err = appendFrame(b, m); err != nil {
				t.Fatal(err)
			}
		}
		return b
	}
	run := func(id uint64, hash string) message {
		return message{Type: "run", Run: id, Start: &start{
			Rules: []string{hash}, User: json.RawMessage(`{"user_id":"auth0|1"}`), Context: json.RawMessage(`{}`), Seed: newSeed(), Wall: 20000, CPU: 20000, Memory: 64 << 20, Calls: 1, LogBytes: 1000,
		}}
	}
	write(l.prologue)
	write(frames(message{Type: "load", Hash: "a", Source: `function (user, context, callback) {
		setTimeout(() => {
			user.token = auth0.accessToken; // it waits, and then computes while more comes
			for (let i = 0; i < 5e7; i++) user.sum = (user.sum || 0) + i;
			callback(null, user, context);
		}, 20);
	}`}, run(1, "a")))
	var results []string
	for len(results) < 2 {
		m, err := readFrame(out)
		if err != nil {
			t.Fatal(err)
		}
		switch m.Type {
		case "call":
			all := frames(message{Type: "reply", Run: 1, Call: m.Call, Result: json.RawMessage(`"t"`)}, message{Type: "load", Hash: "b", Source: `function (user, context, callback) { callback(null, user, context); }`}, run(2, "b"))
			write(all[:len(all)-10])
			time.Sleep(20 * time.Millisecond)
			write(all[len(all)-10:])
		case "outcome":
			text, _ := json.Marshal(m.Outcome.Failure)
			results = append(results, string(bytes.TrimSpace(text)))
		}
	}
	for _, r := range results {
		if r != "null" {
			t.Error(r)
		}
	}
}

// TestNodeComputesWhileMuchComes: a script may compute for as long as its limits say, whatever is sent to its worker meanwhile.
func TestNodeComputesWhileMuchComes(t *testing.T) {
	needNode(t)
	h := newHost(t, Config{
		Workers: 1, Node: installed().path, Runtime: always(RuntimeNode), Limits: Limits{CPU: time.Second, Wall: time.Minute}, Ceilings: Limits{CPU: time.Minute},
		Policy: func(context.Context, string, string) Policy { return Policy{Limits: Limits{CPU: time.Minute}} },
	})
	compute := func(rounds int) Run {
		return Run{Tenant: "a", User: json.RawMessage(`{}`), Context: json.RawMessage(`{}`), Rules: []Rule{{Name: "computes", Source: fmt.Sprintf(`function (user, context, callback) {
			let n = 1; for (let i = 0; i < %d; i++) n = (n * 31 + i) | 0;
			user.n = n; callback(null, user, context); }`, rounds)}}}
	}
	const rounds = 1 << 27
	must(t, h, compute(1))
	began := time.Now()
	must(t, h, compute(rounds))
	long := int(float64(rounds) * (4 * time.Second).Seconds() / time.Since(began).Seconds())
	ended := make(chan Outcome, 1)
	go func() {
		out, err := h.Rules(t.Context(), compute(long))
		if err != nil {
			t.Error(err)
		}
		ended <- out
	}()
	time.Sleep(200 * time.Millisecond)
	user := json.RawMessage(`{"a":"` + strings.Repeat("a", 1<<19) + `"}`)
	must(t, h, Run{Tenant: "a", User: user, Context: json.RawMessage(`{}`), Rules: []Rule{{Name: "r", Source: `function (user, context, callback) { callback(null, user, context); }`}}})
	if out := <-ended; out.Failure != nil {
		t.Errorf("%+v", out.Failure)
	}
	if n := h.Load().Workers[RuntimeNode]; n != 1 {
		t.Errorf("%d workers", n)
	}
}
