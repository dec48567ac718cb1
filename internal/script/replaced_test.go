package script

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// A worker is replaced that holds much, has computed for long, has served many, is old or idle; and no other.
func TestWorkersAreReplaced(t *testing.T) {
	now := time.Now()
	locked := func(p *pool, fn func()) {
		p.mu.Lock()
		defer p.mu.Unlock()
		fn()
	}
	for _, c := range []struct {
		name  string
		after func(*pool, *process)
		goes  bool
	}{
		{"a usual one", func(p *pool, w *process) {
			p.done(w, &usage{CPU: 1000, Memory: maxResident})
			p.reap(now.Add(time.Minute))
		}, false},
		{"memory", func(p *pool, w *process) { p.done(w, &usage{Memory: maxResident + 1}) }, true},
		{"processor time", func(p *pool, w *process) { p.done(w, &usage{CPU: processCPU.Milliseconds()/2 + 1}) }, true},
		{"idle", func(p *pool, _ *process) { p.reap(now.Add(idleFor + time.Minute)) }, true},
		{"old", func(p *pool, w *process) { locked(p, func() { w.born = now.Add(-maxAge - time.Minute) }); p.reap(now) }, true},
		{"many runs", func(p *pool, w *process) { locked(p, func() { w.served = maxServed - 1 }) }, true},
		{"many scripts", func(_ *pool, w *process) {
			for i := range maxScripts + 1 {
				w.holds([]string{fmt.Sprint(i)})
			}
		}, true},
	} {
		h := newHost(t, Config{Workers: 1})
		must(t, h, simple("t", pass))
		rested(t, h)
		was := workers(h)["t"]
		h.pool.mu.Lock()
		all := slices.Collect(maps.Keys(h.pool.processes))
		h.pool.mu.Unlock()
		for _, p := range all {
			c.after(h.pool, p)
		}
		must(t, h, simple("t", pass)) // the last one of a worker that has served many
		rested(t, h)
		must(t, h, simple("t", pass))
		if is := workers(h)["t"]; is == 0 || (is != was) != c.goes {
			t.Errorf("%s: %d, then %d", c.name, was, is)
		}
		_ = h.Close()
	}
}

// Whose runs are ended for time, for memory or because the worker broke is on probation after three; errors of scripts are none.
func TestWhatBringsProbation(t *testing.T) {
	now := time.Now()
	for kind, brings := range map[string]bool{KindTimeout: true, KindMemory: true, KindCrashed: true, KindException: false, "": false} {
		p := &pool{records: map[string]*record{}}
		for i := range strikesAllowed {
			if p.probation("t", now) {
				t.Errorf("%s: after %d", kind, i)
			}
			p.strike("t", kind, now)
		}
		if p.probation("t", now) != brings || p.probation("other", now) {
			t.Errorf("%s: %v", kind, !brings)
		}
	}
}

// What fails leaves user and context as they were, with the one code that rules have; and an outcome without either is a failure.
func TestOutcomeOfAWorkerIsLookedAt(t *testing.T) {
	h := newHost(t, Config{Workers: 1})
	run := simple("t", pass)
	j := newJob(h, t.Context(), KindRules, run)
	defer j.cancel()
	evil := json.RawMessage(`{"evil":true}`)
	out := j.result(result{User: evil, Context: evil, Merged: []string{"evil"}, Failure: &failure{Code: "consent_required", Message: "no"}})
	if string(out.User) != string(run.User) || string(out.Context) != string(run.Context) || out.Merged != nil || out.Failure.Code != "access_denied" {
		t.Errorf("%s %s %v %+v", out.User, out.Context, out.Merged, out.Failure)
	}
	for _, r := range []result{{User: evil}, {Context: evil}, {User: json.RawMessage(`[1]`), Context: evil}} {
		if out := j.result(r); out.Failure == nil || out.Failure.Kind != KindCrashed || string(out.User) != string(run.User) {
			t.Errorf("%+v: %+v", r, out)
		}
	}
	j = newJob(h, t.Context(), KindRules, run)
	defer j.cancel()
	frame, err := appendFrame(nil, message{Type: "outcome", Run: j.id, Outcome: &result{User: json.RawMessage(`{"a":`), Context: evil}})
	if err != nil {
		t.Fatal(err)
	}
	p := &process{jobs: map[uint64]*job{j.id: j}}
	p.read(bytes.NewReader(frame))
	if len(j.outcome) > 0 {
		t.Error("what is no JSON is taken for an outcome")
	}
}

// What scripts began goes on for a while when the outcome is out, also where the run's own time was short; then its end is told. What they print meanwhile holds no secrets either.
func TestAfterTheOutcome(t *testing.T) {
	h := newHost(t, Config{Workers: 1, Limits: Limits{Wall: 2 * time.Second}})
	lines, landed, ended := make(chan Line, 9), make(chan bool, 1), make(chan bool, 1)
	run := simple("t", `setTimeout(function () { console.log('it is ' + configuration.KEY); auth0.users.updateAppMetadata('auth0|1', {late: 1}); }, 3000); callback(null, user, context);`)
	run.Configuration = map[string]string{"KEY": "a-secret-of-the-tenant"}
	run.Late = func(l Line) { lines <- l }
	run.Done = func() { ended <- true }
	run.UpdateMetadata = func(context.Context, string, string, json.RawMessage) (json.RawMessage, error) {
		landed <- true
		return json.RawMessage(`{}`), nil
	}
	must(t, h, run)
	select {
	case <-landed:
	case <-time.After(10 * time.Second):
		t.Error("the work that was begun is lost")
	}
	select {
	case <-ended:
	case <-time.After(4 * time.Second): // sooner than its time would be over
		t.Error("nobody is told that it is over")
	}
	select {
	case l := <-lines:
		if strings.Contains(l.Text, "a-secret") || !strings.Contains(l.Text, "~configuration.KEY~") {
			t.Errorf("%+v", l)
		}
	default:
		t.Error("what was printed is lost")
	}
}
