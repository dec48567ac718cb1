//go:build !linux

package script

import "time"

// Here nothing is known of how much workers compute, and they keep their rank.
func humble(int, int) {}

func leftovers(int) {}

func computed(int) time.Duration { return 0 }
