package myorg

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/bearer"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// What the tenant lets members do with a connection of their organization; anything else is nothing.
const (
	levelReadonly = "readonly" // see it
	levelLimited  = "limited"  // switch it on and off, and its button
	levelFull     = "full"     // all
)

// madeFor is the metadata of a connection that was made here: the id of the organization. Detached ones stay, so that they count.
const (
	madeFor = "my_organization"
	maxMade = 50 // connections that are made for one organization

	// maxMadeSize is how many bytes their options have together: the tenant has a limit for all that it configures, and others want to configure something, too.
	maxMadeSize = 1 << 20
)

// provider is a connection of the organization that its members may see.
type provider struct {
	of   *stagedoor.OrganizationConnection
	conn *stagedoor.Connection
}

func visible(of *stagedoor.OrganizationConnection) bool {
	return slices.Contains([]string{levelReadonly, levelLimited, levelFull}, of.AccessLevel)
}

func (c *call) provider(id string) (*provider, error) {
	of, err := c.Store.OrganizationConnection(c.Ctx(), c.org.ID, id)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && !visible(of) {
		return nil, missing("identity provider")
	}
	if err != nil {
		return nil, err
	}
	conn, err := c.Store.Connection(c.Ctx(), of.ConnectionID)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && kinds[conn.Strategy] == nil {
		return nil, missing("identity provider")
	}
	return &provider{of, conn}, err
}

func (c *call) providers() (all []*provider, err error) {
	those, err := c.Store.OrganizationConnections(c.Ctx(), c.org.ID)
	for _, of := range those {
		p, err := c.provider(of.ConnectionID)
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, err
}

// full is a provider that is the organization's to change. One that serves other organizations, too, is not, whatever its level: a token acts on one organization.
func (c *call) full(id string) (*provider, error) {
	p, err := c.provider(id)
	if err != nil {
		return nil, err
	}
	if p.of.AccessLevel != levelFull {
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "The identity provider is not the organization's to change.")
	}
	users, err := c.Store.ConnectionOrganizations(c.Ctx(), p.conn.ID)
	if err == nil && users > 1 {
		err = stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "The identity provider serves others than the organization.")
	}
	return p, err
}

// showProvider is an identity provider for members. Of a limited one they see no options.
func (d *Door) showProvider(c *call, p *provider) (any, error) {
	k := kinds[p.conn.Strategy]
	out := map[string]any{
		"id": p.conn.ID, "name": nil, "strategy": p.conn.Strategy, "domains": aliases(p.conn.Options.Stored), "show_as_button": p.of.ShowAsButton,
		"assign_membership_on_login": p.of.AssignMembershipOnLogin, "is_enabled": p.of.IsEnabled, "access_level": p.of.AccessLevel, "options": options{},
	}
	if p.of.Name != "" {
		out["name"] = p.of.Name
	}
	if p.conn.DisplayName != "" {
		out["display_name"] = p.conn.DisplayName
	}
	if p.of.AccessLevel != levelLimited {
		out["options"] = k.see(p.conn.Options.Stored)
	}
	if k.mapping == "" {
		return out, nil
	}
	out["attributes"] = []any{}
	if p.of.AccessLevel != levelLimited {
		profile, err := d.attributeProfile(c)
		if err != nil {
			return nil, err
		}
		out["attributes"] = shownAttributes(profile.of(p.conn.Strategy), k.current(p.conn.Options.Stored), "sso_field", []string{})
	}
	return out, nil
}

func (d *Door) listProviders(c *call) (any, error) {
	all, err := c.providers()
	if err != nil {
		return nil, err
	}
	shown := make([]any, len(all))
	for i, p := range all {
		if shown[i], err = d.showProvider(c, p); err != nil {
			return nil, err
		}
	}
	return map[string]any{"identity_providers": shown}, nil
}

func (d *Door) readProvider(c *call) (any, error) {
	p, err := c.provider(c.R.PathValue("idp_id"))
	if err != nil {
		return nil, err
	}
	return d.showProvider(c, p)
}

