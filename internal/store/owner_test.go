//go:build unix

package store_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/store"
)

// TestRootKeepsTheOwner: a database that root makes, copies or restores where a server's user keeps its data belongs to that user.
func TestRootKeepsTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("this takes root")
	}
	const user, group = 65532, 65531
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, user, group); err != nil {
		t.Fatal(err)
	}
	owned := func(path string) {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if s, _ := info.Sys().(*syscall.Stat_t); s.Uid != user || s.Gid != group || info.Mode().Perm() != 0o600 {
			t.Errorf("%s is of %d:%d, mode %o", filepath.Base(path), s.Uid, s.Gid, info.Mode().Perm())
		}
	}
	file, backup := filepath.Join(dir, "stagedoor.db"), filepath.Join(t.TempDir(), "backup")
	db, err := store.Open(t.Context(), store.Options{URL: file})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	owned(file)
	owned(file + "-wal")
	if _, err := store.Backup(t.Context(), file, backup, store.BackupOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, filepath.Join(dir, "other.db")} {
		if _, err := store.Restore(t.Context(), backup, name, store.RestoreOptions{Now: time.Now()}); err != nil {
			t.Fatal(err)
		}
		owned(name)
	}
	copied := filepath.Join(dir, "copy.db")
	if _, err := store.Copy(t.Context(), file, copied, nil); err != nil {
		t.Fatal(err)
	}
	owned(copied)
}
