package store

// Queued returns how many log events wait to be written.
func Queued(s *Store) int {
	s.db.logs.mu.Lock()
	defer s.db.logs.mu.Unlock()
	return len(s.db.logs.queued)
}