// providerMembers are what can be said of an identity provider at any time.
type providerMembers struct {
	DisplayName      web.Opt[string]  `json:"display_name" schema:"min=1,max=128" doc:"What people see"`
	ShowAsButton     web.Opt[bool]    `json:"show_as_button" schema:"notnull" doc:"Whether it has a button"`
	AssignMembership web.Opt[bool]    `json:"assign_membership_on_login" schema:"notnull" doc:"Whether who comes by it becomes a member"`
	IsEnabled        web.Opt[bool]    `json:"is_enabled" schema:"notnull" doc:"Whether members can come by it"`
	Options          web.Opt[options] `json:"options" schema:"notnull" doc:"How it is reached"`
}

type createProviderIn struct {
	Name     string   `json:"name" schema:"required,min=1,max=50" doc:"What it is called in the organization"`
	Strategy string   `json:"strategy" schema:"required" doc:"How it speaks"`
	Domains  []string `json:"domains" schema:"max=100,unique" doc:"Domains of e-mail addresses that it is for"`
	providerMembers
}

type updateProviderIn struct {
	_ struct{} `schema:"min=1"`
	providerMembers
}

var connectionName = regexp.MustCompile(`^[a-zA-Z0-9](-[a-zA-Z0-9]|[a-zA-Z0-9])*$`)

func (d *Door) createProvider(c *call, in createProviderIn) (any, error) {
	profile, err := d.profile(c)
	if err != nil {
		return nil, err
	}
	if profile == nil {
		return nil, misconfigured()
	}
	body, err := d.newConnection(c, in, profile)
	if err != nil {
		return nil, err
	}
	of := map[string]any{
		"organization_connection_name": in.Name, "organization_access_level": levelFull, "is_enabled": in.IsEnabled.Or(true),
		"show_as_button": profile.Organization.ShowAsButton != never, "assign_membership_on_login": profile.Organization.AssignMembership == always,
	}
	if err := profile.restrict(in.providerMembers, of); err != nil {
		return nil, err
	}
	if err := c.mayMake("", in.Options.Value); err != nil {
		return nil, err
	}
	answer, err := d.Manage(c.Ctx(), c.Store, "POST", "/connections", body)
	if err != nil {
		return nil, err
	}
	var made struct{ ID string }
	if err := json.Unmarshal(answer, &made); err != nil {
		return nil, err
	}
	of["connection_id"] = made.ID
	if _, err := d.manage(c, "POST", "/connections", of); err != nil {
		_, undone := d.Manage(context.WithoutCancel(c.Ctx()), c.Store, "DELETE", "/connections/"+made.ID, nil)
		if undone != nil {
			d.Log.ErrorContext(c.Ctx(), "a connection could not be taken back", "connection", made.ID, "error", undone)
		}
		return nil, err
	}
	if err := c.giveUp(made.ID, in.Domains); err != nil {
		return nil, err
	}
	p, err := c.provider(made.ID)
	if err != nil {
		return nil, err
	}
	return d.showProvider(c, p)
}

// newConnection is a connection as the Management API takes it.
func (d *Door) newConnection(c *call, in createProviderIn, profile *connectionProfile) (map[string]any, error) {
	k := kinds[in.Strategy]
	name := profile.prefix(c.org) + in.Name
	switch {
	case k == nil || !slices.Contains(c.conf.Strategies, in.Strategy):
		return nil, bearer.Wrong("strategy", "Identity providers of the organization cannot have it.")
	case !connectionName.MatchString(name) || len(name) > 128:
		return nil, bearer.Wrong("name", "It has letters, digits and single hyphens, and is not too long.")
	case !in.Options.Set:
		return nil, bearer.Wrong("options", "They are missing.")
	}
	if err := k.check(in.Options.Value); err != nil {
		return nil, err
	}
	domains, err := c.proved(in.Domains)
	if err != nil {
		return nil, err
	}
	sent := k.put(k.more, in.Options.Value)
	if len(domains) > 0 {
		if sent["domain_aliases"], err = json.Marshal(domains); err != nil {
			return nil, err
		}
	}
	attributes, err := d.attributeProfile(c)
	if err != nil {
		return nil, err
	}
	if mapped, err := k.mapped(in.Strategy, attributes); err != nil {
		return nil, err
	} else if mapped != nil {
		sent[k.mapping] = mapped
	}
	body := map[string]any{"name": name, "strategy": in.Strategy, "options": sent, "metadata": map[string]string{madeFor: c.org.ID}}
	if in.DisplayName.Has() {
		body["display_name"] = in.DisplayName.Value
	}
	return body, nil
}

