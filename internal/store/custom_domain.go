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

// CustomDomainOf is the tenant's custom domain of that name; nil if it has none.
func CustomDomainOf(ctx context.Context, s *Store, host string) (*stagedoor.CustomDomain, error) {
	all, err := CustomDomains.All(ctx, s)
	if i := slices.IndexFunc(all, func(d stagedoor.CustomDomain) bool { return d.Domain == host }); i >= 0 {
		return &all[i], err
	}
	return nil, err
}

// customPosition is where the custom domains begin among the domains of a tenant, behind those that the operator gave it.
const customPosition = 1000

// SettleDomain notes what the DNS lacks of a custom domain; if it lacks nothing, the tenant answers under the domain from then on. One that is deleted
// meanwhile is missing and nobody answers under it. One that another tenant has is a Conflict.
func (s *Store) SettleDomain(ctx context.Context, id, failure string) (*stagedoor.CustomDomain, error) {
	defer CustomDomains.changed(s)
	return CustomDomains.noun().updateThen(ctx, s, id, func(d *stagedoor.CustomDomain) error {
		if d.CheckedAt, d.Failure = s.db.clock.Now().UnixMilli(), failure; failure == "" {
			d.Status = stagedoor.DomainReady
		}
		return nil
	}, func(q querier, d *stagedoor.CustomDomain) error {
		if failure != "" {
			return nil
		}
		return s.serveDomain(ctx, q, d.Domain)
	})
}

func (s *Store) serveDomain(ctx context.Context, q querier, host string) error {
	host = strings.ToLower(host)
	_, err := q.exec(ctx, "INSERT INTO domains (host, tenant, position) SELECT ?, ?, COALESCE(MAX(position), 0) + 1 + ? FROM domains WHERE tenant = ? ON CONFLICT (host) DO NOTHING",
		host, s.tenant.ID, customPosition, s.tenant.ID)
	if err != nil {
		return err
	}
	var mine int
	if err := q.row(ctx, "SELECT COUNT(*) FROM domains WHERE host = ? AND tenant = ?", []any{host, s.tenant.ID}, &mine); err != nil {
		return err
	}
	if mine == 0 {
		return stagedoor.Errorf(stagedoor.Conflict, "custom_domain_conflict", "Another tenant answers under %s.", host)
	}
	return nil
}

// GivenDomain tells whether it was the operator who gave the tenant a domain.
func (s *Store) GivenDomain(ctx context.Context, host string) (bool, error) {
	var given int
	err := s.read().row(ctx, "SELECT COUNT(*) FROM domains WHERE tenant = ? AND host = ? AND position < ?", []any{s.tenant.ID, strings.ToLower(host), customPosition}, &given)
	return given > 0, err
}

// UpdateCustomDomain changes a custom domain, and whether links lead to it unless a call names another one; nil: as before. Both happen or neither does. A domain to which they lead no longer
// leaves that to the tenant's own.
func (s *Store) UpdateCustomDomain(ctx context.Context, id string, change func(*stagedoor.CustomDomain) error, standard *bool) (*stagedoor.CustomDomain, error) {
	defer CustomDomains.changed(s)
	return CustomDomains.noun().updateThen(ctx, s, id, change, func(q querier, d *stagedoor.CustomDomain) error {
		if standard == nil {
			return nil
		}
		if err := s.lockTenant(ctx, q); err != nil { // of two domains that are made the default one at once, the second adds no group of settings beside the first's
			return err
		}
		set := func(kept map[string]any) error {
			if *standard {
				kept["default"] = d.Domain
			} else if kept["default"] == d.Domain {
				kept["default"] = s.tenant.Domain()
			}
			return nil
		}
		return s.setSettingIn(ctx, q, stagedoor.SettingCustomDomains, set)
	})
}

// DeleteCustomDomain removes a custom domain: the tenant answers under it no longer, unless the operator gave it that one, and links lead there no longer.
// One that is not there is no error.
func (s *Store) DeleteCustomDomain(ctx context.Context, id string) error {
	defer CustomDomains.changed(s)
	return s.write(ctx, func(q querier) error {
		d, err := CustomDomains.noun().one(ctx, s, q, "id = ?"+s.db.forUpdate(), id)
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := q.exec(ctx, "DELETE FROM domains WHERE tenant = ? AND host = ? AND position >= ?", s.tenant.ID, strings.ToLower(d.Domain), customPosition); err != nil {
			return err
		}
		if err := s.changeSettingIn(ctx, q, stagedoor.SettingCustomDomains, func(kept map[string]any) error {
			if kept["default"] == d.Domain {
				delete(kept, "default")
			}
			return nil
		}); err != nil {
			return err
		}
		return CustomDomains.noun().delete(ctx, s, q, id)
	})
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
