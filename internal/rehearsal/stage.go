package rehearsal

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/stagedoor/stagedoor/internal/outbound"
	"github.com/stagedoor/stagedoor/internal/script"
)

// Config says how plays are run. Its zero value is usable.
type Config struct {
	Command  []string        // argv of a worker; empty: this executable with the argument script-worker
	Limits   script.Limits   // zero fields take the server's defaults
	Outbound outbound.Config // what plays that may call out can reach
}

// Stage runs plays, one at a time, in a worker process of its own.
type Stage struct {
	host *script.Host

	mu    sync.Mutex // one play at a time
	plays int
	net   network
	late  late
}

// Open makes a stage; Close must follow.
func Open(cfg Config) *Stage {
	s := &Stage{}
	client := outbound.New(cfg.Outbound)
	s.net.outside = client.Transport
	client.Transport = &s.net
	s.host = script.New(script.Config{Command: cfg.Command, Workers: 1, HTTP: client, Limits: cfg.Limits, Log: slog.New(&s.late)})
	return s
}

// Close ends the worker.
func (s *Stage) Close() error { return s.host.Close() }

// Rehearse runs a play and waits for what its scripts go on with in the background. What scripts do wrong is in the result; the error says
// that the play could not be run. Nothing is left for the next play: neither `global` nor api.cache.
func (s *Stage) Rehearse(ctx context.Context, p Play) (Result, error) {
	if err := p.Complete(); err != nil {
		return Result{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plays++
	tenant := fmt.Sprintf("rehearsal %d", s.plays)
	s.net.begin(p.Stubs, p.Live)
	s.late.begin()
	var out Result
	var err error
	changes := &changes{user: p.User}
	switch {
	case p.Kind == Rule:
		out, err = p.rules(ctx, s.host, tenant, changes)
	case operation(p.Kind) != nil:
		out, err = p.call(ctx, s.host, tenant)
	default:
		out, err = p.trigger(ctx, s.host, tenant)
	}
	if err != nil {
		return Result{}, err
	}
	err = s.host.Settle(ctx)
	changes.mu.Lock()
	defer changes.mu.Unlock()
	out.Metadata = append(out.Metadata, changes.writes...)
	out.HTTP = s.net.end()
	out.Console = append(out.Console, s.late.end()...)
	return out, err
}

// late catches the lines that scripts write when their outcome is out: the host has only its log for them.
type late struct {
	mu    sync.Mutex
	lines []Line
}

func (l *late) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = nil
}

func (l *late) end() []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines
}

func (l *late) Enabled(context.Context, slog.Level) bool { return true }

func (l *late) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "script console after the outcome" {
		return nil
	}
	line := Line{Late: true}
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "rule":
			line.Script = a.Value.String()
		case "level":
			line.Level = a.Value.String()
		case "text":
			line.Text = a.Value.String()
		}
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return nil
}

func (l *late) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *late) WithGroup(string) slog.Handler      { return l }
