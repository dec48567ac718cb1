//go:build linux

package script

import (
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// namespaces tells whether this kernel lets this process make them; CI must.
func namespaces(t *testing.T) {
	t.Helper()
	attempt := &os.ProcAttr{Sys: &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET}}
	p, err := os.StartProcess("/bin/true", []string{"true"}, attempt)
	if err == nil {
		_, _ = p.Wait()
		return
	}
	if os.Getenv("CI") != "" && os.Getenv("RUNNER_OS") == "Linux" {
		t.Fatal("no namespaces:", err)
	}
	t.Skip("no namespaces:", err)
}

// TestWorkerHasNoNetwork: a worker cannot connect to what the server can connect to, and has no interface.
func TestWorkerHasNoNetwork(t *testing.T) {
	namespaces(t)
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		apart bool
		want  string
	}{{false, "connected"}, {true, "refused"}} {
		said := &lockedBuffer{}
		p, err := startProcess(launch{command: []string{self, dialArgument, server.Addr().String()}, apart: c.apart}, slog.New(slog.NewTextHandler(said, nil)), time.Now(), func(*process) {})
		if err != nil {
			t.Fatal(err)
		}
		<-p.gone
		if !strings.Contains(said.String(), c.want) {
			t.Errorf("apart %v: %s", c.apart, said)
		}
	}

	h := newHost(t, Config{Workers: 1})
	must(t, h, simple("t", pass))
	pid := strconv.Itoa(workers(h)["t"])
	routes, err := os.ReadFile("/proc/" + pid + "/net/route")
	if err != nil || strings.Count(string(routes), "\n") > 1 {
		t.Errorf("routes: %v %s", err, routes)
	}
	threads, err := filepath.Glob("/proc/" + pid + "/task/*/status")
	if err != nil || len(threads) < 2 {
		t.Fatalf("threads: %v %v", threads, err)
	}
	for _, thread := range threads { // each has its own
		status, err := os.ReadFile(filepath.Clean(thread))
		if err == nil && !strings.Contains(string(status), "NoNewPrivs:\t1") {
			t.Errorf("%s: %s", thread, status)
		}
	}
}

// TestNoNamespaces: where the kernel refuses them, workers run all the same and the log says so once. The test runs itself where that is so.
func TestNoNamespaces(t *testing.T) {
	const inside = "STAGEDOOR_TEST_WITHOUT_NAMESPACES"
	if os.Getenv(inside) == "" {
		namespaces(t)
		again := exec.Command(os.Args[0], "-test.run=^TestNoNamespaces$", "-test.v") //nolint:noctx // it ends by itself
		again.Env = append(os.Environ(), inside+"=1")
		again.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
		if out, err := again.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS") {
			t.Errorf("%v %s", err, out)
		}
		return
	}
	if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0o600); err != nil {
		t.Fatal(err)
	}
	var said lockedBuffer
	h := newHost(t, Config{Workers: 2, Log: slog.New(slog.NewTextHandler(&said, nil))})
	must(t, h, simple("t", pass))
	must(t, h, simple("u", pass))
	if n := strings.Count(said.String(), "share the server's network"); n != 1 {
		t.Errorf("said %d times: %s", n, &said)
	}
}
