//go:build linux

package script

import (
	"context"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// rank is the nice value of a process, field 19 of its stat; policy is how it is scheduled, field 41.
func rank(t *testing.T, pid int) string   { return stat(t, pid, 19) }
func policy(t *testing.T, pid int) string { return stat(t, pid, 41) }

func stat(t *testing.T, pid, field int) string {
	t.Helper()
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	return strings.Fields(string(b)[strings.LastIndexByte(string(b), ')')+1:])[field-3]
}

// TestHumble: a worker that computes for long gets a lower rank while it does, one that waits keeps its own, and a tenant that computes no
// more gets a worker as others have.
func TestHumble(t *testing.T) { eachRuntime(t, testHumble) }

func testHumble(t *testing.T, runtime string) {
	h := newHost(t, Config{Workers: 3, Runtime: always(runtime), Limits: Limits{Wall: 30 * time.Second, CPU: 3 * time.Second}})
	must(t, h, simple("calm", pass))
	must(t, h, simple("calm", `setTimeout(callback, 300, null, user, context);`))
	if got := rank(t, workers(h)["calm"]); got != "0" {
		t.Errorf("a worker that waits has rank %s", got)
	}
	must(t, h, simple("loud", pass))
	pid := workers(h)["loud"]
	ctx, stop := context.WithCancel(t.Context())
	go func() { _, _ = h.Rules(ctx, simple("loud", `for (;;) {}`)) }()
	eventually(t, "the worker that computes is humble", func() bool { return rank(t, pid) == "5" })
	if got := rank(t, workers(h)["calm"]); got != "0" {
		t.Errorf("the other worker has rank %s", got)
	}
	stop()
	eventually(t, "the run ends", func() bool {
		h.pool.mu.Lock()
		defer h.pool.mu.Unlock()
		for p := range h.pool.processes {
			if p.pid == pid && p.lingering() > 0 {
				return false
			}
		}
		return true
	})
	h.pool.mu.Lock()
	for p := range h.pool.processes {
		p.mu.Lock()
		p.heavy = p.heavy.Add(-humbleFor)
		p.mu.Unlock()
	}
	h.pool.mu.Unlock()
	must(t, h, simple("loud", pass)) // on the humble one still, which goes out of service with it
	must(t, h, simple("loud", pass))
	if now := workers(h)["loud"]; now == pid || rank(t, now) != "0" {
		t.Errorf("worker %d after %d, of rank %s", now, pid, rank(t, now))
	}
}

// TestProbation: a tenant whose runs keep being ended has few of them at a time, on one humble worker; the others wait and are told so when that
// takes too long; others do not notice; and it ends.
func TestProbation(t *testing.T) {
	h := newHost(t, Config{Workers: 4, Limits: Limits{Wall: 2 * time.Second, CPU: 50 * time.Millisecond}})
	for range strikesAllowed {
		if out, err := h.Rules(t.Context(), simple("evil", `for (;;) {}`)); err != nil || out.Failure == nil || out.Failure.Kind != KindTimeout {
			t.Fatal(err, out.Failure)
		}
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	kinds := map[string]int{}
	for range 3 * probationRuns {
		wg.Go(func() {
			out, err := h.Rules(t.Context(), simple("evil", `setTimeout(callback, 600, null, user, context);`))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if out.Failure != nil {
				kinds[out.Failure.Kind+" "+out.Failure.Message]++
			} else {
				kinds["ok"]++
			}
		})
	}
	eventually(t, "as many run as may", func() bool {
		h.pool.mu.Lock()
		defer h.pool.mu.Unlock()
		running, live := 0, 0
		for p := range h.pool.processes {
			if p.tenant == "evil" {
				running += p.foreground
				if !p.retired {
					live++
				}
			}
		}
		if running > probationRuns {
			t.Errorf("%d runs", running)
		}
		return running == probationRuns && live == 1
	})
	must(t, h, simple("good", pass))
	for name, pid := range workers(h) {
		if got, want := policy(t, pid), map[bool]string{true: "5", false: "0"}[name == "evil"]; got != want {
			t.Errorf("the worker of %s has scheduling policy %s", name, got)
		}
	}
	wg.Wait()
	if ok, busy := kinds["ok"], kinds[KindBusy+" "+waitsTooLong]; ok < probationRuns || busy < probationRuns || ok+busy != 3*probationRuns {
		t.Errorf("%v", kinds)
	}
	h.pool.mu.Lock()
	h.pool.records["evil"].last = time.Now().Add(-probationFor - time.Second)
	over := !h.pool.probation("evil", time.Now())
	h.pool.mu.Unlock()
	if !over {
		t.Error("probation has no end")
	}
}

// TestOneProcessor: however many runs of a worker compute for long, it uses one processor.
func TestOneProcessor(t *testing.T) {
	h := newHost(t, Config{Workers: 1, Runtime: always(RuntimeEmbedded), Limits: Limits{CPU: 600 * time.Millisecond}})
	must(t, h, simple("loud", pass))
	time.Sleep(100 * time.Millisecond) // what it makes ready is ready
	before, began := computed(workers(h)["loud"]), time.Now()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { _, _ = h.Rules(t.Context(), simple("loud", `for (;;) {}`)) })
	}
	var used, passed time.Duration
	eventually(t, "it computes", func() bool {
		used, passed = computed(workers(h)["loud"])-before, time.Since(began)
		return used > 200*time.Millisecond
	})
	if used > passed*13/10+longTurn {
		t.Errorf("it computed for %v in %v", used, passed)
	}
	wg.Wait()
	if out, err := h.Rules(t.Context(), simple("loud", pass)); err != nil || out.Failure != nil {
		t.Error(err, out.Failure)
	}
}
