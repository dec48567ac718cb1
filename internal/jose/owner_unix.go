//go:build unix

package jose

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// KeepOwner gives a new file, which takes the place of a path, the owner of what is there, or else of the directory, if this program runs as root.
// A server that runs as a user of its own could not read what root puts there for it. It works on the open file: in a directory of somebody
// else's its name could lead elsewhere by now.
func KeepOwner(f *os.File, path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	made, err := f.Stat()
	if err != nil {
		return err
	}
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && os.SameFile(info, made) {
		info, err = os.Stat(filepath.Dir(path))
	}
	if err != nil {
		return err
	}
	owner, known := info.Sys().(*syscall.Stat_t)
	if !known || info.Mode()&fs.ModeSymlink != 0 {
		return nil
	}
	return f.Chown(int(owner.Uid), int(owner.Gid))
}
