//go:build unix

package script

import (
	"syscall"
	"time"
)

// setLimits sets resource limits of this process, the common ones and those given.
func setLimits(more map[int]uint64) error {
	limits := map[int]uint64{
		syscall.RLIMIT_CORE:   0,
		syscall.RLIMIT_FSIZE:  0,
		syscall.RLIMIT_NOFILE: 32,
		syscall.RLIMIT_CPU:    uint64(processCPU / time.Second),
	}
	for which, value := range more {
		limits[which] = value
	}
	for which, value := range limits {
		var now syscall.Rlimit
		if err := syscall.Getrlimit(which, &now); err != nil {
			return err
		}
		value = min(value, now.Max) // what is tighter already stays so
		l := syscall.Rlimit{Cur: value, Max: value}
		if err := syscall.Setrlimit(which, &l); err != nil {
			return err
		}
	}
	return nil
}

func processUsage() usage { return usage{CPU: processTime().Milliseconds(), Memory: residentMemory()} }

// processTime is how long this process has computed; 0 if the system does not tell.
func processTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
