//go:build unix

package jose_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stagedoor/stagedoor/internal/jose"
)

// TestRootKeepsTheOwner: what root does to the master keys of a server that runs as a user of its own leaves them to that user.
func TestRootKeepsTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("this takes root")
	}
	const user, group = 65532, 65531
	dir := filepath.Join(t.TempDir(), "data")
	path := filepath.Join(dir, "master.key")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, user, group); err != nil {
		t.Fatal(err)
	}
	owned := func(what string) {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if s, _ := info.Sys().(*syscall.Stat_t); s.Uid != user || s.Gid != group || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: the file is of %d:%d, mode %o", what, s.Uid, s.Gid, info.Mode().Perm())
		}
	}
	if _, err := jose.LoadOrCreateMasterKeys(path); err != nil {
		t.Fatal(err)
	}
	owned("made")
	key, err := jose.AddMasterKey(path, true)
	if err != nil {
		t.Fatal(err)
	}
	owned("another key")
	if err := jose.UseMasterKey(path, key.ID()); err != nil {
		t.Fatal(err)
	}
	owned("another order")
}
