package store

import "sync"

// maxDecoded is how many decoded documents are kept; at the limit all are dropped.
const maxDecoded = 4096

// decoded keeps what configuration documents say, by their text: a login reads the same clients, APIs and rules
// as the one before, and decoding them costs more than reading them. The database is asked every time all the
// same, so nothing here can be out of date.
type decoded struct {
	mu     sync.RWMutex
	values map[decodedKey]any
}

type decodedKey struct{ table, doc, sealed string }

func (d *decoded) get(k decodedKey) any {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.values[k]
}

func (d *decoded) put(k decodedKey, v any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.values == nil || len(d.values) >= maxDecoded {
		d.values = map[decodedKey]any{}
	}
	d.values[k] = v
}
