package script

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/telemetry"
)

// Host runs scripts. It is safe for concurrent use.
type Host struct {
	cfg  Config
	pool *pool
	ids  atomic.Uint64

	keeping sync.WaitGroup // recordings that are being kept

	caches   caches   // of api.cache
	verdicts verdicts // which scripts want Node.js
	added    added
}

// New returns a host. Workers are started when they are needed; [Host.Close] ends them.
func New(cfg Config) *Host {
	cfg = cfg.withDefaults()
	return &Host{cfg: cfg, pool: newPool(cfg)}
}

// Close ends all workers and waits until what was recorded is kept. Runs that are under way fail.
func (h *Host) Close() error {
	h.pool.close()
	h.keeping.Wait()
	return nil
}

// Load is what a host is busy with.
type Load struct {
	Workers map[string]int // that live, by runtime
	Waiting int            // runs that wait for one
}

// Load returns what the host is busy with.
func (h *Host) Load() Load {
	l := Load{Workers: map[string]int{RuntimeEmbedded: 0, RuntimeNode: 0}}
	h.pool.mu.Lock()
	defer h.pool.mu.Unlock()
	for proc := range h.pool.processes {
		l.Workers[proc.runtime]++
	}
	l.Waiting = len(h.pool.waiters)
	return l
}

// Ceilings are the highest limits that a [Policy] can give.
func (h *Host) Ceilings() Limits { return h.cfg.Ceilings }

// Rules runs a tenant's rules in order. What scripts do wrong is in Outcome.Failure; the error says that they could not be run at all: no
// worker could be started, the host is closed, or ctx ended first.
func (h *Host) Rules(ctx context.Context, run Run) (Outcome, error) {
	if len(run.Rules) == 0 {
		return Outcome{User: run.User, Context: run.Context}, nil
	}
	for _, object := range []json.RawMessage{run.User, run.Context} {
		if !isObject(bytes.TrimSpace(object)) || !json.Valid(object) {
			return Outcome{}, errors.New("script: user and context must be JSON objects")
		}
	}
	j := newJob(h, ctx, KindRules, run)
	r, err := h.wait(ctx, j)
	if err != nil {
		return Outcome{}, err
	}
	return j.result(r), nil
}

// wait runs a job until its outcome, and counts it.
func (h *Host) wait(ctx context.Context, j *job) (result, error) {
	start := time.Now()
	r, err := h.waited(ctx, j)
	outcome := "success"
	switch {
	case err != nil:
		outcome = "unavailable"
	case r.Failure != nil:
		outcome = r.Failure.Kind
	}
	if j.kind != "" && j.repeat == nil {
		h.cfg.Metrics.Add(telemetry.ScriptRuns, 1, j.kind, j.runtime, outcome)
		h.cfg.Metrics.Since(telemetry.ScriptTime, start, j.kind, j.runtime)
	}
	j.span.Set("stagedoor.script.runtime", j.runtime)
	if outcome != "success" {
		j.span.Fail(outcome)
	}
	j.span.End()
	return r, err
}

func (h *Host) waited(ctx context.Context, j *job) (result, error) {
	var err error
	if j.runtime, err = h.runtime(ctx, j); err != nil {
		j.cancel()
		h.cfg.Log.Error("scripts of a tenant cannot run", "tenant", j.run.Tenant, "err", err)
		return result{Failure: &failure{Rule: -1, Kind: KindRuntime, Code: "access_denied", Message: "Scripts of this tenant run on Node.js: " + err.Error()}}, nil
	}
	proc, err := h.begin(ctx, j)
	if err != nil {
		j.cancel()
	}
	if busy := (busyError{}); errors.As(err, &busy) {
		h.cfg.Log.Warn("scripts of a tenant were not run", "tenant", j.run.Tenant, "why", busy.text)
		return result{Failure: &failure{Rule: -1, Kind: KindBusy, Code: "access_denied", Message: busy.text}}, nil
	}
	if err != nil {
		return result{}, err
	}
	kind := ""
	defer func() { h.pool.release(proc, kind) }()
	late := time.NewTimer(j.limits.Wall + time.Second)
	defer late.Stop()
	select {
	case r := <-j.outcome:
		if r.Failure != nil {
			kind = r.Failure.Kind
		}
		return r, nil
	case <-late.C: // the worker itself hangs
		kind = KindTimeout
		late := result{Failure: &failure{Rule: -1, Kind: KindTimeout, Code: "access_denied", Message: textTimeout}}
		j.recorder.concluded(late)
		h.pool.giveUp(proc) // before it ends, so that the tenant's next run is not sent there
		h.cfg.Metrics.Add(telemetry.ScriptKilled, 1, j.runtime)
		proc.kill()
		return late, nil
	case <-ctx.Done():
		_ = proc.send(message{Type: "cancel", Run: j.id})
		return result{}, ctx.Err()
	}
}

