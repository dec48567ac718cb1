package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
)

var organizations = noun[stagedoor.Organization]{
	table: "organizations", order: "created_at, id",
	id:      func(o *stagedoor.Organization) *string { return &o.ID },
	newID:   func() string { return stagedoor.NewID("org_") },
	columns: []string{"name", "created_at"},
	values:  func(o *stagedoor.Organization) []any { return []any{o.Name, o.CreatedAt} },
	missing: stagedoor.Errorf(stagedoor.NotFound, "", "No organization found by that id or name"),
	clash: func(*stagedoor.Organization, string) *stagedoor.Error {
		return stagedoor.Errorf(stagedoor.Conflict, "", "An organization with this name already exists.")
	},
}

// Organization returns an organization by its id.
func (s *Store) Organization(ctx context.Context, id string) (*stagedoor.Organization, error) {
	return organizations.read(ctx, s, "id = ?", id)
}

// OrganizationByName returns an organization by its name, which is in lower case.
func (s *Store) OrganizationByName(ctx context.Context, name string) (*stagedoor.Organization, error) {
	return organizations.read(ctx, s, "name = ?", name)
}

// Position is where a page ended: with what came at a time, in milliseconds, and has the id. It may be gone by the time the next page is asked for. Without an id
// nothing was read yet.
type Position struct {
	At int64
	ID string
}

// ParsePosition reads a checkpoint that String has written: where a page ended, whether what stood there is still there or not. Callers take away what they have
// read, and then ask for the next page. An empty one is the beginning.
func ParsePosition(checkpoint string) (p Position, is bool) {
	if checkpoint == "" {
		return p, true
	}
	text, err := base64.RawURLEncoding.DecodeString(checkpoint)
	at, id, _ := strings.Cut(string(text), " ")
	if err == nil {
		p.At, err = strconv.ParseInt(at, 10, 64)
	}
	if err != nil || id == "" || !utf8.ValidString(id) || strings.ContainsRune(id, 0) {
		return Position{}, false
	}
	p.ID = id
	return p, true
}

// String is a checkpoint behind the position.
func (p Position) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.At, 10) + " " + p.ID))
}

// OrganizationQuery is a page of organizations or of their members: by offset, or, if Take is not 0, behind From.
type OrganizationQuery struct {
	Page, PerPage int
	Sort          string // name or created_at; "" is created_at
	Descending    bool
	From          Position
	Take          int
	Uncounted     bool // how many there are is of no interest
}

// organizationsAtOnce is how many organizations are read at once where all are looked at.
const organizationsAtOnce = 500

// organizationOrder are the ways in which organizations may be sorted.
var organizationOrder = map[string]string{"": "created_at", "created_at": "created_at", "name": "name", "id": "id"}

// SortsOrganizationsBy tells whether organizations can be sorted by the field.
func SortsOrganizationsBy(field string) bool { return organizationOrder[field] != "" }

// Organizations lists organizations, and tells how many there are.
func (s *Store) Organizations(ctx context.Context, in OrganizationQuery) (page []stagedoor.Organization, total int, err error) {
	if in.Take > 0 {
		where, args := "", []any{s.tenant.ID}
		if in.From.ID != "" {
			where = " AND (created_at, id) > (?, ?)"
			args = append(args, in.From.At, in.From.ID)
		}
		page, err = s.organizations(ctx, organizations.selects()+" WHERE tenant = ?"+where+" ORDER BY created_at, id LIMIT ?", append(args, in.Take)...)
		return page, 0, err
	}
	column, direction := organizationOrder[in.Sort], ""
	if column == "" {
		return nil, 0, fmt.Errorf("organizations cannot be sorted by %q", in.Sort)
	}
	if in.Descending {
		direction = " DESC"
	}
	if !in.Uncounted {
		if err := s.read().row(ctx, "SELECT COUNT(*) FROM organizations WHERE tenant = ?", []any{s.tenant.ID}, &total); err != nil {
			return nil, 0, err
		}
	}
	page, err = s.organizations(ctx, organizations.selects()+" WHERE tenant = ? ORDER BY "+column+direction+", id"+direction+" LIMIT ? OFFSET ?",
		s.tenant.ID, in.PerPage, in.Page*in.PerPage)
	return page, total, err
}

func (s *Store) organizations(ctx context.Context, query string, args ...any) ([]stagedoor.Organization, error) {
	out := []stagedoor.Organization{}
	err := s.read().each(ctx, query, args, func(scan func(...any) error) error {
		o, err := organizations.known(s, scan)
		if err == nil {
			out = append(out, *o)
		}
		return err
	})
	return out, err
}

// EachOrganization calls fn for each organization, in the order in which they were made, from behind a position until fn returns false. Like a search it may
// take so long and no longer.
func (s *Store) EachOrganization(ctx context.Context, from Position, fn func(stagedoor.Organization) bool) error {
	ctx, cancel := context.WithTimeout(ctx, s.db.searchLimit)
	defer cancel()
	for {
		page, _, err := s.Organizations(ctx, OrganizationQuery{From: from, Take: organizationsAtOnce})
		if err != nil {
			return s.searchError(ctx, err, "looking for organizations", "")
		}
		for _, o := range page {
			if !fn(o) {
				return nil
			}
		}
		if len(page) < organizationsAtOnce {
			return nil
		}
		last := page[len(page)-1]
		from = Position{At: last.CreatedAt, ID: last.ID}
	}
}

// UserOrganizations lists the organizations that a user is a member of, by name.
func (s *Store) UserOrganizations(ctx context.Context, userID string) ([]stagedoor.Organization, error) {
	return s.organizations(ctx, "SELECT o.doc, '' FROM organization_members m"+s.db.by("organization_members_user")+` JOIN organizations o ON m.tenant = o.tenant AND m.org_id = o.id
		WHERE m.tenant = ? AND m.user_id = ? ORDER BY o.name`, s.tenant.ID, userID)
}

