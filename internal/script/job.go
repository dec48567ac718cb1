package script

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/telemetry"
)

// job is a run seen from the server. It outlives its outcome until the worker says that the background work is done.
type job struct {
	id      uint64
	kind    string          // empty: it runs no scripts, or again
	span    *telemetry.Span // nil: nobody traces
	host    *Host
	run     Run
	proc    *process
	runtime string       // embedded or node
	outcome chan result  // buffered
	checked chan message // buffered
	trigger *TriggerRun  // nil: rules
	limits  Limits
	repeat  *repeat    // nil unless a recorded run goes again
	call    *callStart // of a connection's script; nil: none
	began   time.Time
	sent    time.Time // to the worker; under its lock
	ctx     context.Context
	cancel  context.CancelFunc // ends the calls that it made
	life    *time.Timer        // ends them when the worker should have long ago; nil: it is not there yet. Under mu

	mu      sync.Mutex
	over    bool // the outcome is out: lines go to the log
	console []Line
	text    int
	calls   []Call
	asked   int
	sockets sockets

	veil     veil      // masks what the run says
	recorder *recorder // nil: the run is not recorded
}

// newJob begins a job of a kind of scripts; without a kind it runs none.
func newJob(h *Host, ctx context.Context, kind string, run Run) *job {
	j := &job{kind: kind, id: h.ids.Add(1), host: h, run: run, limits: h.cfg.Limits, outcome: make(chan result, 1), checked: make(chan message, 1)}
	if kind != "" {
		ctx, j.span = telemetry.Start(ctx, "script "+kind, "stagedoor.script.kind", kind) // ended by wait
	}
	if kind != "" && h.cfg.Policy != nil {
		policy := h.cfg.Policy(ctx, run.Tenant, kind)
		j.limits = policy.Limits.within(h.cfg.Limits, h.cfg.Ceilings)
		j.recorder = newRecorder(h, policy.Record, Recording{Tenant: run.Tenant, Kind: kind, Masks: masksNow})
	}
	// Work that a script has begun goes on when the login that began it is answered, or given up.
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	j.ctx, j.cancel = ctx, func() {
		end()
		j.mu.Lock()
		defer j.mu.Unlock()
		if j.life != nil {
			j.life.Stop()
		}
	}
	j.watched()
	return j
}

// computes is how long the job may compute in one piece.
func (j *job) computes() time.Duration {
	if j.repeat != nil {
		return patience * j.limits.CPU
	}
	return j.limits.CPU
}

// lives begins the job's time, when it goes to a worker: a run that has waited for one has as much as any other.
func (j *job) lives() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.life != nil {
		j.life.Stop()
	}
	j.life = time.AfterFunc(j.limits.Wall+grace+time.Second, j.cancel)
}

// handle takes a frame of the worker, on the goroutine that reads them: it does not wait.
func (j *job) handle(m message) {
	switch m.Type {
	case "call":
		j.recorder.asked(m)
		go j.answer(m)
	case "log":
		j.line(m)
	case "outcome":
		if m.Outcome == nil {
			return
		}
		if m.Outcome.Stuck {
			j.proc.shut() // before anybody hears of it: what comes next goes to another one
			j.proc.forget(j)
			j.host.cfg.Metrics.Add(telemetry.ScriptKilled, 1, j.runtime)
			go j.host.pool.giveUp(j.proc)
		}
		j.conclude(*m.Outcome)
	case "checked":
		select {
		case j.checked <- m:
		default:
		}
	case "done":
		j.cancel()
		j.recorder.done(m)
		go j.host.pool.done(j.proc, m.Usage)
	}
}

// crashed is called when the worker is gone, with what became of its runs.
func (j *job) crashed(f failure) {
	j.cancel()
	j.conclude(result{Failure: &f})
	j.recorder.done(message{})
}

// conclude keeps the first outcome.
func (j *job) conclude(r result) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.over {
		return
	}
	j.over = true
	j.recorder.concluded(r)
	if r.Stuck {
		j.recorder.done(message{})
	}
	j.outcome <- r
}

func (j *job) ruleName(i int) string {
	if i < 0 || i >= len(j.run.Rules) {
		return ""
	}
	return j.run.Rules[i].Name
}

// levelWarning is the level of the host's own lines that say that something has no effect.
const levelWarning = "warning"

func (j *job) line(m message) {
	host := m.Level == levelWarning
	if host {
		m.Level = "warn"
	}
	line := Line{Host: host, Rule: j.ruleName(m.Rule), Level: m.Level, Text: m.Text, At: time.Now()}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.recorder.line(m, j.over)
	if j.text += len(m.Text) + 16; j.text > j.limits.LogBytes+1024 {
		return
	}
	if !j.over {
		j.console = append(j.console, line)
		return
	}
	debug := j.host.cfg.Log.Enabled(j.ctx, slog.LevelDebug)
	if j.run.Late == nil && !debug {
		return
	}
	line.Text = j.veil.text(line.Text)
	if j.run.Late != nil {
		j.run.Late(line)
	}
	if debug {
		j.host.cfg.Log.Debug("script console after the outcome", "tenant", j.run.Tenant, "rule", line.Rule, "level", line.Level, "text", line.Text)
	}
}

// lines are what scripts have said up to the outcome. The lock is held.
func (j *job) lines() []Line {
	all := j.console
	j.console = nil
	for i := range all {
		all[i].Text = j.veil.text(all[i].Text)
	}
	return all
}

// failed is why the run failed, as callers are told. The lock is held.
func (j *job) failed(f *failure) *Failure {
	return &Failure{
		Rule: j.ruleName(f.Rule), Code: clean(j.veil.word(f.Code)), Message: clean(j.veil.message(f.Message)), StatusCode: f.Status, Kind: f.Kind,
		Name: clean(j.veil.word(f.Name)), Stack: cleanLines(j.veil.message(f.Stack)),
	}
}

// result is the outcome as callers get it.
func (j *job) result(r result) Outcome {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.over = true
	out := Outcome{User: r.User, Context: r.Context, Merged: r.Merged, Console: j.lines(), Calls: j.calls}
	j.calls = nil
	for _, t := range r.Timings {
		out.Timings = append(out.Timings, Timing{Rule: j.ruleName(t.Rule), Duration: time.Duration(t.Micros) * time.Microsecond, Outcome: t.Outcome})
	}
	for _, d := range r.Deprecated[:min(len(r.Deprecated), len(magicGlobals))] {
		if instead := magicGlobals[d.What]; instead != "" {
			out.Deprecated = append(out.Deprecated, Deprecation{Rule: j.ruleName(d.Rule), What: d.What, Instead: instead})
		}
	}
	f := r.Failure
	if f == nil && (!isObject(r.User) || !isObject(r.Context)) {
		f = &failure{Rule: -1, Kind: KindCrashed, Code: "access_denied", Message: textCrashed}
	}
	if f != nil {
		out.User, out.Context, out.Merged = j.run.User, j.run.Context, nil
		out.Failure = j.failed(f)
		if f.Code != "unauthorized" { // rules have no other code
			out.Failure.Code = "access_denied"
		}
	}
	return out
}

func isObject(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '{' }

// cleanLines is clean for a text of several lines.
func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = clean(lines[i])
	}
	return strings.Join(lines[:min(len(lines), 20)], "\n")
}

// maxMessage bounds the text of a failure, in bytes: it ends up in URLs.
const maxMessage = 1024

// clean makes a script's text fit for an error description: one line, no control characters, not endless.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '\t' {
			return ' '
		}
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
	return stagedoor.Shorten(s, maxMessage)
}
