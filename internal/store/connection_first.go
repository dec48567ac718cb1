package store

import (
	"context"
	"slices"

	"github.com/stagedoor/stagedoor"
)

// Whether a telephone number identifies somebody is up to the connection, which must not change while a user is written: so it is locked. In the order of locks it comes before
// users, yet only when a user is being changed is it known that their number is. Such a lock is tried and not waited for: where somebody else has it, the write begins anew and
// locks the connection first.

// wantsConnection is why a write begins anew.
type wantsConnection struct{ name string }

func (w *wantsConnection) Error() string { return "store: a connection is to be locked first" }

// lockConnections locks what a write that begins anew has wanted.
func (s *Store) lockConnections(ctx context.Context, q querier, names []string) error {
	for _, name := range slices.Sorted(slices.Values(names)) {
		if _, err := q.exec(ctx, "SELECT id FROM connections WHERE tenant = ? AND name = ? FOR NO KEY UPDATE", s.tenant.ID, name); err != nil {
			return err
		}
	}
	return nil
}

// heldConnection reads a connection by its name and keeps it as it is until the write is over; lock is for PostgreSQL. NotFound: there is none.
func (s *Store) heldConnection(ctx context.Context, q querier, name, lock string) (*stagedoor.Connection, error) {
	read := func(lock string) (*stagedoor.Connection, error) {
		return connections.known(s, func(dest ...any) error {
			return q.row(ctx, connections.selects()+connections.mine()+" AND name = ?"+lock, []any{s.tenant.ID, name}, dest...)
		})
	}
	w, is := q.(*configWrites)
	if !s.db.postgres || !is || slices.Contains(w.connections, name) {
		return read("")
	}
	c, err := read(lock + " SKIP LOCKED")
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		if c, err = read(""); err == nil {
			return nil, &wantsConnection{name}
		}
	}
	return c, err
}
