package server

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestRepeat: what has expired is deleted soon after the start, and not only by servers that live for ten minutes.
func TestRepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		began := time.Now()
		var at []time.Duration
		go repeat(ctx, sweepFirst, sweepEvery, func(context.Context) { at = append(at, time.Since(began)) })
		time.Sleep(25 * time.Minute)
		stop()
		synctest.Wait()
		if want := []time.Duration{30 * time.Second, 10*time.Minute + 30*time.Second, 20*time.Minute + 30*time.Second}; !slices.Equal(at, want) {
			t.Errorf("done at %v, want %v", at, want)
		}
	})
}
