package script

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/stagedoor/stagedoor"
)

// Host runs scripts. It is safe for concurrent use.
type Host struct {
	cfg  Config
	pool *pool
	ids  atomic.Uint64
}

// New returns a host. Workers are started when they are needed; [Host.Close] ends them.
func New(cfg Config) *Host {
	cfg = cfg.withDefaults()
	return &Host{cfg: cfg, pool: newPool(cfg)}
}

// Close ends all workers. Runs that are under way fail.
func (h *Host) Close() error {
	h.pool.close()
	return nil
}

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
	j := newJob(h, ctx, run)
	proc, err := h.begin(ctx, j)
	if err != nil {
		return Outcome{}, err
	}
	defer h.pool.release(proc)
	late := time.NewTimer(h.cfg.Limits.Wall + time.Second)
	defer late.Stop()
	select {
	case r := <-j.outcome:
		return j.result(r), nil
	case <-late.C: // the worker itself hangs
		proc.kill()
		return j.result(result{Failure: &failure{Rule: -1, Kind: KindTimeout, Code: "access_denied", Message: textTimeout}}), nil
	case <-ctx.Done():
		_ = proc.send(message{Type: "cancel", Run: j.id})
		return Outcome{}, ctx.Err()
	}
}

// begin finds a worker for a job and sends it there. A worker that turns out to be gone before it began is replaced once.
func (h *Host) begin(ctx context.Context, j *job) (*process, error) {
	for attempt := 0; ; attempt++ {
		proc, err := h.pool.acquire(ctx, j.run.Tenant)
		if err != nil {
			return nil, err
		}
		j.proc = proc
		err = proc.begin(j, func() ([]byte, error) { return h.frames(proc, j) })
		if err == nil {
			return proc, nil
		}
		if errors.Is(err, errGone) {
			h.pool.giveUp(proc)
		}
		h.pool.release(proc)
		if attempt > 0 || !errors.Is(err, errGone) {
			return nil, err
		}
	}
}

// frames are what begins a run in a worker: the scripts that it does not have yet, and the run.
func (h *Host) frames(proc *process, j *job) ([]byte, error) {
	var b []byte
	var err error
	l := h.cfg.Limits
	s := start{
		User: j.run.User, Context: j.run.Context, Configuration: j.run.Configuration, Domain: j.run.Domain, BaseURL: j.run.BaseURL,
		Wall: l.Wall.Milliseconds(), CPU: l.CPU.Milliseconds(), Memory: l.Memory, Calls: l.Calls, LogBytes: l.LogBytes,
	}
	for _, rule := range j.run.Rules {
		sum := sha256.Sum256([]byte(rule.Source))
		hash := hex.EncodeToString(sum[:16])
		s.Rules = append(s.Rules, hash)
		if !proc.lacks(hash) {
			continue
		}
		if b, err = appendFrame(b, message{Type: "load", Hash: hash, Source: rule.Source}); err != nil {
			return nil, err
		}
	}
	if b, err = appendFrame(b, message{Type: "run", Run: j.id, Start: &s}); err == nil {
		proc.holds(s.Rules)
	}
	return b, err
}

// checkTenant is whom workers serve that compile scripts before they are stored. No tenant has that name.
const checkTenant = "\x00check"

// Check compiles a script and runs nothing of it. A script that is not one JavaScript expression is an Invalid [stagedoor.Error] whose
// message says what is wrong and where.
func (h *Host) Check(ctx context.Context, source string) error {
	j := newJob(h, ctx, Run{})
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Limits.Wall)
	defer cancel()
	frame, err := appendFrame(nil, message{Type: "check", Run: j.id, Source: source})
	if err != nil {
		return &stagedoor.Error{Kind: stagedoor.Invalid, Code: "invalid_script", Message: "The script is too large", Err: err}
	}
	proc, err := h.pool.acquire(ctx, checkTenant)
	if err != nil {
		return err
	}
	defer h.pool.release(proc)
	j.proc = proc
	if err := proc.begin(j, func() ([]byte, error) { return frame, nil }); err != nil {
		h.pool.giveUp(proc)
		return err
	}
	defer proc.forget(j)
	select {
	case text := <-j.checked:
		if text != "" {
			return &stagedoor.Error{Kind: stagedoor.Invalid, Code: "invalid_script", Message: text}
		}
		return nil
	case r := <-j.outcome:
		return fmt.Errorf("script: check: %s", r.Failure.Message)
	case <-ctx.Done():
		proc.kill() // a compiler cannot be interrupted
		return ctx.Err()
	}
}
