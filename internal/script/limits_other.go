//go:build !unix

package script

import (
	"os/exec"
	"time"
)

// child has nothing to add here: a worker ends when its stdin does.
func child(*exec.Cmd, bool) {}

const canPart = false

func refused(error) bool { return false }

// confine relies on the engine's own limits and on the host's clock.
func confine() error { return nil }

func processUsage() usage { return usage{} }

func processTime() time.Duration { return 0 }
