package script

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestBareNode runs the cases of the corpus that are plain JavaScript, marked by a section `bare`, in a Node.js process with nothing of the
// script room, and under both runtimes: all three must agree. What the embedded runtime does not have is in a section `embedded`.
func TestBareNode(t *testing.T) {
	needNode(t)
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	type bare struct {
		Name    string          `json:"name"`
		Rules   []string        `json:"rules"`
		User    json.RawMessage `json:"user"`
		Context json.RawMessage `json:"context"`
	}
	var cases []bare
	differs := map[string]bool{}
	for _, file := range files {
		c := bare{Name: strings.TrimSuffix(filepath.Base(file), ".txtar"), User: json.RawMessage(`{"user_id":"auth0|1"}`), Context: json.RawMessage(`{"idToken":{},"accessToken":{}}`)}
		plain := false
		for _, s := range archive(t, file) {
			switch kind, _, _ := strings.Cut(s.name, " "); kind {
			case "rule":
				c.Rules = append(c.Rules, s.text)
			case "user.json":
				c.User = json.RawMessage(s.text)
			case "context.json":
				c.Context = json.RawMessage(s.text)
			case "bare":
				plain = true
			case "embedded":
				differs[c.Name] = true
			}
		}
		if plain {
			cases = append(cases, c)
		}
	}
	if len(cases) < 50 {
		t.Fatalf("%d cases", len(cases))
	}
	input, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	program, err := filepath.Abs("testdata/node/bare.js")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), installed().path, program) //nolint:gosec // of the tests
	cmd.Env, cmd.Stdin, cmd.Stderr = []string{"TZ=UTC"}, strings.NewReader(string(input)), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]struct{ User, Context, Failure string }
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	for _, runtime := range runtimes(t) {
		h := newHost(t, Config{Workers: 2, Node: installed().path, Runtime: always(runtime)})
		for _, c := range cases {
			if runtime == RuntimeEmbedded && differs[c.Name] {
				continue
			}
			run := Run{Tenant: "bare", User: c.User, Context: c.Context}
			for _, text := range c.Rules {
				run.Rules = append(run.Rules, Rule{Name: c.Name, Source: text})
			}
			got, err := h.Rules(t.Context(), run)
			if err != nil {
				t.Fatal(err)
			}
			w := want[c.Name]
			if failure := failureOf(got); failure != w.Failure {
				t.Errorf("%s: %s: failed with %q, Node.js with %q", runtime, c.Name, failure, w.Failure)
			} else if failure == "" && (!sameJSON(t, got.User, w.User) || !sameJSON(t, got.Context, w.Context)) {
				t.Errorf("%s: %s: got %s %s\nNode.js has %s %s", runtime, c.Name, got.User, got.Context, w.User, w.Context)
			}
		}
	}
}

func failureOf(out Outcome) string {
	if out.Failure == nil {
		return ""
	}
	return out.Failure.Message
}

func sameJSON(t *testing.T, a json.RawMessage, b string) bool {
	t.Helper()
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		t.Fatalf("no JSON: %s %s", a, b)
	}
	return reflect.DeepEqual(x, y)
}
