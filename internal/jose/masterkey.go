package jose

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// LoadOrCreateMasterKeys reads the master keys of a server from a file, and makes the file with one random key if there is
// none. A key is a line of 32 bytes in base64; the first line is the current key, later ones only open what is old; empty
// lines and lines that begin with # are skipped.
//
// The file must be readable by its owner only. It is made with mode 0600 and reaches the disk before its first key is used;
// of two processes that make it at once, both end with the same key. Errors name the file and what to do, never its contents.
func LoadOrCreateMasterKeys(path string) ([]MasterKey, error) {
	keys, err := loadMasterKeys(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return keys, err
	}
	if err := createMasterKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make master key file %s: %w", path, err)
	}
	return loadMasterKeys(path)
}

// LoadMasterKeys reads the file as LoadOrCreateMasterKeys does, and makes none.
func LoadMasterKeys(path string) ([]MasterKey, error) { return loadMasterKeys(path) }

func loadMasterKeys(path string) ([]MasterKey, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, fmt.Errorf("read master key file: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read master key file: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("master key file %s can be read by others (mode %04o): chmod 600 %s", path, mode, path)
	}
	if !info.Mode().IsRegular() || info.Size() > 64<<10 {
		return nil, fmt.Errorf("master key file %s is not a small file", path)
	}
	data := make([]byte, info.Size())
	n, err := file.ReadAt(data, 0)
	if err != nil && n < len(data) {
		return nil, fmt.Errorf("read master key file %s: %w", path, err)
	}
	var keys []MasterKey
	for i, line := range bytes.Split(data, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(string(line))
		if err != nil || len(key) != len(MasterKey{}) {
			return nil, fmt.Errorf("master key file %s: line %d is not 32 bytes in base64", path, i+1)
		}
		keys = append(keys, MasterKey(key))
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("master key file %s holds no key", path)
	}
	return keys, nil
}

// createMasterKey writes the file beside its place and links it there, which is one step: nobody sees half a file, and who
// comes second gets fs.ErrExist.
func createMasterKey(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var key MasterKey
	rand.Read(key[:]) //nolint:errcheck // documented never to return an error
	temp, err := os.CreateTemp(dir, ".master-key-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = fmt.Fprintf(temp, "# Master key: seals the secrets in the database. Losing it loses them. Keep a copy elsewhere.\n%s\n",
		base64.StdEncoding.EncodeToString(key[:]))
	if err := errors.Join(err, KeepOwner(temp, path), temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(path string) error {
	if runtime.GOOS == "windows" { // directories cannot be synced there
		return nil
	}
	dir, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
