package script

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
)

// child ties a worker's life to the server's: the kernel kills it when the thread that started it ends (see startProcess). The terminal's signals do not
// reach it: the server ends its workers itself. Apart means without a network: in namespaces of its own, where there is no interface that is up.
func child(cmd *exec.Cmd, apart bool) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if apart {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET
	}
}

// canPart tells whether workers can be kept from the network by namespaces here.
const canPart = true

// refused tells whether the kernel, or what it was told, does not let this process make namespaces.
func refused(err error) bool {
	for _, e := range []syscall.Errno{syscall.EPERM, syscall.EACCES, syscall.EINVAL, syscall.ENOSYS, syscall.ENOSPC, syscall.EUSERS} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

const (
	prSetDumpable   = 4  // PR_SET_DUMPABLE
	prSetNoNewPrivs = 38 // PR_SET_NO_NEW_PRIVS
)

// confine gives up what no script needs. RLIMIT_DATA counts what may be written, so it can be tight; RLIMIT_AS also counts what the Go
// runtime only reserves, so it is a second, wider fence.
func confine() error {
	for _, call := range [][2]uintptr{{prSetNoNewPrivs, 1}, {prSetDumpable, 0}} { // the first is each thread's own
		_, _, errno := syscall.AllThreadsSyscall6(syscall.SYS_PRCTL, call[0], call[1], 0, 0, 0, 0)
		if errno == syscall.ENOTSUP { // a program with cgo, as the race detector makes one, has threads that Go does not know
			_, _, errno = syscall.RawSyscall6(syscall.SYS_PRCTL, call[0], call[1], 0, 0, 0, 0)
		}
		if errno != 0 {
			return errno
		}
	}
	return setLimits(map[int]uint64{syscall.RLIMIT_DATA: processMemory, syscall.RLIMIT_AS: 8 * processMemory})
}

func residentMemory() uint64 {
	var line [128]byte
	n, err := statm().ReadAt(line[:], 0)
	if n == 0 && err != nil {
		return 0
	}
	fields := bytes.Fields(line[:n])
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}

// statm is where the system tells how much memory this process holds: opened once, as it is read after every run. Nil where there is none.
var statm = sync.OnceValue(func() *os.File {
	f, _ := os.Open("/proc/self/statm")
	return f
})
