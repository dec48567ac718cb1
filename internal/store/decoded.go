package store

import "sync"

// How many decoded documents are kept, and how long their texts may be together; at the limit all are dropped. One whose text is longer than a share of that is
// decoded each time.
const (
	maxDecoded      = 4096
	maxDecodedBytes = 64 << 20
	maxShare        = maxDecodedBytes / 4
)

// decoded keeps what configuration documents say, by their text: a login reads the same clients, APIs and rules
// as the one before, and decoding them costs more than reading them. The database is asked every time all the
// same, so nothing here can be out of date.
type decoded struct {
	mu     sync.RWMutex
	values map[decodedKey]any
	bytes  int
}

type decodedKey struct{ table, doc, sealed string }

func (d *decoded) get(k decodedKey) any {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.values[k]
}

func (d *decoded) put(k decodedKey, v any) {
	size := len(k.doc) + len(k.sealed)
	if size > maxShare {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.values == nil || len(d.values) >= maxDecoded || d.bytes+size > maxDecodedBytes {
		d.values, d.bytes = map[decodedKey]any{}, 0
	}
	if _, there := d.values[k]; !there {
		d.bytes += size
	}
	d.values[k] = v
}
