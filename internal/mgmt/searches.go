package mgmt

import (
	"cmp"
	"slices"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/lucene"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// named tells whether texts of a path are compared without case: names that people give.
func named(path string) bool { return path == "name" || path == "display_name" }

var (
	organizationSchema = lucene.Schema{
		Bare: []string{"name", "display_name"}, Dates: []string{"created_at"}, Fold: named,
		Known: []string{"id", "name", "display_name", "created_at", "metadata.*"},
	}
	resourceServerSchema = lucene.Schema{Bare: []string{"name", "identifier"}, Fold: named, Known: []string{"id", "identifier", "name"}}
	clientGrantSchema    = lucene.Schema{
		Bare:  []string{"audience", "client_id"},
		Known: []string{"id", "audience", "client_id", "subject_type", "allow_any_organization", "organization_id", "default_for"},
	}
)

// known are those of the fields that the schema knows.
func known(schema *lucene.Schema, fields ...string) []string {
	return slices.DeleteFunc(fields, func(field string) bool { return !slices.Contains(schema.Known, field) })
}

func (a *API) searchOrganizations(c *call, in searchIn) (any, error) {
	schema := within(&organizationSchema, c.wholeOrganizations(), organizationSummary)
	where, err := in.meaning(schema)
	if err != nil {
		return nil, err
	}
	n := searched[stagedoor.Organization]{
		key: "organizations", sorts: known(schema, "name", "display_name", "created_at"),
		id:   func(o stagedoor.Organization) string { return o.ID },
		made: func(o stagedoor.Organization) int64 { return o.CreatedAt },
		values: func(o stagedoor.Organization) values {
			made := stagedoor.FormatTime(time.UnixMilli(o.CreatedAt))
			return newValues(&organizationSchema).texts("", map[string]string{"id": o.ID, "name": o.Name, "display_name": o.DisplayName, "created_at": made}).texts("metadata.", o.Metadata)
		},
		each: func(from store.Position, fn func(stagedoor.Organization) bool) error {
			return c.store.EachOrganization(c.ctx(), from, fn)
		},
	}
	return n.search(&in, where, func(o stagedoor.Organization) (any, error) { return showOrganization(c, &o) })
}

func (a *API) searchResourceServers(c *call, in searchFieldsIn) (any, error) {
	where, err := in.meaning(&resourceServerSchema)
	if err != nil {
		return nil, err
	}
	all, err := c.store.ResourceServers(c.ctx())
	if err != nil {
		return nil, err
	}
	show, err := a.resourceServerView(c)
	if err != nil {
		return nil, err
	}
	n := searched[stagedoor.ResourceServer]{
		key: "resource_servers", sorts: []string{"identifier", "name"},
		id: func(r stagedoor.ResourceServer) string { return r.ID },
		values: func(r stagedoor.ResourceServer) values {
			return newValues(&resourceServerSchema).texts("", map[string]string{"id": r.ID, "identifier": r.Identifier, "name": r.Name})
		},
		each: these(all),
	}
	return n.search(&in.searchIn, where, func(r stagedoor.ResourceServer) (any, error) {
		r.SigningSecret = "" // is not for lists
		return show(&r, in.Fields)
	})
}

func (a *API) searchClientGrants(c *call, in searchFieldsIn) (any, error) {
	where, err := in.meaning(&clientGrantSchema)
	if err != nil {
		return nil, err
	}
	all, err := c.store.ClientGrants(c.ctx())
	if err != nil {
		return nil, err
	}
	organizations, err := c.organizationsOfGrants(where.Mentions("organization_id"))
	if err != nil {
		return nil, err
	}
	n := searched[stagedoor.ClientGrant]{
		key: "client_grants", sorts: []string{"audience"},
		id: func(g stagedoor.ClientGrant) string { return g.ID },
		values: func(g stagedoor.ClientGrant) values {
			v := newValues(&clientGrantSchema).texts("", map[string]string{"id": g.ID, "audience": g.Audience, "client_id": g.ClientID, "subject_type": g.Subject(), "default_for": g.DefaultFor})
			v.of["organization_id"] = organizations[g.ID]
			return v.flags(map[string]bool{"allow_any_organization": g.AllowAnyOrganization != nil && *g.AllowAnyOrganization})
		},
		each: these(all),
	}
	return n.search(&in.searchIn, where, func(g stagedoor.ClientGrant) (any, error) { return in.Pick(g) })
}

func (a *API) searchClients(c *call, in searchFieldsIn) (any, error) {
	schema := c.clientsSchema()
	where, err := in.meaning(schema)
	if err != nil {
		return nil, err
	}
	all, err := c.store.Clients(c.ctx())
	if err != nil {
		return nil, err
	}
	all = slices.Clone(all)
	values, err := c.clientValues(where)
	if err != nil {
		return nil, err
	}
	show, err := a.clientView(c)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b stagedoor.Client) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	n := searched[stagedoor.Client]{
		key: "clients", sorts: known(schema, "name", "updated_at"), id: func(cl stagedoor.Client) string { return cl.ID },
		made: func(cl stagedoor.Client) int64 { return cl.CreatedAt }, values: values, each: these(all),
	}
	leftOut := web.Fields{Names: []string{"client_secret", "encryption_key", "signing_keys", "owners", "addons"}, Include: web.Opt[bool]{Set: true}}
	return n.search(&in.searchIn, where, func(cl stagedoor.Client) (any, error) {
		shown, err := show(&cl)
		if err == nil {
			shown, err = leftOut.Pick(shown)
		}
		if err != nil {
			return nil, err
		}
		return in.Pick(shown)
	})
}
