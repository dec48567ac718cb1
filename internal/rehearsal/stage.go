package rehearsal

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/stagedoor/stagedoor/internal/outbound"
	"github.com/stagedoor/stagedoor/internal/script"
)

// Runner runs scripts; a [script.Host] is one.
type Runner interface {
	Rules(ctx context.Context, run script.Run) (script.Outcome, error)
	Trigger(ctx context.Context, run script.TriggerRun) (script.TriggerOutcome, error)
	Call(ctx context.Context, run script.CallRun) (script.CallOutcome, error)
}

// Config says how plays are run. Its zero value is usable.
type Config struct {
	Command  []string        // argv of a worker; empty: this executable with the argument script-worker
	Limits   script.Limits   // zero fields take the server's defaults
	Outbound outbound.Config // what plays that may call out can reach
	Runtime  string          // embedded or node; empty: embedded, unless a script's modules need Node.js
	Node     string          // path of Node.js; empty: the one on PATH, if there is one
	Added    script.Added    // packages that an operator added; nil: none
}

// Stage runs plays in a worker process of its own. It is safe for concurrent use.
type Stage struct {
	host    *script.Host
	outside *http.Client
	plays   atomic.Uint64
}

// Open makes a stage; Close must follow.
func Open(cfg Config) *Stage {
	client := outbound.New(cfg.Outbound)
	host := script.New(script.Config{
		Command: cfg.Command, Workers: 1, HTTP: client, Net: script.Reach(cfg.Outbound), Limits: cfg.Limits, Node: cfg.Node, Added: cfg.Added,
		Runtime: func(context.Context, string) (string, error) { return cfg.Runtime, nil },
	})
	return &Stage{host: host, outside: client}
}

// Close ends the worker.
func (s *Stage) Close() error { return s.host.Close() }

// Rehearse runs a play for a tenant that there never was: nothing is left for the next play, neither `global` nor api.cache.
func (s *Stage) Rehearse(ctx context.Context, p Play) (Result, error) {
	p.Tenant = fmt.Sprintf("rehearsal %d", s.plays.Add(1))
	return Rehearse(ctx, s.host, s.outside, p)
}

// Rehearse runs a play and waits for what its scripts go on with in the background. What scripts do wrong is in the result; the error says
// that the play could not be run. outside makes the calls that no stub answers, where the play lets them go out; nil: none.
func Rehearse(ctx context.Context, by Runner, outside *http.Client, p Play) (Result, error) {
	if err := p.Complete(); err != nil {
		return Result{}, err
	}
	net := newNetwork(p.Stubs, p.Live, outside)
	changes := &changes{user: p.User, update: p.Update}
	var late late
	done := make(chan struct{})
	watch := script.Watch{HTTP: net.client, Late: late.add, Done: func() { close(done) }}
	if !p.Live {
		watch.Net = &script.Dialer{} // stubs answer HTTP alone: nothing else goes out
	}
	var out Result
	var err error
	switch {
	case p.Kind == Rule:
		out, err = p.rules(ctx, by, watch, changes)
	case operation(p.Kind) != nil:
		out, err = p.call(ctx, by, watch)
	default:
		out, err = p.trigger(ctx, by, watch)
	}
	if err != nil {
		return Result{}, err
	}
	select {
	case <-done:
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	out.Metadata = append(out.Metadata, changes.all()...)
	out.HTTP = net.all()
	out.Console = append(out.Console, late.all()...)
	return out, nil
}

// late keeps the lines that scripts write when their outcome is out.
type late struct {
	mu    sync.Mutex
	lines []Line
}

func (l *late) add(line script.Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, Line{Script: line.Rule, Level: line.Level, Text: line.Text, Late: true})
}

func (l *late) all() []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines
}
