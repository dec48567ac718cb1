package script

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
)

// A case of the corpus is a text archive. Files: `rule NAME` in order; `user.json`, `context.json`, `configuration.json`; `http METHOD URL`
// with a status line, headers, a blank line and a body; `limits.json`; `want.json` with what must come of it. Members of want that are
// objects are matched as parts of what is there. Where the embedded runtime differs, `embedded REASON` has the members of want that do.
// A case with the empty section `bare` is plain JavaScript: see TestBareNode.
type want struct {
	Failure  *Failure
	User     any
	Context  any
	Merged   []string
	Console  []string // "rule level text", each must occur
	Silent   bool     // no console output at all
	Metadata []any    // {id, kind, patch}
	Requests []any    // {method, url, headers, body}
}

func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no corpus", err)
	}
	share(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			for _, runtime := range runtimes(t) {
				t.Run(runtime, func(t *testing.T) {
					t.Parallel()
					runCase(t, file, runtime)
				})
			}
		})
	}
}

type section struct{ name, text string }

func archive(t testing.TB, file string) []section {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []section
	for _, line := range strings.SplitAfter(string(b), "\n") {
		if name, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "-- "); ok && strings.HasSuffix(name, " --") {
			out = append(out, section{name: strings.TrimSuffix(name, " --")})
		} else if len(out) > 0 {
			out[len(out)-1].text += line
		}
	}
	return out
}

func runCase(t *testing.T, file, runtime string) {
	run := Run{
		Tenant: "corpus", User: json.RawMessage(`{"user_id":"auth0|1"}`), Context: json.RawMessage(`{"idToken":{},"accessToken":{}}`),
		Domain: "tenant.example", BaseURL: "https://tenant.example/api/v2",
	}
	out := &outside{replies: make(map[string]string)}
	cfg := Config{Workers: 1, HTTP: &http.Client{Transport: out}, Runtime: always(runtime)}
	var w want
	for _, s := range archive(t, file) {
		decode := func(into any) {
			d := json.NewDecoder(strings.NewReader(s.text))
			d.DisallowUnknownFields()
			if err := d.Decode(into); err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
		}
		switch kind, name, _ := strings.Cut(s.name, " "); kind {
		case "rule":
			text := strings.NewReplacer("<BOM>", "\ufeff", "<CR>", "\r").Replace(s.text)
			run.Rules = append(run.Rules, Rule{ID: "rul_" + name, Name: name, Source: strings.TrimSuffix(text, "\n")})
		case "user.json":
			run.User = json.RawMessage(s.text)
		case "context.json":
			run.Context = json.RawMessage(s.text)
		case "configuration.json":
			decode(&run.Configuration)
		case "limits.json":
			var l struct{ Wall, CPU string }
			decode(&l)
			cfg.Limits.Wall, _ = time.ParseDuration(l.Wall)
			cfg.Limits.CPU, _ = time.ParseDuration(l.CPU)
		case "http":
			out.replies[name] = s.text
		case "want.json":
			decode(&w)
		case "bare": // also run by TestBareNode
		case "embedded":
			if name == "" {
				t.Error("the section embedded has no reason")
			}
			if runtime == RuntimeEmbedded {
				decode(&w)
			}
		default:
			t.Fatalf("unknown section %q", s.name)
		}
	}
	run.AccessToken = func(context.Context) (string, error) { return "management-token", nil }
	run.UpdateMetadata = out.update
	got, err := hostFor(t, cfg, runtime).Rules(out.within(t.Context()), run)
	if err != nil {
		t.Fatal(err)
	}
	w.compare(t, got, out)
}

func (w want) compare(t *testing.T, got Outcome, out *outside) {
	t.Helper()
	if got.Failure != nil && (w.Failure == nil || w.Failure.Stack == "") { // stack_test.go has them
		got.Failure.Name, got.Failure.Stack = "", ""
	}
	w.Failure = matched(w.Failure, got.Failure)
	if !reflect.DeepEqual(w.Failure, got.Failure) {
		t.Errorf("failure: got %+v, want %+v\nconsole: %+v", got.Failure, w.Failure, got.Console)
	}
	for _, m := range []struct {
		name string
		want any
		got  json.RawMessage
	}{{"user", w.User, got.User}, {"context", w.Context, got.Context}} {
		var have any
		if err := json.Unmarshal(m.got, &have); err != nil {
			t.Fatalf("%s: %v", m.name, err)
		}
		if m.want != nil && !within(m.want, have) {
			t.Errorf("%s: got %s, want in it %s", m.name, m.got, marshal(m.want))
		}
	}
	if w.Merged != nil && !reflect.DeepEqual(w.Merged, got.Merged) {
		t.Errorf("merged: got %q, want %q", got.Merged, w.Merged)
	}
	var lines []string
	for _, l := range got.Console {
		lines = append(lines, l.Rule+" "+l.Level+" "+l.Text)
	}
	for _, line := range w.Console {
		if !strings.Contains("\n"+strings.Join(lines, "\n")+"\n", "\n"+line+"\n") {
			t.Errorf("console: no line %q in\n%s", line, strings.Join(lines, "\n"))
		}
	}
	if w.Silent && len(lines) > 0 {
		t.Errorf("console: %q", lines)
	}
	if w.Metadata != nil || w.Requests != nil {
		out.wait(len(w.Metadata), len(w.Requests))
	}
	out.mu.Lock()
	defer out.mu.Unlock()
	for _, m := range []struct {
		name string
		want []any
		got  []any
	}{{"metadata", w.Metadata, out.metadata}, {"requests", w.Requests, out.requests}} {
		if len(m.want) != len(m.got) {
			t.Errorf("%s: got %s, want %s", m.name, marshal(m.got), marshal(m.want))
			continue
		}
		for i := range m.want {
			if !within(m.want[i], m.got[i]) {
				t.Errorf("%s %d: got %s, want in it %s", m.name, i, marshal(m.got[i]), marshal(m.want[i]))
			}
		}
	}
}