// ClientGrantOrganizations lists the organizations that a client grant may be used for, by name.
func (s *Store) ClientGrantOrganizations(ctx context.Context, grantID string) ([]stagedoor.Organization, error) {
	return s.organizations(ctx, "SELECT o.doc, '' FROM organization_grants g"+s.db.by("organization_grants_grant")+` CROSS JOIN organizations o
		WHERE o.tenant = g.tenant AND o.id = g.org_id AND g.tenant = ? AND g.grant_id = ? ORDER BY o.name`, s.tenant.ID, grantID)
}

// GrantOrganizations returns the ids of the organizations that client grants may be used for, by the ids of the grants.
func (s *Store) GrantOrganizations(ctx context.Context) (map[string][]string, error) {
	out := map[string][]string{}
	err := s.read().each(ctx, "SELECT grant_id, org_id FROM organization_grants WHERE tenant = ?", []any{s.tenant.ID}, func(scan func(...any) error) error {
		var grant, org string
		err := scan(&grant, &org)
		out[grant] = append(out[grant], org)
		return err
	})
	return out, err
}

// OrganizationsByDomain lists the organizations that people with an address of the domain belong to: those that have
// proved the domain and want to be found by it.
func (s *Store) OrganizationsByDomain(ctx context.Context, domain string) ([]stagedoor.Organization, error) {
	out := []stagedoor.Organization{}
	all, err := domains.list(ctx, s, s.read(), "domain = ?", domain)
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		if d.Status != "verified" || !d.Discovers {
			continue
		}
		o, err := s.Organization(ctx, d.OrganizationID)
		if err != nil {
			return nil, err
		}
		out = append(out, *o)
	}
	return out, nil
}

// CreateOrganization adds an organization with its connections. A name that is taken is a Conflict.
func (s *Store) CreateOrganization(ctx context.Context, o *stagedoor.Organization, connections []stagedoor.OrganizationConnection) error {
	o.CreatedAt = s.db.clock.Now().UnixMilli()
	return organizations.named(o, s.write(ctx, func(q querier) error {
		if err := organizations.insert(ctx, s, q, o); err != nil {
			return err
		}
		if err := s.organizationEvent(ctx, q, "organization.created", nil, o); err != nil {
			return err
		}
		for _, c := range connections {
			if err := orgConnections.insert(ctx, s, q, o.ID, &c); err != nil {
				return err
			}
			if err := s.organizationConnectionEvent(ctx, q, "organization.connection.added", o.ID, nil, &c); err != nil {
				return err
			}
		}
		return nil
	}))
}

// UpdateOrganization changes an organization in one transaction.
func (s *Store) UpdateOrganization(ctx context.Context, id string, change func(*stagedoor.Organization) error) (*stagedoor.Organization, error) {
	var before json.RawMessage
	noting := func(o *stagedoor.Organization) (err error) {
		if before, err = json.Marshal(organizationSaid(o)); err != nil {
			return err
		}
		return change(o)
	}
	return organizations.updateThen(ctx, s, id, noting, func(q querier, o *stagedoor.Organization) error {
		return s.organizationEvent(ctx, q, "organization.updated", before, o)
	})
}

// DeleteOrganization removes an organization with all that belongs to it; its members stay users of the tenant.
func (s *Store) DeleteOrganization(ctx context.Context, id string) error {
	err := s.deleteManyOf(ctx, id, goesAlong{table: "organization_member_roles", key: "org_id, user_id, role_id", where: "org_id = ?"}, goesAlong{table: "organization_members", key: "org_id, user_id", where: "org_id = ?"})
	if err != nil {
		return err
	}
	return s.write(ctx, func(q querier) error {
		o, err := organizations.one(ctx, s, q, "id = ?"+s.db.forUpdate(), id)
		if err != nil {
			return err
		}
		if err := s.lockOwnedRoles(ctx, q, id); err != nil {
			return err
		}
		if err := s.forgetDefaultOrganization(ctx, q, id); err != nil { // before its clients go with it: who deletes a client locks it first, too
			return err
		}
		if err := organizations.delete(ctx, s, q, id); err != nil {
			return err
		}
		if err := s.deleteOwnedRoles(ctx, q, id); err != nil {
			return err
		}
		return s.organizationEvent(ctx, q, "organization.deleted", nil, o)
	})
}

// forgetDefaultOrganization takes an organization that is gone from the clients that mean it where a request names none.
func (s *Store) forgetDefaultOrganization(ctx context.Context, q querier, id string) error {
	var all []*stagedoor.Client
	err := q.each(ctx, clients.selects()+" WHERE tenant = ? AND doc -> 'default_organization' ->> 'organization_id' = ? ORDER BY id"+s.db.forUpdate(), []any{s.tenant.ID, id}, func(scan func(...any) error) error {
		c, err := clients.scan(s, scan)
		all = append(all, c)
		return err
	})
	for _, c := range all {
		if err == nil {
			delete(c.Stored, "default_organization")
			err = clients.save(ctx, s, q, c.ID, c)
		}
	}
	return err
}

// inOrganization runs fn in a transaction that no other change of the organization's parts runs beside.
func (s *Store) inOrganization(ctx context.Context, id string, fn func(q querier) error) error {
	return s.write(ctx, func(q querier) error {
		if _, err := organizations.one(ctx, s, q, "id = ?"+s.db.forUpdate(), id); err != nil {
			return err
		}
		return fn(q)
	})
}
