package script

import (
	"os"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

const processClock = 2 // CPUCLOCK_SCHED of a process, see clock_getcpuclockid(3)

const policyIdle = 5 // SCHED_IDLE, see sched(7)

// humble gives a process a lower rank: all its threads, and those that they begin. An unprivileged server cannot take that back.
func humble(pid, nice int) {
	threads(pid, func(id int) { _ = syscall.Setpriority(syscall.PRIO_PROCESS, id, nice) })
}

// leftovers lets a process compute where nobody else wants to. That cannot be taken back either.
func leftovers(pid int) {
	var priority int32
	threads(pid, func(id int) {
		_, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_SETSCHEDULER, uintptr(id), policyIdle, uintptr(unsafe.Pointer(&priority)))
	})
}

// threads does something to all threads of a process, and again, in case that one began another meanwhile.
func threads(pid int, do func(id int)) {
	for range 2 {
		tasks, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
		if err != nil {
			return
		}
		for _, task := range tasks {
			if id, err := strconv.Atoi(task.Name()); err == nil {
				do(id)
			}
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
