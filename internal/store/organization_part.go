package store

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// part is what belongs to an organization and is a JSON document of its own: its connections, clients and domains. It goes
// with the organization.
type part[T any] struct {
	table   string
	key     string // the column that tells one from another in the organization
	id      func(*T) string
	columns []string // further columns
	values  func(*T) []any
	missing *stagedoor.Error
	clash   *stagedoor.Error
	most    int // of them in one organization (Management API fact sheet 3.21); 0 = any number

	event func(ctx context.Context, s *Store, q querier, what, orgID string, was, v *T) error // publishes that one was added, updated (was is not nil) or removed; nil = nothing
}

// tell publishes what became of one.
func (p *part[T]) tell(ctx context.Context, s *Store, q querier, what, orgID string, was, v *T) error {
	if p.event == nil || v == nil {
		return nil
	}
	return p.event(ctx, s, q, what, orgID, was, v)
}

// errTooMany is the wire's answer where there may be no more of a kind.
func errTooMany() error {
	return stagedoor.Errorf(stagedoor.Forbidden, "too_many_entities", "You reached the limit of entities of this type for this tenant.")
}

func (p *part[T]) list(ctx context.Context, s *Store, q querier, where string, args ...any) ([]T, error) {
	out := []T{}
	err := q.each(ctx, "SELECT doc FROM "+p.table+" WHERE tenant = ? AND "+where+" ORDER BY "+p.key, append([]any{s.tenant.ID}, args...),
		func(scan func(...any) error) error {
			var doc string
			if err := scan(&doc); err != nil {
				return err
			}
			var v T
			err := json.Unmarshal([]byte(doc), &v)
			out = append(out, v)
			return err
		})
	return out, err
}

func (p *part[T]) all(ctx context.Context, s *Store, orgID string) ([]T, error) {
	return p.list(ctx, s, s.read(), "org_id = ?", orgID)
}

func (p *part[T]) one(ctx context.Context, s *Store, q querier, orgID, column, value string) (*T, error) {
	var doc string
	err := q.row(ctx, "SELECT doc FROM "+p.table+" WHERE tenant = ? AND org_id = ? AND "+column+" = ?", []any{s.tenant.ID, orgID, value}, &doc)
	if errors.Is(err, errNoRows) {
		return nil, p.missing
	}
	if err != nil {
		return nil, err
	}
	v := new(T)
	return v, json.Unmarshal([]byte(doc), v)
}

