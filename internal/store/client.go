package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
)

var clients = noun[stagedoor.Client]{
	table: "clients", order: "id",
	id:      func(c *stagedoor.Client) *string { return &c.ID },
	secret:  func(c *stagedoor.Client) *string { return &c.Secret },
	newID:   stagedoor.NewClientID,
	missing: stagedoor.Errorf(stagedoor.NotFound, "inexistent_client", "The client does not exist"),
	clash: func(*stagedoor.Client, string) *stagedoor.Error {
		return stagedoor.Errorf(stagedoor.Conflict, "client_conflict", "A client with the same id already exists")
	},
}

// Client returns a client with its secret.
func (s *Store) Client(ctx context.Context, id string) (*stagedoor.Client, error) {
	return clients.read(ctx, s, "id = ?", id)
}

// GlobalClient returns the client that stands for the tenant itself.
func (s *Store) GlobalClient(ctx context.Context) (*stagedoor.Client, error) {
	return clients.read(ctx, s, "CAST(doc ->> 'global' AS TEXT) IN ('true', '1')")
}

// ClientNames returns what clients are called, by their ids. Those that are gone are left out.
func (s *Store) ClientNames(ctx context.Context, ids []string) (map[string]string, error) {
	out := map[string]string{}
	for some := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(ids))), 500) {
		args := []any{s.tenant.ID}
		for _, id := range some {
			args = append(args, id)
		}
		where := " AND id IN (?" + strings.Repeat(", ?", len(some)-1) + ")"
		err := s.read().adhoc(ctx, clients.selects()+clients.mine()+where, args, func(scan func(...any) error) error {
			c, err := clients.known(s, scan)
			if err == nil {
				out[c.ID] = c.Name
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Clients lists the tenant's clients.
func (s *Store) Clients(ctx context.Context) ([]stagedoor.Client, error) { return clients.all(ctx, s) }

// CreateClient adds a client. Where the tenant enables new clients on its connections (flag
// enable_client_connections) it is enabled on each in the same transaction.
func (s *Store) CreateClient(ctx context.Context, c *stagedoor.Client) error {
	return s.createClient(ctx, c, !c.Global && s.tenant.Settings.Flags[stagedoor.FlagClientConnections])
}

// RegisterClient adds a client that registers itself: nobody has enabled it on a connection, whatever the tenant does with its own. Anybody can register any number: the tenant
// has at most so many, of which those go, the oldest first, that nobody uses, and that no administrator has given anything. TooMany means that there is no room now.
func (s *Store) RegisterClient(ctx context.Context, c *stagedoor.Client, limit int) error {
	return s.register(ctx, c, limit, strangers{
		ids: "substr(%s, 1, 4) = 'tpc_'", uses: []string{"refresh_tokens", "grants", "client_grants", "organization_clients"}, called: "Too many clients have registered themselves.",
		is: func(c *stagedoor.Client) bool { return c.RegisteredItself() && c.Stored["redirection_policy"] == nil },
	})
}

// DeclinedClients are the addresses of clients' documents that an administrator has taken out: such a client does not come back by itself. Name is the address.
var DeclinedClients = Kind[stagedoor.Document]{
	Name: "declined_client", ID: func(d *stagedoor.Document) *string { return &d.ID }, Unique: func(d *stagedoor.Document) string { return d.Name },
	NewID: stagedoor.NewHexID, Missing: stagedoor.Errorf(stagedoor.NotFound, "", "The client was not declined."),
}

// RegisterDocument is RegisterClient of a client that a document describes, whose address is its id. Anybody can make any number of such addresses up.
func (s *Store) RegisterDocument(ctx context.Context, c *stagedoor.Client, limit int) error {
	return s.register(ctx, c, limit, strangers{
		ids: "%[1]s >= 'https://' AND %[1]s < 'https:/0'", uses: []string{"refresh_tokens", "grants"}, called: "Too many clients are known by documents of their own.",
		is: (*stagedoor.Client).FromDocument,
	})
}

// strangers are the clients of a kind that nobody here has made.
type strangers struct {
	ids    string                       // the condition of their ids, which may hold of others as well
	uses   []string                     // the tables that name clients that are used
	called string                       // what is said where there are too many
	is     func(*stagedoor.Client) bool // of a client whose id is one of theirs
}

// strangerRest is how long a client of a stranger's stays at least, be it used or not.
const strangerRest = time.Hour

func (s *Store) register(ctx context.Context, c *stagedoor.Client, limit int, kind strangers) error {
	c.Tenant = s.tenant.ID
	err := s.write(ctx, func(q querier) error {
		var n int
		err := q.row(ctx, "SELECT COUNT(*) FROM clients WHERE tenant = ? AND "+fmt.Sprintf(kind.ids, "id"), []any{s.tenant.ID}, &n)
		if err != nil {
			return err
		}
		if n >= limit {
			unused, args := " AND "+fmt.Sprintf(kind.ids, "id"), []any{s.tenant.ID}
			for _, table := range kind.uses {
				unused += " AND id NOT IN (SELECT client_id FROM " + table + " WHERE tenant = ? AND " + fmt.Sprintf(kind.ids, "client_id") + ")"
				args = append(args, s.tenant.ID)
			}
			enabled := map[string]bool{}
			err := s.changeConnections(ctx, q, func(conn *stagedoor.Connection) bool {
				for _, id := range conn.EnabledClients {
					enabled[id] = true
				}
				return false
			})
			if err != nil {
				return err
			}
			var old []stagedoor.Client
			err = q.each(ctx, clients.selects()+clients.mine()+unused, args, func(scan func(...any) error) error {
				c, err := clients.scan(s, scan)
				if err == nil && kind.is(c) && !enabled[c.ID] && s.db.clock.Now().Sub(time.Unix(c.DocumentAt, 0)) > strangerRest {
					old = append(old, *c)
				}
				return err
			})
			if err != nil {
				return err
			}
			if len(old) == 0 {
				return stagedoor.Errorf(stagedoor.TooMany, "too_many_requests", "%s", kind.called)
			}
			slices.SortFunc(old, func(a, b stagedoor.Client) int { return cmp.Compare(a.DocumentAt, b.DocumentAt) })
			for _, c := range old[:min(len(old), 1+limit/10)] { // several at once: the next one finds room
				if err := clients.delete(ctx, s, q, c.ID); err != nil {
					return err
				}
			}
		}
		return s.insertClient(ctx, q, c)
	})
	return clients.named(c, err)
}

// insertClient adds a client of now.
func (s *Store) insertClient(ctx context.Context, q querier, c *stagedoor.Client) error {
	c.CreatedAt = millis(s.db.clock.Now())
	c.UpdatedAt = c.CreatedAt
	return clients.insert(ctx, s, q, c)
}

func (s *Store) createClient(ctx context.Context, c *stagedoor.Client, enable bool) error {
	c.Tenant = s.tenant.ID
	err := s.write(ctx, func(q querier) error {
		if err := s.insertClient(ctx, q, c); err != nil {
			return err
		}
		if !enable {
			return nil
		}
		return s.changeConnections(ctx, q, func(conn *stagedoor.Connection) bool {
			conn.EnabledClients = append(conn.EnabledClients, c.ID)
			return true
		})
	})
	return clients.named(c, err)
}

// UpdateClient changes a client in one transaction.
func (s *Store) UpdateClient(ctx context.Context, id string, change func(*stagedoor.Client) error) (*stagedoor.Client, error) {
	return clients.update(ctx, s, id, func(c *stagedoor.Client) error {
		err := change(c)
		c.UpdatedAt = millis(s.db.clock.Now())
		return err
	})
}

// DeleteClient removes a client with its grants, tokens, invitations and places on connections. A client that is not there is no error. Of tokens and grants
// there may be any number: they go in pieces before it, and what was interrupted is to be asked for again.
func (s *Store) DeleteClient(ctx context.Context, id string) error {
	transfer, err := transferOf(ctx, s.read(), s.tenant.ID, id)
	if err == nil && transfer != nil && transfer.Cascade { // what its session transfer tokens have opened ends with its refresh tokens
		_, err = s.RevokeRefreshTokens(ctx, RefreshTokensOf{ClientID: id})
	}
	if err != nil {
		return err
	}
	if err := s.deleteManyOf(ctx, id, goesAlong{table: "refresh_tokens", key: "hash", where: "client_id = ?"}, goesAlong{table: "grants", key: "id", where: "client_id = ?"},
		goesAlong{table: "device_credentials", key: "id", where: "client_id = ?"}, clientInvitations); err != nil {
		return err
	}
	return s.write(ctx, func(q querier) error {
		err := s.changeConnections(ctx, q, func(conn *stagedoor.Connection) bool {
			i := slices.Index(conn.EnabledClients, id)
			if i >= 0 {
				conn.EnabledClients = slices.Delete(conn.EnabledClients, i, i+1)
			}
			return i >= 0
		})
		if err == nil {
			err = s.deleteInvitations(ctx, q, clientInvitations, id)
		}
		if err == nil {
			err = s.lockUsersOfClient(ctx, q, id)
		}
		for _, table := range []string{"refresh_tokens", "grants", "device_credentials", "client_grants"} { // what came meanwhile
			if err == nil {
				_, err = q.exec(ctx, "DELETE FROM "+table+" WHERE tenant = ? AND client_id = ?", s.tenant.ID, id)
			}
		}
		if err != nil {
			return err
		}
		return clients.delete(ctx, s, q, id) // last: who ends sessions has their tokens before they look for the clients that are to be told
	})
}

// lockUsersOfClient locks the users who have something that goes with a client.
func (s *Store) lockUsersOfClient(ctx context.Context, q querier, id string) error {
	if !s.db.postgres {
		return nil
	}
	users, args := "", []any{s.tenant.ID}
	for _, table := range []string{"refresh_tokens", "grants", "device_credentials"} {
		users, args = users+" UNION SELECT user_id FROM "+table+" WHERE tenant = ? AND client_id = ?", append(args, s.tenant.ID, id)
	}
	_, err := q.exec(ctx, "SELECT id FROM users WHERE tenant = ? AND id IN ("+strings.TrimPrefix(users, " UNION ")+") ORDER BY id FOR UPDATE", args...)
	return err
}

// UseAssertion keeps the jti of a client's assertion until it has expired, and tells whether it is seen for the first time
// (RFC 7523 section 3).
func (s *Store) UseAssertion(ctx context.Context, clientID, jti string, until time.Time) (fresh bool, err error) {
	err = s.writeOne(ctx, func(q querier) error {
		n, err := q.exec(ctx, "INSERT INTO client_assertions (tenant, client_id, jti, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT (tenant, client_id, jti) DO NOTHING",
			s.tenant.ID, clientID, jti, millis(until))
		fresh = n > 0
		return err
	})
	return fresh, err
}
