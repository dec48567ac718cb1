package mgmt

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Names looks names up in the DNS; *net.Resolver is one.
type Names interface {
	LookupCNAME(ctx context.Context, host string) (string, error)
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// lookupTimeout bounds a look at the DNS.
const lookupTimeout = 5 * time.Second

type customDomainMembers struct {
	TLSPolicy      web.Opt[string]                     `json:"tls_policy" schema:"notnull,enum=recommended" doc:"Custom domain TLS policy"`
	ClientIPHeader web.Opt[string]                     `json:"custom_client_ip_header" schema:"enum=true-client-ip|cf-connecting-ip|x-forwarded-for|x-azure-clientip|" doc:"The HTTP header to fetch the client's IP address"`
	Metadata       web.Opt[map[string]web.Opt[string]] `json:"domain_metadata" doc:"Domain metadata associated with the custom domain"`
	RelyingParty   web.Opt[string]                     `json:"relying_party_identifier" schema:"max=255" doc:"Relying Party ID (rpId) to be used for Passkeys on this custom domain"`
}

type createCustomDomainIn struct {
	Domain string `json:"domain" schema:"required,min=3,max=255" doc:"Domain name"`
	Type   string `json:"type" schema:"required,enum=auth0_managed_certs|self_managed_certs" doc:"Custom domain provisioning type"`
	Method string `json:"verification_method" schema:"enum=txt" doc:"Custom domain verification method"`
	customDomainMembers
}

var hostPattern = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

func (in customDomainMembers) copyTo(d *stagedoor.CustomDomain) error {
	in.TLSPolicy.Into(&d.TLSPolicy)
	in.ClientIPHeader.Into(&d.ClientIPHeader)
	in.RelyingParty.Into(&d.RelyingParty)
	if in.Metadata.Null {
		d.Metadata = nil
	}
	if d.Metadata == nil {
		d.Metadata = map[string]string{}
	}
	for name, value := range in.Metadata.Value {
		if err := shortMetadata("domain_metadata", name, value.Value); err != nil {
			return err
		}
		if d.Metadata[name] = value.Value; value.Null {
			delete(d.Metadata, name)
		}
	}
	if n := len(d.Metadata); n > 10 {
		return badProperty("domain_metadata", "Too many properties defined ("+itoa(n)+"), maximum 10")
	}
	return nil
}

// proof is what the DNS must show: of a domain whose certificates are ours that it points here, of others a text.
func proof(c *call, d *stagedoor.CustomDomain) (kind, record, name string) {
	if d.Type == "self_managed_certs" {
		record, name = textProof(d)
		return "TXT", record, name
	}
	return "CNAME", web.Hostname(c.store.Tenant().Domain()), d.Domain
}

// textProof is a text that nobody but who holds the domain can have put there for this tenant.
func textProof(d *stagedoor.CustomDomain) (record, name string) {
	return "stagedoor-domain-verification=" + d.Token, "_stagedoor-verification." + d.Domain
}

func showCustomDomain(c *call, d *stagedoor.CustomDomain, standard string) map[string]any {
	kind, record, name := proof(c, d)
	verification := map[string]any{"methods": []any{map[string]string{"name": kind, "record": record, "domain": name}}}
	if d.CheckedAt != 0 {
		verification["last_verified_at"], verification["status"] = stagedoor.FormatTime(time.UnixMilli(d.CheckedAt)), "verified"
		if d.Failure != "" {
			verification["status"], verification["error_msg"] = "failed", d.Failure
		}
	}
	metadata := d.Metadata
	if metadata == nil {
		metadata = map[string]string{}
	}
	out := map[string]any{
		"custom_domain_id": d.ID, "domain": d.Domain, "primary": d.Primary, "is_default": standard == d.Domain, "status": d.Status, "type": d.Type,
		"verification": verification, "domain_metadata": metadata, "created_at": stagedoor.FormatTime(time.UnixMilli(d.CreatedAt)),
	}
	if d.Type == "self_managed_certs" {
		out["custom_client_ip_header"] = nil // a proxy of the tenant's own may set one
	} else {
		out["tls_policy"] = d.TLSPolicy
	}
	if d.ClientIPHeader != "" {
		out["custom_client_ip_header"] = d.ClientIPHeader
	}
	if d.RelyingParty != "" {
		out["relying_party_identifier"] = d.RelyingParty
	}
	if d.Type == "self_managed_certs" && d.Status == stagedoor.DomainReady {
		out["origin_domain_name"] = c.store.Tenant().Domain()
	}
	return out
}

// standardDomain is the domain that links lead to unless a call names another: a custom domain, or empty.
func standardDomain(c *call) (string, error) {
	var s struct{ Default string }
	err := c.store.Setting(c.ctx(), stagedoor.SettingCustomDomains, &s)
	return s.Default, err
}

func noCustomDomain(id string) error {
	return stagedoor.Errorf(stagedoor.NotFound, "inexistent_custom_domain", "The custom domain %s does not exist", bounded(id, 100))
}

func showOne(c *call, d *stagedoor.CustomDomain, err error) (any, error) {
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = noCustomDomain(c.id())
	}
	if err != nil {
		return nil, err
	}
	standard, err := standardDomain(c)
	return showCustomDomain(c, d, standard), err
}

