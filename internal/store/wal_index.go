package store

import (
	"bytes"
	"encoding/binary"
	"os"
	"sync"
	"sync/atomic"
)

// walIndex is the file beside an embedded database in which SQLite notes what its write-ahead log holds. Each commit changes its header, and is
// seen by nobody before (https://sqlite.org/walformat.html, section 2.1: the WAL-index header).
type walIndex struct {
	path  string
	users int
	file  atomic.Pointer[os.File] // nil: SQLite has not made it yet
}

// walHeader is the header: two copies, of which SQLite writes the second one first.
type walHeader [2 * walHeaderCopy]byte

const walHeaderCopy = 48

// since is how many commits there were since another header was read: SQLite counts them. (A log that is begun anew changes the header, too, and is none.)
func (h walHeader) since(before walHeader) uint32 {
	const change = 8 // where iChange stands
	return binary.NativeEndian.Uint32(h[change:]) - binary.NativeEndian.Uint32(before[change:])
}

// walIndexes are those that are open, by path. Each is opened once in a process: on many systems, to close any file of that path takes away
// SQLite's own locks.
var walIndexes struct {
	sync.Mutex
	open map[string]*walIndex
}

// openWALIndex returns the index of the database at path.
func openWALIndex(path string) *walIndex {
	walIndexes.Lock()
	defer walIndexes.Unlock()
	w := walIndexes.open[path]
	if w == nil {
		w = &walIndex{path: path}
		if walIndexes.open == nil {
			walIndexes.open = map[string]*walIndex{}
		}
		walIndexes.open[path] = w
	}
	w.users++
	return w
}

func (w *walIndex) close() error {
	walIndexes.Lock()
	defer walIndexes.Unlock()
	if w.users--; w.users > 0 {
		return nil
	}
	delete(walIndexes.open, w.path)
	if file := w.file.Swap(nil); file != nil {
		return file.Close()
	}
	return nil
}

// opened returns the file, and nil if there is none.
func (w *walIndex) opened() *os.File {
	if file := w.file.Load(); file != nil {
		return file
	}
	walIndexes.Lock()
	defer walIndexes.Unlock()
	if w.file.Load() == nil && w.users > 0 {
		if file, err := os.Open(w.path + "-shm"); err == nil {
			w.file.Store(file)
		}
	}
	return w.file.Load()
}

// header reads the header. It is not ok while a commit writes it, and where there is none.
func (w *walIndex) header() (h walHeader, ok bool) {
	file := w.opened()
	if file == nil {
		return h, false
	}
	if _, err := file.ReadAt(h[:], 0); err != nil {
		return walHeader{}, false
	}
	const initialized = 12 // where isInit stands
	if !bytes.Equal(h[:walHeaderCopy], h[walHeaderCopy:]) || h[initialized] == 0 {
		return walHeader{}, false
	}
	return h, true
}