func (p *part[T]) insert(ctx context.Context, s *Store, q querier, orgID string, v *T) error {
	doc, err := json.Marshal(v)
	if err != nil {
		return err
	}
	columns, args := append([]string{"tenant", "org_id", p.key, "doc"}, p.columns...), []any{s.tenant.ID, orgID, p.id(v), document(doc)}
	if p.values != nil {
		args = append(args, p.values(v)...)
	}
	_, err = q.exec(ctx, "INSERT INTO "+p.table+" ("+strings.Join(columns, ", ")+") VALUES (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
	return err
}

// add inserts v unless there are enough of the kind.
func (p *part[T]) add(ctx context.Context, s *Store, orgID string, all ...*T) error {
	err := s.inOrganization(ctx, orgID, func(q querier) error {
		var n int
		if err := q.row(ctx, "SELECT COUNT(*) FROM "+p.table+" WHERE tenant = ? AND org_id = ?", []any{s.tenant.ID, orgID}, &n); err != nil {
			return err
		}
		if p.most > 0 && n+len(all) > p.most {
			return errTooMany()
		}
		for _, v := range all {
			if err := p.insert(ctx, s, q, orgID, v); err != nil {
				return err
			}
			if err := p.tell(ctx, s, q, "added", orgID, nil, v); err != nil {
				return err
			}
		}
		return nil
	})
	if uniqueViolation(err) != "" {
		return p.clash
	}
	return err
}

func (p *part[T]) change(ctx context.Context, s *Store, orgID, id string, change func(*T) error) (*T, error) {
	var v *T
	err := s.inOrganization(ctx, orgID, func(q querier) (err error) {
		if v, err = p.one(ctx, s, q, orgID, p.key, id); err != nil {
			return err
		}
		was := *v
		if err := change(v); err != nil {
			return err
		}
		doc, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if _, err = q.exec(ctx, "UPDATE "+p.table+" SET doc = ? WHERE tenant = ? AND org_id = ? AND "+p.key+" = ?", document(doc), s.tenant.ID, orgID, id); err != nil {
			return err
		}
		return p.tell(ctx, s, q, "updated", orgID, &was, v)
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (p *part[T]) remove(ctx context.Context, s *Store, orgID string, ids ...string) error {
	return s.inOrganization(ctx, orgID, func(q querier) error {
		for _, id := range ids {
			var v *T
			if p.event != nil {
				var err error
				if v, err = p.one(ctx, s, q, orgID, p.key, id); err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
					return err
				}
			}
			if _, err := q.exec(ctx, "DELETE FROM "+p.table+" WHERE tenant = ? AND org_id = ? AND "+p.key+" = ?", s.tenant.ID, orgID, id); err != nil {
				return err
			}
			if err := p.tell(ctx, s, q, "removed", orgID, nil, v); err != nil {
				return err
			}
		}
		return nil
	})
}

var orgConnections = part[stagedoor.OrganizationConnection]{
	table: "organization_connections", key: "connection_id", most: 10,
	id:      func(c *stagedoor.OrganizationConnection) string { return c.ConnectionID },
	missing: stagedoor.Errorf(stagedoor.NotFound, "", "No connection found by that id"),
	clash:   stagedoor.Errorf(stagedoor.Conflict, "", "The connection is already enabled for this organization."),
	event: func(ctx context.Context, s *Store, q querier, what, orgID string, was, c *stagedoor.OrganizationConnection) error {
		return s.organizationConnectionEvent(ctx, q, "organization.connection."+what, orgID, was, c)
	},
}

// OrganizationConnections lists the connections of an organization.
func (s *Store) OrganizationConnections(ctx context.Context, orgID string) ([]stagedoor.OrganizationConnection, error) {
	return orgConnections.all(ctx, s, orgID)
}

// OrganizationConnection returns one connection of an organization.
func (s *Store) OrganizationConnection(ctx context.Context, orgID, connectionID string) (*stagedoor.OrganizationConnection, error) {
	return orgConnections.one(ctx, s, s.read(), orgID, "connection_id", connectionID)
}

// ConnectionOrganizations tells how many organizations a connection belongs to.
func (s *Store) ConnectionOrganizations(ctx context.Context, connectionID string) (n int, err error) {
	err = s.read().row(ctx, "SELECT COUNT(*) FROM organization_connections WHERE tenant = ? AND connection_id = ?", []any{s.tenant.ID, connectionID}, &n)
	return n, err
}

// AddOrganizationConnection enables a connection, which must be there, for an organization.
func (s *Store) AddOrganizationConnection(ctx context.Context, orgID string, c *stagedoor.OrganizationConnection) error {
	return orgConnections.add(ctx, s, orgID, c)
}

// UpdateOrganizationConnection changes one connection of an organization in one transaction.
func (s *Store) UpdateOrganizationConnection(ctx context.Context, orgID, connectionID string, change func(*stagedoor.OrganizationConnection) error) (*stagedoor.OrganizationConnection, error) {
	return orgConnections.change(ctx, s, orgID, connectionID, change)
}

// RemoveOrganizationConnection disables a connection for an organization. Its members stay members.
func (s *Store) RemoveOrganizationConnection(ctx context.Context, orgID, connectionID string) error {
	return orgConnections.remove(ctx, s, orgID, connectionID)
}

var domains = part[stagedoor.DiscoveryDomain]{
	table: "organization_domains", key: "id", columns: []string{"domain"}, most: 100,
	id:      func(d *stagedoor.DiscoveryDomain) string { return d.ID },
	values:  func(d *stagedoor.DiscoveryDomain) []any { return []any{d.Domain} },
	missing: stagedoor.Errorf(stagedoor.NotFound, "", "No organization domain found by that id"),
	clash:   stagedoor.Errorf(stagedoor.Conflict, "", "An organization domain with this name already exists."),
}

// DiscoveryDomains lists the domains of an organization.
func (s *Store) DiscoveryDomains(ctx context.Context, orgID string) ([]stagedoor.DiscoveryDomain, error) {
	return domains.all(ctx, s, orgID)
}

// DiscoveryDomain returns one domain of an organization.
func (s *Store) DiscoveryDomain(ctx context.Context, orgID, id string) (*stagedoor.DiscoveryDomain, error) {
	return domains.one(ctx, s, s.read(), orgID, "id", id)
}

// DiscoveryDomainByName returns the domain of an organization that has the name.
func (s *Store) DiscoveryDomainByName(ctx context.Context, orgID, name string) (*stagedoor.DiscoveryDomain, error) {
	return domains.one(ctx, s, s.read(), orgID, "domain", name)
}

// CreateDiscoveryDomain adds a domain to an organization.
func (s *Store) CreateDiscoveryDomain(ctx context.Context, d *stagedoor.DiscoveryDomain) error {
	d.ID = "ord_" + stagedoor.NewBase58(22)
	return domains.add(ctx, s, d.OrganizationID, d)
}

// UpdateDiscoveryDomain changes one domain of an organization in one transaction. Its name stays.
func (s *Store) UpdateDiscoveryDomain(ctx context.Context, orgID, id string, change func(*stagedoor.DiscoveryDomain) error) (*stagedoor.DiscoveryDomain, error) {
	return domains.change(ctx, s, orgID, id, change)
}

// DeleteDiscoveryDomain takes a domain from an organization.
func (s *Store) DeleteDiscoveryDomain(ctx context.Context, orgID, id string) error {
	return domains.remove(ctx, s, orgID, id)
}

var orgClients = part[stagedoor.OrganizationClient]{
	table: "organization_clients", key: "client_id",
	id:      func(c *stagedoor.OrganizationClient) string { return c.ClientID },
	missing: stagedoor.Errorf(stagedoor.NotFound, "", "No client found by that id"),
	clash:   stagedoor.Errorf(stagedoor.Conflict, "", "The client is already associated with this organization."),
}

// OrganizationClients lists the clients of an organization.
func (s *Store) OrganizationClients(ctx context.Context, orgID string) ([]stagedoor.OrganizationClient, error) {
	return orgClients.all(ctx, s, orgID)
}

// OrganizationClient returns one client of an organization.
func (s *Store) OrganizationClient(ctx context.Context, orgID, clientID string) (*stagedoor.OrganizationClient, error) {
	return orgClients.one(ctx, s, s.read(), orgID, "client_id", clientID)
}

// AddOrganizationClients adds clients, which must be there, to an organization: all or none.
func (s *Store) AddOrganizationClients(ctx context.Context, orgID string, all []stagedoor.OrganizationClient) error {
	pointers := make([]*stagedoor.OrganizationClient, len(all))
	for i := range all {
		pointers[i] = &all[i]
	}
	return orgClients.add(ctx, s, orgID, pointers...)
}

// UpdateOrganizationClient changes one client of an organization in one transaction.
func (s *Store) UpdateOrganizationClient(ctx context.Context, orgID, clientID string, change func(*stagedoor.OrganizationClient) error) (*stagedoor.OrganizationClient, error) {
	return orgClients.change(ctx, s, orgID, clientID, change)
}

// RemoveOrganizationClients takes clients from an organization.
func (s *Store) RemoveOrganizationClients(ctx context.Context, orgID string, clientIDs []string) error {
	return orgClients.remove(ctx, s, orgID, clientIDs...)
}

// OrganizationGrants lists the client grants that may be used for an organization.
func (s *Store) OrganizationGrants(ctx context.Context, orgID string) ([]stagedoor.ClientGrant, error) {
	out := []stagedoor.ClientGrant{}
	err := s.read().each(ctx, `SELECT g.doc, '' FROM organization_grants o CROSS JOIN client_grants g
		WHERE g.tenant = o.tenant AND g.id = o.grant_id AND o.tenant = ? AND o.org_id = ? ORDER BY g.id`, []any{s.tenant.ID, orgID}, func(scan func(...any) error) error {
		g, err := clientGrants.known(s, scan)
		if err == nil {
			out = append(out, *g)
		}
		return err
	})
	return out, err
}

// maxOrganizationGrants is how many client grants one organization may have (Management API fact sheet 3.21).
const maxOrganizationGrants = 100

// AddOrganizationGrant lets a client grant be used for an organization; one that may be already is no error.
func (s *Store) AddOrganizationGrant(ctx context.Context, orgID, grantID string) error {
	return s.inOrganization(ctx, orgID, func(q querier) error {
		if _, err := clientGrants.one(ctx, s, q, "id = ?", grantID); err != nil {
			return err
		}
		_, err := q.exec(ctx, "INSERT INTO organization_grants (tenant, org_id, grant_id) VALUES (?, ?, ?) ON CONFLICT (tenant, org_id, grant_id) DO NOTHING", s.tenant.ID, orgID, grantID)
		if err != nil {
			return err
		}
		var n int
		err = q.row(ctx, "SELECT COUNT(*) FROM organization_grants WHERE tenant = ? AND org_id = ?", []any{s.tenant.ID, orgID}, &n)
		if err == nil && n > maxOrganizationGrants {
			err = errTooMany()
		}
		return err
	})
}

// RemoveOrganizationGrant takes a client grant from an organization; tokens that were issued live on.
func (s *Store) RemoveOrganizationGrant(ctx context.Context, orgID, grantID string) error {
	return s.inOrganization(ctx, orgID, func(q querier) error {
		_, err := q.exec(ctx, "DELETE FROM organization_grants WHERE tenant = ? AND org_id = ? AND grant_id = ?", s.tenant.ID, orgID, grantID)
		return err
	})
}
