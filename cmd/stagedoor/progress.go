package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
)

// progress tells on standard error how far long work has come: on a terminal one line that changes, elsewhere a line now and then.
type progress struct {
	began, told time.Time
	every       time.Duration
	terminal    bool
	shown       int
}

func newProgress() *progress {
	p := &progress{began: time.Now(), told: time.Now(), every: 5 * time.Second, terminal: isatty.IsTerminal(os.Stderr.Fd())}
	if p.terminal {
		p.every = 200 * time.Millisecond
	}
	return p
}

// bytes is for work on a number of bytes.
func (p *progress) bytes(done, total int64) {
	p.tell(func() string { return fmt.Sprintf("%d of %d MB%s", done>>20, total>>20, p.left(done, total)) })
}

// counting is for work on things of which nobody knows how many there are.
func (p *progress) counting(what string) func(n int) {
	return func(n int) { p.tell(func() string { return fmt.Sprintf("%s: %d", what, n) }) }
}

// tell shows a line, unless the last one is too young.
func (p *progress) tell(line func() string) {
	if time.Since(p.told) < p.every {
		return
	}
	p.told = time.Now()
	text := line()
	if !p.terminal {
		fmt.Fprintln(os.Stderr, text)
		return
	}
	fmt.Fprint(os.Stderr, "\r", text, strings.Repeat(" ", max(0, p.shown-len(text))))
	p.shown = len(text)
}

// rate is how many are done in a second.
func (p *progress) rate(done int64) float64 {
	return float64(done) / max(time.Since(p.began).Seconds(), 0.001)
}

// left estimates how long the rest takes.
func (p *progress) left(done, total int64) string {
	took := time.Since(p.began)
	if done <= 0 || done >= total || took < time.Second {
		return ""
	}
	return fmt.Sprintf(", about %s left", time.Duration(float64(took)/float64(done)*float64(total-done)).Round(time.Second))
}

// end clears the line.
func (p *progress) end() {
	if p.terminal && p.shown > 0 {
		fmt.Fprint(os.Stderr, "\r", strings.Repeat(" ", p.shown), "\r")
	}
}
