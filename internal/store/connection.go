package store

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

var connections = noun[stagedoor.Connection]{
	table: "connections", order: "name",
	id:      func(c *stagedoor.Connection) *string { return &c.ID },
	newID:   func() string { return stagedoor.NewID("con_") },
	columns: []string{"name"},
	values:  func(c *stagedoor.Connection) []any { return []any{c.Name} },
	hide:    (*stagedoor.Connection).HideSecrets,
	reveal:  (*stagedoor.Connection).RevealSecrets,
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

// CreateConnection adds a connection. Its name and its realms must be its own, and only one may be the tenant's domain
// connection.
func (s *Store) CreateConnection(ctx context.Context, c *stagedoor.Connection) error {
	return connections.named(c, s.write(ctx, func(q querier) error {
		if err := s.lockTenant(ctx, q); err != nil { // of two who want one realm, the second sees that the first has it
			return err
		}
		if err := s.actionThere(ctx, q, "", c.CustomHashAction()); err != nil {
			return err
		}
		if err := connections.insert(ctx, s, q, c); err != nil {
			return err
		}
		return s.connectionClash(ctx, q, c)
	}))
}

type unchangedKey struct{}

// IfUnchanged is a context under which a connection is changed only while its options are what they are in was; else the error has [CodeChanged]. Who makes new options of old
// ones, and has to wait for somebody in between, overwrites nobody's that way.
func IfUnchanged(ctx context.Context, was *stagedoor.Connection) context.Context {
	return context.WithValue(ctx, unchangedKey{}, was)
}

// CodeChanged is the code of errors about a connection that somebody else has changed meanwhile.
const CodeChanged = "connection_changed"

// UpdateConnection changes a connection in one transaction.
func (s *Store) UpdateConnection(ctx context.Context, id string, change func(*stagedoor.Connection) error) (*stagedoor.Connection, error) {
	return s.updateConnection(ctx, id, false, change)
}

// ConfigureConnection is UpdateConnection for callers who must not change where passwords are checked while a database has users.
func (s *Store) ConfigureConnection(ctx context.Context, id string, change func(*stagedoor.Connection) error) (*stagedoor.Connection, error) {
	return s.updateConnection(ctx, id, true, change)
}

func (s *Store) updateConnection(ctx context.Context, id string, stays bool, change func(*stagedoor.Connection) error) (*stagedoor.Connection, error) {
	var c *stagedoor.Connection
	err := s.write(ctx, func(q querier) (err error) {
		if err := s.lockTenant(ctx, q); err != nil { // see CreateConnection
			return err
		}
		if c, err = connections.one(ctx, s, q, "id = ?"+s.db.forUpdate(), id); err != nil {
			return err
		}
		same := func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }
		if was, is := ctx.Value(unchangedKey{}).(*stagedoor.Connection); is && was.ID == id && !maps.EqualFunc(was.Options.Stored, c.Options.Stored, same) {
			return stagedoor.Errorf(stagedoor.Conflict, CodeChanged, "The connection was changed by somebody else meanwhile.")
		}
		before, custom, hashes := c.Options.Attributes(), c.Scripts().On, c.CustomHashAction()
		if err := change(c); err != nil {
			return err
		}
		if err := s.actionThere(ctx, q, hashes, c.CustomHashAction()); err != nil {
			return err
		}
		if stays && c.Scripts().On != custom {
			if some, err := s.connectionHasUsers(ctx, q, c.Name); err != nil {
				return err
			} else if some {
				return stagedoor.Errorf(stagedoor.Invalid, "operation_not_supported", "This database contains users. You cannot change \"enabledDatabaseCustomization\" setting.")
			}
		}
		if err := connections.save(ctx, s, q, id, c); err != nil {
			return err
		}
		now := c.Options.Attributes()
		begins := now.Phone.Identifies != before.Phone.Identifies
		if now.Phone.Identifies && !begins && c.ForPasswords() { // it said so before numbers identified anybody
			if begins, err = s.unknownByPhone(ctx, q, c.Name); err != nil {
				return err
			}
		}
		if c.ForPasswords() && begins {
			if err := s.knowByPhone(ctx, q, c.Name, now.Phone.Identifies); err != nil {
				return err
			}
		}
		return s.connectionClash(ctx, q, c)
	})
	if err != nil {
		return nil, connections.named(c, err)
	}
	return c, nil
}

