package store

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// SharedPositionIsNotAsked fails if a question how far the primary has written, that is on its way, is shared by who asks later: they may have written
// meanwhile. It waits for a connection here, of which there is none.
func SharedPositionIsNotAsked(t testing.TB, db *DB) {
	t.Helper()
	e := db.bare.(*postgresEngine)
	var all []*pgxpool.Conn
	for range e.pool.Stat().MaxConns() {
		conn, err := e.pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, conn)
	}
	asked := make(chan error, 1)
	go func() {
		_, err := e.replicas.written(context.WithoutCancel(t.Context()))
		asked <- err
	}()
	for e.replicas.busy.TryLock() { // until it is under way
		e.replicas.busy.Unlock()
		time.Sleep(time.Millisecond)
	}
	time.Sleep(10 * time.Millisecond)
	e.replicas.mu.Lock()
	shared := e.replicas.next != nil
	e.replicas.mu.Unlock()
	for _, conn := range all {
		conn.Release()
	}
	if <-asked; shared {
		t.Error("who asks later gets an answer to an older question")
	}
}
