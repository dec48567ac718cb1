package script

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// child ties a worker's life to the server's: the kernel kills it when the thread that started it ends (see startProcess). The terminal's signals do not
// reach it: the server ends its workers itself.
func child(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

const (
	prSetDumpable   = 4  // PR_SET_DUMPABLE
	prSetNoNewPrivs = 38 // PR_SET_NO_NEW_PRIVS
)

// confine gives up what no script needs. RLIMIT_DATA counts what may be written, so it can be tight; RLIMIT_AS also counts what the Go
// runtime only reserves, so it is a second, wider fence.
func confine() error {
	for _, call := range [][2]uintptr{{prSetNoNewPrivs, 1}, {prSetDumpable, 0}} {
		if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, call[0], call[1], 0, 0, 0, 0); errno != 0 {
			return errno
		}
	}
	return setLimits(map[int]uint64{syscall.RLIMIT_DATA: processMemory, syscall.RLIMIT_AS: 8 * processMemory})
}

func residentMemory() uint64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}
