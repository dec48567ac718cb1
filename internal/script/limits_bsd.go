//go:build unix && !linux

package script

import (
	"os/exec"
	"syscall"
)

// child keeps the terminal's signals from workers: the server ends them. A worker also ends when its stdin does.
func child(cmd *exec.Cmd, _ bool) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func confine() error { return setLimits(nil) }

func residentMemory() uint64 { return 0 }

const canPart = false

func refused(error) bool { return false }
