package script

import (
	"os"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

const (
	schedIdle    = 5  // SCHED_IDLE
	lowestNice   = 19 // where that is refused
	cpuClockSelf = 2  // CPUCLOCK_SCHED of a process, see clock_getcpuclockid(3)
)

// humble lets a process compute only when nothing else of the server wants to: all its threads, and those that they begin, get the
// scheduler's lowest rank. There is no way back.
func humble(pid int) {
	tasks, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil {
		return
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			continue
		}
		var priority int32 // SCHED_IDLE has none
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_SETSCHEDULER, uintptr(id), schedIdle, uintptr(unsafe.Pointer(&priority))); errno != 0 {
			_ = syscall.Setpriority(syscall.PRIO_PROCESS, id, lowestNice)
		}
	}
}

// computed is how much processor time a process has used; 0 if it is gone.
func computed(pid int) time.Duration {
	var t syscall.Timespec
	clock := ^pid<<3 | cpuClockSelf
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, uintptr(clock), uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		return 0
	}
	return time.Duration(t.Nano())
}
