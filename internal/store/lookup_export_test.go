package store

import (
	"testing"
	"time"
)

// HoldLookups has reads by a key of a PostgreSQL database wait for each other until as many as said do, and go as one group when do is called.
func HoldLookups(t testing.TB, db *DB) (wait func(n int), do func()) {
	t.Helper()
	l := db.bare.(*postgresEngine).lookups
	l.mu.Lock()
	defer l.mu.Unlock()
	l.active = l.most
	waiting := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.waiting)
	}
	return func(n int) {
			for start := time.Now(); waiting() < n; time.Sleep(time.Millisecond) {
				if time.Since(start) > time.Minute {
					t.Fatalf("%d reads wait instead of %d", waiting(), n)
				}
			}
		}, func() {
			for range l.most {
				l.next()
			}
		}
}

// LookUp reads one row by a key with a statement of the test's own.
func LookUp(t testing.TB, s *Store, query string, args []any, dest ...any) error {
	t.Helper()
	return s.lookup().row(t.Context(), query, args, dest...)
}