// mayMake refuses one more connection for an organization that has made many, and options of one, id, that are too much together with those of the others.
func (c *call) mayMake(id string, sent options) error {
	all, err := c.Store.Connections(c.Ctx())
	if err != nil {
		return err
	}
	made, size := 0, sizeOf(sent)
	for _, conn := range all {
		if conn.Metadata[madeFor] == c.org.ID && conn.ID != id {
			made++
			size += sizeOf(conn.Options.Stored)
		}
	}
	if id == "" && made >= maxMade {
		return stagedoor.Errorf(stagedoor.Forbidden, "too_many_entities", "The organization has made too many identity providers.")
	}
	if size > maxMadeSize {
		return stagedoor.Errorf(stagedoor.Forbidden, "too_many_entities", "The identity providers that the organization has made are too large together.")
	}
	return nil
}

func sizeOf(all options) (size int) {
	for _, value := range all {
		size += len(value)
	}
	return size
}

// restrict copies the switches that were sent, as far as the profile leaves them to the organization.
func (p *connectionProfile) restrict(in providerMembers, of map[string]any) error {
	for _, s := range []struct {
		name string
		sent web.Opt[bool]
		rule string
	}{{"show_as_button", in.ShowAsButton, p.Organization.ShowAsButton}, {"assign_membership_on_login", in.AssignMembership, p.Organization.AssignMembership}} {
		if !s.sent.Set {
			continue
		}
		if s.rule != optional && s.sent.Value != (s.rule == always) {
			return bearer.Wrong(s.name, "The tenant has set it.")
		}
		of[s.name] = s.sent.Value
	}
	return nil
}

func (d *Door) updateProvider(c *call, in updateProviderIn) (any, error) {
	id := c.R.PathValue("idp_id")
	p, err := c.provider(id)
	if err != nil {
		return nil, err
	}
	if p.of.AccessLevel == levelReadonly {
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "The identity provider is not the organization's to change.")
	}
	if in.DisplayName.Set || in.AssignMembership.Set || in.Options.Set {
		if p, err = c.full(id); err != nil {
			return nil, err
		}
	}
	profile, err := d.profile(c)
	if err != nil {
		return nil, err
	}
	if profile == nil {
		profile = new(connectionProfile)
		profile.Organization.ShowAsButton, profile.Organization.AssignMembership = optional, optional
	}
	of := map[string]any{}
	if err := profile.restrict(in.providerMembers, of); err != nil {
		return nil, err
	}
	if in.IsEnabled.Set {
		of["is_enabled"] = in.IsEnabled.Value
	}
	if err := d.changeConnection(c, p.conn, in.providerMembers); err != nil {
		return nil, err
	}
	if len(of) > 0 {
		if _, err := d.manage(c, "PATCH", "/connections/"+url.PathEscape(id), of); err != nil {
			return nil, err
		}
	}
	if p, err = c.provider(id); err != nil {
		return nil, err
	}
	return d.showProvider(c, p)
}

// changeTries is how often new options are made of old ones before somebody who changes these all the time wins.
const changeTries = 3

// changeConnection changes the connection itself. Its new options are made of the old ones, and a provider that describes itself may take its time: where somebody else
// has changed those meanwhile, it is tried again.
func (d *Door) changeConnection(c *call, conn *stagedoor.Connection, in providerMembers) error {
	for try := 1; ; try++ {
		err := d.changeOnce(c, conn, in)
		if !stagedoor.HasCode(err, store.CodeChanged) {
			return err
		}
		if try == changeTries {
			return stagedoor.Errorf(stagedoor.Conflict, bearer.CodeDuplicate, "The identity provider was changed by somebody else meanwhile.")
		}
		p, err := c.full(conn.ID)
		if err != nil {
			return err
		}
		conn = p.conn
	}
}

