package store

import (
	"context"

	"github.com/stagedoor/stagedoor"
)

var resourceServers = noun[stagedoor.ResourceServer]{
	table: "resource_servers", order: "id",
	id:      func(r *stagedoor.ResourceServer) *string { return &r.ID },
	newID:   stagedoor.NewHexID,
	secret:  func(r *stagedoor.ResourceServer) *string { return &r.SigningSecret },
	columns: []string{"identifier"},
	values:  func(r *stagedoor.ResourceServer) []any { return []any{r.Identifier} },
	missing: stagedoor.Errorf(stagedoor.NotFound, "inexistent_resource_server", "The resource server does not exist"),
	clash: func(*stagedoor.ResourceServer, string) *stagedoor.Error {
		return stagedoor.Errorf(stagedoor.Conflict, "resource_server_conflict", "A resource server with the same identifier already exists")
	},
	grown: func(s *Store, r *stagedoor.ResourceServer) {
		if r.IsSystem && s.db.systemScopes != nil {
			r.Know(s.db.systemScopes(r.Identifier))
		}
	},
}

// ResourceServer returns an API by its id or its identifier.
func (s *Store) ResourceServer(ctx context.Context, id string) (*stagedoor.ResourceServer, error) {
	return resourceServers.read(ctx, s, "(id = ? OR identifier = ?)", id, id)
}

// ResourceServerByIdentifier returns the API that an audience names.
func (s *Store) ResourceServerByIdentifier(ctx context.Context, identifier string) (*stagedoor.ResourceServer, error) {
	return resourceServers.read(ctx, s, "identifier = ?", identifier)
}

// ResourceServers lists the tenant's APIs.
func (s *Store) ResourceServers(ctx context.Context) ([]stagedoor.ResourceServer, error) {
	return resourceServers.all(ctx, s)
}

// CreateResourceServer adds an API.
func (s *Store) CreateResourceServer(ctx context.Context, r *stagedoor.ResourceServer) error {
	return resourceServers.create(ctx, s, r)
}

// UpdateResourceServer changes an API in one transaction. A scope that goes is taken from roles and users: where they are many, in pieces before it.
func (s *Store) UpdateResourceServer(ctx context.Context, id string, change func(*stagedoor.ResourceServer) error) (*stagedoor.ResourceServer, error) {
	r, err := resourceServers.one(ctx, s, s.read(), "id = ?", id)
	if err != nil {
		return nil, err
	}
	before := *r
	if err := change(r); err != nil {
		return nil, resourceServers.named(r, err)
	}
	if gone := scopesGone(&before, r); len(gone) > 0 {
		in, list, err := s.idList(gone)
		if err == nil {
			err = s.deleteInPieces(ctx, goesAlong{table: "user_permissions", key: "user_id, api, permission", where: "api = ? AND permission " + in, by: "user_permissions_api"}, r.Identifier, list)
		}
		if err != nil {
			return nil, err
		}
	}
	err = s.write(ctx, func(q querier) (err error) {
		if r, err = resourceServers.one(ctx, s, q, "id = ?"+s.db.forUpdate(), id); err != nil {
			return err
		}
		before := *r
		if err := change(r); err != nil {
			return err
		}
		if err := s.keepPermissions(ctx, q, &before, r); err != nil {
			return err
		}
		return resourceServers.save(ctx, s, q, id, r)
	})
	if err != nil {
		return nil, resourceServers.named(r, err)
	}
	return r, nil
}

// DeleteResourceServer removes an API and the client grants for it.
func (s *Store) DeleteResourceServer(ctx context.Context, id string) error {
	err := s.deleteManyOf(ctx, id, goesAlong{table: "user_permissions", key: "user_id, api, permission", where: "api = (SELECT r.identifier FROM resource_servers r WHERE r.tenant = user_permissions.tenant AND r.id = ?)", by: "user_permissions_api"})
	if err != nil {
		return err
	}
	return s.write(ctx, func(q querier) error {
		_, err := resourceServers.one(ctx, s, q, "id = ?"+s.db.forUpdate(), id) // before the grants, as who renames it does
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = q.exec(ctx, "DELETE FROM client_grants WHERE tenant = ? AND audience IN (SELECT identifier FROM resource_servers WHERE tenant = ? AND id = ?)", s.tenant.ID, s.tenant.ID, id)
		if err != nil {
			return err
		}
		return resourceServers.delete(ctx, s, q, id)
	})
}

