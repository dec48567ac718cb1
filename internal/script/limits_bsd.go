//go:build unix && !linux

package script

import (
	"os/exec"
	"syscall"
)

// child keeps the terminal's signals from workers: the server ends them. A worker also ends when its stdin does.
func child(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func confine() error { return setLimits(nil) }

func residentMemory() uint64 { return 0 }