type listCustomDomainsIn struct {
	web.Checkpoint
	web.Fields
	Query string `json:"q" schema:"max=1000"`
	Sort  string `json:"sort" pattern:"^domain:-?1$" doc:"Field to sort by"`
}

func (a *API) listCustomDomains(c *call, in listCustomDomainsIn) (any, error) {
	all, err := store.CustomDomains.All(c.ctx(), c.store)
	if err == nil && in.Query != "" {
		all, err = found(&domainSchema, in.Query, all, func(d stagedoor.CustomDomain) map[string]string {
			return map[string]string{"custom_domain_id": d.ID, "domain": d.Domain, "status": d.Status, "type": d.Type}
		})
	}
	if err != nil {
		return nil, err
	}
	standard, err := standardDomain(c)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(x, y stagedoor.CustomDomain) int {
		switch in.Sort {
		case "domain:1":
			return strings.Compare(x.Domain, y.Domain)
		case "domain:-1":
			return strings.Compare(y.Domain, x.Domain)
		}
		return 0
	})
	shown, next := all, ""
	if in.Asked() {
		var v *web.Violation
		if shown, next, v = web.After(in.Checkpoint, all, func(d stagedoor.CustomDomain) string { return d.ID }); v != nil {
			return nil, bad("invalid_paging", v.Reason)
		}
	}
	out := make([]any, len(shown))
	for i := range shown {
		if out[i], err = in.Pick(showCustomDomain(c, &shown[i], standard)); err != nil {
			return nil, err
		}
	}
	if in.Asked() {
		return web.CheckpointEnvelope("custom_domains", out, next), nil
	}
	return out, nil
}

func (a *API) readCustomDomain(c *call) (any, error) {
	d, err := store.CustomDomains.Get(c.ctx(), c.store, c.id())
	return showOne(c, d, err)
}

func (a *API) createCustomDomain(c *call, in createCustomDomainIn) (any, error) {
	d := &stagedoor.CustomDomain{
		Domain: strings.ToLower(in.Domain), Type: in.Type, Status: stagedoor.DomainPending, TLSPolicy: "recommended", Token: stagedoor.NewToken(),
		CreatedAt: a.Clock.Now().UnixMilli(),
	}
	if !hostPattern.MatchString(d.Domain) {
		return nil, badProperty("domain", "Object didn't pass validation for format hostname: "+bounded(in.Domain, 100))
	}
	if err := in.copyTo(d); err != nil {
		return nil, err
	}
	others, err := store.CustomDomains.All(c.ctx(), c.store)
	if err != nil {
		return nil, err
	}
	d.Primary = len(others) == 0
	err = store.CustomDomains.Create(c.ctx(), c.store, d)
	return showOne(c, d, err)
}

type updateCustomDomainIn struct {
	customDomainMembers
	Default web.Opt[bool] `json:"is_default" schema:"notnull" doc:"Whether this is the default domain"`
}

// updateCustomDomain also makes the domain the default one, or no longer: then the tenant's own is.
func (a *API) updateCustomDomain(c *call, in updateCustomDomainIn) (any, error) {
	var standard *bool
	if in.Default.Set {
		standard = &in.Default.Value
	}
	d, err := c.store.UpdateCustomDomain(c.ctx(), c.id(), in.copyTo, standard)
	return showOne(c, d, err)
}

func (a *API) deleteCustomDomain(c *call) (any, error) {
	return nil, c.store.DeleteCustomDomain(c.ctx(), c.id())
}

// verifyCustomDomain looks at the DNS, unless the operator gave the tenant the domain. From the moment that the proof is there the tenant answers under the domain.
func (a *API) verifyCustomDomain(c *call) (any, error) {
	d, err := store.CustomDomains.Get(c.ctx(), c.store, c.id())
	if err != nil {
		return showOne(c, d, err)
	}
	given, err := c.store.GivenDomain(c.ctx(), d.Domain)
	if err != nil {
		return nil, err
	}
	failure := ""
	if !given {
		failure = a.prove(c, d)
	}
	if failure != "" {
		c.log(stagedoor.LogEvent{Type: "custom_domain_verification_failed", Description: d.Domain + ": " + failure})
	}
	d, err = c.store.SettleDomain(c.ctx(), d.ID, failure)
	return showOne(c, d, err)
}

