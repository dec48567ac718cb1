package script

import (
	"os"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

const processClock = 2 // CPUCLOCK_SCHED of a process, see clock_getcpuclockid(3)

// humble gives a process a lower rank: all its threads, and those that they begin. An unprivileged server cannot take that back.
func humble(pid, nice int) {
	tasks, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil {
		return
	}
	for _, task := range tasks {
		if id, err := strconv.Atoi(task.Name()); err == nil {
			_ = syscall.Setpriority(syscall.PRIO_PROCESS, id, nice)
		}
	}
}

// computed is how much processor time a process has used; 0 if it is gone.
func computed(pid int) time.Duration {
	var t syscall.Timespec
	clock := ^pid<<3 | processClock
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, uintptr(clock), uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		return 0
	}
	return time.Duration(t.Nano())
}
