package telemetry

import (
	"bytes"
	"os"
	goruntime "runtime"
	runtimemetrics "runtime/metrics"
	"strconv"
	"strings"
)

// Numbers of the runtime and the process go by the names that Prometheus' own library has for them.

// ofRuntime are numbers that the Go runtime tells without being stopped for it.
var ofRuntime = []struct {
	name, help string
	kind       kind
	sum        []string // names of package runtime/metrics
}{
	{"go_goroutines", "Number of goroutines that currently exist.", gauge, []string{"/sched/goroutines:goroutines"}},
	{"go_gc_cycles_total", "Count of all completed GC cycles.", counter, []string{"/gc/cycles/total:gc-cycles"}},
	{"go_memstats_alloc_bytes_total", "Total number of bytes allocated in heap until now, even if released already.", counter, []string{"/gc/heap/allocs:bytes"}},
	{"go_memstats_heap_alloc_bytes", "Number of heap bytes allocated and currently in use.", gauge, []string{"/memory/classes/heap/objects:bytes"}},
	{"go_memstats_heap_inuse_bytes", "Number of heap bytes that are in use.", gauge, []string{"/memory/classes/heap/objects:bytes", "/memory/classes/heap/unused:bytes"}},
	{"go_memstats_sys_bytes", "Number of bytes obtained from system.", gauge, []string{"/memory/classes/total:bytes"}},
	{"go_sched_gomaxprocs_threads", "The current runtime.GOMAXPROCS setting.", gauge, []string{"/sched/gomaxprocs:threads"}},
}

// ticks are how many Linux counts in a second of processor time (proc_pid_stat(5), sysconf(_SC_CLK_TCK)).
const ticks = 100

// ambient tells of the runtime and, on Linux, of the process.
func (m *Metrics) ambient() []exposed {
	one := func(name string, kind kind, help, labels string, value float64) exposed {
		return exposed{name, kind, help, []sample{{name, labels, value}}}
	}
	out := []exposed{
		one("go_info", gauge, "Information about the Go environment.", written([2]string{"version", goruntime.Version()}), 1),
		one("process_start_time_seconds", gauge, "Start time of the process since unix epoch in seconds.", "", float64(m.began.UnixMilli())/1000),
	}
	for _, r := range ofRuntime {
		asked := make([]runtimemetrics.Sample, len(r.sum))
		for i, name := range r.sum {
			asked[i].Name = name
		}
		runtimemetrics.Read(asked)
		sum := 0.0
		for _, s := range asked {
			if s.Value.Kind() == runtimemetrics.KindUint64 {
				sum += float64(s.Value.Uint64())
			}
		}
		out = append(out, one(r.name, r.kind, r.help, "", sum))
	}
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		out = append(out, one("process_open_fds", gauge, "Number of open file descriptors.", "", float64(len(open))))
	}
	// What stands in brackets is the program's name, which may hold anything. Numbers are counted from 1 on the manual's page.
	stat, err := os.ReadFile("/proc/self/stat")
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if err != nil || len(fields) < 22 {
		return out
	}
	field := func(number int) float64 {
		n, _ := strconv.ParseFloat(fields[number-3], 64)
		return n
	}
	return append(out,
		one("process_cpu_seconds_total", counter, "Total user and system CPU time spent in seconds.", "", (field(14)+field(15))/ticks),
		one("process_virtual_memory_bytes", gauge, "Virtual memory size in bytes.", "", field(23)),
		one("process_resident_memory_bytes", gauge, "Resident memory size in bytes.", "", field(24)*float64(os.Getpagesize())))
}