// connectionClash tells whether another connection has one of c's realms, or is the domain connection that c wants to be.
func (s *Store) connectionClash(ctx context.Context, q querier, c *stagedoor.Connection) error {
	if !c.IsDomainConnection && len(c.Realms) == 0 {
		return nil
	}
	return q.each(ctx, connections.selects()+" WHERE tenant = ? AND id <> ?", []any{s.tenant.ID, c.ID}, func(scan func(...any) error) error {
		other, err := connections.known(s, scan)
		switch {
		case err != nil:
			return err
		case c.IsDomainConnection && other.IsDomainConnection:
			return stagedoor.Errorf(stagedoor.Conflict, "connection_conflict", "There is already a domain connection: %s", other.Name)
		}
		for _, realm := range c.Realms {
			if slices.Contains(other.Realms, realm) {
				return stagedoor.Errorf(stagedoor.Conflict, "connection_conflict", "A connection with the same realm already exists")
			}
		}
		return nil
	})
}

// connectionHasUsers tells whether a connection has users, as the caller's transaction sees it: another connection to the database, asked for while one is held, may never come.
func (s *Store) connectionHasUsers(ctx context.Context, q querier, name string) (bool, error) {
	var some int
	err := q.row(ctx, "SELECT COUNT(*) FROM (SELECT 1 FROM users WHERE tenant = ? AND connection = ? LIMIT 1) AS one", []any{s.tenant.ID, name}, &some)
	return some > 0, err
}

// How many users of a connection that is deleted, and how many identities of it that are linked to other users, go in one transaction: others write between.
const (
	usersAtOnce      = 500
	identitiesAtOnce = 200
)

// ofConnection is the condition of the users of a connection that is known by its id.
const ofConnection = "tenant = ? AND connection IN (SELECT name FROM connections WHERE tenant = ? AND id = ?)"

