package delivery_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/delivery"
)

// TestCrew: a queue is served once at a time, four of a tenant are and sixteen in all, and who waits for a place when the context ends gets none.
func TestCrew(t *testing.T) {
	var crew delivery.Crew[string]
	ctx, stop := context.WithCancel(t.Context())
	end := make(chan struct{})
	var served atomic.Int32
	serve := func() { served.Add(1); <-end }
	for _, tenant := range []string{"a", "b", "c"} {
		for i := range 10 {
			for range 2 {
				crew.Serve(ctx, tenant, fmt.Sprint(tenant, i), serve)
			}
		}
	}
	within(t, "three tenants have four places each", func() bool { return served.Load() == 12 })
	for _, tenant := range []string{"d", "e"} { // who comes last does not wait for those who came first and have had their share
		for i := range 3 {
			crew.Serve(ctx, tenant, fmt.Sprint(tenant, i), serve)
		}
	}
	within(t, "there are sixteen places", func() bool { return served.Load() == 16 })
	time.Sleep(20 * time.Millisecond)
	if n := served.Load(); n != 16 {
		t.Errorf("%d are served, not 16", n)
	}
	if !crew.Serves("a0") || !crew.Serves("a9") || crew.Serves("a10") {
		t.Error("it serves others than it says")
	}
	stop()
	close(end)
	crew.Wait()
	if n := served.Load(); n != 16 || crew.Serves("a0") || crew.Serves("a9") {
		t.Errorf("%d were served, not 16", n)
	}
	crew.Serve(t.Context(), "a", "a0", serve)
	if crew.Wait(); served.Load() != 17 {
		t.Error("a queue is not served again")
	}
}

// TestPlaces: a place that becomes free goes to a tenant that has none.
func TestPlaces(t *testing.T) {
	var crew delivery.Crew[string]
	one, end := make(chan struct{}), make(chan struct{})
	var served, late atomic.Int32
	for _, tenant := range []string{"a", "b", "c", "d"} {
		for i := range 10 {
			crew.Serve(t.Context(), tenant, fmt.Sprint(tenant, i), func() {
				served.Add(1)
				select {
				case <-one:
				case <-end:
				}
			})
		}
	}
	within(t, "all places are taken", func() bool { return served.Load() == 16 })
	crew.Serve(t.Context(), "e", "e0", func() { late.Add(1) })
	one <- struct{}{}
	within(t, "it goes to who has none", func() bool { return late.Load() == 1 })
	close(end)
	crew.Wait()
	if n := served.Load(); n != 40 {
		t.Errorf("%d were served, not 40", n)
	}
}

func within(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 500 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal(what + ": no")
}

// TestRun: it looks until the context ends, and waits for what is being served.
func TestRun(t *testing.T) {
	var crew delivery.Crew[int]
	ctx, stop := context.WithCancel(t.Context())
	looks, ended := 0, false
	crew.Run(ctx, time.Millisecond, func() {
		if looks++; looks < 3 {
			return
		}
		stop()
		crew.Serve(context.Background(), "a", 1, func() { time.Sleep(10 * time.Millisecond); ended = true })
	})
	if looks < 3 || !ended {
		t.Errorf("%d looks, ended %v", looks, ended)
	}
}

func TestPause(t *testing.T) {
	for failures, want := range map[int]time.Duration{0: time.Second, 1: 2 * time.Second, 8: 256 * time.Second, 9: 5 * time.Minute, 1000: 5 * time.Minute} {
		if got := delivery.Pause(failures); got != want {
			t.Errorf("after %d failures: %v, not %v", failures, got, want)
		}
	}
}
