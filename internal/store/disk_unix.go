//go:build linux || darwin

package store

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// freeSpace returns how many bytes this program may still write into dir.
func freeSpace(dir string) (int64, bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true //nolint:gosec,unconvert // its type differs between systems
}

// SQLite's locks: one byte that waits to be alone, one that is reserved, and a range that every connection shares.
const (
	lockBegin  = 0x40000000
	lockLength = 512
)

// openElsewhere tells whether another program has the database open. A connection in WAL mode holds its lock as long as it lives,
// also on a file that is damaged.
func openElsewhere(path string) (bool, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Start: lockBegin, Len: lockLength}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &lock); err != nil {
		return false, err
	}
	return lock.Type != syscall.F_UNLCK, nil
}

// lockFile locks a file for as long as it is open here, and tells whether nobody else has. File systems that know no such locks refuse nobody.
func lockFile(f *os.File) bool {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) //nolint:gosec // a descriptor is a small number
	return !errors.Is(err, syscall.EWOULDBLOCK)
}

// abandoned tells whether nobody holds a file that lockFile has locked. Where that cannot be told, somebody does.
func abandoned(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil //nolint:gosec // a descriptor is a small number
}

// syncDir brings the names in a directory to the disk.
func syncDir(path string) error {
	dir, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