// DeleteConnection removes a connection and its users. Where they are many they go in pieces before it: what was interrupted, as by the end of a request, is to be
// asked for again.
func (s *Store) DeleteConnection(ctx context.Context, id string) error {
	for more := true; more; {
		err := s.write(ctx, func(q querier) (err error) {
			more, err = s.deleteSome(ctx, q, id)
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := s.deleteManyOf(ctx, id, connectionInvitations); err != nil {
		return err
	}
	return s.write(ctx, func(q querier) error {
		if _, err := connections.one(ctx, s, q, "id = ?"+s.db.forUpdate(), id); err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) { // who imports into it is done, or comes too late
			return err
		}
		return s.deleteConnection(ctx, q, id)
	})
}

// DeleteConnectionIfEmpty removes a connection that has no users. One that has some is a Conflict.
func (s *Store) DeleteConnectionIfEmpty(ctx context.Context, id string) error {
	return s.write(ctx, func(q querier) error {
		c, err := connections.one(ctx, s, q, "id = ?"+s.db.forUpdate(), id)
		if err != nil {
			return err
		}
		some, err := s.connectionHasUsers(ctx, q, c.Name)
		if err == nil && some {
			err = stagedoor.Errorf(stagedoor.Conflict, "", "The connection has users.")
		}
		if err != nil {
			return err
		}
		return s.deleteConnection(ctx, q, id)
	})
}

// deleteConnection removes a connection, which is locked, with what is left of it.
func (s *Store) deleteConnection(ctx context.Context, q querier, id string) error {
	const of = ofConnection
	if err := s.deleteInvitations(ctx, q, connectionInvitations, id); err != nil {
		return err
	}
	if err := s.deleteGroupsOf(ctx, q, id); err != nil {
		return err
	}
	if err := s.lockPeopleOf(ctx, q, id); err != nil {
		return err
	}
	if err := s.unindexUsers(ctx, q, of, s.tenant.ID, s.tenant.ID, id); err != nil {
		return err
	}
	if err := s.endSessions(ctx, q, stagedoor.LogoutDeleted, "user_id IN (SELECT id FROM users WHERE "+of+")", s.tenant.ID, s.tenant.ID, id); err != nil {
		return err
	}
	if _, err := q.exec(ctx, "DELETE FROM users WHERE "+of, s.tenant.ID, s.tenant.ID, id); err != nil {
		return err
	}
	if _, err := s.unlinkSome(ctx, q, id, math.MaxInt32); err != nil { // those that were linked meanwhile
		return err
	}
	if err := s.deleteParts(ctx, q, id); err != nil {
		return err
	}
	return connections.delete(ctx, s, q, id)
}

// lockPeopleOf locks the users of a connection and those who have a linked identity of it, in one order.
func (s *Store) lockPeopleOf(ctx context.Context, q querier, id string) error {
	if !s.db.postgres {
		return nil
	}
	_, err := q.exec(ctx, "SELECT id FROM users WHERE tenant = ? AND id IN (SELECT id FROM users WHERE "+ofConnection+" UNION SELECT user_id FROM linked_identities WHERE "+ofConnection+") ORDER BY id FOR UPDATE",
		s.tenant.ID, s.tenant.ID, s.tenant.ID, id, s.tenant.ID, s.tenant.ID, id)
	return err
}

// shareConnection locks a connection, before any user, for who writes a row that refers to both.
func (s *Store) shareConnection(ctx context.Context, q querier, id string) error {
	if !s.db.postgres {
		return nil
	}
	_, err := q.exec(ctx, "SELECT id FROM connections WHERE tenant = ? AND id = ? FOR KEY SHARE", s.tenant.ID, id)
	return err
}

// deleteSome removes some users of a connection that has many, else linked identities, and tells whether there may be more.
func (s *Store) deleteSome(ctx context.Context, q querier, id string) (bool, error) {
	var some []any
	err := q.each(ctx, "SELECT id FROM users WHERE "+ofConnection+" LIMIT ?", []any{s.tenant.ID, s.tenant.ID, id, usersAtOnce}, func(scan func(...any) error) error {
		var user string
		err := scan(&user)
		some = append(some, user)
		return err
	})
	if err != nil {
		return false, err
	}
	if len(some) < usersAtOnce {
		n, err := s.unlinkSome(ctx, q, id, identitiesAtOnce)
		return n == identitiesAtOnce, err
	}
	in := " IN (?" + strings.Repeat(", ?", usersAtOnce-1) + ")"
	users, err := s.lockedUsers(ctx, q, "tenant = ? AND id"+in+" ORDER BY id", append([]any{s.tenant.ID}, some...)...)
	if err == nil {
		err = s.unindex(ctx, q, users)
	}
	if err == nil {
		err = s.endSessions(ctx, q, stagedoor.LogoutDeleted, "user_id"+in, some...)
	}
	if err == nil {
		_, err = q.exec(ctx, "DELETE FROM users WHERE tenant = ? AND id"+in, append([]any{s.tenant.ID}, some...)...)
	}
	return true, err
}

// unindex takes users out of the search index who are deleted next, and publishes that they are.
func (s *Store) unindex(ctx context.Context, q querier, users []stagedoor.User) error {
	for i := range users {
		if err := s.reindex(ctx, q, indexOf(&users[i]), nil); err != nil {
			return err
		}
		if err := s.userEvent(ctx, q, "user.deleted", &users[i]); err != nil {
			return err
		}
	}
	return nil
}

// changeConnections applies change to every connection and saves those for which it
// returns true, inside the caller's transaction.
func (s *Store) changeConnections(ctx context.Context, q querier, change func(*stagedoor.Connection) bool) error {
	var all []*stagedoor.Connection
	err := q.each(ctx, connections.selects()+" WHERE tenant = ? ORDER BY id"+s.db.forUpdate(), []any{s.tenant.ID}, func(scan func(...any) error) error {
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
