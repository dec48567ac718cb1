package jose

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// How often a sealer looks whether the file of its keys has changed: before it seals, and when a value names a key that it does not have.
const (
	lookEvery = 2 * time.Second
	lookAgain = 100 * time.Millisecond
)

// SettleTime is how long servers may take to seal under the first key of a file that was changed.
const SettleTime = lookEvery + time.Second

// fileStamp tells whether a file is still the same one.
type fileStamp struct {
	size     int64
	modified time.Time
}

func stampOf(path string) fileStamp {
	info, err := os.Stat(path)
	if err != nil {
		return fileStamp{}
	}
	return fileStamp{info.Size(), info.ModTime()}
}

// OpenSealer makes a sealer with the master keys of a file, as LoadOrCreateMasterKeys reads it, and follows the file: when keys are
// added to it, put in another order or removed, a running server goes by that within SettleTime. A file that has become unreadable
// changes nothing, and is told of: the next start would fail.
func OpenSealer(path string) (*Sealer, error) {
	stamp := stampOf(path)
	keys, err := LoadOrCreateMasterKeys(path)
	if err != nil {
		return nil, err
	}
	s := &Sealer{file: path}
	s.looked.Store(time.Now().UnixNano())
	return s, s.use(keys, stamp)
}

// look reads the file again if it has changed, unless that was looked for within the time.
func (s *Sealer) look(every time.Duration) {
	now, last := time.Now().UnixNano(), s.looked.Load()
	if s.file == "" || now-last < int64(every) || !s.looked.CompareAndSwap(last, now) {
		return
	}
	stamp := stampOf(s.file)
	if stamp == s.ring.Load().stamp {
		s.failed.Store(nil)
		return
	}
	keys, err := loadMasterKeys(s.file)
	if err != nil {
		if last := s.failed.Swap(&stamp); s.Log != nil && (last == nil || *last != stamp) {
			s.Log.Error("the master key file has changed and cannot be used: the keys from before are", "error", err)
		}
		return
	}
	s.use(keys, stamp) //nolint:errcheck // there is a key
	s.failed.Store(nil)
	if s.Log != nil {
		s.Log.Info("the master key file has changed", "seals", keys[0].ID(), "keys", len(keys))
	}
}

// AddMasterKey adds a random key to a file of master keys, in front of the others, so that it seals, or behind them, so that it only opens.
func AddMasterKey(path string, last bool) (MasterKey, error) {
	keys, err := loadMasterKeys(path)
	if err != nil {
		return MasterKey{}, err
	}
	var key MasterKey
	rand.Read(key[:]) //nolint:errcheck // documented never to return an error
	if last {
		return key, WriteMasterKeys(path, append(keys, key))
	}
	return key, WriteMasterKeys(path, append([]MasterKey{key}, keys...))
}

// UseMasterKey puts the key of an ID in front, so that it seals.
func UseMasterKey(path, id string) error {
	keys, err := loadMasterKeys(path)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(keys, func(k MasterKey) bool { return k.ID() == id })
	if i < 0 {
		return fmt.Errorf("master key file %s holds no key %s", path, id)
	}
	key := keys[i]
	return WriteMasterKeys(path, append([]MasterKey{key}, slices.Delete(keys, i, i+1)...))
}

// WriteMasterKeys replaces a file of master keys, in one step.
func WriteMasterKeys(path string, keys []MasterKey) error {
	var b bytes.Buffer
	b.WriteString("# Master keys: the first seals the secrets in the database, all of them open. Losing them loses the secrets. Keep a copy elsewhere.\n")
	for _, key := range keys {
		fmt.Fprintf(&b, "%s\n", base64.StdEncoding.EncodeToString(key[:]))
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".master-key-*") // mode 0600
	if err != nil {
		return fmt.Errorf("writing master key file: %w", err)
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(b.Bytes())
	if err := errors.Join(err, KeepOwner(temp, path), temp.Sync(), temp.Close()); err != nil {
		return fmt.Errorf("writing master key file: %w", err)
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return fmt.Errorf("writing master key file: %w", err)
	}
	return syncDir(filepath.Dir(path))
}
