//go:build !linux && !darwin

package store

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
)

// freeSpace is not known here; what does not fit fails when it is written.
func freeSpace(string) (int64, bool) { return 0, false }

// openElsewhere tells whether another program has the database open: on Windows such a file cannot be renamed.
func openElsewhere(path string) (bool, error) {
	probe := path + ".probe"
	err := os.Rename(path, probe)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return true, nil //nolint:nilerr // that is the answer
	}
	return false, os.Rename(probe, path)
}

// lockFile has nothing to do: on Windows nobody removes a file that is open.
func lockFile(*os.File) bool { return true }

// abandoned tells whether nobody holds a file any more that lockFile was called for, and removes it if that is so.
func abandoned(path string) bool { return runtime.GOOS == "windows" && os.Remove(path) == nil }

// syncDir does nothing: directories cannot be synced here.
func syncDir(string) error { return nil }
