package store

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

var asked atomic.Int64

// Synchronous is what the engine says within a write, of the one kind or the other, about waiting for the disk; meanwhile is called within it.
func (db *DB) Synchronous(ctx context.Context, soon bool, meanwhile func()) (level int, err error) {
	write := db.engine.write
	if soon {
		write = db.engine.writeSoon
	}
	err = write(ctx, func(q querier) error {
		if meanwhile != nil {
			meanwhile()
		}
		return q.row(ctx, fmt.Sprintf("PRAGMA synchronous -- %d", asked.Add(1)), nil, &level) // a text of its own: the answer is compiled in
	})
	return level, err
}

// WaitForWrites waits until so many writes wait for the embedded database's writer.
func (db *DB) WaitForWrites(n int) {
	e := db.bare.(*sqliteEngine) //nolint:errcheck // of a test with such a database
	for {
		e.mu.Lock()
		waiting := len(e.queue)
		e.mu.Unlock()
		if waiting == n {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