// RenameResourceServer gives an API another identifier. What refers to it, client grants and the permissions of roles and users, goes along.
func (s *Store) RenameResourceServer(ctx context.Context, id, identifier string) error {
	var heir stagedoor.ResourceServer
	err := s.write(ctx, func(q querier) error {
		r, err := resourceServers.one(ctx, s, q, "id = ?"+s.db.forUpdate(), id)
		if err != nil || r.Identifier == identifier {
			return err
		}
		heir = *r
		heir.ID, heir.Identifier = "", identifier
		if err := resourceServers.insert(ctx, s, q, &heir); err != nil { // both are there while permissions go from the one to the other
			return err
		}
		for _, table := range []string{"role_permissions", "user_permissions"} {
			if _, err := q.exec(ctx, "UPDATE "+table+s.db.by(table+"_api")+" SET api = ? WHERE tenant = ? AND api = ?", identifier, s.tenant.ID, r.Identifier); err != nil {
				return err
			}
		}
		if err := s.moveGrants(ctx, q, r.Identifier, identifier); err != nil {
			return err
		}
		if err := resourceServers.delete(ctx, s, q, id); err != nil {
			return err
		}
		if _, err := q.exec(ctx, "UPDATE resource_servers SET id = ? WHERE tenant = ? AND id = ?", id, s.tenant.ID, heir.ID); err != nil {
			return err
		}
		heir.ID = id
		return resourceServers.save(ctx, s, q, id, &heir)
	})
	return resourceServers.named(&heir, err)
}

func (s *Store) moveGrants(ctx context.Context, q querier, from, to string) error {
	var all []*stagedoor.ClientGrant
	err := q.each(ctx, clientGrants.selects()+" WHERE tenant = ? AND audience = ? ORDER BY id"+s.db.forUpdate(), []any{s.tenant.ID, from}, func(scan func(...any) error) error {
		g, err := clientGrants.scan(s, scan)
		all = append(all, g)
		return err
	})
	if err != nil {
		return err
	}
	for _, g := range all {
		g.Audience = to
		if err := clientGrants.save(ctx, s, q, g.ID, g); err != nil {
			return err
		}
	}
	return nil
}

var clientGrants = noun[stagedoor.ClientGrant]{
	table: "client_grants", order: "id",
	id:      func(g *stagedoor.ClientGrant) *string { return &g.ID },
	newID:   func() string { return stagedoor.NewID("cgr_") },
	columns: []string{"client_id", "audience", "subject"},
	values:  func(g *stagedoor.ClientGrant) []any { return []any{g.ClientID, g.Audience, g.Subject()} },
	missing: stagedoor.Errorf(stagedoor.NotFound, "inexistent_client_grant", "The grant does not exist."),
	clash: func(g *stagedoor.ClientGrant, _ string) *stagedoor.Error {
		return stagedoor.Errorf(stagedoor.Conflict, "client_grant_conflict", "A client grant already exists between %s and %s", or(g.ClientID, g.DefaultFor), g.Audience)
	},
}

// ClientGrant returns a client grant by its id.
func (s *Store) ClientGrant(ctx context.Context, id string) (*stagedoor.ClientGrant, error) {
	return clientGrants.read(ctx, s, "id = ?", id)
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// ClientGrantFor returns what a client may ask of an audience for a subject: by a grant of its own or, if it is of somebody
// else, by the default one.
func (s *Store) ClientGrantFor(ctx context.Context, c *stagedoor.Client, audience, subject string) (*stagedoor.ClientGrant, error) {
	const where = "client_id = ? AND audience = ? AND subject = ?"
	g, err := clientGrants.read(ctx, s, where, c.ID, audience, subject)
	if !c.IsFirstParty && stagedoor.IsKind(err, stagedoor.NotFound) {
		return clientGrants.read(ctx, s, where, "", audience, subject)
	}
	return g, err
}

// ClientGrants lists the tenant's client grants.
func (s *Store) ClientGrants(ctx context.Context) ([]stagedoor.ClientGrant, error) {
	return clientGrants.all(ctx, s)
}

// CreateClientGrant adds a client grant.
func (s *Store) CreateClientGrant(ctx context.Context, g *stagedoor.ClientGrant) error {
	return clientGrants.create(ctx, s, g)
}

// UpdateClientGrant changes a client grant in one transaction.
func (s *Store) UpdateClientGrant(ctx context.Context, id string, change func(*stagedoor.ClientGrant) error) (*stagedoor.ClientGrant, error) {
	return clientGrants.update(ctx, s, id, change)
}

// DeleteClientGrant removes a client grant; issued tokens live on.
func (s *Store) DeleteClientGrant(ctx context.Context, id string) error {
	return s.write(ctx, func(q querier) error { return clientGrants.delete(ctx, s, q, id) })
}
