//go:build linux

package ordeal

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// onDisk makes a small disk for the data of a test; it needs root.
func onDisk(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs to be root to mount a small disk")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("cannot mount here: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// A full disk: reads go on, writes are refused with a code, and work again when there is room.
func TestFullDisk(t *testing.T) {
	disk := onDisk(t)
	w := newWorldIn(t, filepath.Join(disk, "data"), "", 1)
	l := newLoad(w, 4)
	l.wantWell("before")
	filler := filepath.Join(disk, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	f.Close()
	code := ""
	for n := range 400 { // what room the log has left is used up first
		status, r := l.patchOnce(fmt.Sprintf("full%d_%s", n, strings.Repeat("x", 200)))
		if status != 200 {
			code = r.ErrorCode
			break
		}
	}
	if code != "database_full" {
		t.Errorf("the code is %q\n%s", code, w.servers[0].log)
	}
	l.wantRefused("full", "database_full")
	l.wantRead()
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	l.wantWell("after")
	w.servers[0].kill()
	w.servers[0].start(t)
	w.ready(0, 20*time.Second)
	l.wantWell("restarted")
}

// What cannot be written to is found at the start, in one line that names it.
func TestReadOnly(t *testing.T) {
	disk := onDisk(t)
	w := &world{TB: t, data: filepath.Join(disk, "data")}
	if _, err := w.run(program(t), "init", "ordeal", "--domain", domain); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	_, err := w.run(program(t), "serve", "--http", freeAddress(t), "--https", "")
	if err == nil || !strings.Contains(err.Error(), w.data) || !strings.Contains(err.Error(), "read-only") || strings.Count(strings.TrimSpace(err.Error()), "\n") > 0 {
		t.Errorf("it ends with %v", err)
	}
}
