//go:build unix

package ordeal

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

var failovers = flag.Bool("failovers", false, "let everything fail that can fail in a cluster, not only the primary")

var only = flag.String("only", "", "of -failovers, those whose name holds this")

// insideVariable tells the child that it is in a network of its own.
const insideVariable = "STAGEDOOR_ORDEAL_INSIDE"

// clusterScript starts the nodes and lets them fail.
const clusterScript = "../compat/cluster/cluster"

// TestFailover lets parts of a cluster fail under two servers, while people log in and are written to: three nodes with PostgreSQL and
// Patroni, synchronous replication, etcd beside them, HAProxy in front. What was acknowledged is there afterwards, nothing is there twice, and
// the table tells for how long nobody was answered. It needs a network of its own, and so a machine where it is root.
func TestFailover(t *testing.T) {
	if os.Getenv(insideVariable) != "" {
		insideCluster(t)
		return
	}
	for _, name := range []string{"unshare", "ip", "patroni", "etcd", "haproxy", "curl", "python3"} {
		if _, err := exec.LookPath(name); err != nil {
			need(t, name)
		}
	}
	postgresBin(t)
	if os.Getuid() != 0 {
		t.Skip("needs to be root for a network of its own")
	}
	test, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{
		"--net", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc",
		"bash", "-c", `"$@"; exit $?`, "reaper", // the first process has to take what others left: dead ones would seem to live
		test, "-test.run=^TestFailover$", "-test.v", "-test.timeout=60m",
	}
	if *failovers {
		args = append(args, "-failovers", "-only="+*only)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", args...)
	cmd.Env = append(os.Environ(), insideVariable+"=1", "STAGEDOOR_ORDEAL_BINARY="+program(t))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
}

// A cluster is what the script has started.
type cluster struct {
	testing.TB
	dir string
}

func (c *cluster) do(args ...string) string {
	c.Helper()
	cmd := exec.Command(clusterScript, append([]string{args[0], c.dir}, args[1:]...)...)
	out, err := os.CreateTemp(c.dir, "out-")
	if err != nil {
		c.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out // a file: what stays behind would hold a pipe open
	err = cmd.Run()
	text, _ := os.ReadFile(out.Name())
	os.Remove(out.Name())
	if err != nil {
		c.Fatalf("cluster %v: %v\n%s", args, err, text)
	}
	return string(text)
}

// node returns the node of a role: primary, sync or replica.
func (c *cluster) node(role string) string {
	c.Helper()
	for range 60 {
		for line := range strings.Lines(c.do("state")) {
			if f := strings.Fields(line); len(f) > 2 && f[1] == role && (f[2] == "running" || f[2] == "streaming") {
				return f[0]
			}
		}
		time.Sleep(time.Second)
	}
	c.Fatalf("no node is %s:\n%s%s", role, c.do("state"), c.tail())
	return ""
}

// whole waits until a primary and two replicas run, one of them synchronous, and returns how long that took.
func (c *cluster) whole() time.Duration {
	c.Helper()
	began := time.Now()
	for time.Since(began) < 2*time.Minute {
		roles := map[string]int{}
		for line := range strings.Lines(c.do("state")) {
			if f := strings.Fields(line); len(f) > 3 && (f[2] == "running" || f[2] == "streaming") {
				roles[f[1]]++
				if f[1] == "primary" && f[3] == "2" {
					roles["followed"]++
				}
			}
		}
		if roles["primary"] == 1 && roles["sync"] == 1 && roles["replica"] == 1 && roles["followed"] == 1 {
			return time.Since(began)
		}
		time.Sleep(500 * time.Millisecond)
	}
	c.Fatalf("the cluster does not become whole:\n%s%s", c.do("state"), c.tail())
	return 0
}

func (c *cluster) tail() string {
	logs, _ := filepath.Glob(filepath.Join(c.dir, "node*", "*.log"))
	var b strings.Builder
	for _, path := range logs {
		text, _ := os.ReadFile(path)
		fmt.Fprintf(&b, "== %s\n%s\n", path, text[max(0, len(text)-12000):])
	}
	return b.String()
}

// An event is one thing that fails. fail does it, heal takes it back.
type event struct {
	name       string
	fail, heal func()
}

func insideCluster(t *testing.T) {
	c := &cluster{t, filepath.Join(t.TempDir(), "cluster")}
	for dir := filepath.Dir(c.dir); dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { // the user postgres has to pass
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(c.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, node := range []string{"1", "2", "3"} {
			c.do("kill", node)
		}
		time.Sleep(200 * time.Millisecond)
	})
	c.do("up")
	t.Logf("the cluster is whole after %v", c.whole().Round(time.Second))
	w := newWorld(t, "postgres://postgres@127.0.0.1:5000/postgres?sslmode=disable", 2)
	w.ready(1, time.Minute)
	w.client.Timeout = 15 * time.Second
	l := newLoad(w, 8)
	l.patient = true
	l.warm(2)
	victim := ""
	at := func(role, command string) func() {
		return func() { victim = c.node(role); c.do(command, victim) }
	}
	start, join := func() { c.do("start", victim) }, func() { c.do("join", victim) }
	events := []event{{"the primary's PostgreSQL, kill -9", at("primary", "crash"), func() {}}}
	if *failovers {
		events = append(events,
			event{"the primary's machine, all of it", at("primary", "kill"), start},
			event{"the synchronous replica's machine", at("sync", "kill"), start},
			event{"the other replica's machine", at("replica", "kill"), start},
			event{"a server, kill -9", func() { w.servers[0].kill() }, func() { w.servers[0].start(t) }},
			event{"the primary, cut off the network", at("primary", "cut"), join},
			event{"the synchronous replica, cut off the network", at("sync", "cut"), join},
		)
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "what failed\tacknowledged\tunanswered\tof those done\tlost, twice, half\tno answer for\twhole again after")
	for _, e := range events {
		if !strings.Contains(e.name, *only) {
			continue
		}
		before := [...]int64{l.c.done.Load(), l.c.unanswered.Load(), l.c.kept.Load()}
		var healed time.Duration
		l.during(func(func()) {
			time.Sleep(2 * time.Second)
			e.fail()
			failed := l.c.done.Load()
			time.Sleep(3 * time.Second)
			for began := time.Now(); l.c.done.Load() < failed+50; time.Sleep(100 * time.Millisecond) {
				if time.Since(began) > 2*time.Minute {
					t.Errorf("%s: nothing is acknowledged any more\n%s%s", e.name, c.do("state"), w.servers[1].log)
					return
				}
			}
			if *failovers {
				time.Sleep(5 * time.Second)
			}
			e.heal()
			healed = c.whole()
		})
		gap := time.Duration(l.c.gap.Load())
		w.ready(0, time.Minute)
		l.verify()
		if err := w.check(); err != nil {
			t.Errorf("after %s: %v", e.name, err)
		}
		if t.Failed() {
			t.Fatalf("after %s\n%s%s%s", e.name, c.do("state"), w.servers[1].log, c.tail())
		}
		t.Logf("%s: no answer for %v", e.name, gap.Round(10*time.Millisecond))
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t0\t%v\t%v\n", e.name, l.c.done.Load()-before[0], l.c.unanswered.Load()-before[1], l.c.kept.Load()-before[2],
			gap.Round(100*time.Millisecond), healed.Round(100*time.Millisecond))
	}
	l.everything()
	l.verify()
	table.Flush()
}
