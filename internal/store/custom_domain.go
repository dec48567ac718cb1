package store

import (
	"context"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// CustomDomains are the names of their own that tenants want to answer under.
var CustomDomains = Kind[stagedoor.CustomDomain]{
	Name: "custom_domain", ID: func(d *stagedoor.CustomDomain) *string { return &d.ID }, Unique: func(d *stagedoor.CustomDomain) string { return d.Domain },
	NewID: func() string { return stagedoor.NewID("cd_") }, Cached: true,
	Missing: stagedoor.Errorf(stagedoor.NotFound, "inexistent_custom_domain", "The custom domain does not exist"),
	Clash: func(*stagedoor.CustomDomain) *stagedoor.Error {
		return stagedoor.Errorf(stagedoor.Conflict, "custom_domain_conflict", "The specified custom domain already exists")
	},
}

// customPosition is where the custom domains begin among the domains of a tenant, behind those that the operator gave it.
const customPosition = 1000

// ServeDomain makes the tenant answer under a custom domain. One that another tenant has is a Conflict.
func (s *Store) ServeDomain(ctx context.Context, host string) error {
	host = strings.ToLower(host)
	defer s.db.forget(s.tenant.ID)
	err := s.write(ctx, func(q querier) error {
		_, err := q.exec(ctx, "INSERT INTO domains (host, tenant, position) SELECT ?, ?, COALESCE(MAX(position), 0) + 1 + ? FROM domains WHERE tenant = ?",
			host, s.tenant.ID, customPosition, s.tenant.ID)
		return err
	})
	if uniqueViolation(err) == "" {
		return err
	}
	var mine int
	if err := s.read().row(ctx, "SELECT COUNT(*) FROM domains WHERE host = ? AND tenant = ?", []any{host, s.tenant.ID}, &mine); err != nil {
		return err
	}
	if mine == 0 {
		return stagedoor.Errorf(stagedoor.Conflict, "custom_domain_conflict", "Another tenant answers under %s.", host)
	}
	return nil
}

// DropDomain ends that the tenant answers under a custom domain; a domain that the operator gave it stays.
func (s *Store) DropDomain(ctx context.Context, host string) error {
	defer s.db.forget(s.tenant.ID)
	return s.write(ctx, func(q querier) error {
		_, err := q.exec(ctx, "DELETE FROM domains WHERE tenant = ? AND host = ? AND position >= ?", s.tenant.ID, strings.ToLower(host), customPosition)
		return err
	})
}

// one runs a single statement.
func (s *Store) one(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = s.writeOne(ctx, func(q querier) (err error) {
		n, err = q.exec(ctx, query, args...)
		return err
	})
	return n, err
}

// Under returns the handle as if the domain, one of the tenant's, were the canonical one: links in mails then lead there.
func (s *Store) Under(domain string) *Store {
	if !s.tenant.Allows(domain) {
		return s
	}
	t := *s.tenant
	t.Domains = append([]string{domain}, slices.DeleteFunc(slices.Clone(t.Domains), func(d string) bool { return d == domain })...)
	under := newStore(s.db, &t)
	under.once, under.look, under.streams, under.seen = s.once, s.look, s.streams, s.seen
	return under
}
