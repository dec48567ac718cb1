package store

import "testing"

// Queued returns how many log events wait to be written.
func Queued(s *Store) int {
	s.db.logs.mu.Lock()
	defer s.db.logs.mu.Unlock()
	return len(s.db.logs.queued)
}

// RawRow returns the two texts of the only row that query finds.
func RawRow(t testing.TB, db *DB, query string) [2]string {
	t.Helper()
	var out [2]string
	if err := db.reader().row(t.Context(), query, nil, &out[0], &out[1]); err != nil {
		t.Fatal(err)
	}
	return out
}
