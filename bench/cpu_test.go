//go:build linux

package bench

import (
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// processorTime is what this process and the server processes of its PostgreSQL database have used so far: what remains to be compared on a machine
// that does other things, too.
func processorTime(address string) time.Duration {
	var use syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &use) != nil {
		return 0
	}
	return time.Duration(use.Utime.Nano()+use.Stime.Nano()) + backends(address)
}

// tick is the unit of /proc/PID/stat on Linux (proc_pid_stat(5)).
const tick = 10 * time.Millisecond

func backends(address string) (used time.Duration) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" {
		return 0
	}
	name := " " + strings.Trim(u.Path, "/") + " "
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range all {
		title, err := os.ReadFile(file)
		if err != nil || !strings.HasPrefix(string(title), "postgres: ") || !strings.Contains(string(title), name) {
			continue
		}
		stat, err := os.ReadFile(filepath.Join(filepath.Dir(file), "stat"))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 13 {
			continue
		}
		for _, f := range fields[11:13] { // utime, stime
			n, _ := strconv.ParseInt(f, 10, 64)
			used += time.Duration(n) * tick
		}
	}
	return used
}