// matched is a wanted failure whose message is a pattern, behind a ~, with the message that matches it.
func matched(want, got *Failure) *Failure {
	if want == nil || got == nil {
		return want
	}
	pattern, is := strings.CutPrefix(want.Message, "~")
	if !is || !regexp.MustCompile(pattern).MatchString(got.Message) {
		return want
	}
	f := *want
	f.Message = got.Message
	return &f
}

// within tells whether part is in whole: objects member by member, null meaning absent or null; everything else equal.
func within(part, whole any) bool {
	p, ok := part.(map[string]any)
	if !ok {
		return reflect.DeepEqual(part, whole)
	}
	w, ok := whole.(map[string]any)
	if !ok {
		return false
	}
	for k, v := range p {
		if !within(v, w[k]) {
			return false
		}
	}
	return true
}

func marshal(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func newHost(t testing.TB, cfg Config) *Host {
	t.Helper()
	if slowEngine { // the engine is 20 times slower
		cfg.Limits.CPU *= 5
		if cfg.Limits.CPU == 0 {
			cfg.Limits.CPU = 15 * time.Second
		}
	}
	h := New(cfg)
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// shared are hosts that cases use together, by runtime: those that need no limits of their own.
var shared = map[string]*Host{}

// share makes the hosts of a corpus. They end with the test.
func share(t *testing.T) {
	t.Helper()
	l := Limits{CPU: 20 * time.Second, Wall: 2 * time.Minute} // Node.js goes by the clock, and the machine may be busy with something else
	for _, runtime := range runtimes(t) {
		shared[runtime] = newHost(t, Config{Workers: 2, HTTP: &http.Client{Transport: dispatch{}}, Runtime: always(runtime), Limits: l})
	}
}

// hostFor is a host for a case.
func hostFor(t *testing.T, cfg Config, runtime string) *Host {
	t.Helper()
	if h := shared[runtime]; h != nil && cfg.Limits == (Limits{}) {
		return h
	}
	return newHost(t, cfg)
}

// dispatch gives a request to the outside of the case that it comes from.
type dispatch struct{}

type outsideKey struct{}

func (o *outside) within(ctx context.Context) context.Context {
	return context.WithValue(ctx, outsideKey{}, o)
}

func (dispatch) RoundTrip(req *http.Request) (*http.Response, error) {
	o, ok := req.Context().Value(outsideKey{}).(*outside)
	if !ok {
		return nil, fmt.Errorf("a request of nobody: %s", req.URL)
	}
	return o.RoundTrip(req)
}

// outside is the world around the scripts: a network of canned replies and a store of metadata.
type outside struct {
	replies map[string]string

	mu       sync.Mutex
	requests []any
	metadata []any
}

func (o *outside) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
	}
	headers := make(map[string]any)
	for name, values := range req.Header {
		headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	o.mu.Lock()
	o.requests = append(o.requests, map[string]any{"method": req.Method, "url": req.URL.String(), "headers": headers, "body": string(body)})
	text, ok := o.replies[req.Method+" "+req.URL.String()]
	o.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("no reply for %s %s", req.Method, req.URL)
	}
	if text == "hang\n" {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	head, rest, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	status, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil {
		return nil, err
	}
	res := &http.Response{StatusCode: status, Header: make(http.Header), Body: io.NopCloser(bytes.NewReader([]byte(strings.TrimSuffix(rest, "\n")))), Request: req, ProtoMajor: 1}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		res.Header.Add(name, value)
	}
	return res, nil
}

func (o *outside) update(_ context.Context, id, kind string, patch json.RawMessage) (json.RawMessage, error) {
	var p any
	if err := json.Unmarshal(patch, &p); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if strings.HasPrefix(id, "missing|") {
		return nil, &stagedoor.Error{Kind: stagedoor.NotFound, Code: "inexistent_user", Message: "The user does not exist."}
	}
	o.metadata = append(o.metadata, map[string]any{"id": id, "kind": kind, "patch": p})
	return json.RawMessage(`{"user_id":` + strconv.Quote(id) + `,"` + kind + `":` + string(patch) + `}`), nil
}

// wait gives background work its time.
func (o *outside) wait(metadata, requests int) {
	for range 300 {
		o.mu.Lock()
		done := len(o.metadata) >= metadata && len(o.requests) >= requests
		o.mu.Unlock()
		if done {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func must(t *testing.T, h *Host, run Run) Outcome {
	t.Helper()
	out, err := h.Rules(t.Context(), run)
	if err != nil || out.Failure != nil {
		t.Fatal(err, out.Failure)
	}
	return out
}

const pass = `callback(null, user, context);`