// prove tells what the DNS lacks, or "".
func (a *API) prove(c *call, d *stagedoor.CustomDomain) string {
	ctx, cancel := context.WithTimeout(c.ctx(), lookupTimeout)
	defer cancel()
	names := a.Names
	if names == nil {
		names = net.DefaultResolver
	}
	text, at := textProof(d)
	shown := func() bool {
		texts, err := names.LookupTXT(ctx, at)
		return err == nil && slices.Contains(texts, text)
	}
	kind, record, name := proof(c, d)
	if kind == "TXT" {
		if !shown() {
			return "There is no TXT record " + text + " at " + at + "."
		}
		return ""
	}
	end, err := names.LookupCNAME(ctx, name)
	if err == nil && same(end, record) {
		return ""
	}
	// Where both end at the same name, the domain may lead there by way of any tenant whose own does: the text tells whose it is.
	if ours, other := names.LookupCNAME(ctx, record); err == nil && other == nil && same(end, ours) && !same(end, name) {
		if !shown() {
			return name + " and " + record + " lead to the same place, as domains of other tenants may: the TXT record " + text + " at " + at + " shows whose it is."
		}
		return ""
	}
	return "There is no CNAME record at " + name + " that leads to " + record + "."
}

func same(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}

// testCustomDomain asks the domain who it is.
func (a *API) testCustomDomain(c *call) (any, error) {
	d, err := store.CustomDomains.Get(c.ctx(), c.store, c.id())
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = noCustomDomain(c.id())
	}
	if err != nil {
		return nil, err
	}
	if a.HTTP == nil {
		return nil, unsupported("Reaching out to domains")
	}
	ctx, cancel := context.WithTimeout(c.ctx(), lookupTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+d.Domain+"/.well-known/openid-configuration", nil)
	if err != nil {
		return nil, err
	}
	response, err := a.HTTP.Do(r)
	if err != nil {
		return map[string]any{"success": false, "message": "The domain does not answer."}, nil
	}
	defer response.Body.Close()
	var found struct{ Issuer string }
	if b, err := io.ReadAll(io.LimitReader(response.Body, 64<<10)); err != nil || json.Unmarshal(b, &found) != nil || found.Issuer != "https://"+d.Domain+"/" {
		return map[string]any{"success": false, "message": "The domain is answered by somebody else."}, nil
	}
	return map[string]any{"success": true, "message": "The domain answers for this tenant."}, nil
}

func (a *API) readDefaultDomain(c *call) (any, error) {
	standard, err := standardDomain(c)
	if err != nil {
		return nil, err
	}
	d, err := store.CustomDomains.ByName(c.ctx(), c.store, standard)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return map[string]string{"domain": c.store.Tenant().Domain()}, nil
	}
	return showOne(c, d, err)
}

type defaultDomainIn struct {
	Domain string `json:"domain" schema:"required,min=3,max=255" doc:"The domain to set as the default domain. Must be a verified custom domain or the canonical domain"`
}

// setDefaultDomain takes one that is not verified, too, as go-auth0 has it: links lead there once it is.
func (a *API) setDefaultDomain(c *call, in defaultDomainIn) (any, error) {
	domain := strings.ToLower(in.Domain)
	if domain == c.store.Tenant().Domain() {
		// nothing to look for: it is always there
	} else if _, err := store.CustomDomains.ByName(c.ctx(), c.store, domain); err != nil {
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			err = noCustomDomain(in.Domain)
		}
		return nil, err
	}
	err := c.store.ChangeSetting(c.ctx(), stagedoor.SettingCustomDomains, func(kept map[string]any) error {
		kept["default"] = domain
		return nil
	})
	if err != nil {
		return nil, err
	}
	return a.readDefaultDomain(c)
}

// linkStore is the tenant's handle under the domain that links of this call lead to: that of the header auth0-custom-domain, else the default domain,
// else the canonical one. A header that names anything but a domain of the tenant is refused, and so is a call without one where several
// custom domains are verified and none is the default (Management API fact sheet 1.1).
func linkStore(c *call) (*store.Store, error) {
	if named := strings.ToLower(c.r.Header.Get("auth0-custom-domain")); named != "" {
		if !c.store.Tenant().Allows(named) {
			return nil, bad("invalid_custom_domain", "The custom domain "+bounded(named, 255)+" of the header auth0-custom-domain is not a verified one of this tenant.")
		}
		return c.store.Under(named), nil
	}
	standard, err := standardDomain(c)
	if err == nil && standard == "" {
		err = oneDomain(c)
	}
	if err != nil {
		return nil, err
	}
	return c.store.Under(standard), nil
}

// oneDomain fails where several custom domains are verified.
func oneDomain(c *call) error {
	all, err := store.CustomDomains.All(c.ctx(), c.store)
	if err != nil {
		return err
	}
	verified := 0
	for _, d := range all {
		if c.store.Tenant().Allows(d.Domain) {
			verified++
		}
	}
	if verified > 1 {
		return stagedoor.Errorf(stagedoor.Conflict, "custom_domain_conflict", "Several custom domains are verified and none of them is the default. "+
			"Name one in the header auth0-custom-domain, or set the default domain.")
	}
	return nil
}
