//go:build !linux

package bench

import "time"

// processorTime is known on Linux only.
func processorTime(string) time.Duration { return 0 }
