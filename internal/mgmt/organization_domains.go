package mgmt

import (
	"crypto/rand"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

func showDomain(d *stagedoor.DiscoveryDomain) map[string]any {
	return map[string]any{
		"id": d.ID, "domain": d.Domain, "status": d.Status, "verification_txt": d.VerificationTXT, "verification_host": d.VerificationHost(),
		"use_for_organization_discovery": d.Discovers,
	}
}

type listDomainsIn struct {
	web.Paging // sent by tools, and without meaning here
	web.Checkpoint
}

func (a *API) listDomains(c *call, in listDomainsIn) (any, error) {
	if _, err := a.organization(c); err != nil {
		return nil, err
	}
	all, err := c.store.DiscoveryDomains(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	if !in.Asked() {
		in.Take = web.Some(50)
	}
	return listed(c, in.Paging, in.Checkpoint, "domains", all, func(d stagedoor.DiscoveryDomain) string { return d.ID },
		func(d stagedoor.DiscoveryDomain) (any, error) { return showDomain(&d), nil })
}

type domainIn struct {
	Status    web.Opt[string] `json:"status" schema:"notnull,enum=pending|verified" doc:"The verification status of the discovery domain"`
	Discovers web.Opt[bool]   `json:"use_for_organization_discovery" schema:"notnull" doc:"Indicates whether this domain should be used for organization discovery"`
}

type createDomainIn struct {
	Domain string `json:"domain" schema:"required,min=3,max=255" doc:"The domain name to associate with the organization"`
	domainIn
}

type updateDomainIn struct {
	_ struct{} `schema:"min=1"`
	domainIn
}

// domainName is what a name of the DNS looks like.
var domainName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$`)

func (a *API) createDomain(c *call, in createDomainIn) (any, error) {
	name := strings.ToLower(in.Domain)
	if !domainName.MatchString(name) {
		return nil, badProperty("domain", "Object didn't pass validation for format domain: "+bounded(in.Domain, 255))
	}
	token := make([]byte, 16)
	rand.Read(token)
	d := &stagedoor.DiscoveryDomain{
		OrganizationID: c.id(), Domain: name, Status: in.Status.Or("pending"), Discovers: in.Discovers.Or(true), VerificationTXT: hex.EncodeToString(token),
	}
	if err := c.store.CreateDiscoveryDomain(c.ctx(), d); err != nil {
		return nil, err
	}
	return showDomain(d), nil
}

func (a *API) readDomain(c *call) (any, error) {
	d, err := c.store.DiscoveryDomain(c.ctx(), c.id(), c.r.PathValue("discovery_domain_id"))
	return a.shownDomain(c, d, err)
}

func (a *API) domainByName(c *call) (any, error) {
	d, err := c.store.DiscoveryDomainByName(c.ctx(), c.id(), strings.ToLower(c.r.PathValue("discovery_domain")))
	return a.shownDomain(c, d, err)
}

// shownDomain shows a domain; where there is none it tells whether it is the organization that is missing.
func (a *API) shownDomain(c *call, d *stagedoor.DiscoveryDomain, err error) (any, error) {
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		if _, missing := a.organization(c); missing != nil {
			return nil, missing
		}
	}
	if err != nil {
		return nil, err
	}
	return showDomain(d), nil
}

func (a *API) updateDomain(c *call, in updateDomainIn) (any, error) {
	d, err := c.store.UpdateDiscoveryDomain(c.ctx(), c.id(), c.r.PathValue("discovery_domain_id"), func(d *stagedoor.DiscoveryDomain) error {
		in.Status.Into(&d.Status)
		in.Discovers.Into(&d.Discovers)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return showDomain(d), nil
}

func (a *API) deleteDomain(c *call) (any, error) {
	return nil, c.store.DeleteDiscoveryDomain(c.ctx(), c.id(), c.r.PathValue("discovery_domain_id"))
}
