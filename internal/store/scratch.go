package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// scratchLock is the file of a scratch folder that is locked as long as whoever made the folder is at work.
const scratchLock = "lock"

// Scratch makes a folder beside a file that is to be written, for what is not whole yet: remove takes it away, as often as it is called. Folders of
// the same purpose whose makers were killed go first, so that what they left fills no disk.
func Scratch(beside, purpose string) (dir string, remove func(), err error) {
	prefix := filepath.Join(filepath.Dir(beside), ".stagedoor-"+purpose+"-")
	dropScratch(prefix)
	for {
		dir, lock, err := newScratch(prefix)
		if err != nil {
			return "", nil, fmt.Errorf("making a folder beside %s: %w", beside, err)
		}
		if lock != nil {
			return dir, func() {
				lock.Close()
				os.RemoveAll(dir)
			}, nil
		}
	}
}

// besideScratch is the folder that a file in a scratch folder is meant for.
func besideScratch(file string) string { return filepath.Dir(filepath.Dir(file)) }

// newScratch makes one folder. lock is nil if somebody took it for one that was left.
func newScratch(prefix string) (dir string, lock *os.File, err error) {
	if dir, err = os.MkdirTemp(filepath.Dir(prefix), filepath.Base(prefix)+"*"); err != nil { // mode 0700
		return "", nil, err
	}
	lock, err = os.OpenFile(filepath.Join(dir, scratchLock), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	held := lockFile(lock)
	if info, err := lock.Stat(); err == nil && held {
		there, err := os.Lstat(lock.Name())
		if err == nil && os.SameFile(info, there) {
			return dir, lock, nil
		}
	}
	lock.Close()
	return "", nil, nil
}

// dropScratch removes the folders that nobody holds.
func dropScratch(prefix string) {
	entries, err := os.ReadDir(filepath.Dir(prefix))
	if err != nil {
		return // it is said when a folder is made there
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), filepath.Base(prefix)) {
			continue
		}
		dir := filepath.Join(filepath.Dir(prefix), e.Name())
		lock := filepath.Join(dir, scratchLock)
		if info, err := os.Lstat(lock); err == nil && info.Mode().IsRegular() && abandoned(lock) {
			os.RemoveAll(dir)
		}
	}
}