func (d *Door) changeOnce(c *call, conn *stagedoor.Connection, in providerMembers) error {
	change := map[string]any{}
	if in.DisplayName.Set {
		change["display_name"] = orNull(in.DisplayName)
	}
	ctx := c.Ctx()
	if in.Options.Set {
		k := kinds[conn.Strategy]
		if err := k.check(in.Options.Value); err != nil {
			return err
		}
		if err := c.mayMake(conn.ID, in.Options.Value); err != nil {
			return err
		}
		change["options"] = k.put(conn.Options.Stored, in.Options.Value)
		ctx = store.IfUnchanged(ctx, conn)
	}
	if len(change) == 0 {
		return nil
	}
	were, err := c.own(aliases(conn.Options.Stored))
	if err != nil {
		return err
	}
	if _, err := d.Manage(ctx, c.Store, "PATCH", "/connections/"+url.PathEscape(conn.ID), change); err != nil {
		return err
	}
	return c.giveUp(conn.ID, were) // the provider may have taken its time to describe itself
}

func (d *Door) deleteProvider(c *call) (any, error) {
	p, err := c.full(c.R.PathValue("idp_id"))
	if err != nil {
		return nil, err
	}
	if !c.conf.DeletesUsers() {
		err := c.Store.DeleteConnectionIfEmpty(c.Ctx(), p.conn.ID)
		if stagedoor.IsKind(err, stagedoor.Conflict) {
			err = bearer.Bad("The identity provider has users.")
		}
		return nil, err
	}
	_, err = d.Manage(c.Ctx(), c.Store, "DELETE", "/connections/"+url.PathEscape(p.conn.ID), nil)
	return nil, err
}

// detachProvider gives an identity provider up. Whoever keeps its tokens of provisioning makes no users any more.
func (d *Door) detachProvider(c *call) (any, error) {
	p, err := c.full(c.R.PathValue("idp_id"))
	if err != nil {
		return nil, err
	}
	if err := c.endProvisioning(p.conn.ID); err != nil {
		return nil, err
	}
	if _, err := d.manage(c, "DELETE", "/connections/"+url.PathEscape(p.conn.ID), nil); err != nil {
		return nil, err
	}
	return nil, c.endProvisioning(p.conn.ID) // a token that was made meanwhile
}

// maxAliases is how many domains an identity provider can be for.
const maxAliases = 100

type domainIn struct {
	Domain string `json:"domain" schema:"required,min=3,max=255" doc:"The domain"`
}

func (d *Door) addProviderDomain(c *call, in domainIn) (any, error) {
	p, err := c.full(c.R.PathValue("idp_id"))
	if err != nil {
		return nil, err
	}
	proved, err := c.proved([]string{in.Domain})
	if err != nil {
		return nil, err
	}
	err = c.changeAliases(p.conn.ID, func(all []string) ([]string, error) {
		switch {
		case slices.Contains(all, proved[0]):
			return nil, stagedoor.Errorf(stagedoor.Conflict, bearer.CodeDuplicate, "The identity provider has the domain already.")
		case len(all) >= maxAliases:
			return nil, stagedoor.Errorf(stagedoor.Forbidden, "too_many_entities", "The identity provider has too many domains.")
		}
		return append(all, proved[0]), nil
	})
	if err == nil {
		err = c.giveUp(p.conn.ID, proved)
	}
	return map[string]string{"domain": proved[0]}, err
}

func (d *Door) removeProviderDomain(c *call) (any, error) {
	p, err := c.full(c.R.PathValue("idp_id"))
	if err != nil {
		return nil, err
	}
	name := strings.ToLower(c.R.PathValue("domain"))
	return nil, c.changeAliases(p.conn.ID, func(all []string) ([]string, error) {
		at := slices.Index(all, name)
		if at < 0 {
			return nil, missing("domain of the identity provider")
		}
		return slices.Delete(all, at, at+1), nil
	})
}

// changeAliases changes the domains of a connection in one transaction.
func (c *call) changeAliases(id string, change func([]string) ([]string, error)) error {
	_, err := c.Store.UpdateConnection(c.Ctx(), id, func(conn *stagedoor.Connection) error {
		all, err := change(aliases(conn.Options.Stored))
		if err != nil {
			return err
		}
		raw, err := json.Marshal(all)
		if err != nil {
			return err
		}
		conn.Options.Stored = maps.Clone(conn.Options.Stored)
		conn.Options.Stored["domain_aliases"] = raw
		return nil
	})
	return err
}