// begin finds a worker for a job and sends it there. A worker that turns out to be gone before it began is replaced once.
func (h *Host) begin(ctx context.Context, j *job) (*process, error) {
	h.added.refresh(ctx, h.cfg)
	began := time.Now()
	for attempt := 0; ; attempt++ {
		start := time.Now()
		waiting, stop := context.WithTimeout(ctx, j.limits.Wall/2)
		proc, err := h.pool.acquire(waiting, owner{j.run.Tenant, j.runtime})
		if err != nil && ctx.Err() == nil && waiting.Err() != nil {
			err = busyError{waitsTooLong}
		}
		stop()
		h.cfg.Metrics.Since(telemetry.ScriptWait, start)
		if err != nil {
			return nil, err
		}
		j.proc = proc
		j.lives()
		err = proc.begin(j, func() ([]byte, error) { return h.frames(proc, j) })
		if err == nil {
			return proc, nil
		}
		if errors.Is(err, errGone) {
			h.pool.giveUp(proc)
		}
		h.pool.release(proc, "")
		if errors.Is(err, errSilent) && attempt > 0 || errors.Is(err, errGone) && time.Since(began) >= startTimeout { // the machine is busy with others: one more would not do better
			return nil, busyError{startsTooLate}
		}
		if attempt > 0 || !errors.Is(err, errGone) {
			return nil, err
		}
	}
}

// frames are what begins a run in a worker: the scripts that it does not have yet, and the run.
func (h *Host) frames(proc *process, j *job) ([]byte, error) {
	b, err := h.added.frame(proc)
	if err != nil {
		return nil, err
	}
	l := j.limits
	s := start{
		Clock: time.Now().UnixMilli(), Seed: newSeed(), Record: j.recorder != nil,
		User: j.run.User, Context: j.run.Context, Configuration: j.run.Configuration, Domain: j.run.Domain, BaseURL: j.run.BaseURL,
		Wall: l.Wall.Milliseconds(), CPU: l.CPU.Milliseconds(), Memory: l.Memory, Calls: l.Calls, LogBytes: l.LogBytes, Trigger: j.triggerStart(), Call: j.call,
	}
	if j.repeat != nil {
		s = j.repeat.start
		s.Rules, s.Forms, s.Record, s.Repeat, s.Answers = nil, nil, true, true, j.repeat.works
	}
	all := j.sources()
	for _, src := range all {
		hash := src.hash()
		s.Rules = append(s.Rules, hash)
		if src.form != "" {
			s.Forms = append(s.Forms, src.form)
		}
		if !proc.lacks(hash) {
			continue
		}
		if b, err = appendFrame(b, message{Type: "load", Hash: hash, Source: src.text}); err != nil {
			return nil, err
		}
	}
	if b, err = appendFrame(b, message{Type: "run", Run: j.id, Start: &s}); err == nil {
		proc.holds(s.Rules)
		j.veil.start = s
		j.recorder.begun(s, j.runtime, all, j.run.Rules)
	}
	return b, err
}

// checkTenant is whom workers serve that compile scripts before they are stored. No tenant has that name.
const checkTenant = "\x00check"

// Check compiles a script and runs nothing of it. A script that is not one JavaScript expression is an Invalid [stagedoor.Error] whose
// message says what is wrong and where.
func (h *Host) Check(ctx context.Context, source string) error {
	found, err := h.check(ctx, message{Source: source})
	if err == nil && found.Text != "" {
		err = &stagedoor.Error{Kind: stagedoor.Invalid, Code: "invalid_script", Message: found.Text}
	}
	return err
}

// check lets a worker look at a script and returns what it found.
func (h *Host) check(ctx context.Context, what message) (message, error) {
	j := newJob(h, ctx, "", Run{})
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Limits.Wall)
	defer cancel()
	what.Type, what.Run = "check", j.id
	frame, err := appendFrame(nil, what)
	if err != nil {
		return message{}, &stagedoor.Error{Kind: stagedoor.Invalid, Code: "invalid_script", Message: "The script is too large", Err: err}
	}
	proc, err := h.pool.acquire(ctx, owner{checkTenant, RuntimeEmbedded})
	if err != nil {
		return message{}, err
	}
	defer h.pool.release(proc, "")
	j.proc = proc
	h.added.refresh(ctx, h.cfg)
	build := func() ([]byte, error) {
		b, err := h.added.frame(proc)
		return append(b, frame...), err
	}
	if err := proc.begin(j, build); err != nil {
		h.pool.giveUp(proc)
		return message{}, err
	}
	defer proc.forget(j)
	select {
	case found := <-j.checked:
		return found, nil
	case r := <-j.outcome:
		return message{}, fmt.Errorf("script: check: %s", r.Failure.Message)
	case <-ctx.Done():
		h.pool.giveUp(proc)
		proc.kill() // a compiler cannot be interrupted
		return message{}, ctx.Err()
	}
}
