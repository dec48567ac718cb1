package delivery_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/delivery"
)

// TestCrew: a queue is served once at a time, sixteen queues are, and who waits for a place goes when the context ends.
func TestCrew(t *testing.T) {
	var crew delivery.Crew[int]
	ctx, stop := context.WithCancel(t.Context())
	end := make(chan struct{})
	var served atomic.Int32
	serve := func() { served.Add(1); <-end }
	for i := range 16 {
		for range 2 {
			if err := crew.Serve(ctx, i, serve); err != nil {
				t.Fatal(err)
			}
		}
	}
	time.AfterFunc(20*time.Millisecond, stop)
	if err := crew.Serve(ctx, 16, serve); !errors.Is(err, context.Canceled) {
		t.Errorf("a seventeenth is served: %v", err)
	}
	if !crew.Serves(0) || crew.Serves(16) {
		t.Error("it serves others than it says")
	}
	close(end)
	crew.Wait()
	if n := served.Load(); n != 16 || crew.Serves(0) {
		t.Errorf("%d were served, not 16", n)
	}
	if err := crew.Serve(t.Context(), 0, serve); err != nil {
		t.Fatal(err)
	}
	if crew.Wait(); served.Load() != 17 {
		t.Error("a queue is not served again")
	}
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
		crew.Serve(context.Background(), 1, func() { time.Sleep(10 * time.Millisecond); ended = true })
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
