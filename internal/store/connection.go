package store

import (
	"context"

	"github.com/stagedoor/stagedoor"
)

var connections = noun[stagedoor.Connection]{
	table: "connections", order: "name",
	id:      func(c *stagedoor.Connection) *string { return &c.ID },
	newID:   func() string { return stagedoor.NewID("con_") },
	columns: []string{"name"},
	values:  func(c *stagedoor.Connection) []any { return []any{c.Name} },
	missing: stagedoor.Errorf(stagedoor.NotFound, "inexistent_connection", "The connection does not exist"),
	clash: func(*stagedoor.Connection, string) *stagedoor.Error {
		return stagedoor.Errorf(stagedoor.Conflict, "connection_conflict", "A connection with the same name already exists")
	},
}

// Connection returns a connection by its id.
func (s *Store) Connection(ctx context.Context, id string) (*stagedoor.Connection, error) {
	return connections.read(ctx, s, "id = ?", id)
}

// ConnectionByName returns a connection by its name.
func (s *Store) ConnectionByName(ctx context.Context, name string) (*stagedoor.Connection, error) {
	return connections.read(ctx, s, "name = ?", name)
}

// Connections lists the tenant's connections by name.
func (s *Store) Connections(ctx context.Context) ([]stagedoor.Connection, error) {
	return connections.all(ctx, s)
}

// CreateConnection adds a connection.
func (s *Store) CreateConnection(ctx context.Context, c *stagedoor.Connection) error {
	return connections.create(ctx, s, c)
}

// UpdateConnection changes a connection in one transaction.
func (s *Store) UpdateConnection(ctx context.Context, id string, change func(*stagedoor.Connection) error) (*stagedoor.Connection, error) {
	return connections.update(ctx, s, id, change)
}

// DeleteConnection removes a connection and its users.
func (s *Store) DeleteConnection(ctx context.Context, id string) error {
	return s.write(ctx, func(q querier) error {
		const of = "tenant = ? AND connection IN (SELECT name FROM connections WHERE tenant = ? AND id = ?)"
		if err := s.unindexUsers(ctx, q, of, s.tenant.ID, s.tenant.ID, id); err != nil {
			return err
		}
		if _, err := q.exec(ctx, "DELETE FROM users WHERE "+of, s.tenant.ID, s.tenant.ID, id); err != nil {
			return err
		}
		return connections.delete(ctx, s, q, id)
	})
}

// changeConnections applies change to every connection and saves those for which it
// returns true, inside the caller's transaction.
func (s *Store) changeConnections(ctx context.Context, q querier, change func(*stagedoor.Connection) bool) error {
	var all []*stagedoor.Connection
	err := q.each(ctx, connections.selects()+" WHERE tenant = ?"+s.db.forUpdate(), []any{s.tenant.ID}, func(scan func(...any) error) error {
		c, err := connections.scan(s, scan)
		all = append(all, c)
		return err
	})
	if err != nil {
		return err
	}
	for _, c := range all {
		if change(c) {
			if err := connections.save(ctx, s, q, c.ID, c); err != nil {
				return err
			}
		}
	}
	return nil
}
