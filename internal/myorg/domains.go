package myorg

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/bearer"
	"github.com/stagedoor/stagedoor/internal/web"
)

// lookupTimeout is how long the DNS may take.
const lookupTimeout = 5 * time.Second

// What is known of whose a domain is.
const (
	statusVerified = "verified"
	statusFailed   = "failed" // the DNS did not prove it just now; the domain stays pending
)

func showDomain(v stagedoor.DiscoveryDomain) any {
	return map[string]string{
		"id": v.ID, "org_id": v.OrganizationID, "domain": v.Domain, "status": v.Status, "verification_txt": v.VerificationTXT, "verification_host": v.VerificationHost(),
	}
}

// proved are domains in lower case, of all of which the DNS has proved that they are the organization's.
func (c *call) proved(names []string) ([]string, error) {
	own, err := c.own(names)
	if err == nil && len(own) < len(names) {
		err = bearer.Wrong("domain", "It is no domain of which the organization has proved that it is its own.")
	}
	return own, err
}

// own are those of the domains, in lower case, of which the DNS has proved that they are the organization's.
func (c *call) own(names []string) ([]string, error) {
	out := []string{}
	for _, name := range names {
		name = strings.ToLower(name)
		v, err := c.Store.DiscoveryDomainByName(c.Ctx(), c.org.ID, name)
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if v.Status == statusVerified {
			out = append(out, name)
		}
	}
	return out, nil
}

// giveUp takes from an identity provider those of the domains that were the organization's when it was written, and are no more.
func (c *call) giveUp(id string, were []string) error {
	own, err := c.own(were)
	if err != nil || len(own) == len(were) {
		return err
	}
	return c.changeAliases(id, func(names []string) ([]string, error) {
		return slices.DeleteFunc(names, func(name string) bool {
			return !slices.Contains(own, name) && slices.ContainsFunc(were, func(one string) bool { return strings.EqualFold(one, name) })
		}), nil
	})
}

func (d *Door) listDomains(c *call, in web.Checkpoint) (any, error) {
	all, err := c.Store.DiscoveryDomains(c.Ctx(), c.org.ID)
	if err != nil {
		return nil, err
	}
	return page("organization_domains", in, all, func(v stagedoor.DiscoveryDomain) string { return v.ID }, showDomain)
}

func (d *Door) createDomain(c *call, in domainIn) (any, error) {
	answer, err := d.manage(c, "POST", "/discovery-domains", map[string]any{"domain": in.Domain, "status": "pending"})
	if err != nil {
		return nil, err
	}
	var made struct{ ID string }
	if err := json.Unmarshal(answer, &made); err != nil {
		return nil, err
	}
	v, err := c.Store.DiscoveryDomain(c.Ctx(), c.org.ID, made.ID)
	if err != nil {
		return nil, err
	}
	return showDomain(*v), nil
}

// domain is the domain of the path.
func (c *call) domain() (*stagedoor.DiscoveryDomain, error) {
	v, err := c.Store.DiscoveryDomain(c.Ctx(), c.org.ID, c.R.PathValue("domain_id"))
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = missing("domain")
	}
	return v, err
}

func (d *Door) readDomain(c *call) (any, error) {
	v, err := c.domain()
	if err != nil {
		return nil, err
	}
	return showDomain(*v), nil
}

// deleteDomain gives a domain up. Identity providers of the organization's own are for it no more.
func (d *Door) deleteDomain(c *call) (any, error) {
	v, err := c.domain()
	if err != nil {
		return nil, err
	}
	if err := c.withoutProviders(v.Domain); err != nil {
		return nil, err
	}
	if _, err := d.manage(c, "DELETE", "/discovery-domains/"+url.PathEscape(v.ID), nil); err != nil {
		return nil, err
	}
	return nil, c.withoutProviders(v.Domain) // that got it while it was still there; later ones find that it is gone
}

// withoutProviders takes a domain from the identity providers that are the organization's own.
func (c *call) withoutProviders(domain string) error {
	all, err := c.providersFor(domain)
	if err != nil {
		return err
	}
	for _, p := range all {
		if _, err := c.full(p.conn.ID); stagedoor.IsKind(err, stagedoor.Forbidden) {
			continue
		} else if err != nil {
			return err
		}
		err := c.changeAliases(p.conn.ID, func(names []string) ([]string, error) {
			return slices.DeleteFunc(names, func(name string) bool { return name == domain }), nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// providersFor are the identity providers that are for a domain.
func (c *call) providersFor(name string) ([]*provider, error) {
	all, err := c.providers()
	return slices.DeleteFunc(all, func(p *provider) bool { return !slices.Contains(aliases(p.conn.Options.Stored), name) }), err
}

func (d *Door) listDomainProviders(c *call) (any, error) {
	v, err := c.domain()
	if err != nil {
		return nil, err
	}
	all, err := c.providersFor(v.Domain)
	if err != nil {
		return nil, err
	}
	shown := []any{}
	for _, p := range all {
		one := map[string]string{"id": p.conn.ID, "name": cmp.Or(p.of.Name, p.conn.DisplayName, p.conn.ID)}
		if p.conn.DisplayName != "" {
			one["display_name"] = p.conn.DisplayName
		}
		shown = append(shown, one)
	}
	return map[string]any{"identity_providers": shown}, nil
}

// verifyDomain looks at the DNS. What it proves counts from now on.
func (d *Door) verifyDomain(c *call) (any, error) {
	v, err := c.domain()
	if err != nil || v.Status == statusVerified {
		if err != nil {
			return nil, err
		}
		return showDomain(*v), nil
	}
	ctx, cancel := context.WithTimeout(c.Ctx(), lookupTimeout)
	defer cancel()
	texts, err := d.LookupTXT(ctx, v.VerificationHost())
	if err != nil || !slices.Contains(texts, v.VerificationTXT) {
		v.Status = statusFailed
		return showDomain(*v), nil //nolint:nilerr // a name that is not there, or not yet, proves nothing
	}
	if v, err = c.Store.UpdateDiscoveryDomain(c.Ctx(), c.org.ID, v.ID, func(v *stagedoor.DiscoveryDomain) error { v.Status = statusVerified; return nil }); err != nil {
		return nil, err
	}
	return showDomain(*v), nil
}
