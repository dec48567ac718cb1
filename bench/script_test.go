package bench

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/script"
)

// tenRules, over a user of 2 KB and a context of 3 KB.
func tenRules() script.Run {
	run := script.Run{Tenant: "bench"}
	for i := range 10 {
		run.Rules = append(run.Rules, script.Rule{Name: fmt.Sprint("rule ", i), Source: fmt.Sprintf(`function (user, context, callback) {
	context.idToken['https://mixtape.example/claim-%d'] = (user.app_metadata.roles || []).concat(%d).length;
	user.user_metadata.seen = (user.user_metadata.seen || 0) + 1;
	callback(null, user, context);
}`, i, i)})
	}
	object := func(v map[string]any, size int) json.RawMessage {
		b, _ := json.Marshal(v)
		list := []map[string]any{}
		for len(b) < size {
			list = append(list, map[string]any{"name": fmt.Sprint("entry ", len(list)), "value": strings.Repeat("x", 40), "on": true, "n": len(list)})
			v["list"] = list
			b, _ = json.Marshal(v)
		}
		return b
	}
	run.User = object(map[string]any{
		"user_id": "auth0|1", "email": "listener@example.com", "email_verified": true, "name": "Listener",
		"user_metadata": map[string]any{"theme": "dark"}, "app_metadata": map[string]any{"roles": []string{"listener", "editor"}},
	}, 2000)
	run.Context = object(map[string]any{"clientID": "abc", "protocol": "oidc-basic-profile", "idToken": map[string]any{}, "accessToken": map[string]any{}}, 3000)
	return run
}

// bareWorker is a worker of testdata/bare.js: it answers one run at a time.
type bareWorker struct {
	in  io.WriteCloser
	out io.Reader
}

func newBareWorker(t testing.TB, node string) *bareWorker {
	cmd := exec.CommandContext(t.Context(), node, "testdata/bare.js")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	return &bareWorker{in, out}
}

func (b *bareWorker) run(run script.Run) error {
	m := map[string]any{"input": map[string]any{"user": run.User, "context": run.Context}}
	var sources []string
	for _, r := range run.Rules {
		sources = append(sources, r.Source)
	}
	m["rules"] = sources
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if _, err = b.in.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)); err != nil {
		return err
	}
	var head [4]byte
	if _, err = io.ReadFull(b.out, head[:]); err != nil {
		return err
	}
	answer := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err = io.ReadFull(b.out, answer); err != nil {
		return err
	}
	var got struct{ User, Context json.RawMessage }
	if err = json.Unmarshal(answer, &got); err == nil && !strings.Contains(string(got.Context), "claim-9") {
		err = errors.New("the rules did not run")
	}
	return err
}

// hops measures ten rules from the server through a worker and back, in turns with the bare worker of Node.js, a little apart as logins are.
// It returns medians by runtime; "bare" is the limit. Without Node.js there is none of that, nor of the runtime node.
func hops(t testing.TB, n int) map[string]time.Duration {
	run := tenRules()
	kinds := []string{script.RuntimeEmbedded}
	hosts := map[string]*script.Host{}
	calls := map[string]func() error{}
	for _, runtime := range []string{script.RuntimeEmbedded, script.RuntimeNode} {
		h := script.New(script.Config{Runtime: func(context.Context, string) (string, error) { return runtime, nil }})
		t.Cleanup(func() { h.Close() })
		hosts[runtime] = h
		calls[runtime] = func() error {
			out, err := h.Rules(context.Background(), run)
			if err == nil && (out.Failure != nil || !strings.Contains(string(out.Context), "claim-9")) {
				err = fmt.Errorf("the rules did not run: %+v", out.Failure)
			}
			return err
		}
	}
	node, err := exec.LookPath("node")
	if err == nil && hosts[script.RuntimeNode].NodeError() == nil {
		bare := newBareWorker(t, node)
		calls["bare"] = func() error { return bare.run(run) }
		kinds = append(kinds, script.RuntimeNode, "bare")
	}
	times := map[string][]time.Duration{}
	for i := range n + 30 {
		for _, kind := range kinds {
			began := time.Now()
			if err := calls[kind](); err != nil {
				t.Fatal(kind, err)
			}
			if i >= 30 { // it is warm
				times[kind] = append(times[kind], time.Since(began))
			}
			time.Sleep(4 * time.Millisecond)
		}
	}
	out := map[string]time.Duration{}
	for kind, all := range times {
		slices.Sort(all)
		out[kind] = all[len(all)/2]
	}
	return out
}

// scripts adds the rows of the script host to the table.
func scripts(t *testing.T, w io.Writer) {
	all := hops(t, 300)
	bare := all["bare"]
	for _, row := range []struct{ runtime, wanted string }{{script.RuntimeNode, "≤ 1.2, < 1.5 ms"}, {script.RuntimeEmbedded, "≤ 1.5, < 1.5 ms"}} {
		if all[row.runtime] == 0 || bare == 0 {
			continue
		}
		ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
		fmt.Fprintf(w, "ten rules, %s, to the worker and back\t%.2f ms\tbare Node.js worker %.2f ms\t%.2f\t%s\n", row.runtime, ms(all[row.runtime]), ms(bare), ms(all[row.runtime])/ms(bare), row.wanted)
	}
}

// TestScripts: the measurement measures what it says.
func TestScripts(t *testing.T) {
	all := hops(t, 20)
	t.Log(all)
	if all[script.RuntimeEmbedded] == 0 {
		t.Error("nothing was measured")
	}
}
